//! The least that any compiler of a graph does with its edges: arrays are walked, and nothing is known of assets or partitions.

use arcoflow_core::plan::Plan;

/// A graph in arrays: the upstreams of a task are `targets[starts[task]..starts[task + 1]]`.
pub(crate) struct Graph {
    starts: Vec<u32>,
    targets: Vec<u32>,
    /// Every task after its upstreams.
    order: Vec<u32>,
}

impl Graph {
    pub(crate) fn of(plan: &Plan) -> Graph {
        let mut graph = Graph {
            starts: vec![0],
            targets: Vec::new(),
            order: plan.order().to_vec(),
        };
        for task in 0..plan.len() {
            graph.targets.extend(plan.upstreams(task));
            graph.starts.push(graph.targets.len() as u32);
        }
        graph
    }

    /// Writes the edges down, turns them around, and finds the longest way to each task.
    pub(crate) fn walk(&self) -> [Vec<u32>; 5] {
        let (starts, targets) = (self.starts.clone(), self.targets.clone());
        let tasks = starts.len() - 1;
        let mut ends = vec![0u32; tasks + 2];
        for &target in &targets {
            ends[target as usize + 2] += 1;
        }
        for task in 1..ends.len() {
            ends[task] += ends[task - 1];
        }
        let mut sources = vec![0u32; targets.len()];
        for task in 0..tasks {
            for &target in &targets[starts[task] as usize..starts[task + 1] as usize] {
                let slot = &mut ends[target as usize + 1];
                sources[*slot as usize] = task as u32;
                *slot += 1;
            }
        }
        let mut stage = vec![0u32; tasks];
        for &task in &self.order {
            let upstreams = starts[task as usize] as usize..starts[task as usize + 1] as usize;
            let after = targets[upstreams]
                .iter()
                .map(|&upstream| stage[upstream as usize] + 1);
            stage[task as usize] = after.max().unwrap_or(0);
        }
        [starts, targets, ends, sources, stage]
    }
}
