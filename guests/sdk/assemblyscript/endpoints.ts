// The endpoints that are registered, and the events that go to one of them.
import * as abi from "./abi";
import { Conn } from "./conn";
import {
  Encoding, Endpoint, HANDLES_INVALID, HANDLES_REQUEST, HANDLES_RESUME, HANDLES_WRITABLE, OnInvalid, OnRequest, OnResume,
  OnWritable, handledBy,
} from "./endpoint";
import { StateError, WherryError } from "./errors";
import { failConn, failRequest } from "./failure";
import { HandleMap } from "./handles";
import { log } from "./hostcalls";
import { readJson } from "./json_reader";
import { mustBeEarly } from "./life";
import { Disconnect, Message } from "./message";
import { Params, errorsBody, errorsLine } from "./params";
import { Phase } from "./phase";
import { HttpRequest, Request } from "./request";

const routes: string[] = [];
const endpoints: Endpoint[] = [];
const conns = new HandleMap<Conn>();
const message = new Message();

/** What gets a connection for which there is no endpoint; nothing of it is called. */
const nobody = new Endpoint();

/**
 * Registers an endpoint under the pattern of a route, exactly as the server's
 * configuration spells it. The one under "" gets what no other does. That comes
 * before the guest starts, so it stands at the top of a file.
 */
export function register<T extends Endpoint>(route: string, endpoint: T): void {
  endpoint.handles = handledBy<T>(endpoint);
  add(route, endpoint);
}

function add(route: string, endpoint: Endpoint): void {
  mustBeEarly("register");
  assert(!routes.includes(route), "two endpoints have the route " + route);
  routes.push(route);
  endpoints.push(endpoint);
}

/** The bits of the events that endpoints ask for. */
export function endpointWants(): u32 {
  let handles: u32 = 0;
  // Here it is known of all classes, also of an object that was registered as no more than an Endpoint.
  for (let i = 0; i < endpoints.length; i++) handles |= endpoints[i].handles |= handledBy<Endpoint>(endpoints[i]);
  let wants: u32 = 0;
  if (handles & HANDLES_REQUEST) wants |= 1 << abi.KIND_REQUEST;
  if (handles & HANDLES_RESUME) wants |= 1 << abi.KIND_RESUME;
  if (handles & HANDLES_WRITABLE) wants |= 1 << abi.KIND_WRITABLE;
  return wants;
}

/** All connections that the guest knows, in no order. */
export function connections(): Conn[] { return conns.all(); }

/** The endpoint of a route, or else the one for all others. */
function find(route: string): Endpoint | null {
  let i = routes.indexOf(route);
  if (i < 0) i = routes.indexOf("");
  return i < 0 ? null : endpoints[i];
}

function headOf(record: usize): Request {
  return new Request(load<u32>(record, abi.RECORD_DATA_OFFSET), load<u32>(record, abi.RECORD_LEN_OFFSET));
}

/** A handshake waits. */
export function connect(handle: u64, record: usize): void {
  const request = headOf(record);
  const route = request.route;
  const endpoint = find(route);
  if (endpoint === null) {
    new Conn(handle, nobody, route).denyDetail(abi.HTTP_NOT_FOUND);
    return;
  }
  const conn = new Conn(handle, endpoint, route);
  conns.set(handle, conn);
  conn.offered = request.subprotocols;
  request.params = new Params(endpoint.declared);
  request.params.read(request);
  if (request.params.errors.length) invalid(conn, request);
  else {
    conn.met = true;
    const error = endpoint.onConnect(conn, request);
    if (error !== null) failConn(conn, "on_connect", request, error);
  }
  request.detach();
}

function invalid(conn: Conn, request: Request): void {
  const endpoint = conn.endpoint;
  const errors = request.params.errors;
  if (endpoint.handles & HANDLES_INVALID) {
    const error = changetype<OnInvalid>(endpoint).onInvalid(conn, request, errors);
    if (error !== null) failConn(conn, "on_invalid", request, error);
    return;
  }
  log.warn(`${conn.route}: invalid parameters: ${errorsLine(errors)}`);
  conn.denyAs(abi.HTTP_FORBIDDEN, "application/json", null, errorsBody(errors));
}

/** A message arrived. */
export function receive(handle: u64, record: usize): void {
  const conn = conns.get(handle);
  if (conn === null || conn.phase != Phase.Open) return;
  message.set(record);
  const wrong = misfit(conn.endpoint.encoding);
  if (wrong !== null) conn.close(abi.CLOSE_UNSUPPORTED_DATA, wrong);
  else {
    const error = conn.endpoint.onReceive(conn, message);
    if (error !== null) failConn(conn, "on_receive", null, error);
  }
  message.clear();
}

/** What is wrong with the kind of the message; null if nothing is. It reads JSON. */
function misfit(encoding: Encoding): string | null {
  switch (encoding) {
    case Encoding.Text: return message.isText ? null : "text expected";
    case Encoding.Bytes: return message.isText ? "bytes expected" : null;
    case Encoding.Json: {
      if (!message.isText) return "json expected";
      const value = readJson(message.bytes.at, message.bytes.length);
      if (value === null) return "malformed json";
      message.json = value;
      return null;
    }
    default: return null;
  }
}

/** A connection is over. */
export function disconnect(handle: u64, record: usize): void {
  const conn = conns.take(handle);
  if (conn === null) return;
  conn.phase = Phase.Closed;
  if (conn.met) {
    const error = conn.endpoint.onDisconnect(conn, new Disconnect(record));
    if (error !== null && !(error instanceof StateError)) {
      log.error(`${conn.route} on_disconnect: ${error.toString()}`);
    }
  }
  conn.state = null;
}

/** A connection of an instance before this one. */
export function resume(handle: u64, record: usize): void {
  const request = headOf(record);
  const route = request.route;
  const found = find(route);
  const endpoint = found === null ? nobody : found;
  const conn = new Conn(handle, endpoint, route);
  conn.phase = Phase.Open;
  if (endpoint.handles & HANDLES_RESUME) {
    conns.set(handle, conn);
    conn.met = true;
    const fields = request.fields();
    if (fields.find(abi.FIELD_ATTACHMENT)) conn.keep(fields.valueAt, fields.valueLength);
    const error = changetype<OnResume>(endpoint).onResume(conn, request);
    if (error !== null) failConn(conn, "on_resume", request, error);
  } else conn.close(abi.CLOSE_SERVICE_RESTART);
  request.detach();
}

/** A connection takes messages again. */
export function writable(handle: u64): void {
  const conn = conns.get(handle);
  if (conn === null) return;
  const endpoint = conn.endpoint;
  if (!(endpoint.handles & HANDLES_WRITABLE)) return;
  const error = changetype<OnWritable>(endpoint).onWritable(conn);
  if (error !== null) failConn(conn, "on_writable", null, error);
}

/** An HTTP request. */
export function request(handle: u64, record: usize): void {
  const request = new HttpRequest(
    handle, load<u32>(record, abi.RECORD_DATA_OFFSET), load<u32>(record, abi.RECORD_LEN_OFFSET),
  );
  const endpoint = find(request.route);
  if (endpoint === null) request.respondDetail(abi.HTTP_NOT_FOUND);
  else if (endpoint.handles & HANDLES_REQUEST) {
    const error = changetype<OnRequest>(endpoint).onRequest(request);
    if (error !== null) failRequest(request, endpoint, error);
  } else request.respondDetail(abi.HTTP_UPGRADE_REQUIRED);
  request.detach();
}
