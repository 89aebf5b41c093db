//! What callers ask of a sensor: to be told, shown, paused and resumed.

use alloc::format;
use alloc::vec::Vec;

use crate::door::admit::Admitted;
use crate::door::answer::{Answered, Fault};
use crate::door::http::Response;
use crate::door::sensor::{
    LONGEST_REASON, Report, Standing, declared, pause_of, report, sensor_columns, standing,
    standing_of,
};
use crate::door::session::Session;
use crate::door::sql::{StoreError, first};
use crate::identity::keys::RunKey;
use crate::wire::body;
use crate::wire::event::Event;
use crate::wire::event::automation::SensorSet;
use crate::wire::manifest::automation::SensorKind;
use crate::wire::problem::{Problem, Slug};
use crate::wire::schedule::ScheduleChange;
use crate::wire::sensor::{
    ReportView, SensorAnswer, SensorFindings, SensorMessage, SensorPage, SensorView, StartedRun,
    WantedRun,
};

/// The longest id of a message, in bytes.
const LONGEST_ID: usize = 128;

/// `POST /v1/sensors/{sensor}/messages`
pub(crate) fn message(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    let (_, message) = body::parse::<SensorMessage>(body, body::SMALL)?;
    let id = &message.message_id;
    if !(1..=LONGEST_ID).contains(&id.len()) || id.chars().any(char::is_control) {
        let expected = format!("expected 1 to {LONGEST_ID} bytes without control characters");
        return Err(Fault::Refused(Problem::validation("/messageId", &expected)));
    }
    let row = in_path(session, admitted)?;
    let sensor = declared(session, &row.manifest, &row.name)?.ok_or_else(missing)?;
    if sensor.kind == SensorKind::Poll {
        let sentence = "the sensor is sent to look, and is not told";
        return Err(Fault::Refused(Problem::new(Slug::SensorPolls, sentence)));
    }
    let seen = first(
        session.sql,
        "SELECT seq FROM sensor_message WHERE sensor = ?1 AND message = ?2",
        &[row.name.as_str().into(), id.as_str().into()],
        |row| row.unsigned(0),
    )?;
    if let Some(seq) = seen
        && let Some(answer) = answer_of(session, seq)?
    {
        return Ok(sent(&answer).header("idempotent-replayed", "true").into());
    }
    let wanted = WantedRun {
        run_key: RunKey::parse(id).ok(),
        trigger: message.trigger.clone(),
    };
    let findings = SensorFindings {
        runs: Vec::from([wanted]),
        ..SensorFindings::default()
    };
    let said = Report {
        message: Some(message),
        findings,
    };
    let answer = report(session, &row, &sensor, said)?;
    Ok(sent(&answer).into())
}

fn sent(answer: &SensorAnswer) -> Response {
    Response::json(202, serde_json::to_vec(answer).unwrap_or_default())
}

/// The answer that was given to a report.
fn answer_of(session: &mut Session<'_>, seq: u64) -> Result<Option<SensorAnswer>, StoreError> {
    let record = session.record(seq)?;
    Ok(record.and_then(|record| match record.event() {
        Some(Event::SensorReported(body)) => Some(SensorAnswer {
            seq,
            runs: body.runs,
            reason: body.reason,
        }),
        _ => None,
    }))
}

/// `GET /v1/sensors`
pub(crate) fn list(session: &mut Session<'_>, _: &Admitted, _: &[u8]) -> Answered {
    let mut rows = Vec::new();
    session
        .sql
        .query(sensor_columns!("ORDER BY name"), &[], &mut |row| {
            rows.push(standing_of(row));
        })?;
    let mut sensors = Vec::new();
    for row in rows {
        sensors.extend(view(session, &row)?);
    }
    let page = SensorPage {
        sensors,
        as_of: session.end()?.seq,
    };
    Ok(Response::json(200, serde_json::to_vec(&page).unwrap_or_default()).into())
}

/// `GET /v1/sensors/{sensor}`
pub(crate) fn get(session: &mut Session<'_>, admitted: &Admitted, _: &[u8]) -> Answered {
    let row = in_path(session, admitted)?;
    show(session, &row.name)
}

/// `POST /v1/sensors/{sensor}/pause`
pub(crate) fn pause(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    set(session, admitted, body, true)
}

/// `POST /v1/sensors/{sensor}/resume`
pub(crate) fn resume(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    set(session, admitted, body, false)
}

fn set(session: &mut Session<'_>, admitted: &Admitted, body: &[u8], paused: bool) -> Answered {
    let change: ScheduleChange = if body.is_empty() {
        ScheduleChange::default()
    } else {
        body::parse(body, body::SMALL)?.1
    };
    let row = in_path(session, admitted)?;
    if row.paused_seq.is_some() != paused {
        let reason = change.reason;
        let set = SensorSet {
            sensor: row.name.clone(),
            change: row.changes + 1,
            paused,
            reason: reason.map(|reason| reason.chars().take(LONGEST_REASON).collect()),
        };
        session.append(&Event::SensorSet(set), None)?;
    }
    show(session, &row.name)
}

fn in_path(session: &mut Session<'_>, admitted: &Admitted) -> Result<Standing, Fault> {
    let row = match &admitted.params.sensor {
        Some(name) => standing(session, name)?,
        None => None,
    };
    row.ok_or_else(missing)
}

fn missing() -> Fault {
    Fault::Refused(Problem::new(
        Slug::SensorNotFound,
        "the deployed manifest declares no sensor of that name",
    ))
}

fn show(session: &mut Session<'_>, name: &str) -> Answered {
    let view = match standing(session, name)? {
        Some(row) => view(session, &row)?,
        None => None,
    };
    let view = view.ok_or_else(missing)?;
    Ok(Response::json(200, serde_json::to_vec(&view).unwrap_or_default()).into())
}

fn view(session: &mut Session<'_>, row: &Standing) -> Result<Option<SensorView>, StoreError> {
    let Some(sensor) = declared(session, &row.manifest, &row.name)? else {
        return Ok(None);
    };
    Ok(Some(SensorView {
        sensor,
        manifest: row.manifest,
        paused: pause_of(session, row)?,
        reports: row.reports,
        cursor: row.cursor.clone(),
        next_look_at: row.due_ms,
        last_report: match row.reported_seq {
            Some(seq) => last_report(session, seq)?,
            None => None,
        },
        as_of: session.end()?.seq,
    }))
}

fn last_report(session: &mut Session<'_>, seq: u64) -> Result<Option<ReportView>, StoreError> {
    let Some(record) = session.record(seq)? else {
        return Ok(None);
    };
    let Some(Event::SensorReported(body)) = record.event() else {
        return Ok(None);
    };
    let mut runs = Vec::with_capacity(body.runs.len());
    for run_id in body.runs {
        let row = session.run(&run_id)?;
        runs.extend(row.map(|row| StartedRun {
            run_id,
            state: crate::door::read::state_of(&row),
        }));
    }
    Ok(Some(ReportView {
        at: record.at_ms,
        seq,
        actor: record.actor,
        message_id: body.message,
        runs,
        reason: body.reason,
    }))
}
