//! What callers ask of a sensor: to be told, shown, paused and resumed.

use alloc::format;
use alloc::vec::Vec;

use crate::door::admit::Admitted;
use crate::door::answer::{Answered, Fault};
use crate::door::http::Response;
use crate::door::pause::{Kind, json_of, pause_of, started};
use crate::door::sensor::{
    Report, Standing, declared, report, sensor_columns, standing, standing_of,
};
use crate::door::session::Session;
use crate::door::sql::{StoreError, first};
use crate::identity::keys::RunKey;
use crate::wire::body;
use crate::wire::event::Event;
use crate::wire::event::automation::SensorSet;
use crate::wire::manifest::automation::SensorKind;
use crate::wire::problem::{Problem, Slug};
use crate::wire::sensor::{
    ReportView, SensorAnswer, SensorFindings, SensorMessage, SensorPage, SensorView, WantedRun,
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
    let row = standing(session, SENSORS.name(admitted)?)?.ok_or_else(|| SENSORS.missing())?;
    let sensor = declared(session, &row.manifest, &row.name)?.ok_or_else(|| SENSORS.missing())?;
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
    Ok(json_of(&page).into())
}

/// What the routes of sensors have in common with those of schedules and automations.
const SENSORS: Kind = Kind {
    missing: (
        Slug::SensorNotFound,
        "the deployed manifest declares no sensor of that name",
    ),
    find: "SELECT changes, paused_seq FROM sensor WHERE manifest IS NOT NULL AND name = ?1",
    event: |switched| {
        Event::SensorSet(SensorSet {
            sensor: switched.name,
            change: switched.change,
            paused: switched.paused,
            reason: switched.reason,
        })
    },
    show,
};

/// `GET /v1/sensors/{sensor}`
pub(crate) fn get(session: &mut Session<'_>, admitted: &Admitted, _: &[u8]) -> Answered {
    SENSORS.get(session, admitted)
}

/// `POST /v1/sensors/{sensor}/pause`
pub(crate) fn pause(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    SENSORS.set(session, admitted, body, true)
}

/// `POST /v1/sensors/{sensor}/resume`
pub(crate) fn resume(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    SENSORS.set(session, admitted, body, false)
}

fn show(session: &mut Session<'_>, name: &str) -> Answered {
    let view = match standing(session, name)? {
        Some(row) => view(session, &row)?,
        None => None,
    };
    Ok(json_of(&view.ok_or_else(|| SENSORS.missing())?).into())
}

fn view(session: &mut Session<'_>, row: &Standing) -> Result<Option<SensorView>, StoreError> {
    let Some(sensor) = declared(session, &row.manifest, &row.name)? else {
        return Ok(None);
    };
    Ok(Some(SensorView {
        sensor,
        manifest: row.manifest,
        paused: pause_of(session, row.paused_seq)?,
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
    Ok(Some(ReportView {
        at: record.at_ms,
        seq,
        actor: record.actor,
        message_id: body.message,
        runs: started(session, body.runs)?,
        reason: body.reason,
    }))
}
