// The guest: its own handlers, and the turn.
import * as abi from "./abi";
import { holds, takeBack } from "./buffers";
import { connect, disconnect, endpointWants, receive, request, resume, writable } from "./endpoints";
import { WherryError } from "./errors";
import { setDebugging } from "./failure";
import { log } from "./hostcalls";
import { Fault, Start, mustBeEarly, seal, started } from "./life";
import { beginTurn, endTurn, event, mailbox } from "./outbox";
import { timerFired, wantsTimers } from "./timer";

let startHandler: ((start: Start) => WherryError | null) | null = null;
let stopHandler: ((reason: StopReason) => WherryError | null) | null = null;
let faultHandler: ((fault: Fault) => WherryError | null) | null = null;

/** Why an instance is retired. */
export enum StopReason {
  /** Another module takes over. */
  Deploy = 1,
  /** The server ends. */
  Shutdown = 2,
  /** Nothing has happened for a long time. */
  Idle = 3,
}

/** Registers what runs first in the life of an instance. */
export function onStart(handler: (start: Start) => WherryError | null): void {
  mustBeEarly("onStart");
  startHandler = handler;
}

/** Registers what runs when the instance is retired. What it sends goes out before connections end. */
export function onStop(handler: (reason: StopReason) => WherryError | null): void {
  mustBeEarly("onStop");
  stopHandler = handler;
}

/** Registers what is told of commands that were refused. Without it they are in the log. */
export function onFault(handler: (fault: Fault) => WherryError | null): void {
  mustBeEarly("onFault");
  faultHandler = handler;
}

export function wherry_v1_mailbox(): usize {
  seal();
  let wants = endpointWants();
  if (wantsTimers()) wants |= 1 << abi.KIND_TIMER;
  if (stopHandler !== null) wants |= 1 << abi.KIND_STOP;
  return mailbox(wants);
}

export function wherry_v1_turn(events: i32): i32 {
  beginTurn();
  for (let i = 0; i < events; i++) deliver(event(i));
  if (holds()) takeBack(event(0), events);
  return endTurn();
}

/** Handles one event. Kinds that are unknown are for guests that are newer. */
function deliver(record: usize): void {
  const handle = load<u64>(record, abi.RECORD_CONN_OFFSET);
  switch (load<u16>(record)) {
    case abi.KIND_MESSAGE: return receive(handle, record);
    case abi.KIND_CONNECT: return connect(handle, record);
    case abi.KIND_CLOSE: return disconnect(handle, record);
    case abi.KIND_TIMER: return timerFired(load<u64>(record, abi.RECORD_TOKEN_OFFSET));
    case abi.KIND_REQUEST: return request(handle, record);
    case abi.KIND_RESUME: return resume(handle, record);
    case abi.KIND_WRITABLE: return writable(handle);
    case abi.KIND_FAULT: return fault(new Fault(record));
    case abi.KIND_START: return start(record);
    case abi.KIND_STOP: return stop(load<u32>(record, abi.RECORD_CODE_OFFSET));
  }
}

function start(record: usize): void {
  started.read(load<u32>(record, abi.RECORD_DATA_OFFSET), load<u32>(record, abi.RECORD_LEN_OFFSET));
  const debug = started.config("debug");
  if (debug !== null) setDebugging(debug == "1" || debug == "true");
  const handler = startHandler;
  if (handler !== null) logged("on_start", handler(started));
}

function stop(reason: StopReason): void {
  const handler = stopHandler;
  if (handler !== null) logged("on_stop", handler(reason));
}

function fault(fault: Fault): void {
  const handler = faultHandler;
  if (handler !== null) logged("on_fault", handler(fault));
  else if (fault.status != abi.STATUS_CLOSED) log.warn(fault.toString());
}

function logged(operation: string, error: WherryError | null): void {
  if (error !== null) log.error(`${operation}: ${error.toString()}`);
}
