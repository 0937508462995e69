//! The program of the transcripts, see ../README.md: each endpoint of its table.

mod connect;
mod messages;
mod requests;

use connect::{Deny, Early, FailConnect, Own, Params, Protocol, Refuse, Wait};
use messages::{Any, Attach, Bytes, Count, Json, Members, Text, Timers, Trap};
use requests::{Greet, Heads, Page};
use std::fmt;
use wherry::{status, App, Disconnect, Error, Failure, Result, Room};

wherry::export!(app());

fn app() -> App {
    App::new()
        .endpoint("/any", Any)
        .endpoint("/text", Text)
        .endpoint("/bytes", Bytes)
        .endpoint("/json", Json)
        .endpoint("/deny", Deny)
        .endpoint("/refuse", Refuse)
        .endpoint("/protocol", Protocol)
        .endpoint("/early", Early)
        .endpoint("/params/{id:int}", Params)
        .endpoint("/own", Own)
        .endpoint("/request", Heads)
        .endpoint("/room/{room}", Members)
        .endpoint("/timer", Timers)
        .endpoint("/attach", Attach)
        .endpoint("/count", Count)
        .endpoint("/fail", FailConnect(|| Error::msg("boom")))
        .endpoint("/http", FailConnect(|| Error::http(403, "members only").with_header("x-why", "test")))
        .endpoint("/gone", FailConnect(|| Error::http(status::GONE, "")))
        .endpoint("/policy", FailConnect(|| Error::policy(1008, "no")))
        .endpoint("/teapot", FailConnect(|| Teapot.into()))
        .endpoint("/missing", FailConnect(|| Error::http(404, "nothing here")))
        .endpoint("/wait", Wait)
        .endpoint("/page", Page)
        .endpoint("/greet", Greet)
        .endpoint("/trap", Trap)
        .on_error(|failure, _: &Teapot| serve_tea(failure))
        .on_status(404, plain_detail)
        .on_stop(|reason| Room::new("ends").broadcast_text(&format!("stopping {}", reason)))
}

/// An error of the program's own.
#[derive(Debug)]
struct Teapot;

impl fmt::Display for Teapot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("teapot")
    }
}

impl std::error::Error for Teapot {}

const TEA: &str = "short and stout";

fn serve_tea(failure: &Failure<'_>) -> Result<bool> {
    match failure.conn() {
        Some(conn) if conn.is_open() => conn.close(4418, TEA)?,
        Some(conn) => conn.deny(status::IM_A_TEAPOT, &[], TEA)?,
        None => return Ok(false),
    }
    Ok(true)
}

/// Denies with the detail as text, and leaves what is no handshake to the default.
fn plain_detail(failure: &Failure<'_>) -> Result<bool> {
    match failure.conn() {
        Some(conn) if conn.state() == wherry::State::Connecting => {
            let detail = failure.error().detail().unwrap_or_default();
            conn.deny(404, &[("content-type", "text/plain")], detail)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Says how a connection ended to those in the room `ends`.
fn tell_end(end: &Disconnect<'_>) -> Result {
    use wherry::By;
    let mut text = format!("{} {}", end.code, end.reason);
    let words = [
        (end.clean, " clean"),
        (end.by == By::Peer, " peer"),
        (end.by == By::Guest, " guest"),
        (end.by == By::Host, " host"),
        (end.opened, " opened"),
    ];
    text.extend(words.iter().filter(|(applies, _)| *applies).map(|(_, word)| *word));
    Room::new("ends").broadcast_text(&text)
}
