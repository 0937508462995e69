//! Writes JSON.

use super::plain::plain;
use super::{Error, Value};
use std::fmt::Write;

/// Appends `value`, in which `depth` levels are allowed.
pub(super) fn write(value: &Value, out: &mut String, depth: usize) -> Result<(), Error> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Int(n) => digits(out, format_args!("{}", n)),
        Value::Uint(n) => digits(out, format_args!("{}", n)),
        Value::Float(n) => float(*n, out)?,
        Value::String(s) => string(s, out),
        Value::Array(elements) => {
            let depth = depth.checked_sub(1).ok_or(Error::TooDeep)?;
            for (i, element) in elements.iter().enumerate() {
                out.push(if i == 0 { '[' } else { ',' });
                write(element, out, depth)?;
            }
            out.push_str(if elements.is_empty() { "[]" } else { "]" });
        }
        Value::Object(members) => {
            let depth = depth.checked_sub(1).ok_or(Error::TooDeep)?;
            for (i, (key, member)) in members.iter().enumerate() {
                out.push(if i == 0 { '{' } else { ',' });
                string(key, out);
                out.push(':');
                write(member, out, depth)?;
            }
            out.push_str(if members.is_empty() { "{}" } else { "}" });
        }
    }
    Ok(())
}

fn digits(out: &mut String, number: std::fmt::Arguments<'_>) {
    // A String takes whatever is written to it.
    let _ = out.write_fmt(number);
}

/// Appends a number as JavaScript does: the fewest digits that say the same, with an
/// exponent where that is below -6 or over 20.
fn float(n: f64, out: &mut String) -> Result<(), Error> {
    if !n.is_finite() {
        return Err(Error::NotJson(if n.is_nan() { "NaN, an f64," } else { "an infinite f64" }));
    }
    if n == 0.0 {
        out.push('0');
    } else if (1e-6..1e21).contains(&n.abs()) {
        digits(out, format_args!("{}", n));
    } else {
        let start = out.len();
        digits(out, format_args!("{:e}", n));
        if n.abs() >= 1.0 {
            let exponent = out[start..].find('e').map_or(out.len(), |e| start + e + 1);
            out.insert(exponent, '+');
        }
    }
    Ok(())
}

fn string(s: &str, out: &mut String) {
    out.push('"');
    let mut rest = s;
    loop {
        // A boundary of UTF-8, because what follows is ASCII.
        let (plain, special) = rest.split_at(plain(rest.as_bytes()));
        out.push_str(plain);
        let byte = match special.bytes().next() {
            Some(byte) => byte,
            None => break,
        };
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            8 => out.push_str("\\b"),
            12 => out.push_str("\\f"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => digits(out, format_args!("\\u{:04x}", byte)),
        }
        rest = &special[1..];
    }
    out.push('"');
}
