//! A chat: what somebody says goes to everybody.
//!
//! The room is the host's: it knows who is in it, and deals with members that are slow or
//! have vanished. What is said to somebody who has left is an error value, and no more.

use wherry::{App, Conn, Disconnect, Encoding, Endpoint, Message, Request, Result, Room};

wherry::export!(App::new().endpoint("/chat/{name}", Chat));

struct Chat;

fn room() -> Room<'static> {
    Room::new("chat")
}

impl Endpoint for Chat {
    /// The name of who is connected.
    type State = String;

    const ENCODING: Encoding = Encoding::Text;

    fn on_connect(&mut self, conn: &Conn, name: &mut String, request: &Request<'_>) -> Result {
        *name = request.path_param("name").unwrap_or_default().into_owned();
        conn.accept()?;
        room().join(conn)?;
        room().broadcast_text_except(conn, &format!("{} joined", name))
    }

    fn on_receive(&mut self, conn: &Conn, name: &mut String, message: Message<'_>) -> Result {
        let text = message.text()?;
        if text.is_empty() {
            return Ok(());
        }
        conn.send_text(&format!("You wrote: {}", text))?;
        room().broadcast_text_except(conn, &format!("{} says: {}", name, text))
    }

    fn on_disconnect(&mut self, conn: &Conn, name: &mut String, _: &Disconnect<'_>) -> Result {
        if let Err(error) = conn.send_text("Goodbye") {
            wherry::info!("farewell: {}", error);
        }
        room().broadcast_text(&format!("{} left", name))
    }
}
