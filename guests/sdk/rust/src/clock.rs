//! Clocks. They stand still for the length of a turn.

use crate::{abi, sys};
use std::time::Duration;

fn read(clock: u32) -> Duration {
    Duration::from_nanos(sys::now(clock).max(0) as u64)
}

/// Returns the time since the Unix epoch.
pub fn wall() -> Duration {
    read(abi::CLOCK_WALL)
}

/// Returns the time since a moment that the host chose; it never runs backwards.
pub fn monotonic() -> Duration {
    read(abi::CLOCK_MONOTONIC)
}
