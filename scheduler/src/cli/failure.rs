//! Every failure says what happened, where, and what to do next, and ends the process with one of six codes.

use std::fmt;
use std::process::ExitCode;

use arcoflow_core::wire::problem::PROBLEM_BASE;
use serde_json::{Map, Value, json};

use crate::cli::pipeline::place::Placed;
use crate::cli::screen::{Screen, Tone};
use crate::host::message;

/// How a verb ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked for is done.
    Ok = 0,
    /// The run failed, or what was checked does not hold.
    RunFailed = 1,
    /// The command, or a file that it names, cannot be understood.
    Usage = 2,
    /// The door does not answer, or cannot.
    Unreachable = 3,
    /// It contradicts what the door knows.
    Conflict = 4,
    /// It took longer than the caller wanted to wait.
    WaitedTooLong = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a verb did not do what was asked for.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The code that the process ends with.
    pub(crate) exit: Exit,
    /// What happened: lower case, no period.
    pub(crate) what: String,
    /// Where it happened: a file, a URL, a member of a request.
    pub(crate) places: Vec<String>,
    /// What to do next.
    pub(crate) hints: Vec<String>,
    /// The door's own words.
    pub(crate) problem: Option<Box<Map<String, Value>>>,
    /// What is wrong with a file, each at its place.
    pub(crate) findings: Vec<Placed>,
}

/// What a verb gives.
pub(crate) type Outcome<T = Exit> = Result<T, Failure>;

impl Failure {
    /// A failure with its code and its sentence.
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Failure {
        Failure {
            exit,
            what: what.into(),
            places: Vec::new(),
            hints: Vec::new(),
            problem: None,
            findings: Vec::new(),
        }
    }

    /// The command cannot be understood.
    pub(crate) fn usage(what: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, what)
    }

    /// Adds where.
    pub(crate) fn at(mut self, place: impl fmt::Display) -> Failure {
        self.places.push(place.to_string());
        self
    }

    /// Adds what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hints.push(hint.into());
        self
    }

    /// Shows the failure on standard error, as text or as a problem in JSON.
    pub(crate) fn show(&self, screen: &Screen) {
        if screen.json {
            message::line(format_args!("{}", self.to_json()));
        } else {
            message::line(format_args!(
                "{}",
                self.to_text(screen).trim_end_matches('\n')
            ));
        }
    }

    fn to_text(&self, screen: &Screen) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            text.push_str(&finding.to_text(screen));
            text.push('\n');
        }
        let error = screen.paint_note("error", Tone::Bad);
        text.push_str(&format!("{error}: {}\n", self.what));
        for place in &self.places {
            text.push_str(&format!(
                "  {} {place}\n",
                screen.paint_note("at", Tone::Quiet)
            ));
        }
        for hint in &self.hints {
            text.push_str(&format!(
                "  {} {hint}\n",
                screen.paint_note("→", Tone::Busy)
            ));
        }
        text
    }

    /// The problem of the door when there is one, with what the command line adds.
    pub(crate) fn to_json(&self) -> Value {
        let mut object = self.problem.as_deref().cloned().unwrap_or_default();
        object
            .entry("type")
            .or_insert_with(|| format!("{PROBLEM_BASE}cli-{}", self.slug()).into());
        object.entry("title").or_insert_with(|| self.title().into());
        object
            .entry("detail")
            .or_insert_with(|| self.what.clone().into());
        if !self.findings.is_empty() {
            let errors: Value = self.findings.iter().map(Placed::to_json).collect();
            object.insert("errors".into(), errors);
        }
        object.insert("hints".into(), json!(self.hints));
        object.insert("exitCode".into(), json!(self.exit as u8));
        Value::Object(object)
    }

    fn slug(&self) -> &'static str {
        match self.exit {
            Exit::Ok => "ok",
            Exit::RunFailed => "run-failed",
            Exit::Usage => "usage",
            Exit::Unreachable => "unreachable",
            Exit::Conflict => "conflict",
            Exit::WaitedTooLong => "waited-too-long",
        }
    }

    fn title(&self) -> &'static str {
        match self.exit {
            Exit::Ok => "Done",
            Exit::RunFailed => "The run failed",
            Exit::Usage => "The command cannot be understood",
            Exit::Unreachable => "The door cannot be reached",
            Exit::Conflict => "It contradicts what the door knows",
            Exit::WaitedTooLong => "It took too long",
        }
    }
}
