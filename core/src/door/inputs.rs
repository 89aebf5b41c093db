//! What an attempt works from is fixed when it is asked for: the materialisations that were current at that record.

use alloc::vec::Vec;

use crate::door::admit::{Admitted, Caller};
use crate::door::answer::{Answered, Fault};
use crate::door::attempt::{AttemptName, AttemptState};
use crate::door::http::Response;
use crate::door::index::RunRow;
use crate::door::session::Session;
use crate::door::sql::{StoreError, first};
use crate::identity::derived;
use crate::identity::ids::RunId;
use crate::identity::keys::{AssetKey, Operation, TaskKey};
use crate::identity::partition_key::PartitionKey;
use crate::plan;
use crate::plan::catalog::Catalog;
use crate::wire::envelope::{Input, InputPage};
use crate::wire::event::{AttemptFinished, Event};
use crate::wire::problem::{Problem, Slug};

/// How many inputs an envelope holds.
const IN_ENVELOPE: usize = 256;
/// How many inputs a page holds.
const IN_PAGE: usize = 1_000;

/// The first inputs of a task, and whether there are more.
pub(crate) fn of_envelope(
    session: &mut Session<'_>,
    run: &RunRow,
    catalog: &Catalog,
    task: &TaskKey,
    requested_seq: u64,
) -> Result<(Vec<Input>, bool), Fault> {
    let (places, count) = upstreams(run, catalog, task, 0, IN_ENVELOPE);
    let inputs = resolve(session, run, places, requested_seq)?;
    Ok((inputs, count > IN_ENVELOPE as u64))
}

/// `GET /v1/tasks/{taskId}/inputs`
pub(crate) fn page(session: &mut Session<'_>, admitted: &Admitted, _: &[u8]) -> Answered {
    let Caller::Task(token) = &admitted.caller else {
        return Err(Fault::Refused(Problem::bare(Slug::Unauthorized)));
    };
    let after = admitted.number("after", 0, u64::from(u32::MAX))?;
    let missing = || Fault::Refused(Problem::new(Slug::TaskNotFound, "no such attempt"));
    let name = AttemptName {
        run: token.claims.run,
        task: token.claims.sub,
        attempt: token.claims.att,
    };
    let attempt = session.attempt(&name)?.ok_or_else(missing)?;
    let run = session.run(&name.run)?.ok_or_else(missing)?;
    let catalog = session.catalog(&run.manifest)?.ok_or_else(missing)?;
    let task = TaskKey::parse(&attempt.task_key).map_err(|_| missing())?;
    let (places, count) = upstreams(
        &run,
        &catalog,
        &task,
        usize::try_from(after).unwrap_or(usize::MAX),
        IN_PAGE,
    );
    let next = after.saturating_add(IN_PAGE as u64);
    let more = (count > next).then_some(next);
    let inputs = resolve(session, &run, places, attempt.requested_seq)?;
    Ok(Response::json(
        200,
        serde_json::to_vec(&InputPage { inputs, next: more }).unwrap_or_default(),
    )
    .into())
}

/// The places that a task reads: for a check the asset itself, otherwise what the manifest maps its upstreams to.
fn upstreams(
    run: &RunRow,
    catalog: &Catalog,
    task: &TaskKey,
    skip: usize,
    take: usize,
) -> (Vec<Place>, u64) {
    let partition = task.partition();
    if task.operation() == Operation::Check {
        return (Vec::from([(task.asset(), partition)]), 1);
    }
    let found = catalog.find(&task.asset()).and_then(|asset| {
        plan::inputs::upstream_partitions(catalog, asset, partition.as_ref(), run.triggered_ms)
    });
    let Some(found) = found else {
        return (Vec::new(), 0);
    };
    let places = found
        .iter()
        .skip(skip)
        .take(take)
        .map(|(upstream, partition)| (catalog.asset(upstream).key.clone(), partition))
        .collect();
    (places, found.len())
}

/// One partition of one asset.
type Place = (AssetKey, Option<PartitionKey>);

fn resolve(
    session: &mut Session<'_>,
    run: &RunRow,
    places: Vec<Place>,
    requested_seq: u64,
) -> Result<Vec<Input>, Fault> {
    let mut inputs = Vec::new();
    for (asset, partition) in places {
        let own = in_run(session, run.into(), &asset, partition.as_ref())?;
        let found = match own {
            Some(seq) => materialization(session, seq)?,
            None => current(session, &asset, partition.as_ref(), requested_seq)?,
        };
        if let Some((seq, made)) = found {
            inputs.push(input(asset, partition, seq, made));
        }
    }
    Ok(inputs)
}

/// One run, as far as it has to be known to find what it made.
#[derive(Clone, Copy)]
pub(crate) struct Maker {
    pub(crate) run: RunId,
    /// The record that began it; it made nothing before.
    pub(crate) triggered_seq: u64,
}

impl From<&RunRow> for Maker {
    fn from(row: &RunRow) -> Maker {
        Maker {
            run: row.run,
            triggered_seq: row.triggered_seq,
        }
    }
}

/// The record of what a run made of a place.
pub(crate) fn in_run(
    session: &mut Session<'_>,
    maker: Maker,
    asset: &AssetKey,
    partition: Option<&PartitionKey>,
) -> Result<Option<u64>, StoreError> {
    if !session.config.shard.keeps(&maker.run) {
        return in_run_elsewhere(session, maker, asset, partition);
    }
    let key = TaskKey::new(asset, partition, Operation::Materialize);
    let attempt = session.newest_attempt(&maker.run, &derived::task_id(&maker.run, &key))?;
    let made = attempt.filter(|attempt| attempt.state == AttemptState::Succeeded);
    Ok(made.and_then(|attempt| attempt.closed_seq))
}

/// The same of a run that another ledger keeps. Its attempts have no rows here, but what they made is in the history of the place.
fn in_run_elsewhere(
    session: &mut Session<'_>,
    maker: Maker,
    asset: &AssetKey,
    partition: Option<&PartitionKey>,
) -> Result<Option<u64>, StoreError> {
    let mut seq = newest(session, asset, partition)?;
    while let Some(at) = seq.filter(|at| *at > maker.triggered_seq) {
        let Some((_, made)) = materialization(session, at)? else {
            return Ok(None);
        };
        if made.run == maker.run {
            return Ok(Some(at));
        }
        seq = made.replaces;
    }
    Ok(None)
}

/// What was current of a place when a record was written: the newest materialisation, or one that it replaced since.
fn current(
    session: &mut Session<'_>,
    asset: &AssetKey,
    partition: Option<&PartitionKey>,
    at_seq: u64,
) -> Result<Option<(u64, AttemptFinished)>, Fault> {
    let mut seq = newest(session, asset, partition)?;
    while let Some(at) = seq {
        let Some((_, made)) = materialization(session, at)? else {
            return Ok(None);
        };
        if at <= at_seq {
            return Ok(Some((at, made)));
        }
        seq = made.replaces;
    }
    Ok(None)
}

/// The record of the newest materialisation of a place.
pub(crate) fn newest(
    session: &mut Session<'_>,
    asset: &AssetKey,
    partition: Option<&PartitionKey>,
) -> Result<Option<u64>, StoreError> {
    let partition = partition.map_or("", |partition| partition.as_str());
    first(
        session.sql,
        "SELECT seq FROM materialization WHERE asset = ?1 AND partition = ?2",
        &[asset.as_str().into(), partition.into()],
        |row| row.unsigned(0),
    )
}

fn materialization(
    session: &mut Session<'_>,
    seq: u64,
) -> Result<Option<(u64, AttemptFinished)>, StoreError> {
    let record = session.record(seq)?;
    Ok(record.and_then(|record| match record.event() {
        Some(Event::AttemptFinished(body)) => Some((record.seq, body)),
        _ => None,
    }))
}

fn input(
    asset_key: AssetKey,
    partition_key: Option<PartitionKey>,
    seq: u64,
    made: AttemptFinished,
) -> Input {
    let output = made.output.unwrap_or_default();
    let derived_id = derived::materialization_id(&made.run, &made.task, made.attempt);
    Input {
        asset_key,
        partition_key,
        run_id: made.run,
        seq,
        materialization_id: output.materialization_id.unwrap_or(derived_id),
        row_count: output.row_count,
        output_path: output.output_path,
    }
}
