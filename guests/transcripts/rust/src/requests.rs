//! Endpoints that are about what a client has sent first.

use wherry::{Conn, Endpoint, Error, Exchange, Request, Result, Want};

/// Sends what is in the head of a handshake.
pub struct Heads;

impl Endpoint for Heads {
    type State = ();

    fn on_connect(&mut self, conn: &Conn, _: &mut (), request: &Request<'_>) -> Result {
        conn.accept()?;
        let parts = [
            request.method(),
            request.path(),
            request.query(),
            request.authority(),
            request.scheme(),
            request.peer(),
            request.route(),
        ];
        for part in parts {
            conn.send_text(part)?;
        }
        conn.send_text(&request.protocols().collect::<Vec<_>>().join(","))?;
        conn.send_text(&request.query_param("q").unwrap_or_default())?;
        conn.send_text(&request.query_all("tag").collect::<Vec<_>>().join(","))?;
        conn.send_text(&request.header("x-one").unwrap_or_default())?;
        conn.send_text(&request.header_all("x-one").collect::<Vec<_>>().join(","))?;
        conn.send_text(&request.cookie("a").unwrap_or_default())
    }
}

pub struct Page;

impl Endpoint for Page {
    type State = ();
    const WANTS: &'static [Want] = &[Want::Request];

    fn on_request(&mut self, exchange: &Exchange, request: &Request<'_>) -> Result {
        match request.method() {
            "GET" => exchange.html("<p>hi</p>"),
            "POST" => exchange.respond(201, &[("content-type", "application/octet-stream")], request.body()),
            _ => Err(Error::http(405, "").with_header("allow", "GET, POST")),
        }
    }
}

pub struct Greet;

impl Endpoint for Greet {
    type State = ();

    fn on_connect(&mut self, conn: &Conn, _: &mut (), _: &Request<'_>) -> Result {
        conn.accept()?;
        conn.send_text(&wherry::config("greeting").unwrap_or_default())
    }
}
