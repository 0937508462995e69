// The life of the instance: what it is told at the start, and which of its
// commands were refused.
import * as abi from "./abi";
import { FieldReader, Pair } from "./fields";

let sealed: bool = false;

/** The host asks for the mailbox, where it is said what the guest wants. */
export function seal(): void { sealed = true; }

/** What is registered is registered before that: at the top of a file. */
export function mustBeEarly(call: string): void {
  assert(!sealed, call + " comes before the guest starts: call it at the top of a file");
}

/** What the host says at the start. */
export class Start {
  tenant: string = "";
  /** Unique in the host's process. */
  instance: string = "";
  /** The largest message, in bytes; 0 if the host did not say. */
  maxMessage: u64 = 0;
  readonly values: Pair[] = [];

  /** A value of the configuration; null if there is none. */
  config(name: string): string | null {
    for (let i = 0; i < this.values.length; i++) {
      if (this.values[i].name == name) return this.values[i].value;
    }
    return null;
  }

  /** Reads a start event. */
  read(at: usize, len: u32): void {
    const fields = new FieldReader(at, len);
    while (fields.next()) {
      if (fields.is(abi.FIELD_TENANT)) this.tenant = fields.value();
      else if (fields.is(abi.FIELD_INSTANCE)) this.instance = fields.value();
      else if (fields.is(abi.FIELD_MAX_MESSAGE)) this.maxMessage = U64.parseInt(fields.value());
      else this.readConfig(fields);
    }
  }

  private readConfig(fields: FieldReader): void {
    const name = fields.name();
    if (!name.startsWith(abi.FIELD_CONFIG)) return;
    this.values.push(new Pair(name.substring(abi.FIELD_CONFIG.length), fields.value()));
  }
}

/** What the host said at the start; empty before that. */
export const started = new Start();

/** A value of the configuration, from the start on; null if there is none. */
export function config(name: string): string | null { return started.config(name); }

/** A command that the host refused. */
export class Fault {
  /** The kind of the command, KIND_... */
  readonly kind: u16;
  /** Why, STATUS_... */
  readonly status: u32;
  /** The connection or request that it was for; 0 if it was for none. */
  readonly handle: u64;

  constructor(record: usize) {
    this.kind = load<u16>(record, abi.RECORD_FLAGS_OFFSET);
    this.status = load<u32>(record, abi.RECORD_CODE_OFFSET);
    this.handle = load<u64>(record, abi.RECORD_CONN_OFFSET);
  }

  /** The fault in words. */
  toString(): string { return `${kindName(this.kind)} refused: ${statusName(this.status)}`; }
}

function kindName(kind: u16): string {
  switch (kind) {
    case abi.KIND_READY: return "ready";
    case abi.KIND_ACCEPT: return "accept";
    case abi.KIND_MESSAGE: return "message";
    case abi.KIND_CLOSE: return "close";
    case abi.KIND_REJECT: return "reject";
    case abi.KIND_TIMER: return "timer";
    case abi.KIND_SUBSCRIBE: return "subscribe";
    case abi.KIND_UNSUBSCRIBE: return "unsubscribe";
    case abi.KIND_PUBLISH: return "publish";
    case abi.KIND_ATTACH: return "attach";
    case abi.KIND_RESPOND: return "respond";
    case abi.KIND_CALL: return "call";
    default: return kind.toString();
  }
}

function statusName(status: u32): string {
  switch (status) {
    case abi.STATUS_OK: return "ok";
    case abi.STATUS_CLOSED: return "closed";
    case abi.STATUS_WOULD_BLOCK: return "would_block";
    case abi.STATUS_TOO_BIG: return "too_big";
    case abi.STATUS_INVALID: return "invalid";
    case abi.STATUS_DENIED: return "denied";
    case abi.STATUS_NOT_FOUND: return "not_found";
    case abi.STATUS_BUSY: return "busy";
    case abi.STATUS_UNSUPPORTED: return "unsupported";
    default: return status.toString();
  }
}
