//! Endpoints.

use crate::conn::Conn;
use crate::error::{Error, Result};
use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::message::{Encoding, Message};
use crate::param::{Declared, Invalid};
use crate::request::Request;
use std::any::Any;

/// What a program does on a route.
///
/// An endpoint is registered with [`App::endpoint`](crate::App::endpoint), once for each
/// route, and is the same value for all connections there. What belongs to one of them is
/// its [`State`](Endpoint::State). Handlers never run at the same time, nor one inside
/// another.
///
/// What a handler fails with is dealt with as [`Error`] says.
pub trait Endpoint: 'static {
    /// What the program keeps for each connection; `()` if that is nothing. It is made
    /// before `on_connect`, `on_invalid` or `on_resume`, and dropped after `on_disconnect`.
    type State: Default + 'static;

    /// What messages it takes.
    const ENCODING: Encoding = Encoding::Any;

    /// The parameters that a handshake needs to have.
    const PARAMS: &'static [&'static dyn Declared] = &[];

    /// The optional handlers that it has. The others are never called.
    const WANTS: &'static [Want] = &[];

    /// A handshake waits, and its parameters are valid. Accept, deny or close it; if this
    /// does none of them it goes on waiting, and a timer for instance can answer it.
    fn on_connect(&mut self, conn: &Conn, state: &mut Self::State, request: &Request<'_>) -> Result {
        let _ = (state, request);
        conn.accept()
    }

    /// A message has arrived.
    fn on_receive(&mut self, conn: &Conn, state: &mut Self::State, message: Message<'_>) -> Result {
        let _ = (conn, state, message);
        Ok(())
    }

    /// The connection is over. An error of this is logged, and that is all.
    fn on_disconnect(&mut self, conn: &Conn, state: &mut Self::State, end: &Disconnect<'_>) -> Result {
        let _ = (conn, state, end);
        Ok(())
    }

    /// Declared parameters are not valid.
    fn on_invalid(&mut self, conn: &Conn, state: &mut Self::State, request: &Request<'_>, invalid: &Invalid) -> Result {
        let _ = (state, request);
        invalid.deny(conn)
    }

    /// The connection was accepted by an instance before this one ([`Want::Resume`]).
    /// The request is what the host has kept of it.
    fn on_resume(&mut self, conn: &Conn, state: &mut Self::State, request: &Request<'_>) -> Result {
        let _ = (conn, state, request);
        Ok(())
    }

    /// The backlog of the connection has drained ([`Want::Writable`]).
    fn on_writable(&mut self, conn: &Conn, state: &mut Self::State) -> Result {
        let _ = (conn, state);
        Ok(())
    }

    /// An HTTP request came to the route ([`Want::Request`]). Respond, now or later.
    fn on_request(&mut self, exchange: &Exchange, request: &Request<'_>) -> Result {
        let _ = (exchange, request);
        Err(Error::http(426, ""))
    }

    /// A handler has failed, and no handler for the error's type or status has dealt with
    /// it. Returns whether this has.
    fn on_error(&mut self, failure: &Failure<'_>) -> Result<bool> {
        let _ = failure;
        Ok(false)
    }
}

/// An optional handler. Because the host needs to know before the program runs, an
/// endpoint says which it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// `on_request`
    Request,
    /// `on_resume`
    Resume,
    /// `on_writable`
    Writable,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnect<'a> {
    /// The close code, which may be one that is never sent: 1005 where the peer gave none,
    /// 1006 where it vanished.
    pub code: u16,
    pub reason: &'a str,
    /// Close frames went both ways.
    pub clean: bool,
    pub by: By,
    /// It had been accepted.
    pub opened: bool,
}

/// Who began to close a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The peer, or it vanished.
    Peer,
    /// This program.
    Guest,
    /// The server.
    Host,
}

/// What happened on a connection.
pub(crate) enum Happened<'a> {
    Connect(&'a Request<'a>),
    Invalid(&'a Request<'a>, &'a Invalid),
    Resume(&'a Request<'a>),
    Receive(Message<'a>),
    Writable,
    Disconnect(&'a Disconnect<'a>),
}

impl<'a> Happened<'a> {
    /// Returns the name of the handler, which the log uses.
    pub fn handler(&self) -> &'static str {
        match self {
            Happened::Connect(_) => "on_connect",
            Happened::Invalid(..) => "on_invalid",
            Happened::Resume(_) => "on_resume",
            Happened::Receive(_) => "on_receive",
            Happened::Writable => "on_writable",
            Happened::Disconnect(_) => "on_disconnect",
        }
    }

    pub fn request(&self) -> Option<&'a Request<'a>> {
        match self {
            Happened::Connect(request) | Happened::Invalid(request, _) | Happened::Resume(request) => Some(request),
            _ => None,
        }
    }
}

/// An endpoint of any type.
pub(crate) trait AnyEndpoint {
    fn encoding(&self) -> Encoding;
    fn params(&self) -> &'static [&'static dyn Declared];
    fn wants(&self, want: Want) -> bool;
    fn new_state(&self) -> Box<dyn Any>;
    /// Calls a handler. The state is one that `new_state` of the same endpoint made.
    fn handle(&mut self, conn: &Conn, state: &mut dyn Any, happened: Happened<'_>) -> Result;
    fn request(&mut self, exchange: &Exchange, request: &Request<'_>) -> Result;
    fn error(&mut self, failure: &Failure<'_>) -> Result<bool>;
}

impl<E: Endpoint> AnyEndpoint for E {
    fn encoding(&self) -> Encoding {
        E::ENCODING
    }

    fn params(&self) -> &'static [&'static dyn Declared] {
        E::PARAMS
    }

    fn wants(&self, want: Want) -> bool {
        E::WANTS.contains(&want)
    }

    fn new_state(&self) -> Box<dyn Any> {
        Box::new(E::State::default())
    }

    fn handle(&mut self, conn: &Conn, state: &mut dyn Any, happened: Happened<'_>) -> Result {
        let state = state.downcast_mut().expect("a state of this endpoint");
        match happened {
            Happened::Connect(request) => self.on_connect(conn, state, request),
            Happened::Invalid(request, invalid) => self.on_invalid(conn, state, request, invalid),
            Happened::Resume(request) => self.on_resume(conn, state, request),
            Happened::Receive(message) => self.on_receive(conn, state, message),
            Happened::Writable => self.on_writable(conn, state),
            Happened::Disconnect(end) => self.on_disconnect(conn, state, end),
        }
    }

    fn request(&mut self, exchange: &Exchange, request: &Request<'_>) -> Result {
        self.on_request(exchange, request)
    }

    fn error(&mut self, failure: &Failure<'_>) -> Result<bool> {
        self.on_error(failure)
    }
}
