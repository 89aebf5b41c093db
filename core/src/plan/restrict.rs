//! A part of a plan is a plan: the tasks that are kept, and the edges among them.

use alloc::vec;
use alloc::vec::Vec;

use crate::plan::edge::Edges;
use crate::plan::lists::Lists;
use crate::plan::{Block, Plan, compile};

const GONE: u32 = u32::MAX;

impl Plan {
    /// The plan of the tasks for which `keep` is true; an edge to a task that is not kept is gone.
    pub fn restrict(&self, keep: &dyn Fn(u32) -> bool) -> Plan {
        let mut renumbered = vec![GONE; self.len() as usize];
        let mut places = Vec::new();
        let mut blocks = Vec::new();
        let mut kept = 0;
        for block in &self.blocks {
            let base = kept;
            for task in block.base..block.base + block.tasks {
                if keep(task) {
                    renumbered[task as usize] = kept;
                    places.push(self.place(task, block));
                    kept += 1;
                }
            }
            if kept > base {
                blocks.push(Block {
                    base,
                    tasks: kept - base,
                    ..block.clone()
                });
            }
        }
        let edges = self.edges_among(&renumbered, kept);
        compile::assemble(
            self.catalog.clone(),
            blocks,
            self.axes.clone(),
            Some(places),
            edges,
        )
    }

    fn edges_among(&self, renumbered: &[u32], kept: u32) -> Edges {
        let mut upstreams = Lists::with_capacity(kept as usize, 0);
        for task in (0..self.len()).filter(|&task| renumbered[task as usize] != GONE) {
            let kept = self.upstreams.of(task).iter();
            kept.map(|&upstream| renumbered[upstream as usize])
                .filter(|&upstream| upstream != GONE)
                .for_each(|upstream| upstreams.push(upstream));
            upstreams.close();
        }
        Edges {
            upstreams,
            // Any of its tasks may have lost what it waits for.
            even: Vec::new(),
            parallel: None,
        }
    }
}
