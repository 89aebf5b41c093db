//! A dispatch id reads back, because a run id has a fixed length and the attempt stands last.

use alloc::string::String;

use super::Dispatch;
use crate::identity::canonical_json::push_integer;
use crate::identity::error::{Code, Error};
use crate::identity::ids::RunId;
use crate::identity::keys::TaskKey;

const PREFIX: &str = "dispatch:";

pub(super) fn write(run_id: RunId, task_key: &TaskKey, attempt: u32) -> String {
    let mut text = String::with_capacity(PREFIX.len() + task_key.as_str().len() + 40);
    text.push_str(PREFIX);
    push_parts(&mut text, run_id, task_key, attempt);
    text
}

/// Appends `{run_id}:{task_key}:{attempt}`.
pub(super) fn push_parts(text: &mut String, run_id: RunId, task_key: &TaskKey, attempt: u32) {
    text.push_str(run_id.encode(&mut [0; 26]));
    text.push(':');
    text.push_str(task_key.as_str());
    text.push(':');
    push_integer(text, i64::from(attempt));
}

pub(super) fn read(text: &str) -> Result<Dispatch, Error> {
    let start = after_prefix(text, PREFIX, Code::DispatchIdSyntax)?;
    read_parts(text, start, Code::DispatchIdSyntax)
}

/// Where the text goes on after a prefix.
pub(super) fn after_prefix(text: &str, prefix: &str, code: Code) -> Result<usize, Error> {
    if text.starts_with(prefix) {
        return Ok(prefix.len());
    }
    let common = text
        .bytes()
        .zip(prefix.bytes())
        .take_while(|(left, right)| left == right)
        .count();
    Err(Error::at(code, common))
}

/// Reads `{run_id}:{task_key}:{attempt}` from `start` to the end of the text.
pub(super) fn read_parts(text: &str, start: usize, code: Code) -> Result<Dispatch, Error> {
    let (run_id, task_start) = part(text, start, code)?;
    let run_id = RunId::parse(run_id).map_err(|error| error.shifted(start))?;
    let rest = text.get(task_start..).unwrap_or_default();
    let (task_key, attempt) = rest.rsplit_once(':').ok_or(Error::at(code, text.len()))?;
    let attempt_start = text.len() - attempt.len();
    let task_key = TaskKey::parse(task_key).map_err(|error| error.shifted(task_start))?;
    let attempt = decimal(attempt).ok_or(Error::at(code, attempt_start))?;
    match u32::try_from(attempt) {
        Ok(attempt) if attempt > 0 => Ok(Dispatch {
            run_id,
            task_key,
            attempt,
        }),
        _ => Err(Error::at(Code::AttemptRange, attempt_start)),
    }
}

/// The text from `start` to the next colon, and where it goes on.
pub(super) fn part(text: &str, start: usize, code: Code) -> Result<(&str, usize), Error> {
    let rest = text.get(start..).unwrap_or_default();
    match rest.split_once(':') {
        Some((part, _)) => Ok((part, start + part.len() + 1)),
        None => Err(Error::at(code, text.len())),
    }
}

/// Reads an unsigned decimal without leading zeros.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let canonical = match text.as_bytes() {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if canonical { text.parse().ok() } else { None }
}
