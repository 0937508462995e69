//! Reads JSON, as RFC 8259 has it, without any leniency.

use super::plain::plain;
use super::word::{digits, word};
use super::{Error, Value, MAX_DEPTH};

pub(super) fn parse(text: &str) -> Result<Value, Error> {
    let mut p = Parser { text, at: 0 };
    let value = p.value(MAX_DEPTH)?;
    p.blanks();
    if p.at < text.len() {
        return p.fail("something behind the value");
    }
    Ok(value)
}

/// Powers of ten that are floats.
const POWERS: [f64; 16] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Reads an integer as short as most are, with something behind it that is no part of
/// a number. It returns where that is, and `None` for anything else.
#[inline(always)]
fn short(text: &[u8], at: usize) -> Option<(i64, usize)> {
    let word = word(text.get(at..)?)?;
    let minus = u32::from(word as u8 == b'-');
    let (n, size) = digits(word >> (8 * minus));
    let zero = (word >> (8 * minus)) as u8 == b'0';
    let behind = *text.get(at + (minus + size) as usize)?;
    // A word that had a sign has no eighth digit.
    if size == 0 || size == 8 || zero & (size > 1) || !matches!(behind, b',' | b']' | b'}') {
        return None;
    }
    Some((if minus != 0 { -(n as i64) } else { n as i64 }, at + (minus + size) as usize))
}

struct Parser<'a> {
    text: &'a str,
    /// Always at a boundary of UTF-8 where `text` is cut.
    at: usize,
}

impl Parser<'_> {
    fn fail<T>(&self, problem: &'static str) -> Result<T, Error> {
        Err(Error::Malformed { at: self.at, problem })
    }

    /// Returns the byte at hand, 0 at the end: a zero is nowhere allowed.
    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte;
        self.at += found as usize;
        found
    }

    /// Reads a value in which `depth` levels are allowed.
    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        if self.peek() <= b' ' {
            self.blanks();
        }
        match self.peek() {
            b'n' => self.word("null", Value::Null),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'"' => self.string().map(Value::String),
            b'-' | b'0'..=b'9' => self.number(),
            b'[' | b'{' if depth == 0 => self.fail("too many levels"),
            b'[' => self.array(depth - 1),
            b'{' => self.object(depth - 1),
            _ => self.fail("no value"),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Error> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return self.fail("no value");
        }
        self.at += word.len();
        Ok(value)
    }

    fn array(&mut self, depth: usize) -> Result<Value, Error> {
        self.at += 1;
        let mut elements = Vec::new();
        self.blanks();
        if self.take(b']') {
            return Ok(Value::Array(elements));
        }
        loop {
            // Most arrays of numbers do not leave this loop, and it is small.
            while let Some((n, end)) = short(self.text.as_bytes(), self.at) {
                if self.text.as_bytes().get(end) != Some(&b',') {
                    break;
                }
                self.at = end + 1;
                elements.push(Value::Int(n));
            }
            elements.push(if self.peek() == b'"' { Value::String(self.string()?) } else { self.value(depth)? });
            if self.take(b',') {
                continue;
            }
            self.blanks();
            if self.take(b']') {
                return Ok(Value::Array(elements));
            }
            if !self.take(b',') {
                return self.fail("no comma");
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Error> {
        self.at += 1;
        let mut members = Vec::new();
        self.blanks();
        if self.take(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            if self.peek() != b'"' {
                self.blanks();
            }
            if self.peek() != b'"' {
                return self.fail("no key");
            }
            let key = self.string()?;
            if !self.take(b':') {
                self.blanks();
                if !self.take(b':') {
                    return self.fail("no colon");
                }
            }
            let value = if self.peek() == b'"' { Value::String(self.string()?) } else { self.value(depth)? };
            members.push((key, value));
            if self.take(b',') {
                continue;
            }
            self.blanks();
            if self.take(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.take(b',') {
                return self.fail("no comma");
            }
        }
    }

    fn digits(&mut self) -> Result<(), Error> {
        if !self.peek().is_ascii_digit() {
            return self.fail("no digit");
        }
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, Error> {
        let start = self.at;
        if let Some((n, end)) = short(self.text.as_bytes(), start) {
            self.at = end;
            return Ok(Value::Int(n));
        }
        self.take(b'-');
        let first = self.at;
        if !self.take(b'0') {
            self.digits()?;
        }
        let whole = self.at;
        if self.take(b'.') {
            self.digits()?;
        }
        let decimals = (self.at - whole).saturating_sub(1);
        let plain = self.at;
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        let text = &self.text[start..self.at];
        if self.at == whole {
            if let Ok(n) = text.parse() {
                return Ok(Value::Int(n));
            }
            if let Ok(n) = text.parse() {
                return Ok(Value::Uint(n));
            }
        } else if self.at == plain && plain - first <= 16 {
            // At most 15 digits, and a power of ten: both are floats, so there is one rounding.
            let digits = text.bytes().filter(u8::is_ascii_digit);
            let n = digits.fold(0, |n, digit| n * 10 + u64::from(digit - b'0')) as f64 / POWERS[decimals];
            return Ok(Value::Float(if first > start { -n } else { n }));
        }
        match text.parse::<f64>() {
            Ok(n) if n.is_finite() => Ok(Value::Float(n)),
            _ => self.fail("a number that is too big"),
        }
    }

    fn string(&mut self) -> Result<String, Error> {
        self.at += 1;
        let start = self.at;
        self.at += plain(&self.text.as_bytes()[start..]);
        let mut out = String::from(&self.text[start..self.at]);
        if self.peek() == b'"' {
            self.at += 1;
            return Ok(out);
        }
        loop {
            let start = self.at;
            self.at += plain(&self.text.as_bytes()[start..]);
            out.push_str(&self.text[start..self.at]);
            match self.peek() {
                b'"' => {
                    self.at += 1;
                    return Ok(out);
                }
                b'\\' => self.escape(&mut out)?,
                _ if self.at == self.text.len() => return self.fail("no end of a string"),
                _ => return self.fail("a control character in a string"),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), Error> {
        self.at += 1;
        let c = match self.peek() {
            c @ (b'"' | b'\\' | b'/') => c as char,
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                let c = self.unicode()?;
                out.push(c);
                return Ok(());
            }
            _ => return self.fail("an unknown escape"),
        };
        self.at += 1;
        out.push(c);
        Ok(())
    }

    /// Reads what follows `\u`, and the other half of a surrogate pair. A half without
    /// the other becomes U+FFFD.
    fn unicode(&mut self) -> Result<char, Error> {
        let high = self.hex()?;
        if (0xd800..0xdc00).contains(&high) && self.text.as_bytes()[self.at..].starts_with(b"\\u") {
            let back = self.at;
            self.at += 2;
            let low = self.hex()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = back;
        }
        Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self) -> Result<u32, Error> {
        let mut code = 0;
        for _ in 0..4 {
            match (self.peek() as char).to_digit(16) {
                Some(digit) => code = code << 4 | digit,
                None => return self.fail("no hexadecimal digit"),
            }
            self.at += 1;
        }
        Ok(code)
    }
}
