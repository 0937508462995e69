//! JSON: values, read from text and written to it.
//!
//! Objects keep the order of their keys, integers of 64 bits are kept exactly, and
//! nothing is more than [`MAX_DEPTH`] levels deep.

mod parse;
mod plain;
mod write;

use std::fmt;

/// The most arrays and objects that are inside each other.
pub const MAX_DEPTH: usize = 64;

/// A value of JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    /// An integer that fits.
    Int(i64),
    /// An integer over [`i64::MAX`].
    Uint(u64),
    /// Any other number. One that is not finite is not JSON's and cannot be written.
    Float(f64),
    String(String),
    Array(Vec<Value>),
    /// Members in their order. A key that is there twice stays so; see [`Value::get`].
    Object(Vec<(String, Value)>),
}

impl Value {
    /// Reads a value from text that is nothing but it and blanks.
    pub fn parse(text: &str) -> Result<Value, Error> {
        parse::parse(text)
    }

    /// Returns the value as text, without blanks.
    pub fn encode(&self) -> Result<String, Error> {
        let mut out = String::new();
        write::write(self, &mut out, MAX_DEPTH)?;
        Ok(out)
    }

    /// Makes an object of keys and values.
    pub fn object<K: Into<String>, V: Into<Value>>(members: impl IntoIterator<Item = (K, V)>) -> Value {
        Value::Object(members.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// Returns the member of an object; the last, if there are several of that name.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Object(members) => members.iter().rev().find(|(k, _)| k == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Returns the element of an array.
    pub fn index(&self, i: usize) -> Option<&Value> {
        self.as_array()?.get(i)
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(s) => Some(s),
            _ => None,
        }
    }

    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Int(n) => Some(*n),
            _ => None,
        }
    }

    /// Returns any number; an integer over 2^53 is rounded.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(n) => Some(*n as f64),
            Value::Uint(n) => Some(*n as f64),
            Value::Float(n) => Some(*n),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }

    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(elements) => Some(elements),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        *self == Value::Null
    }
}

/// Why text is not JSON, or a value is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// What is wrong with the text, and at which byte.
    Malformed { at: usize, problem: &'static str },
    /// The type of a value that JSON has no words for.
    NotJson(&'static str),
    /// More than [`MAX_DEPTH`] levels to write.
    TooDeep,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Malformed { at, problem } => write!(f, "malformed json: {} at byte {}", problem, at),
            Error::NotJson(name) => write!(f, "cannot encode {} as json", name),
            Error::TooDeep => write!(f, "cannot encode more than {} levels as json", MAX_DEPTH),
        }
    }
}

impl std::error::Error for Error {}

macro_rules! from {
    ($($source:ty: $value:ident => $result:expr;)*) => {$(
        impl From<$source> for Value {
            fn from($value: $source) -> Value {
                $result
            }
        }
    )*};
}

from! {
    (): _nothing => Value::Null;
    bool: b => Value::Bool(b);
    i8: n => Value::Int(n.into());
    i16: n => Value::Int(n.into());
    i32: n => Value::Int(n.into());
    i64: n => Value::Int(n);
    u8: n => Value::Int(n.into());
    u16: n => Value::Int(n.into());
    u32: n => Value::Int(n.into());
    u64: n => i64::try_from(n).map_or(Value::Uint(n), Value::Int);
    usize: n => Value::from(n as u64);
    f32: n => Value::Float(n.into());
    f64: n => Value::Float(n);
    &str: s => Value::String(s.to_owned());
    String: s => Value::String(s);
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(elements: Vec<T>) -> Value {
        Value::Array(elements.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read and written again.
    #[test]
    fn canonical() {
        for (text, want) in [
            ("null", "null"),
            (" [ true , false ] ", "[true,false]"),
            ("{}", "{}"),
            ("[]", "[]"),
            ("\t{\"b\":1,\r\n\"a\":{\"c\":[2]}}", "{\"b\":1,\"a\":{\"c\":[2]}}"),
            ("{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}"),
            ("9223372036854775807", "9223372036854775807"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551616", "18446744073709552000"),
            ("-9223372036854775809", "-9223372036854776000"),
            ("0", "0"),
            ("-0", "0"),
            ("1.5", "1.5"),
            ("-2.50", "-2.5"),
            ("1.0", "1"),
            ("1e2", "100"),
            ("1E+2", "100"),
            ("1e21", "1e+21"),
            ("1.25e-7", "1.25e-7"),
            ("123456789012345678901234567890", "1.2345678901234568e+29"),
            ("0.000001", "0.000001"),
            (r#""\"\\\/\b\f\n\r\t""#, r#""\"\\/\b\f\n\r\t""#),
            (r#""\u00e9\u4e2d\ud83d\ude00\u001f\u007f""#, "\"é中😀\\u001f\u{7f}\""),
            (r#""\ud800""#, "\"\u{fffd}\""),
            (r#""\udc00\ud800x""#, "\"\u{fffd}\u{fffd}x\""),
            (r#""\ud800\u0041""#, "\"\u{fffd}A\""),
            (r#""\ud800\ud83d\ude00""#, "\"\u{fffd}😀\""),
            ("\"é <>&\u{2028}\"", "\"é <>&\u{2028}\""),
        ] {
            let value = Value::parse(text).unwrap_or_else(|e| panic!("{}: {}", text, e));
            assert_eq!(value.encode().as_deref(), Ok(want), "{}", text);
        }
    }

    #[test]
    fn malformed() {
        for text in [
            "",
            " ",
            "nul",
            "nulll",
            "tru",
            "[",
            "]",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\" 1}",
            "{1:2}",
            "1 2",
            "01",
            "-",
            "+1",
            ".5",
            "1.",
            "1.e1",
            "1e",
            "1e+",
            "0x1",
            "--1",
            "NaN",
            "Infinity",
            "\"",
            "\"a",
            "\"\\",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u12g4\"",
            "\"\\ud800\\u\"",
            "\"\n\"",
            "\"\u{1f}\"",
            "'a'",
            "\u{feff}1",
            "[1]//",
            "1e999",
            "-1e999",
        ] {
            assert!(Value::parse(text).is_err(), "{:?} was read", text);
        }
    }

    #[test]
    fn depth() {
        let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(Value::parse(&deep(MAX_DEPTH)).is_ok());
        assert!(Value::parse(&deep(MAX_DEPTH + 1)).is_err());
        assert!(Value::parse(&"[".repeat(1 << 20)).is_err());
        let mut value = Value::Null;
        for _ in 0..MAX_DEPTH {
            value = Value::Array(vec![value]);
        }
        assert!(value.encode().is_ok());
        assert_eq!(Value::Array(vec![value]).encode(), Err(Error::TooDeep));
    }

    #[test]
    fn not_json() {
        for n in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = Value::object([("a", n)]).encode().unwrap_err();
            assert!(error.to_string().contains("f64"), "{}", error);
        }
    }

    #[test]
    fn access() {
        let value = Value::parse(r#"{"a":1,"b":["x",2.5,true,null],"a":3}"#).unwrap();
        assert_eq!(value.get("a").and_then(Value::as_i64), Some(3));
        let list = value.get("b").unwrap();
        assert_eq!(list.index(0).and_then(Value::as_str), Some("x"));
        assert_eq!(list.index(1).and_then(Value::as_f64), Some(2.5));
        assert_eq!(list.index(2).and_then(Value::as_bool), Some(true));
        assert!(list.index(3).unwrap().is_null());
        assert_eq!(list.index(4), None);
        assert_eq!(value.get("c"), None);
        assert_eq!(list.get("a"), None);
    }
}
