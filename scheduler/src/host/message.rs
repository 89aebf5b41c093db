//! A message goes to standard error, and is lost when it cannot be written there: its log may be on the disk that is full.

use std::fmt::Arguments;
use std::io::{self, Write as _};

/// Writes a line to standard error. `eprintln!` would end the process where that fails.
pub(crate) fn line(text: Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
