//! A partition is due when something that it is made from was made since it was last tried, and all that it is made from is there.

use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::vec::Vec;

use roaring::RoaringBitmap;

use crate::automation::ordinals::{self, STRETCH};
use crate::door::partition::newer::{MOST_INPUTS, is_the_same_partition};
use crate::door::partition::{find_ordinal, known, partition_at};
use crate::door::session::Session;
use crate::door::sql::StoreError;
use crate::identity::partition_key::PartitionKey;
use crate::plan;
use crate::plan::catalog::{AssetIndex, Catalog};
use crate::wire::automation::DuePartition;

/// The most partitions that one look finds.
const MOST_DUE: usize = 1_000;

/// What is due of the assets that an automation keeps, upstreams first, and whether there is more.
///
/// A partition that is made from the same partition of something due, by the same automation, is due with it: both are made in one run.
pub(super) fn due(
    session: &mut Session<'_>,
    catalog: &Catalog,
    automation: u32,
) -> Result<(Vec<DuePartition>, bool), StoreError> {
    let now_ms = session.now_ms()?;
    let mut found = Found::default();
    for &asset in catalog.topological() {
        if catalog.keeper(asset) != Some(automation) {
            continue;
        }
        let key = &catalog.asset(asset).key;
        let own = stored(session, key.as_str())?;
        let mut wanted = own.clone();
        for link in catalog.links(asset) {
            if is_the_same_partition(catalog, asset, link)
                && let Some(upstream) = found.due.get(&link.upstream)
            {
                wanted |= upstream;
            }
        }
        let count = catalog.space(asset).count(now_ms);
        for ordinal in wanted {
            if count.is_some_and(|count| u64::from(ordinal) >= count) {
                break;
            }
            if found.list.len() == MOST_DUE {
                return Ok((found.list, true));
            }
            let partition = partition_at(session, catalog, asset, ordinal)?;
            let is_ready = found.has_inputs(session, catalog, asset, partition.as_ref(), now_ms)?;
            if is_ready {
                found.due.entry(asset).or_default().insert(ordinal);
                found.list.push(DuePartition {
                    asset_key: key.clone(),
                    partition_key: partition,
                    follows: !own.contains(ordinal),
                });
            }
        }
    }
    Ok((found.list, false))
}

/// What is known while looking.
#[derive(Default)]
struct Found {
    list: Vec<DuePartition>,
    due: BTreeMap<AssetIndex, RoaringBitmap>,
    made: BTreeMap<AssetIndex, RoaringBitmap>,
}

impl Found {
    /// Whether everything that a partition is made from is there, or is made before it.
    fn has_inputs(
        &mut self,
        session: &mut Session<'_>,
        catalog: &Catalog,
        asset: AssetIndex,
        partition: Option<&PartitionKey>,
        now_ms: u64,
    ) -> Result<bool, StoreError> {
        let inputs = plan::inputs::upstream_partitions(catalog, asset, partition, now_ms);
        let Some(inputs) = inputs else {
            return Ok(false);
        };
        // Of very many it is enough that there is something of each upstream.
        let is_few = inputs.len() <= MOST_INPUTS;
        if !is_few {
            for link in catalog.links(asset) {
                if self.made(session, catalog, link.upstream)?.is_empty() {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        for (upstream, partition) in inputs.iter() {
            let ordinal = find_ordinal(session, catalog, upstream, partition.as_ref())?;
            let Some(ordinal) = ordinal else {
                return Ok(false);
            };
            let is_due = self
                .due
                .get(&upstream)
                .is_some_and(|due| due.contains(ordinal));
            if !is_due && !self.made(session, catalog, upstream)?.contains(ordinal) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn made(
        &mut self,
        session: &mut Session<'_>,
        catalog: &Catalog,
        asset: AssetIndex,
    ) -> Result<&RoaringBitmap, StoreError> {
        Ok(match self.made.entry(asset) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                unknown.insert(known::made(session, catalog.asset(asset).key.as_str())?)
            }
        })
    }
}

fn stored(session: &mut Session<'_>, asset: &str) -> Result<RoaringBitmap, StoreError> {
    let mut due = RoaringBitmap::new();
    session.sql.query(
        "SELECT stretch, due FROM partition_state WHERE asset = ?1 AND due IS NOT NULL",
        &[asset.into()],
        &mut |row| {
            let offset = (row.unsigned(0) as u32).saturating_mul(STRETCH);
            ordinals::read_into(&mut due, offset, row.blob(1));
        },
    )?;
    Ok(due)
}
