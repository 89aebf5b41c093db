//! An ordinal counts by a declaration, so a deployment that changes a space moves what is known to the new ordinals.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use roaring::RoaringBitmap;

use crate::automation::ordinals::{self, STRETCH};
use crate::door::partition::{Stretch, claim_ordinal, current_catalog, known, save};
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
    }
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
    let (failed, stale) = match before {
        Some(before) => old_sets(session, previous, before, key)?,
        None => (Vec::new(), Vec::new()),
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
    for partition in failed {
        if let Some(at) = claim_ordinal(session, next, asset, partition.as_ref())? {
            let stretch = stretches.entry(at / STRETCH).or_default();
            stretch.failed.insert(at % STRETCH);
        }
    }
    for partition in stale {
        if let Some(at) = claim_ordinal(session, next, asset, partition.as_ref())? {
            let stretch = stretches.entry(at / STRETCH).or_default();
            stretch.stale.insert(at % STRETCH);
        }
    }
    for (number, stretch) in stretches {
        save(session, key, number, &stretch)?;
    }
    Ok(())
}

/// Partitions by their keys; absent for that of an asset without partitions.
type Keys = Vec<Option<PartitionKey>>;

/// The partitions that failed last and those that are behind, by the declaration that was.
fn old_sets(
    session: &mut Session<'_>,
    previous: &Catalog,
    before: AssetIndex,
    key: &str,
) -> Result<(Keys, Keys), StoreError> {
    let (mut failed, mut stale) = (RoaringBitmap::new(), RoaringBitmap::new());
    session.sql.query(
        "SELECT stretch, failed, stale FROM partition_state WHERE asset = ?1",
        &[key.into()],
        &mut |row| {
            let offset = (row.unsigned(0) as u32).saturating_mul(STRETCH);
            ordinals::read_into(&mut failed, offset, row.blob(1));
            ordinals::read_into(&mut stale, offset, row.blob(2));
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
    Ok((keys(failed), keys(stale)))
}
