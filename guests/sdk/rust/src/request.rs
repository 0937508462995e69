//! The head of a handshake or of an HTTP request.

use crate::abi;
use crate::fields::Fields;
use crate::text;
use std::borrow::Cow;

/// The head of a handshake or of an HTTP request, with the body of the latter.
///
/// It is a view of what the host has delivered, and there during the handler only: copy
/// what is needed later. Texts that need not be UTF-8 have each byte that is not replaced
/// by U+FFFD.
pub struct Request<'a> {
    fields: Fields<'a>,
}

impl<'a> Request<'a> {
    pub(crate) fn new(block: &'a [u8]) -> Request<'a> {
        Request { fields: Fields(block) }
    }

    pub(crate) fn bytes(&self, pseudo: &str) -> &'a [u8] {
        self.fields.get(pseudo).unwrap_or_default()
    }

    /// Returns what is never anything but ASCII.
    fn ascii(&self, pseudo: &str) -> &'a str {
        std::str::from_utf8(self.bytes(pseudo)).unwrap_or_default()
    }

    /// Returns the method, `GET` for a handshake.
    pub fn method(&self) -> &'a str {
        self.ascii(abi::FIELD_METHOD)
    }

    /// Returns the path as it was sent.
    pub fn path(&self) -> &'a str {
        self.ascii(abi::FIELD_PATH)
    }

    /// Returns what follows the question mark, as it was sent.
    pub fn query(&self) -> &'a str {
        self.ascii(abi::FIELD_QUERY)
    }

    /// Returns host and port that the client asked for.
    pub fn authority(&self) -> &'a str {
        self.ascii(abi::FIELD_AUTHORITY)
    }

    /// Returns `ws`, `wss`, `http` or `https`.
    pub fn scheme(&self) -> &'a str {
        self.ascii(abi::FIELD_SCHEME)
    }

    /// Returns the client's address and port.
    pub fn peer(&self) -> &'a str {
        self.ascii(abi::FIELD_PEER)
    }

    /// Returns the pattern of the route that matched.
    pub fn route(&self) -> &'a str {
        self.ascii(abi::FIELD_ROUTE)
    }

    /// Returns the subprotocols that the client offers, in its order.
    pub fn protocols(&self) -> impl Iterator<Item = &'a str> {
        split_protocols(self.ascii(abi::FIELD_PROTOCOLS))
    }

    /// Returns the subprotocol in use, of a connection that is resumed.
    pub fn protocol(&self) -> Option<&'a str> {
        Some(self.ascii(abi::FIELD_PROTOCOL)).filter(|p| !p.is_empty())
    }

    /// Returns a parameter of the route, decoded.
    pub fn path_param(&self, name: &str) -> Option<Cow<'a, str>> {
        self.fields.get_prefixed(abi::FIELD_PARAM, name).map(text::lossy)
    }

    /// Returns the header fields in their order, with names in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
        self.header_fields().map(|(name, value)| (text::lossy(name), text::lossy(value)))
    }

    fn header_fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.fields.clone().filter(|(name, _)| name.first() != Some(&b':'))
    }

    fn header_values<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + 'n
    where
        'a: 'n,
    {
        self.header_fields().filter(move |(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// Returns the first header field of a name.
    pub fn header(&self, name: &str) -> Option<Cow<'a, str>> {
        self.header_bytes(name).map(text::lossy)
    }

    /// Returns the first header field of a name, as it was sent.
    pub fn header_bytes(&self, name: &str) -> Option<&'a [u8]> {
        let first = self.header_values(name).next();
        first
    }

    /// Returns all header fields of a name, in their order.
    pub fn header_all<'n>(&self, name: &'n str) -> impl Iterator<Item = Cow<'a, str>> + 'n
    where
        'a: 'n,
    {
        self.header_values(name).map(text::lossy)
    }

    /// Returns the parameters of the query, decoded, in their order.
    pub fn query_params(&self) -> impl DoubleEndedIterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
        text::query_pairs(self.bytes(abi::FIELD_QUERY))
    }

    /// Returns the last parameter of the query of a name.
    pub fn query_param(&self, name: &str) -> Option<Cow<'a, str>> {
        self.query_params().rev().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// Returns all parameters of the query of a name, in their order.
    pub fn query_all<'n>(&self, name: &'n str) -> impl Iterator<Item = Cow<'a, str>> + 'n
    where
        'a: 'n,
    {
        self.query_params().filter(move |(n, _)| n == name).map(|(_, value)| value)
    }

    /// Returns the cookies in their order, quotes included.
    pub fn cookies(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
        self.header_values("cookie")
            .flat_map(text::cookie_pairs)
            .map(|(name, value)| (text::lossy(name), text::lossy(value)))
    }

    /// Returns the last cookie of a name.
    pub fn cookie(&self, name: &str) -> Option<Cow<'a, str>> {
        self.cookies().filter(|(n, _)| n == name).last().map(|(_, value)| value)
    }

    /// Returns the body of an HTTP request.
    pub fn body(&self) -> &'a [u8] {
        self.bytes(abi::FIELD_BODY)
    }
}

pub(crate) fn split_protocols(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|p| !p.is_empty())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub fn block(fields: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, value) in fields {
            crate::fields::put(&mut out, name.as_bytes(), value);
        }
        out
    }

    #[test]
    fn views() {
        let block = block(&[
            (":method", b"GET"),
            (":path", b"/a%20b"),
            (":query", b"q=1&tag=a&tag=b&q=2"),
            (":protocols", b"chat.v1, chat.v2,"),
            (":param.room", b"r\xffd"),
            ("x-one", b"1"),
            ("cookie", b"a=1; b=2"),
            ("x-one", b"2"),
            ("cookie", b"a=3"),
            (":body", b"\x00\x01"),
        ]);
        let r = Request::new(&block);
        assert_eq!((r.method(), r.path(), r.query(), r.peer()), ("GET", "/a%20b", "q=1&tag=a&tag=b&q=2", ""));
        assert!(r.protocols().eq(["chat.v1", "chat.v2"]));
        assert_eq!(r.protocol(), None);
        assert_eq!(r.path_param("room").as_deref(), Some("r\u{fffd}d"));
        assert_eq!(r.path_param("roo"), None);
        assert_eq!(r.header("X-One").as_deref(), Some("1"));
        assert!(r.header_all("x-one").eq(["1", "2"]));
        assert_eq!(r.headers().count(), 4);
        assert_eq!(r.header(":path"), None);
        assert_eq!(r.query_param("q").as_deref(), Some("2"));
        assert!(r.query_all("tag").eq(["a", "b"]));
        assert_eq!(r.query_param("x"), None);
        assert_eq!(r.cookie("a").as_deref(), Some("3"));
        assert_eq!(r.cookie("b").as_deref(), Some("2"));
        assert_eq!(r.cookie("c"), None);
        assert_eq!(r.body(), b"\x00\x01");
    }
}
