//! Bytes that nobody can predict.
//!
//! Draw them in a handler, not while the guest is set up: the host may start instances
//! from a copy of one that has been, and all of them would have drawn the same.

use crate::sys;

/// Fills `out`.
pub fn fill(out: &mut [u8]) {
    sys::random(out);
}

/// Returns a number of which all are equally likely.
pub fn number() -> u64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    u64::from_le_bytes(bytes)
}
