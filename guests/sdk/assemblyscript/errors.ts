// Errors are values: a handler returns one, or null. What becomes of it is in
// failure.ts. A guest's own errors are subclasses of WherryError.
import { phrase } from "./abi";
import { Headers } from "./fields";
import { Phase, phaseName } from "./phase";

/** An error. One that is no more than this is a failure of the guest: 1011, or a 500. */
export class WherryError {
  constructor(readonly message: string) {}

  /** What the log says. */
  toString(): string { return this.message; }
}

/** A close that the client is meant to see: of an open connection with the code, of a waiting one with 403. */
export class PolicyError extends WherryError {
  constructor(readonly code: u32, readonly reason: string) {
    super(reason.length ? `close ${code}: ${reason}` : `close ${code}`);
  }
}

/** An HTTP response; after accept, when it is too late for one, a failure. */
export class HttpError extends WherryError {
  /** An empty detail is the standard phrase of the status. */
  constructor(readonly status: u32, readonly detail: string = "", readonly headers: Headers | null = null) {
    super(`http ${status}: ${detail.length ? detail : phrase(status)}`);
  }
}

/** Something was asked of a connection or request that it cannot do any more, or not yet. */
export class StateError extends WherryError {
  constructor(readonly operation: string, readonly phase: Phase) {
    super(`${operation} while ${phaseName(phase)}`);
  }
}

/** Whether an error is only that a connection is closing or closed. */
export function isLate(error: WherryError): bool {
  return error instanceof StateError && (error as StateError).phase >= Phase.Closing;
}

/** A value that no command can have. */
export class ArgumentError extends WherryError {
  constructor(readonly operation: string, problem: string) { super(`${operation}: ${problem}`); }
}

/** A value that is not JSON's was to be written as JSON. */
export class JsonError extends WherryError {
  constructor(readonly typeName: string) { super(`cannot encode ${typeName}`); }
}
