//! The log of an attempt is kept beside the ledger in pieces, so that it can be followed from anywhere and sent twice without harm.

use alloc::string::{String, ToString};

use crate::door::accept::run_in_path;
use crate::door::admit::{Admitted, Caller, scope_mismatch};
use crate::door::answer::{Answered, Fault, Reply, Then, Wait, WaitOn};
use crate::door::attempt::{Attempt, AttemptName, BoundName};
use crate::door::http::Response;
use crate::door::session::Session;
use crate::door::sql::{StoreError, first};
use crate::wire::body;
use crate::wire::callback::{LogAnswer, LogPiece};
use crate::wire::problem::{Problem, Slug};
use crate::wire::view::LogPage;

/// The most bytes of text in a page.
const PAGE_BYTES: usize = 256 * 1_024;

/// `POST /v1/tasks/{taskId}/log`
pub(crate) fn append(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    let (_, piece) = body::parse::<LogPiece>(body, body::SMALL)?;
    let Caller::Task(token) = &admitted.caller else {
        return Err(Fault::Refused(scope_mismatch()));
    };
    if piece.attempt != token.claims.att {
        return Err(Fault::Refused(scope_mismatch()));
    }
    let name = AttemptName {
        run: token.claims.run,
        task: token.claims.sub,
        attempt: token.claims.att,
    };
    if session.attempt(&name)?.is_none() {
        return Err(Fault::Refused(Problem::new(
            Slug::TaskNotFound,
            "no such attempt",
        )));
    }
    let size = size(session, &name)?;
    let room = session.config.log_bytes.saturating_sub(size);
    // What the door has is skipped; a piece that begins later than what it has waits until the gap is sent.
    let skip = size
        .checked_sub(piece.offset)
        .and_then(|skip| usize::try_from(skip).ok());
    let fresh = skip
        .and_then(|skip| piece.text.get(skip..))
        .map_or("", |text| {
            head(text, usize::try_from(room).unwrap_or(usize::MAX))
        });
    if !fresh.is_empty() {
        let bound = BoundName::from(&name);
        session.sql.execute(
            "INSERT INTO log (run, task, attempt, start, text) VALUES (?1, ?2, ?3, ?4, ?5)",
            &[
                bound.run.as_slice().into(),
                bound.task.as_slice().into(),
                bound.attempt.into(),
                size.into(),
                fresh.into(),
            ],
        )?;
        session.wake.logs = true;
    }
    let size = size + fresh.len() as u64;
    let answer = LogAnswer {
        size,
        full: size + 4 > session.config.log_bytes,
    };
    Ok(Response::json(200, serde_json::to_vec(&answer).unwrap_or_default()).into())
}

/// How many bytes of a log there are.
fn size(session: &mut Session<'_>, name: &AttemptName) -> Result<u64, StoreError> {
    let bound = BoundName::from(name);
    let size = first(
        session.sql,
        "SELECT start + length(CAST(text AS BLOB)) FROM log WHERE run = ?1 AND task = ?2 AND attempt = ?3 ORDER BY start DESC LIMIT 1",
        &[
            bound.run.as_slice().into(),
            bound.task.as_slice().into(),
            bound.attempt.into(),
        ],
        |row| row.unsigned(0),
    )?;
    Ok(size.unwrap_or(0))
}

/// The longest beginning of a text that has at most so many bytes.
fn head(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    text.get(..end).unwrap_or("")
}

/// `GET /v1/runs/{runId}/tasks/{taskId}/log`
pub(crate) fn read(session: &mut Session<'_>, admitted: &Admitted, _: &[u8]) -> Answered {
    let row = run_in_path(session, admitted)?;
    let missing = || {
        Fault::Refused(Problem::new(
            Slug::TaskNotFound,
            "no attempt of this task was asked for yet",
        ))
    };
    let task = admitted.params.task.ok_or_else(missing)?;
    let number = admitted.number("attempt", 0, u64::from(u32::MAX))?;
    let offset = admitted.number("offset", 0, u64::MAX >> 1)?;
    let wait_s = admitted.number("waitS", 0, 60)?;
    let attempt = match u32::try_from(number).unwrap_or(0) {
        0 => session.newest_attempt(&row.run, &task)?,
        attempt => session.attempt(&AttemptName {
            run: row.run,
            task,
            attempt,
        })?,
    };
    let attempt = attempt.ok_or_else(missing)?;
    let text = text_from(session, &attempt, offset)?;
    let end = attempt.state.is_closed() && text.is_empty();
    let waits = text.is_empty() && !end && wait_s > 0;
    let page = LogPage {
        attempt: attempt.name.attempt,
        offset,
        next: offset + text.len() as u64,
        text,
        end,
    };
    let response = Response::json(200, serde_json::to_vec(&page).unwrap_or_default());
    let then = if waits {
        Then::Wait(Wait {
            on: WaitOn::Logs,
            give_up_ms: wait_s * 1_000,
            again_ms: Some(1_000),
        })
    } else {
        Then::Send
    };
    Ok(Reply { response, then })
}

fn text_from(
    session: &mut Session<'_>,
    attempt: &Attempt,
    offset: u64,
) -> Result<String, StoreError> {
    let bound = BoundName::from(&attempt.name);
    let mut text = String::new();
    session.sql.query(
        "SELECT start, text FROM log WHERE run = ?1 AND task = ?2 AND attempt = ?3 AND start >= coalesce(
            (SELECT max(start) FROM log WHERE run = ?1 AND task = ?2 AND attempt = ?3 AND start <= ?4), 0) ORDER BY start LIMIT 64",
        &[bound.run.as_slice().into(), bound.task.as_slice().into(), bound.attempt.into(), offset.into()],
        &mut |row| {
            if text.len() < PAGE_BYTES {
                let skip = usize::try_from(offset.saturating_sub(row.unsigned(0))).unwrap_or(usize::MAX);
                let piece = row.text(1);
                let start = (skip.min(piece.len())..=piece.len()).find(|at| piece.is_char_boundary(*at)).unwrap_or(piece.len());
                text.push_str(piece.get(start..).unwrap_or(""));
            }
        },
    )?;
    Ok(text.to_string())
}
