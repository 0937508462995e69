//! Connections.

use crate::abi::{self, Record};
use crate::error::{Error, Result, State};
use crate::json::Value;
use crate::message::Message;
use crate::request::split_protocols;
use crate::{fields, sys, text};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

/// A connection. It is a reference: a clone is the same connection, may be kept anywhere,
/// and is of no use but harmless when that is over.
#[derive(Clone)]
pub struct Conn(Rc<Inner>);

struct Inner {
    handle: u64,
    endpoint: usize,
    route: Rc<str>,
    state: Cell<State>,
    /// Whether `on_disconnect` is due.
    met: Cell<bool>,
    /// The endpoint's state; away while a handler has it.
    data: RefCell<Option<Box<dyn Any>>>,
    rare: RefCell<Rare>,
}

/// What most connections have nothing of.
#[derive(Default)]
struct Rare {
    /// The subprotocols offered, while connecting.
    offered: Box<str>,
    attachment: Box<[u8]>,
}

impl PartialEq for Conn {
    fn eq(&self, other: &Conn) -> bool {
        self.0.handle == other.0.handle
    }
}

impl Eq for Conn {}

impl Hash for Conn {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.handle.hash(state);
    }
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn")
            .field("id", &self.0.handle)
            .field("route", &self.route())
            .field("state", &self.state())
            .finish()
    }
}

impl Conn {
    pub(crate) fn new(handle: u64, endpoint: usize, route: Rc<str>, state: State) -> Conn {
        Conn(Rc::new(Inner {
            handle,
            endpoint,
            route,
            state: Cell::new(state),
            met: Cell::new(false),
            data: RefCell::new(None),
            rare: RefCell::default(),
        }))
    }

    /// Returns the number by which the host knows the connection. No other one of this
    /// instance has it, now or later.
    pub fn id(&self) -> u64 {
        self.0.handle
    }

    /// Returns the pattern of its route.
    pub fn route(&self) -> &str {
        &self.0.route
    }

    pub fn state(&self) -> State {
        self.0.state.get()
    }

    pub fn is_open(&self) -> bool {
        self.state() == State::Open
    }

    /// Lets it in.
    pub fn accept(&self) -> Result {
        self.accept_with(None, &[])
    }

    /// Lets it in, with one of the subprotocols that it offered, and with header fields
    /// for the response.
    pub fn accept_with(&self, protocol: Option<&str>, headers: &[(&str, &str)]) -> Result {
        self.check("accept", &[State::Connecting])?;
        let mut block = Vec::new();
        if let Some(protocol) = protocol {
            if !split_protocols(&self.0.rare.borrow().offered).any(|offered| offered == protocol) {
                return Err(Error::argument("accept", format!("subprotocol {} was not offered", protocol)));
            }
            fields::put(&mut block, abi::FIELD_PROTOCOL.as_bytes(), protocol.as_bytes());
        }
        for (name, value) in headers {
            fields::put(&mut block, name.as_bytes(), value.as_bytes());
        }
        self.0.rare.borrow_mut().offered = Box::default();
        self.0.state.set(State::Open);
        self.0.met.set(true);
        self.command(abi::KIND_ACCEPT, 0, 0, &[&block]);
        Ok(())
    }

    /// Refuses it with an HTTP status, header fields and a body.
    pub fn deny(&self, status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Result {
        self.check("deny", &[State::Connecting])?;
        let block = response("deny", status, headers, body.as_ref())?;
        self.0.state.set(State::Closing);
        self.command(abi::KIND_REJECT, 0, status.into(), &[&block]);
        Ok(())
    }

    /// Closes it, after everything that was sent before. While it is connecting it is
    /// refused with 403, and only `on_disconnect` learns code and reason. A reason over
    /// 123 bytes is cut.
    pub fn close(&self, code: u16, reason: &str) -> Result {
        self.check("close", &[State::Connecting, State::Open])?;
        if self.is_open() && !sendable(code) {
            return Err(Error::argument("close", format!("code {} cannot be sent", code)));
        }
        self.0.state.set(State::Closing);
        self.command(abi::KIND_CLOSE, 0, code.into(), &[text::cut(reason, abi::MAX_REASON as usize).as_bytes()]);
        Ok(())
    }

    /// Sends a message: back, if it is one that was received.
    pub fn send(&self, message: &Message<'_>) -> Result {
        match message {
            Message::Text(text) => self.send_text(text),
            Message::Bytes(bytes) => self.send_bytes(bytes),
            Message::Json(value) => self.send_json(value),
        }
    }

    pub fn send_text(&self, text: &str) -> Result {
        self.send_payload(abi::FLAG_TEXT, text.as_bytes())
    }

    pub fn send_bytes(&self, bytes: &[u8]) -> Result {
        self.send_payload(0, bytes)
    }

    /// Sends a value as text.
    pub fn send_json(&self, value: &Value) -> Result {
        self.check("send", &[State::Open])?;
        self.send_text(&value.encode()?)
    }

    fn send_payload(&self, flags: u16, payload: &[u8]) -> Result {
        self.check("send", &[State::Open])?;
        self.command(abi::KIND_MESSAGE, flags, 0, &[payload]);
        Ok(())
    }

    /// Leaves bytes with the host, in place of what was left before, for `on_resume` of a
    /// later instance; none removes them.
    pub fn attach(&self, bytes: &[u8]) -> Result {
        self.check("attach", &[State::Connecting, State::Open])?;
        if bytes.len() > abi::MAX_ATTACHMENT as usize {
            return Err(Error::argument("attach", format!("attachment of {} bytes", bytes.len())));
        }
        self.restore(bytes);
        self.command(abi::KIND_ATTACH, 0, 0, &[bytes]);
        Ok(())
    }

    /// Returns what was attached last, by this instance or one before it.
    pub fn attachment(&self) -> Vec<u8> {
        self.0.rare.borrow().attachment.to_vec()
    }

    /// Calls `f` with the endpoint's state of this connection, outside of its handlers: in
    /// a timer, or a handler of another connection. Without a call it returns `None`, where
    /// the connection is over, a handler of its own has the state, or it is no `S`.
    pub fn with_state<S: 'static, R>(&self, f: impl FnOnce(&mut S) -> R) -> Option<R> {
        let mut data = self.0.data.try_borrow_mut().ok()?;
        Some(f(data.as_mut()?.downcast_mut()?))
    }

    pub(crate) fn command(&self, kind: u16, flags: u16, code: u32, parts: &[&[u8]]) {
        sys::command(Record { kind, flags, code, conn: self.0.handle, data: 0, len: 0, token: 0 }, parts);
    }

    /// Fails in any state but these.
    pub(crate) fn check(&self, operation: &'static str, states: &[State]) -> Result {
        match self.state() {
            state if states.contains(&state) => Ok(()),
            state => Err(Error::State { operation, state }),
        }
    }

    pub(crate) fn endpoint(&self) -> usize {
        self.0.endpoint
    }

    pub(crate) fn set_state(&self, state: State) {
        self.0.state.set(state);
    }

    pub(crate) fn met(&self) -> bool {
        self.0.met.get()
    }

    pub(crate) fn meet(&self) {
        self.0.met.set(true);
    }

    pub(crate) fn offer(&self, protocols: &str) {
        if !protocols.is_empty() {
            self.0.rare.borrow_mut().offered = protocols.into();
        }
    }

    pub(crate) fn restore(&self, attachment: &[u8]) {
        self.0.rare.borrow_mut().attachment = attachment.into();
    }

    pub(crate) fn take_data(&self) -> Option<Box<dyn Any>> {
        self.0.data.borrow_mut().take()
    }

    pub(crate) fn put_data(&self, data: Box<dyn Any>) {
        *self.0.data.borrow_mut() = Some(data);
    }
}

/// Reports whether a close frame can have the code.
fn sendable(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1009 | 1011..=1014 | 3000..=4999)
}

/// Returns the fields of a response.
pub(crate) fn response(operation: &'static str, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Result<Vec<u8>> {
    if !(200..600).contains(&status) {
        return Err(Error::argument(operation, format!("status {} is not from 200 to 599", status)));
    }
    let mut block = Vec::new();
    for (name, value) in headers {
        fields::put(&mut block, name.as_bytes(), value.as_bytes());
    }
    if !body.is_empty() {
        fields::put(&mut block, abi::FIELD_BODY.as_bytes(), body);
    }
    Ok(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conn(state: State) -> Conn {
        let conn = Conn::new(1, 0, "/a".into(), state);
        conn.offer("chat.v1,chat.v2");
        conn
    }

    /// The text of the error, or nothing.
    fn text(result: Result) -> String {
        result.err().map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn states() {
        use State::*;
        type Operation = fn(&Conn) -> Result;
        let operations: &[(&str, &[State], Operation)] = &[
            ("accept", &[Connecting], |c| c.accept()),
            ("deny", &[Connecting], |c| c.deny(404, &[], "")),
            ("close", &[Connecting, Open], |c| c.close(1000, "")),
            ("send", &[Open], |c| c.send_text("x")),
            ("send", &[Open], |c| c.send_json(&Value::Null)),
            ("attach", &[Connecting, Open], |c| c.attach(b"x")),
        ];
        for (name, allowed, operation) in operations {
            for state in [Connecting, Open, Closing, Closed] {
                let want = if allowed.contains(&state) { String::new() } else { format!("{} while {}", name, state) };
                assert_eq!(text(operation(&conn(state))), want);
            }
        }
    }

    #[test]
    fn arguments() {
        for (result, want) in [
            (conn(State::Connecting).accept_with(Some("chat.v3"), &[]), "accept: subprotocol chat.v3 was not offered"),
            (conn(State::Connecting).accept_with(Some(""), &[]), "accept: subprotocol  was not offered"),
            (conn(State::Connecting).deny(199, &[], ""), "deny: status 199 is not from 200 to 599"),
            (conn(State::Connecting).deny(600, &[], ""), "deny: status 600 is not from 200 to 599"),
            (conn(State::Open).close(1005, ""), "close: code 1005 cannot be sent"),
            (conn(State::Open).attach(&[0; 16385]), "attach: attachment of 16385 bytes"),
            (conn(State::Connecting).accept_with(Some("chat.v2"), &[]), ""),
            (conn(State::Connecting).close(1005, ""), ""),
            (conn(State::Open).attach(&[0; 16384]), ""),
        ] {
            assert_eq!(text(result), want);
        }
    }

    #[test]
    fn codes() {
        let sent = |codes: std::ops::RangeInclusive<u16>| codes.filter(|c| sendable(*c)).collect::<Vec<_>>();
        assert_eq!(sent(0..=2999), [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014]);
        assert_eq!(sent(3000..=4999).len(), 2000);
        assert_eq!(sent(5000..=65535), []);
    }

    #[test]
    fn data() {
        let c = conn(State::Open);
        assert_eq!(c.with_state(|n: &mut u32| *n), None);
        c.put_data(Box::new(7u32));
        assert_eq!(c.with_state(|n: &mut u32| std::mem::replace(n, 8)), Some(7));
        assert_eq!(c.with_state(|n: &mut u32| *n), Some(8));
        assert_eq!(c.with_state(|n: &mut u64| *n), None);
        assert_eq!(c.with_state(|_: &mut u32| c.with_state(|n: &mut u32| *n)), Some(None));
        c.attach(b"abc").unwrap();
        assert_eq!(c.attachment(), b"abc");
    }
}
