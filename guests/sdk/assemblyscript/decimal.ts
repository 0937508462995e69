// Decimal numbers to f64, correctly rounded. The standard library's parseFloat is
// not used: from 1e37 to 1e53 it is wrong by powers of ten.
import { isDigit } from "./text";

/** Integers up to here, and powers of ten up to 1e22, are exact: one operation on two of them is rounded once. */
const EXACT: u64 = 1 << 53;
const EXACT_POWER: i32 = 22;

/**
 * The number that is written at an address: an optional sign, digits, an optional
 * fraction and an optional exponent. The caller has made sure that it is that, and
 * nothing else. What is too large is infinite.
 */
export function parseDecimal(at: usize, len: i32): f64 {
  const end = at + len;
  const negative = load<u8>(at) == 0x2d;
  if (negative || load<u8>(at) == 0x2b) at++;
  const value = parseUnsigned(at, end);
  return negative ? -value : value;
}

function parseUnsigned(at: usize, end: usize): f64 {
  let mantissa: u64 = 0; // of the first 19 digits
  let digits = 0; // without zeros in front
  let power = 0; // of ten, by which the digits are too small
  let fraction = false;
  let from = at;
  for (; from < end; from++) {
    const c = load<u8>(from);
    if (c == 0x2e) fraction = true;
    else if (!isDigit(c)) break;
    else {
      if (fraction) power--;
      if (digits == 0 && c == 0x30) continue;
      if (digits < 19) mantissa = mantissa * 10 + (c - 0x30);
      digits++;
    }
  }
  if (!digits) return 0;
  power += exponent(from, end);
  if (digits < 20 && mantissa <= EXACT && abs(power) <= EXACT_POWER) {
    return power < 0 ? <f64>mantissa / powerOfTen(-power) : <f64>mantissa * powerOfTen(power);
  }
  if (digits + power > 310) return Infinity;
  if (digits + power < -330) return 0;
  collect(at, from);
  point = digits + power;
  return rounded();
}

/** The exponent that is written at the address, if there is one. */
function exponent(at: usize, end: usize): i32 {
  if (at == end) return 0;
  at++;
  const negative = load<u8>(at) == 0x2d;
  if (negative || load<u8>(at) == 0x2b) at++;
  let value = 0;
  // More makes no difference to anything but the sum, which must not overflow.
  for (; at < end; at++) value = min(value * 10 + (load<u8>(at) - 0x30), 100_000_000);
  return negative ? -value : value;
}

function powerOfTen(power: i32): f64 {
  let value: f64 = 1;
  for (; power > 0; power--) value *= 10;
  return value;
}

// A number of many digits, 0.DIGITS times ten to the point: its digits lie from
// first to last, with room in front for what multiplication adds. Of all but the
// first 800 digits it only matters whether one is not zero.
const DIGITS: i32 = 800;
const ROOM: i32 = 512;
const buffer = memory.data(ROOM + DIGITS + 64, 16);
let first: usize = 0;
let last: usize = 0;
let point: i32 = 0;
let inexact: bool = false;

/** Takes over the digits that are written, without zeros in front. */
function collect(at: usize, end: usize): void {
  first = buffer + ROOM;
  last = first;
  inexact = false;
  for (; at < end; at++) {
    const c = load<u8>(at);
    if (c == 0x2e || last == first && c == 0x30) continue;
    append(<u64>c - 0x30);
  }
  trim();
}

function append(digit: u64): void {
  if (<i32>(last - first) < DIGITS) store<u8>(last++, <u8>digit);
  else if (digit) inexact = true;
}

/** Zeros at the end say nothing. */
function trim(): void {
  while (last > first && load<u8>(last - 1) == 0) last--;
}

/** The most bits of one shift: ten times as much still fits into 64. */
const SHIFT: i32 = 59;

/** The f64 that is closest to the number, or, between two, the even one. */
function rounded(): f64 {
  let exponent = 0; // of two: what the number was divided by
  while (point > 0) exponent += divide(min(3 * point, SHIFT));
  while (point < 0 || load<u8>(first) < 5) exponent -= multiply(point < 0 ? min(-3 * point, SHIFT) : 1);
  // It is between 0.5 and 1 now. Small numbers have fewer bits.
  if (exponent < -1021) {
    for (let bits = -1021 - exponent; bits > 0; bits -= SHIFT) divide(min(bits, SHIFT));
    exponent = -1021;
  }
  multiply(53);
  let mantissa = integer();
  if (mantissa == 1 << 53) {
    mantissa >>= 1;
    exponent++;
  }
  if (exponent > 1024) return Infinity;
  const biased = mantissa < 1 << 52 ? 0 : <u64>(exponent + 1022);
  return reinterpret<f64>(biased << 52 | mantissa & ((1 << 52) - 1));
}

/** Divides the number, which is not zero, by two to the bits, at most SHIFT; returns bits. */
function divide(bits: i32): i32 {
  const mask: u64 = ((<u64>1) << bits) - 1;
  let from = first;
  let rest: u64 = 0;
  while (rest >> bits == 0) {
    rest = rest * 10 + (from < last ? <u64>load<u8>(from) : 0);
    from++;
  }
  point -= <i32>(from - first) - 1;
  const end = last;
  last = first;
  for (; from < end; from++) {
    append(rest >> bits);
    rest = (rest & mask) * 10 + load<u8>(from);
  }
  for (; rest > 0; rest = (rest & mask) * 10) append(rest >> bits);
  trim();
  return bits;
}

/** Multiplies the number by two to the bits, at most SHIFT; returns bits. */
function multiply(bits: i32): i32 {
  let carry: u64 = 0;
  for (let at = last; at > first; at--) {
    carry += <u64>load<u8>(at - 1) << bits;
    store<u8>(at - 1, <u8>(carry % 10));
    carry /= 10;
  }
  for (; carry > 0; carry /= 10) {
    store<u8>(--first, <u8>(carry % 10));
    point++;
  }
  if (<i32>(last - first) > DIGITS) {
    for (let at = first + DIGITS; at < last; at++) inexact = inexact || load<u8>(at) != 0;
    last = first + DIGITS;
  }
  trim();
  return bits;
}

/** The number rounded to an integer. */
function integer(): u64 {
  let value: u64 = 0;
  const end = first + point;
  for (let at = first; at < end; at++) value = value * 10 + (at < last ? <u64>load<u8>(at) : 0);
  return roundsUp(end) ? value + 1 : value;
}

function roundsUp(at: usize): bool {
  if (at < first || at >= last) return false;
  if (load<u8>(at) == 5 && at + 1 == last && !inexact) return at > first && load<u8>(at - 1) % 2 == 1;
  return load<u8>(at) >= 5;
}
