//! What a trigger says of partitions is refused with the names and the forms that would do.

use alloc::collections::BTreeMap;
use alloc::format;

use crate::plan::PlanError;
use crate::plan::calendar::Grain;
use crate::plan::catalog::{AssetIndex, Catalog};
use crate::plan::space::{SpaceDimension, TimeValues, Values};
use crate::plan::suggestion;
use crate::wire::finding::Finding;

pub(super) fn unknown_dimension(
    name: &str,
    pointer: &str,
    declared: &BTreeMap<&str, BTreeMap<Grain, &TimeValues>>,
) -> Finding {
    Finding::new(
        "plan.unknown_dimension",
        pointer,
        format!("no selected asset has a dimension `{name}`"),
        suggestion::hint(
            name,
            declared.keys().copied(),
            "leave the dimension out, or select an asset that has it",
        ),
    )
}

pub(super) fn required(
    catalog: &Catalog,
    asset: AssetIndex,
    dimension: &SpaceDimension,
) -> Finding {
    let key = &catalog.asset(asset).key;
    let name = &dimension.name;
    let hint = match dimension.values {
        Values::Dynamic(_) => "name one value of it with `partitionKey` or `partitions`",
        _ => {
            "say which with `partitionKey`, `partitions` or `range`, or ask for `latestPartition` or `allPartitions`"
        }
    };
    Finding::new(
        "plan.partition_required",
        "",
        format!("`{key}` is partitioned by `{name}`, and the trigger does not say which"),
        hint,
    )
}

pub(super) fn too_long(
    catalog: &Catalog,
    asset: AssetIndex,
    dimension: &SpaceDimension,
) -> PlanError {
    let key = &catalog.asset(asset).key;
    Finding::new(
        "plan.too_large",
        "",
        format!(
            "the dimension `{}` of `{key}` has more than {} partitions",
            dimension.name,
            u32::MAX
        ),
        "select a range of it",
    )
    .into()
}
