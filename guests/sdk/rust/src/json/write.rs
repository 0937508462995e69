//! Writes JSON.

use super::plain::plain;
use super::word::{spread, ONES};
use super::{Error, Value};
use std::io::Write;

/// Appends `value`, in which `depth` levels are allowed.
pub(super) fn write(value: &Value, out: &mut Vec<u8>, depth: usize) -> Result<(), Error> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(n) => {
            if *n < 0 {
                out.push(b'-');
            }
            int(n.unsigned_abs(), out);
        }
        Value::Uint(n) => int(*n, out),
        Value::Float(n) => float(*n, out)?,
        Value::String(s) => {
            string(s, out, b',');
            out.pop();
        }
        Value::Array(elements) => {
            let depth = depth.checked_sub(1).ok_or(Error::TooDeep)?;
            out.push(b'[');
            let mut rest = &elements[..];
            while let [first, others @ ..] = rest {
                rest = others;
                inner(first, out, depth)?;
                // Most arrays of numbers do not leave this loop, and it is small.
                while let [Value::Int(n @ 0..=MOST), others @ ..] = rest {
                    rest = others;
                    let (digits, size) = shift(*n as u64);
                    out.extend_from_slice(&(digits | u64::from(b',') << (8 * size)).to_le_bytes());
                    out.truncate(out.len() - 7 + size);
                }
            }
            end(out, b']');
        }
        Value::Object(members) => {
            let depth = depth.checked_sub(1).ok_or(Error::TooDeep)?;
            out.push(b'{');
            for (key, member) in members {
                string(key, out, b':');
                inner(member, out, depth)?;
            }
            end(out, b'}');
        }
    }
    Ok(())
}

/// Appends a value that is in another one, and a comma.
#[inline(always)]
fn inner(value: &Value, out: &mut Vec<u8>, depth: usize) -> Result<(), Error> {
    if let Value::String(s) = value {
        string(s, out, b',');
    } else {
        write(value, out, depth)?;
        out.push(b',');
    }
    Ok(())
}

/// Ends an array or an object, in place of the comma if there is anything in it.
fn end(out: &mut Vec<u8>, bracket: u8) {
    match out.last_mut() {
        Some(comma @ b',') => *comma = bracket,
        _ => out.push(bracket),
    }
}

/// The largest number of seven digits.
const MOST: i64 = 9_999_999;

/// Returns the digits of a number that has eight at most, and how many.
#[inline(always)]
fn shift(n: u64) -> (u64, usize) {
    let digits = spread(n);
    let zeros = (digits ^ ONES * u64::from(b'0') | 1 << 56).trailing_zeros() / 8;
    (digits >> (8 * zeros), 8 - zeros as usize)
}

/// Appends an integer.
fn int(n: u64, out: &mut Vec<u8>) {
    if n >= 100_000_000 {
        int(n / 100_000_000, out);
        return out.extend_from_slice(&spread(n % 100_000_000).to_le_bytes());
    }
    let (digits, size) = shift(n);
    out.extend_from_slice(&digits.to_le_bytes());
    out.truncate(out.len() - 8 + size);
}

fn formatted(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // A Vec takes whatever is written to it.
    let _ = out.write_fmt(text);
}

/// Appends a number as JavaScript does: the fewest digits that say the same, with an
/// exponent where that is below -6 or over 20.
fn float(n: f64, out: &mut Vec<u8>) -> Result<(), Error> {
    if !n.is_finite() {
        return Err(Error::NotJson(if n.is_nan() { "NaN, an f64," } else { "an infinite f64" }));
    }
    if n == 0.0 {
        out.push(b'0');
    } else if (1e-6..1e21).contains(&n.abs()) {
        if !decimal(n, out) {
            formatted(out, format_args!("{}", n));
        }
    } else {
        let start = out.len();
        formatted(out, format_args!("{:e}", n));
        if n.abs() >= 1.0 {
            let exponent = out[start..].iter().position(|c| *c == b'e').map_or(out.len(), |e| start + e + 1);
            out.insert(exponent, b'+');
        }
    }
    Ok(())
}

/// Appends a number below 10^7, if it has at most six decimals. With at most 15 digits
/// no two numbers are the same float, so there is no other that is as short.
fn decimal(n: f64, out: &mut Vec<u8>) -> bool {
    const SCALE: u64 = 1_000_000;
    let scaled = (n.abs() * SCALE as f64 + 0.5) as u64;
    if n.abs() >= 1e7 || scaled as f64 / SCALE as f64 != n.abs() {
        return false;
    }
    if n < 0.0 {
        out.push(b'-');
    }
    int(scaled / SCALE, out);
    if scaled % SCALE != 0 {
        let digits = spread(scaled % SCALE).to_le_bytes();
        out.push(b'.');
        out.extend_from_slice(&digits[2..]);
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
    true
}

/// Appends a string, and what comes behind it.
fn string(s: &str, out: &mut Vec<u8>, behind: u8) {
    out.reserve(s.len() + 3);
    out.push(b'"');
    let mut rest = s.as_bytes();
    loop {
        let (plain, special) = rest.split_at(plain(rest));
        out.extend_from_slice(plain);
        let byte = match special.first() {
            Some(byte) => *byte,
            None => break,
        };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => formatted(out, format_args!("\\u{:04x}", byte)),
        }
        rest = &special[1..];
    }
    out.extend_from_slice(&[b'"', behind]);
}
