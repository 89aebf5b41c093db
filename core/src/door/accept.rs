//! A trigger is accepted once: the plan is compiled before the answer, so a caller learns of a bad selection at once.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};

use serde_json::{Value as Json, json};

use crate::door::admit::Admitted;
use crate::door::answer::{Answered, Fault, Reply};
use crate::door::http::Response;
use crate::door::index::RunRow;
use crate::door::read;
use crate::door::session::{Session, beyond_time};
use crate::door::sql::{StoreError, first};
use crate::identity::canonical_json;
use crate::identity::derived;
use crate::identity::digest::{Sha256Digest, sha256};
use crate::identity::ids::RunId;
use crate::identity::keys::RunKey;
use crate::plan::{self, Plan};
use crate::run::fold::plan_of;
use crate::run::state::Run;
use crate::wire::body;
use crate::wire::event::{Event, Rerun, RerunMode, RunCancelRequested, RunTriggered};
use crate::wire::finding::Finding;
use crate::wire::problem::{Problem, Slug};
use crate::wire::task_set::TaskSet;
use crate::wire::trigger::Trigger;
use crate::wire::view::{
    CancelAnswer, CancelRequest, RerunRequest, RunState, TaskState, TriggerAnswer,
};

/// `POST /v1/runs`
pub(crate) fn trigger(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    let (canonical, trigger) = body::parse::<Trigger>(body, body::SMALL)?;
    trigger
        .validate()
        .map_err(|finding| refuse_finding(Slug::ValidationFailed, &finding))?;
    begin(session, admitted, trigger, &sha256(&canonical))
}

/// Starts the run of a trigger, or gives the answer of the request that did.
pub(crate) fn begin(
    session: &mut Session<'_>,
    admitted: &Admitted,
    trigger: Trigger,
    fingerprint: &Sha256Digest,
) -> Answered {
    if let Some(reply) = stored_answer(session, admitted, fingerprint)? {
        return Ok(reply);
    }
    if let Some(reply) = run_of_key(session, &trigger)? {
        return Ok(reply);
    }
    let manifest = match trigger.manifest {
        Some(manifest) => manifest,
        None => session
            .current_manifest()?
            .ok_or_else(|| Problem::new(Slug::ManifestNotFound, "no manifest was deployed yet"))?,
    };
    let run = run_id(session, &trigger)?;
    let triggered = RunTriggered {
        run,
        manifest,
        trigger,
        as_of_ms: None,
        rerun: None,
    };
    let answer = start(session, triggered, Event::RunTriggered)?;
    store_answer(session, admitted, fingerprint, &answer)?;
    Ok(answer)
}

/// What a trigger asks for, however it was spelled.
pub(crate) fn fingerprint(trigger: &Trigger) -> Sha256Digest {
    sha256(&canonical_json::to_vec(trigger).unwrap_or_default())
}

/// Compiles the plan and appends the event that begins the run.
pub(crate) fn start(
    session: &mut Session<'_>,
    triggered: RunTriggered,
    begin: impl FnOnce(RunTriggered) -> Event,
) -> Result<Reply, Fault> {
    let scope = session.config.scope.clone();
    let now_ms = session.now_ms()?;
    let catalog = session.catalog(&triggered.manifest)?.ok_or_else(|| {
        Problem::new(
            Slug::ManifestNotFound,
            "no manifest with this address was deployed",
        )
    })?;
    let limit = session.config.plan_tasks;
    let plan: Plan = match triggered.rerun {
        None => plan::compile(&catalog, &triggered.trigger, now_ms, limit)
            .map_err(|error| refuse(&error))?,
        Some(_) => plan_of(&catalog, &triggered, now_ms, limit)
            .map_err(|(_, message)| Problem::new(Slug::PlanInvalid, message))?,
    };
    let fingerprint = plan.fingerprint(&scope.tenant, &scope.workspace);
    let (run_id, manifest) = (triggered.run, triggered.manifest);
    let record = session.append(&begin(triggered), None)?;
    let answer = TriggerAnswer {
        run_id,
        manifest,
        plan: fingerprint,
        tasks: plan.len(),
        seq: record.seq,
    };
    Ok(
        Response::json(202, serde_json::to_vec(&answer).unwrap_or_default())
            .header("location", format!("/v1/runs/{run_id}"))
            .into(),
    )
}

pub(crate) fn refuse(error: &plan::PlanError) -> Problem {
    let slug = if error.limit.is_some() {
        Slug::PlanTooLarge
    } else {
        Slug::PlanInvalid
    };
    let problem = refuse_finding(slug, &error.finding);
    match error.limit {
        Some(limit) => problem.with("limit", limit),
        None => problem,
    }
}

pub(crate) fn refuse_finding(slug: Slug, finding: &Finding) -> Problem {
    Problem::new(slug, finding.message.clone())
        .with("errors", Json::Array([finding.to_json()].into()))
}

/// A run started under a run key has its home in the key, so that the key always meets the same ledger; another one stays in this ledger.
pub(crate) fn run_id(session: &mut Session<'_>, trigger: &Trigger) -> Result<RunId, Fault> {
    let mut random = session.moment.random();
    if let Some(home) = random.first_mut() {
        *home = match &trigger.run_key {
            Some(key) => derived::home_of_run_key(key),
            None => session.config.shard.home_like(*home),
        };
    }
    Ok(RunId::from_parts(session.now_ms()?, random).map_err(beyond_time)?)
}

/// The run that has the trigger's run key already.
pub(crate) fn run_of_key(
    session: &mut Session<'_>,
    trigger: &Trigger,
) -> Result<Option<Reply>, Fault> {
    let Some(key) = &trigger.run_key else {
        return Ok(None);
    };
    let known = first(
        session.sql,
        "SELECT fingerprint, run FROM run_key WHERE run_key = ?1",
        &[key.as_str().into()],
        |row| {
            (
                row.blob(0).to_vec(),
                RunId::from_bytes(crate::door::session::bytes_16(row.blob(1))),
            )
        },
    )?;
    let Some((recorded, run)) = known else {
        return Ok(None);
    };
    if recorded != fingerprint(trigger).to_bytes() {
        let problem = Problem::new(
            Slug::RunKeyConflict,
            "a run with this run key was triggered with something else",
        )
        .with("runId", run.to_string());
        return Err(Fault::Refused(problem));
    }
    let row = session
        .run(&run)?
        .ok_or_else(|| Problem::bare(Slug::RunNotFound))?;
    let scope = session.config.scope.clone();
    let folded = read::fold_run(session, &row)?;
    let plan = folded
        .plan
        .as_ref()
        .map(|plan| plan.fingerprint(&scope.tenant, &scope.workspace))
        .unwrap_or_else(|_| sha256(b""));
    let answer = TriggerAnswer {
        run_id: run,
        manifest: row.manifest,
        plan,
        tasks: folded.tasks.len() as u32,
        seq: row.triggered_seq,
    };
    Ok(Some(
        replayed(202, serde_json::to_vec(&answer).unwrap_or_default())
            .header("location", format!("/v1/runs/{run}"))
            .into(),
    ))
}

/// The run that was started under a run key.
pub(crate) fn known_run(
    session: &mut Session<'_>,
    key: &RunKey,
) -> Result<Option<RunId>, StoreError> {
    first(
        session.sql,
        "SELECT run FROM run_key WHERE run_key = ?1",
        &[key.as_str().into()],
        |row| RunId::from_bytes(crate::door::session::bytes_16(row.blob(0))),
    )
}

fn replayed(status: u16, body: alloc::vec::Vec<u8>) -> Response {
    Response::json(status, body).header("idempotent-replayed", "true")
}

/// The name of a stored answer: who asks, for what, under which key.
fn answer_name(session: &Session<'_>, admitted: &Admitted) -> Result<Option<String>, Fault> {
    let Some(key) = &admitted.idempotency_key else {
        return Ok(None);
    };
    let scope = session.config.scope.clone();
    let about = admitted
        .params
        .run
        .map(|run| run.to_string())
        .or_else(|| admitted.params.name.clone())
        .unwrap_or_default();
    Ok(Some(
        [
            scope.tenant.as_str(),
            "/",
            scope.workspace.as_str(),
            " ",
            admitted.route.name,
            " ",
            &about,
            " ",
            key,
        ]
        .concat(),
    ))
}

pub(crate) fn stored_answer(
    session: &mut Session<'_>,
    admitted: &Admitted,
    fingerprint: &Sha256Digest,
) -> Result<Option<Reply>, Fault> {
    let Some(name) = answer_name(session, admitted)? else {
        return Ok(None);
    };
    let oldest = session
        .now_ms()?
        .saturating_sub(session.config.answer_life_ms);
    let stored = first(
        session.sql,
        "SELECT fingerprint, status, body FROM answer WHERE name = ?1 AND at_ms >= ?2",
        &[name.as_str().into(), oldest.into()],
        |row| (row.blob(0).to_vec(), row.unsigned(1), row.blob(2).to_vec()),
    )?;
    match stored {
        None => Ok(None),
        Some((recorded, _, _)) if recorded != fingerprint.to_bytes() => {
            Err(Fault::Refused(Problem::new(
                Slug::IdempotencyKeyReused,
                "this idempotency key came with another body",
            )))
        }
        Some((_, status, body)) => Ok(Some(
            replayed(u16::try_from(status).unwrap_or(200), body).into(),
        )),
    }
}

pub(crate) fn store_answer(
    session: &mut Session<'_>,
    admitted: &Admitted,
    fingerprint: &Sha256Digest,
    reply: &Reply,
) -> Result<(), Fault> {
    let Some(name) = answer_name(session, admitted)? else {
        return Ok(());
    };
    let now_ms = session.now_ms()?;
    session.sql.execute(
        "INSERT INTO answer (name, fingerprint, status, body, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (name) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body, at_ms = excluded.at_ms",
        &[name.as_str().into(), fingerprint.to_bytes().as_slice().into(), u32::from(reply.response.status).into(), reply.response.body.as_slice().into(), now_ms.into()],
    )?;
    Ok(())
}

/// The row of the run in the path.
pub(crate) fn run_in_path(session: &mut Session<'_>, admitted: &Admitted) -> Result<RunRow, Fault> {
    let row = match &admitted.params.run {
        Some(run) => session.run(run)?,
        None => None,
    };
    row.ok_or_else(|| {
        Fault::Refused(Problem::new(
            Slug::RunNotFound,
            "no run of this workspace has that id",
        ))
    })
}

/// `POST /v1/runs/{runId}/cancel`
pub(crate) fn cancel(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    let request: CancelRequest = if body.is_empty() {
        CancelRequest::default()
    } else {
        body::parse(body, body::SMALL)?.1
    };
    let row = run_in_path(session, admitted)?;
    let answer = |seq| {
        Response::json(
            202,
            serde_json::to_vec(&CancelAnswer {
                run_id: row.run,
                seq,
            })
            .unwrap_or_default(),
        )
    };
    if let Some(seq) = row.cancel_seq {
        return Ok(answer(seq).header("idempotent-replayed", "true").into());
    }
    if row.finished_seq.is_some() {
        let outcome = read::state_of(&row);
        return Err(Fault::Refused(
            Problem::new(Slug::RunAlreadyFinished, "the run has ended")
                .with("outcome", json!(outcome)),
        ));
    }
    let reason = request
        .reason
        .map(|reason| reason.chars().take(1_000).collect());
    let record = session.append(
        &Event::RunCancelRequested(RunCancelRequested {
            run: row.run,
            reason,
        }),
        None,
    )?;
    Ok(answer(record.seq).into())
}

/// `POST /v1/runs/{runId}/rerun`
pub(crate) fn rerun(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    let (canonical, request): (alloc::vec::Vec<u8>, RerunRequest) = if body.is_empty() {
        (b"{}".to_vec(), RerunRequest::default())
    } else {
        body::parse(body, body::SMALL)?
    };
    let fingerprint = sha256(&canonical);
    if let Some(reply) = stored_answer(session, admitted, &fingerprint)? {
        return Ok(reply);
    }
    let row = run_in_path(session, admitted)?;
    if row.finished_seq.is_none() {
        return Err(Fault::Refused(Problem::new(
            Slug::RunNotFinished,
            "a rerun starts from a run that has ended",
        )));
    }
    let parent = read::fold_run(session, &row)?;
    if parent.state() == RunState::Rejected {
        return Err(Fault::Refused(Problem::new(
            Slug::PlanInvalid,
            "the run never had a plan; trigger a new one",
        )));
    }
    // A place in the parent's plan and the same task's place in the plan of the trigger that began the chain.
    let root: alloc::vec::Vec<u32> = match &parent.triggered.rerun {
        Some(rerun) => rerun.tasks.iter().collect(),
        None => (0..parent.tasks.len() as u32).collect(),
    };
    let named = named_tasks(&request, &parent)?;
    let wanted = |place: u32, state: TaskState| match request.mode {
        RerunMode::All => true,
        RerunMode::FromFailure => state != TaskState::Succeeded,
        RerunMode::Subset => named.contains(&place),
    };
    let tasks: TaskSet = (0u32..)
        .zip(&root)
        .zip(&parent.tasks)
        .filter(|((place, _), task)| wanted(*place, task.state))
        .map(|((_, place), _)| *place)
        .collect();
    let as_of_ms = parent.triggered.as_of_ms(parent.triggered_at);
    let mut trigger = parent.triggered.trigger.clone();
    trigger.run_key = None;
    let run = run_id(session, &trigger)?;
    let rerun = Rerun {
        parent: row.run,
        mode: request.mode,
        as_of_ms,
        tasks,
    };
    let answer = start(
        session,
        RunTriggered {
            run,
            manifest: row.manifest,
            trigger,
            as_of_ms: None,
            rerun: Some(rerun),
        },
        Event::RunTriggered,
    )?;
    store_answer(session, admitted, &fingerprint, &answer)?;
    Ok(answer)
}

/// The places in the parent's plan of the tasks that a rerun names.
fn named_tasks(request: &RerunRequest, parent: &Run) -> Result<BTreeSet<u32>, Problem> {
    if request.tasks.is_empty() != (request.mode != RerunMode::Subset) {
        return Err(Problem::validation(
            "/tasks",
            "`tasks` come with the mode `subset`, and it with them",
        ));
    }
    let mut named = BTreeSet::new();
    for (index, key) in request.tasks.iter().enumerate() {
        let place = parent.plan.as_ref().ok().and_then(|plan| plan.find(key));
        named.insert(place.ok_or_else(|| {
            Problem::validation(&format!("/tasks/{index}"), "the run has no such task")
        })?);
    }
    Ok(named)
}
