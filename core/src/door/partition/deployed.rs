//! An ordinal counts by a declaration, so a deployment that changes a space moves what is known to the new ordinals.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use roaring::RoaringBitmap;

use crate::automation::ordinals::{self, STRETCH};
use crate::door::partition::{Stretch, claim_ordinal, current_catalog, known, save, stretch_of};
use crate::door::session::Session;
use crate::door::sql::StoreError;
use crate::identity::digest::Sha256Digest;
use crate::identity::partition_key::PartitionKey;
use crate::plan::catalog::{AssetIndex, Catalog};
use crate::plan::order::map_of;

/// Takes that a manifest becomes the current one; the manifest before it still stands in the index.
pub(crate) fn deployed(
    session: &mut Session<'_>,
    manifest: &Sha256Digest,
) -> Result<(), StoreError> {
    let Some((_, previous)) = current_catalog(session)? else {
        return Ok(());
    };
    let Some(next) = session.catalog(manifest)? else {
        return Ok(());
    };
    for asset in next.indexes() {
        let before = previous.find(&next.asset(asset).key);
        if before.is_none_or(|before| previous.space(before) != next.space(asset)) {
            count_again(session, &previous, before, &next, asset)?;
        }
        let was_kept = before.is_some_and(|before| previous.keeper(before).is_some());
        match (was_kept, next.keeper(asset).is_some()) {
            (false, true) => begin_upkeep(session, next.asset(asset).key.as_str())?,
            (true, false) => end_upkeep(session, next.asset(asset).key.as_str())?,
            _ => {}
        }
    }
    Ok(())
}

/// What is behind when an automation takes an asset over is due at once.
fn begin_upkeep(session: &mut Session<'_>, asset: &str) -> Result<(), StoreError> {
    let mut stretches = Vec::new();
    session.sql.query(
        "SELECT newest, made, failed, stale, due, stretch FROM partition_state WHERE asset = ?1 AND stale IS NOT NULL",
        &[asset.into()],
        &mut |row| stretches.push((row.unsigned(5) as u32, stretch_of(row))),
    )?;
    for (number, mut stretch) in stretches {
        stretch.due = &stretch.stale - &stretch.failed;
        save(session, asset, number, &stretch)?;
    }
    Ok(())
}

fn end_upkeep(session: &mut Session<'_>, asset: &str) -> Result<(), StoreError> {
    session.sql.execute(
        "UPDATE partition_state SET due = NULL WHERE asset = ?1",
        &[asset.into()],
    )?;
    Ok(())
}

/// Writes the sets of an asset by its new ordinals: what was made from the materialisations, the rest from the old sets.
fn count_again(
    session: &mut Session<'_>,
    previous: &Catalog,
    before: Option<AssetIndex>,
    next: &Arc<Catalog>,
    asset: AssetIndex,
) -> Result<(), StoreError> {
    let key = next.asset(asset).key.clone();
    let key = key.as_str();
    let kept = match before {
        Some(before) => old_sets(session, previous, before, key)?,
        None => Default::default(),
    };
    session.sql.execute(
        "DELETE FROM partition_state WHERE asset = ?1",
        &[key.into()],
    )?;
    session
        .sql
        .execute("DELETE FROM partition_name WHERE asset = ?1", &[key.into()])?;
    let mut made = Vec::new();
    session.sql.query(
        "SELECT partition, seq FROM materialization WHERE asset = ?1 ORDER BY partition",
        &[key.into()],
        &mut |row| made.push((PartitionKey::parse(row.text(0)).ok(), row.unsigned(1))),
    )?;
    let mut stretches: BTreeMap<u32, Stretch> = BTreeMap::new();
    for (partition, seq) in made {
        if let Some(at) = claim_ordinal(session, next, asset, partition.as_ref())? {
            let stretch = stretches.entry(at / STRETCH).or_default();
            stretch.made.insert(at % STRETCH);
            stretch.newest = stretch.newest.max(seq);
        }
    }
    for (partitions, set_of) in kept.into_iter().zip(SETS) {
        for partition in partitions {
            if let Some(at) = claim_ordinal(session, next, asset, partition.as_ref())? {
                let stretch = stretches.entry(at / STRETCH).or_default();
                set_of(stretch).insert(at % STRETCH);
            }
        }
    }
    for (number, stretch) in stretches {
        save(session, key, number, &stretch)?;
    }
    Ok(())
}

/// Partitions by their keys; absent for that of an asset without partitions.
type Keys = Vec<Option<PartitionKey>>;

/// The sets that a deployment carries over: what failed last, what is behind, and what is due.
const SETS: [fn(&mut Stretch) -> &mut RoaringBitmap; 3] = [
    |stretch| &mut stretch.failed,
    |stretch| &mut stretch.stale,
    |stretch| &mut stretch.due,
];

/// The partitions of each carried set, by the declaration that was.
fn old_sets(
    session: &mut Session<'_>,
    previous: &Catalog,
    before: AssetIndex,
    key: &str,
) -> Result<[Keys; 3], StoreError> {
    let mut sets: [RoaringBitmap; 3] = Default::default();
    session.sql.query(
        "SELECT stretch, failed, stale, due FROM partition_state WHERE asset = ?1",
        &[key.into()],
        &mut |row| {
            let offset = (row.unsigned(0) as u32).saturating_mul(STRETCH);
            for (column, set) in (1..).zip(&mut sets) {
                ordinals::read_into(set, offset, row.blob(column));
            }
        },
    )?;
    let space = previous.space(before);
    let names: BTreeMap<u32, PartitionKey> = if space.is_dynamic() {
        map_of(known::names(session, key)?.into_iter())
    } else {
        BTreeMap::new()
    };
    let keys = |set: RoaringBitmap| -> Keys {
        set.into_iter()
            .filter_map(|at| match names.get(&at) {
                Some(name) => Some(Some(name.clone())),
                None if space.is_unpartitioned() => Some(None),
                None => space.partition_of(u64::from(at)).map(Some),
            })
            .collect()
    };
    Ok(sets.map(keys))
}
