// Query strings and cookies. What clients send is bytes; decoded, what is not
// UTF-8 becomes U+FFFD.
import { Pair } from "./fields";
import { decode, hexDigit } from "./text";

const AMPERSAND: u8 = 0x26;
const EQUALS: u8 = 0x3d;
const SEMICOLON: u8 = 0x3b;
const PLUS: u8 = 0x2b;
const PERCENT: u8 = 0x25;

/** The parameters of a query, decoded, in their order. */
export function parseQuery(at: usize, len: i32): Pair[] {
  const pairs: Pair[] = [];
  const end = at + len;
  while (at < end) {
    const stop = find(AMPERSAND, at, end);
    const equals = find(EQUALS, at, stop);
    if (stop > at) {
      const value = equals < stop ? equals + 1 : stop;
      pairs.push(new Pair(unescape(at, equals), unescape(value, stop)));
    }
    at = stop + 1;
  }
  return pairs;
}

/** Adds the cookies of one header field to pairs. */
export function parseCookies(at: usize, len: i32, pairs: Pair[]): void {
  const end = at + len;
  while (at < end) {
    const stop = find(SEMICOLON, at, end);
    const equals = find(EQUALS, at, stop);
    if (equals < stop) pairs.push(new Pair(trimmed(at, equals), trimmed(equals + 1, stop)));
    at = stop + 1;
  }
}

/** Where the byte is, or end. */
function find(byte: u8, at: usize, end: usize): usize {
  while (at < end && load<u8>(at) != byte) at++;
  return at;
}

/** Text with percent and plus decoded. An escape that is none stays as it is. */
function unescape(at: usize, end: usize): string {
  const bytes = heap.alloc(end - at);
  let to = bytes;
  while (at < end) {
    const b = load<u8>(at);
    const escaped = b == PERCENT && end - at > 2 ? hexDigit(load<u8>(at, 1)) << 4 | hexDigit(load<u8>(at, 2)) : -1;
    store<u8>(to++, escaped >= 0 ? <u8>escaped : b == PLUS ? 0x20 : b);
    at += escaped >= 0 ? 3 : 1;
  }
  const text = decode(bytes, <i32>(to - bytes));
  heap.free(bytes);
  return text;
}

/** Text without the blanks around it. */
function trimmed(at: usize, end: usize): string {
  while (at < end && isBlank(load<u8>(at))) at++;
  while (at < end && isBlank(load<u8>(end - 1))) end--;
  return decode(at, <i32>(end - at));
}

function isBlank(b: u8): bool { return b == 0x20 || b == 9; }
