//! What an instance is told when it starts.

use crate::abi;
use crate::fields::Fields;
use crate::text;
use std::cell::RefCell;

thread_local! {
    /// The fields of the start event.
    static FIELDS: RefCell<Vec<u8>> = RefCell::default();
}

pub(crate) fn set(block: &[u8]) {
    FIELDS.with(|fields| *fields.borrow_mut() = block.to_vec());
}

fn find(prefix: &str, name: &str) -> Option<String> {
    FIELDS
        .with(|fields| Fields(&fields.borrow()).get_prefixed(prefix, name).map(|value| text::lossy(value).into_owned()))
}

/// Returns a value of the tenant's configuration. There are none before `on_start`.
pub fn config(name: &str) -> Option<String> {
    find(abi::FIELD_CONFIG, name)
}

/// Returns the tenant's name; nothing before `on_start`.
pub fn tenant() -> String {
    find("", abi::FIELD_TENANT).unwrap_or_default()
}

/// Returns the instance's name, unique in the server's process; nothing before
/// `on_start`.
pub fn instance() -> String {
    find("", abi::FIELD_INSTANCE).unwrap_or_default()
}

/// Returns the size of the largest message in bytes; 0 before `on_start`.
pub fn max_message() -> usize {
    find("", abi::FIELD_MAX_MESSAGE).and_then(|n| n.parse().ok()).unwrap_or_default()
}

/// Whether clients are told what went wrong.
pub(crate) fn debug() -> bool {
    matches!(config("debug").as_deref(), Some("1" | "true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        assert_eq!((config("a"), max_message(), debug()), (None, 0, false));
        let fields: [(&str, &[u8]); 5] = [
            (":tenant", b"acme"),
            (":instance", b"acme-1"),
            (":limit.message", b"65536"),
            (":config.a", b"x"),
            (":config.debug", b"true"),
        ];
        set(&crate::request::tests::block(&fields));
        assert_eq!((tenant().as_str(), instance().as_str(), max_message()), ("acme", "acme-1", 65536));
        assert_eq!((config("a").as_deref(), config("b"), debug()), (Some("x"), None, true));
    }
}
