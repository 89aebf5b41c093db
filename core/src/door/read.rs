//! A view is the fold of the records that are in the ledger at this moment, and says up to which one.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::json;

use crate::door::accept::run_in_path;
use crate::door::admit::Admitted;
use crate::door::answer::{Answered, Fault, Reply, Then, Wait, WaitOn};
use crate::door::append::{holder, push_records};
use crate::door::attempt::{Attempt, attempt_of, columns};
use crate::door::http::Response;
use crate::door::index::{RunRow, run_columns, run_of};
use crate::door::openapi;
use crate::door::session::{Catalogs, Session};
use crate::door::sql::StoreError;
use crate::identity::derived;
use crate::identity::digest::Sha256Digest;
use crate::identity::ids::RunId;
use crate::identity::keys::{RunKey, TaskKey};
use crate::plan::Plan;
use crate::plan::order::sort_by;
use crate::run::explain::explain;
use crate::run::state::Run;
use crate::wire::event::Event;
use crate::wire::problem::{Problem, Slug};
use crate::wire::reader;
use crate::wire::record::{Record, RecordLine};
use crate::wire::view::{
    AssetLine, AttemptView, Health, RunLine, RunPage, RunState, RunView, TaskLine, TaskPage,
    TaskState, TaskView,
};

impl crate::run::fold::Catalogs for Known {
    fn catalog(&self, _: &Sha256Digest) -> Option<alloc::sync::Arc<crate::plan::catalog::Catalog>> {
        self.0.clone()
    }
}

/// The one manifest that a run needs.
struct Known(Option<alloc::sync::Arc<crate::plan::catalog::Catalog>>);

/// The state of a run, folded from its records.
pub(crate) fn fold_run(session: &mut Session<'_>, row: &RunRow) -> Result<Run, Fault> {
    let known = Known(Catalogs::get(session.catalogs, session.sql, &row.manifest)?);
    let limit = session.config.plan_tasks;
    let mut run: Option<Run> = None;
    for record in records_of_run(session, row)? {
        match (record.event(), &mut run) {
            (Some(Event::RunRequested(body)), None) => {
                run = Some(Run::begin(&record, body.triggered, &known, limit));
            }
            (Some(Event::RunTriggered(body)), None) => {
                run = Some(Run::begin(&record, body, &known, limit))
            }
            (Some(event), Some(run)) => run.apply(&record, &event),
            _ => {}
        }
    }
    run.ok_or_else(|| Fault::Store(StoreError::new(format!("run {} has no trigger", row.run))))
}

/// The records of a run in order; the indexes know where they are.
fn records_of_run(session: &mut Session<'_>, row: &RunRow) -> Result<Vec<Record>, StoreError> {
    let mut seqs: Vec<u64> = [
        Some(row.triggered_seq),
        row.planned_seq,
        row.cancel_seq,
        row.finished_seq,
    ]
    .into_iter()
    .flatten()
    .collect();
    session.sql.query(
        "SELECT requested_seq, started_seq, closed_seq FROM attempt WHERE run = ?1",
        &[row.run.to_bytes().as_slice().into()],
        &mut |columns| {
            seqs.extend(
                [
                    columns.optional(0),
                    columns.optional(1),
                    columns.optional(2),
                ]
                .into_iter()
                .flatten(),
            )
        },
    )?;
    records_at(session, seqs)
}

/// The records of a set of places, in order. Places that lie close together are read in one sweep.
fn records_at(session: &mut Session<'_>, mut seqs: Vec<u64>) -> Result<Vec<Record>, StoreError> {
    seqs.sort_unstable();
    seqs.dedup();
    let mut records = Vec::with_capacity(seqs.len());
    let mut rest = seqs.as_slice();
    while let Some(&start) = rest.first() {
        let mut length = 1;
        while rest
            .get(length)
            .is_some_and(|next| next - start < 4 * (length as u64 + 1))
            && length < 4_000
        {
            length += 1;
        }
        let (sweep, after) = rest.split_at(length);
        let last = sweep.last().copied().unwrap_or(start);
        let swept = session.records_after(start - 1, last - start + 1)?;
        records.extend(
            swept
                .into_iter()
                .filter(|record| sweep.binary_search(&record.seq).is_ok()),
        );
        rest = after;
    }
    Ok(records)
}

/// Where a run is, from its index row alone.
pub(crate) fn state_of(row: &RunRow) -> RunState {
    match (row.outcome, row.cancel_seq, row.planned_seq) {
        (Some(0), _, _) => RunState::Succeeded,
        (Some(1), _, _) => RunState::Failed,
        (Some(2), _, _) => RunState::Cancelled,
        (Some(_), _, _) => RunState::Rejected,
        (None, Some(_), _) => RunState::Cancelling,
        (None, None, Some(_)) => RunState::Running,
        (None, None, None) => RunState::Queued,
    }
}

fn line_of(row: &RunRow) -> RunLine {
    RunLine {
        run_id: row.run,
        seq: row.triggered_seq,
        state: state_of(row),
        triggered_at: row.triggered_ms,
        finished_at: row.finished_ms,
        tasks: row.tasks,
        run_key: row
            .run_key
            .as_deref()
            .and_then(|key| RunKey::parse(key).ok()),
    }
}

fn json_of<T: serde::Serialize>(value: &T) -> Reply {
    Response::json(200, serde_json::to_vec(value).unwrap_or_default()).into()
}

/// `GET /v1/runs`
pub(crate) fn runs(session: &mut Session<'_>, admitted: &Admitted, _: &[u8]) -> Answered {
    let limit = admitted.number("limit", 50, 1_000)?;
    let before = match admitted.query("before") {
        None => [0xff; 16],
        Some(text) => RunId::parse(text)
            .map_err(|_| Problem::validation("?before", "expected a run id"))?
            .to_bytes(),
    };
    let mut rows = Vec::new();
    let statement = if admitted.flag("open")? {
        run_columns!("WHERE run < ?1 AND finished_seq IS NULL ORDER BY run DESC LIMIT ?2")
    } else {
        run_columns!("WHERE run < ?1 ORDER BY run DESC LIMIT ?2")
    };
    session.sql.query(
        statement,
        &[before.as_slice().into(), (limit + 1).into()],
        &mut |row| rows.push(run_of(row)),
    )?;
    let more = rows.len() as u64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = if more {
        rows.last().map(|row| row.run)
    } else {
        None
    };
    Ok(json_of(&RunPage {
        runs: rows.iter().map(line_of).collect(),
        next,
        as_of: session.end()?.seq,
    }))
}

/// `GET /v1/runs/{runId}`
pub(crate) fn run(session: &mut Session<'_>, admitted: &Admitted, _: &[u8]) -> Answered {
    let row = run_in_path(session, admitted)?;
    let run = fold_run(session, &row)?;
    let assets = run
        .plan
        .as_ref()
        .map(|plan| asset_lines(&run, plan))
        .unwrap_or_default();
    let view = RunView {
        line: line_of(&row),
        manifest: row.manifest,
        plan: run.planned,
        trigger: run.triggered.trigger.clone(),
        rerun: run.triggered.rerun.clone(),
        counts: run.counts(),
        assets,
        state_fingerprint: run.fingerprint(),
        as_of: session.end()?.seq,
    };
    Ok(json_of(&view))
}

/// The counts of each asset, in the order in which the run comes to them.
#[must_use]
pub fn asset_lines(run: &Run, plan: &Plan) -> Vec<AssetLine> {
    let Some(catalog) = &run.catalog else {
        return Vec::new();
    };
    let mut counts: BTreeMap<_, (u32, BTreeMap<TaskState, u32>)> = BTreeMap::new();
    for (index, task) in (0..plan.len()).zip(&run.tasks) {
        let entry = counts
            .entry(plan.asset(index))
            .or_insert_with(|| (plan.stage(index), BTreeMap::new()));
        entry.0 = entry.0.min(plan.stage(index));
        *entry.1.entry(task.state).or_insert(0) += 1;
    }
    let mut lines: Vec<AssetLine> = counts
        .into_iter()
        .map(|(asset, (stage, counts))| AssetLine {
            asset_key: catalog.asset(asset).key.clone(),
            stage,
            counts,
        })
        .collect();
    sort_by(&mut lines, |one, other| one.stage.cmp(&other.stage));
    lines
}

fn task_line(run: &Run, plan: &Plan, index: u32) -> TaskLine {
    let task_key = plan.key(index);
    let task = run.tasks.get(index as usize).copied().unwrap_or_default();
    TaskLine {
        task_id: derived::task_id(&run.id, &task_key),
        task_key,
        state: task.state,
        attempts: task.attempt,
        stage: plan.stage(index),
    }
}

/// `GET /v1/runs/{runId}/tasks`
pub(crate) fn tasks(session: &mut Session<'_>, admitted: &Admitted, _: &[u8]) -> Answered {
    let limit = admitted.number("limit", 1_000, 10_000)?;
    let row = run_in_path(session, admitted)?;
    let run = fold_run(session, &row)?;
    let wanted = match admitted.query("state") {
        None => None,
        Some(name) => {
            let state = TaskState::ALL
                .into_iter()
                .find(|state| state.as_str() == name);
            Some(state.ok_or_else(|| {
                Problem::validation("?state", "expected the name of a task state")
            })?)
        }
    };
    let plan = match &run.plan {
        Ok(plan) => plan.clone(),
        Err(_) => {
            return Ok(json_of(&TaskPage {
                tasks: Vec::new(),
                next: None,
                as_of: session.end()?.seq,
            }));
        }
    };
    let start = match admitted.query("after") {
        None => 0,
        Some(text) => {
            let key = TaskKey::parse(text)
                .map_err(|_| Problem::validation("?after", "expected a task key"))?;
            plan.find(&key)
                .ok_or_else(|| Problem::validation("?after", "the run has no such task"))?
                + 1
        }
    };
    let mut places = (start..plan.len())
        .filter(|index| wanted.is_none_or(|state| run.task_state(*index) == state));
    let page: Vec<u32> = places
        .by_ref()
        .take(usize::try_from(limit).unwrap_or(usize::MAX))
        .collect();
    let next = if places.next().is_some() {
        page.last().map(|index| plan.key(*index))
    } else {
        None
    };
    let tasks = page
        .into_iter()
        .map(|index| task_line(&run, &plan, index))
        .collect();
    Ok(json_of(&TaskPage {
        tasks,
        next,
        as_of: session.end()?.seq,
    }))
}

/// `GET /v1/runs/{runId}/tasks/{taskId}`
pub(crate) fn task(session: &mut Session<'_>, admitted: &Admitted, _: &[u8]) -> Answered {
    let row = run_in_path(session, admitted)?;
    let run = fold_run(session, &row)?;
    let missing = || Fault::Refused(Problem::new(Slug::TaskNotFound, "the run has no such task"));
    let (Ok(plan), Some(wanted)) = (run.plan.clone(), admitted.params.task) else {
        return Err(missing());
    };
    let index = (0..plan.len())
        .find(|index| derived::task_id(&run.id, &plan.key(*index)) == wanted)
        .ok_or_else(missing)?;
    let mut attempts = Vec::new();
    let random: [u8; 10] = wanted.random();
    session.sql.query(
        columns!("WHERE run = ?1 AND task = ?2 ORDER BY attempt"),
        &[
            run.id.to_bytes().as_slice().into(),
            random.as_slice().into(),
        ],
        &mut |row| attempts.push(attempt_of(row)),
    )?;
    let decided = run
        .tasks
        .get(index as usize)
        .map(|task| task.seq)
        .filter(|seq| *seq > 0);
    let mut seqs: Vec<u64> = [
        Some(row.triggered_seq),
        row.planned_seq,
        row.cancel_seq,
        row.finished_seq,
        decided,
    ]
    .into_iter()
    .flatten()
    .collect();
    for attempt in &attempts {
        seqs.extend(
            [
                Some(attempt.requested_seq),
                attempt.started_seq,
                attempt.closed_seq,
            ]
            .into_iter()
            .flatten(),
        );
    }
    let records = records_at(session, seqs)?;
    let view = TaskView {
        line: task_line(&run, &plan, index),
        reasons: explain(&run, index),
        partition_key: plan.partition(index),
        upstreams: plan
            .upstreams(index)
            .iter()
            .map(|upstream| task_line(&run, &plan, *upstream))
            .collect(),
        attempts_made: attempts
            .iter()
            .map(|attempt| attempt_view(attempt, &records))
            .collect(),
        records: records
            .iter()
            .filter_map(|record| reader::read::<RecordLine>(&record.to_json()).ok())
            .collect(),
        as_of: session.end()?.seq,
    };
    Ok(json_of(&view))
}

fn attempt_view(attempt: &Attempt, records: &[Record]) -> AttemptView {
    let closing = records
        .iter()
        .find(|record| Some(record.seq) == attempt.closed_seq);
    let error = closing.and_then(|record| match record.event() {
        Some(Event::AttemptFinished(body)) => body.error,
        _ => None,
    });
    AttemptView {
        attempt: attempt.name.attempt,
        state: String::from(attempt.state.as_str()),
        worker_id: attempt.worker.clone(),
        error,
    }
}

/// `GET /v1/ledger`
pub(crate) fn ledger(session: &mut Session<'_>, admitted: &Admitted, _: &[u8]) -> Answered {
    let after = admitted.number("after", 0, u64::MAX >> 1)?;
    let limit = admitted.number("limit", 1_000, 10_000)?.max(1);
    let wait_s = admitted.number("waitS", 0, 60)?;
    let records = match admitted.query("runId") {
        None => session.records_after(after, limit)?,
        Some(text) => {
            let run = RunId::parse(text)
                .map_err(|_| Problem::validation("?runId", "expected a run id"))?;
            let row = session.run(&run)?.ok_or_else(|| {
                Problem::new(Slug::RunNotFound, "no run of this workspace has that id")
            })?;
            let of_run = records_of_run(session, &row)?;
            of_run
                .into_iter()
                .filter(|record| record.seq > after)
                .take(usize::try_from(limit).unwrap_or(usize::MAX))
                .collect()
        }
    };
    let head = session.end()?.seq;
    if admitted.wants_stream {
        let cursor = records.last().map_or(after, |record| record.seq);
        return Ok(Reply {
            response: Response::of("text/event-stream", 200, stream_of(&records)),
            then: Then::Follow(cursor),
        });
    }
    let mut text = Vec::from(*b"{\"records\":");
    push_records(&mut text, &records);
    text.extend(format!(",\"head\":{head},\"serverTime\":{}}}", session.now_ms()?).into_bytes());
    let quiet = admitted.query("quiet").unwrap_or_default();
    let is_quiet = |record: &Record| quiet.split(',').any(|kind| kind == record.kind);
    // What waits is read again whenever a record comes, so it is not much.
    let waits = wait_s > 0
        && (records.len() as u64) < limit.min(MOST_QUIET)
        && records.iter().all(is_quiet);
    let then = if waits {
        Then::Wait(Wait {
            on: WaitOn::Records,
            give_up_ms: wait_s * 1_000,
            again_ms: None,
        })
    } else {
        Then::Send
    };
    Ok(Reply {
        response: Response::json(200, text),
        then,
    })
}

/// How many records wait for one that ends the wait, at most.
const MOST_QUIET: u64 = 16;

/// Records as server-sent events: the id is the sequence number, so a client that comes back goes on where it was.
fn stream_of(records: &[Record]) -> Vec<u8> {
    let mut text = Vec::new();
    for record in records {
        text.extend_from_slice(
            format!("id: {}\nevent: {}\ndata: ", record.seq, record.kind).as_bytes(),
        );
        text.extend_from_slice(&record.to_json());
        text.extend_from_slice(b"\n\n");
    }
    text
}

/// `GET /health`
pub(crate) fn health(session: &mut Session<'_>, _: &Admitted, _: &[u8]) -> Answered {
    Ok(json_of(&Health {
        status: String::from("ok"),
        head: session.end()?.seq,
        server_time: session.now_ms()?,
        shards: Vec::new(),
    }))
}

/// `GET /ready`
pub(crate) fn ready(session: &mut Session<'_>, _: &Admitted, _: &[u8]) -> Answered {
    let now_ms = session.now_ms()?;
    match holder(session)? {
        Some(holder) if holder.decides(session.moment.now_ms) => Ok(json_of(
            &json!({ "status": "ready", "epoch": holder.epoch, "head": session.end()?.seq, "serverTime": now_ms }),
        )),
        _ => Err(Fault::Refused(
            Problem::bare(Slug::Unavailable).header("retry-after", "1"),
        )),
    }
}

/// `GET /openapi.json`
pub(crate) fn openapi(session: &mut Session<'_>, _: &Admitted, _: &[u8]) -> Answered {
    let document = openapi::written(&session.config.base_url);
    Ok(Response::json(200, document.into_bytes()).into())
}
