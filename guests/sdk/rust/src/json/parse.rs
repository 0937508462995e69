//! Reads JSON, as RFC 8259 has it, without any leniency.

use super::plain::plain;
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
        self.blanks();
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
            elements.push(self.value(depth)?);
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
            self.blanks();
            if self.peek() != b'"' {
                return self.fail("no key");
            }
            let key = self.string()?;
            self.blanks();
            if !self.take(b':') {
                return self.fail("no colon");
            }
            members.push((key, self.value(depth)?));
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
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        let mut integer = true;
        if self.take(b'.') {
            integer = false;
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            integer = false;
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        let text = &self.text[start..self.at];
        if integer {
            if let Ok(n) = text.parse() {
                return Ok(Value::Int(n));
            }
            if let Ok(n) = text.parse() {
                return Ok(Value::Uint(n));
            }
        }
        match text.parse::<f64>() {
            Ok(n) if n.is_finite() => Ok(Value::Float(n)),
            _ => self.fail("a number that is too big"),
        }
    }

    fn string(&mut self) -> Result<String, Error> {
        self.at += 1;
        let mut out = String::new();
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
