// Timers. There are no closures, so a timer is an object that knows what to do.
import { KIND_TIMER } from "./abi";
import { ArgumentError, WherryError, isLate } from "./errors";
import { HandleMap } from "./handles";
import { log } from "./hostcalls";
import { mustBeEarly } from "./life";
import { command } from "./outbox";

const armed = new HandleMap<Timer>();
let tokens: u64 = 0;
let wanted: bool = false;

/** Asks the host for timers. A guest that arms one says so at the top of a file. */
export function useTimers(): void {
  mustBeEarly("useTimers");
  wanted = true;
}

/** Whether the guest asked for timers. */
export function wantsTimers(): bool { return wanted; }

/** Does something later, once for each time that it is armed. */
export abstract class Timer {
  private token: u64 = 0;

  /** It is time. An error is logged, unless it is that a connection has ended. */
  abstract onTimer(): WherryError | null;

  /** Whether it will fire. */
  get isArmed(): bool { return this.token != 0; }

  /** Has it fire in so many milliseconds, 1 at least. One that is armed is moved. */
  arm(milliseconds: u32): WherryError | null {
    if (!wanted) return new ArgumentError("arm", "useTimers() was not called at the start of the guest");
    if (!this.token) {
      this.token = ++tokens;
      armed.set(this.token, this);
    }
    command(KIND_TIMER, 0, max<u32>(milliseconds, 1), 0, 0, 0, this.token);
    return null;
  }

  /** It will not fire. */
  cancel(): void {
    if (!this.token) return;
    armed.take(this.token);
    command(KIND_TIMER, 0, 0, 0, 0, 0, this.token);
    this.token = 0;
  }

  /** Runs it. A token is not used again. */
  fire(): void {
    this.token = 0;
    const error = this.onTimer();
    if (error !== null && !isLate(error)) log.error(`on_timer: ${error.toString()}`);
  }
}

/** A timer event. One that was cancelled in the same turn is not there any more. */
export function timerFired(token: u64): void {
  const timer = armed.take(token);
  if (timer !== null) timer.fire();
}
