// Fields: what start, connect, resume and request carry, and what accept, reject
// and respond take.
import { FIELD_BODY, FIELD_HEADER_SIZE, FIELD_NAME_LEN_OFFSET, FIELD_PROTOCOL, FIELD_VALUE_LEN_OFFSET } from "./abi";
import { stage } from "./outbox";
import { decode, encodeTo, equalText, lowerASCII } from "./text";

/** A name and a value. */
export class Pair {
  constructor(readonly name: string, readonly value: string) {}
}

/** Header fields for a response, in their order; what is added twice is sent twice. */
export class Headers {
  readonly pairs: Pair[] = [];

  /** Adds a field, and returns the headers for the next. */
  add(name: string, value: string): Headers {
    this.pairs.push(new Pair(lowerASCII(name), value));
    return this;
  }
}

/** Walks over a block of fields, where it lies; a malformed rest is not there. */
export class FieldReader {
  nameAt: usize = 0;
  nameLength: i32 = 0;
  valueAt: usize = 0;
  valueLength: i32 = 0;

  constructor(private at: usize, private left: u32) {}

  /** Moves to the next field; false at the end. */
  next(): bool {
    if (this.left < FIELD_HEADER_SIZE) return false;
    const name = <u32>load<u16>(this.at, FIELD_NAME_LEN_OFFSET);
    const value = load<u32>(this.at, FIELD_VALUE_LEN_OFFSET);
    const room = this.left - FIELD_HEADER_SIZE;
    if (name > room || value > room - name) return false;
    this.nameAt = this.at + FIELD_HEADER_SIZE;
    this.nameLength = name;
    this.valueAt = this.nameAt + name;
    this.valueLength = value;
    // The last padding may be cut off.
    const size = min((FIELD_HEADER_SIZE + name + value + 3) & ~3, this.left);
    this.at += size;
    this.left -= size;
    return true;
  }

  /** Moves to the next field of that name. */
  find(name: string): bool {
    while (this.next()) {
      if (this.is(name)) return true;
    }
    return false;
  }

  is(name: string): bool { return equalText(this.nameAt, this.nameLength, name); }

  name(): string { return decode(this.nameAt, this.nameLength); }

  value(): string { return decode(this.valueAt, this.valueLength); }
}

/** A block of fields in the making, staged for one command. */
export class FieldBlock {
  length: i32 = 0;

  /**
   * Stages the subprotocol unless it is empty, the content type unless that is,
   * the headers, and room for a body of so many bytes unless it is negative.
   * Returns where the block is.
   */
  put(protocol: string, contentType: string, headers: Headers | null, body: i32): usize {
    let size = 0;
    if (protocol.length) size += fieldSize(FIELD_PROTOCOL, protocol);
    if (contentType.length) size += fieldSize(CONTENT_TYPE, contentType);
    if (headers !== null) size += headersSize(headers.pairs);
    if (body >= 0) size += padded(FIELD_HEADER_SIZE + FIELD_BODY.length + body);
    const start = stage(size);
    let at = start;
    if (protocol.length) at = putField(at, FIELD_PROTOCOL, protocol);
    if (contentType.length) at = putField(at, CONTENT_TYPE, contentType);
    if (headers !== null) at = putHeaders(at, headers.pairs);
    if (body >= 0) this.bodyAt = putHead(at, FIELD_BODY, body);
    this.length = size;
    return start;
  }

  /** Where the body goes. */
  bodyAt: usize = 0;
}

const CONTENT_TYPE = "content-type";

function padded(size: u32): u32 { return (size + 3) & ~3; }

function headersSize(pairs: Pair[]): u32 {
  let size: u32 = 0;
  for (let i = 0; i < pairs.length; i++) size += fieldSize(pairs[i].name, pairs[i].value);
  return size;
}

function fieldSize(name: string, value: string): u32 {
  return padded(FIELD_HEADER_SIZE + String.UTF8.byteLength(name) + String.UTF8.byteLength(value));
}

function putHeaders(at: usize, pairs: Pair[]): usize {
  for (let i = 0; i < pairs.length; i++) at = putField(at, pairs[i].name, pairs[i].value);
  return at;
}

function putField(at: usize, name: string, value: string): usize {
  const len = String.UTF8.byteLength(value);
  const to = putHead(at, name, len);
  encodeTo(value, to);
  return at + padded(<u32>(to - at) + len);
}

/** Writes all of a field but its value, for which it returns the place. */
function putHead(at: usize, name: string, valueLength: i32): usize {
  const len = String.UTF8.byteLength(name);
  // The last bytes, which may be padding, first.
  const end = at + padded(FIELD_HEADER_SIZE + len + valueLength);
  store<u32>(end - 4, 0);
  store<u32>(at, len);
  store<u32>(at, valueLength, FIELD_VALUE_LEN_OFFSET);
  encodeTo(name, at + FIELD_HEADER_SIZE);
  return at + FIELD_HEADER_SIZE + len;
}
