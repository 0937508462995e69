//! UUIDs, as far as parameters need them.

use std::fmt;
use std::str::FromStr;

/// A UUID, of which any 16 bytes are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid(pub [u8; 16]);

/// Text that is no UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UuidError;

impl fmt::Display for UuidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a uuid")
    }
}

impl std::error::Error for UuidError {}

/// Whether a hyphen stands in front of byte `i`.
fn hyphenated(i: usize) -> bool {
    matches!(i, 4 | 6 | 8 | 10)
}

impl FromStr for Uuid {
    type Err = UuidError;

    /// Reads 8-4-4-4-12 hexadecimal digits in any case.
    fn from_str(text: &str) -> Result<Uuid, UuidError> {
        let mut bytes = [0; 16];
        let mut rest = text.bytes();
        for (i, byte) in bytes.iter_mut().enumerate() {
            if hyphenated(i) && rest.next() != Some(b'-') {
                return Err(UuidError);
            }
            for _ in 0..2 {
                let digit = rest.next().and_then(|b| (b as char).to_digit(16)).ok_or(UuidError)?;
                *byte = *byte << 4 | digit as u8;
            }
        }
        rest.next().map_or(Ok(Uuid(bytes)), |_| Err(UuidError))
    }
}

impl fmt::Display for Uuid {
    /// Writes it in lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if hyphenated(i) {
                f.write_str("-")?;
            }
            write!(f, "{:02x}", byte)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        let text = "00112233-4455-6677-8899-aabbccddeeff";
        assert_eq!(text.parse::<Uuid>().unwrap().to_string(), text);
        assert_eq!(text.to_uppercase().parse::<Uuid>().unwrap().to_string(), text);
        for wrong in [
            "",
            "00112233445566778899aabbccddeeff",
            "{00112233-4455-6677-8899-aabbccddeeff}",
            "00112233-4455-6677-8899-aabbccddeef",
            "00112233-4455-6677-8899-aabbccddeeff0",
            "0011223-34455-6677-8899-aabbccddeeff",
            "00112233-4455-6677-8899-aabbccddeefg",
            "0011223é-4455-6677-8899-aabbccddeeff",
        ] {
            assert_eq!(wrong.parse::<Uuid>(), Err(UuidError), "{}", wrong);
        }
    }
}
