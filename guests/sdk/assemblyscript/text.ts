// Text: strings are UTF-16 here and UTF-8 everywhere else.

/** How many bytes text has as UTF-8. */
export function utf8Length(text: string): i32 {
  let from = changetype<usize>(text);
  const end = from + (<usize>text.length << 1);
  let bytes = text.length;
  while (from < end) {
    if (ASC_FEATURE_SIMD) {
      while (end - from >= 16 && !v128.any_true(v128.and(v128.load(from), i16x8.splat(~0x7f)))) from += 16;
    }
    // Eight at least, where it is worth while to look for ASCII again.
    for (const stop = min(from + 16, end); from < stop; from += 2) {
      const c = load<u16>(from);
      if (c < 0x80) continue;
      // A pair of surrogates has four bytes, two for each.
      bytes += c < 0x800 || isPaired(c, from, changetype<usize>(text), end) ? 1 : 2;
    }
  }
  return bytes;
}

/** Whether a unit of UTF-16 is one half of a pair of surrogates. */
function isPaired(c: u16, at: usize, start: usize, end: usize): bool {
  if ((c & 0xfc00) == 0xd800) return at + 2 < end && (load<u16>(at, 2) & 0xfc00) == 0xdc00;
  return (c & 0xfc00) == 0xdc00 && at > start && (load<u16>(at - 2) & 0xfc00) == 0xd800;
}

/**
 * Writes text as UTF-8 to at, where utf8Length(text) bytes are free, and
 * returns how many it wrote. Half a pair of surrogates becomes U+FFFD.
 */
export function encodeTo(text: string, at: usize): i32 {
  let from = changetype<usize>(text);
  const end = from + (<usize>text.length << 1);
  let to = at;
  while (from < end) {
    const ascii = narrow(from, end, to);
    from += ascii << 1;
    to += ascii;
    if (from == end) break;
    // Up to the next ASCII: the library knows the rest of UTF-8.
    const start = from;
    while (from < end && load<u16>(from) >= 0x80) from += 2;
    to += String.UTF8.encodeUnsafe(start, <i32>((from - start) >> 1), to, false, String.UTF8.ErrorMode.REPLACE);
  }
  return <i32>(to - at);
}

/** Writes the ASCII that is in front of UTF-16 to at; returns how many characters. */
function narrow(from: usize, end: usize, to: usize): usize {
  const start = to;
  if (ASC_FEATURE_SIMD) {
    while (end - from >= 32) {
      const a = v128.load(from);
      const b = v128.load(from, 16);
      if (v128.any_true(v128.and(v128.or(a, b), i16x8.splat(~0x7f)))) break;
      v128.store(to, i8x16.narrow_i16x8_u(a, b));
      from += 32;
      to += 16;
    }
  }
  while (from < end && load<u16>(from) < 0x80) {
    store<u8>(to, load<u16>(from));
    from += 2;
    to++;
  }
  return to - start;
}

/** The string of any bytes: each that is no part of a character becomes U+FFFD. */
export function decode(at: usize, len: i32): string {
  const text = changetype<string>(__new(<usize>len << 1, idof<string>()));
  const start = changetype<usize>(text);
  let to = start;
  const end = at + len;
  while (at < end) {
    const ascii = widen(at, end, to);
    at += ascii;
    to += ascii << 1;
    if (at == end) break;
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
  return to - start == <usize>len << 1 ? text : changetype<string>(__renew(start, to - start));
}

/** Writes the ASCII in front as UTF-16 to an address; returns how many bytes it read. */
function widen(at: usize, end: usize, to: usize): usize {
  const start = at;
  if (ASC_FEATURE_SIMD) {
    while (end - at >= 16) {
      const bytes = v128.load(at);
      if (i8x16.bitmask(bytes)) break;
      v128.store(to, i16x8.extend_low_i8x16_u(bytes));
      v128.store(to, i16x8.extend_high_i8x16_u(bytes), 16);
      at += 16;
      to += 32;
    }
  }
  while (at < end && load<u8>(at) < 0x80) {
    store<u16>(to, load<u8>(at));
    at++;
    to += 2;
  }
  return at - start;
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
  if (len != text.length) return len > text.length && len == utf8Length(text) && decode(at, len) == text;
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
