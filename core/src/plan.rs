//! A plan is what a manifest and a trigger amount to: tasks in key order, and which waits for which.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::mem::size_of;
use core::ops::Range;

use crate::identity::keys::{AssetKey, Operation, TaskKey};
use crate::identity::partition_key::PartitionKey;
use crate::wire::finding::Finding;
use crate::wire::manifest::policy::Severity;
use crate::wire::trigger::Trigger;

pub mod catalog;
mod lookup;
pub(crate) mod order;
pub mod zone;
pub mod calendar;
pub mod space;
mod step;
mod typed;
mod suggestion;
mod validate;
pub mod selection;
mod constraint;
mod axis;
mod reach;
mod compile;
mod edge;
mod lists;
mod fingerprint;
mod restrict;
pub mod inputs;
pub mod dependents;
pub mod outline;
pub mod stretch;
pub mod diff;

use axis::Axis;
use catalog::{AssetIndex, Catalog};
use lists::Lists;
use step::step;

/// Tasks of one plan where memory is plenty.
pub const MAX_TASKS: u32 = 1_000_000;
/// Tasks of one plan at the edge.
pub const MAX_TASKS_EDGE: u32 = 100_000;
/// Edges of one plan, for each task that its limit allows.
pub const MAX_EDGES_PER_TASK: u64 = 16;

/// Compiles a plan of at most `limit` tasks.
///
/// `as_of_ms` (milliseconds since 1970) is when the run was triggered: a time dimension without an end stops at
/// the last partition that is complete then. The same arguments give the same plan everywhere.
pub fn compile(
    catalog: &Catalog,
    trigger: &Trigger,
    as_of_ms: u64,
    limit: u32,
) -> Result<Plan, PlanError> {
    compile::compile(catalog, trigger, as_of_ms, limit)
}

/// Tasks by number, in task-key order: asset key bytes, partition key bytes, operation.
#[derive(Clone, Debug)]
pub struct Plan {
    catalog: Catalog,
    blocks: Vec<Block>,
    axes: Vec<Axis>,
    /// From task to block.
    block_of: Vec<u32>,
    /// From task to place within its block; absent while every block is whole.
    places: Option<Vec<u32>>,
    upstreams: Lists,
    downstreams: Lists,
    order: Vec<u32>,
    stage: Vec<u32>,
    stages: u32,
}

/// The tasks of one asset: for each partition in key order, each operation.
#[derive(Clone, Debug)]
struct Block {
    asset: AssetIndex,
    /// Its first task.
    base: u32,
    /// How many tasks it has.
    tasks: u32,
    /// Its axes are `axes[axis..axis + dimensions]`.
    axis: u32,
    dimensions: u8,
    /// 1, or 2 with a check after each `materialize`.
    operations: u8,
    /// The operation that a downstream asset waits for: 0 or 1.
    awaited: u8,
}

/// Why a trigger does not amount to a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// The rule, the place in the trigger, and what to do.
    pub finding: Finding,
    /// The limit that `plan.too_large` is about.
    pub limit: Option<u32>,
}

impl From<Finding> for PlanError {
    fn from(finding: Finding) -> PlanError {
        PlanError {
            finding,
            limit: None,
        }
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.finding.fmt(formatter)
    }
}

impl core::error::Error for PlanError {}

impl Plan {
    /// How many tasks there are.
    pub fn len(&self) -> u32 {
        narrow(self.block_of.len())
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.block_of.is_empty()
    }

    /// The catalog that the plan was compiled from.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The key of a task.
    ///
    /// # Panics
    /// As every accessor of a task: on a number that is not below [`Plan::len`].
    pub fn key(&self, task: u32) -> TaskKey {
        let partition = self.partition(task);
        TaskKey::new(
            self.asset_key(task),
            partition.as_ref(),
            self.operation(task),
        )
    }

    /// Writes the key of a task at the end of `text`.
    pub fn write_key(&self, task: u32, text: &mut String) {
        text.push_str(self.asset_key(task).as_str());
        if self.block(task).dimensions > 0 {
            text.push('[');
            self.write_partition(task, text);
            text.push(']');
        }
        text.push(':');
        text.push_str(self.operation(task).as_str());
    }

    /// The asset of a task.
    pub fn asset(&self, task: u32) -> AssetIndex {
        self.block(task).asset
    }

    /// The place of a task's asset among those of [`Plan::assets`].
    pub fn asset_place(&self, task: u32) -> u32 {
        self.block_of[task as usize]
    }

    /// The asset key of a task.
    pub fn asset_key(&self, task: u32) -> &AssetKey {
        &self.catalog.asset(self.asset(task)).key
    }

    /// What a task does.
    pub fn operation(&self, task: u32) -> Operation {
        let block = self.block(task);
        if self
            .place(task, block)
            .is_multiple_of(u32::from(block.operations))
        {
            Operation::Materialize
        } else {
            Operation::Check
        }
    }

    /// The partition of a task; absent for an unpartitioned asset.
    pub fn partition(&self, task: u32) -> Option<PartitionKey> {
        if self.block(task).dimensions == 0 {
            return None;
        }
        let mut text = String::with_capacity(64);
        self.write_partition(task, &mut text);
        PartitionKey::parse(&text).ok()
    }

    /// Whether a task's failure is only a warning: a check that does not block.
    pub fn is_warning(&self, task: u32) -> bool {
        let check = &self.catalog.asset(self.asset(task)).check;
        self.operation(task) == Operation::Check
            && check
                .as_ref()
                .is_some_and(|check| check.severity == Severity::Warn)
    }

    /// The priority of a task within its run.
    pub fn priority(&self, task: u32) -> i32 {
        self.catalog.asset(self.asset(task)).priority
    }

    /// The tasks that a task waits for, ascending.
    pub fn upstreams(&self, task: u32) -> &[u32] {
        self.upstreams.of(task)
    }

    /// The tasks that wait for a task, ascending.
    pub fn downstreams(&self, task: u32) -> &[u32] {
        self.downstreams.of(task)
    }

    /// Every task after its upstreams: by stage, ties by key.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// The longest way to a task from one that waits for nothing, in edges.
    pub fn stage(&self, task: u32) -> u32 {
        self.stage[task as usize]
    }

    /// How many stages there are.
    pub fn stages(&self) -> u32 {
        self.stages
    }

    /// How many edges there are.
    pub fn edges(&self) -> u32 {
        narrow(self.upstreams.targets())
    }

    /// The number of the task with this key.
    pub fn find(&self, key: &TaskKey) -> Option<u32> {
        let asset = self.catalog.find_text(key.asset_str())?;
        self.find_place(asset, key.partition_str(), key.operation())
    }

    /// The number of a task by what its key is made of.
    pub fn find_task(
        &self,
        asset: AssetIndex,
        partition: Option<&PartitionKey>,
        operation: Operation,
    ) -> Option<u32> {
        self.find_place(asset, partition.map(PartitionKey::as_str), operation)
    }

    fn find_place(
        &self,
        asset: AssetIndex,
        partition: Option<&str>,
        operation: Operation,
    ) -> Option<u32> {
        let block = self.block_of_asset(asset)?;
        let operation = match operation {
            Operation::Materialize => 0,
            Operation::Check => 1,
            Operation::Backfill => return None,
        };
        if operation >= u32::from(block.operations) {
            return None;
        }
        let place =
            self.place_of_partition(block, partition)? * u32::from(block.operations) + operation;
        match &self.places {
            None => Some(block.base + place),
            Some(places) => {
                let tasks = block.base as usize..(block.base + block.tasks) as usize;
                let found = places[tasks].binary_search(&place).ok()?;
                Some(block.base + u32::try_from(found).ok()?)
            }
        }
    }

    /// The tasks of an asset, consecutive.
    pub fn tasks_of(&self, asset: AssetIndex) -> Range<u32> {
        match self.block_of_asset(asset) {
            Some(block) => block.base..block.base + block.tasks,
            None => 0..0,
        }
    }

    /// The assets that have tasks, in the order of their keys.
    pub fn assets(&self) -> impl Iterator<Item = AssetIndex> + '_ {
        self.blocks.iter().map(|block| block.asset)
    }

    /// The bytes that the plan holds, without what it shares with its catalog.
    pub fn memory_bytes(&self) -> usize {
        let words = self.block_of.capacity()
            + self.places.as_ref().map_or(0, Vec::capacity)
            + self.upstreams.words()
            + self.downstreams.words()
            + self.order.capacity()
            + self.stage.capacity();
        words * size_of::<u32>()
            + self.blocks.capacity() * size_of::<Block>()
            + self.axes.capacity() * size_of::<Axis>()
            + self.axes.iter().map(Axis::heap_bytes).sum::<usize>()
    }

    fn block(&self, task: u32) -> &Block {
        &self.blocks[self.block_of[task as usize] as usize]
    }

    /// A block stands where its asset does in the catalog, less as many places as there are assets before it that were left out: in a
    /// plan of everything there is nothing to search.
    fn block_of_asset(&self, asset: AssetIndex) -> Option<&Block> {
        let left_out = self.catalog.len().saturating_sub(narrow(self.blocks.len()));
        let last = (asset.0 as usize + 1).min(self.blocks.len());
        let first = asset.0.saturating_sub(left_out) as usize;
        let near = self.blocks.get(first..last)?;
        let found = near.binary_search_by(|block| {
            step();
            block.asset.cmp(&asset)
        });
        near.get(found.ok()?)
    }

    fn axes(&self, block: &Block) -> &[Axis] {
        let start = block.axis as usize;
        &self.axes[start..start + usize::from(block.dimensions)]
    }

    fn place(&self, task: u32, block: &Block) -> u32 {
        match &self.places {
            None => task - block.base,
            Some(places) => places[task as usize],
        }
    }

    /// The text of a partition key is its dimensions in order, so it is looked up as it stands.
    fn place_of_partition(&self, block: &Block, partition: Option<&str>) -> Option<u32> {
        let Some(partition) = partition else {
            return (block.dimensions == 0).then_some(0);
        };
        let dimensions = self.catalog.space(block.asset).dimensions();
        if block.dimensions == 0 {
            return None;
        }
        let mut rest = Some(partition);
        let mut place = 0u32;
        for (axis, dimension) in self.axes(block).iter().zip(dimensions) {
            let given = rest?;
            let comma = given.bytes().position(|byte| byte == b',');
            rest = comma.and_then(|comma| given.get(comma + 1..));
            let given = given.get(..comma.unwrap_or(given.len()))?;
            let value = given.strip_prefix(dimension.name.as_str())?;
            place = place * axis.len() + axis.position_of_text(value.strip_prefix('=')?)?;
        }
        rest.is_none().then_some(place)
    }

    fn write_partition(&self, task: u32, text: &mut String) {
        let block = self.block(task);
        let axes = self.axes(block);
        let mut positions = [0; crate::wire::manifest::limit::MAX_DIMENSIONS];
        let mut rest = self.place(task, block) / u32::from(block.operations);
        for (position, axis) in positions.iter_mut().zip(axes).rev() {
            *position = rest % axis.len();
            rest /= axis.len();
        }
        let dimensions = self.catalog.space(block.asset).dimensions();
        for (index, (axis, dimension)) in axes.iter().zip(dimensions).enumerate() {
            if index > 0 {
                text.push(',');
            }
            text.push_str(&dimension.name);
            text.push('=');
            axis.write(positions[index], text);
        }
    }
}

/// Counts of a plan are bounded by 32 bits.
fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
