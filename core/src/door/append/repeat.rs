//! What one ledger of a workspace has to know of another it repeats: the same event, on the word of the other, with its place there.

use crate::door::append::refused;
use crate::door::index::RunRow;
use crate::door::session::Session;
use crate::door::sql::StoreError;
use crate::door::{deploy, inputs};
use crate::run::ear;
use crate::wire::event::{AttemptFinished, Event};
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

/// What was made elsewhere, in the history of its place here: what it replaces is a record of this ledger, and none when it is older than
/// what is here. The first ledger orders what is made, so what another one repeats is older than what that one made itself, when the first
/// had not heard of it by then.
fn placed(
    session: &mut Session<'_>,
    body: AttemptFinished,
    origin: &Origin,
) -> Result<AttemptFinished, StoreError> {
    if !body.makes() {
        return Ok(body);
    }
    let newest = inputs::newest(session, &body.task.asset(), body.task.partition().as_ref())?;
    let later = newest.filter(|newest| !session.config.shard.leads() && *newest > origin.known);
    let is_older = match later {
        Some(later) => is_own(session, later)?,
        None => false,
    };
    let replaces = newest.filter(|_| !is_older);
    Ok(AttemptFinished { replaces, ..body })
}

/// Whether a record is of this ledger alone, and repeats none.
fn is_own(session: &mut Session<'_>, seq: u64) -> Result<bool, StoreError> {
    let record = session.record(seq)?;
    Ok(record.is_some_and(|record| Origin::of_actor(&record.actor).is_none()))
}
