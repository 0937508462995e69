// What the types of parameters accept.
import { hexDigit, isDigit, lowerASCII } from "./text";

/** What was read of one parameter. */
export class Value {
  present: bool = false;
  text: string = "";
  int: i64 = 0;
  float: f64 = 0;
  bool: bool = false;
}

function isSign(c: i32): bool { return c == 0x2b || c == 0x2d; }

/** Reads an integer of 64 bits. */
export function readInt(text: string, value: Value): bool {
  const signed = text.length > 0 && isSign(text.charCodeAt(0));
  const negative = signed && text.charCodeAt(0) == 0x2d;
  const start = signed ? 1 : 0;
  if (start == text.length) return false;
  const limit: u64 = negative ? 1 << 63 : <u64>i64.MAX_VALUE;
  let n: u64 = 0;
  for (let i = start; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (!isDigit(c)) return false;
    const digit = <u64>(c - 0x30);
    if (n > (limit - digit) / 10) return false;
    n = n * 10 + digit;
  }
  value.int = negative ? -<i64>n : <i64>n;
  return true;
}

/** Reads a finite number. */
export function readFloat(text: string, value: Value): bool {
  if (!isDecimal(text)) return false;
  value.float = parseFloat(text);
  return isFinite(value.float);
}

/** Whether text is digits, behind an optional sign, with an optional fraction and exponent. */
function isDecimal(text: string): bool {
  const integer = text.length > 0 && isSign(text.charCodeAt(0)) ? 1 : 0;
  let i = skipDigits(text, integer);
  if (i == integer) return false;
  if (i < text.length && text.charCodeAt(i) == 0x2e) {
    const fraction = ++i;
    i = skipDigits(text, i);
    if (i == fraction) return false;
  }
  if (i < text.length && (text.charCodeAt(i) | 0x20) == 0x65) {
    i++;
    if (i < text.length && isSign(text.charCodeAt(i))) i++;
    const exponent = i;
    i = skipDigits(text, i);
    if (i == exponent) return false;
  }
  return i == text.length;
}

function skipDigits(text: string, from: i32): i32 {
  while (from < text.length && isDigit(text.charCodeAt(from))) from++;
  return from;
}

/** Reads one of the words for yes and no. */
export function readBool(text: string, value: Value): bool {
  const word = lowerASCII(text);
  value.bool = ["true", "1", "yes", "on", "t", "y"].includes(word);
  return value.bool || ["false", "0", "no", "off", "f", "n"].includes(word);
}

/** Whether text is 8-4-4-4-12 hexadecimal digits. */
export function isUuid(text: string): bool {
  if (text.length != 36) return false;
  for (let i = 0; i < 36; i++) {
    const c = text.charCodeAt(i);
    const dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? c != 0x2d : hexDigit(c) < 0) return false;
  }
  return true;
}
