//! A task's inputs follow from its asset, its partition and the time; no plan is needed to name them.

use alloc::vec::Vec;

use crate::identity::partition_key::PartitionKey;
use crate::plan::axis::Axis;
use crate::plan::catalog::{AssetIndex, Catalog};
use crate::plan::edge;
use crate::plan::reach::Reach;

/// The upstream partitions of one asset's partition, by upstream and then by key; each is made when asked for.
pub struct Inputs<'a> {
    catalog: &'a Catalog,
    upstreams: Vec<Upstream>,
}

struct Upstream {
    asset: AssetIndex,
    axes: Vec<Axis>,
    /// From the first position to before the second, for each axis.
    ranges: Vec<(u32, u32)>,
    count: u64,
}

/// What a partition of an asset is made from, as of `as_of_ms` (when its run was triggered).
///
/// Absent when `partition` is not of the asset's dimensions. Upstreams whose mapping leads nowhere have no row.
pub fn upstream_partitions<'a>(
    catalog: &'a Catalog,
    asset: AssetIndex,
    partition: Option<&PartitionKey>,
    as_of_ms: u64,
) -> Option<Inputs<'a>> {
    let own = own_axes(catalog, asset, partition)?;
    let mut upstreams = Vec::with_capacity(catalog.links(asset).len());
    for link in catalog.links(asset) {
        let dimensions = catalog.space(link.upstream).dimensions();
        let mut axes = Vec::with_capacity(dimensions.len());
        for dimension in dimensions {
            let axis = match Axis::whole(&dimension.values, as_of_ms) {
                Some(axis) => axis,
                // A dynamic dimension has the one value that the partition itself names.
                None => Axis::dynamic(&partition?.get(&dimension.name)?),
            };
            axes.push(axis);
        }
        let reaches = edge::reaches(
            catalog,
            link.upstream,
            catalog.dimension_links(link),
            &own,
            &axes,
            as_of_ms,
        );
        let zero = [0; crate::wire::manifest::limit::MAX_DIMENSIONS];
        let ranges: Vec<_> = reaches
            .iter()
            .map(|(reach, _)| Reach::at(reach, &zero))
            .collect();
        let count = ranges.iter().fold(1u64, |count, (start, end)| {
            count.saturating_mul(u64::from(end.saturating_sub(*start)))
        });
        if count > 0 {
            upstreams.push(Upstream {
                asset: link.upstream,
                axes,
                ranges,
                count,
            });
        }
    }
    Some(Inputs { catalog, upstreams })
}

fn own_axes(
    catalog: &Catalog,
    asset: AssetIndex,
    partition: Option<&PartitionKey>,
) -> Option<Vec<Axis>> {
    let dimensions = catalog.space(asset).dimensions();
    let given = partition.map_or(0, |partition| partition.dimensions().count());
    if given != dimensions.len() {
        return None;
    }
    dimensions
        .iter()
        .map(|dimension| Axis::single(&dimension.values, &partition?.get(&dimension.name)?))
        .collect()
}

impl Inputs<'_> {
    /// How many there are.
    pub fn len(&self) -> u64 {
        self.upstreams
            .iter()
            .fold(0, |count, upstream| count.saturating_add(upstream.count))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.upstreams.is_empty()
    }

    /// Each input: an asset, and its partition where it has any.
    pub fn iter(&self) -> impl Iterator<Item = (AssetIndex, Option<PartitionKey>)> + '_ {
        self.upstreams.iter().flat_map(move |upstream| {
            (0..upstream.count).map(move |place| (upstream.asset, self.partition(upstream, place)))
        })
    }

    fn partition(&self, upstream: &Upstream, place: u64) -> Option<PartitionKey> {
        let dimensions = self.catalog.space(upstream.asset).dimensions();
        let mut rest = place;
        let mut parts = Vec::with_capacity(dimensions.len());
        for ((axis, (start, end)), dimension) in upstream
            .axes
            .iter()
            .zip(&upstream.ranges)
            .zip(dimensions)
            .rev()
        {
            let width = u64::from(end.saturating_sub(*start)).max(1);
            let position = start + u32::try_from(rest % width).ok()?;
            rest /= width;
            parts.push((dimension.name.as_str(), axis.value(position)?));
        }
        if parts.is_empty() {
            return None;
        }
        PartitionKey::from_dimensions(parts).ok()
    }
}
