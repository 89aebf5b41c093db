//! An edge is found by position: no key is compared and no task is looked up.

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;

use crate::plan::Block;
use crate::plan::axis::Axis;
use crate::plan::catalog::{AssetIndex, Catalog, DimensionLink};
use crate::plan::lists::Lists;
use crate::plan::reach::Reach;
use crate::plan::space::Values;

/// What waits for what.
#[derive(Debug)]
pub(super) struct Edges {
    /// For each task the tasks it waits for.
    pub(super) upstreams: Lists,
    /// For each block, whether each of its partitions waits for something along every link.
    pub(super) even: Vec<bool>,
    /// For each block the blocks it waits for, where every partition waits for its namesakes in them and for nothing else.
    pub(super) parallel: Option<Lists>,
}

/// The block of an asset, where it has one.
pub(super) struct BlockOf {
    /// By asset; absent where every asset has the block of its own number.
    blocks: Option<Vec<u32>>,
}

impl BlockOf {
    pub(super) fn new(catalog: &Catalog, blocks: &[Block]) -> BlockOf {
        let assets = catalog.len() as usize;
        if blocks.len() == assets {
            return BlockOf { blocks: None };
        }
        let mut of_asset = vec![u32::MAX; assets];
        for (index, block) in (0u32..).zip(blocks) {
            of_asset[block.asset.0 as usize] = index;
        }
        BlockOf {
            blocks: Some(of_asset),
        }
    }

    pub(super) fn get(&self, asset: AssetIndex) -> Option<usize> {
        match &self.blocks {
            None => Some(asset.0 as usize),
            Some(blocks) => Some(blocks[asset.0 as usize])
                .filter(|block| *block != u32::MAX)
                .map(|block| block as usize),
        }
    }
}

/// What a link says between two blocks.
struct Joint {
    block: u32,
    base: u32,
    operations: u32,
    awaited: u32,
    fit: Rc<Fit>,
}

impl Joint {
    /// The task that a downstream waits for at a place.
    fn target(&self, place: u32) -> u32 {
        self.base + place * self.operations + self.awaited
    }
}

/// How the partitions of two spaces follow. Neighbouring assets mostly have one fit between them, so it is worked out once.
struct Fit {
    key: FitKey,
    /// For each upstream dimension, how positions follow and how many places one position is.
    reaches: Vec<(Reach, u32)>,
    /// The edges of all partitions.
    edges: u64,
    /// Whether each partition waits for something.
    is_even: bool,
    /// Whether each partition waits for its namesake alone.
    is_parallel: bool,
}

/// The axes of both sides, and what the link says.
#[derive(Clone, Copy, PartialEq, Eq)]
struct FitKey {
    own: (u32, u8),
    upstream: (u32, u8),
    said: u32,
}

impl FitKey {
    fn is_parallel(&self, reaches: &[(Reach, u32)]) -> bool {
        // Without dimensions it does not matter where there would be axes.
        let is_same = self.own == self.upstream || (self.own.1, self.upstream.1) == (0, 0);
        is_same
            && (0..)
                .zip(reaches)
                .all(|(axis, (reach, _))| reach.is_parallel(axis))
    }
}

/// The edges between blocks, which are in key order; absent when there are more than `limit`.
pub(super) fn connect(
    catalog: &Catalog,
    blocks: &[Block],
    axes: &[Axis],
    as_of_ms: u64,
    limit: u64,
) -> Option<Edges> {
    let block_of = BlockOf::new(catalog, blocks);
    let tasks = blocks.last().map_or(0, |block| block.base + block.tasks);
    let mut edges = Edges {
        upstreams: Lists::with_capacity(tasks as usize, tasks as usize),
        even: Vec::with_capacity(blocks.len()),
        parallel: Some(Lists::with_capacity(blocks.len(), blocks.len())),
    };
    let mut total: u64 = 0;
    let (mut joints, mut before): (Vec<Joint>, Vec<Joint>) = (Vec::new(), Vec::new());
    for block in blocks {
        let own = axes_of(block, axes);
        core::mem::swap(&mut joints, &mut before);
        joints.clear();
        for link in catalog.links(block.asset) {
            let at = block_of.get(link.upstream);
            let Some((at, upstream)) = at.and_then(|at| Some((at, blocks.get(at)?))) else {
                continue;
            };
            let key = FitKey {
                own: (block.axis, block.dimensions),
                upstream: (upstream.axis, upstream.dimensions),
                said: link.said,
            };
            let alike = [joints.last(), before.get(joints.len())];
            let known = alike
                .into_iter()
                .flatten()
                .find(|joint| joint.fit.key == key);
            let fit = match known {
                Some(joint) => joint.fit.clone(),
                None => {
                    let others = axes_of(upstream, axes);
                    let said = catalog.dimension_links(link);
                    let reaches = reaches(catalog, link.upstream, said, own, others, as_of_ms);
                    Rc::new(Fit {
                        key,
                        edges: count(own, &reaches),
                        is_even: reaches.iter().all(|(reach, _)| reach.is_even(own)),
                        is_parallel: key.is_parallel(&reaches),
                        reaches,
                    })
                }
            };
            total = total.saturating_add(fit.edges);
            joints.push(Joint {
                block: u32::try_from(at).unwrap_or(u32::MAX),
                base: upstream.base,
                operations: u32::from(upstream.operations),
                awaited: u32::from(upstream.awaited),
                fit,
            });
        }
        total = total.saturating_add(u64::from(block.tasks) / 2 * u64::from(block.operations - 1));
        if total > limit {
            return None;
        }
        edges
            .even
            .push(joints.iter().all(|joint| joint.fit.is_even));
        if joints.iter().all(|joint| joint.fit.is_parallel) {
            if let Some(parallel) = &mut edges.parallel {
                joints.iter().for_each(|joint| parallel.push(joint.block));
                parallel.close();
            }
        } else {
            edges.parallel = None;
        }
        extend(&mut edges.upstreams, block, own, &joints);
    }
    Some(edges)
}

/// For each task the tasks that wait for it.
pub(super) fn downstreams(edges: &Edges, blocks: &[Block]) -> Lists {
    match &edges.parallel {
        None => edges.upstreams.reversed(),
        Some(parallel) => spread(&parallel.reversed(), blocks, edges.upstreams.targets()),
    }
}

/// The lists of tasks out of the lists of their blocks: tasks far apart are not visited for each edge between them.
fn spread(after: &Lists, blocks: &[Block], edges: usize) -> Lists {
    let tasks = blocks.last().map_or(0, |block| block.base + block.tasks);
    let mut downstreams = Lists::with_capacity(tasks as usize, edges);
    // The first task of each block that waits, and how far apart its partitions are.
    let mut waiting: Vec<(u32, u32)> = Vec::new();
    for (number, block) in (0u32..).zip(blocks) {
        let after = after.of(number);
        waiting.clear();
        waiting.extend(after.iter().map(|&other| {
            let other = &blocks[other as usize];
            (other.base, u32::from(other.operations))
        }));
        // A check stands among those that wait for what it checks as its block does.
        let (earlier, later) = waiting.split_at(after.partition_point(|other| *other < number));
        let operations = u32::from(block.operations);
        for place in 0..block.tasks / operations {
            for operation in 0..operations {
                let waits = |waiting: &[(u32, u32)], downstreams: &mut Lists| {
                    for (base, apart) in waiting {
                        downstreams.push(base + place * apart);
                    }
                };
                let is_awaited = operation == u32::from(block.awaited);
                if is_awaited {
                    waits(earlier, &mut downstreams);
                }
                if operation + 1 < operations {
                    downstreams.push(block.base + place * operations + operation + 1);
                }
                if is_awaited {
                    waits(later, &mut downstreams);
                }
                downstreams.close();
            }
        }
    }
    downstreams
}

fn axes_of<'a>(block: &Block, axes: &'a [Axis]) -> &'a [Axis] {
    let start = block.axis as usize;
    &axes[start..start + usize::from(block.dimensions)]
}

/// How the positions of each upstream axis follow, with the number of places of one position.
pub(super) fn reaches(
    catalog: &Catalog,
    upstream: AssetIndex,
    links: &[DimensionLink],
    own: &[Axis],
    others: &[Axis],
    as_of_ms: u64,
) -> Vec<(Reach, u32)> {
    let mut reaches = Vec::with_capacity(links.len());
    let mut stride = 1u32;
    for (index, (link, axis)) in links.iter().zip(others).enumerate().rev() {
        // Only `latest` asks for the space: with many assets a look at each costs more than the rest.
        let latest = || match &catalog.space(upstream).dimensions().get(index)?.values {
            Values::Time(time) => {
                let value = time.grain.value(time.end_at(as_of_ms) - 1)?;
                axis.position(&value)
            }
            _ => None,
        };
        reaches.push((Reach::new(*link, own, axis, latest), stride));
        // An axis of a plan is not longer than the plan; an axis of inputs is only counted by `u64`.
        stride = stride.saturating_mul(axis.len());
    }
    reaches.reverse();
    reaches
}

/// The edges of all partitions of a block along one link, without visiting the partitions.
fn count(own: &[Axis], reaches: &[(Reach, u32)]) -> u64 {
    let mut product: u64 = 1;
    for (reach, _) in reaches.iter().filter(|(reach, _)| reach.from().is_none()) {
        product = product.saturating_mul(width(reach, &[]));
    }
    let mut positions = [0; crate::wire::manifest::limit::MAX_DIMENSIONS];
    for (index, axis) in (0u32..).zip(own) {
        let mut here = reaches
            .iter()
            .filter(|(reach, _)| reach.from() == Some(index))
            .peekable();
        if here.peek().is_none() {
            product = product.saturating_mul(u64::from(axis.len()));
            continue;
        }
        let mut sum: u64 = 0;
        for position in 0..axis.len() {
            positions[index as usize] = position;
            let widths = reaches
                .iter()
                .filter(|(reach, _)| reach.from() == Some(index))
                .map(|(reach, _)| width(reach, &positions));
            sum = sum.saturating_add(widths.fold(1, u64::saturating_mul));
        }
        product = product.saturating_mul(sum);
    }
    product
}

fn width(reach: &Reach, positions: &[u32]) -> u64 {
    let (start, end) = reach.at(positions);
    u64::from(end.saturating_sub(start))
}

fn extend(upstreams: &mut Lists, block: &Block, own: &[Axis], joints: &[Joint]) {
    let mut positions = [0; crate::wire::manifest::limit::MAX_DIMENSIONS];
    for place in 0..block.tasks / u32::from(block.operations) {
        for joint in joints {
            if joint.fit.is_parallel {
                upstreams.push(joint.target(place));
            } else {
                push_places(upstreams, joint, &joint.fit.reaches, &positions, 0);
            }
        }
        upstreams.close();
        if block.operations == 2 {
            upstreams.push(block.base + 2 * place);
            upstreams.close();
        }
        advance(&mut positions, own);
    }
}

fn push_places(
    upstreams: &mut Lists,
    joint: &Joint,
    rest: &[(Reach, u32)],
    positions: &[u32],
    place: u32,
) {
    match rest {
        [] => upstreams.push(joint.target(place)),
        [(reach, stride), rest @ ..] => {
            let (start, end) = reach.at(positions);
            for position in start..end {
                push_places(upstreams, joint, rest, positions, place + position * stride);
            }
        }
    }
}

/// The next partition in key order: the last dimension moves first.
fn advance(positions: &mut [u32], own: &[Axis]) {
    for (position, axis) in positions.iter_mut().zip(own).rev() {
        *position += 1;
        if *position < axis.len() {
            return;
        }
        *position = 0;
    }
}
