//! What one ledger of a workspace has to know of another it repeats: the same event, on the word of the other, with its place there.

use crate::door::append::refused;
use crate::door::index::{RunRow, is_news};
use crate::door::session::Session;
use crate::door::sql::StoreError;
use crate::door::{deploy, inputs};
use crate::identity::keys::Operation;
use crate::run::ear;
use crate::wire::event::{AttemptFinished, AttemptOutcome, Event};
use crate::wire::ledger::AppendResult;
use crate::wire::shard::Origin;

/// Repeats a record of another ledger, when it is one that this ledger has to know, and comes after what was repeated of it.
pub(super) fn repeat(
    session: &mut Session<'_>,
    event: Event,
    origin: &Origin,
) -> Result<AppendResult, StoreError> {
    let shard = session.config.shard;
    if !ear::is_heard(shard, origin.shard, &event) {
        return Ok(refused("not-to-be-repeated"));
    }
    if origin.seq <= session.heard(origin.shard)?.seq {
        return Ok(AppendResult::Duplicate);
    }
    if let Event::ManifestDeployed(body) = &event {
        return deploy::hear(session, body, origin);
    }
    let row = match event.run() {
        Some(run) => session.run(&run)?,
        None => None,
    };
    let event = match event {
        Event::AttemptFinished(body) => Event::AttemptFinished(placed(session, body, origin)?),
        event if is_settled(&event, row.as_ref()) => return Ok(AppendResult::Duplicate),
        event => event,
    };
    let record = session.repeat(&event, origin)?;
    Ok(AppendResult::Appended(record.seq))
}

/// Whether the ledger knows already what an event would tell it of a run: somebody said it here.
fn is_settled(event: &Event, row: Option<&RunRow>) -> bool {
    match (event, row) {
        (Event::RunTriggered(_) | Event::RunRequested(_), row) => row.is_some(),
        (_, None) => true,
        (Event::RunCancelRequested(_), Some(row)) => {
            row.cancel_seq.is_some() || row.finished_seq.is_some()
        }
        (_, Some(_)) => false,
    }
}

/// What was made elsewhere, in the history of its place here: what it replaces is a record of this ledger.
fn placed(
    session: &mut Session<'_>,
    body: AttemptFinished,
    origin: &Origin,
) -> Result<AttemptFinished, StoreError> {
    let is_made = body.outcome == AttemptOutcome::Succeeded
        && body.task.operation() == Operation::Materialize;
    let replaces = match is_made && is_news(session, &body, Some(origin))? {
        true => inputs::newest(session, &body.task.asset(), body.task.partition().as_ref())?,
        false => None,
    };
    Ok(AttemptFinished { replaces, ..body })
}
