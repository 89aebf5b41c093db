//! A sweep finds what would be left behind: rows that the records ask for and nobody has.

mod lost;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::door::admit::Admitted;
use crate::door::answer::{Answered, Fault};
use crate::door::append::fence;
use crate::door::attempt::{Attempt, AttemptName, AttemptState};
use crate::door::http::Response;
use crate::door::index::{RunRow, life};
use crate::door::session::Session;
use crate::door::sql::{StoreError, first};
use crate::door::sweep::lost::{Lost, restore};
use crate::run::owed::MOST_OWED;
use crate::wire::body;
use crate::wire::event::{Event, RunTriggered};
use crate::wire::manifest::policy::Timeouts;
use crate::wire::problem::Problem;
use crate::wire::reader;
use crate::wire::record::Record;
use crate::wire::sweep::{LeftBehind, OwedAttempt, OwedBackfill, OwedRun, SweepRequest, SweepView};
use crate::wire::view::TaskState;

/// How many findings are kept.
const FINDINGS_KEPT: usize = 20;

/// `GET /v1/sweep`
pub(crate) fn get(session: &mut Session<'_>, _: &Admitted, _: &[u8]) -> Answered {
    let view = stored(session)?;
    Ok(Response::json(200, serde_json::to_vec(&view).unwrap_or_default()).into())
}

/// `POST /v1/sweep`
pub(crate) fn sweep(session: &mut Session<'_>, _: &Admitted, body: &[u8]) -> Answered {
    let (_, request) = body::parse::<SweepRequest>(body, body::LARGE)?;
    fence(session, request.epoch)?;
    let attempts: usize = request.runs.iter().map(|run| run.attempts.len()).sum();
    let looked_at = request.backfills.len() + request.runs.len() + attempts;
    // A run that goes on from the part before stands for itself once more.
    if looked_at > MOST_OWED + 1 {
        return Err(Fault::Refused(Problem::validation(
            "/runs",
            &format!("expected at most {MOST_OWED} runs, attempts and backfills"),
        )));
    }
    let mut lost = Lost::default();
    for owed in &request.backfills {
        look_at_backfill(session, owed, &mut lost)?;
    }
    for owed in &request.runs {
        look_at_run(session, owed, request.as_of, &mut lost)?;
    }
    let repaired = restore(session, &lost)?;
    let view = note(session, &request, looked_at as u64, repaired, lost)?;
    Ok(Response::json(200, serde_json::to_vec(&view).unwrap_or_default()).into())
}

/// Looks for a backfill.
fn look_at_backfill(
    session: &mut Session<'_>,
    owed: &OwedBackfill,
    lost: &mut Lost,
) -> Result<(), StoreError> {
    let row = session.backfill(&owed.backfill_id)?;
    if row.is_some_and(|row| row.requested_seq == owed.seq) {
        return Ok(());
    }
    let record = session.record(owed.seq)?;
    if let Some(Event::BackfillRequested(body)) = record.as_ref().and_then(Record::event)
        && body.backfill == owed.backfill_id
    {
        lost.backfill(owed);
    }
    Ok(())
}

/// Looks for a run and what it waits for. Whoever names a record that did not start the run is not believed.
fn look_at_run(
    session: &mut Session<'_>,
    owed: &OwedRun,
    as_of: u64,
    lost: &mut Lost,
) -> Result<(), StoreError> {
    let Some((trigger, at_ms)) = triggered_by(session, owed)? else {
        return Ok(());
    };
    let due_ms = life::due_ms(session, &trigger, at_ms)?;
    let row = session.run(&owed.run_id)?;
    if let Some(fault) = fault_of_run(owed, row.as_ref(), due_ms, as_of) {
        lost.run(owed, fault);
    }
    let now_ms = session.now_ms()?;
    for attempt in &owed.attempts {
        let name = AttemptName::new(owed.run_id, &attempt.task_key, attempt.attempt);
        let row = session.attempt(&name)?;
        let timeouts = session.timeouts(&trigger.manifest, &attempt.task_key)?;
        let fault = match fault_of_attempt(attempt, row.as_ref(), as_of, &timeouts, now_ms) {
            None => match &row {
                Some(row) if waits_too_long(session, row, now_ms)? => {
                    Some("it was held back for longer than was asked for")
                }
                _ => None,
            },
            fault => fault,
        };
        if let Some(fault) = fault {
            lost.attempt(owed, attempt, &name, fault);
        }
    }
    Ok(())
}

/// What is wrong with the row of a run that had not ended when the scheduler had folded `as_of`.
fn fault_of_run(
    owed: &OwedRun,
    row: Option<&RunRow>,
    due_ms: Option<u64>,
    as_of: u64,
) -> Option<&'static str> {
    let Some(row) = row else {
        return Some("the door had no row of it");
    };
    if row.triggered_seq != owed.seq {
        return Some("its row named another trigger");
    }
    if row.finished_seq.is_some_and(|seq| seq <= as_of) {
        return Some("its row said that it had ended");
    }
    if (owed.is_planned && row.planned_seq.is_none())
        || (owed.is_cancelled && row.cancel_seq.is_none())
    {
        return Some("its row was behind its records");
    }
    let is_ending = row.cancel_seq.is_some() || row.finished_seq.is_some();
    if !is_ending && row.due_ms != due_ms {
        return Some("its time-out was not the one of its trigger");
    }
    None
}

/// What is wrong with the row of an attempt that has to move on. What the door has learnt since `as_of` is no fault.
fn fault_of_attempt(
    owed: &OwedAttempt,
    row: Option<&Attempt>,
    as_of: u64,
    timeouts: &Timeouts,
    now_ms: u64,
) -> Option<&'static str> {
    let Some(row) = row else {
        return Some("the door had no row of it");
    };
    let closed_later = row.closed_seq.is_some_and(|seq| seq > as_of);
    match (owed.state, row.state) {
        (TaskState::RetryWait, state) if !state.is_closed() => {
            Some("its row did not say that it was over")
        }
        (TaskState::RetryWait, _) => None,
        (_, state) if state.is_closed() && !closed_later => Some("its row said that it was over"),
        (_, state) if state.is_closed() => None,
        (TaskState::Running, AttemptState::Requested | AttemptState::Leased) => {
            Some("its row did not say that it runs")
        }
        (_, AttemptState::Leased) if row.due_ms > now_ms.saturating_add(timeouts.start_ms) => {
            Some("nothing would have ended its lease")
        }
        (_, AttemptState::Running) if !is_watched(row, timeouts, now_ms) => {
            Some("nothing would have noticed its silence")
        }
        _ => None,
    }
}

/// Whether a running attempt is closed in time, should its worker say nothing more.
fn is_watched(row: &Attempt, timeouts: &Timeouts, now_ms: u64) -> bool {
    let longest_ms = now_ms.saturating_add(timeouts.attempt_ms);
    row.due_ms <= now_ms.saturating_add(timeouts.heartbeat_ms)
        && row
            .deadline_ms
            .is_some_and(|deadline| deadline <= longest_ms)
}

/// Whether an attempt that nobody has leased waits for a later moment than its record says.
fn waits_too_long(
    session: &mut Session<'_>,
    row: &Attempt,
    now_ms: u64,
) -> Result<bool, StoreError> {
    if row.state != AttemptState::Requested || row.due_ms <= now_ms {
        return Ok(false);
    }
    let record = session.record(row.requested_seq)?;
    Ok(match record.as_ref().and_then(Record::event) {
        Some(Event::DispatchRequested(body)) => {
            let asked_ms = record.map_or(0, |record| record.at_ms);
            row.due_ms != body.not_before.max(asked_ms)
        }
        _ => true,
    })
}

/// The trigger of a run, and its time, from the record that started it.
fn triggered_by(
    session: &mut Session<'_>,
    owed: &OwedRun,
) -> Result<Option<(RunTriggered, u64)>, StoreError> {
    let Some(record) = session.record(owed.seq)? else {
        return Ok(None);
    };
    let trigger = match record.event() {
        Some(Event::RunTriggered(body)) => Some(body),
        Some(Event::RunRequested(body)) => Some(body.triggered),
        _ => None,
    };
    Ok(trigger
        .filter(|trigger| trigger.run == owed.run_id)
        .map(|trigger| (trigger, record.at_ms)))
}

fn stored(session: &mut Session<'_>) -> Result<SweepView, StoreError> {
    let text = first(
        session.sql,
        "SELECT value FROM meta WHERE name = 'sweep'",
        &[],
        |row| String::from(row.text(0)),
    )?;
    Ok(text
        .and_then(|text| reader::read_text(&text).ok())
        .unwrap_or_default())
}

/// Keeps what was found. The floor only rises, and never above what was folded.
fn note(
    session: &mut Session<'_>,
    request: &SweepRequest,
    looked_at: u64,
    repaired: u64,
    lost: Lost,
) -> Result<SweepView, StoreError> {
    let before = stored(session)?;
    let now_ms = session.now_ms()?;
    let head = session.end()?.seq;
    let (seen, left) = if request.goes_on {
        (before.looked_at, before.left_behind)
    } else {
        (0, 0)
    };
    let mut found: Vec<LeftBehind> = lost
        .found
        .into_iter()
        .map(|found| LeftBehind {
            at: now_ms,
            ..found
        })
        .collect();
    let view = SweepView {
        floor: before.floor.max(request.floor.min(request.as_of).min(head)),
        as_of: request.as_of,
        at: Some(now_ms),
        looked_at: seen + looked_at,
        left_behind: left + found.len() as u64 + u64::from(request.decisions),
        repaired: before.repaired + repaired,
        found: {
            found.extend(before.found);
            found.truncate(FINDINGS_KEPT);
            found
        },
    };
    let text = serde_json::to_string(&view).unwrap_or_default();
    session.sql.execute(
        "INSERT INTO meta (name, value) VALUES ('sweep', ?1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        &[text.as_str().into()],
    )?;
    Ok(view)
}
