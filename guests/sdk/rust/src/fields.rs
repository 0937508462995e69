//! Blocks of fields, section 8 of the ABI.

use crate::abi::FIELD_HEADER_SIZE;

const HEADER: usize = FIELD_HEADER_SIZE as usize;

/// The fields of a block, in their order. It ends where the block does, or where it is
/// malformed.
#[derive(Clone)]
pub(crate) struct Fields<'a>(pub &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let header = self.0.get(..HEADER)?;
        let name_len = u16::from_le_bytes([header[0], header[1]]) as usize;
        let value_len = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let rest = &self.0[HEADER..];
        let name = rest.get(..name_len)?;
        let value = rest[name_len..].get(..value_len)?;
        // The padding of the last field may be missing.
        let size = (HEADER + name_len + value_len + 3) & !3;
        self.0 = self.0.get(size..).unwrap_or_default();
        Some((name, value))
    }
}

impl<'a> Fields<'a> {
    /// Returns the first value of a name.
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.get_prefixed("", name)
    }

    /// Returns the first value of a name that is put together of two parts.
    pub fn get_prefixed(&self, prefix: &str, name: &str) -> Option<&'a [u8]> {
        let is = |n: &[u8]| n.strip_prefix(prefix.as_bytes()) == Some(name.as_bytes());
        self.clone().find_map(|(n, value)| is(n).then_some(value))
    }
}

/// Appends a field. A name over 65535 bytes is cut, and refused by the host, whose
/// limit is below that.
pub(crate) fn put(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    let name = &name[..name.len().min(u16::MAX as usize)];
    out.extend_from_slice(&(name.len() as u32).to_le_bytes());
    out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    out.extend_from_slice(name);
    out.extend_from_slice(value);
    // A field before this one ends at a multiple of 4, so this one begins at it.
    out.resize((out.len() + 3) & !3, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let want: &[(&[u8], &[u8])] = &[(b":path", b"/a"), (b"x-a", b"1"), (b"x-a", b""), (b"", b"\xff\xfe\xfd")];
        let mut block = Vec::new();
        for (name, value) in want {
            put(&mut block, name, value);
            assert_eq!(block.len() % 4, 0);
        }
        assert_eq!(Fields(&block).collect::<Vec<_>>(), want);
        assert_eq!(Fields(&block).get("x-a"), Some(&b"1"[..]));
        assert_eq!(Fields(&block).get("x"), None);
        assert_eq!(Fields(&block).get_prefixed("x-", "a"), Some(&b"1"[..]));
    }

    #[test]
    fn every_cut() {
        let mut block = Vec::new();
        put(&mut block, b"ab", b"c");
        put(&mut block, b"d", b"efgh");
        for size in 0..block.len() {
            let whole = match size {
                0..=10 => 0,
                11..=24 => 1,
                _ => 2,
            };
            assert_eq!(Fields(&block[..size]).count(), whole, "cut to {} bytes", size);
        }
    }

    #[test]
    fn lengths_that_overflow() {
        let block = [0xff, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3];
        assert_eq!(Fields(&block).next(), None);
    }
}
