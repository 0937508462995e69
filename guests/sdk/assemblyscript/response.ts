// Responses of HTTP: to a handshake that is denied, and to a request.
import { KIND_ACCEPT, KIND_REJECT, KIND_RESPOND, phrase } from "./abi";
import { ArgumentError, WherryError } from "./errors";
import { FieldBlock, Headers } from "./fields";
import { JsonWriter } from "./json_writer";
import { command } from "./outbox";
import { bytesAt, bytesLength } from "./span";
import { encodeTo } from "./text";

/** What command's fields are gathered in. */
const block = new FieldBlock();

/** Denies or responds, as the operation says, with a body of text; no body if that is empty. */
export function respond(
  operation: string, handle: u64, status: u32, contentType: string, headers: Headers | null, body: string,
): WherryError | null {
  const error = checkAnswer(operation, status, headers);
  if (error !== null) return error;
  const len = String.UTF8.byteLength(body);
  const at = block.put("", contentType, headers, len ? len : -1);
  if (len) encodeTo(body, block.bodyAt);
  command(operation == "deny" ? KIND_REJECT : KIND_RESPOND, 0, status, handle, at, block.length);
  return null;
}

/** Denies or responds with a body of bytes. */
export function respondBytes<T>(
  operation: string, handle: u64, status: u32, headers: Headers | null, body: T,
): WherryError | null {
  const error = checkAnswer(operation, status, headers);
  if (error !== null) return error;
  const len = bytesLength<T>(body);
  const at = block.put("", "", headers, len ? len : -1);
  if (len) memory.copy(block.bodyAt, bytesAt<T>(body), len);
  command(operation == "deny" ? KIND_REJECT : KIND_RESPOND, 0, status, handle, at, block.length);
  return null;
}

/** Queues an accept. */
export function accept(handle: u64, subprotocol: string, headers: Headers | null): void {
  const at = block.put(subprotocol, "", headers, -1);
  command(KIND_ACCEPT, 0, 0, handle, at, block.length);
}

function checkAnswer(operation: string, status: u32, headers: Headers | null): WherryError | null {
  if (status < 200 || status > 599) return new ArgumentError(operation, `status ${status} is not from 200 to 599`);
  return checkHeaders(operation, headers);
}

/** A name whose length a field cannot have is the only thing that the host cannot say no to. */
export function checkHeaders(operation: string, headers: Headers | null): WherryError | null {
  if (headers === null) return null;
  for (let i = 0; i < headers.pairs.length; i++) {
    const len = String.UTF8.byteLength(headers.pairs[i].name);
    if (len > 0xffff) return new ArgumentError(operation, `field name of ${len} bytes`);
  }
  return null;
}

/** The body {"detail":"..."}; the standard phrase of the status if detail is empty. */
export function detailBody(status: u32, detail: string): string {
  const w = new JsonWriter();
  w.raw('{"detail":');
  w.string(detail.length ? detail : phrase(status));
  w.raw("}");
  return w.take();
}
