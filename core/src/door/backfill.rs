//! A backfill is accepted with its chunks counted, and changed by whoever may trigger runs.

use alloc::format;
use alloc::vec::Vec;

use serde_json::{Value as Json, json};

use crate::automation::backfill::Chunks;
use crate::door::admit::Admitted;
use crate::door::answer::{Answered, Fault};
use crate::door::http::Response;
use crate::door::session::{Session, beyond_time, bytes_16};
use crate::door::sql::{Row, StoreError, first};
use crate::identity::ids::{BackfillId, RunId};
use crate::wire::backfill::{
    BackfillAnswer, BackfillChange, BackfillPage, BackfillRequest, BackfillState, BackfillView,
    ChunkView,
};
use crate::wire::body;
use crate::wire::event::automation::{BackfillChanged, BackfillRequested};
use crate::wire::event::{Event, RunCancelRequested};
use crate::wire::finding::Finding;
use crate::wire::problem::{Problem, Slug};

/// The index row of a backfill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BackfillRow {
    pub(crate) backfill: BackfillId,
    pub(crate) requested_seq: u64,
    /// 0 running, 1 paused, 2 cancelled.
    pub(crate) mode: u64,
    pub(crate) changes: u32,
    /// The newest record that asked for the failed chunks again; 0 when none did.
    pub(crate) retried_seq: u64,
}

fn row_of(row: &dyn Row) -> BackfillRow {
    BackfillRow {
        backfill: BackfillId::from_bytes(bytes_16(row.blob(0))),
        requested_seq: row.unsigned(1),
        mode: row.unsigned(2),
        changes: u32::try_from(row.integer(3)).unwrap_or(u32::MAX),
        retried_seq: row.unsigned(4),
    }
}

impl Session<'_> {
    /// The index row of a backfill.
    pub(crate) fn backfill(
        &mut self,
        backfill: &BackfillId,
    ) -> Result<Option<BackfillRow>, StoreError> {
        let statement = "SELECT backfill, requested_seq, mode, changes, retried_seq FROM backfill WHERE backfill = ?1";
        first(
            self.sql,
            statement,
            &[backfill.to_bytes().as_slice().into()],
            row_of,
        )
    }
}

/// `POST /v1/backfills`
pub(crate) fn request(session: &mut Session<'_>, _: &Admitted, body: &[u8]) -> Answered {
    let (_, request) = body::parse::<BackfillRequest>(body, body::SMALL)?;
    let manifest = match request.trigger.manifest {
        Some(manifest) => manifest,
        None => session
            .current_manifest()?
            .ok_or_else(|| Problem::new(Slug::ManifestNotFound, "no manifest was deployed yet"))?,
    };
    let unknown = || {
        Problem::new(
            Slug::ManifestNotFound,
            "no manifest with this address was deployed",
        )
    };
    let catalog = session.catalog(&manifest)?.ok_or_else(unknown)?;
    let now_ms = session.now_ms()?;
    let chunks = Chunks::new(&catalog, &request, now_ms).map_err(|error| refuse(&error.finding))?;
    let backfill_id =
        BackfillId::from_parts(now_ms, session.moment.random()).map_err(beyond_time)?;
    let chunks = chunks.len();
    let event = BackfillRequested {
        backfill: backfill_id,
        manifest,
        request,
        chunks,
    };
    let record = session.append(&Event::BackfillRequested(event), None)?;
    let answer = BackfillAnswer {
        backfill_id,
        chunks,
        seq: record.seq,
    };
    let location = format!("/v1/backfills/{backfill_id}");
    Ok(
        Response::json(202, serde_json::to_vec(&answer).unwrap_or_default())
            .header("location", location)
            .into(),
    )
}

fn refuse(finding: &Finding) -> Problem {
    Problem::new(Slug::PlanInvalid, finding.message.clone())
        .with("errors", Json::Array([finding.to_json()].into()))
}

fn in_path(session: &mut Session<'_>, admitted: &Admitted) -> Result<BackfillRow, Fault> {
    let row = match &admitted.params.backfill {
        Some(backfill) => session.backfill(backfill)?,
        None => None,
    };
    row.ok_or_else(|| {
        Fault::Refused(Problem::new(
            Slug::BackfillNotFound,
            "no backfill of this workspace has that id",
        ))
    })
}

/// `POST /v1/backfills/{backfillId}/pause`
pub(crate) fn pause(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    change(session, admitted, body, Event::BackfillPaused)
}

/// `POST /v1/backfills/{backfillId}/resume`
pub(crate) fn resume(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    change(session, admitted, body, Event::BackfillResumed)
}

/// `POST /v1/backfills/{backfillId}/cancel`
pub(crate) fn cancel(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    let answer = change(session, admitted, body, Event::BackfillCancelled)?;
    let row = in_path(session, admitted)?;
    for chunk in chunks(session, &row.backfill)?
        .into_iter()
        .filter(|chunk| chunk.outcome.is_none())
    {
        let cancelled = session
            .run(&chunk.run)?
            .is_some_and(|run| run.cancel_seq.is_some());
        if !cancelled {
            let reason = Some(format!("backfill {} was cancelled", row.backfill));
            session.append(
                &Event::RunCancelRequested(RunCancelRequested {
                    run: chunk.run,
                    reason,
                }),
                None,
            )?;
        }
    }
    Ok(answer)
}

fn change(
    session: &mut Session<'_>,
    admitted: &Admitted,
    body: &[u8],
    event: fn(BackfillChanged) -> Event,
) -> Answered {
    let change: BackfillChange = if body.is_empty() {
        BackfillChange::default()
    } else {
        body::parse(body, body::SMALL)?.1
    };
    let row = in_path(session, admitted)?;
    if row.mode == 2 {
        return Err(Fault::Refused(Problem::new(
            Slug::BackfillEnded,
            "the backfill was cancelled",
        )));
    }
    let changed = BackfillChanged {
        backfill: row.backfill,
        change: row.changes + 1,
        reason: change
            .reason
            .map(|reason| reason.chars().take(1_000).collect()),
        retry_failed: change.retry_failed,
    };
    let record = session.append(&event(changed), None)?;
    let answer = json!({ "backfillId": row.backfill, "seq": record.seq });
    Ok(Response::json(202, serde_json::to_vec(&answer).unwrap_or_default()).into())
}

/// A chunk that was begun, with the outcome of its newest run.
struct Chunk {
    chunk: u32,
    run: RunId,
    outcome: Option<u64>,
    /// The record that began the run.
    begun_seq: u64,
}

fn chunks(session: &mut Session<'_>, backfill: &BackfillId) -> Result<Vec<Chunk>, StoreError> {
    let mut chunks = Vec::new();
    session.sql.query(
        "SELECT c.chunk, c.run, r.outcome, r.triggered_seq FROM backfill_chunk c JOIN run r ON r.run = c.run WHERE c.backfill = ?1 ORDER BY c.chunk",
        &[backfill.to_bytes().as_slice().into()],
        &mut |row| {
            chunks.push(Chunk {
                chunk: u32::try_from(row.integer(0)).unwrap_or(u32::MAX),
                run: RunId::from_bytes(bytes_16(row.blob(1))),
                outcome: row.optional(2),
                begun_seq: row.unsigned(3),
            });
        },
    )?;
    Ok(chunks)
}

/// `GET /v1/backfills`
pub(crate) fn list(session: &mut Session<'_>, admitted: &Admitted, _: &[u8]) -> Answered {
    let limit = admitted.number("limit", 20, 100)?;
    let only_open = admitted.flag("open")?;
    // A scheduler asks for all that are open, and there are few; a person asks for the newest.
    let limit = if only_open { u64::MAX >> 1 } else { limit };
    let mut rows = Vec::new();
    session.sql.query(
        "SELECT backfill, requested_seq, mode, changes, retried_seq FROM backfill ORDER BY backfill DESC LIMIT ?1",
        &[limit.into()],
        &mut |row| rows.push(row_of(row)),
    )?;
    let mut backfills = Vec::new();
    for row in rows {
        let ended = |view: &BackfillView| {
            matches!(
                view.state,
                BackfillState::Succeeded | BackfillState::Cancelled
            )
        };
        backfills.extend(view(session, &row)?.filter(|view| !(only_open && ended(view))));
    }
    let page = BackfillPage {
        backfills,
        as_of: session.end()?.seq,
    };
    Ok(Response::json(200, serde_json::to_vec(&page).unwrap_or_default()).into())
}

/// `GET /v1/backfills/{backfillId}`
pub(crate) fn get(session: &mut Session<'_>, admitted: &Admitted, _: &[u8]) -> Answered {
    let row = in_path(session, admitted)?;
    match view(session, &row)? {
        Some(view) => Ok(Response::json(200, serde_json::to_vec(&view).unwrap_or_default()).into()),
        None => Err(Fault::Refused(Problem::bare(Slug::BackfillNotFound))),
    }
}

fn view(session: &mut Session<'_>, row: &BackfillRow) -> Result<Option<BackfillView>, Fault> {
    let record = session.record(row.requested_seq)?;
    let Some(Event::BackfillRequested(body)) = record.and_then(|record| record.event()) else {
        return Ok(None);
    };
    let chunks = chunks(session, &row.backfill)?;
    let succeeded = chunks
        .iter()
        .filter(|chunk| chunk.outcome == Some(0))
        .count() as u32;
    // A chunk that was asked for again and has no new run yet waits like one that was never begun.
    let (again, failed): (Vec<&Chunk>, Vec<&Chunk>) = chunks
        .iter()
        .filter(|chunk| chunk.outcome.is_some_and(|outcome| outcome != 0))
        .partition(|chunk| chunk.begun_seq < row.retried_seq);
    let failed: Vec<u32> = failed.iter().map(|chunk| chunk.chunk).collect();
    let open: Vec<ChunkView> = chunks
        .iter()
        .filter(|chunk| chunk.outcome.is_none())
        .map(|chunk| ChunkView {
            chunk: chunk.chunk,
            run_id: chunk.run,
        })
        .collect();
    let all_begun = chunks.len() as u64 == u64::from(body.chunks) && again.is_empty();
    let state = match (row.mode, open.is_empty(), all_begun) {
        (2, true, _) => BackfillState::Cancelled,
        (2, false, _) => BackfillState::Cancelling,
        (_, true, true) if failed.is_empty() => BackfillState::Succeeded,
        (_, true, true) => BackfillState::Failed,
        (1, _, _) => BackfillState::Paused,
        _ => BackfillState::Running,
    };
    Ok(Some(BackfillView {
        backfill_id: row.backfill,
        seq: row.requested_seq,
        state,
        request: body.request,
        manifest: body.manifest,
        chunks: body.chunks,
        succeeded,
        failed,
        open,
        as_of: session.end()?.seq,
    }))
}
