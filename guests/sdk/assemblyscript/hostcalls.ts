// What a guest can ask of the host: the log, the clocks, random bytes. A guest
// that does not use one does not import it.
import { CLOCK_MONOTONIC, CLOCK_WALL, LOG_DEBUG, LOG_ERROR, LOG_INFO, LOG_WARN } from "./abi";
import { encodeTo } from "./text";

@external("wherry_v1", "log")
declare function hostLog(level: i32, at: usize, len: i32): void;
@external("wherry_v1", "now")
declare function hostNow(clock: i32): i64;
@external("wherry_v1", "random")
declare function hostRandom(at: usize, len: i32): void;

/** Lines for the host's log, which limits their length and rate. */
export namespace log {
  /** For whoever writes the guest. */
  export function debug(line: string): void { write(LOG_DEBUG, line); }
  /** For whoever runs it. */
  export function info(line: string): void { write(LOG_INFO, line); }
  /** Something to look at. */
  export function warn(line: string): void { write(LOG_WARN, line); }
  /** Something failed. */
  export function error(line: string): void { write(LOG_ERROR, line); }

  function write(level: i32, line: string): void {
    const len = String.UTF8.byteLength(line);
    const at = heap.alloc(len);
    encodeTo(line, at);
    hostLog(level, at, len);
    heap.free(at);
  }
}

/** Clocks, in nanoseconds. They stand still for the length of a turn. */
export namespace clock {
  /** Since the Unix epoch. */
  export function wall(): i64 { return hostNow(CLOCK_WALL); }
  /** Since a moment that the host chose; never runs backwards. */
  export function monotonic(): i64 { return hostNow(CLOCK_MONOTONIC); }
}

/** The host gives no more than this in one call. */
const RANDOM_BYTES: i32 = 65536;

/** Returns length bytes that nobody can predict. */
export function randomBytes(length: i32): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += RANDOM_BYTES) {
    hostRandom(bytes.dataStart + i, min(RANDOM_BYTES, length - i));
  }
  return bytes;
}

/** What abort, a failed assertion and a throw end in: the message goes to the log, and the guest traps. */
// @ts-ignore: decorator
@global
export function wherryAbort(message: string | null, file: string | null, line: u32, column: u32): void {
  const text = message === null ? "abort" : message;
  const place = file === null ? "" : ` in ${file}:${line}:${column}`;
  log.error(text + place);
  unreachable();
}

/** Where Math.random begins. */
// @ts-ignore: decorator
@global
export function wherrySeed(): f64 {
  const at = heap.alloc(8);
  hostRandom(at, 8);
  const seed = load<u64>(at);
  heap.free(at);
  // The exponent of a number between 1 and 2: whatever the bits, it is a number.
  return reinterpret<f64>((seed & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
}

/** trace() writes a line at level debug: the message and n numbers. */
// @ts-ignore: decorator
@global
export function wherryTrace(
  message: string, n: i32 = 0, a0: f64 = 0, a1: f64 = 0, a2: f64 = 0, a3: f64 = 0, a4: f64 = 0,
): void {
  let line = message;
  if (n > 0) line += " " + a0.toString();
  if (n > 1) line += " " + a1.toString();
  if (n > 2) line += " " + a2.toString();
  if (n > 3) line += " " + a3.toString();
  if (n > 4) line += " " + a4.toString();
  log.debug(line);
}
