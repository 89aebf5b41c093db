//! Compiling is linear: blocks of tasks by counting, edges by position, stages by asset.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use crate::identity::partition_key::MAX_BYTES;
use crate::plan::axis::Axis;
use crate::plan::catalog::{AssetIndex, Catalog};
use crate::plan::constraint::Constraints;
use crate::plan::edge::{self, BlockOf, Edges};
use crate::plan::step::step;
use crate::plan::{Block, MAX_EDGES_PER_TASK, Plan, PlanError, selection};
use crate::wire::finding::Finding;
use crate::wire::trigger::Trigger;

pub(super) fn compile(
    catalog: &Catalog,
    trigger: &Trigger,
    as_of_ms: u64,
    limit: u32,
) -> Result<Plan, PlanError> {
    trigger.validate()?;
    let selected = selection::select(catalog, &trigger.selection)?;
    let (blocks, axes) = lay_out(catalog, &selected, trigger, as_of_ms, limit)?;
    let edge_limit = u64::from(limit)
        .saturating_mul(MAX_EDGES_PER_TASK)
        .min(u64::from(u32::MAX));
    let Some(edges) = edge::connect(catalog, &blocks, &axes, as_of_ms, edge_limit) else {
        return Err(too_many_edges(limit, edge_limit));
    };
    Ok(assemble(catalog.clone(), blocks, axes, None, edges))
}

/// The blocks of the selected assets; nothing of the size of a block is made here.
fn lay_out(
    catalog: &Catalog,
    selected: &[AssetIndex],
    trigger: &Trigger,
    as_of_ms: u64,
    limit: u32,
) -> Result<(Vec<Block>, Vec<Axis>), PlanError> {
    let mut constraints = Constraints::resolve(catalog, selected, trigger, as_of_ms)?;
    let mut blocks = Vec::with_capacity(selected.len());
    let mut axes: Vec<Axis> = Vec::new();
    let mut extents: Vec<Option<Extent>> = vec![None; catalog.spaces()];
    let mut total: u64 = 0;
    for &asset in selected {
        step();
        let slot = &mut extents[catalog.space_place(asset)];
        let extent = match *slot {
            Some(known) => known,
            None => *slot.insert(extent_of(catalog, asset, &mut constraints, &mut axes)?),
        };
        let declared = catalog.tasks(asset);
        let operations = if declared.check && trigger.checks {
            2
        } else {
            1
        };
        let tasks = extent.partitions.saturating_mul(u64::from(operations));
        let base = total;
        total = total.saturating_add(tasks);
        if total > u64::from(limit) {
            return Err(too_many_tasks(catalog, asset, tasks, limit));
        }
        if tasks == 0 {
            continue;
        }
        blocks.push(Block {
            asset,
            base: narrow(base),
            tasks: narrow(tasks),
            axis: extent.axis,
            dimensions: extent.dimensions,
            operations,
            awaited: u8::from(operations == 2 && declared.blocks),
        });
    }
    constraints.finish()?;
    Ok((blocks, axes))
}

/// The part of a space that a plan covers.
#[derive(Clone, Copy)]
struct Extent {
    /// Its axes are `axes[axis..axis + dimensions]`.
    axis: u32,
    dimensions: u8,
    partitions: u64,
}

/// The extent of an asset's space, which all assets with that space share.
fn extent_of(
    catalog: &Catalog,
    asset: AssetIndex,
    constraints: &mut Constraints,
    axes: &mut Vec<Axis>,
) -> Result<Extent, PlanError> {
    let start = axes.len();
    for dimension in catalog.space(asset).dimensions() {
        step();
        axes.push(constraints.axis(catalog, asset, dimension)?);
    }
    let own = &axes[start..];
    check_key_length(catalog, asset, own)?;
    Ok(Extent {
        axis: narrow(start as u64),
        dimensions: u8::try_from(own.len()).unwrap_or(u8::MAX),
        partitions: own.iter().fold(1u64, |count, axis| {
            count.saturating_mul(u64::from(axis.len()))
        }),
    })
}

/// Numbers, reverse edges, stages and order from blocks and edges.
pub(super) fn assemble(
    catalog: Catalog,
    blocks: Vec<Block>,
    axes: Vec<Axis>,
    places: Option<Vec<u32>>,
    edges: Edges,
) -> Plan {
    let total = edges.upstreams.len();
    let mut block_of = Vec::with_capacity(total);
    for (index, block) in (0u32..).zip(&blocks) {
        block_of.resize((block.base + block.tasks) as usize, index);
    }
    let downstreams = edge::downstreams(&edges, &blocks);
    let stage = stages(&catalog, &blocks, &edges);
    let stages = stage.iter().max().map_or(0, |last| last + 1);
    let order = order(&stage, stages);
    Plan {
        catalog,
        blocks,
        axes,
        block_of,
        places,
        upstreams: edges.upstreams,
        downstreams,
        order,
        stage,
        stages,
    }
}

/// The longest way to each task: assets in their order, and within an asset a check after what it checks.
///
/// In an even block it is the same for every partition, so one look at each upstream asset tells it.
fn stages(catalog: &Catalog, blocks: &[Block], edges: &Edges) -> Vec<u32> {
    let block_of = BlockOf::new(catalog, blocks);
    let mut stage = vec![0; edges.upstreams.len()];
    // The stage of what others wait for, where a block has one.
    let mut awaited: Vec<Option<u32>> = vec![None; blocks.len()];
    for &asset in catalog.topological() {
        let Some(index) = block_of.get(asset) else {
            continue;
        };
        let block = &blocks[index];
        let tasks = block.base as usize..(block.base + block.tasks) as usize;
        let even = edges.even.get(index) == Some(&true);
        let first = match even {
            true => first_stage(catalog, asset, &block_of, &awaited),
            false => None,
        };
        match first {
            Some(first) => {
                let operations = (first..first + u32::from(block.operations)).cycle();
                for (slot, stage) in stage[tasks].iter_mut().zip(operations) {
                    *slot = stage;
                }
                awaited[index] = Some(first + u32::from(block.awaited));
            }
            None => {
                for task in tasks {
                    stage[task] = stage_of(edges, &stage, task as u32);
                }
            }
        }
    }
    stage
}

/// The stage after every upstream of an asset; absent where one of them has several.
fn first_stage(
    catalog: &Catalog,
    asset: AssetIndex,
    block_of: &BlockOf,
    awaited: &[Option<u32>],
) -> Option<u32> {
    let mut first = 0;
    for link in catalog.links(asset) {
        step();
        if let Some(upstream) = block_of.get(link.upstream) {
            first = first.max(awaited[upstream]? + 1);
        }
    }
    Some(first)
}

/// The stage after every upstream of a task.
fn stage_of(edges: &Edges, stage: &[u32], task: u32) -> u32 {
    let after = edges.upstreams.of(task).iter().map(|&upstream| {
        step();
        stage[upstream as usize] + 1
    });
    after.max().unwrap_or(0)
}

/// Tasks by stage, ties by number, by counting.
fn order(stage: &[u32], stages: u32) -> Vec<u32> {
    let mut starts = vec![0u32; stages as usize + 1];
    for &stage in stage {
        starts[stage as usize + 1] += 1;
    }
    for index in 1..starts.len() {
        starts[index] += starts[index - 1];
    }
    let mut order = vec![0; stage.len()];
    for (task, &stage) in (0u32..).zip(stage) {
        let slot = &mut starts[stage as usize];
        order[*slot as usize] = task;
        *slot += 1;
    }
    order
}

/// Refuses values of dynamic dimensions that together make a partition key too long.
fn check_key_length(catalog: &Catalog, asset: AssetIndex, axes: &[Axis]) -> Result<(), PlanError> {
    let dynamic: usize = axes.iter().map(Axis::dynamic_bytes).sum();
    if dynamic == 0 || catalog.space(asset).fixed_key_bytes() + dynamic <= MAX_BYTES {
        return Ok(());
    }
    let key = &catalog.asset(asset).key;
    let finding = Finding::new(
        "plan.partition_length",
        "",
        format!("a partition key of `{key}` would have more than {MAX_BYTES} bytes"),
        "use shorter values",
    );
    Err(finding.into())
}

/// Numbers here are bounded by a limit of 32 bits before they are narrowed.
fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn too_many_tasks(catalog: &Catalog, asset: AssetIndex, tasks: u64, limit: u32) -> PlanError {
    let key = &catalog.asset(asset).key;
    too_large(
        limit,
        format!("with the {tasks} tasks of `{key}` the plan has more than {limit} tasks"),
    )
}

fn too_many_edges(limit: u32, edge_limit: u64) -> PlanError {
    too_large(
        limit,
        format!("the plan has more than {edge_limit} edges between its tasks"),
    )
}

fn too_large(limit: u32, message: alloc::string::String) -> PlanError {
    PlanError {
        finding: Finding::new(
            "plan.too_large",
            "",
            message,
            "select fewer assets or partitions, or split the work with a backfill",
        ),
        limit: Some(limit),
    }
}
