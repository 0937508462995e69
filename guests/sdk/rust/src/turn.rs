//! A turn: from events to handlers, and what becomes of what they fail with.

use crate::abi;
use crate::app::{App, Fault, Stop};
use crate::conn::Conn;
use crate::endpoint::{By, Disconnect, Happened, Want};
use crate::error::{Error, Result, State};
use crate::exchange::Exchange;
use crate::failure::{self, Failure, Subject};
use crate::param::Invalid;
use crate::request::Request;
use crate::sys::{self, Event, Turn};
use crate::{config, log, text, timer};
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

thread_local! {
    static PROGRAM: RefCell<Option<Program>> = const { RefCell::new(None) };
}

/// A program that runs, and the connections that it knows.
struct Program {
    app: App,
    conns: HashMap<u64, Conn, BuildHasherDefault<HandleHasher>>,
}

/// Handles are the host's, so nobody can choose them to collide.
#[derive(Default)]
struct HandleHasher(u64);

impl Hasher for HandleHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64((*byte).into());
        }
    }

    fn write_u64(&mut self, n: u64) {
        // The table takes its bits from both ends of the hash.
        self.0 = (self.0 ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }
}

/// The export of that name, without the name.
pub fn mailbox(app: App) -> u32 {
    log::log_panics();
    let wants = app.wants();
    PROGRAM.with(|program| *program.borrow_mut() = Some(Program { app, conns: HashMap::default() }));
    sys::mailbox(wants)
}

/// The export of that name, without the name.
pub fn turn(events: u32) -> i32 {
    PROGRAM.with(|program| {
        let mut program = program.borrow_mut();
        let program = program.as_mut().expect("a mailbox before the first turn");
        let turn = Turn::begin(events);
        for i in 0..turn.events() {
            program.handle(&turn.event(i));
        }
        turn.end()
    })
}

impl Program {
    fn handle(&mut self, event: &Event<'_>) {
        match event.kind {
            abi::KIND_MESSAGE => self.receive(event),
            _ => self.handle_other(event),
        }
    }

    /// Handles an event that is no message. Kinds that are not known are ignored. Engines
    /// are at their best with small functions, so this is not part of the loop.
    #[inline(never)]
    fn handle_other(&mut self, event: &Event<'_>) {
        match event.kind {
            abi::KIND_CONNECT => self.connect(event),
            abi::KIND_CLOSE => self.disconnect(event),
            abi::KIND_RESUME => self.resume(event),
            abi::KIND_REQUEST => self.request(event),
            abi::KIND_WRITABLE => self.writable(event),
            abi::KIND_TIMER => log_error("on_timer", timer::fire(event.token)),
            abi::KIND_FAULT => self.fault(event),
            abi::KIND_START => {
                config::set(event.data());
                log_error("on_start", self.app.on_start.as_mut().map_or(Ok(()), |f| f()));
            }
            abi::KIND_STOP => {
                let reason = Stop::new(event.code);
                log_error("on_stop", self.app.on_stop.as_mut().map_or(Ok(()), |f| f(reason)));
            }
            _ => {}
        }
    }

    fn connect(&mut self, event: &Event<'_>) {
        let request = Request::new(event.data());
        let (endpoint, route) = match self.app.find(request.route()) {
            Some(found) => found,
            None => {
                return failure::refuse(Subject::Conn(&Conn::new(event.conn, 0, "".into(), State::Connecting)), 404)
            }
        };
        let conn = Conn::new(event.conn, endpoint, route, State::Connecting);
        conn.offer(&text::lossy(request.bytes(abi::FIELD_PROTOCOLS)));
        conn.put_data(self.app.endpoints[endpoint].new_state());
        self.conns.insert(event.conn, conn.clone());
        match Invalid::check(self.app.endpoints[endpoint].params(), &request) {
            Some(invalid) => self.call(&conn, Happened::Invalid(&request, &invalid)),
            None => {
                conn.meet();
                self.call(&conn, Happened::Connect(&request));
            }
        }
    }

    /// Takes over a connection of an instance that is gone.
    fn resume(&mut self, event: &Event<'_>) {
        let request = Request::new(event.data());
        let found = self.app.find(request.route());
        let (endpoint, route) = match found.filter(|(i, _)| self.app.endpoints[*i].wants(Want::Resume)) {
            Some(found) => found,
            None => {
                let conn = Conn::new(event.conn, 0, "".into(), State::Open);
                return conn.command(abi::KIND_CLOSE, 0, abi::close::SERVICE_RESTART.into(), &[]);
            }
        };
        let conn = Conn::new(event.conn, endpoint, route, State::Open);
        conn.meet();
        conn.restore(request.bytes(abi::FIELD_ATTACHMENT));
        conn.put_data(self.app.endpoints[endpoint].new_state());
        self.conns.insert(event.conn, conn.clone());
        self.call(&conn, Happened::Resume(&request));
    }

    fn receive(&mut self, event: &Event<'_>) {
        let conn = match self.conns.get(&event.conn) {
            Some(conn) if conn.is_open() => conn.clone(),
            _ => return,
        };
        let encoding = self.app.endpoints[conn.endpoint()].encoding();
        match encoding.decode(event.text(), event.data()) {
            Ok(message) => self.call(&conn, Happened::Receive(message)),
            // The connection is open and the code can be sent.
            Err(reason) => drop(conn.close(abi::close::UNSUPPORTED_DATA, reason)),
        }
    }

    fn writable(&mut self, event: &Event<'_>) {
        if let Some(conn) = self.conns.get(&event.conn).filter(|conn| conn.is_open()).cloned() {
            if self.app.endpoints[conn.endpoint()].wants(Want::Writable) {
                self.call(&conn, Happened::Writable);
            }
        }
    }

    fn disconnect(&mut self, event: &Event<'_>) {
        let conn = match self.conns.remove(&event.conn) {
            Some(conn) => conn,
            None => return,
        };
        conn.set_state(State::Closed);
        let is = |flag| event.flags & flag != 0;
        let end = Disconnect {
            code: event.code as u16,
            reason: std::str::from_utf8(event.data()).unwrap_or_default(),
            clean: is(abi::FLAG_CLEAN),
            by: match () {
                () if is(abi::FLAG_BY_PEER) => By::Peer,
                () if is(abi::FLAG_BY_GUEST) => By::Guest,
                () => By::Host,
            },
            opened: is(abi::FLAG_OPENED),
        };
        if conn.met() || end.opened {
            let result = self.invoke(&conn, Happened::Disconnect(&end));
            match result {
                Err(error) if !error.is_closed() => crate::error!("{} on_disconnect: {}", conn.route(), error),
                _ => {}
            }
        }
        drop(conn.take_data());
        conn.restore(&[]);
    }

    fn request(&mut self, event: &Event<'_>) {
        let request = Request::new(event.data());
        let (endpoint, exchange) = match self.app.find(request.route()) {
            Some((endpoint, route)) => (endpoint, Exchange::new(event.conn, route)),
            None => return failure::refuse(Subject::Exchange(&Exchange::new(event.conn, "".into())), 404),
        };
        let subject = Subject::Exchange(&exchange);
        if !self.app.endpoints[endpoint].wants(Want::Request) {
            return failure::refuse(subject, 426);
        }
        if let Err(error) = self.app.endpoints[endpoint].request(&exchange, &request) {
            self.settle(endpoint, &Failure::new(&error, "on_request", subject, Some(&request)));
        }
    }

    fn fault(&mut self, event: &Event<'_>) {
        let fault = Fault { kind: event.flags, status: event.code, conn: self.conns.get(&event.conn).cloned() };
        if fault.kind == abi::KIND_TIMER {
            timer::refused(event.token);
        }
        match &mut self.app.on_fault {
            Some(handler) => handler(&fault),
            None if fault.status != abi::STATUS_CLOSED => crate::warn!("{}", fault),
            None => {}
        }
    }

    /// Calls a handler and deals with what it fails with.
    fn call(&mut self, conn: &Conn, happened: Happened<'_>) {
        let (handler, request) = (happened.handler(), happened.request());
        if let Err(error) = self.invoke(conn, happened) {
            self.settle(conn.endpoint(), &Failure::new(&error, handler, Subject::Conn(conn), request));
        }
    }

    /// Calls a handler, which has the connection's state as long as it runs.
    fn invoke(&mut self, conn: &Conn, happened: Happened<'_>) -> Result {
        let endpoint = &mut self.app.endpoints[conn.endpoint()];
        let mut data = conn.take_data().expect("the state of a connection that is not over");
        let result = endpoint.handle(conn, &mut *data, happened);
        conn.put_data(data);
        result
    }

    /// Asks the handlers of errors, and does what is the default if none deals with it.
    fn settle(&mut self, endpoint: usize, failure: &Failure<'_>) {
        match self.ask(endpoint, failure) {
            Ok(true) => {}
            Ok(false) => failure.settle(),
            Err(error) => failure.of(&error).fail(),
        }
    }

    /// Asks one after the other until one has dealt with it, or fails itself.
    fn ask(&mut self, endpoint: usize, failure: &Failure<'_>) -> Result<bool> {
        for handler in &mut self.app.by_type {
            if let Some(result) = handler(failure) {
                if result? {
                    return Ok(true);
                }
            }
        }
        for (status, handler) in &mut self.app.by_status {
            if failure.error().status() == Some(*status) && handler(failure)? {
                return Ok(true);
            }
        }
        self.app.endpoints[endpoint].error(failure)
    }
}

/// Logs an error that there is nobody to answer for.
fn log_error(handler: &str, result: Result<(), Error>) {
    if let Err(error) = result {
        crate::error!("{}: {}", handler, error);
    }
}
