// What becomes of an error that a handler returns.
import { CLOSE_INTERNAL_ERROR, HTTP_FORBIDDEN, HTTP_INTERNAL_SERVER_ERROR } from "./abi";
import { Conn } from "./conn";
import { Endpoint, HANDLES_ERROR, OnError } from "./endpoint";
import { HttpError, PolicyError, WherryError, isLate } from "./errors";
import { log } from "./hostcalls";
import { mustBeEarly } from "./life";
import { Phase } from "./phase";
import { HttpRequest, Request } from "./request";

/** Where an error comes from. One of conn and request is there. */
export class Failure {
  constructor(
    readonly endpoint: Endpoint,
    /** The pattern of the route. */
    readonly route: string,
    /** The handler that failed: on_connect, on_receive and so on. */
    readonly operation: string,
    readonly conn: Conn | null,
    /** The head of the handshake or of the HTTP request, while it is there. */
    readonly head: Request | null,
    /** The HTTP request, if it is about one. */
    readonly request: HttpRequest | null,
  ) {}

  /** The error as the log has it. */
  line(error: WherryError): string {
    return `${this.route} ${this.operation}: ${error.toString()}`;
  }
}

abstract class ErrorHandler {
  /** Returns null if it has dealt with the error, the error if it has not, another one if it failed. */
  abstract handle(error: WherryError, failure: Failure): WherryError | null;
}

class TypeHandler<T> extends ErrorHandler {
  constructor(private handler: (error: T, failure: Failure) => WherryError | null) { super(); }

  handle(error: WherryError, failure: Failure): WherryError | null {
    if (!(error instanceof T)) return error;
    return this.handler(changetype<T>(error), failure);
  }
}

class StatusHandler extends ErrorHandler {
  constructor(private status: u32, private handler: (error: HttpError, failure: Failure) => WherryError | null) {
    super();
  }

  handle(error: WherryError, failure: Failure): WherryError | null {
    if (!(error instanceof HttpError)) return error;
    const http = error as HttpError;
    return http.status == this.status ? this.handler(http, failure) : error;
  }
}

const byType: ErrorHandler[] = [];
const byStatus: ErrorHandler[] = [];
let debugging: bool = false;

/**
 * Registers a handler for errors of class T, of all endpoints. It returns null if
 * it has dealt with the error, and the error if it has not.
 */
export function handleError<T extends WherryError>(handler: (error: T, failure: Failure) => WherryError | null): void {
  mustBeEarly("handleError");
  byType.push(new TypeHandler<T>(handler));
}

/** Registers a handler for HTTP errors of a status, of all endpoints. */
export function handleStatus(status: u32, handler: (error: HttpError, failure: Failure) => WherryError | null): void {
  mustBeEarly("handleStatus");
  byStatus.push(new StatusHandler(status, handler));
}

/** Whether clients are told of failures: the configuration value "debug". */
export function setDebugging(on: bool): void { debugging = on; }

/** Deals with the error of a handler of a connection; head is there if that was about a handshake. */
export function failConn(conn: Conn, operation: string, head: Request | null, error: WherryError): void {
  const failure = new Failure(conn.endpoint, conn.route, operation, conn, head, null);
  let left = offer(error, failure);
  if (left === error) left = closeBy(conn, error);
  if (left === null) return;
  const line = failure.line(left);
  log.error(line);
  if (conn.phase == Phase.Connecting) {
    if (debugging) conn.denyAs(HTTP_INTERNAL_SERVER_ERROR, PLAIN, null, line + "\n");
    else conn.denyDetail(HTTP_INTERNAL_SERVER_ERROR);
  } else if (conn.phase == Phase.Open) {
    conn.close(CLOSE_INTERNAL_ERROR, debugging ? left.toString() : "internal error");
  }
}

/** Deals with the error of the handler of an HTTP request. */
export function failRequest(request: HttpRequest, endpoint: Endpoint, error: WherryError): void {
  const failure = new Failure(endpoint, request.route, "on_request", null, request, request);
  let left = offer(error, failure);
  if (left === error) left = respondBy(request, error);
  if (left === null) return;
  const line = failure.line(left);
  log.error(line);
  if (request.done) return;
  if (debugging) request.respondAs(HTTP_INTERNAL_SERVER_ERROR, PLAIN, null, line + "\n");
  else request.respondDetail(HTTP_INTERNAL_SERVER_ERROR);
}

const PLAIN = "text/plain; charset=utf-8";

/** Offers an error to the handlers. Returns null if one took it, the error if none did, or that of a handler. */
function offer(error: WherryError, failure: Failure): WherryError | null {
  let left: WherryError | null = error;
  for (let i = 0; i < byType.length && left === error; i++) left = byType[i].handle(error, failure);
  for (let i = 0; i < byStatus.length && left === error; i++) left = byStatus[i].handle(error, failure);
  if (left !== error) return left;
  const endpoint = failure.endpoint;
  return endpoint.handles & HANDLES_ERROR ? changetype<OnError>(endpoint).onError(error, failure) : left;
}

/** Does what an error of a connection means by itself. Returns null, or the failure that it is or leads to. */
function closeBy(conn: Conn, error: WherryError): WherryError | null {
  if (isLate(error)) return null;
  if (error instanceof PolicyError && conn.phase <= Phase.Open) {
    const policy = error as PolicyError;
    return conn.close(policy.code, policy.reason);
  }
  if (error instanceof HttpError && conn.phase == Phase.Connecting) {
    const http = error as HttpError;
    return conn.denyDetail(http.status, http.detail, http.headers);
  }
  return error;
}

/** Does what an error of an HTTP request means by itself. */
function respondBy(request: HttpRequest, error: WherryError): WherryError | null {
  if (request.done) return isLate(error) ? null : error;
  if (error instanceof PolicyError) return request.respondDetail(HTTP_FORBIDDEN, (error as PolicyError).reason);
  if (error instanceof HttpError) {
    const http = error as HttpError;
    return request.respondDetail(http.status, http.detail, http.headers);
  }
  return error;
}
