//! The host's log, and what a panic leaves there.

use crate::{abi, sys};

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For whoever writes the guest.
    Debug,
    /// For whoever runs it.
    Info,
    /// Something to look at.
    Warn,
    /// Something failed.
    Error,
}

/// Writes a line. The host limits length and rate of lines, and escapes what is in them.
pub fn log(level: Level, line: &str) {
    let level = match level {
        Level::Debug => abi::LOG_DEBUG,
        Level::Info => abi::LOG_INFO,
        Level::Warn => abi::LOG_WARN,
        Level::Error => abi::LOG_ERROR,
    };
    sys::log(level, line);
}

/// Writes a line at level debug, with the arguments of [`format!`].
#[macro_export]
macro_rules! debug {
    ($($format:tt)+) => { $crate::log($crate::Level::Debug, &::std::format!($($format)+)) };
}

/// Writes a line at level info, with the arguments of [`format!`].
#[macro_export]
macro_rules! info {
    ($($format:tt)+) => { $crate::log($crate::Level::Info, &::std::format!($($format)+)) };
}

/// Writes a line at level warn, with the arguments of [`format!`].
#[macro_export]
macro_rules! warn {
    ($($format:tt)+) => { $crate::log($crate::Level::Warn, &::std::format!($($format)+)) };
}

/// Writes a line at level error, with the arguments of [`format!`].
#[macro_export]
macro_rules! error {
    ($($format:tt)+) => { $crate::log($crate::Level::Error, &::std::format!($($format)+)) };
}

/// Has panics say in the log what and where. What follows on wasm32 is a trap, whose
/// stack the host logs.
pub(crate) fn log_panics() {
    // Elsewhere the hook that is there writes to the standard error, with a backtrace.
    if cfg!(target_arch = "wasm32") {
        std::panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string())));
    }
}
