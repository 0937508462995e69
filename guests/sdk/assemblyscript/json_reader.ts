// Reads JSON from UTF-8.
import { JSON_DEPTH, Json, JsonArray, JsonBool, JsonFloat, JsonInt, JsonNull, JsonObject, JsonString } from "./json";
import { decode, encodeTo, hexDigit, isDigit } from "./text";

const QUOTE: u8 = 0x22;
const BACKSLASH: u8 = 0x5c;
const MINUS: u8 = 0x2d;

/** Reads the bytes; null if they are not JSON. */
export function readJson(at: usize, len: i32): Json | null {
  const reader = new JsonReader(at, at + len);
  const value = reader.value();
  reader.skipBlanks();
  return reader.at == reader.end ? value : null;
}

/** Where a reader stands. What reads a value returns null where there is none. */
class JsonReader {
  private depth: i32 = 0;

  constructor(public at: usize, readonly end: usize) {}

  value(): Json | null {
    this.skipBlanks();
    if (this.at == this.end) return null;
    switch (load<u8>(this.at)) {
      case 0x7b: return this.object();
      case 0x5b: return this.array();
      case 0x22: {
        const text = this.string();
        return text === null ? null : new JsonString(text);
      }
      case 0x74: return this.word("true") ? new JsonBool(true) : null;
      case 0x66: return this.word("false") ? new JsonBool(false) : null;
      case 0x6e: return this.word("null") ? new JsonNull() : null;
      default: return this.number();
    }
  }

  skipBlanks(): void {
    while (this.at < this.end) {
      const b = load<u8>(this.at);
      if (b != 0x20 && b != 0x0a && b != 0x0d && b != 0x09) return;
      this.at++;
    }
  }

  /** Takes the byte if it is the next one that is not blank. */
  private take(byte: u8): bool {
    this.skipBlanks();
    if (this.at == this.end || load<u8>(this.at) != byte) return false;
    this.at++;
    return true;
  }

  private word(word: string): bool {
    if (this.end - this.at < <usize>word.length) return false;
    for (let i = 0; i < word.length; i++) {
      if (load<u8>(this.at + i) != <u32>word.charCodeAt(i)) return false;
    }
    this.at += word.length;
    return true;
  }

  private array(): Json | null {
    const array = new JsonArray();
    if (++this.depth > JSON_DEPTH) return null;
    this.at++;
    if (!this.take(0x5d)) {
      do {
        const value = this.value();
        if (value === null) return null;
        array.push(value);
      } while (this.take(0x2c));
      if (!this.take(0x5d)) return null;
    }
    this.depth--;
    return array;
  }

  private object(): Json | null {
    const object = new JsonObject();
    if (++this.depth > JSON_DEPTH) return null;
    this.at++;
    if (!this.take(0x7d)) {
      do {
        if (!this.member(object)) return null;
      } while (this.take(0x2c));
      if (!this.take(0x7d)) return null;
    }
    this.depth--;
    return object;
  }

  private member(object: JsonObject): bool {
    this.skipBlanks();
    if (this.at == this.end || load<u8>(this.at) != QUOTE) return false;
    const key = this.string();
    if (key === null || !this.take(0x3a)) return false;
    const value = this.value();
    if (value === null) return false;
    object.add(key, value);
    return true;
  }

  /** Reads a string, at whose first quote the reader stands. */
  private string(): string | null {
    const start = ++this.at;
    while (this.at < this.end) {
      const b = load<u8>(this.at);
      if (b == QUOTE) return decode(start, <i32>(this.at++ - start));
      if (b == BACKSLASH) return this.escapedString(start);
      if (b < 0x20) return null;
      this.at++;
    }
    return null;
  }

  /** Reads a string that has an escape. Decoded it is never longer than it was. */
  private escapedString(start: usize): string | null {
    const bytes = heap.alloc(this.end - start);
    let to = bytes;
    let text: string | null = null;
    this.at = start;
    while (this.at < this.end) {
      const b = load<u8>(this.at++);
      if (b == QUOTE) {
        text = decode(bytes, <i32>(to - bytes));
        break;
      }
      if (b < 0x20) break;
      if (b != BACKSLASH) {
        store<u8>(to++, b);
        continue;
      }
      const size = this.escape(to);
      if (!size) break;
      to += size;
    }
    heap.free(bytes);
    return text;
  }

  /** Decodes what follows a backslash; returns its bytes, 0 if it is no escape. */
  private escape(to: usize): i32 {
    if (this.at == this.end) return 0;
    const b = load<u8>(this.at++);
    let c: u8 = 0;
    switch (b) {
      case 0x22:
      case 0x5c:
      case 0x2f: c = b; break;
      case 0x62: c = 8; break;
      case 0x66: c = 12; break;
      case 0x6e: c = 10; break;
      case 0x72: c = 13; break;
      case 0x74: c = 9; break;
      case 0x75: return this.unicode(to);
      default: return 0;
    }
    store<u8>(to, c);
    return 1;
  }

  /** Decodes the digits of one or, for a pair of surrogates, two escapes. */
  private unicode(to: usize): i32 {
    let c = this.hex4(this.at);
    if (c < 0) return 0;
    this.at += 4;
    if ((c & 0xfc00) == 0xd800) c = this.pair(c);
    if ((c & 0xfffff800) == 0xd800) c = 0xfffd;
    return encodeTo(String.fromCodePoint(c), to);
  }

  /** What a high surrogate and what follows it are together. */
  private pair(high: i32): i32 {
    if (this.end - this.at < 6 || load<u16>(this.at) != 0x755c) return high;
    const low = this.hex4(this.at + 2);
    if ((low & 0xfffffc00) != 0xdc00) return high;
    this.at += 6;
    return 0x10000 + ((high & 0x3ff) << 10 | (low & 0x3ff));
  }

  private hex4(at: usize): i32 {
    if (at + 4 > this.end) return -1;
    let c = 0;
    for (let i = 0; i < 4; i++) {
      const digit = hexDigit(load<u8>(at + i));
      if (digit < 0) return -1;
      c = c << 4 | digit;
    }
    return c;
  }

  private number(): Json | null {
    const start = this.at;
    const negative = load<u8>(this.at) == MINUS;
    if (negative) this.at++;
    const digits = this.at;
    if (!this.skipDigits() || load<u8>(digits) == 0x30 && this.at - digits > 1) return null;
    const integer = this.at;
    if (this.at < this.end && load<u8>(this.at) == 0x2e) {
      this.at++;
      if (!this.skipDigits()) return null;
    }
    if (this.at < this.end && (load<u8>(this.at) | 0x20) == 0x65 && !this.skipExponent()) return null;
    if (this.at == integer) {
      const exact = integerOf(digits, integer, negative);
      if (exact !== null) return exact;
    }
    const value = parseFloat(decode(start, <i32>(this.at - start)));
    return isFinite(value) ? new JsonFloat(value) : null;
  }

  private skipExponent(): bool {
    this.at++;
    if (this.at < this.end) {
      const sign = load<u8>(this.at);
      if (sign == MINUS || sign == 0x2b) this.at++;
    }
    return this.skipDigits();
  }

  /** Skips digits, of which there must be one. */
  private skipDigits(): bool {
    const start = this.at;
    while (this.at < this.end && isDigit(load<u8>(this.at))) this.at++;
    return this.at > start;
  }
}

/** The integer of the digits; null if it does not fit in 64 bits, signed, or is -0. */
function integerOf(at: usize, end: usize, negative: bool): Json | null {
  const limit: u64 = negative ? 1 << 63 : <u64>i64.MAX_VALUE;
  let value: u64 = 0;
  for (; at < end; at++) {
    const digit = <u64>load<u8>(at) - 0x30;
    if (value > (limit - digit) / 10) return null;
    value = value * 10 + digit;
  }
  if (negative && value == 0) return null;
  return new JsonInt(negative ? -<i64>value : <i64>value);
}
