//! Requests that wait for work stand in line, and work wakes as many of them as it can feed.

use std::collections::BTreeSet;
use std::time::Instant;

use arcoflow_core::door::http::Response;

use super::Request;

/// A request that waits.
pub(super) struct Parked {
    pub(super) request: Box<Request>,
    /// What it gets when nothing comes.
    pub(super) response: Response,
    pub(super) queues: Vec<String>,
    pub(super) until: Instant,
}

/// The line.
#[derive(Default)]
pub(super) struct Waiting {
    line: Vec<Parked>,
    /// Queues that will have work at a time that is known already.
    later: Vec<(Instant, String)>,
    /// Queues that have work which nobody was asked about yet.
    ready: BTreeSet<String>,
}

impl Waiting {
    pub(super) fn push(&mut self, parked: Parked) {
        self.line.push(parked);
    }

    /// Notes when the next work of these queues may be leased.
    pub(super) fn ask_again(&mut self, queues: &[String], at: Option<Instant>) {
        let Some(at) = at else { return };
        for queue in queues {
            match self.later.iter_mut().find(|(_, known)| known == queue) {
                Some((known_at, _)) => *known_at = (*known_at).min(at),
                None => self.later.push((at, queue.clone())),
            }
        }
    }

    /// Notes queues that have work.
    pub(super) fn ready(&mut self, queues: BTreeSet<String>) {
        self.ready.extend(queues);
    }

    /// The queues that have work by now.
    pub(super) fn due(&mut self, now: Instant) -> BTreeSet<String> {
        let mut due = std::mem::take(&mut self.ready);
        self.later.retain(|(at, queue)| {
            let is_due = *at <= now;
            if is_due {
                due.insert(queue.clone());
            }
            !is_due
        });
        due
    }

    /// When somebody has to be looked after.
    pub(super) fn next_at(&self) -> Option<Instant> {
        if self.line.is_empty() {
            return None;
        }
        if !self.ready.is_empty() {
            return Some(Instant::now());
        }
        let ends = self.line.iter().map(|parked| parked.until);
        let later = self.later.iter().map(|(at, _)| *at);
        ends.chain(later).min()
    }

    /// The next in line, from a place on, that waits for one of these queues.
    pub(super) fn take_next(
        &mut self,
        at: &mut usize,
        queues: &BTreeSet<String>,
    ) -> Option<Parked> {
        if queues.is_empty() {
            return None;
        }
        while let Some(parked) = self.line.get(*at) {
            if parked.queues.iter().any(|queue| queues.contains(queue)) {
                return Some(self.line.remove(*at));
            }
            *at += 1;
        }
        None
    }

    /// Puts one back to where it stood.
    pub(super) fn put_back(&mut self, at: usize, parked: Parked) {
        self.line.insert(at.min(self.line.len()), parked);
    }

    /// Sends away those whose time is over, and forgets those who left.
    pub(super) fn give_up(&mut self, now: Instant) {
        let mut at = 0;
        while let Some(parked) = self.line.get(at) {
            if parked.until > now && !parked.request.reply.is_closed() {
                at += 1;
                continue;
            }
            let parked = self.line.remove(at);
            let _ = parked.request.reply.send(parked.response);
        }
    }

    /// Sends everybody away.
    pub(super) fn release(&mut self) {
        for parked in self.line.drain(..) {
            let _ = parked.request.reply.send(parked.response);
        }
    }
}
