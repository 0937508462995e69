//! Timers.

use crate::abi::{self, Record};
use crate::error::Result;
use crate::sys;
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

type Job = Box<dyn FnOnce() -> Result>;

/// The timers that are armed.
#[derive(Default)]
struct Armed {
    last: u64,
    jobs: HashMap<u64, Job>,
}

thread_local! {
    static ARMED: RefCell<Armed> = RefCell::default();
}

/// A timer, fired or not. To drop it does not cancel it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timer(u64);

/// Calls `job` once, in a turn of its own, when `delay` has passed, which is rounded up to
/// milliseconds, from 1. An error of it is logged.
///
/// Timers are the instance's: what a job needs of a connection, it gets by a clone of the
/// [`Conn`](crate::Conn), which may be over by then.
pub fn after(delay: Duration, job: impl FnOnce() -> Result + 'static) -> Timer {
    let token = ARMED.with(|armed| {
        let mut armed = armed.borrow_mut();
        armed.last += 1;
        let token = armed.last;
        armed.jobs.insert(token, Box::new(job));
        token
    });
    arm(token, milliseconds(delay));
    Timer(token)
}

impl Timer {
    /// Cancels it, if it has not fired yet.
    pub fn cancel(self) {
        if take(self.0).is_some() {
            arm(self.0, 0);
        }
    }

    pub fn is_armed(self) -> bool {
        ARMED.with(|armed| armed.borrow().jobs.contains_key(&self.0))
    }
}

fn milliseconds(delay: Duration) -> u32 {
    let whole = (delay.as_nanos() + 999_999) / 1_000_000;
    u32::try_from(whole).unwrap_or(u32::MAX).max(1)
}

fn arm(token: u64, code: u32) {
    sys::command(Record { kind: abi::KIND_TIMER, flags: 0, code, conn: 0, data: 0, len: 0, token }, &[]);
}

fn take(token: u64) -> Option<Job> {
    ARMED.with(|armed| armed.borrow_mut().jobs.remove(&token))
}

/// Runs the job of a timer that has fired.
pub(crate) fn fire(token: u64) -> Result {
    take(token).map_or(Ok(()), |job| job())
}

/// Forgets a timer that the host refused to arm.
pub(crate) fn refused(token: u64) {
    drop(take(token));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    #[test]
    fn delays() {
        for (delay, want) in [
            (Duration::ZERO, 1),
            (Duration::from_nanos(1), 1),
            (Duration::from_millis(5), 5),
            (Duration::from_micros(5001), 6),
            (Duration::MAX, u32::MAX),
        ] {
            assert_eq!(milliseconds(delay), want);
        }
    }

    #[test]
    fn tokens() {
        let fired = Rc::new(Cell::new(0));
        let arm = || {
            let fired = fired.clone();
            after(Duration::from_millis(1), move || {
                fired.set(fired.get() + 1);
                Ok(())
            })
        };
        let (first, second) = (arm(), arm());
        assert_eq!((first.0, second.0), (1, 2));
        first.cancel();
        assert!(fire(1).is_ok() && fired.get() == 0 && !first.is_armed());
        assert!(second.is_armed());
        assert!(fire(2).is_ok() && fire(2).is_ok() && fired.get() == 1);
        assert_eq!(arm().0, 3);
    }
}
