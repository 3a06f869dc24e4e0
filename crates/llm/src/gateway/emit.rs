//! Writes server-sent events and bodies.

use serde::Serialize;

/// An event without a name.
pub(super) fn data(value: &impl Serialize, out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    json(value, out);
    out.extend_from_slice(b"\n\n");
}

pub(super) fn named(name: &str, value: &impl Serialize, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.push(b'\n');
    data(value, out);
}

/// On one line: no line break stands unescaped in JSON.
pub(super) fn json(value: &impl Serialize, out: &mut Vec<u8>) {
    // Memory takes all that is written, and our own types are all JSON can hold.
    let _ = serde_json::to_writer(out, value);
}
