//! Pieces of text that clients send.

use std::borrow::Cow;

/// Returns text of what may be none: each byte that is not UTF-8 becomes U+FFFD.
pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    let mut rest = bytes;
    let mut out = String::new();
    loop {
        match std::str::from_utf8(rest) {
            Ok(text) if rest.len() == bytes.len() => return Cow::Borrowed(text),
            Ok(text) => {
                out.push_str(text);
                return Cow::Owned(out);
            }
            Err(error) => {
                let (good, bad) = rest.split_at(error.valid_up_to());
                out.push_str(std::str::from_utf8(good).unwrap_or_default());
                out.push(char::REPLACEMENT_CHARACTER);
                rest = &bad[1..];
            }
        }
    }
}

/// Cuts text to `max` bytes, at the boundary of a character.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Decodes percent and plus. A percent sign without two hexadecimal digits stays.
pub(crate) fn unescape(text: &[u8]) -> Cow<'_, str> {
    if !text.iter().any(|b| matches!(b, b'%' | b'+')) {
        return lossy(text);
    }
    let hex = |i: usize| text.get(i).and_then(|b| (*b as char).to_digit(16));
    let mut out = Vec::with_capacity(text.len());
    let mut i = 0;
    while i < text.len() {
        match (text[i], hex(i + 1), hex(i + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high << 4 | low) as u8);
                i += 2;
            }
            (b'+', ..) => out.push(b' '),
            (byte, ..) => out.push(byte),
        }
        i += 1;
    }
    match String::from_utf8(out) {
        Ok(text) => Cow::Owned(text),
        Err(error) => Cow::Owned(lossy(error.as_bytes()).into_owned()),
    }
}

/// Splits a query into its pairs, decoded.
pub(crate) fn query_pairs(query: &[u8]) -> impl DoubleEndedIterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    query.split(|b| *b == b'&').filter(|piece| !piece.is_empty()).map(|piece| {
        let (name, value) = split_once(piece, b'=').unwrap_or((piece, &[]));
        (unescape(name), unescape(value))
    })
}

/// Splits the value of a cookie field into its pairs. What has no `=` is left out.
pub(crate) fn cookie_pairs(field: &[u8]) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> {
    field.split(|b| *b == b';').filter_map(|piece| {
        let (name, value) = split_once(piece, b'=')?;
        Some((trim(name), trim(value)))
    })
}

fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let i = bytes.iter().position(|b| *b == at)?;
    Some((&bytes[..i], &bytes[i + 1..]))
}

/// Takes blanks and tabs off both ends.
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lossy_by_byte() {
        for (bytes, want) in [
            (&b"abc"[..], "abc"),
            (b"", ""),
            (b"a\xffb", "a\u{fffd}b"),
            (b"\xe4\xb8", "\u{fffd}\u{fffd}"),
            (b"\xc3\xa9\x80", "é\u{fffd}"),
            (b"\xed\xa0\x80", "\u{fffd}\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(lossy(bytes), want, "{:?}", bytes);
        }
    }

    #[test]
    fn cuts() {
        for (text, max, want) in
            [("abc", 3, "abc"), ("abc", 2, "ab"), ("aé", 2, "a"), ("é", 1, ""), ("", 5, ""), ("😀", 3, "")]
        {
            assert_eq!(cut(text, max), want);
        }
    }

    #[test]
    fn escapes() {
        for (text, want) in [
            ("a+b%20c", "a b c"),
            ("%c3%A9", "é"),
            ("%ff", "\u{fffd}"),
            ("100%", "100%"),
            ("%4", "%4"),
            ("%zz%41", "%zzA"),
            ("%%41", "%A"),
            ("%2B", "+"),
        ] {
            assert_eq!(unescape(text.as_bytes()), want);
        }
    }

    #[test]
    fn queries() {
        let pairs: Vec<_> = query_pairs(b"a=1&&b&c=x=y&=z&a=%26").collect();
        let want = [("a", "1"), ("b", ""), ("c", "x=y"), ("", "z"), ("a", "&")];
        assert!(pairs.iter().map(|(n, v)| (&**n, &**v)).eq(want), "{:?}", pairs);
        assert_eq!(query_pairs(b"").count(), 0);
    }

    #[test]
    fn cookies() {
        let pairs: Vec<_> = cookie_pairs(b" a = 1;b=\"x y\"; c; =d;;e=f=g\t").collect();
        let want: [(&[u8], &[u8]); 4] = [(b"a", b"1"), (b"b", b"\"x y\""), (b"", b"d"), (b"e", b"f=g")];
        assert_eq!(pairs, want);
    }
}
