// Rooms: topics of the host, which sends to all who are in one.
import * as abi from "./abi";
import { Conn } from "./conn";
import { ArgumentError, StateError, WherryError } from "./errors";
import { Json } from "./json";
import { JsonWriter } from "./json_writer";
import { command, commandText, stage } from "./outbox";
import { Phase } from "./phase";
import { bytesAt, bytesLength } from "./span";
import { encodeTo } from "./text";

/**
 * A room, by its name of 1 to 256 bytes. It exists as long as somebody is in it,
 * and keeps its members when the instance is replaced.
 */
export class Room {
  private nameBytes: i32;

  constructor(readonly name: string) {
    this.nameBytes = String.UTF8.byteLength(name);
  }

  /** The connection gets what is broadcast from now on. It leaves when it ends. */
  join(conn: Conn): WherryError | null { return this.member(conn, abi.KIND_SUBSCRIBE, "join"); }

  /** The connection gets nothing more. */
  leave(conn: Conn): WherryError | null { return this.member(conn, abi.KIND_UNSUBSCRIBE, "leave"); }

  /** Sends text to all in the room, but for one if it is given. */
  broadcastText(text: string, except: Conn | null = null): WherryError | null {
    const error = this.check("broadcast");
    if (error !== null) return error;
    const len = String.UTF8.byteLength(text);
    const at = this.publish(abi.FLAG_TEXT, len, except);
    encodeTo(text, at);
    return null;
  }

  /** Sends a Span, Uint8Array, StaticArray<u8> or ArrayBuffer. */
  broadcastBytes<T>(bytes: T, except: Conn | null = null): WherryError | null {
    const error = this.check("broadcast");
    if (error !== null) return error;
    const len = bytesLength<T>(bytes);
    const at = this.publish(0, len, except);
    memory.copy(at, bytesAt<T>(bytes), len);
    return null;
  }

  /** Sends JSON. */
  broadcastJson<T>(value: T, except: Conn | null = null): WherryError | null {
    const failed = this.check("broadcast");
    if (failed !== null) return failed;
    const writer = new JsonWriter();
    const error = Json.of<T>(value).write(writer);
    if (error !== null) return error;
    const at = this.publish(abi.FLAG_TEXT, writer.length, except);
    memory.copy(at, writer.at, writer.length);
    return null;
  }

  private member(conn: Conn, kind: u16, operation: string): WherryError | null {
    if (conn.phase > Phase.Open) return new StateError(operation, conn.phase);
    const error = this.check(operation);
    if (error !== null) return error;
    commandText(kind, 0, 0, conn.handle, this.name);
    return null;
  }

  private check(operation: string): WherryError | null {
    if (<u32>this.nameBytes - 1 < abi.MAX_TOPIC) return null;
    return new ArgumentError(operation, `topic of ${this.nameBytes} bytes`);
  }

  /** Queues a message of so many bytes to the room, and returns where they go. */
  private publish(flags: u16, len: i32, except: Conn | null): usize {
    const at = stage(this.nameBytes + len);
    encodeTo(this.name, at);
    if (except === null) command(abi.KIND_PUBLISH, flags, this.nameBytes, 0, at, this.nameBytes + len);
    else command(abi.KIND_PUBLISH, flags | abi.FLAG_EXCEPT, this.nameBytes, except.handle, at, this.nameBytes + len);
    return at + this.nameBytes;
  }
}
