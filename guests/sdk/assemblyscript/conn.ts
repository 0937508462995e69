// A connection, from the handshake on.
import * as abi from "./abi";
import { Endpoint } from "./endpoint";
import { ArgumentError, StateError, WherryError } from "./errors";
import { Headers } from "./fields";
import { Json } from "./json";
import { JsonWriter } from "./json_writer";
import { Message } from "./message";
import { command, commandBytes, commandText, copy } from "./outbox";
import { Phase } from "./phase";
import { accept, checkHeaders, detailBody, respond, respondBytes } from "./response";
import { bytesAt, bytesLength } from "./span";
import { cutText } from "./text";

/**
 * A connection. What is asked of it in the wrong phase makes no command and
 * returns a StateError; a value that no command can have returns an ArgumentError.
 */
export class Conn {
  /** Where it is in its life. After accept it is open at once. */
  phase: Phase = Phase.Connecting;
  /** The guest's own value, dropped after onDisconnect. */
  state: Object | null = null;
  /** Whether onDisconnect will be called: the endpoint has met the connection. */
  met: bool = false;
  /** The subprotocols that were offered, while the handshake waits. */
  offered: string[] = [];
  private attached: Uint8Array | null = null;

  constructor(
    /** The number by which the host knows it. */
    readonly handle: u64,
    readonly endpoint: Endpoint,
    /** The pattern of the route that it came by. */
    readonly route: string,
  ) {}

  /** Lets the connection in. An empty subprotocol picks none. */
  accept(subprotocol: string = "", headers: Headers | null = null): WherryError | null {
    if (this.phase != Phase.Connecting) return new StateError("accept", this.phase);
    if (subprotocol.length && !this.offered.includes(subprotocol)) {
      return new ArgumentError("accept", `subprotocol ${subprotocol} was not offered`);
    }
    const error = checkHeaders("accept", headers);
    if (error !== null) return error;
    accept(this.handle, subprotocol, headers);
    this.phase = Phase.Open;
    this.offered = [];
    this.met = true;
    return null;
  }

  /** Refuses the handshake with an HTTP status. */
  deny(status: u32, headers: Headers | null = null, body: string = ""): WherryError | null {
    return this.denyAs(status, "", headers, body);
  }

  /** Refuses the handshake with a body of a content type. */
  denyAs(status: u32, contentType: string, headers: Headers | null, body: string): WherryError | null {
    if (this.phase != Phase.Connecting) return new StateError("deny", this.phase);
    const error = respond("deny", this.handle, status, contentType, headers, body);
    if (error === null) this.phase = Phase.Closing;
    return error;
  }

  /** Refuses the handshake with a body of bytes. */
  denyBytes<T>(status: u32, headers: Headers | null, body: T): WherryError | null {
    if (this.phase != Phase.Connecting) return new StateError("deny", this.phase);
    const error = respondBytes<T>("deny", this.handle, status, headers, body);
    if (error === null) this.phase = Phase.Closing;
    return error;
  }

  /** Refuses the handshake with {"detail":"..."}; an empty detail is the standard phrase of the status. */
  denyDetail(status: u32, detail: string = "", headers: Headers | null = null): WherryError | null {
    return this.denyAs(status, "application/json", headers, detailBody(status, detail));
  }

  /**
   * Closes the connection after what was sent before. A reason over 123 bytes is
   * cut. While the handshake waits it is refused with 403, and onDisconnect sees the code.
   */
  close(code: u32 = abi.CLOSE_NORMAL, reason: string = ""): WherryError | null {
    if (this.phase > Phase.Open) return new StateError("close", this.phase);
    if (this.phase == Phase.Open ? !isSendable(code) : code > 0xffff) {
      return new ArgumentError("close", `code ${code} cannot be sent`);
    }
    commandText(abi.KIND_CLOSE, 0, code, this.handle, cutText(reason, abi.MAX_REASON));
    this.phase = Phase.Closing;
    return null;
  }

  /** Sends a message back, or on to somebody else, as it came: nothing is copied or allocated. */
  send(message: Message): WherryError | null {
    if (this.phase != Phase.Open) return new StateError("send", this.phase);
    const bytes = message.bytes;
    command(abi.KIND_MESSAGE, message.isText ? abi.FLAG_TEXT : 0, 0, this.handle, bytes.at, bytes.length);
    return null;
  }

  sendText(text: string): WherryError | null {
    if (this.phase != Phase.Open) return new StateError("send", this.phase);
    commandText(abi.KIND_MESSAGE, abi.FLAG_TEXT, 0, this.handle, text);
    return null;
  }

  /** Sends a Span, Uint8Array, StaticArray<u8> or ArrayBuffer. */
  sendBytes<T>(bytes: T): WherryError | null {
    if (this.phase != Phase.Open) return new StateError("send", this.phase);
    commandBytes<T>(abi.KIND_MESSAGE, 0, 0, this.handle, bytes);
    return null;
  }

  /** Sends JSON: a Json, or what Json.of makes one of. */
  sendJson<T>(value: T): WherryError | null {
    if (this.phase != Phase.Open) return new StateError("send", this.phase);
    const writer = new JsonWriter();
    const error = Json.of<T>(value).write(writer);
    if (error !== null) return error;
    const at = copy(writer.at, writer.length);
    command(abi.KIND_MESSAGE, abi.FLAG_TEXT, 0, this.handle, at, writer.length);
    return null;
  }

  /** Leaves bytes with the connection, for onResume, in place of what was left before. None removes it. */
  attach<T>(bytes: T): WherryError | null {
    if (this.phase > Phase.Open) return new StateError("attach", this.phase);
    const length = bytesLength<T>(bytes);
    if (<u32>length > abi.MAX_ATTACHMENT) return new ArgumentError("attach", `attachment of ${length} bytes`);
    this.keep(bytesAt<T>(bytes), length);
    commandBytes<T>(abi.KIND_ATTACH, 0, 0, this.handle, bytes);
    return null;
  }

  /** Leaves text with the connection. */
  attachText(text: string): WherryError | null {
    return this.attach(String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE));
  }

  /** What was attached; null if nothing was. */
  attachment(): Uint8Array | null { return this.attached; }

  /** What was attached, as text. */
  attachmentText(): string {
    const attached = this.attached;
    return attached === null ? "" : String.UTF8.decodeUnsafe(attached.dataStart, attached.byteLength);
  }

  /** Keeps a copy of what is attached. */
  keep(at: usize, length: i32): void {
    if (!length) {
      this.attached = null;
      return;
    }
    const attached = new Uint8Array(length);
    memory.copy(attached.dataStart, at, length);
    this.attached = attached;
  }
}

/** Whether a close frame can have the code. */
function isSendable(code: u32): bool {
  if (code >= 3000) return code <= 4999;
  if (code >= 1007) return code <= 1014 && code != abi.CLOSE_MANDATORY_EXTENSION;
  return code >= 1000 && code <= 1003;
}
