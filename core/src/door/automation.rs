//! An automation is what the current manifest declares; the door says what is due, and keeps what the scheduler did about it.

mod due;

use alloc::string::String;
use alloc::vec::Vec;

use crate::door::admit::Admitted;
use crate::door::answer::Answered;
use crate::door::append::refused;
use crate::door::inputs;
use crate::door::partition;
use crate::door::pause::{Kind, json_of, pause_of, started};
use crate::door::session::{Session, digest_of};
use crate::door::sql::{Row, StoreError, first};
use crate::identity::digest::Sha256Digest;
use crate::identity::ids::RunId;
use crate::identity::keys::{AssetKey, Operation, TaskKey};
use crate::plan::catalog::Catalog;
use crate::wire::automation::{AutomationPage, AutomationView, EvaluationView};
use crate::wire::event::Event;
use crate::wire::event::automation::{AutomationEvaluated, AutomationSet};
use crate::wire::ledger::AppendResult;
use crate::wire::manifest::automation::Automation;
use crate::wire::problem::Slug;
use crate::wire::record::Record;

/// The index row of an automation that the current manifest declares.
struct Standing {
    name: String,
    manifest: Sha256Digest,
    paused_seq: Option<u64>,
    evaluations: u64,
    evaluated_seq: Option<u64>,
}

macro_rules! columns {
    ($rest:literal) => {
        concat!("SELECT name, manifest, paused_seq, evaluations, evaluated_seq FROM automation WHERE manifest IS NOT NULL ", $rest)
    };
}

fn standing_of(row: &dyn Row) -> Standing {
    Standing {
        name: row.text(0).into(),
        manifest: digest_of(row.blob(1)),
        paused_seq: row.optional(2),
        evaluations: row.unsigned(3),
        evaluated_seq: row.optional(4),
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

/// Brings the index up to a deployment. What stays keeps its pause; what is not declared is gone, but its numbers are never used again.
pub(crate) fn apply_deployed(
    session: &mut Session<'_>,
    manifest: &Sha256Digest,
) -> Result<(), StoreError> {
    let address = manifest.to_bytes();
    let catalog = session.catalog(manifest)?;
    for automation in catalog
        .iter()
        .flat_map(|catalog| &catalog.manifest().automations)
    {
        session.sql.execute(
            "INSERT INTO automation (name, manifest, changes, evaluations) VALUES (?1, ?2, 0, 0)
             ON CONFLICT (name) DO UPDATE SET paused_seq = CASE WHEN manifest IS NULL THEN NULL ELSE paused_seq END,
             evaluated_seq = CASE WHEN manifest IS NULL THEN NULL ELSE evaluated_seq END, manifest = excluded.manifest",
            &[automation.name.as_str().into(), address.as_slice().into()],
        )?;
    }
    session.sql.execute(
        "UPDATE automation SET manifest = NULL WHERE manifest IS NOT NULL AND manifest <> ?1",
        &[address.as_slice().into()],
    )?;
    Ok(())
}

/// Counts an evaluation.
pub(crate) fn apply_evaluated(
    session: &mut Session<'_>,
    record: &Record,
    body: &AutomationEvaluated,
) -> Result<(), StoreError> {
    session.sql.execute(
        "UPDATE automation SET evaluations = ?2, evaluated_seq = ?3 WHERE name = ?1",
        &[
            body.automation.as_str().into(),
            body.evaluation.into(),
            record.seq.into(),
        ],
    )?;
    Ok(())
}

/// Pauses or resumes.
pub(crate) fn apply_set(
    session: &mut Session<'_>,
    record: &Record,
    body: &AutomationSet,
) -> Result<(), StoreError> {
    session.sql.execute(
        "UPDATE automation SET changes = ?2, paused_seq = ?3 WHERE name = ?1",
        &[
            body.automation.as_str().into(),
            body.change.into(),
            body.paused.then_some(record.seq).into(),
        ],
    )?;
    Ok(())
}

/// The run keys of an automation begin with this.
pub(crate) const RUN_KEYS: &str = "automation:";

/// Takes the end of a run. What a run of an automation was to make and did not make is left alone until something newer is made:
/// whoever cancelled it, or has to mend it, is not worked against.
pub(crate) fn apply_run_finished(session: &mut Session<'_>, run: &RunId) -> Result<(), StoreError> {
    let Some(row) = session.run(run)? else {
        return Ok(());
    };
    let own = row
        .run_key
        .as_ref()
        .is_some_and(|key| key.starts_with(RUN_KEYS));
    let Some(record) = session.record(row.triggered_seq)?.filter(|_| own) else {
        return Ok(());
    };
    let Some(Event::RunRequested(body)) = record.event() else {
        return Ok(());
    };
    let trigger = &body.triggered.trigger;
    for (_, asset) in trigger.selection.expressions() {
        let Ok(asset) = AssetKey::parse(asset) else {
            continue;
        };
        let partition = trigger.partition_key.as_ref();
        let task = TaskKey::new(&asset, partition, Operation::Materialize);
        if inputs::in_run(session, (&row).into(), &asset, partition)?.is_none() {
            partition::passed_over(session, &task)?;
        }
    }
    Ok(())
}

/// Why a run of an automation may not be begun now; `None` when it may.
pub(crate) fn refuse_run(
    session: &mut Session<'_>,
    name: &str,
    manifest: &Sha256Digest,
    evaluation: u64,
) -> Result<Option<&'static str>, StoreError> {
    Ok(match standing(session, name)? {
        None => Some("automation-not-found"),
        Some(row) if row.manifest != *manifest => Some("automation-changed"),
        Some(row) if row.paused_seq.is_some() => Some("automation-paused"),
        Some(row) if evaluation <= row.evaluations => Some("evaluation-passed"),
        Some(row) if evaluation > row.evaluations + 1 => Some("evaluation-gap"),
        Some(_) => None,
    })
}

/// Takes the scheduler's word about a look if it fits what the ledger says by now.
pub(crate) fn propose(
    session: &mut Session<'_>,
    event: &Event,
    body: &AutomationEvaluated,
) -> Result<AppendResult, StoreError> {
    match refuse_run(session, &body.automation, &body.manifest, body.evaluation)? {
        Some("evaluation-passed") => return Ok(AppendResult::Duplicate),
        Some(code) => return Ok(refused(code)),
        None => {}
    }
    if body.runs.is_empty() && body.reason.is_none() {
        return Ok(refused("evaluation-without-reason"));
    }
    for run in &body.runs {
        if session.run(run)?.is_none() {
            return Ok(refused("run-not-found"));
        }
    }
    let record = session.append(event, None)?;
    Ok(AppendResult::Appended(record.seq))
}

/// `GET /v1/automations`
pub(crate) fn list(session: &mut Session<'_>, _: &Admitted, _: &[u8]) -> Answered {
    let mut rows = Vec::new();
    session
        .sql
        .query(columns!("ORDER BY name"), &[], &mut |row| {
            rows.push(standing_of(row));
        })?;
    let mut automations = Vec::new();
    for row in rows {
        automations.extend(view(session, &row)?);
    }
    let page = AutomationPage {
        automations,
        as_of: session.end()?.seq,
    };
    Ok(json_of(&page).into())
}

/// What the routes of automations have in common with those of schedules and sensors.
const AUTOMATIONS: Kind = Kind {
    missing: (
        Slug::AutomationNotFound,
        "the deployed manifest declares no automation of that name",
    ),
    find: "SELECT changes, paused_seq FROM automation WHERE manifest IS NOT NULL AND name = ?1",
    event: |switched| {
        Event::AutomationSet(AutomationSet {
            automation: switched.name,
            change: switched.change,
            paused: switched.paused,
            reason: switched.reason,
        })
    },
    show,
};

/// `GET /v1/automations/{automation}`
pub(crate) fn get(session: &mut Session<'_>, admitted: &Admitted, _: &[u8]) -> Answered {
    AUTOMATIONS.get(session, admitted)
}

/// `POST /v1/automations/{automation}/pause`
pub(crate) fn pause(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    AUTOMATIONS.set(session, admitted, body, true)
}

/// `POST /v1/automations/{automation}/resume`
pub(crate) fn resume(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    AUTOMATIONS.set(session, admitted, body, false)
}

fn show(session: &mut Session<'_>, name: &str) -> Answered {
    let view = match standing(session, name)? {
        Some(row) => view(session, &row)?,
        None => None,
    };
    Ok(json_of(&view.ok_or_else(|| AUTOMATIONS.missing())?).into())
}

fn view(session: &mut Session<'_>, row: &Standing) -> Result<Option<AutomationView>, StoreError> {
    let Some(catalog) = session.catalog(&row.manifest)? else {
        return Ok(None);
    };
    let Some((place, automation)) = declared(&catalog, &row.name) else {
        return Ok(None);
    };
    let automation = automation.clone();
    let (due, more) = due::due(session, &catalog, place)?;
    Ok(Some(AutomationView {
        automation,
        manifest: row.manifest,
        paused: pause_of(session, row.paused_seq)?,
        evaluations: row.evaluations,
        last_evaluation: match row.evaluated_seq {
            Some(seq) => last_evaluation(session, seq)?,
            None => None,
        },
        due,
        more,
        as_of: session.end()?.seq,
    }))
}

fn declared<'a>(catalog: &'a Catalog, name: &str) -> Option<(u32, &'a Automation)> {
    let mut declared = (0u32..).zip(&catalog.manifest().automations);
    declared.find(|(_, automation)| automation.name == name)
}

fn last_evaluation(
    session: &mut Session<'_>,
    seq: u64,
) -> Result<Option<EvaluationView>, StoreError> {
    let Some(record) = session.record(seq)? else {
        return Ok(None);
    };
    let Some(Event::AutomationEvaluated(body)) = record.event() else {
        return Ok(None);
    };
    Ok(Some(EvaluationView {
        evaluation: body.evaluation,
        at: record.at_ms,
        seq,
        runs: started(session, body.runs)?,
        reason: body.reason,
    }))
}
