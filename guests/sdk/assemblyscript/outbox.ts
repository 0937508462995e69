// The mailbox, the inbox and the outbox, and where the bytes of commands stay
// until the turn is over.
import * as abi from "./abi";
import { Span, bytesAt, bytesLength } from "./span";
import { encodeTo } from "./text";

@external("wherry_v1", "flush")
declare function hostFlush(commands: i32): i32;

/** Events and their payloads of one call; change it with --use WHERRY_INBOX_BYTES=n. */
// @ts-ignore: decorator
@inline const INBOX_BYTES: i32 = isDefined(WHERRY_INBOX_BYTES) ? WHERRY_INBOX_BYTES : 262144;
/** Commands between two flushes; change it with --use WHERRY_OUTBOX_RECORDS=n. */
// @ts-ignore: decorator
@inline const OUTBOX_RECORDS: i32 = isDefined(WHERRY_OUTBOX_RECORDS) ? WHERRY_OUTBOX_RECORDS : 2048;
/** What commands between two flushes have staged; change it with --use WHERRY_STAGE_BYTES=n. */
// @ts-ignore: decorator
@inline const STAGE_BYTES: i32 = isDefined(WHERRY_STAGE_BYTES) ? WHERRY_STAGE_BYTES : 65536;

const inbox = memory.data(INBOX_BYTES, 16);
const outbox = memory.data(OUTBOX_RECORDS * 32, 16);
const stageBytes = memory.data(STAGE_BYTES, 16);
const box = memory.data(64, 16);

let used: i32 = 0; // records in the outbox
let staged: i32 = 0; // bytes

/** Payloads that do not fit on the stage are on the heap until the turn is over. */
const LARGE: i32 = 64;
const large = memory.data(64 * 4, 16);
let largeCount: i32 = 0;
let largeBytes: i32 = 0;
/** A guest that sends more than this in one turn has the host take it in parts. */
const LARGE_BYTES: i32 = 4 << 20;

/** Registers the mailbox and returns its address. */
export function mailbox(wants: u32): usize {
  store<u32>(box, <u32>inbox, abi.MAILBOX_INBOX_OFFSET);
  store<u32>(box, INBOX_BYTES, abi.MAILBOX_INBOX_BYTES_OFFSET);
  store<u32>(box, <u32>outbox, abi.MAILBOX_OUTBOX_OFFSET);
  store<u32>(box, OUTBOX_RECORDS, abi.MAILBOX_OUTBOX_RECORDS_OFFSET);
  store<u32>(box, wants, abi.MAILBOX_WANTS_OFFSET);
  return box;
}

/** The address of an event, which the host is told that the guest handles now. */
export function event(index: i32): usize {
  store<u32>(box, index, abi.MAILBOX_CURSOR_OFFSET);
  return inbox + (<usize>index << 5);
}

/** What the commands of the turn before pointed to is not needed any more. */
export function beginTurn(): void {
  if (largeCount) freeLarge();
}

/** Returns how many commands there are, which are the host's then. */
export function endTurn(): i32 {
  const commands = used;
  used = 0;
  staged = 0;
  return commands;
}

function freeLarge(): void {
  for (let i = 0; i < largeCount; i++) heap.free(load<u32>(large + (<usize>i << 2)));
  largeCount = 0;
  largeBytes = 0;
}

/** Has the host apply the commands so far. Those that it refuses come back as faults. */
export function flush(): void {
  hostFlush(used);
  used = 0;
  staged = 0;
  freeLarge();
}

/**
 * Returns len bytes for the next command to point to. That command comes before
 * anything else is staged: to make room everything before it may be flushed.
 */
export function stage(len: i32): usize {
  if (len > STAGE_BYTES) return stageLarge(len);
  // Also when only the outbox is full: the command must not flush its own bytes away.
  if (len > STAGE_BYTES - staged || used == OUTBOX_RECORDS) flush();
  const at = stageBytes + staged;
  staged += len;
  return at;
}

function stageLarge(len: i32): usize {
  if (largeCount == LARGE || largeBytes > LARGE_BYTES || used == OUTBOX_RECORDS) flush();
  const at = heap.alloc(len);
  store<u32>(large + (<usize>largeCount << 2), <u32>at);
  largeCount++;
  largeBytes += len;
  return at;
}

/** Queues a command. */
export function command(kind: u16, flags: u16, code: u32, conn: u64, data: usize, len: i32, token: u64 = 0): void {
  if (used == OUTBOX_RECORDS) flush();
  const record = outbox + (<usize>used << 5);
  used++;
  store<u32>(record, <u32>kind | <u32>flags << 16);
  store<u32>(record, code, abi.RECORD_CODE_OFFSET);
  store<u64>(record, conn, abi.RECORD_CONN_OFFSET);
  store<u32>(record, <u32>data, abi.RECORD_DATA_OFFSET);
  store<u32>(record, len, abi.RECORD_LEN_OFFSET);
  store<u64>(record, token, abi.RECORD_TOKEN_OFFSET);
}

/** Queues a command about text. */
export function commandText(kind: u16, flags: u16, code: u32, conn: u64, text: string): void {
  const len = String.UTF8.byteLength(text);
  const at = stage(len);
  encodeTo(text, at);
  command(kind, flags, code, conn, at, len);
}

/** Queues a command about bytes. A span is where the host left it, and is not copied. */
export function commandBytes<T>(kind: u16, flags: u16, code: u32, conn: u64, bytes: T): void {
  const len = bytesLength<T>(bytes);
  let at = bytesAt<T>(bytes);
  if (!(bytes instanceof Span)) at = copy(at, len);
  command(kind, flags, code, conn, at, len);
}

/** Stages a copy, because the guest may change or drop what is its own before the turn is over. */
export function copy(from: usize, len: i32): usize {
  const at = stage(len);
  memory.copy(at, from, len);
  return at;
}
