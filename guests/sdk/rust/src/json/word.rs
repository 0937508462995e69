//! Eight bytes at a time: fuel is counted in instructions, and these are few.

/// A one in each byte.
pub(super) const ONES: u64 = u64::MAX / 0xff;

/// Returns the first eight bytes, the first of them lowest, if there are so many.
#[inline(always)]
pub(super) fn word(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?))
}

/// Returns the number that the digits are which a word begins with, and how many.
#[inline(always)]
pub(super) fn digits(word: u64) -> (u64, u32) {
    let word = word ^ ONES * u64::from(b'0');
    // A byte over 9 has its high bit set by the sum, or had it. What it carries changes
    // only bytes behind it.
    let other = (word.wrapping_add(ONES * 0x76) | word) & ONES << 7;
    let size = other.trailing_zeros() / 8;
    if size == 0 {
        return (0, 0);
    }
    let word = word << (64 - 8 * size); // zeros in front
    // Neighbours are put together: to 99, to 9999, to all.
    let word = word.wrapping_mul(10).wrapping_add(word >> 8);
    let (pairs, others) = (word & 0xff_000000ff, word >> 16 & 0xff_000000ff);
    let both = pairs.wrapping_mul(100 + (1_000_000 << 32)).wrapping_add(others.wrapping_mul(1 + (10_000 << 32)));
    (both >> 32, size)
}

/// Returns the eight digits of a number that has no more, the first lowest.
#[inline(always)]
pub(super) fn spread(n: u64) -> u64 {
    // By halves: two numbers of four digits, four of two, eight of one. The products are
    // quotients, exact for numbers that small.
    let high = n / 10_000;
    let word = high | (n - high * 10_000) << 32;
    let high = word * 5243 >> 19 & 0x7f_0000007f;
    let word = high | (word - high * 100) << 16;
    let high = word * 103 >> 10 & 0x0f_000f_000f_000f;
    (high | (word - high * 10) << 8) + ONES * u64::from(b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of up to eight digits, in front of what can come behind them.
    #[test]
    fn both_ways() {
        let numbers = (0..10_000).chain((0..3000).map(|i| i * 33_331)).chain([99_999_999, 12_345_678, 10_000_000]);
        for n in numbers {
            let text = format!("{:08}", n);
            assert_eq!(spread(n).to_le_bytes(), text.as_bytes(), "{}", n);
            assert_eq!(digits(spread(n)), (n, 8));
            let text = n.to_string();
            for behind in [0, 1, b'-', b'/', b':', b',', b'e', 0x7f, 0x80, 0xb5, 0xff] {
                let mut bytes = text.clone().into_bytes();
                bytes.resize(8, behind);
                assert_eq!(word(&bytes).map(digits), Some((n, text.len() as u32)), "{:?}", bytes);
            }
        }
        assert_eq!(word(&[0; 7]), None);
    }
}
