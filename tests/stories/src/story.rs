//! A story is data: pipelines, steps at times, and for each step what is answered and what is recorded.

pub mod clock;
pub mod words;
pub mod command;
pub mod pipeline;
pub mod read;

use serde_json::Value;

use self::command::Command;

/// One story of a file.
#[derive(Clone, Debug)]
pub struct Story {
    /// The permanent name: the file's and its own.
    pub name: String,
    /// What it tells, in the words of its comment.
    pub about: String,
    /// The time that `at 0` means, in milliseconds since 1970.
    pub begins_ms: u64,
    /// Places in the workspace.
    pub open_attempts: Option<u32>,
    /// The pipelines by name, in order; the first one is deployed before the first step, unless it says otherwise.
    pub manifests: Vec<Pipeline>,
    /// What happens.
    pub steps: Vec<Step>,
}

/// A pipeline of a story.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// Its name in the story.
    pub name: String,
    /// The manifest.
    pub manifest: Value,
    /// Whether it is there before the story begins.
    pub is_deployed: bool,
}

/// One thing that happens, and what follows from it at once.
#[derive(Clone, Debug)]
pub struct Step {
    /// The line in its file, from 1.
    pub line: u32,
    /// The line as it is written, without what is expected.
    pub text: String,
    /// When.
    pub at: At,
    /// What.
    pub command: Command,
    /// The answer, word by word.
    pub answer: String,
    /// The records that come of it, all of them, in order.
    pub records: Vec<String>,
}

/// When a step happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// When the step before happened.
    Same,
    /// So many milliseconds after the beginning of the story.
    Absolute(u64),
    /// At a moment, in milliseconds since 1970.
    Moment(u64),
    /// So many milliseconds after the step before.
    Later(u64),
    /// At an earlier time: the clock was set back.
    Back(u64),
    /// When something is next to be done.
    Wake,
}
