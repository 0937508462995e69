//! What of a string is the same in JSON.

use super::word::{word, ONES};

/// Returns how many bytes come before the first that stands escaped in JSON: a control
/// character, a quote or a backslash.
#[inline(always)]
pub(super) fn plain(bytes: &[u8]) -> usize {
    match word(bytes).map(special) {
        Some(found) if found != 0 => found.trailing_zeros() as usize / 8,
        _ => plain_run(bytes),
    }
}

/// Does what `plain` does with more than a word.
#[inline(never)]
fn plain_run(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(word) = word(&bytes[at..]) {
        let found = special(word);
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let special = |byte: &u8| matches!(byte, 0..=0x1f | b'"' | b'\\');
    at + bytes[at..].iter().position(special).unwrap_or(bytes.len() - at)
}

/// Returns a word whose lowest bit that is set is the highest of the first byte that
/// stands escaped, 0 if there is none.
#[inline(always)]
fn special(word: u64) -> u64 {
    // Taking away sets the high bit of what was too small. What it borrows changes only
    // bytes behind that.
    let less = |word: u64, than: u8| word.wrapping_sub(ONES * u64::from(than));
    let is = |byte: u8| less(word ^ ONES * u64::from(byte), 1);
    (less(word, 0x20) | is(b'"') | is(b'\\')) & !word & ONES << 7
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte at every place of some words, with bytes around it that could carry.
    #[test]
    fn every_byte() {
        for size in 0..20 {
            for filler in [b'a', 0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7f, 0x80, 0xff] {
                let mut bytes = vec![filler; size];
                assert_eq!(plain(&bytes), size);
                for at in 0..size {
                    for byte in 0..=255 {
                        bytes[at] = byte;
                        let special = byte < 0x20 || byte == b'"' || byte == b'\\';
                        assert_eq!(plain(&bytes), if special { at } else { size }, "{:?}", bytes);
                    }
                    bytes[at] = filler;
                }
            }
        }
    }
}
