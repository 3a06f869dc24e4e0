//! What a command says on its standard output. Logs go to the standard error.

use std::io::Write as _;

/// Says a line. A reader that has gone away is no reason to fail.
pub(crate) fn say(line: impl AsRef<str>) {
    writeln!(std::io::stdout(), "{}", line.as_ref()).ok();
}

/// Says a piece of a line, at once.
pub(crate) fn say_part(text: &str) {
    let mut out = std::io::stdout();
    write!(out, "{text}").ok();
    out.flush().ok();
}
