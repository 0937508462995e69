//! What of a string is the same in JSON.

/// Returns how many bytes come before the first that stands escaped in JSON: a control
/// character, a quote or a backslash. Eight at a time: fuel is counted in instructions.
pub(super) fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES << 7;
    // The high bit of each byte that is less than `n`, of those before the first for sure.
    let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & HIGH;
    let mut at = 0;
    for chunk in bytes.chunks_exact(8) {
        let word = chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
        let found = below(word, 0x20) | is(b'"') | is(b'\\');
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let special = |byte: &u8| matches!(byte, 0..=0x1f | b'"' | b'\\');
    at + bytes[at..].iter().position(special).unwrap_or(bytes.len() - at)
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
