// Text: strings are UTF-16 here and UTF-8 everywhere else.

// Conversion goes by runs of characters of one size, each in a small loop: a host
// that counts instructions counts all that is in one. ASCII goes in vectors of
// sixteen bytes, where the compiler was told that there are any.

/** Where the units of a string begin. */
// @ts-ignore: decorator
@inline
function unitsOf(text: string): usize { return changetype<usize>(text); }

/** How many bytes text has as UTF-8. */
export function utf8Length(text: string): i32 { return text.length + extraBytes(unitsOf(text), text.length); }

/** How many bytes UTF-8 has more than UTF-16 has units. */
function extraBytes(at: usize, units: i32): i32 {
  const end = at + (<usize>units << 1);
  let extra = 0;
  while (at < end) {
    if (ASC_FEATURE_SIMD) {
      while (at + 32 <= end && !v128.any_true(v128.and(v128.or(v128.load(at), v128.load(at, 16)), i16x8.splat(~0x7f)))) at += 32;
    }
    while (at < end && load<u16>(at) < 0x80) at += 2;
    while (at < end && <u32>load<u16>(at) - 0x80 < 0x780) {
      extra++;
      at += 2;
    }
    while (at < end && isLong(load<u16>(at))) {
      extra += 2;
      at += 2;
    }
    // A pair has two units and four bytes. A half alone becomes U+FFFD.
    while (at < end && isHalf(load<u16>(at))) {
      extra += 2;
      at += isPair(at, end) ? 4 : 2;
    }
  }
  return extra;
}

/** Whether a unit of UTF-16 has three bytes as UTF-8. */
// @ts-ignore: decorator
@inline
function isLong(unit: u32): bool { return unit >= 0x800 && !isHalf(unit); }

/** Whether a unit of UTF-16 is half a pair of surrogates. */
// @ts-ignore: decorator
@inline
function isHalf(unit: u32): bool { return (unit & 0xf800) == 0xd800; }

/** Whether the half at an address is the first of a pair, and the other is behind it. */
function isPair(at: usize, end: usize): bool {
  return load<u16>(at) < 0xdc00 && at + 2 < end && (load<u16>(at, 2) & 0xfc00) == 0xdc00;
}

/**
 * Writes text as UTF-8 to at, where utf8Length(text) bytes are free, and returns how
 * many it wrote. Half a pair of surrogates becomes U+FFFD.
 */
export function encodeTo(text: string, at: usize): i32 { return encodeUnits(unitsOf(text), text.length, at); }

function encodeUnits(from: usize, units: i32, at: usize): i32 {
  const end = from + (<usize>units << 1);
  let to = at;
  while (from < end) {
    if (ASC_FEATURE_SIMD) {
      while (from + 32 <= end) {
        const a = v128.load(from);
        const b = v128.load(from, 16);
        if (v128.any_true(v128.and(v128.or(a, b), i16x8.splat(~0x7f)))) break;
        v128.store(to, i8x16.narrow_i16x8_u(a, b));
        from += 32;
        to += 16;
      }
    }
    for (; from < end && load<u16>(from) < 0x80; from += 2) store<u8>(to++, load<u16>(from));
    for (; from < end; from += 2) {
      const c = <u32>load<u16>(from);
      if (c - 0x80 >= 0x780) break;
      store<u16>(to, (c >> 6 | c << 8 & 0x3f00) | 0x80c0);
      to += 2;
    }
    for (; from < end; from += 2) {
      const c = <u32>load<u16>(from);
      if (!isLong(c)) break;
      to += encodeLong(c, to);
    }
    for (; from < end && isHalf(load<u16>(from)); from += 2) {
      if (!isPair(from, end)) to += encodeLong(0xfffd, to);
      else {
        const c = 0x10000 + ((<u32>load<u16>(from) & 0x3ff) << 10 | (load<u16>(from, 2) & 0x3ff));
        store<u32>(to, (c >> 18 | c >> 4 & 0x3f00 | c << 10 & 0x3f0000 | c << 24 & 0x3f000000) | 0x808080f0);
        to += 4;
        from += 2;
      }
    }
  }
  return <i32>(to - at);
}

/** Writes a character of three bytes. */
// @ts-ignore: decorator
@inline
function encodeLong(c: u32, to: usize): usize {
  store<u16>(to, (c >> 12 | c << 2 & 0x3f00) | 0x80e0);
  store<u8>(to, (c & 0x3f) | 0x80, 2);
  return 3;
}

/** The string of any bytes: each that is no part of a character becomes U+FFFD. */
export function decode(at: usize, len: i32): string {
  const text = changetype<string>(__new(<usize>len << 1, idof<string>()));
  const size = decodeTo(at, len, unitsOf(text));
  return size == <usize>len << 1 ? text : changetype<string>(__renew(unitsOf(text), size));
}

/** Writes bytes as UTF-16, and returns how many bytes that has. */
function decodeTo(at: usize, len: i32, start: usize): usize {
  const end = at + len;
  let to = start;
  while (at < end) {
    if (ASC_FEATURE_SIMD) {
      while (at + 16 <= end) {
        const bytes = v128.load(at);
        if (i8x16.bitmask(bytes)) break;
        v128.store(to, i16x8.extend_low_i8x16_u(bytes));
        v128.store(to, i16x8.extend_high_i8x16_u(bytes), 16);
        at += 16;
        to += 32;
      }
    }
    for (; at < end && load<u8>(at) < 0x80; to += 2) store<u16>(to, load<u8>(at++));
    for (; at + 2 <= end; at += 2) {
      const c = <u32>load<u16>(at);
      if ((c & 0xc0e0) != 0x80c0 || (c & 0x1e) == 0) break;
      store<u16>(to, (c & 0x1f) << 6 | c >> 8 & 0x3f);
      to += 2;
    }
    for (; at + 3 <= end; at += 3) {
      const c = ofThree(at);
      if (!isLong(c)) break;
      store<u16>(to, c);
      to += 2;
    }
    const before = to;
    for (; at + 4 <= end; at += 4) {
      const c = ofFour(at) - 0x10000;
      if (c >= 0x100000) break;
      store<u32>(to, c >> 10 | 0xd800 | ((c & 0x3ff) | 0xdc00) << 16);
      to += 4;
    }
    if (to == before && at < end && !startsCharacter(at, end)) {
      store<u16>(to, 0xfffd);
      to += 2;
      at++;
    }
  }
  return to - start;
}

/** The character of three bytes at an address; not a long one if it is none. */
// @ts-ignore: decorator
@inline
function ofThree(at: usize): u32 {
  const c = <u32>load<u16>(at) | <u32>load<u8>(at, 2) << 16;
  return (c & 0xc0c0f0) == 0x8080e0 ? (c & 0xf) << 12 | c >> 2 & 0xfc0 | c >> 16 & 0x3f : 0;
}

/** The character of four bytes at an address; not one above U+FFFF if it is none. */
// @ts-ignore: decorator
@inline
function ofFour(at: usize): u32 {
  const c = load<u32>(at);
  return (c & 0xc0c0c0f8) == 0x808080f0 ? (c & 7) << 18 | c << 4 & 0x3f000 | c >> 10 & 0xfc0 | c >> 24 & 0x3f : 0;
}

/** Whether one of the loops will take what is at an address. */
function startsCharacter(at: usize, end: usize): bool {
  const b = <u32>load<u8>(at);
  if (b < 0x80) return true;
  if (at + 2 <= end && b >= 0xc2 && b < 0xe0) return (load<u8>(at, 1) & 0xc0) == 0x80;
  if (at + 3 <= end && isLong(ofThree(at))) return true;
  return at + 4 <= end && ofFour(at) - 0x10000 < 0x100000;
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
