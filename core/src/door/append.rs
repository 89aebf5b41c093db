//! A scheduler's decision is a proposal: the door takes it only under the newest epoch, and only while it fits the ledger.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use crate::door::admit::{Admitted, Caller};
use crate::door::answer::{Answered, Fault};
use crate::door::attempt::{AttemptName, AttemptState};
use crate::door::http::Response;
use crate::door::session::{Session, bytes_16};
use crate::door::sql::{StoreError, first};
use crate::door::{automation, schedule};
use crate::identity::ids::EventId;
use crate::run::ear;
use crate::wire::body;
use crate::wire::event::automation::{Account, RunRequested};
use crate::wire::event::{DispatchRequested, Event};
use crate::wire::ledger::{
    AppendRequest, AppendResult, SchedulerLeaseAnswer, SchedulerLeaseRequest,
};
use crate::wire::problem::{Problem, Slug};
use crate::wire::record::Record;

mod repeat;

/// The most decisions of one request.
pub const MOST_EVENTS: usize = 2_000;
/// The shortest and the longest lease of a scheduler, in milliseconds.
const LEASE_MS: RangeInclusive<u64> = 1_000..=600_000;
/// The most records in an answer.
const MOST_RECORDS: u64 = 10_000;

/// Who holds the scheduler's lease. Its times are those of the machine's clock and not the door's: a lease is no record, and time that
/// stands still must not keep the lease of somebody who is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) epoch: u64,
    name: String,
    granted_ms: u64,
    expires_ms: u64,
}

impl Holder {
    /// For how long its lease goes on, in milliseconds. One that was granted later than now is of a clock that has gone back since: it is
    /// over, and a holder that lives has it anew with its next renewal.
    fn left_ms(&self, now_ms: u64) -> u64 {
        if self.granted_ms > now_ms {
            return 0;
        }
        self.expires_ms.saturating_sub(now_ms)
    }

    /// Whether somebody decides.
    pub(crate) fn decides(&self, now_ms: u64) -> bool {
        self.left_ms(now_ms) > 0
    }
}

pub(crate) fn holder(session: &mut Session<'_>) -> Result<Option<Holder>, StoreError> {
    first(
        session.sql,
        "SELECT epoch, holder, granted_ms, expires_ms FROM scheduler WHERE id = 1",
        &[],
        |row| Holder {
            epoch: row.unsigned(0),
            name: String::from(row.text(1)),
            granted_ms: row.optional(2).unwrap_or(0),
            expires_ms: row.unsigned(3),
        },
    )
}

/// `POST /v1/scheduler`
pub(crate) fn lease(session: &mut Session<'_>, _: &Admitted, body: &[u8]) -> Answered {
    let (_, request) = body::parse::<SchedulerLeaseRequest>(body, body::SMALL)?;
    if !LEASE_MS.contains(&request.ttl_ms) {
        return Err(Fault::Refused(Problem::validation(
            "/ttlMs",
            "expected 1,000 to 600,000 milliseconds",
        )));
    }
    if request.holder.is_empty()
        || request.holder.len() > 128
        || request.holder.chars().any(char::is_control)
    {
        return Err(Fault::Refused(Problem::validation(
            "/holder",
            "expected 1 to 128 bytes without control characters",
        )));
    }
    let now_ms = session.moment.now_ms;
    let held = holder(session)?;
    let (granted_ms, expires_ms) = (now_ms, now_ms.saturating_add(request.ttl_ms));
    let next = match held {
        Some(held) if held.name == request.holder && held.expires_ms > now_ms => Holder {
            granted_ms,
            expires_ms,
            ..held
        },
        Some(held) if held.decides(now_ms) && !request.take_over => {
            return Ok(lease_answer(session, &held, false)?.into());
        }
        held => Holder {
            epoch: held.map_or(0, |held| held.epoch) + 1,
            name: request.holder,
            granted_ms,
            expires_ms,
        },
    };
    session.sql.execute(
        "INSERT INTO scheduler (id, epoch, holder, granted_ms, expires_ms) VALUES (1, ?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, holder = excluded.holder, granted_ms = excluded.granted_ms,
         expires_ms = excluded.expires_ms",
        &[
            next.epoch.into(),
            next.name.as_str().into(),
            next.granted_ms.into(),
            next.expires_ms.into(),
        ],
    )?;
    Ok(lease_answer(session, &next, true)?.into())
}

fn lease_answer(
    session: &mut Session<'_>,
    holder: &Holder,
    granted: bool,
) -> Result<Response, StoreError> {
    let scope = session.config.scope.clone();
    let server_time = session.now_ms()?;
    let shard = session.config.shard;
    let mut heard = Vec::new();
    for source in ear::sources(shard) {
        heard.push(session.heard(source)?);
    }
    let answer = SchedulerLeaseAnswer {
        tenant_id: scope.tenant,
        workspace_id: scope.workspace,
        granted,
        epoch: holder.epoch,
        holder: holder.name.clone(),
        expires_at: server_time.saturating_add(holder.left_ms(session.moment.now_ms)),
        head: session.end()?.seq,
        server_time,
        shards: shard.count(),
        heard,
    };
    Ok(Response::json(
        200,
        serde_json::to_vec(&answer).unwrap_or_default(),
    ))
}

/// `POST /v1/ledger`
pub(crate) fn append(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    let (_, request) = body::parse::<AppendRequest>(body, body::LARGE)?;
    if request.events.len() > MOST_EVENTS {
        return Err(Fault::Refused(Problem::validation(
            "/events",
            &format!("expected at most {MOST_EVENTS} events"),
        )));
    }
    let name = fence(session, request.epoch)?;
    session.act_as(if let Caller::Key { .. } = admitted.caller {
        format!("scheduler:{name}")
    } else {
        name
    });
    let mut decisions = Vec::with_capacity(request.events.len());
    for (index, proposal) in request.events.iter().enumerate() {
        let event = Event::decode(&proposal.kind, proposal.body.get())
            .filter(|event| proposal.origin.is_some() || event.is_decision());
        let Some(event) = event else {
            return Err(Fault::Refused(Problem::validation(
                &format!("/events/{index}"),
                "expected a decision of this version with a body that fits its kind",
            )));
        };
        decisions.push(event);
    }
    let known = known_since(session, request.after, &decisions)?;
    let mut results = Vec::with_capacity(decisions.len());
    for (decision, proposal) in decisions.into_iter().zip(&request.events) {
        let is_known = !known.is_empty() && known.contains(&decision.id());
        results.push(match &proposal.origin {
            _ if is_known => AppendResult::Duplicate,
            Some(origin) => repeat::repeat(session, decision, origin)?,
            None => propose(session, &decision)?,
        });
    }
    let records = session.records_after(request.after, MOST_RECORDS)?;
    let answer = answer_bytes(&results, &records, session.end()?.seq, session.now_ms()?);
    Ok(Response::json(200, answer).into())
}

/// The decisions that were recorded after the record up to which whoever decided has read; what is older it knows itself. The rows of
/// the indexes say the same, unless one is lost: without it, a request that arrives twice would be recorded twice.
fn known_since(
    session: &mut Session<'_>,
    after: u64,
    decisions: &[Event],
) -> Result<BTreeSet<EventId>, StoreError> {
    if session.end()?.seq <= after {
        return Ok(BTreeSet::new());
    }
    let ids: BTreeSet<EventId> = decisions.iter().map(Event::id).collect();
    let mut known = BTreeSet::new();
    session.sql.query(
        "SELECT event_id FROM record WHERE seq > ?1",
        &[after.into()],
        &mut |row| {
            let id = EventId::from_bytes(bytes_16(row.blob(0)));
            if ids.contains(&id) {
                known.insert(id);
            }
        },
    )?;
    Ok(known)
}

/// The name of the scheduler that decides under an epoch; any other epoch is refused.
pub(crate) fn fence(session: &mut Session<'_>, epoch: u64) -> Result<String, Fault> {
    let held = holder(session)?;
    let current = held.as_ref().map_or(0, |held| held.epoch);
    match held {
        Some(held) if held.epoch == epoch => Ok(held.name),
        _ => Err(Fault::Refused(
            Problem::new(Slug::EpochFenced, "another scheduler decides")
                .with("currentEpoch", current),
        )),
    }
}

/// The answer, an [`AppendAnswer`](crate::wire::ledger::AppendAnswer) with the records copied as they stand.
fn answer_bytes(
    results: &[AppendResult],
    records: &[Record],
    head: u64,
    server_time: u64,
) -> Vec<u8> {
    let mut text = Vec::from(*b"{\"results\":");
    text.extend(serde_json::to_vec(results).unwrap_or_default());
    text.extend_from_slice(b",\"records\":");
    push_records(&mut text, records);
    text.extend(format!(",\"head\":{head},\"serverTime\":{server_time}}}").into_bytes());
    text
}

/// Records as a JSON array, each as it stands in the ledger.
pub(crate) fn push_records(text: &mut Vec<u8>, records: &[Record]) {
    text.push(b'[');
    for (index, record) in records.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        text.extend_from_slice(&record.to_json());
    }
    text.push(b']');
}

/// Takes one decision if it fits what the ledger says by now.
fn propose(session: &mut Session<'_>, event: &Event) -> Result<AppendResult, StoreError> {
    if let Event::RunRequested(body) = event {
        return propose_run(session, event, body);
    }
    if let Event::ScheduleTicked(body) = event {
        return schedule::propose(session, event, body);
    }
    if let Event::AutomationEvaluated(body) = event {
        return automation::propose(session, event, body);
    }
    let Some(run) = event.run() else {
        return Ok(refused("not-a-decision"));
    };
    // What another ledger keeps is decided there.
    let kept = session.config.shard.keeps(&run);
    let Some(row) = session.run(&run)?.filter(|_| kept) else {
        return Ok(refused("run-not-found"));
    };
    let verdict = match event {
        Event::RunPlanned(_) | Event::RunRejected(_) if row.planned_seq.is_some() => {
            Some(AppendResult::Duplicate)
        }
        Event::RunPlanned(_) if row.cancel_seq.is_some() => Some(refused("run-cancelled")),
        Event::RunFinished(_) if row.finished_seq.is_some() => Some(AppendResult::Duplicate),
        Event::DispatchRequested(body) => check_dispatch(
            session,
            body,
            row.cancel_seq.is_some(),
            row.planned_seq.is_some(),
        )?,
        _ => None,
    };
    match verdict {
        _ if row.finished_seq.is_some() && !matches!(event, Event::RunFinished(_)) => {
            Ok(refused("run-already-finished"))
        }
        Some(verdict) => Ok(verdict),
        None => {
            let record = session.append(event, None)?;
            Ok(AppendResult::Appended(record.seq))
        }
    }
}

/// A run that nobody triggered is begun while what it is on account of goes on.
fn propose_run(
    session: &mut Session<'_>,
    event: &Event,
    body: &RunRequested,
) -> Result<AppendResult, StoreError> {
    if session.run(&body.triggered.run)?.is_some() {
        return Ok(AppendResult::Duplicate);
    }
    let refusal = match &body.on_account_of {
        Account::Backfill { backfill, .. } => {
            match session.backfill(backfill)?.map(|row| row.mode) {
                None => Some("backfill-not-found"),
                Some(1) => Some("backfill-paused"),
                Some(2) => Some("backfill-cancelled"),
                Some(_) => None,
            }
        }
        Account::Schedule {
            schedule,
            tick_s: Some(tick_s),
        } => schedule::refuse_tick(session, schedule, &body.triggered.manifest, *tick_s)?,
        Account::Automation {
            automation,
            evaluation,
        } => {
            let manifest = &body.triggered.manifest;
            automation::refuse_run(session, automation, manifest, *evaluation)?
        }
        Account::Schedule { tick_s: None, .. } | Account::Sensor { .. } => Some("not-a-decision"),
    };
    if let Some(code) = refusal {
        return Ok(refused(code));
    }
    let record = session.append(event, None)?;
    Ok(AppendResult::Appended(record.seq))
}

fn check_dispatch(
    session: &mut Session<'_>,
    body: &DispatchRequested,
    cancelled: bool,
    planned: bool,
) -> Result<Option<AppendResult>, StoreError> {
    let name = AttemptName::new(body.run, &body.task, body.attempt);
    let newest = session.newest_attempt(&name.run, &name.task)?;
    let newest_number = newest.as_ref().map_or(0, |newest| newest.name.attempt);
    if body.attempt == 0 || body.attempt > newest_number + 1 {
        return Ok(Some(refused("attempt-gap")));
    }
    if body.attempt <= newest_number {
        return Ok(Some(AppendResult::Duplicate));
    }
    if cancelled {
        return Ok(Some(refused("run-cancelled")));
    }
    if !planned {
        return Ok(Some(refused("run-not-planned")));
    }
    match newest.map(|newest| newest.state) {
        None | Some(AttemptState::Failed | AttemptState::Expired) => Ok(None),
        Some(AttemptState::Succeeded | AttemptState::Cancelled) => {
            Ok(Some(refused("task-already-terminal")))
        }
        Some(AttemptState::Requested | AttemptState::Leased | AttemptState::Running) => {
            Ok(Some(refused("attempt-open")))
        }
    }
}

pub(crate) fn refused(code: &str) -> AppendResult {
    AppendResult::Refused(code.to_string())
}
