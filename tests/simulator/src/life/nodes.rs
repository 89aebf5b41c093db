//! The other side of a life: answers reach nodes, alarms wake them, and they die and forget everything.

use super::{Life, Moment, new_scheduler, new_worker};
use crate::judge::{Broken, rule};
use crate::post::{Node, Out, Seen};

impl Life {
    pub(super) fn answer(
        &mut self,
        node: Node,
        life: u64,
        number: u64,
        seen: Option<Seen>,
    ) -> Result<(), Broken> {
        let Some((_, _, tag)) = self.calls.remove(&number) else {
            return Ok(());
        };
        if life != self.life_of(node) || self.is_down(node) {
            return Ok(());
        }
        if let Node::Scheduler(_) = node
            && self.fate.once_in_thousand(self.faults.scheduler_crash)
        {
            self.marks.hit("scheduler died");
            self.node_dies(node);
            return Ok(());
        }
        // An answer that names a record says that the record is on disk.
        let named = seen.as_ref().filter(|seen| seen.status < 300);
        let named = named.and_then(|seen| seen.json["seq"].as_u64());
        rule(
            named.is_none_or(|seq| seq <= self.judge.records()),
            "I01 an answer leaves after the sync",
            || format!("record {named:?} of {}", self.judge.records()),
        )?;
        let mut out = Out::default();
        match node {
            Node::Client => self.client.hear(tag, seen, &mut self.marks, &mut out),
            Node::Scheduler(index) => {
                if let Some(scheduler) = self.schedulers.get_mut(index) {
                    scheduler.hear(
                        tag,
                        seen,
                        self.now_ms,
                        &self.faults,
                        &mut self.marks,
                        &mut out,
                    );
                    self.mirror.check_scheduler(&scheduler.world)?;
                }
            }
            Node::Worker(index) => {
                if let Some(worker) = self.workers.get_mut(index) {
                    worker.hear(
                        tag,
                        seen,
                        self.now_ms,
                        &self.faults,
                        &mut self.marks,
                        &mut out,
                    );
                }
            }
        }
        self.post(node, out)
    }

    pub(super) fn ring(&mut self, node: Node, life: u64, what: u64) -> Result<(), Broken> {
        if life != self.life_of(node) || self.is_down(node) {
            return Ok(());
        }
        if let Node::Worker(index) = node {
            let is_busy = self
                .workers
                .get(index)
                .is_some_and(|worker| worker.busy() > 0);
            if is_busy && self.fate.once_in_thousand(self.faults.worker_crash) {
                self.marks.hit("worker died");
                self.node_dies(node);
                return Ok(());
            }
        }
        let mut out = Out::default();
        match node {
            Node::Client => self.client.ring(what, &mut self.marks, &mut out),
            Node::Scheduler(index) => {
                if let Some(scheduler) = self.schedulers.get_mut(index) {
                    scheduler.wake(what, self.now_ms, &self.faults, &mut out);
                }
            }
            Node::Worker(index) => {
                if let Some(worker) = self.workers.get_mut(index) {
                    worker.ring(what, self.now_ms, &self.faults, &mut out);
                }
            }
        }
        self.post(node, out)
    }

    pub(super) fn node_dies(&mut self, node: Node) {
        *self.lives.entry(node).or_insert(0) += 1;
        self.down.insert(node, true);
        let after = self.fate.between(100, 120_000);
        self.rows.away(node, self.now_ms + after);
        self.place(after, Moment::Returns(Some(node)));
    }

    pub(super) fn node_returns(&mut self, node: Node) {
        self.down.insert(node, false);
        let life = self.life_of(node);
        match node {
            Node::Scheduler(index) => {
                if let Some(scheduler) = self.schedulers.get_mut(index) {
                    *scheduler = new_scheduler(self.settings.seed, index, life, &self.shelf);
                }
            }
            Node::Worker(index) => {
                if let Some(worker) = self.workers.get_mut(index) {
                    *worker = new_worker(self.settings.seed, index, life);
                }
            }
            Node::Client => {}
        }
        self.begin(node, 1);
    }
}
