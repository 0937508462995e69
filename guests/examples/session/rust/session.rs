//! Who may in, decided before the handshake is answered: by a cookie or a token, and by
//! parameters that have types.

use wherry::{close, App, Conn, Declared, Encoding, Endpoint, Error, Invalid, Message, Param, Request, Result};

wherry::export!(App::new().endpoint("/items/{item}/ws", Items).endpoint("/strict/ws", Strict));

const ITEM: Param<String> = Param::path("item");
const Q: Param<Option<i64>> = Param::query("q").optional();
const TOKEN: Param<Option<String>> = Param::query("token").optional();
const SESSION: Param<Option<String>> = Param::cookie("session").optional();

/// Talks to those who have a session.
struct Items;

/// What is left of the request when it is over.
#[derive(Default)]
struct Visit {
    credential: String,
    q: Option<i64>,
    item: String,
}

impl Endpoint for Items {
    type State = Visit;

    const ENCODING: Encoding = Encoding::Text;
    const PARAMS: &'static [&'static dyn Declared] = &[&ITEM, &Q, &TOKEN, &SESSION];

    fn on_connect(&mut self, conn: &Conn, visit: &mut Visit, request: &Request<'_>) -> Result {
        let credential = match SESSION.get(request)? {
            Some(session) => Some(session),
            None => TOKEN.get(request)?,
        };
        let missing = || Error::policy(close::POLICY_VIOLATION, "Session cookie or token missing");
        *visit = Visit { credential: credential.ok_or_else(missing)?, q: Q.get(request)?, item: ITEM.get(request)? };
        conn.accept()
    }

    fn on_receive(&mut self, conn: &Conn, visit: &mut Visit, message: Message<'_>) -> Result {
        conn.send_text(&format!("Session cookie or query token value is: {}", visit.credential))?;
        if let Some(q) = visit.q {
            conn.send_text(&format!("Query parameter q is: {}", q))?;
        }
        conn.send_text(&format!("Message text was: {}, for item ID: {}", message.text()?, visit.item))
    }
}

const N: Param<i64> = Param::query("n");

/// Tells clients what is wrong with their parameters in the reason of a close, where even
/// a browser can read it. A reason has room for 123 bytes; what is over that is cut.
struct Strict;

impl Endpoint for Strict {
    type State = ();

    const PARAMS: &'static [&'static dyn Declared] = &[&N];

    fn on_invalid(&mut self, conn: &Conn, _: &mut (), _: &Request<'_>, invalid: &Invalid) -> Result {
        conn.accept()?;
        conn.close(close::POLICY_VIOLATION, &invalid.to_json().encode()?)
    }
}
