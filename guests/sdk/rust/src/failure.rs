//! A handler that has failed, and what comes of it by default.

use crate::conn::Conn;
use crate::error::{Error, Result, State};
use crate::exchange::Exchange;
use crate::json::Value;
use crate::request::Request;
use crate::{abi, config};

/// A handler that has failed, as handlers of errors get it.
pub struct Failure<'a> {
    error: &'a Error,
    handler: &'static str,
    subject: Subject<'a>,
    request: Option<&'a Request<'a>>,
}

/// What a handler was called for.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    Conn(&'a Conn),
    Exchange(&'a Exchange),
}

const INTERNAL: &str = "internal error";
const JSON: (&str, &str) = ("content-type", "application/json");

impl<'a> Failure<'a> {
    pub(crate) fn new(
        error: &'a Error,
        handler: &'static str,
        subject: Subject<'a>,
        request: Option<&'a Request<'a>>,
    ) -> Self {
        Failure { error, handler, subject, request }
    }

    pub(crate) fn of<'b>(&'b self, error: &'b Error) -> Failure<'b> {
        Failure { error, ..*self }
    }

    /// Returns what it failed with.
    pub fn error(&self) -> &'a Error {
        self.error
    }

    /// Returns the name of the handler, such as `on_receive`.
    pub fn handler(&self) -> &'static str {
        self.handler
    }

    /// Returns the pattern of the route, which names the endpoint.
    pub fn route(&self) -> &'a str {
        match self.subject {
            Subject::Conn(conn) => conn.route(),
            Subject::Exchange(exchange) => exchange.route(),
        }
    }

    /// Returns the connection or the HTTP request that the handler was called for.
    pub fn subject(&self) -> Subject<'a> {
        self.subject
    }

    /// Returns the connection, if it was one.
    pub fn conn(&self) -> Option<&'a Conn> {
        match self.subject {
            Subject::Conn(conn) => Some(conn),
            Subject::Exchange(_) => None,
        }
    }

    /// Returns the HTTP request, if it was one.
    pub fn exchange(&self) -> Option<&'a Exchange> {
        match self.subject {
            Subject::Conn(_) => None,
            Subject::Exchange(exchange) => Some(exchange),
        }
    }

    /// Returns the head, where the handler had one.
    pub fn request(&self) -> Option<&'a Request<'a>> {
        self.request
    }

    fn line(&self) -> String {
        format!("{} {}: {}", self.route(), self.handler, self.error)
    }

    /// Whether there is something that an answer can still go to.
    fn state(&self) -> State {
        match self.subject {
            Subject::Conn(conn) => conn.state(),
            Subject::Exchange(exchange) if exchange.is_answered() => State::Closed,
            Subject::Exchange(_) => State::Connecting,
        }
    }

    /// Does what an error does if nobody deals with it.
    pub(crate) fn settle(&self) {
        if self.error.is_closed() {
            return;
        }
        let answered = match (self.error, self.subject) {
            // What can no longer be answered is logged.
            _ if matches!(self.state(), State::Closing | State::Closed) => Ok(false),
            (Error::Policy { code, reason }, Subject::Conn(conn)) => conn.close(*code, reason).map(|()| true),
            (Error::Policy { reason, .. }, Subject::Exchange(_)) => self.answer(403, reason, &[]).map(|()| true),
            (Error::Http { status, detail, headers }, _) if self.state() == State::Connecting => {
                self.answer(*status, detail, headers).map(|()| true)
            }
            _ => Ok(false),
        };
        match answered {
            Ok(true) => {}
            Ok(false) => self.fail(),
            // A code or status that is not possible.
            Err(error) => self.of(&error).fail(),
        }
    }

    /// Logs the error as one that nobody foresaw, and answers with no more than that there
    /// was one.
    pub(crate) fn fail(&self) {
        let line = self.line();
        crate::error!("{}", line);
        // The state allows what is done in it, and the arguments are right.
        let _ = match (self.state(), self.subject) {
            (State::Closing | State::Closed, _) => Ok(()),
            (State::Open, Subject::Conn(conn)) if config::debug() => {
                conn.close(abi::close::INTERNAL_ERROR, &self.error.to_string())
            }
            (State::Open, Subject::Conn(conn)) => conn.close(abi::close::INTERNAL_ERROR, INTERNAL),
            _ if config::debug() => self.respond(500, &[("content-type", "text/plain; charset=utf-8")], &(line + "\n")),
            _ => self.answer(500, "", &[]),
        };
    }

    fn answer(&self, status: u16, detail: &str, headers: &[(String, String)]) -> Result {
        let mut all = vec![JSON];
        all.extend(headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        self.respond(status, &all, &detail_body(status, detail)?)
    }

    fn respond(&self, status: u16, headers: &[(&str, &str)], body: &str) -> Result {
        match self.subject {
            Subject::Conn(conn) => conn.deny(status, headers, body),
            Subject::Exchange(exchange) => exchange.respond(status, headers, body),
        }
    }
}

fn detail_body(status: u16, detail: &str) -> Result<String> {
    let detail = if detail.is_empty() { abi::phrase(status) } else { detail };
    Ok(Value::object([("detail", detail)]).encode()?)
}

/// Answers where there is no endpoint, or none for HTTP requests.
pub(crate) fn refuse(subject: Subject<'_>, status: u16) {
    let error = Error::http(status, "");
    Failure::new(&error, "", subject, None).settle();
}
