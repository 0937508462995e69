// Endpoints: what a guest does on a route.
import { Conn } from "./conn";
import { WherryError } from "./errors";
import { Failure } from "./failure";
import { Disconnect, Message } from "./message";
import { Param, ParamError, Place } from "./params";
import { HttpRequest, Request } from "./request";

/** Which messages an endpoint takes. Another closes the connection with 1003. */
export enum Encoding {
  /** Text and bytes. */
  Any,
  Text,
  Bytes,
  /** Text that is JSON. */
  Json,
}

/**
 * What happens on a route: a class that extends this one overrides what it needs.
 * A handler returns null, or the error that it failed with. For what is rarer, the
 * class implements one of the interfaces below, and by that asks the host for it.
 */
export class Endpoint {
  readonly declared: Param[] = [];
  /** Which of the interfaces below the class implements, as HANDLES_ bits. */
  handles: u32 = 0;

  /** The default is Encoding.Any, by its number: a subclass need not import the name. */
  constructor(readonly encoding: Encoding = 0) {}

  /**
   * A handshake waits, and its parameters are valid: accept, deny or close it. If
   * this does nothing, and does not fail, it goes on waiting.
   */
  onConnect(conn: Conn, request: Request): WherryError | null { return conn.accept(); }

  /** A message arrived whose kind fits the encoding. */
  onReceive(conn: Conn, message: Message): WherryError | null { return null; }

  /** The connection is over. */
  onDisconnect(conn: Conn, end: Disconnect): WherryError | null { return null; }

  /** Declares a parameter of the route. */
  path(name: string): Param { return this.declare(new Param(Place.Path, name)); }
  /** Declares a query parameter. */
  query(name: string): Param { return this.declare(new Param(Place.Query, name)); }
  /** Declares a header field as a parameter. */
  header(name: string): Param { return this.declare(new Param(Place.Header, name)); }
  /** Declares a cookie as a parameter. */
  cookie(name: string): Param { return this.declare(new Param(Place.Cookie, name)); }

  private declare(param: Param): Param {
    for (let i = 0; i < this.declared.length; i++) {
      assert(this.declared[i].name != param.name, "two parameters have the name " + param.name);
    }
    this.declared.push(param);
    return param;
  }
}

// Bits of Endpoint.handles.
export const HANDLES_INVALID: u32 = 1;
export const HANDLES_ERROR: u32 = 2;
export const HANDLES_REQUEST: u32 = 4;
export const HANDLES_RESUME: u32 = 8;
export const HANDLES_WRITABLE: u32 = 16;

/** The bits of what a class implements. The compiler knows it of T, and not always of an object. */
export function handledBy<T extends Endpoint>(endpoint: T): u32 {
  let handles: u32 = 0;
  if (endpoint instanceof OnInvalid) handles |= HANDLES_INVALID;
  if (endpoint instanceof OnError) handles |= HANDLES_ERROR;
  if (endpoint instanceof OnRequest) handles |= HANDLES_REQUEST;
  if (endpoint instanceof OnResume) handles |= HANDLES_RESUME;
  if (endpoint instanceof OnWritable) handles |= HANDLES_WRITABLE;
  return handles;
}

/** An endpoint that answers invalid parameters itself. */
export interface OnInvalid {
  onInvalid(conn: Conn, request: Request, errors: ParamError[]): WherryError | null;
}

/**
 * An endpoint that deals with the errors of its handlers which no registered
 * handler took. It returns null if it has, and the error if it has not.
 */
export interface OnError {
  onError(error: WherryError, failure: Failure): WherryError | null;
}

/** An endpoint that answers HTTP requests which are no handshakes. */
export interface OnRequest {
  onRequest(request: HttpRequest): WherryError | null;
}

/** An endpoint whose connections stay when the instance is replaced: each is told to the new one. */
export interface OnResume {
  onResume(conn: Conn, request: Request): WherryError | null;
}

/** An endpoint that is told when a connection takes messages again. */
export interface OnWritable {
  onWritable(conn: Conn): WherryError | null;
}
