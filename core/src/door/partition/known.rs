//! What an answer says about partitions is put together from the sets and from the attempts that are open.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use roaring::RoaringBitmap;

use crate::automation::ordinals::{self, STRETCH};
use crate::automation::status::Partitions;
use crate::door::partition::find_ordinal;
use crate::door::session::Session;
use crate::door::sql::{StoreError, first};
use crate::identity::keys::{Operation, TaskKey};
use crate::identity::partition_key::PartitionKey;
use crate::plan::catalog::{AssetIndex, Catalog};

/// Partitions of each asset with an open attempt.
pub(crate) type Open = BTreeMap<AssetIndex, RoaringBitmap>;

/// The partitions with an open attempt: of all assets, or of one.
pub(crate) fn open(
    session: &mut Session<'_>,
    catalog: &Catalog,
    wanted: Option<AssetIndex>,
) -> Result<Open, StoreError> {
    let mut keys: Vec<String> = Vec::new();
    // Two statements, because each has its own partial index.
    for statement in [
        "SELECT task_key FROM attempt WHERE state = 0",
        "SELECT task_key FROM attempt WHERE state IN (1, 2)",
    ] {
        session
            .sql
            .query(statement, &[], &mut |row| keys.push(row.text(0).into()))?;
    }
    let mut open = Open::new();
    let prefix = wanted.map(|asset| catalog.asset(asset).key.as_str());
    for key in keys {
        if prefix.is_some_and(|prefix| !key.starts_with(prefix)) {
            continue;
        }
        let Ok(task) = TaskKey::parse(&key) else {
            continue;
        };
        let Some(asset) = catalog.find(&task.asset()) else {
            continue;
        };
        if task.operation() != Operation::Materialize
            || wanted.is_some_and(|wanted| wanted != asset)
        {
            continue;
        }
        let ordinal = find_ordinal(session, catalog, asset, task.partition().as_ref())?;
        if let Some(ordinal) = ordinal {
            open.entry(asset).or_default().insert(ordinal);
        }
    }
    Ok(open)
}

/// The sets of one asset, with what the sets of other assets and the open attempts make of them.
pub(crate) fn partitions(
    session: &mut Session<'_>,
    asset: &str,
    stale: Option<&RoaringBitmap>,
    running: Option<&RoaringBitmap>,
) -> Result<Partitions, StoreError> {
    let (mut made, mut failed) = (RoaringBitmap::new(), RoaringBitmap::new());
    session.sql.query(
        "SELECT stretch, made, failed FROM partition_state WHERE asset = ?1",
        &[asset.into()],
        &mut |row| {
            let offset = (row.unsigned(0) as u32).saturating_mul(STRETCH);
            ordinals::read_into(&mut made, offset, row.blob(1));
            ordinals::read_into(&mut failed, offset, row.blob(2));
        },
    )?;
    Ok(Partitions::of(
        made,
        failed,
        stale.cloned().unwrap_or_default(),
        running.cloned().unwrap_or_default(),
    ))
}

/// The partitions of which something was made.
pub(crate) fn made(session: &mut Session<'_>, asset: &str) -> Result<RoaringBitmap, StoreError> {
    let mut made = RoaringBitmap::new();
    session.sql.query(
        "SELECT stretch, made FROM partition_state WHERE asset = ?1",
        &[asset.into()],
        &mut |row| {
            let offset = (row.unsigned(0) as u32).saturating_mul(STRETCH);
            ordinals::read_into(&mut made, offset, row.blob(1));
        },
    )?;
    Ok(made)
}

/// The partitions of an asset with a dynamic dimension, by ordinal.
pub(crate) fn names(
    session: &mut Session<'_>,
    asset: &str,
) -> Result<Vec<(u32, PartitionKey)>, StoreError> {
    let mut names = Vec::new();
    session.sql.query(
        "SELECT ordinal, partition FROM partition_name WHERE asset = ?1 ORDER BY ordinal",
        &[asset.into()],
        &mut |row| {
            if let (Ok(ordinal), Ok(name)) = (
                u32::try_from(row.unsigned(0)),
                PartitionKey::parse(row.text(1)),
            ) {
                names.push((ordinal, name));
            }
        },
    )?;
    Ok(names)
}

/// The partition of an asset with a dynamic dimension that has an ordinal.
pub(crate) fn name(
    session: &mut Session<'_>,
    asset: &str,
    ordinal: u32,
) -> Result<Option<PartitionKey>, StoreError> {
    let found = first(
        session.sql,
        "SELECT partition FROM partition_name WHERE asset = ?1 AND ordinal = ?2",
        &[asset.into(), ordinal.into()],
        |row| PartitionKey::parse(row.text(0)).ok(),
    )?;
    Ok(found.flatten())
}

/// How many partitions of an asset with a dynamic dimension were ever tried.
pub(crate) fn count_names(session: &mut Session<'_>, asset: &str) -> Result<u64, StoreError> {
    let next = first(
        session.sql,
        "SELECT max(ordinal) + 1 FROM partition_name WHERE asset = ?1",
        &[asset.into()],
        |row| row.unsigned(0),
    )?;
    Ok(next.unwrap_or(0))
}
