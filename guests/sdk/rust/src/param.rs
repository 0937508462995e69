//! Declared parameters: what a connection needs to have in its path, query, header
//! fields or cookies, checked before `on_connect`.

use crate::conn::Conn;
use crate::error::{Error, Result};
use crate::json::Value;
use crate::request::Request;
use crate::text;
use crate::uuid::Uuid;
use std::borrow::Cow;
use std::fmt;

/// The most bytes of an input that an error repeats.
const MAX_INPUT: usize = 64;

/// Where a parameter comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A parameter of the route.
    Path,
    /// The last of that name in the query.
    Query,
    /// The first header field of that name.
    Header,
    /// The last cookie of that name.
    Cookie,
}

impl Source {
    /// Returns the name that errors use.
    pub const fn name(self) -> &'static str {
        match self {
            Source::Path => "path",
            Source::Query => "query",
            Source::Header => "header",
            Source::Cookie => "cookie",
        }
    }
}

/// A parameter: a name, where it comes from, a type, and what it is if it is missing.
///
/// ```
/// use wherry::{Choice, Param};
///
/// const N: Param<i64> = Param::query("n");
/// const FACTOR: Param<f64> = Param::query("f").default(1.5);
/// const TOKEN: Param<Option<String>> = Param::header("x-token").optional();
/// const COLOR: Param<Choice> = Param::query("color").one_of(&["red", "green"]).default("red");
/// ```
pub struct Param<T: Kind> {
    source: Source,
    name: &'static str,
    choices: &'static [&'static str],
    missing: Missing<T::Default>,
}

enum Missing<D> {
    Refuse,
    Nothing,
    Use(D),
}

/// The types that a parameter can have: [`String`], [`i64`], [`f64`], [`bool`], [`Uuid`],
/// [`Choice`], and an [`Option`] of each.
pub trait Kind: sealed::Sealed {
    /// What reading it gives.
    type Value;
    /// What a default is written as.
    type Default: Copy + 'static;

    /// The type of the error, and its message.
    #[doc(hidden)]
    const ERROR: (&'static str, &'static str);
    #[doc(hidden)]
    fn parse(input: &str, choices: &[&'static str]) -> Option<Self::Value>;
    #[doc(hidden)]
    fn fallback(value: Self::Default) -> Self::Value;
    /// The value of one that is missing and has no default.
    #[doc(hidden)]
    fn nothing() -> Option<Self::Value> {
        None
    }
}

/// The type of a parameter that is one of several texts. Its value is that text.
pub enum Choice {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! kinds {
    ($($kind:ty, $value:ty, $default:ty, $error:expr, $parse:expr, $from:expr;)*) => {$(
        impl sealed::Sealed for $kind {}
        impl Kind for $kind {
            type Value = $value;
            type Default = $default;
            const ERROR: (&'static str, &'static str) = $error;
            fn parse(input: &str, choices: &[&'static str]) -> Option<$value> {
                let parse: fn(&str, &[&'static str]) -> Option<$value> = $parse;
                parse(input, choices)
            }
            fn fallback(value: $default) -> $value {
                let from: fn($default) -> $value = $from;
                from(value)
            }
        }
    )*};
}

kinds! {
    String, String, &'static str, ("string", "not a string"), |s, _| Some(s.to_owned()), str::to_owned;
    i64, i64, i64, ("int_parsing", "not an integer"), |s, _| s.parse().ok(), |n| n;
    f64, f64, f64, ("float_parsing", "not a number"), |s, _| parse_float(s), |n| n;
    bool, bool, bool, ("bool_parsing", "not a boolean"), |s, _| parse_bool(s), |b| b;
    Uuid, Uuid, Uuid, ("uuid_parsing", "not a uuid"), |s, _| s.parse().ok(), |u| u;
    Choice, &'static str, &'static str, ("enum", "not one of "),
        |s, choices| choices.iter().copied().find(|c| *c == s), |s| s;
}

impl<T: Kind> sealed::Sealed for Option<T> {}

impl<T: Kind> Kind for Option<T> {
    type Value = Option<T::Value>;
    type Default = T::Default;
    const ERROR: (&'static str, &'static str) = T::ERROR;
    fn parse(input: &str, choices: &[&'static str]) -> Option<Self::Value> {
        T::parse(input, choices).map(Some)
    }
    fn fallback(value: T::Default) -> Self::Value {
        Some(T::fallback(value))
    }
    fn nothing() -> Option<Self::Value> {
        Some(None)
    }
}

fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !fraction.map_or(true, digits) || !exponent.map_or(true, digits) {
        return None;
    }
    text.parse().ok().filter(|n: &f64| n.is_finite())
}

fn parse_bool(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(&["true", "1", "yes", "on", "t", "y"]) {
        return Some(true);
    }
    is(&["false", "0", "no", "off", "f", "n"]).then_some(false)
}

impl<T: Kind> Param<T> {
    const fn new(source: Source, name: &'static str) -> Self {
        Param { source, name, choices: &[], missing: Missing::Refuse }
    }

    /// Makes a parameter that is one of the route's, and required.
    pub const fn path(name: &'static str) -> Self {
        Param::new(Source::Path, name)
    }

    /// Makes a parameter that is the last of that name in the query, and required.
    pub const fn query(name: &'static str) -> Self {
        Param::new(Source::Query, name)
    }

    /// Makes a parameter that is the first header field of that name, and required.
    pub const fn header(name: &'static str) -> Self {
        Param::new(Source::Header, name)
    }

    /// Makes a parameter that is the last cookie of that name, and required.
    pub const fn cookie(name: &'static str) -> Self {
        Param::new(Source::Cookie, name)
    }

    /// Gives it a value for where it is missing.
    #[must_use]
    pub const fn default(self, value: T::Default) -> Self {
        Param { source: self.source, name: self.name, choices: self.choices, missing: Missing::Use(value) }
    }

    /// Makes it one that may be missing; its value is then `None`.
    #[must_use]
    pub const fn optional(self) -> Param<Option<T>> {
        Param { source: self.source, name: self.name, choices: self.choices, missing: Missing::Nothing }
    }

    fn input<'r>(&self, request: &Request<'r>) -> Option<Cow<'r, str>> {
        match self.source {
            Source::Path => request.path_param(self.name),
            Source::Query => request.query_param(self.name),
            Source::Header => request.header(self.name),
            Source::Cookie => request.cookie(self.name),
        }
    }

    fn wrong(&self, kind: &'static str, message: String, input: Option<&str>) -> Wrong {
        let input = input.map(|s| text::cut(s, MAX_INPUT).to_owned());
        Wrong { kind, source: self.source, name: self.name, message, input }
    }
}

impl Param<String> {
    /// Makes it one that is one of these texts.
    #[must_use]
    pub const fn one_of(self, choices: &'static [&'static str]) -> Param<Choice> {
        Param { source: self.source, name: self.name, choices, missing: Missing::Refuse }
    }
}

impl<T: Kind> Param<T> {
    fn read(&self, request: &Request<'_>) -> Result<T::Value, Wrong> {
        let input = match (self.input(request), &self.missing) {
            (Some(input), _) => input,
            (None, Missing::Use(value)) => return Ok(T::fallback(*value)),
            (None, _) => return T::nothing().ok_or_else(|| self.wrong("missing", "required".into(), None)),
        };
        let (kind, message) = T::ERROR;
        T::parse(&input, self.choices)
            .ok_or_else(|| self.wrong(kind, message.to_owned() + &self.choices.join(", "), Some(&input)))
    }

    /// Returns the value that a request has of it. For a parameter that the endpoint has
    /// declared, it is never an error.
    pub fn get(&self, request: &Request<'_>) -> Result<T::Value> {
        self.read(request).map_err(|wrong| Error::msg(format!("{} {}", wrong, wrong.message)))
    }
}

/// A parameter of any type, as an endpoint declares it.
pub trait Declared {
    /// Returns what is wrong with the parameter in a request.
    fn check(&self, request: &Request<'_>) -> Option<Wrong>;
}

impl<T: Kind> Declared for Param<T> {
    fn check(&self, request: &Request<'_>) -> Option<Wrong> {
        self.read(request).err()
    }
}

/// What is wrong with a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// `missing`, `int_parsing` and so on.
    pub kind: &'static str,
    pub source: Source,
    pub name: &'static str,
    /// For people.
    pub message: String,
    /// What was there, cut to 64 bytes; nothing if it is missing.
    pub input: Option<String>,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.source.name(), self.name, self.kind)
    }
}

/// All that is wrong with the parameters of a handshake, in the order of declaration.
pub struct Invalid(pub(crate) Vec<Wrong>);

impl Invalid {
    /// Checks a request; `None` is that nothing is wrong.
    pub(crate) fn check(params: &[&dyn Declared], request: &Request<'_>) -> Option<Invalid> {
        let wrong: Vec<Wrong> = params.iter().filter_map(|param| param.check(request)).collect();
        (!wrong.is_empty()).then_some(Invalid(wrong))
    }

    pub fn errors(&self) -> &[Wrong] {
        &self.0
    }

    /// Returns the errors as an array of JSON.
    pub fn to_json(&self) -> Value {
        let one = |wrong: &Wrong| {
            let mut members = vec![
                ("type", Value::from(wrong.kind)),
                ("loc", Value::from(vec![wrong.source.name(), wrong.name])),
                ("msg", Value::from(&*wrong.message)),
            ];
            members.extend(wrong.input.as_deref().map(|input| ("input", input.into())));
            Value::object(members)
        };
        Value::Array(self.0.iter().map(one).collect())
    }

    /// Denies the handshake as it is by default: with 403 and the errors as JSON, and
    /// a line in the log.
    pub fn deny(&self, conn: &Conn) -> Result {
        let body = Value::object([("detail", self.to_json())]).encode()?;
        crate::warn!("{}: invalid parameters: {}", conn.route(), self);
        conn.deny(403, &[("content-type", "application/json")], body)
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, wrong) in self.0.iter().enumerate() {
            write!(f, "{}{}", if i == 0 { "" } else { ", " }, wrong)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::block;

    const ID: Param<i64> = Param::path("id");
    const N: Param<i64> = Param::query("n");
    const F: Param<f64> = Param::query("f").default(1.5);
    const B: Param<Option<bool>> = Param::query("b").optional();
    const U: Param<Option<Uuid>> = Param::query("u").optional();
    const COLOR: Param<Choice> = Param::query("color").one_of(&["red", "green"]).default("red");
    const TOKEN: Param<Option<String>> = Param::header("x-token").optional();
    const SID: Param<String> = Param::cookie("sid");
    const ALL: &[&dyn Declared] = &[&ID, &N, &F, &B, &U, &COLOR, &TOKEN, &SID];

    #[test]
    fn defaults() {
        let block = block(&[(":param.id", b"7"), (":query", b"n=%2B3"), ("cookie", b"sid=abc")]);
        let r = Request::new(&block);
        assert!(Invalid::check(ALL, &r).is_none());
        assert_eq!((ID.get(&r).unwrap(), N.get(&r).unwrap(), F.get(&r).unwrap()), (7, 3, 1.5));
        assert_eq!((B.get(&r).unwrap(), U.get(&r).unwrap(), TOKEN.get(&r).unwrap()), (None, None, None));
        assert_eq!((COLOR.get(&r).unwrap(), SID.get(&r).unwrap()), ("red", "abc".to_owned()));
    }

    #[test]
    fn wrong() {
        let query = format!("n=abc&f=1e999&b=maybe&u=1&color=blue{}", "é".repeat(40));
        let block = block(&[(":param.id", b"9223372036854775808"), (":query", query.as_bytes())]);
        let r = Request::new(&block);
        let invalid = Invalid::check(ALL, &r).unwrap();
        assert_eq!(
            invalid.to_string(),
            "path id int_parsing, query n int_parsing, query f float_parsing, query b bool_parsing, \
             query u uuid_parsing, query color enum, cookie sid missing"
        );
        let json = invalid.to_json();
        assert_eq!(
            json.index(1).unwrap().encode().unwrap(),
            r#"{"type":"int_parsing","loc":["query","n"],"msg":"not an integer","input":"abc"}"#
        );
        assert_eq!(
            json.index(6).unwrap().encode().unwrap(),
            r#"{"type":"missing","loc":["cookie","sid"],"msg":"required"}"#
        );
        let color = &invalid.errors()[5];
        assert_eq!(color.message, "not one of red, green");
        assert_eq!(color.input.as_deref(), Some(format!("blue{}", "é".repeat(30)).as_str()));
        assert_eq!(N.get(&r).unwrap_err().to_string(), "query n int_parsing not an integer");
    }

    #[test]
    fn numbers() {
        for (text, want) in
            [("0", Some(0)), ("-12", Some(-12)), ("+7", Some(7)), ("-9223372036854775808", Some(i64::MIN))]
        {
            assert_eq!(text.parse::<i64>().ok(), want);
        }
        for text in ["", "+", "-", " 1", "1 ", "1_0", "0x1", "1.0", "--1", "9223372036854775808", "\u{0661}"] {
            assert!(i64::parse(text, &[]).is_none(), "{:?} was an int", text);
        }
        for (text, want) in [("1", 1.0), ("-1.50", -1.5), ("+2e3", 2000.0), ("1E-2", 0.01), ("007.5", 7.5)] {
            assert_eq!(parse_float(text), Some(want), "{}", text);
        }
        for text in [
            "", ".", ".5", "5.", "1e", "e1", "1.e1", "inf", "nan", "infinity", "1e999", "1_0", "0x1", " 1", "1e+-1",
            "+-1",
        ] {
            assert_eq!(parse_float(text), None, "{:?} was a float", text);
        }
    }

    #[test]
    fn booleans() {
        for word in ["true", "1", "yes", "on", "t", "y", "TRUE", "Yes"] {
            assert_eq!(parse_bool(word), Some(true), "{}", word);
        }
        for word in ["false", "0", "no", "off", "f", "n", "False"] {
            assert_eq!(parse_bool(word), Some(false), "{}", word);
        }
        for word in ["", "2", "tru", "yes "] {
            assert_eq!(parse_bool(word), None, "{:?}", word);
        }
    }
}
