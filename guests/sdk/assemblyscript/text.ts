// Text: strings are UTF-16 here and UTF-8 everywhere else.

/** Writes text as UTF-8 to at, where String.UTF8.byteLength(text) bytes are free; returns how many. */
export function encodeTo(text: string, at: usize): i32 {
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, at, false, String.UTF8.ErrorMode.REPLACE);
}

/** The string of bytes that are known to be UTF-8, such as a message that is text. */
export function decodeValid(at: usize, len: i32): string {
  return String.UTF8.decodeUnsafe(at, len);
}

/** The string of any bytes: each that is no part of a character becomes U+FFFD. */
export function decode(at: usize, len: i32): string {
  const text = changetype<string>(__new(<usize>len << 1, idof<string>()));
  const start = changetype<usize>(text);
  let to = start;
  const end = at + len;
  while (at < end) {
    const size = characterBytes(at, end);
    const c = size ? codePoint(at, size) : 0xfffd;
    at += max(size, 1);
    if (c < 0x10000) {
      store<u16>(to, c);
      to += 2;
    } else {
      store<u32>(to, ((c - 0x10000) >> 10) | 0xd800 | ((((c - 0x10000) & 0x3ff) | 0xdc00) << 16));
      to += 4;
    }
  }
  return changetype<string>(__renew(start, to - start));
}

/** How many bytes the character at the address has, or 0 if it is none. */
function characterBytes(at: usize, end: usize): i32 {
  const b = <u32>load<u8>(at);
  if (b < 0x80) return 1;
  const size = b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
  // 0xc0 and 0xc1 begin what is too long for its character, and nothing begins above 0xf4.
  if (b < 0xc2 || b > 0xf4 || at + size > end) return 0;
  for (let i = 1; i < size; i++) {
    if ((load<u8>(at + i) & 0xc0) != 0x80) return 0;
  }
  const c = codePoint(at, size);
  if (size == 3) return c < 0x800 || (c & 0xf800) == 0xd800 ? 0 : 3;
  if (size == 4) return c < 0x10000 || c > 0x10ffff ? 0 : 4;
  return 2;
}

function codePoint(at: usize, size: i32): u32 {
  const b = <u32>load<u8>(at);
  if (size == 1) return b;
  let c = b & (0x7f >> size);
  for (let i = 1; i < size; i++) c = c << 6 | (load<u8>(at + i) & 0x3f);
  return c;
}

/** The most bytes of what is at the address, up to limit, that do not cut a character. */
export function wholeBytes(at: usize, len: i32, limit: i32): i32 {
  if (len <= limit) return len;
  let cut = limit;
  while (cut > 0 && (load<u8>(at + cut) & 0xc0) == 0x80) cut--;
  return cut;
}

/** Text, cut to at most limit bytes of UTF-8. */
export function cutText(text: string, limit: i32): string {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.codePointAt(i);
    bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (bytes > limit) return text.substring(0, i);
    if (c >= 0x10000) i++;
  }
  return text;
}

/** Whether the bytes are text, as UTF-8. */
export function equalText(at: usize, len: i32, text: string): bool {
  // What is not ASCII has fewer units than bytes.
  if (len != text.length) return len > text.length && len == String.UTF8.byteLength(text) && decode(at, len) == text;
  for (let i = 0; i < len; i++) {
    if (load<u8>(at + i) != <u32>text.charCodeAt(i)) return false;
  }
  return true;
}

/** Text with A to Z made small. Other letters do not occur in names of fields. */
export function lowerASCII(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (isUpper(text.charCodeAt(i))) return lowered(text);
  }
  return text;
}

function lowered(text: string): string {
  let lower = "";
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    lower += String.fromCharCode(isUpper(c) ? c | 0x20 : c);
  }
  return lower;
}

function isUpper(c: i32): bool { return c >= 0x41 && c <= 0x5a; }

/** Whether c is 0 to 9. */
export function isDigit(c: i32): bool { return c >= 0x30 && c <= 0x39; }

/** The value of a hexadecimal digit, or -1. */
export function hexDigit(c: i32): i32 {
  if (isDigit(c)) return c - 0x30;
  const lower = c | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
