// A message, and how a connection ended.
import * as abi from "./abi";
import { Json, JsonNull } from "./json";
import { Span } from "./span";
import { decodeValid } from "./text";

/**
 * A message that arrived. There is one object for all of them, which is empty
 * when the handler has returned: text, or a copy of the bytes, can be kept.
 */
export class Message {
  /** Whether it is text; else it is bytes. */
  isText: bool = false;
  /** What it says, as bytes: text is UTF-8. */
  readonly bytes: Span = new Span();
  /** The value, where the endpoint's encoding is JSON. */
  json: Json = nothing;

  /** The text, decoded each time that it is asked for. */
  get text(): string { return decodeValid(this.bytes.at, this.bytes.length); }

  /** Points the message to an event. */
  set(record: usize): void {
    this.isText = (load<u16>(record, abi.RECORD_FLAGS_OFFSET) & abi.FLAG_TEXT) != 0;
    this.bytes.set(load<u32>(record, abi.RECORD_DATA_OFFSET), load<u32>(record, abi.RECORD_LEN_OFFSET));
  }

  /** Forgets the event. */
  clear(): void {
    this.bytes.set(0, 0);
    this.json = nothing;
  }
}

const nothing = new JsonNull();

/** How a connection ended. */
export class Disconnect {
  private flags: u16;
  /** The close code; 1005 if the peer gave none, 1006 if it vanished. */
  readonly code: u32;
  readonly reason: string;

  constructor(record: usize) {
    this.flags = load<u16>(record, abi.RECORD_FLAGS_OFFSET);
    this.code = load<u32>(record, abi.RECORD_CODE_OFFSET);
    this.reason = decodeValid(load<u32>(record, abi.RECORD_DATA_OFFSET), load<u32>(record, abi.RECORD_LEN_OFFSET));
  }

  /** Close frames went both ways. */
  get clean(): bool { return (this.flags & abi.FLAG_CLEAN) != 0; }
  /** The client began it, or vanished. */
  get byPeer(): bool { return (this.flags & abi.FLAG_BY_PEER) != 0; }
  /** The guest began it. */
  get byGuest(): bool { return (this.flags & abi.FLAG_BY_GUEST) != 0; }
  /** The host began it. */
  get byHost(): bool { return (this.flags & abi.FLAG_BY_HOST) != 0; }
  /** The handshake had been accepted. */
  get opened(): bool { return (this.flags & abi.FLAG_OPENED) != 0; }
}
