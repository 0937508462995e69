// Memory for payloads that do not fit in the inbox.
//
// The host asks for a buffer between turns and may keep it for as long as it
// likes, also for another message than it asked for. That an event points to its
// first byte gives it back, at the end of that turn.
import { RECORD_DATA_OFFSET } from "./abi";

/** The most buffers, lent and free. */
const BUFFERS: i32 = 64;
const PAGE: u32 = 65536;
/** Of a buffer in a page: SPEC.md, section 9, says why. */
const OFFSET: u32 = 2048;

// Address, size and whether it is lent of each: the heap, which traps where
// there is no more memory, has no part in this.
const table = memory.data(64 * 12, 16);
let count: i32 = 0;
let lent: i32 = 0;
/** Where the last buffer ends. */
let last: u32 = 0;

/** Whether the host holds any. */
// @ts-ignore: decorator
@inline
export function holds(): bool { return lent != 0; }

/**
 * Lends a buffer, or returns 0. One is never split or joined: sizes are powers of
 * two, so one that is free fits the next message of its size, and no more than
 * half of it is wasted.
 */
export function wherry_v1_alloc(size: u32): usize {
  if (size > 1 << 30) return 0;
  let bytes = PAGE;
  while (bytes < size) bytes <<= 1;
  for (let i = 0; i < count; i++) {
    const entry = table + i * 12;
    if (load<u32>(entry, 4) == bytes && !load<u32>(entry, 8)) return lend(entry);
  }
  if (count == BUFFERS) return 0;
  const end = <u32>memory.size() * PAGE;
  let at = last;
  let pages = bytes / PAGE;
  if (end - at != PAGE - OFFSET) {
    // The first, or the memory has grown for somebody else.
    at = end + OFFSET;
    pages++;
  }
  if (memory.grow(pages) < 0) return 0;
  last = at + bytes;
  const entry = table + count * 12;
  count++;
  store<u32>(entry, at);
  store<u32>(entry, bytes, 4);
  return lend(entry);
}

function lend(entry: usize): usize {
  store<u32>(entry, 1, 8);
  lent++;
  return load<u32>(entry);
}

/** Takes back the buffers that the events of a turn point to. */
export function takeBack(events: usize, length: i32): void {
  for (let e = 0; e < length; e++) {
    const at = load<u32>(events + (<usize>e << 5), RECORD_DATA_OFFSET);
    for (let i = 0; i < count; i++) {
      const entry = table + i * 12;
      if (load<u32>(entry) != at || !load<u32>(entry, 8)) continue;
      store<u32>(entry, 0, 8);
      lent--;
    }
  }
}
