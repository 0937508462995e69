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
  const error = checkStatus(operation, status);
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
  const error = checkStatus(operation, status);
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

function checkStatus(operation: string, status: u32): WherryError | null {
  if (status >= 200 && status <= 599) return null;
  return new ArgumentError(operation, `status ${status} is not from 200 to 599`);
}

/** The body {"detail":"..."}; the standard phrase of the status if detail is empty. */
export function detailBody(status: u32, detail: string): string {
  const w = new JsonWriter();
  w.raw('{"detail":');
  w.string(detail.length ? detail : phrase(status));
  w.raw("}");
  return w.take();
}
