//! A partition is stale when something that it would be made from was made after it was asked for, or is stale itself.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use roaring::RoaringBitmap;

use crate::automation::ordinals::{self, STRETCH};
use crate::door::attempt::AttemptName;
use crate::door::inputs::{self, Maker};
use crate::door::partition::{find_ordinal, known, ordinals_of};
use crate::door::session::Session;
use crate::door::sql::{StoreError, first};
use crate::identity::derived;
use crate::identity::keys::AssetKey;
use crate::identity::partition_key::PartitionKey;
use crate::plan;
use crate::plan::catalog::{AssetIndex, Catalog, DimensionLink, Link};
use crate::plan::dependents::dependents;
use crate::plan::order::map_of;
use crate::wire::asset::{Made, Newer};
use crate::wire::event::{AttemptFinished, Event};
use crate::wire::record::Record;
use crate::wire::shard::Origin;

/// Inputs of a partition that are looked at one by one, at most.
pub(crate) const MOST_INPUTS: u64 = 4_096;
/// Inputs that are looked at one by one without asking first whether anything is new.
const FEW_INPUTS: u64 = 16;
/// Reasons that are told, at most.
const MOST_REASONS: usize = 8;
/// Partitions that are looked at for reasons, at most.
const MOST_VISITS: usize = 1_000;

/// One partition of one asset of a catalog.
pub(crate) type Partition<'a> = (AssetIndex, Option<&'a PartitionKey>);

/// Whether something that a partition is made from was made again after the attempt that made it was asked for.
pub(crate) fn is_behind(
    session: &mut Session<'_>,
    catalog: &Catalog,
    (asset, partition): Partition<'_>,
    (record, made): (&Record, &AttemptFinished),
) -> Result<bool, StoreError> {
    let found = plan::inputs::upstream_partitions(catalog, asset, partition, record.at_ms);
    let Some(found) = found.filter(|found| !found.is_empty()) else {
        return Ok(false);
    };
    let Some(asked) = Asked::of(session, record, made)? else {
        return Ok(false);
    };
    if found.len() > FEW_INPUTS {
        let mut newest = 0;
        for link in catalog.links(asset) {
            let key = catalog.asset(link.upstream).key.as_str();
            newest = newest.max(newest_of(session, key)?);
        }
        if newest <= asked.knew_seq() {
            return Ok(false);
        }
        if found.len() > MOST_INPUTS {
            return Ok(true);
        }
    }
    let basis = Basis::of(session, made, asked)?;
    for (upstream, partition) in found.iter() {
        let key = &catalog.asset(upstream).key;
        if newer_than(session, &basis, key, partition.as_ref())?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What a ledger knew when it asked for an attempt.
#[derive(Clone, Copy)]
enum Asked {
    /// This ledger asked, in this record: it knew everything before.
    Here(u64),
    /// Another ledger asked.
    There {
        shard: u32,
        /// The record there: it knew everything of its own before.
        asked_seq: u64,
        /// The newest record of this ledger that it had repeated.
        heard_seq: u64,
    },
}

impl Asked {
    /// What was known when an attempt was asked for, from the record of what it made.
    fn of(
        session: &mut Session<'_>,
        record: &Record,
        made: &AttemptFinished,
    ) -> Result<Option<Asked>, StoreError> {
        if let Some(origin) = Origin::of_actor(&record.actor) {
            return Ok(made.basis.map(|basis| Asked::There {
                shard: origin.shard,
                asked_seq: basis.asked,
                heard_seq: basis.heard,
            }));
        }
        let name = AttemptName::new(made.run, &made.task, made.attempt);
        let attempt = session.attempt(&name)?;
        Ok(attempt.map(|attempt| Asked::Here(attempt.requested_seq)))
    }

    /// The record of this ledger up to which everything was known.
    fn knew_seq(self) -> u64 {
        match self {
            Asked::Here(seq) => seq,
            Asked::There { heard_seq, .. } => heard_seq,
        }
    }

    /// Whether a record of this ledger was known.
    fn knew(self, session: &mut Session<'_>, seq: u64) -> Result<bool, StoreError> {
        if seq <= self.knew_seq() {
            return Ok(true);
        }
        let Asked::There {
            shard, asked_seq, ..
        } = self
        else {
            return Ok(false);
        };
        let record = session.record(seq)?;
        let origin = record.and_then(|record| Origin::of_actor(&record.actor));
        Ok(origin.is_some_and(|origin| origin.shard == shard && origin.seq <= asked_seq))
    }
}

/// What an attempt worked from.
struct Basis {
    maker: Maker,
    asked: Asked,
}

impl Basis {
    fn of(
        session: &mut Session<'_>,
        made: &AttemptFinished,
        asked: Asked,
    ) -> Result<Basis, StoreError> {
        let run = session.run(&made.run)?;
        let maker = Maker {
            run: made.run,
            triggered_seq: run.map_or(0, |run| run.triggered_seq),
        };
        Ok(Basis { maker, asked })
    }
}

/// The record of the newest materialisation of a place, when an attempt worked from an older one or from none.
fn newer_than(
    session: &mut Session<'_>,
    basis: &Basis,
    asset: &AssetKey,
    partition: Option<&PartitionKey>,
) -> Result<Option<u64>, StoreError> {
    let Some(seq) = inputs::newest(session, asset, partition)? else {
        return Ok(None);
    };
    if !basis.asked.knew(session, seq)? {
        return Ok(Some(seq));
    }
    if seq <= basis.maker.triggered_seq {
        return Ok(None);
    }
    // A run works from what it made itself, also when another run has made the same since.
    let own = inputs::in_run(session, basis.maker, asset, partition)?;
    let was_passed_over = own.is_some_and(|own| own < seq);
    Ok(was_passed_over.then_some(seq))
}

fn newest_of(session: &mut Session<'_>, asset: &str) -> Result<u64, StoreError> {
    let newest = first(
        session.sql,
        "SELECT max(newest) FROM partition_state WHERE asset = ?1",
        &[asset.into()],
        |row| row.unsigned(0),
    )?;
    Ok(newest.unwrap_or(0))
}

/// The stale partitions of each asset that has some: of all assets, or of one and what it is made from.
pub(crate) fn stale(
    session: &mut Session<'_>,
    catalog: &Catalog,
    wanted: Option<AssetIndex>,
    at_ms: u64,
) -> Result<BTreeMap<AssetIndex, RoaringBitmap>, StoreError> {
    let mut marked: BTreeMap<AssetIndex, RoaringBitmap> = BTreeMap::new();
    session.sql.query(
        "SELECT asset, stretch, stale FROM partition_state WHERE stale IS NOT NULL",
        &[],
        &mut |row| {
            if let Some(asset) = catalog.find_text(row.text(0)) {
                let offset = (row.unsigned(1) as u32).saturating_mul(STRETCH);
                ordinals::read_into(marked.entry(asset).or_default(), offset, row.blob(2));
            }
        },
    )?;
    if marked.is_empty() {
        return Ok(marked);
    }
    let relevant = wanted.map(|asset| with_upstreams(catalog, asset));
    let mut stale: BTreeMap<AssetIndex, RoaringBitmap> = BTreeMap::new();
    for &asset in catalog.topological() {
        if relevant
            .as_ref()
            .is_some_and(|relevant| !relevant.contains(&asset))
        {
            continue;
        }
        let mut set = marked.remove(&asset).unwrap_or_default();
        for link in catalog.links(asset) {
            if let Some(upstream) = stale.get(&link.upstream) {
                set |= carried(session, catalog, asset, link, upstream, at_ms)?;
            }
        }
        if !set.is_empty() {
            set &= known::made(session, catalog.asset(asset).key.as_str())?;
        }
        if !set.is_empty() {
            stale.insert(asset, set);
        }
    }
    Ok(stale)
}

fn with_upstreams(catalog: &Catalog, asset: AssetIndex) -> BTreeSet<AssetIndex> {
    let mut found = BTreeSet::from([asset]);
    let mut open = Vec::from([asset]);
    while let Some(asset) = open.pop() {
        for link in catalog.links(asset) {
            if found.insert(link.upstream) {
                open.push(link.upstream);
            }
        }
    }
    found
}

/// Whether each partition of an asset is made from the partition of the upstream that has the same ordinal, and from no other.
pub(crate) fn is_the_same_partition(catalog: &Catalog, asset: AssetIndex, link: &Link) -> bool {
    let (upstream, own) = (catalog.space(link.upstream), catalog.space(asset));
    let mut links = (0u32..).zip(catalog.dimension_links(link));
    upstream == own
        && !own.is_dynamic()
        && links.all(|(place, link)| *link == (DimensionLink::Identity { from: place }))
}

/// The partitions that are made from one of a set.
fn carried(
    session: &mut Session<'_>,
    catalog: &Catalog,
    asset: AssetIndex,
    link: &Link,
    upstream: &RoaringBitmap,
    at_ms: u64,
) -> Result<RoaringBitmap, StoreError> {
    let spaces = (catalog.space(link.upstream), catalog.space(asset));
    if is_the_same_partition(catalog, asset, link) {
        return Ok(upstream.clone());
    }
    let mut set = RoaringBitmap::new();
    let key = catalog.asset(link.upstream).key.as_str();
    let names: BTreeMap<u32, PartitionKey> = if spaces.0.is_dynamic() {
        map_of(known::names(session, key)?.into_iter())
    } else {
        BTreeMap::new()
    };
    for ordinal in upstream {
        let partition = match names.get(&ordinal) {
            Some(name) => Some(name.clone()),
            None => spaces.0.partition_of(u64::from(ordinal)),
        };
        let found = dependents(catalog, asset, link, partition.as_ref(), at_ms);
        let Some(found) = found else {
            continue;
        };
        set |= ordinals_of(session, catalog, asset, &found)?;
        if found.is_everything() {
            break;
        }
    }
    Ok(set)
}

/// What was made since a stale partition was asked for, nearest first.
pub(crate) fn reasons(
    session: &mut Session<'_>,
    catalog: &Catalog,
    (asset, partition): Partition<'_>,
    at_ms: u64,
) -> Result<Vec<Newer>, StoreError> {
    let stale = stale(session, catalog, Some(asset), at_ms)?;
    let mut reasons: Vec<Newer> = Vec::new();
    let start = (asset, partition.cloned());
    let mut seen = BTreeSet::from([start.clone()]);
    let mut open = VecDeque::from([(start, 1)]);
    while let Some(((asset, partition), steps)) = open.pop_front() {
        let basis = basis_of(session, catalog, (asset, partition.as_ref()))?;
        let found = plan::inputs::upstream_partitions(catalog, asset, partition.as_ref(), at_ms);
        let (Some(basis), Some(found)) = (basis, found) else {
            continue;
        };
        for input in found.iter() {
            if reasons.len() >= MOST_REASONS || seen.len() >= MOST_VISITS {
                return Ok(reasons);
            }
            if !seen.insert(input.clone()) {
                continue;
            }
            let (upstream, partition) = &input;
            let key = &catalog.asset(*upstream).key;
            if let Some(seq) = newer_than(session, &basis, key, partition.as_ref())? {
                reasons.extend(made_at(session, seq)?.map(|(_, made)| Newer {
                    asset_key: key.clone(),
                    partition_key: partition.clone(),
                    made,
                    steps,
                }));
            }
            let ordinal = find_ordinal(session, catalog, *upstream, partition.as_ref())?;
            let is_stale = |set: &RoaringBitmap| ordinal.is_some_and(|at| set.contains(at));
            if stale.get(upstream).is_some_and(is_stale) {
                open.push_back((input, steps + 1));
            }
        }
    }
    Ok(reasons)
}

/// What the attempt worked from that made a partition last.
fn basis_of(
    session: &mut Session<'_>,
    catalog: &Catalog,
    (asset, partition): Partition<'_>,
) -> Result<Option<Basis>, StoreError> {
    let Some(seq) = inputs::newest(session, &catalog.asset(asset).key, partition)? else {
        return Ok(None);
    };
    let Some(record) = session.record(seq)? else {
        return Ok(None);
    };
    let Some(Event::AttemptFinished(body)) = record.event() else {
        return Ok(None);
    };
    match Asked::of(session, &record, &body)? {
        Some(asked) => Basis::of(session, &body, asked).map(Some),
        None => Ok(None),
    }
}

/// The materialisation that a record tells of.
pub(crate) fn made_at(
    session: &mut Session<'_>,
    seq: u64,
) -> Result<Option<(AttemptFinished, Made)>, StoreError> {
    let Some(record) = session.record(seq)? else {
        return Ok(None);
    };
    let Some(Event::AttemptFinished(body)) = record.event() else {
        return Ok(None);
    };
    let named = body
        .output
        .as_ref()
        .and_then(|output| output.materialization_id);
    let made = Made {
        run_id: body.run,
        attempt: body.attempt,
        seq,
        at: record.at_ms,
        materialization_id: named
            .unwrap_or_else(|| derived::materialization_id(&body.run, &body.task, body.attempt)),
        replaces: body.replaces,
    };
    Ok(Some((body, made)))
}
