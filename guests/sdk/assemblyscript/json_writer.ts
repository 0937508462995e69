// Writes JSON as UTF-8, without blanks.
import { decodeValid, encodeTo } from "./text";

/** The depth at which a writer says no; JSON_DEPTH in json.ts is the same number. */
const DEPTH: i32 = 64;
const HEX = "0123456789abcdef";
const BACKSLASH: u8 = 0x5c;

/** Text in the making. */
export class JsonWriter {
  private bytes: ArrayBuffer = new ArrayBuffer(64);
  /** Bytes written. */
  length: i32 = 0;
  private depth: i32 = 0;

  /** The address of what was written, until more is. */
  get at(): usize { return changetype<usize>(this.bytes); }

  /** The text that was written. */
  take(): string { return decodeValid(this.at, this.length); }

  /** Begins an array or object; false if that is one level too many. */
  enter(): bool { return ++this.depth <= DEPTH; }

  /** Ends it. */
  leave(): void { this.depth--; }

  /** Writes one byte. */
  byte(b: u8): void {
    store<u8>(this.room(1), b);
    this.length++;
  }

  /** Writes text as it is. */
  raw(text: string): void {
    const len = String.UTF8.byteLength(text);
    encodeTo(text, this.room(len));
    this.length += len;
  }

  /** Writes a string with its quotes and escapes. */
  string(text: string): void {
    this.byte(0x22);
    let start = 0;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c >= 0x20 && c != 0x22 && c != BACKSLASH) continue;
      if (i > start) this.raw(text.substring(start, i));
      this.escape(c);
      start = i + 1;
    }
    this.raw(start ? text.substring(start) : text);
    this.byte(0x22);
  }

  private escape(c: i32): void {
    this.byte(BACKSLASH);
    switch (c) {
      case 0x22:
      case 0x5c: return this.byte(<u8>c);
      case 0x08: return this.byte(0x62);
      case 0x0c: return this.byte(0x66);
      case 0x0a: return this.byte(0x6e);
      case 0x0d: return this.byte(0x72);
      case 0x09: return this.byte(0x74);
    }
    this.raw("u00");
    this.byte(<u8>HEX.charCodeAt(c >> 4));
    this.byte(<u8>HEX.charCodeAt(c & 15));
  }

  /** Makes room for so many bytes, and returns where they go. */
  private room(bytes: i32): usize {
    const needed = this.length + bytes;
    if (needed > this.bytes.byteLength) {
      const grown = new ArrayBuffer(max(needed, 2 * this.bytes.byteLength));
      memory.copy(changetype<usize>(grown), this.at, this.length);
      this.bytes = grown;
    }
    return this.at + this.length;
  }
}
