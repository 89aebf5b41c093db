//! A schedule is what the current manifest declares, with a cursor that the ledger moves; people pause it and tick it by hand.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::automation::schedules::{Clock, seconds, skipped_by_change, skipped_by_pause};
use crate::door::accept;
use crate::door::admit::Admitted;
use crate::door::answer::{Answered, Fault};
use crate::door::append::refused;
use crate::door::pause::{Kind, json_of, pause_of};
use crate::door::session::{Session, digest_of};
use crate::door::sql::{Row, StoreError, Value, first};
use crate::identity::digest::{Sha256Digest, sha256};
use crate::identity::ids::EventId;
use crate::identity::keys::RunKey;
use crate::wire::body;
use crate::wire::event::automation::{Account, RunRequested, ScheduleSet, ScheduleTicked};
use crate::wire::event::{Event, RunTriggered};
use crate::wire::ledger::AppendResult;
use crate::wire::manifest::automation::Schedule;
use crate::wire::problem::{Problem, Slug};
use crate::wire::record::Record;
use crate::wire::schedule::{SchedulePage, ScheduleView, Skipped, TickRequest, TickView};

/// The index row of a schedule that the current manifest declares.
struct Standing {
    name: String,
    manifest: Sha256Digest,
    cursor_s: i64,
    skipped: Option<Skipped>,
    paused_seq: Option<u64>,
    ticked_seq: Option<u64>,
}

macro_rules! columns {
    ($rest:literal) => {
        concat!("SELECT name, manifest, cursor_s, skipped_s, skipped, paused_seq, ticked_seq FROM schedule WHERE manifest IS NOT NULL ", $rest)
    };
}

fn standing_of(row: &dyn Row) -> Standing {
    Standing {
        name: String::from(row.text(0)),
        manifest: digest_of(row.blob(1)),
        cursor_s: row.integer(2),
        skipped: (!row.is_null(3)).then(|| Skipped {
            until_s: row.integer(3),
            reason: String::from(row.text(4)),
        }),
        paused_seq: row.optional(5),
        ticked_seq: row.optional(6),
    }
}

fn standing(session: &mut Session<'_>, name: &str) -> Result<Option<Standing>, StoreError> {
    first(
        session.sql,
        columns!("AND name = ?1"),
        &[name.into()],
        standing_of,
    )
}

/// What a manifest declares under a name.
fn declared(
    session: &mut Session<'_>,
    manifest: &Sha256Digest,
    name: &str,
) -> Result<Option<Schedule>, StoreError> {
    let catalog = session.catalog(manifest)?;
    Ok(catalog.and_then(|catalog| {
        let schedules = &catalog.manifest().schedules;
        let found = schedules.iter().find(|schedule| schedule.name == name);
        found.cloned()
    }))
}

/// Brings the index up to a deployment: what is new begins here, what stays keeps its cursor, and what is not declared is gone.
pub(crate) fn apply_deployed(
    session: &mut Session<'_>,
    record: &Record,
    manifest: &Sha256Digest,
) -> Result<(), StoreError> {
    let address = manifest.to_bytes();
    let catalog = session.catalog(manifest)?;
    for after in catalog
        .iter()
        .flat_map(|catalog| &catalog.manifest().schedules)
    {
        let Some(row) = standing(session, &after.name)? else {
            session.sql.execute(
                "INSERT INTO schedule (name, manifest, cursor_s, changes) VALUES (?1, ?2, ?3, 0)
                 ON CONFLICT (name) DO UPDATE SET manifest = excluded.manifest, cursor_s = excluded.cursor_s, skipped_s = NULL, skipped = NULL, paused_seq = NULL, ticked_seq = NULL",
                &[after.name.as_str().into(), address.as_slice().into(), Value::Integer(seconds(record.at_ms))],
            )?;
            continue;
        };
        let before = declared(session, &row.manifest, &after.name)?;
        let skipped = before.and_then(|before| skipped_by_change(&before, after, record.at_ms));
        session.sql.execute(
            "UPDATE schedule SET manifest = ?2 WHERE name = ?1",
            &[after.name.as_str().into(), address.as_slice().into()],
        )?;
        if let Some(skipped) = skipped {
            put_skipped(session, &after.name, &skipped)?;
        }
    }
    session.sql.execute(
        "UPDATE schedule SET manifest = NULL WHERE manifest IS NOT NULL AND manifest <> ?1",
        &[address.as_slice().into()],
    )?;
    Ok(())
}

fn put_skipped(session: &mut Session<'_>, name: &str, skipped: &Skipped) -> Result<(), StoreError> {
    session.sql.execute(
        "UPDATE schedule SET skipped_s = ?2, skipped = ?3 WHERE name = ?1",
        &[
            name.into(),
            Value::Integer(skipped.until_s),
            skipped.reason.as_str().into(),
        ],
    )?;
    Ok(())
}

/// Moves the cursor.
pub(crate) fn apply_ticked(
    session: &mut Session<'_>,
    record: &Record,
    body: &ScheduleTicked,
) -> Result<(), StoreError> {
    session.sql.execute(
        "UPDATE schedule SET cursor_s = max(cursor_s, ?2), ticked_seq = ?3 WHERE name = ?1",
        &[
            body.schedule.as_str().into(),
            Value::Integer(body.tick_s),
            record.seq.into(),
        ],
    )?;
    Ok(())
}

/// Pauses or resumes.
pub(crate) fn apply_set(
    session: &mut Session<'_>,
    record: &Record,
    body: &ScheduleSet,
) -> Result<(), StoreError> {
    let was_paused = standing(session, &body.schedule)?.is_some_and(|row| row.paused_seq.is_some());
    if was_paused && !body.paused {
        put_skipped(session, &body.schedule, &skipped_by_pause(record.at_ms))?;
    }
    session.sql.execute(
        "UPDATE schedule SET changes = ?2, paused_seq = ?3 WHERE name = ?1",
        &[
            body.schedule.as_str().into(),
            body.change.into(),
            body.paused.then_some(record.seq).into(),
        ],
    )?;
    Ok(())
}

/// Why a tick may not be dealt with now; `None` when it may.
pub(crate) fn refuse_tick(
    session: &mut Session<'_>,
    name: &str,
    manifest: &Sha256Digest,
    tick_s: i64,
) -> Result<Option<&'static str>, StoreError> {
    let now_s = seconds(session.now_ms()?);
    Ok(match standing(session, name)? {
        None => Some("schedule-not-found"),
        Some(row) if row.manifest != *manifest => Some("schedule-changed"),
        Some(row) if row.paused_seq.is_some() => Some("schedule-paused"),
        Some(row) if tick_s <= row.cursor_s => Some("tick-passed"),
        Some(_) if tick_s > now_s => Some("tick-not-due"),
        Some(_) => None,
    })
}

/// Takes the scheduler's word about ticks if it fits what the ledger says by now.
pub(crate) fn propose(
    session: &mut Session<'_>,
    event: &Event,
    body: &ScheduleTicked,
) -> Result<AppendResult, StoreError> {
    match refuse_tick(session, &body.schedule, &body.manifest, body.tick_s)? {
        Some("tick-passed") => return Ok(AppendResult::Duplicate),
        Some(code) => return Ok(refused(code)),
        None => {}
    }
    if body.run.is_none() && body.reason.is_none() {
        return Ok(refused("tick-without-reason"));
    }
    if let Some(run) = &body.run
        && session.run(run)?.is_none()
    {
        return Ok(refused("run-not-found"));
    }
    let record = session.append(event, None)?;
    Ok(AppendResult::Appended(record.seq))
}

/// `GET /v1/schedules`
pub(crate) fn list(session: &mut Session<'_>, _: &Admitted, _: &[u8]) -> Answered {
    let mut rows = Vec::new();
    session
        .sql
        .query(columns!("ORDER BY name"), &[], &mut |row| {
            rows.push(standing_of(row));
        })?;
    let mut schedules = Vec::new();
    for row in rows {
        schedules.extend(view(session, &row)?);
    }
    let page = SchedulePage {
        schedules,
        as_of: session.end()?.seq,
    };
    Ok(json_of(&page).into())
}

/// What the routes of schedules have in common with those of sensors and automations.
const SCHEDULES: Kind = Kind {
    missing: (
        Slug::ScheduleNotFound,
        "the deployed manifest declares no schedule of that name",
    ),
    find: "SELECT changes, paused_seq FROM schedule WHERE manifest IS NOT NULL AND name = ?1",
    event: |switched| {
        Event::ScheduleSet(ScheduleSet {
            schedule: switched.name,
            change: switched.change,
            paused: switched.paused,
            reason: switched.reason,
        })
    },
    show,
};

/// `GET /v1/schedules/{schedule}`
pub(crate) fn get(session: &mut Session<'_>, admitted: &Admitted, _: &[u8]) -> Answered {
    SCHEDULES.get(session, admitted)
}

/// `POST /v1/schedules/{schedule}/pause`
pub(crate) fn pause(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    SCHEDULES.set(session, admitted, body, true)
}

/// `POST /v1/schedules/{schedule}/resume`
pub(crate) fn resume(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    SCHEDULES.set(session, admitted, body, false)
}

/// `POST /v1/schedules/{schedule}/tick`
pub(crate) fn tick(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    let (canonical, request): (Vec<u8>, TickRequest) = if body.is_empty() {
        (b"{}".to_vec(), TickRequest::default())
    } else {
        body::parse(body, body::SMALL)?
    };
    let fingerprint = sha256(&canonical);
    if let Some(reply) = accept::stored_answer(session, admitted, &fingerprint)? {
        return Ok(reply);
    }
    let row = standing(session, SCHEDULES.name(admitted)?)?.ok_or_else(|| SCHEDULES.missing())?;
    let Some(schedule) = declared(session, &row.manifest, &row.name)? else {
        return Err(SCHEDULES.missing());
    };
    let mut trigger = schedule.trigger;
    trigger.run_key = Some(manual_key(session, admitted, &row.name, &request)?);
    if let Some(reply) = accept::run_of_key(session, &trigger)? {
        return Ok(reply);
    }
    let run = accept::run_id(session, &trigger)?;
    let triggered = RunTriggered {
        run,
        manifest: row.manifest,
        trigger,
        as_of_ms: None,
        rerun: None,
    };
    let answer = accept::start(session, triggered, |triggered| {
        Event::RunRequested(RunRequested {
            triggered,
            on_account_of: Account::Schedule {
                schedule: row.name.clone(),
                tick_s: None,
            },
        })
    })?;
    accept::store_answer(session, admitted, &fingerprint, &answer)?;
    Ok(answer)
}

/// The run key of a run that is asked for by hand: it has the key that the caller gave, or a name that no other request has.
fn manual_key(
    session: &mut Session<'_>,
    admitted: &Admitted,
    name: &str,
    request: &TickRequest,
) -> Result<RunKey, Fault> {
    let given = request.run_key.as_ref().map(|key| key.as_str().to_string());
    let own = match given.or_else(|| admitted.idempotency_key.clone()) {
        Some(own) => own,
        None => {
            let now_ms = session.now_ms()?;
            let id = EventId::from_parts(now_ms, session.moment.random());
            id.map_err(crate::door::session::beyond_time)?.to_string()
        }
    };
    RunKey::parse(&format!("schedule:{name}:manual:{own}"))
        .map_err(|error| Fault::Refused(Problem::validation("/runKey", &format!("{error}"))))
}

fn show(session: &mut Session<'_>, name: &str) -> Answered {
    let view = match standing(session, name)? {
        Some(row) => view(session, &row)?,
        None => None,
    };
    Ok(json_of(&view.ok_or_else(|| SCHEDULES.missing())?).into())
}

fn view(session: &mut Session<'_>, row: &Standing) -> Result<Option<ScheduleView>, StoreError> {
    let Some(schedule) = declared(session, &row.manifest, &row.name)? else {
        return Ok(None);
    };
    let paused = pause_of(session, row.paused_seq)?;
    let skipped_s = row
        .skipped
        .as_ref()
        .map_or(i64::MIN, |skipped| skipped.until_s);
    let next = Clock::of(&schedule)
        .filter(|_| paused.is_none())
        .and_then(|clock| clock.next_after(row.cursor_s.max(skipped_s)));
    Ok(Some(ScheduleView {
        schedule,
        manifest: row.manifest,
        cursor_s: row.cursor_s,
        skipped: row.skipped.clone(),
        paused,
        next_tick_at: next.map(milliseconds),
        last_tick: match row.ticked_seq {
            Some(seq) => last_tick(session, seq)?,
            None => None,
        },
        as_of: session.end()?.seq,
    }))
}

fn last_tick(session: &mut Session<'_>, seq: u64) -> Result<Option<TickView>, StoreError> {
    let Some(record) = session.record(seq)? else {
        return Ok(None);
    };
    let Some(Event::ScheduleTicked(body)) = record.event() else {
        return Ok(None);
    };
    let run = match &body.run {
        Some(run) => session.run(run)?,
        None => None,
    };
    Ok(Some(TickView {
        tick_at: milliseconds(body.tick_s),
        decided_at: record.at_ms,
        seq,
        run_id: body.run,
        run_state: run.as_ref().map(crate::door::read::state_of),
        missed: body.missed,
        reason: body.reason,
    }))
}

fn milliseconds(at_s: i64) -> u64 {
    u64::try_from(at_s).unwrap_or(0).saturating_mul(1_000)
}
