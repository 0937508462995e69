//! UUIDs, as far as parameters need them.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// A UUID, of which any 16 bytes are one. It is written as it was read; in which case that
/// was makes no difference when two are compared.
#[derive(Clone, Copy)]
pub struct Uuid {
    /// Hexadecimal digits and hyphens.
    text: [u8; 36],
}

/// Text that is no UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UuidError;

impl fmt::Display for UuidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a uuid")
    }
}

impl std::error::Error for UuidError {}

impl Uuid {
    /// Returns the text as it was read.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text).unwrap_or_default()
    }

    /// Returns the 16 bytes.
    pub fn to_bytes(&self) -> [u8; 16] {
        let mut digits = self.text.iter().filter_map(|b| (*b as char).to_digit(16));
        [(); 16].map(|()| (digits.next().unwrap_or(0) << 4 | digits.next().unwrap_or(0)) as u8)
    }
}

impl FromStr for Uuid {
    type Err = UuidError;

    /// Reads 8-4-4-4-12 hexadecimal digits in any case.
    fn from_str(text: &str) -> Result<Uuid, UuidError> {
        let text: [u8; 36] = text.as_bytes().try_into().map_err(|_| UuidError)?;
        let fits = |(i, byte): (usize, &u8)| match i {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        };
        text.iter().enumerate().all(fits).then_some(Uuid { text }).ok_or(UuidError)
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for Uuid {
    fn eq(&self, other: &Uuid) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

impl Eq for Uuid {}

impl Hash for Uuid {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.to_bytes().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        let text = "00112233-4455-6677-8899-aAbbccddeeff";
        let uuid: Uuid = text.parse().unwrap();
        assert_eq!(uuid.to_string(), text);
        assert_eq!(uuid, text.to_uppercase().parse().unwrap());
        assert_ne!(uuid, text.replace('0', "1").parse().unwrap());
        assert_eq!(uuid.to_bytes(), [0, 17, 34, 51, 68, 85, 102, 119, 136, 153, 170, 187, 204, 221, 238, 255]);
    }

    #[test]
    fn others() {
        for wrong in [
            "",
            "00112233445566778899aabbccddeeff",
            "{00112233-4455-6677-8899-aabbccddeeff}",
            "00112233-4455-6677-8899-aabbccddeef",
            "00112233-4455-6677-8899-aabbccddeeff0",
            "0011223-34455-6677-8899-aabbccddeeff",
            "00112233-4455-6677-8899-aabbccddeefg",
            "0011223é-4455-6677-8899-aabbccddeef",
        ] {
            assert_eq!(wrong.parse::<Uuid>(), Err(UuidError), "{}", wrong);
        }
    }
}
