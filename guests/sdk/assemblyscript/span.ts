// Bytes: views of what the host delivered, and what can be sent.
import { decode } from "./text";

/**
 * Bytes that an event brought, where the host placed them: nothing is copied.
 * A span is empty as soon as the handler that got it has returned; toArray() or
 * toText() keeps what is needed later.
 */
export class Span {
  /** The address of the first byte. */
  at: usize = 0;
  /** How many there are. */
  length: i32 = 0;

  /** Points the span elsewhere. */
  set(at: usize, length: i32): void {
    this.at = at;
    this.length = length;
  }

  @operator("[]")
  get(index: i32): u8 {
    if (<u32>index >= <u32>this.length) throw new RangeError("index out of range");
    return load<u8>(this.at + index);
  }

  /** A copy. */
  toArray(): Uint8Array {
    const array = new Uint8Array(this.length);
    memory.copy(array.dataStart, this.at, this.length);
    return array;
  }

  /** The bytes as text; what is not UTF-8 becomes U+FFFD. */
  toText(): string { return decode(this.at, this.length); }
}

/** Where the bytes of a Span, Uint8Array, StaticArray<u8> or ArrayBuffer are. */
export function bytesAt<T>(bytes: T): usize {
  if (bytes instanceof Span) return bytes.at;
  if (bytes instanceof Uint8Array) return bytes.dataStart;
  if (bytes instanceof StaticArray<u8>) return changetype<usize>(bytes);
  if (bytes instanceof ArrayBuffer) return changetype<usize>(bytes);
  return ERROR("bytes are a Span, Uint8Array, StaticArray<u8> or ArrayBuffer");
}

/** How many there are. */
export function bytesLength<T>(bytes: T): i32 {
  if (bytes instanceof Span) return bytes.length;
  if (bytes instanceof Uint8Array) return bytes.byteLength;
  if (bytes instanceof StaticArray<u8>) return bytes.length;
  if (bytes instanceof ArrayBuffer) return bytes.byteLength;
  return ERROR("bytes are a Span, Uint8Array, StaticArray<u8> or ArrayBuffer");
}
