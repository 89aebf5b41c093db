//! A name follows from other names, so a replay and a retry arrive at the same one.

mod dispatch;
mod timer;

use alloc::string::String;
use alloc::vec::Vec;

use super::digest::{Part, Sha256Digest, digest, sha256};
use super::error::{Code, Error};
use super::ids::ulid::Ulid;
use super::ids::{AttemptId, EventId, MaterializationId, RunId, ScheduleId, TIME_END_MS, TaskId};
use super::keys::{RunKey, TaskKey};

const MAX_KIND_BYTES: usize = 16;
const QUEUE_DIGITS: usize = 26;

/// Names one dispatch of one attempt, and says which.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dispatch {
    /// The run.
    pub run_id: RunId,
    /// The task of the run.
    pub task_key: TaskKey,
    /// The attempt, from 1.
    pub attempt: u32,
}

/// What a timer waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Timer {
    /// The next attempt is due: `timer:retry:{run_id}:{task_key}:{attempt}:{second}`.
    Retry(Dispatch),
    /// A heartbeat is overdue: `timer:heartbeat:{run_id}:{task_key}:{attempt}:{second}`.
    Heartbeat(Dispatch),
    /// A start is overdue: `timer:start:{run_id}:{task_key}:{attempt}:{second}`.
    Start(Dispatch),
    /// A run is overdue: `timer:run:{run_id}:{second}`.
    Run(RunId),
    /// A schedule is due: `timer:schedule:{schedule_id}:{second}`.
    Schedule(ScheduleId),
}

/// The id of a task: the run's time, and ten bytes of `digest("arcoflow/task/v1", [run_id, task_key])`.
pub fn task_id(run_id: &RunId, task_key: &TaskKey) -> TaskId {
    let mut buffer = [0; 26];
    let parts = [
        Part::Text(run_id.encode(&mut buffer)),
        Part::Text(task_key.as_str()),
    ];
    TaskId::from(dated(
        run_id.timestamp_ms(),
        digest("arcoflow/task/v1", &parts),
    ))
}

/// The id of an attempt, counted from 1: the run's time, and ten bytes of
/// `digest("arcoflow/attempt/v1", [run_id, task_key, attempt])`.
pub fn attempt_id(run_id: &RunId, task_key: &TaskKey, attempt: u32) -> AttemptId {
    AttemptId::from(of_attempt("arcoflow/attempt/v1", run_id, task_key, attempt))
}

/// The id of what an attempt wrote: the run's time, and ten bytes of
/// `digest("arcoflow/materialization/v1", [run_id, task_key, attempt])`.
pub fn materialization_id(run_id: &RunId, task_key: &TaskKey, attempt: u32) -> MaterializationId {
    MaterializationId::from(of_attempt(
        "arcoflow/materialization/v1",
        run_id,
        task_key,
        attempt,
    ))
}

/// The id of an event: a time in milliseconds since 1970, and ten bytes of `digest("arcoflow/event/v1", [kind, part, …])`.
///
/// A time beyond 48 bits is held at the last millisecond: what tells events apart is the digest.
pub fn event_id(time_ms: u64, kind: &str, parts: &[Part<'_>]) -> EventId {
    let mut all = Vec::with_capacity(parts.len() + 1);
    all.push(Part::Text(kind));
    all.extend_from_slice(parts);
    EventId::from(dated(time_ms, digest("arcoflow/event/v1", &all)))
}

fn of_attempt(domain: &str, run_id: &RunId, task_key: &TaskKey, attempt: u32) -> Ulid {
    let mut buffer = [0; 26];
    let run = Part::Text(run_id.encode(&mut buffer));
    let parts = [
        run,
        Part::Text(task_key.as_str()),
        Part::Integer(i64::from(attempt)),
    ];
    dated(run_id.timestamp_ms(), digest(domain, &parts))
}

fn dated(time_ms: u64, digest: Sha256Digest) -> Ulid {
    let bits = u128::from_be_bytes(first_16(digest)) >> 48;
    let time = u128::from(time_ms.min(TIME_END_MS - 1));
    Ulid::from_bytes((time << 80 | bits).to_be_bytes())
}

fn first_16(digest: Sha256Digest) -> [u8; 16] {
    let [first @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = digest.to_bytes();
    first
}

/// The home of a run, one of 256: the first random byte of its id.
pub const fn home(run_id: &RunId) -> u8 {
    run_id.random()[0]
}

/// The home of a run that is started under a run key: the first byte of its SHA-256.
pub fn home_of_run_key(run_key: &RunKey) -> u8 {
    sha256(run_key.as_str().as_bytes()).to_bytes()[0]
}

/// The shard that keeps a home, in a ledger split over `1 << shard_bits` shards, at most 256.
pub const fn shard(home: u8, shard_bits: u8) -> u8 {
    if shard_bits >= 8 {
        home
    } else {
        home & ((1 << shard_bits) - 1)
    }
}

/// `dispatch:{run_id}:{task_key}:{attempt}`, with attempts from 1.
///
/// # Errors
/// `attempt.range` for attempt 0.
pub fn dispatch_id(run_id: &RunId, task_key: &TaskKey, attempt: u32) -> Result<String, Error> {
    if attempt == 0 {
        return Err(Error::new(Code::AttemptRange));
    }
    Ok(dispatch::write(*run_id, task_key, attempt))
}

/// Reads a dispatch id back.
///
/// # Errors
/// `dispatch_id.syntax` for the frame; the parts are refused with their own codes, at the offset in the whole text.
pub fn parse_dispatch_id(text: &str) -> Result<Dispatch, Error> {
    dispatch::read(text)
}

/// The id of a timer that goes off in an epoch second.
pub fn timer_id(timer: &Timer, epoch_second: u64) -> String {
    timer::write(timer, epoch_second)
}

/// Reads a timer id back: what it waits for, and the epoch second.
///
/// # Errors
/// `timer_id.syntax` for the frame; the parts are refused with their own codes, at the offset in the whole text.
pub fn parse_timer_id(text: &str) -> Result<(Timer, u64), Error> {
    timer::read(text)
}

/// A name for queues that allow only `[A-Za-z0-9_-]`: the kind, `_`, and 26 characters of the lower-case base32
/// (RFC 4648) of SHA-256 over the internal id.
///
/// # Errors
/// `queue.kind` unless the kind has 1 to 16 such characters.
pub fn queue_name(kind: &str, internal_id: &str) -> Result<String, Error> {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if kind.is_empty() || kind.len() > MAX_KIND_BYTES || !kind.bytes().all(fits) {
        return Err(Error::new(Code::QueueKind));
    }
    let mut name = String::with_capacity(kind.len() + 1 + QUEUE_DIGITS);
    name.push_str(kind);
    name.push('_');
    let digest = sha256(internal_id.as_bytes()).to_bytes();
    let mut bits = 0_u32;
    let mut held = 0;
    let mut bytes = digest.iter();
    for _ in 0..QUEUE_DIGITS {
        if held < 5 {
            bits = bits << 8 | u32::from(bytes.next().copied().unwrap_or(0));
            held += 8;
        }
        held -= 5;
        name.push(char::from(DIGITS[(bits >> held & 31) as usize]));
    }
    Ok(name)
}

#[cfg(test)]
mod tests;
