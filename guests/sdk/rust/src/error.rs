//! What a handler can fail with.

use crate::abi::phrase;
use crate::json;
use std::borrow::Cow;
use std::fmt;

/// What handlers return.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// What a handler fails with.
///
/// Any [`std::error::Error`] becomes one by `?`; a text does by [`Error::msg`]. This type
/// is no `std::error::Error` itself, because that would rule out the first.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Closes the connection with this code and reason; while it is connecting, refuses
    /// it with 403, and an HTTP request likewise.
    Policy { code: u16, reason: Cow<'static, str> },
    /// Answers a handshake or a request with this status, the header fields, and the
    /// detail as JSON; the status's phrase if that is empty.
    Http { status: u16, detail: Cow<'static, str>, headers: Vec<(String, String)> },
    /// An operation that the state of its connection or request does not allow.
    State { operation: &'static str, state: State },
    /// An argument that can never be right.
    Argument { operation: &'static str, problem: String },
    /// JSON that is none.
    Json(json::Error),
    /// Anything else.
    Other(Box<dyn std::error::Error>),
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The handshake waits for an answer.
    Connecting,
    /// It was accepted.
    Open,
    /// This guest has closed or denied it.
    Closing,
    /// It is over.
    Closed,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Connecting => "connecting",
            State::Open => "open",
            State::Closing => "closing",
            State::Closed => "closed",
        })
    }
}

impl Error {
    /// Makes a policy close.
    pub fn policy(code: u16, reason: impl Into<Cow<'static, str>>) -> Error {
        Error::Policy { code, reason: reason.into() }
    }

    /// Makes an HTTP error.
    pub fn http(status: u16, detail: impl Into<Cow<'static, str>>) -> Error {
        Error::Http { status, detail: detail.into(), headers: Vec::new() }
    }

    /// Makes an error of nothing but a text.
    pub fn msg(text: impl Into<String>) -> Error {
        Error::Other(text.into().into())
    }

    pub(crate) fn argument(operation: &'static str, problem: impl Into<String>) -> Error {
        Error::Argument { operation, problem: problem.into() }
    }

    /// Adds a header field to an HTTP error, and leaves any other as it is.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Error {
        if let Error::Http { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Returns the status of an HTTP error.
    pub fn status(&self) -> Option<u16> {
        match self {
            Error::Http { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Returns the detail of an HTTP error, or the phrase of its status, or the reason of
    /// a policy close.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Error::Http { status, detail, .. } if detail.is_empty() => Some(phrase(*status)),
            Error::Http { detail, .. } => Some(detail),
            Error::Policy { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// Returns the error of another type that this was made from.
    pub fn downcast_ref<T: std::error::Error + 'static>(&self) -> Option<&T> {
        match self {
            Error::Other(error) => error.downcast_ref(),
            _ => None,
        }
    }

    /// Reports whether it came too late: its connection was closed already.
    pub fn is_closed(&self) -> bool {
        matches!(self, Error::State { state: State::Closing | State::Closed, .. })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Policy { code, reason } if reason.is_empty() => write!(f, "close {}", code),
            Error::Policy { code, reason } => write!(f, "close {}: {}", code, reason),
            Error::Http { status, .. } => match self.detail() {
                Some(detail) if !detail.is_empty() => write!(f, "http {}: {}", status, detail),
                _ => write!(f, "http {}", status),
            },
            Error::State { operation, state } => write!(f, "{} while {}", operation, state),
            Error::Argument { operation, problem } => write!(f, "{}: {}", operation, problem),
            Error::Json(error) => error.fmt(f),
            Error::Other(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error + 'static> From<E> for Error {
    fn from(error: E) -> Error {
        let boxed: Box<dyn std::error::Error> = Box::new(error);
        match boxed.downcast::<json::Error>() {
            Ok(json) => Error::Json(*json),
            Err(other) => Error::Other(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let parsing = "x".parse::<i32>().unwrap_err();
        for (error, want) in [
            (Error::policy(1008, "no"), "close 1008: no"),
            (Error::policy(1008, ""), "close 1008"),
            (Error::http(403, "nope"), "http 403: nope"),
            (Error::http(410, ""), "http 410: Gone"),
            (Error::http(599, ""), "http 599"),
            (Error::State { operation: "send", state: State::Connecting }, "send while connecting"),
            (Error::argument("close", "code 1005 cannot be sent"), "close: code 1005 cannot be sent"),
            (json::Error::TooDeep.into(), "cannot encode more than 64 levels as json"),
            (Error::msg("boom"), "boom"),
            (parsing.into(), "invalid digit found in string"),
        ] {
            assert_eq!(error.to_string(), want);
        }
    }

    #[test]
    fn types() {
        let error: Error = "x".parse::<i32>().unwrap_err().into();
        assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
        assert!(error.downcast_ref::<std::num::ParseFloatError>().is_none());
        assert!(matches!(Error::from(json::Error::TooDeep), Error::Json(json::Error::TooDeep)));
        assert!(Error::State { operation: "send", state: State::Closing }.is_closed());
        assert!(!Error::State { operation: "send", state: State::Connecting }.is_closed());
    }
}
