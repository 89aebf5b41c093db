//! What is known of an asset's partitions is kept as sets of ordinals, a row for a stretch of them, and changes with the record that says so.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use roaring::RoaringBitmap;

use crate::automation::ordinals::{self, STRETCH};
use crate::door::session::Session;
use crate::door::sql::{Row, StoreError, first};
use crate::identity::digest::Sha256Digest;
use crate::identity::keys::{Operation, TaskKey};
use crate::identity::partition_key::PartitionKey;
use crate::plan::catalog::{AssetIndex, Catalog};
use crate::plan::dependents::{Dependents, dependents};
use crate::wire::event::{AttemptFinished, AttemptOutcome};
use crate::wire::record::Record;

pub(crate) mod newer;
pub(crate) mod known;
pub(crate) mod deployed;

/// One stretch of an asset's ordinals; the sets count from its beginning.
#[derive(Clone, Debug, Default, PartialEq)]
struct Stretch {
    /// The newest record that made one of its partitions; 0 when none did.
    newest: u64,
    /// Partitions of which something was made.
    made: RoaringBitmap,
    /// Partitions whose last attempt failed.
    failed: RoaringBitmap,
    /// Partitions that were made before something that they are made from directly.
    stale: RoaringBitmap,
    /// Of an asset that an automation keeps up to date: partitions that were not tried since something that they are made from directly
    /// was made.
    due: RoaringBitmap,
}

/// A place in the sets: an asset of the current manifest, and an ordinal of it.
struct Place {
    catalog: Arc<Catalog>,
    asset: AssetIndex,
    partition: Option<PartitionKey>,
    ordinal: u32,
}

/// Takes what an attempt made, or that it failed.
pub(crate) fn finished(
    session: &mut Session<'_>,
    record: &Record,
    body: &AttemptFinished,
) -> Result<(), StoreError> {
    match body.outcome {
        AttemptOutcome::Succeeded => made(session, record, body),
        AttemptOutcome::Failed => failed(session, &body.task),
        AttemptOutcome::Cancelled => passed_over(session, &body.task),
    }
}

/// Takes that the last attempt at a partition failed.
pub(crate) fn failed(session: &mut Session<'_>, task: &TaskKey) -> Result<(), StoreError> {
    let Some(place) = place_of(session, task)? else {
        return Ok(());
    };
    change(session, &place, |stretch, at| {
        stretch.failed.insert(at);
        stretch.due.remove(at);
    })
}

/// Takes that a partition is not made on account of what was made before now.
pub(crate) fn passed_over(session: &mut Session<'_>, task: &TaskKey) -> Result<(), StoreError> {
    let Some(place) = place_of(session, task)? else {
        return Ok(());
    };
    if place.catalog.keeper(place.asset).is_none() {
        return Ok(());
    }
    change(session, &place, |stretch, at| {
        stretch.due.remove(at);
    })
}

fn made(
    session: &mut Session<'_>,
    record: &Record,
    body: &AttemptFinished,
) -> Result<(), StoreError> {
    let Some(place) = place_of(session, &body.task)? else {
        return Ok(());
    };
    let is_stale = newer::is_behind(
        session,
        &place.catalog,
        (place.asset, place.partition.as_ref()),
        (record, body),
    )?;
    let is_kept = place.catalog.keeper(place.asset).is_some();
    change(session, &place, |stretch, at| {
        stretch.newest = record.seq;
        stretch.made.insert(at);
        stretch.failed.remove(at);
        put(&mut stretch.stale, at, is_stale);
        put(&mut stretch.due, at, is_stale && is_kept);
    })?;
    let catalog = place.catalog.clone();
    for &downstream in catalog.downstreams(place.asset) {
        let links = catalog.links(downstream);
        let Ok(link) = links.binary_search_by_key(&place.asset, |link| link.upstream) else {
            continue;
        };
        let Some(link) = links.get(link) else {
            continue;
        };
        let partition = place.partition.as_ref();
        let found = dependents(&catalog, downstream, link, partition, record.at_ms);
        if let Some(found) = found {
            mark_stale(session, &catalog, downstream, &found)?;
        }
    }
    Ok(())
}

fn put(set: &mut RoaringBitmap, at: u32, holds: bool) {
    if holds {
        set.insert(at);
    } else {
        set.remove(at);
    }
}

/// Whatever was made of these is older than what they are made from; where an automation keeps them, they are due.
fn mark_stale(
    session: &mut Session<'_>,
    catalog: &Catalog,
    asset: AssetIndex,
    found: &Dependents<'_>,
) -> Result<(), StoreError> {
    let key = catalog.asset(asset).key.as_str();
    let is_kept = catalog.keeper(asset).is_some();
    for (number, places) in places_of(session, catalog, asset, found)? {
        let stretch = load(session, key, number)?;
        let Some(mut stretch) = stretch.or_else(|| is_kept.then(Stretch::default)) else {
            continue;
        };
        let fresh = (&places & &stretch.made) - &stretch.stale;
        let due = if is_kept {
            places - &stretch.due
        } else {
            RoaringBitmap::new()
        };
        if !fresh.is_empty() || !due.is_empty() {
            stretch.stale |= fresh;
            stretch.due |= due;
            save(session, key, number, &stretch)?;
        }
    }
    Ok(())
}

/// The ordinals of partitions, by stretch; of those without ordinals and without a state there are none.
fn places_of(
    session: &mut Session<'_>,
    catalog: &Catalog,
    asset: AssetIndex,
    found: &Dependents<'_>,
) -> Result<BTreeMap<u32, RoaringBitmap>, StoreError> {
    let mut places: BTreeMap<u32, RoaringBitmap> = BTreeMap::new();
    let set = ordinals_of(session, catalog, asset, found)?;
    let mut ranges = set.iter();
    while let Some(range) = ranges.next_range() {
        let (mut at, end) = (*range.start(), *range.end());
        loop {
            let number = at / STRETCH;
            let last = (number * STRETCH).saturating_add(STRETCH - 1).min(end);
            let base = number * STRETCH;
            places
                .entry(number)
                .or_default()
                .insert_range(at - base..=last - base);
            if last == end {
                break;
            }
            at = last + 1;
        }
    }
    Ok(places)
}

/// The ordinals of partitions, as far as the asset has any state.
pub(crate) fn ordinals_of(
    session: &mut Session<'_>,
    catalog: &Catalog,
    asset: AssetIndex,
    found: &Dependents<'_>,
) -> Result<RoaringBitmap, StoreError> {
    let mut set = RoaringBitmap::new();
    let key = catalog.asset(asset).key.as_str();
    if catalog.space(asset).is_dynamic() {
        if let Some(only) = found.only() {
            set.extend(ordinal_of_name(session, key, &only)?);
            return Ok(set);
        }
        for (ordinal, name) in known::names(session, key)? {
            if found.holds(&name) {
                set.insert(ordinal);
            }
        }
        return Ok(set);
    }
    let total = if found.is_bounded() {
        1 << 32
    } else {
        let last = first(
            session.sql,
            "SELECT max(stretch) FROM partition_state WHERE asset = ?1",
            &[key.into()],
            |row| row.optional(0),
        )?;
        last.flatten()
            .map_or(0, |last| (last + 1) * u64::from(STRETCH))
    };
    for range in found.ordinals(total) {
        let end = u32::try_from(range.end - 1).unwrap_or(u32::MAX);
        if let Ok(start) = u32::try_from(range.start) {
            set.insert_range(start..=end);
        }
    }
    Ok(set)
}

/// Where a task's partition stands in the sets; absent for checks, for assets that are not in the current manifest, and beyond 2^32 ordinals.
fn place_of(session: &mut Session<'_>, task: &TaskKey) -> Result<Option<Place>, StoreError> {
    if task.operation() != Operation::Materialize {
        return Ok(None);
    }
    let Some((_, catalog)) = current_catalog(session)? else {
        return Ok(None);
    };
    let Some(asset) = catalog.find(&task.asset()) else {
        return Ok(None);
    };
    let partition = task.partition();
    let ordinal = claim_ordinal(session, &catalog, asset, partition.as_ref())?;
    Ok(ordinal.map(|ordinal| Place {
        catalog,
        asset,
        partition,
        ordinal,
    }))
}

/// The ordinal of a partition that has one; a name that no declaration lists gets the next.
fn claim_ordinal(
    session: &mut Session<'_>,
    catalog: &Catalog,
    asset: AssetIndex,
    partition: Option<&PartitionKey>,
) -> Result<Option<u32>, StoreError> {
    let known = find_ordinal(session, catalog, asset, partition)?;
    let (None, Some(name), true) = (known, partition, catalog.space(asset).is_dynamic()) else {
        return Ok(known);
    };
    let key = catalog.asset(asset).key.as_str();
    let ordinal = known::count_names(session, key)?;
    session.sql.execute(
        "INSERT INTO partition_name (asset, partition, ordinal) VALUES (?1, ?2, ?3)",
        &[key.into(), name.as_str().into(), ordinal.into()],
    )?;
    Ok(u32::try_from(ordinal).ok())
}

/// The ordinal of a partition that has one.
pub(crate) fn find_ordinal(
    session: &mut Session<'_>,
    catalog: &Catalog,
    asset: AssetIndex,
    partition: Option<&PartitionKey>,
) -> Result<Option<u32>, StoreError> {
    let space = catalog.space(asset);
    let Some(partition) = partition else {
        return Ok(space.is_unpartitioned().then_some(0));
    };
    if space.is_dynamic() {
        return ordinal_of_name(session, catalog.asset(asset).key.as_str(), partition);
    }
    let ordinal = space.ordinal_of(partition);
    Ok(ordinal.and_then(|ordinal| u32::try_from(ordinal).ok()))
}

/// The partition with an ordinal; absent for that of an asset without partitions.
pub(crate) fn partition_at(
    session: &mut Session<'_>,
    catalog: &Catalog,
    asset: AssetIndex,
    ordinal: u32,
) -> Result<Option<PartitionKey>, StoreError> {
    let space = catalog.space(asset);
    if space.is_dynamic() {
        return known::name(session, catalog.asset(asset).key.as_str(), ordinal);
    }
    Ok(space.partition_of(u64::from(ordinal)))
}

fn ordinal_of_name(
    session: &mut Session<'_>,
    asset: &str,
    partition: &PartitionKey,
) -> Result<Option<u32>, StoreError> {
    let found = first(
        session.sql,
        "SELECT ordinal FROM partition_name WHERE asset = ?1 AND partition = ?2",
        &[asset.into(), partition.as_str().into()],
        |row| row.unsigned(0),
    )?;
    Ok(found.and_then(|ordinal| u32::try_from(ordinal).ok()))
}

/// Changes the stretch that holds a place.
fn change(
    session: &mut Session<'_>,
    place: &Place,
    change: impl FnOnce(&mut Stretch, u32),
) -> Result<(), StoreError> {
    let catalog = place.catalog.clone();
    let key = catalog.asset(place.asset).key.as_str();
    let number = place.ordinal / STRETCH;
    let mut stretch = load(session, key, number)?.unwrap_or_default();
    change(&mut stretch, place.ordinal % STRETCH);
    save(session, key, number, &stretch)
}

fn load(
    session: &mut Session<'_>,
    asset: &str,
    number: u32,
) -> Result<Option<Stretch>, StoreError> {
    first(
        session.sql,
        "SELECT newest, made, failed, stale, due FROM partition_state WHERE asset = ?1 AND stretch = ?2",
        &[asset.into(), number.into()],
        stretch_of,
    )
}

fn stretch_of(row: &dyn Row) -> Stretch {
    let set = |column| {
        let mut set = RoaringBitmap::new();
        ordinals::read_into(&mut set, 0, row.blob(column));
        set
    };
    Stretch {
        newest: row.unsigned(0),
        made: set(1),
        failed: set(2),
        stale: set(3),
        due: set(4),
    }
}

fn save(
    session: &mut Session<'_>,
    asset: &str,
    number: u32,
    stretch: &Stretch,
) -> Result<(), StoreError> {
    let sets = [&stretch.made, &stretch.failed, &stretch.stale, &stretch.due].map(ordinals::write);
    let bound: Vec<Option<&[u8]>> = sets
        .iter()
        .map(|set| (!set.is_empty()).then_some(set.as_slice()))
        .collect();
    let column = |index: usize| bound.get(index).copied().flatten().into();
    session.sql.execute(
        "INSERT INTO partition_state (asset, stretch, newest, made, failed, stale, due) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (asset, stretch) DO UPDATE SET newest = excluded.newest, made = excluded.made, failed = excluded.failed, stale = excluded.stale, due = excluded.due",
        &[asset.into(), number.into(), stretch.newest.into(), column(0), column(1), column(2), column(3)],
    )?;
    Ok(())
}

/// The current manifest's address, with its index.
pub(crate) fn current_catalog(
    session: &mut Session<'_>,
) -> Result<Option<(Sha256Digest, Arc<Catalog>)>, StoreError> {
    let Some(manifest) = session.current_manifest()? else {
        return Ok(None);
    };
    let catalog = session.catalog(&manifest)?;
    Ok(catalog.map(|catalog| (manifest, catalog)))
}
