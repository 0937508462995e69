//! Handlers of WebSocket connections and HTTP requests, as guests of a Wherry server.
//!
//! A program is an [`App`] of [`Endpoint`]s, one for each route, and [`export!`] makes a
//! guest of it:
//!
//! ```
//! use wherry::{App, Conn, Endpoint, Message, Result};
//!
//! struct Echo;
//!
//! impl Endpoint for Echo {
//!     type State = ();
//!
//!     fn on_receive(&mut self, conn: &Conn, _: &mut (), message: Message<'_>) -> Result {
//!         conn.send(&message)
//!     }
//! }
//!
//! wherry::export!(App::new().endpoint("/ws", Echo));
//! # fn main() {}
//! ```
//!
//! There is one thread, and handlers run one after the other. What they command takes
//! effect when the turn is over that they run in. A panic is a trap: the guest is gone,
//! its connections are given to a new instance or closed, and the host's log has the
//! message and the stack.
#![deny(unsafe_code)]
#![deny(unsafe_op_in_unsafe_fn)]

pub mod abi;
mod app;
pub mod clock;
mod config;
mod conn;
mod endpoint;
mod error;
mod exchange;
mod failure;
mod fields;
pub mod json;
mod log;
mod message;
mod param;
pub mod random;
mod request;
mod room;
mod sys;
mod text;
pub mod timer;
mod turn;
mod uuid;

pub use abi::{close, phrase, status};
pub use app::{App, Fault, Stop};
pub use config::{config, instance, max_message, tenant};
pub use conn::Conn;
pub use endpoint::{By, Disconnect, Endpoint, Want};
pub use error::{Error, Result, State};
pub use exchange::Exchange;
pub use failure::{Failure, Subject};
pub use json::Value;
pub use log::{log, Level};
pub use message::{Encoding, Message};
pub use param::{Choice, Declared, Invalid, Kind, Param, Source, Wrong};
pub use request::Request;
pub use room::Room;
pub use timer::Timer;
pub use uuid::{Uuid, UuidError};

/// What [`export!`] expands to.
#[doc(hidden)]
pub mod export {
    pub use crate::sys::alloc;
    pub use crate::turn::{mailbox, turn};
}

/// Makes a guest of an [`App`], an expression that is evaluated once, before the first
/// event. It is to be in the crate that is built as a `cdylib`, once.
#[macro_export]
macro_rules! export {
    ($app:expr) => {
        #[no_mangle]
        pub extern "C" fn wherry_v1_mailbox() -> u32 {
            $crate::export::mailbox($app)
        }

        #[no_mangle]
        pub extern "C" fn wherry_v1_turn(events: u32) -> i32 {
            $crate::export::turn(events)
        }

        #[no_mangle]
        pub extern "C" fn wherry_v1_alloc(size: u32) -> u32 {
            $crate::export::alloc(size)
        }
    };
}
