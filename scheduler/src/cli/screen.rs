//! Data go to standard output and messages to standard error; colour and movement are for terminals only.

use std::io::{self, Write};

use console::{Style, Term};
use serde::Serialize;

use crate::host::message;

/// The widest line that is easy to read.
const WIDEST: usize = 120;
/// The width when nobody can tell.
const UNKNOWN_WIDTH: usize = 100;

/// What a piece of text is to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// It went well.
    Good,
    /// It did not.
    Bad,
    /// It wants a look.
    Careful,
    /// It goes on.
    Busy,
    /// It is beside the point.
    Quiet,
    /// It is the point.
    Strong,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Tone::Good => Style::new().green(),
            Tone::Bad => Style::new().red().bold(),
            Tone::Careful => Style::new().yellow(),
            Tone::Busy => Style::new().cyan(),
            Tone::Quiet => Style::new().dim(),
            Tone::Strong => Style::new().bold(),
        }
    }
}

/// Where output goes and how it looks there.
#[derive(Clone, Debug)]
pub(crate) struct Screen {
    /// Whether data are JSON.
    pub(crate) json: bool,
    /// Whether messages go to a terminal, which can show movement.
    pub(crate) is_live: bool,
    /// Columns.
    pub(crate) width: usize,
}

impl Screen {
    /// The screen of this process.
    pub(crate) fn new(json: bool) -> Screen {
        let messages = Term::stderr();
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let width = [Term::stdout(), messages.clone()]
            .iter()
            .find_map(Term::size_checked)
            .map_or(UNKNOWN_WIDTH, |(_, columns)| usize::from(columns));
        Screen {
            json,
            is_live: messages.is_term() && !dumb && !json,
            width: width.clamp(40, WIDEST),
        }
    }

    /// Colours a piece of data.
    pub(crate) fn paint(&self, text: impl AsRef<str>, tone: Tone) -> String {
        tone.style()
            .for_stdout()
            .apply_to(text.as_ref())
            .to_string()
    }

    /// Colours a piece of a message.
    pub(crate) fn paint_note(&self, text: impl AsRef<str>, tone: Tone) -> String {
        tone.style()
            .for_stderr()
            .apply_to(text.as_ref())
            .to_string()
    }

    /// Writes data. Whoever reads them may stop reading at any time.
    pub(crate) fn data(&self, text: impl AsRef<str>) {
        let mut out = io::stdout().lock();
        let written = out
            .write_all(text.as_ref().as_bytes())
            .and_then(|()| out.flush());
        if written.is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            std::process::exit(0);
        }
    }

    /// Writes a line of data.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        self.data(format!("{}\n", text.as_ref()));
    }

    /// Writes a line of JSON.
    pub(crate) fn json_line(&self, value: &impl Serialize) {
        self.line(serde_json::to_string(value).unwrap_or_default());
    }

    /// Writes a line of message; nothing when data are JSON, whose readers are programs.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.json {
            message::line(format_args!("{}", text.as_ref()));
        }
    }
}
