//! A sensor reports what happens outside, is told or sent to look, and each report starts runs or says why it starts none.

pub(crate) mod asked;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::automation::backfill::run_of_key;
use crate::door::accept;
use crate::door::answer::Fault;
use crate::door::look::is_open;
use crate::door::pause::{LONGEST_REASON, pause_of};
use crate::door::session::{Session, digest_of};
use crate::door::sql::{Row, StoreError, first};
use crate::identity::digest::Sha256Digest;
use crate::identity::ids::RunId;
use crate::identity::keys::RunKey;
use crate::plan;
use crate::wire::event::automation::{Account, RunRequested, SensorReported, SensorSet};
use crate::wire::event::{Event, RunTriggered};
use crate::wire::manifest::automation::{Sensor, SensorKind};
use crate::wire::problem::Problem;
use crate::wire::record::Record;
use crate::wire::sensor::{SensorAnswer, SensorFindings, SensorMessage, WantedRun};

/// The longest cursor, in bytes.
const LONGEST_CURSOR: usize = 8 * 1_024;
/// The most runs of one report.
const MOST_RUNS: usize = 100;

/// The index row of a sensor that the current manifest declares.
pub(crate) struct Standing {
    pub(crate) name: String,
    pub(crate) manifest: Sha256Digest,
    pub(crate) paused_seq: Option<u64>,
    pub(crate) reports: u64,
    pub(crate) reported_seq: Option<u64>,
    pub(crate) cursor: Option<String>,
    /// When a worker may be sent to look.
    pub(crate) due_ms: Option<u64>,
}

macro_rules! sensor_columns {
    ($rest:literal) => {
        concat!("SELECT name, manifest, paused_seq, reports, reported_seq, cursor, due_ms FROM sensor WHERE manifest IS NOT NULL ", $rest)
    };
}
pub(crate) use sensor_columns;

pub(crate) fn standing_of(row: &dyn Row) -> Standing {
    Standing {
        name: String::from(row.text(0)),
        manifest: digest_of(row.blob(1)),
        paused_seq: row.optional(2),
        reports: row.unsigned(3),
        reported_seq: row.optional(4),
        cursor: (!row.is_null(5)).then(|| String::from(row.text(5))),
        due_ms: row.optional(6),
    }
}

pub(crate) fn standing(
    session: &mut Session<'_>,
    name: &str,
) -> Result<Option<Standing>, StoreError> {
    first(
        session.sql,
        sensor_columns!("AND name = ?1"),
        &[name.into()],
        standing_of,
    )
}

/// What a manifest declares under a name.
pub(crate) fn declared(
    session: &mut Session<'_>,
    manifest: &Sha256Digest,
    name: &str,
) -> Result<Option<Sensor>, StoreError> {
    let catalog = session.catalog(manifest)?;
    Ok(catalog.and_then(|catalog| {
        let sensors = &catalog.manifest().sensors;
        sensors.iter().find(|sensor| sensor.name == name).cloned()
    }))
}

/// Brings the index up to a deployment. What stays keeps its cursor and its pause; what is not declared is gone.
pub(crate) fn apply_deployed(
    session: &mut Session<'_>,
    record: &Record,
    manifest: &Sha256Digest,
) -> Result<(), StoreError> {
    let address = manifest.to_bytes();
    let catalog = session.catalog(manifest)?;
    for sensor in catalog
        .iter()
        .flat_map(|catalog| &catalog.manifest().sensors)
    {
        let known = standing(session, &sensor.name)?;
        let name = sensor.name.as_str().into();
        if known.is_some() {
            session.sql.execute(
                "UPDATE sensor SET manifest = ?2 WHERE name = ?1",
                &[name, address.as_slice().into()],
            )?;
        } else {
            session.sql.execute(
                "INSERT INTO sensor (name, manifest, changes, reports) VALUES (?1, ?2, 0, 0)
                 ON CONFLICT (name) DO UPDATE SET manifest = excluded.manifest, paused_seq = NULL, reported_seq = NULL, cursor = NULL",
                &[name, address.as_slice().into()],
            )?;
        }
        let looks = sensor.kind == SensorKind::Poll;
        let paused = known.as_ref().is_some_and(|row| row.paused_seq.is_some());
        let open = looks && is_open(session, &sensor.name)?;
        let due_ms = match known {
            _ if !looks || paused || open => None,
            Some(row) => row.due_ms.or(Some(record.at_ms)),
            None => Some(record.at_ms),
        };
        put_due(session, sensor, due_ms)?;
    }
    session.sql.execute(
        "UPDATE sensor SET manifest = NULL, due_ms = NULL WHERE manifest IS NOT NULL AND manifest <> ?1",
        &[address.as_slice().into()],
    )?;
    Ok(())
}

/// Says when and from which queue a worker may be sent to look.
pub(crate) fn put_due(
    session: &mut Session<'_>,
    sensor: &Sensor,
    due_ms: Option<u64>,
) -> Result<(), StoreError> {
    session.sql.execute(
        "UPDATE sensor SET queue = ?2, due_ms = ?3 WHERE name = ?1",
        &[
            sensor.name.as_str().into(),
            sensor.queue.as_str().into(),
            due_ms.into(),
        ],
    )?;
    if due_ms.is_some() {
        session.wake.work.insert(sensor.queue.clone());
    }
    Ok(())
}

/// Counts a report and moves the cursor.
pub(crate) fn apply_reported(
    session: &mut Session<'_>,
    record: &Record,
    body: &SensorReported,
) -> Result<(), StoreError> {
    session.sql.execute(
        "UPDATE sensor SET reports = ?2, reported_seq = ?3, cursor = coalesce(?4, cursor) WHERE name = ?1",
        &[
            body.sensor.as_str().into(),
            body.report.into(),
            record.seq.into(),
            body.cursor.as_deref().into(),
        ],
    )?;
    if let Some(message) = &body.message {
        session.sql.execute(
            "INSERT INTO sensor_message (sensor, message, seq) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            &[body.sensor.as_str().into(), message.as_str().into(), record.seq.into()],
        )?;
        return Ok(());
    }
    let Some(row) = standing(session, &body.sensor)? else {
        return Ok(());
    };
    if let Some(sensor) = declared(session, &row.manifest, &body.sensor)?
        && sensor.kind == SensorKind::Poll
    {
        let next_ms = record.at_ms.saturating_add(sensor.interval_ms());
        let due_ms = row.paused_seq.is_none().then_some(next_ms);
        put_due(session, &sensor, due_ms)?;
    }
    Ok(())
}

/// Pauses or resumes.
pub(crate) fn apply_set(
    session: &mut Session<'_>,
    record: &Record,
    body: &SensorSet,
) -> Result<(), StoreError> {
    session.sql.execute(
        "UPDATE sensor SET changes = ?2, paused_seq = ?3 WHERE name = ?1",
        &[
            body.sensor.as_str().into(),
            body.change.into(),
            body.paused.then_some(record.seq).into(),
        ],
    )?;
    let Some(row) = standing(session, &body.sensor)? else {
        return Ok(());
    };
    if let Some(sensor) = declared(session, &row.manifest, &body.sensor)?
        && sensor.kind == SensorKind::Poll
    {
        let open = is_open(session, &sensor.name)?;
        let due_ms = (!body.paused && !open).then_some(record.at_ms);
        put_due(session, &sensor, due_ms)?;
    }
    Ok(())
}

/// What a sensor says.
pub(crate) struct Report {
    pub(crate) message: Option<SensorMessage>,
    pub(crate) findings: SensorFindings,
}

/// Keeps a report and starts the runs that it wants and that were not started before.
pub(crate) fn report(
    session: &mut Session<'_>,
    row: &Standing,
    sensor: &Sensor,
    report: Report,
) -> Result<SensorAnswer, Fault> {
    let number = row.reports + 1;
    let mut reasons: Vec<String> = report.findings.reason.into_iter().collect();
    let mut begun: Vec<RunTriggered> = Vec::new();
    let mut cursor = report.findings.cursor;
    if let Some(pause) = pause_of(session, row.paused_seq)? {
        // What a look found while nothing may start is found again by the first one after the pause.
        cursor = None;
        let why = pause
            .reason
            .map_or_else(String::new, |why| format!(": {why}"));
        reasons.push(format!("the sensor is paused{why}"));
    } else {
        for (place, wanted) in report.findings.runs.into_iter().enumerate() {
            match begin(session, row, sensor, wanted, &format!("{number}.{place}"))? {
                Ok(triggered) if begun.iter().all(|other| other.run != triggered.run) => {
                    begun.push(triggered);
                }
                Ok(triggered) => reasons.push(format!("run {} is wanted twice", triggered.run)),
                Err(reason) => reasons.push(reason),
            }
        }
    }
    let runs: Vec<RunId> = begun.iter().map(|triggered| triggered.run).collect();
    let reason = match (runs.is_empty(), reasons.is_empty()) {
        (true, true) => Some("nothing was found".to_string()),
        (_, true) => None,
        (_, false) => Some(reasons.join("; ").chars().take(LONGEST_REASON).collect()),
    };
    let (message, payload) = report.message.map_or((None, None), |message| {
        (Some(message.message_id), message.payload)
    });
    let reported = Event::SensorReported(SensorReported {
        sensor: row.name.clone(),
        manifest: row.manifest,
        report: number,
        message,
        payload,
        cursor,
        runs: runs.clone(),
        reason: reason.clone(),
    });
    let record = session.append(&reported, None)?;
    for triggered in begun {
        let requested = Event::RunRequested(RunRequested {
            triggered,
            on_account_of: Account::Sensor {
                sensor: row.name.clone(),
                report: number,
            },
        });
        session.append(&requested, Some(record.event_id))?;
    }
    Ok(SensorAnswer {
        seq: record.seq,
        runs,
        reason,
    })
}

/// The beginning of a run that a sensor wants, or why it is not begun.
fn begin(
    session: &mut Session<'_>,
    row: &Standing,
    sensor: &Sensor,
    wanted: WantedRun,
    own: &str,
) -> Result<Result<RunTriggered, String>, Fault> {
    let name = &row.name;
    let own = wanted.run_key.as_ref().map_or(own, |key| key.as_str());
    let Ok(key) = RunKey::parse(&format!("sensor:{name}:{own}")) else {
        return Ok(Err(format!("`{own}` is too long for a run key")));
    };
    let mut trigger = wanted.trigger.unwrap_or_else(|| sensor.trigger.clone());
    if let Err(finding) = trigger.validate() {
        return Ok(Err(format!("{}: {}", finding.code, finding.message)));
    }
    if trigger.run_key.is_some() || trigger.manifest.is_some() {
        return Ok(Err(
            "the trigger names a run key or a manifest, which are the sensor's to say".to_string(),
        ));
    }
    let now_ms = session.now_ms()?;
    let catalog = session.catalog(&row.manifest)?;
    let Some(catalog) = catalog else {
        return Ok(Err("the deployed manifest cannot be read".to_string()));
    };
    if let Err(error) = plan::compile(&catalog, &trigger, now_ms, session.config.plan_tasks) {
        let finding = error.finding;
        return Ok(Err(format!("{}: {}", finding.code, finding.message)));
    }
    if let Some(run) = accept::known_run(session, &key)? {
        return Ok(Err(format!("`{own}` started run {run} before")));
    }
    let run = run_of_key(now_ms, &key);
    trigger.run_key = Some(key);
    let triggered = run.map(|run| RunTriggered {
        run,
        manifest: row.manifest,
        trigger,
        as_of_ms: None,
        rerun: None,
    });
    Ok(triggered.ok_or_else(|| "the clock is beyond the time that ids can name".to_string()))
}

/// What is wrong with what a program found.
pub(crate) fn check(findings: &SensorFindings) -> Result<(), Problem> {
    if findings.runs.len() > MOST_RUNS {
        let expected = format!("expected at most {MOST_RUNS} runs");
        return Err(Problem::validation("/findings/runs", &expected));
    }
    // The cursor goes into the environment of a program, which has no zero bytes.
    let fits = |cursor: &String| cursor.len() <= LONGEST_CURSOR && !cursor.contains('\0');
    if !findings.cursor.as_ref().is_none_or(fits) {
        let expected = format!("expected at most {LONGEST_CURSOR} bytes, none of them zero");
        return Err(Problem::validation("/findings/cursor", &expected));
    }
    Ok(())
}
