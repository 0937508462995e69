//! Messages.

use crate::error::{Error, Result};
use crate::json::Value;

/// A message that was received. It is a view of what the host has delivered, and there
/// during the handler only.
#[derive(Clone, Debug, PartialEq)]
pub enum Message<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
    /// What the text was, where the endpoint's encoding is [`Encoding::Json`].
    Json(Value),
}

impl<'a> Message<'a> {
    /// Returns the text. It is an error only where the encoding is not [`Encoding::Text`].
    pub fn text(&self) -> Result<&'a str> {
        match self {
            Message::Text(text) => Ok(text),
            _ => Err(Error::msg("the message is not text")),
        }
    }

    /// Returns the bytes, of text too.
    pub fn bytes(&self) -> Result<&'a [u8]> {
        match self {
            Message::Text(text) => Ok(text.as_bytes()),
            Message::Bytes(bytes) => Ok(bytes),
            Message::Json(_) => Err(Error::msg("the message is not bytes")),
        }
    }

    /// Returns the value. It is an error only where the encoding is not
    /// [`Encoding::Json`].
    pub fn json(self) -> Result<Value> {
        match self {
            Message::Json(value) => Ok(value),
            _ => Err(Error::msg("the message is not JSON")),
        }
    }
}

/// What messages an endpoint takes. Any other closes the connection with 1003.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// [`Message::Text`] and [`Message::Bytes`].
    Any,
    /// [`Message::Text`].
    Text,
    /// [`Message::Bytes`].
    Bytes,
    /// [`Message::Json`], which travels as text.
    Json,
}

impl Encoding {
    /// Returns what an endpoint gets of a message, or the reason to close.
    pub(crate) fn decode<'a>(self, text: Option<&'a str>, bytes: &'a [u8]) -> Result<Message<'a>, &'static str> {
        match (self, text) {
            (Encoding::Any | Encoding::Text, Some(text)) => Ok(Message::Text(text)),
            (Encoding::Any | Encoding::Bytes, None) => Ok(Message::Bytes(bytes)),
            (Encoding::Json, Some(text)) => Value::parse(text).map(Message::Json).map_err(|_| "malformed json"),
            (Encoding::Text, None) => Err("text expected"),
            (Encoding::Bytes, Some(_)) => Err("bytes expected"),
            (Encoding::Json, None) => Err("json expected"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decode() {
        use Encoding::*;
        for (encoding, text, want) in [
            (Any, Some("1"), Ok(Message::Text("1"))),
            (Any, None, Ok(Message::Bytes(b"1"))),
            (Text, Some("1"), Ok(Message::Text("1"))),
            (Text, None, Err("text expected")),
            (Bytes, Some("1"), Err("bytes expected")),
            (Bytes, None, Ok(Message::Bytes(b"1"))),
            (Json, Some("1"), Ok(Message::Json(Value::Int(1)))),
            (Json, Some("{"), Err("malformed json")),
            (Json, None, Err("json expected")),
        ] {
            assert_eq!(encoding.decode(text, b"1"), want, "{:?} {:?}", encoding, text);
        }
    }
}
