//! What a program registers.

use crate::abi;
use crate::conn::Conn;
use crate::endpoint::{AnyEndpoint, Endpoint, Want};
use crate::error::{Error, Result};
use crate::failure::Failure;
use std::fmt;
use std::rc::Rc;

/// A program: its endpoints, and what it does besides.
///
/// ```
/// # struct Chat;
/// # impl wherry::Endpoint for Chat { type State = (); }
/// use wherry::App;
///
/// fn app() -> App {
///     App::new().endpoint("/chat/{name}", Chat).on_status(404, |failure| {
///         wherry::info!("nothing at {}", failure.route());
///         Ok(false)
///     })
/// }
/// ```
#[derive(Default)]
pub struct App {
    pub(crate) endpoints: Vec<Box<dyn AnyEndpoint>>,
    /// The patterns, with the endpoint of each. Those that the fallback meets are added.
    pub(crate) routes: Vec<(Rc<str>, usize)>,
    pub(crate) fallback: Option<usize>,
    pub(crate) by_type: Vec<TypeHandler>,
    pub(crate) by_status: Vec<(u16, StatusHandler)>,
    pub(crate) on_start: Option<Box<dyn FnMut() -> Result>>,
    pub(crate) on_stop: Option<Box<dyn FnMut(Stop) -> Result>>,
    pub(crate) on_fault: Option<FaultHandler>,
}

/// Returns nothing for an error that it is not for.
type TypeHandler = Box<dyn FnMut(&Failure<'_>) -> Option<Result<bool>>>;
type FaultHandler = Box<dyn FnMut(&Fault)>;
type StatusHandler = Box<dyn FnMut(&Failure<'_>) -> Result<bool>>;

impl App {
    /// Makes a program without any endpoint.
    pub fn new() -> App {
        App::default()
    }

    /// Registers an endpoint for a route, whose pattern is spelled as in the server's
    /// configuration, host included.
    ///
    /// # Panics
    ///
    /// If the route has one.
    #[must_use]
    pub fn endpoint(mut self, route: &str, endpoint: impl Endpoint) -> App {
        assert!(self.routes.iter().all(|(r, _)| **r != *route), "two endpoints for {}", route);
        self.routes.push((route.into(), self.endpoints.len()));
        self.endpoints.push(Box::new(endpoint));
        self
    }

    /// Registers an endpoint for all routes that have none.
    ///
    /// # Panics
    ///
    /// If there is one.
    #[must_use]
    pub fn fallback(mut self, endpoint: impl Endpoint) -> App {
        assert!(self.fallback.is_none(), "two fallbacks");
        self.fallback = Some(self.endpoints.len());
        self.endpoints.push(Box::new(endpoint));
        self
    }

    /// Handles errors of a type, in all endpoints. The handler returns whether it has dealt
    /// with the error; if not, those after it are asked.
    #[must_use]
    pub fn on_error<E: std::error::Error + 'static>(
        self,
        mut handler: impl FnMut(&Failure<'_>, &E) -> Result<bool> + 'static,
    ) -> App {
        self.on_error_if(
            |error| error.downcast_ref::<E>().is_some(),
            move |failure| match failure.error().downcast_ref() {
                Some(error) => handler(failure, error),
                None => Ok(false),
            },
        )
    }

    /// Handles errors that `is` says yes to, as [`App::on_error`] does those of a type.
    #[must_use]
    pub fn on_error_if(
        mut self,
        is: impl Fn(&Error) -> bool + 'static,
        mut handler: impl FnMut(&Failure<'_>) -> Result<bool> + 'static,
    ) -> App {
        self.by_type.push(Box::new(move |failure| is(failure.error()).then(|| handler(failure))));
        self
    }

    /// Handles HTTP errors of a status, after all that are for types.
    #[must_use]
    pub fn on_status(mut self, status: u16, handler: impl FnMut(&Failure<'_>) -> Result<bool> + 'static) -> App {
        self.by_status.push((status, Box::new(handler)));
        self
    }

    /// Is called when an instance begins; there are values of [`config`](crate::config())
    /// from then on.
    #[must_use]
    pub fn on_start(mut self, handler: impl FnMut() -> Result + 'static) -> App {
        self.on_start = Some(Box::new(handler));
        self
    }

    /// Is called when the instance is about to be discarded. What it sends goes out before
    /// its connections end.
    #[must_use]
    pub fn on_stop(mut self, handler: impl FnMut(Stop) -> Result + 'static) -> App {
        self.on_stop = Some(Box::new(handler));
        self
    }

    /// Is called for every command that the host refused. Without it there is a line in the
    /// log for each but those that were too late.
    #[must_use]
    pub fn on_fault(mut self, handler: impl FnMut(&Fault) + 'static) -> App {
        self.on_fault = Some(Box::new(handler));
        self
    }

    /// Returns the bits of the optional events. Timers need no registration, so their bit
    /// is always set.
    pub(crate) fn wants(&self) -> u32 {
        let any = |want| self.endpoints.iter().any(|e| e.wants(want));
        [
            (abi::KIND_TIMER, true),
            (abi::KIND_STOP, self.on_stop.is_some()),
            (abi::KIND_REQUEST, any(Want::Request)),
            (abi::KIND_RESUME, any(Want::Resume)),
            (abi::KIND_WRITABLE, any(Want::Writable)),
        ]
        .iter()
        .filter(|(_, wanted)| *wanted)
        .fold(0, |bits, (kind, _)| bits | 1 << kind)
    }

    /// Returns the endpoint of a route, and the route.
    pub(crate) fn find(&mut self, route: &str) -> Option<(usize, Rc<str>)> {
        if let Some((route, endpoint)) = self.routes.iter().find(|(r, _)| **r == *route) {
            return Some((*endpoint, route.clone()));
        }
        let endpoint = self.fallback?;
        let route: Rc<str> = route.into();
        self.routes.push((route.clone(), endpoint));
        Some((endpoint, route))
    }
}

/// Why an instance is discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// Another module takes over.
    Deploy,
    /// The server ends.
    Shutdown,
    /// Nothing has happened for a long time.
    Idle,
    /// A reason that this SDK does not know.
    Other(u32),
}

impl Stop {
    pub(crate) fn new(code: u32) -> Stop {
        match code {
            abi::STOP_DEPLOY => Stop::Deploy,
            abi::STOP_SHUTDOWN => Stop::Shutdown,
            abi::STOP_IDLE => Stop::Idle,
            other => Stop::Other(other),
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Deploy => f.write_str("deploy"),
            Stop::Shutdown => f.write_str("shutdown"),
            Stop::Idle => f.write_str("idle"),
            Stop::Other(code) => write!(f, "{}", code),
        }
    }
}

/// A command that the host refused.
#[derive(Clone, Debug)]
pub struct Fault {
    /// What it was, one of `abi::KIND_*`.
    pub kind: u16,
    /// Why it was refused, one of `abi::STATUS_*`.
    pub status: u32,
    /// What it was for; nothing if that is no connection, or one that is over.
    pub conn: Option<Conn>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match command_name(self.kind) {
            "" => write!(f, "command {} refused: ", self.kind)?,
            name => write!(f, "{} refused: ", name)?,
        }
        match status_name(self.status) {
            "" => write!(f, "status {}", self.status),
            name => f.write_str(name),
        }
    }
}

fn command_name(kind: u16) -> &'static str {
    match kind {
        abi::KIND_READY => "ready",
        abi::KIND_ACCEPT => "accept",
        abi::KIND_MESSAGE => "message",
        abi::KIND_CLOSE => "close",
        abi::KIND_REJECT => "reject",
        abi::KIND_TIMER => "timer",
        abi::KIND_SUBSCRIBE => "subscribe",
        abi::KIND_UNSUBSCRIBE => "unsubscribe",
        abi::KIND_PUBLISH => "publish",
        abi::KIND_ATTACH => "attach",
        abi::KIND_RESPOND => "respond",
        abi::KIND_CALL => "call",
        _ => "",
    }
}

fn status_name(status: u32) -> &'static str {
    match status {
        abi::STATUS_CLOSED => "closed",
        abi::STATUS_WOULD_BLOCK => "would_block",
        abi::STATUS_TOO_BIG => "too_big",
        abi::STATUS_INVALID => "invalid",
        abi::STATUS_DENIED => "denied",
        abi::STATUS_NOT_FOUND => "not_found",
        abi::STATUS_BUSY => "busy",
        abi::STATUS_UNSUPPORTED => "unsupported",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain;
    impl Endpoint for Plain {
        type State = ();
    }

    struct Page;
    impl Endpoint for Page {
        type State = ();
        const WANTS: &'static [Want] = &[Want::Request, Want::Writable];
    }

    fn bits(kinds: &[u16]) -> u32 {
        kinds.iter().map(|kind| 1 << kind).sum()
    }

    #[test]
    fn wants() {
        let timer = abi::KIND_TIMER;
        assert_eq!(App::new().endpoint("/", Plain).wants(), bits(&[timer]));
        assert_eq!(App::new().on_stop(|_| Ok(())).wants(), bits(&[timer, abi::KIND_STOP]));
        let both = App::new().endpoint("/", Plain).fallback(Page);
        assert_eq!(both.wants(), bits(&[timer, abi::KIND_REQUEST, abi::KIND_WRITABLE]));
    }

    #[test]
    fn routes() {
        let mut app = App::new().endpoint("/a", Plain).endpoint("example.org/a", Plain);
        assert_eq!(app.find("/a").map(|(i, _)| i), Some(0));
        assert_eq!(app.find("example.org/a").map(|(i, _)| i), Some(1));
        assert!(app.find("/b").is_none());
        let mut app = app.fallback(Page);
        for _ in 0..2 {
            let (i, route) = app.find("/b").unwrap();
            assert_eq!((i, &*route), (2, "/b"));
        }
        assert_eq!(app.routes.len(), 3);
    }

    #[test]
    #[should_panic(expected = "two endpoints for /a")]
    fn twice() {
        let _ = App::new().endpoint("/a", Plain).endpoint("/a", Page);
    }

    #[test]
    fn faults() {
        for (kind, status, want) in [
            (abi::KIND_MESSAGE, abi::STATUS_TOO_BIG, "message refused: too_big"),
            (abi::KIND_RESPOND, abi::STATUS_DENIED, "respond refused: denied"),
            (99, 77, "command 99 refused: status 77"),
        ] {
            assert_eq!(Fault { kind, status, conn: None }.to_string(), want);
        }
    }
}
