//! Rooms: topics that connections join, and to which a guest says something at once.

use crate::abi::{self, Record};
use crate::conn::Conn;
use crate::error::{Error, Result, State};
use crate::json::Value;
use crate::sys;
use std::borrow::Cow;

/// A room. It is a name and nothing else: whatever has the same name is the same room, and
/// one without members does not exist. The host keeps the members, and forgets one that
/// disconnects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Room<'n>(Cow<'n, str>);

impl<'n> Room<'n> {
    /// Makes a room of a name of 1 to 256 bytes; with another, everything about it fails.
    pub fn new(name: impl Into<Cow<'n, str>>) -> Room<'n> {
        Room(name.into())
    }

    pub fn name(&self) -> &str {
        &self.0
    }

    fn check(&self, operation: &'static str) -> Result {
        if self.0.is_empty() || self.0.len() > abi::MAX_TOPIC as usize {
            return Err(Error::argument(operation, format!("topic of {} bytes", self.0.len())));
        }
        Ok(())
    }

    fn member(&self, conn: &Conn, operation: &'static str, kind: u16) -> Result {
        conn.check(operation, &[State::Connecting, State::Open])?;
        self.check(operation)?;
        conn.command(kind, 0, 0, &[self.0.as_bytes()]);
        Ok(())
    }

    /// Makes a connection a member, until it leaves or is over.
    pub fn join(&self, conn: &Conn) -> Result {
        self.member(conn, "join", abi::KIND_SUBSCRIBE)
    }

    pub fn leave(&self, conn: &Conn) -> Result {
        self.member(conn, "leave", abi::KIND_UNSUBSCRIBE)
    }

    fn publish(&self, except: Option<&Conn>, flags: u16, payload: &[u8]) -> Result {
        self.check("broadcast")?;
        let record = Record {
            kind: abi::KIND_PUBLISH,
            flags: flags | except.map_or(0, |_| abi::FLAG_EXCEPT),
            code: self.0.len() as u32,
            conn: except.map_or(0, Conn::id),
            data: 0,
            len: 0,
            token: 0,
        };
        sys::command(record, &[self.0.as_bytes(), payload]);
        Ok(())
    }

    /// Sends text to all members.
    pub fn broadcast_text(&self, text: &str) -> Result {
        self.publish(None, abi::FLAG_TEXT, text.as_bytes())
    }

    /// Sends bytes to all members.
    pub fn broadcast_bytes(&self, bytes: &[u8]) -> Result {
        self.publish(None, 0, bytes)
    }

    /// Sends a value to all members, as text.
    pub fn broadcast_json(&self, value: &Value) -> Result {
        self.broadcast_text(&value.encode()?)
    }

    /// Sends text to all members but one.
    pub fn broadcast_text_except(&self, conn: &Conn, text: &str) -> Result {
        self.publish(Some(conn), abi::FLAG_TEXT, text.as_bytes())
    }

    /// Sends bytes to all members but one.
    pub fn broadcast_bytes_except(&self, conn: &Conn, bytes: &[u8]) -> Result {
        self.publish(Some(conn), 0, bytes)
    }

    /// Sends a value to all members but one, as text.
    pub fn broadcast_json_except(&self, conn: &Conn, value: &Value) -> Result {
        self.broadcast_text_except(conn, &value.encode()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let conn = Conn::new(1, 0, "/".into(), State::Open);
        for (size, problem) in [(0, true), (1, false), (256, false), (257, true)] {
            let room = Room::new("x".repeat(size));
            for (operation, result) in
                [("join", room.join(&conn)), ("leave", room.leave(&conn)), ("broadcast", room.broadcast_text("a"))]
            {
                let want = problem.then(|| format!("{}: topic of {} bytes", operation, size));
                assert_eq!(result.err().map(|e| e.to_string()), want);
            }
        }
    }

    #[test]
    fn states() {
        for (state, want) in [
            (State::Connecting, None),
            (State::Open, None),
            (State::Closing, Some("join while closing")),
            (State::Closed, Some("join while closed")),
        ] {
            let result = Room::new("a").join(&Conn::new(1, 0, "/".into(), state));
            assert_eq!(result.err().map(|e| e.to_string()).as_deref(), want);
        }
    }
}
