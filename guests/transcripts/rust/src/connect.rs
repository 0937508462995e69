//! Endpoints that are about handshakes.

use crate::tell_end;
use std::time::Duration;
use wherry::{timer, Choice, Conn, Declared, Disconnect, Endpoint, Error, Invalid, Param, Request, Result, Uuid};

pub struct Deny;

impl Endpoint for Deny {
    type State = ();

    fn on_connect(&mut self, conn: &Conn, _: &mut (), _: &Request<'_>) -> Result {
        conn.deny(401, &[("content-type", "text/plain"), ("www-authenticate", "Basic")], "no\n")
    }
}

pub struct Refuse;

impl Endpoint for Refuse {
    type State = ();

    fn on_connect(&mut self, conn: &Conn, _: &mut (), _: &Request<'_>) -> Result {
        conn.close(4003, "not you")
    }

    fn on_disconnect(&mut self, _: &Conn, _: &mut (), end: &Disconnect<'_>) -> Result {
        tell_end(end)
    }
}

pub struct Protocol;

impl Endpoint for Protocol {
    type State = ();

    fn on_connect(&mut self, conn: &Conn, _: &mut (), _: &Request<'_>) -> Result {
        conn.accept_with(Some("chat.v2"), &[("x-a", "1"), ("x-a", "2")])
    }
}

pub struct Early;

impl Endpoint for Early {
    type State = ();

    fn on_connect(&mut self, conn: &Conn, _: &mut (), _: &Request<'_>) -> Result {
        conn.send_text("early")
    }
}

/// Fails on connect with the error that it makes.
pub struct FailConnect(pub fn() -> Error);

impl Endpoint for FailConnect {
    type State = ();

    fn on_connect(&mut self, _: &Conn, _: &mut (), _: &Request<'_>) -> Result {
        Err(self.0())
    }
}

pub struct Wait;

impl Endpoint for Wait {
    type State = ();

    fn on_connect(&mut self, conn: &Conn, _: &mut (), _: &Request<'_>) -> Result {
        let conn = conn.clone();
        timer::after(Duration::from_millis(5), move || match conn.state() {
            wherry::State::Connecting => conn.accept(),
            _ => Ok(()),
        });
        Ok(())
    }
}

const ID: Param<i64> = Param::path("id");
const N: Param<i64> = Param::query("n");
const F: Param<f64> = Param::query("f").default(1.5);
const B: Param<Option<bool>> = Param::query("b").optional();
const U: Param<Option<Uuid>> = Param::query("u").optional();
const COLOR: Param<Choice> = Param::query("color").one_of(&["red", "green"]).default("red");
const TOKEN: Param<Option<String>> = Param::header("x-token").optional();
const SID: Param<String> = Param::cookie("sid");

pub struct Params;

impl Endpoint for Params {
    type State = ();
    const PARAMS: &'static [&'static dyn Declared] = &[&ID, &N, &F, &B, &U, &COLOR, &TOKEN, &SID];

    fn on_connect(&mut self, conn: &Conn, _: &mut (), request: &Request<'_>) -> Result {
        fn or_dash<T: ToString>(value: Option<T>) -> String {
            value.map_or("-".to_owned(), |v| v.to_string())
        }
        conn.accept()?;
        conn.send_text(&format!(
            "id={} n={} f={} b={} u={} color={} token={} sid={}",
            ID.get(request)?,
            N.get(request)?,
            (F.get(request)? * 1000.0).round() as i64,
            or_dash(B.get(request)?),
            or_dash(U.get(request)?),
            COLOR.get(request)?,
            or_dash(TOKEN.get(request)?),
            SID.get(request)?,
        ))
    }
}

pub struct Own;

impl Endpoint for Own {
    type State = ();
    const PARAMS: &'static [&'static dyn Declared] = &[&N];

    fn on_invalid(&mut self, conn: &Conn, _: &mut (), _: &Request<'_>, invalid: &Invalid) -> Result {
        let errors: Vec<String> = invalid.errors().iter().map(ToString::to_string).collect();
        conn.accept()?;
        conn.close(1008, &errors.join(", "))
    }
}
