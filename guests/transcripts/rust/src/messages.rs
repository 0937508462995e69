//! Endpoints that are about messages.

use crate::{tell_end, Teapot};
use std::time::Duration;
use wherry::{timer, Conn, Disconnect, Encoding, Endpoint, Error, Message, Request, Result, Room, Timer, Value, Want};

pub struct Any;

impl Endpoint for Any {
    type State = ();

    fn on_receive(&mut self, conn: &Conn, _: &mut (), message: Message<'_>) -> Result {
        conn.send(&message)
    }
}

pub struct Text;

impl Endpoint for Text {
    type State = ();
    const ENCODING: Encoding = Encoding::Text;

    fn on_receive(&mut self, conn: &Conn, _: &mut (), message: Message<'_>) -> Result {
        match message.text()? {
            "close" => conn.close(4000, "bye"),
            "twice" => {
                conn.close(4000, "one")?;
                if let Err(error) = conn.close(4001, "two") {
                    wherry::info!("{}", error);
                }
                Ok(())
            }
            "fail" => Err(Error::msg("boom")),
            "policy" => Err(Error::policy(1008, "no")),
            "http" => Err(Error::http(403, "nope")),
            "late" => {
                conn.close(1000, "")?;
                conn.send_text("x")
            }
            "long" => conn.close(1000, &"é".repeat(62)),
            "code" => conn.close(1005, ""),
            "teapot" => Err(Teapot.into()),
            text => conn.send_text(text),
        }
    }

    fn on_disconnect(&mut self, _: &Conn, _: &mut (), end: &Disconnect<'_>) -> Result {
        tell_end(end)
    }
}

pub struct Bytes;

impl Endpoint for Bytes {
    type State = ();
    const ENCODING: Encoding = Encoding::Bytes;

    fn on_receive(&mut self, conn: &Conn, _: &mut (), message: Message<'_>) -> Result {
        conn.send(&message)
    }
}

pub struct Json;

impl Endpoint for Json {
    type State = ();
    const ENCODING: Encoding = Encoding::Json;

    fn on_receive(&mut self, conn: &Conn, _: &mut (), message: Message<'_>) -> Result {
        let value = message.json()?;
        if value.get("bad").is_some() {
            return conn.send_json(&Value::Float(f64::NAN));
        }
        conn.send_json(&Value::object([("got", value)]))
    }
}

/// The members of a room; its state is the room's name.
pub struct Members;

impl Endpoint for Members {
    type State = String;
    const ENCODING: Encoding = Encoding::Text;

    fn on_connect(&mut self, conn: &Conn, name: &mut String, request: &Request<'_>) -> Result {
        *name = request.path_param("room").unwrap_or_default().into_owned();
        conn.accept()?;
        Room::new(&**name).join(conn)
    }

    fn on_receive(&mut self, conn: &Conn, name: &mut String, message: Message<'_>) -> Result {
        let room = Room::new(&**name);
        let text = message.text()?;
        match text.split_once(' ').unwrap_or((text, "")) {
            ("leave", _) => room.leave(conn),
            ("all", rest) => room.broadcast_text(rest),
            ("others", rest) => room.broadcast_text_except(conn, rest),
            ("bytes", rest) => room.broadcast_bytes(rest.as_bytes()),
            _ => Ok(()),
        }
    }
}

/// Arms timers; its state is the last.
pub struct Timers;

impl Endpoint for Timers {
    type State = Option<Timer>;
    const ENCODING: Encoding = Encoding::Text;

    fn on_receive(&mut self, conn: &Conn, last: &mut Option<Timer>, message: Message<'_>) -> Result {
        match message.text()? {
            "cancel" => {
                if let Some(timer) = last.take() {
                    timer.cancel();
                }
            }
            ms => {
                let conn = conn.clone();
                *last = Some(timer::after(Duration::from_millis(ms.parse()?), move || {
                    if conn.is_open() {
                        conn.send_text("fired")?;
                    }
                    Ok(())
                }));
            }
        }
        Ok(())
    }
}

pub struct Attach;

impl Endpoint for Attach {
    type State = ();
    const ENCODING: Encoding = Encoding::Text;
    const WANTS: &'static [Want] = &[Want::Resume];

    fn on_receive(&mut self, conn: &Conn, _: &mut (), message: Message<'_>) -> Result {
        match message.text()? {
            "?" => conn.send_text(&String::from_utf8(conn.attachment())?),
            text => conn.attach(text.as_bytes()),
        }
    }
}

/// Counts messages.
pub struct Count;

impl Endpoint for Count {
    type State = u64;

    fn on_receive(&mut self, conn: &Conn, count: &mut u64, _: Message<'_>) -> Result {
        *count += 1;
        conn.send_text(&count.to_string())
    }
}

pub struct Trap;

impl Endpoint for Trap {
    type State = ();

    fn on_receive(&mut self, _: &Conn, _: &mut (), _: Message<'_>) -> Result {
        panic!("a bug in the guest")
    }
}
