//! HTTP requests that wait for their response.

use crate::abi::{self, Record};
use crate::conn::response;
use crate::error::{Error, Result, State};
use crate::json::Value;
use crate::sys;
use std::cell::Cell;
use std::rc::Rc;

/// An HTTP request that is answered once, now or later. It is a reference: a clone is the
/// same.
#[derive(Clone)]
pub struct Exchange(Rc<Inner>);

struct Inner {
    handle: u64,
    route: Rc<str>,
    answered: Cell<bool>,
}

impl Exchange {
    pub(crate) fn new(handle: u64, route: Rc<str>) -> Exchange {
        Exchange(Rc::new(Inner { handle, route, answered: Cell::new(false) }))
    }

    /// Returns the number by which the host knows the request.
    pub fn id(&self) -> u64 {
        self.0.handle
    }

    /// Returns the pattern of its route.
    pub fn route(&self) -> &str {
        &self.0.route
    }

    pub fn is_answered(&self) -> bool {
        self.0.answered.get()
    }

    /// Answers with an HTTP status, header fields and a body.
    pub fn respond(&self, status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Result {
        if self.is_answered() {
            return Err(Error::State { operation: "respond", state: State::Closed });
        }
        let block = response("respond", status, headers, body.as_ref())?;
        self.0.answered.set(true);
        let record = Record {
            kind: abi::KIND_RESPOND,
            flags: 0,
            code: status.into(),
            conn: self.0.handle,
            data: 0,
            len: 0,
            token: 0,
        };
        sys::command(record, &[&block]);
        Ok(())
    }

    /// Answers with a page of HTML.
    pub fn html(&self, page: &str) -> Result {
        self.respond(200, &[("content-type", "text/html; charset=utf-8")], page)
    }

    /// Answers with a value of JSON.
    pub fn json(&self, value: &Value) -> Result {
        self.respond(200, &[("content-type", "application/json")], value.encode()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once() {
        let e = Exchange::new(1, "/".into());
        assert_eq!(e.respond(600, &[], "").unwrap_err().to_string(), "respond: status 600 is not from 200 to 599");
        assert!(!e.is_answered());
        assert!(e.html("<p>").is_ok());
        assert_eq!(e.respond(200, &[], "").unwrap_err().to_string(), "respond while closed");
    }
}
