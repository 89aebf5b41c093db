//! What a scheduler shows of itself is one line, however many ledgers it works for.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use arcoflow_core::wire::shard::Shard;
use tokio::sync::watch;

/// What a scheduler shows of itself, over all ledgers of the workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The newest record of the first ledger that it has folded.
    pub seq: u64,
    /// The epoch under which it decides for the first ledger; `None` while another one does, or while the door is away.
    pub epoch: Option<u64>,
    /// Runs that have not ended.
    pub open_runs: u64,
    /// Records that it could not understand.
    pub quarantined: u64,
    /// Whether the door did not answer when it was last asked about one of the ledgers.
    pub is_door_away: bool,
    /// How many ledgers there are; 0 before the door has said so.
    pub shards: u32,
    /// For how many of them it decides; the others have another scheduler, or none.
    pub held: u32,
}

/// What is shown of one ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) seq: u64,
    pub(super) epoch: Option<u64>,
    pub(super) open_runs: u64,
    pub(super) quarantined: u64,
    pub(super) is_door_away: bool,
}

/// Puts the parts of all ledgers together.
#[derive(Debug)]
pub(super) struct Shown {
    parts: Mutex<BTreeMap<u32, Part>>,
    progress: watch::Sender<Progress>,
}

impl Shown {
    pub(super) fn new(progress: watch::Sender<Progress>) -> Shown {
        Shown {
            parts: Mutex::default(),
            progress,
        }
    }

    /// Shows how a ledger is by now.
    pub(super) fn show(&self, shard: Shard, part: Part) {
        self.change(shard, |known| *known = part);
    }

    /// Shows that the door is away; what was held may still be held when it is back.
    pub(super) fn note_absence(&self, shard: Shard) {
        self.change(shard, |known| known.is_door_away = true);
    }

    fn change(&self, shard: Shard, change: impl FnOnce(&mut Part)) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        change(parts.entry(shard.index()).or_default());
        self.progress.send_replace(sum(&parts, shard.count()));
    }
}

fn sum(parts: &BTreeMap<u32, Part>, shards: u32) -> Progress {
    let first = parts.get(&0).copied().unwrap_or_default();
    let mut progress = Progress {
        seq: first.seq,
        epoch: first.epoch,
        shards,
        ..Progress::default()
    };
    for part in parts.values() {
        progress.open_runs += part.open_runs;
        progress.quarantined += part.quarantined;
        progress.is_door_away |= part.is_door_away;
        progress.held += u32::from(part.epoch.is_some());
    }
    progress
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_tells_of_all_ledgers() {
        let (sender, receiver) = watch::channel(Progress::default());
        let shown = Shown::new(sender);
        let shard = |index| Shard::new(index, 4).expect("a shard");
        let part = Part {
            seq: 70,
            open_runs: 2,
            quarantined: 1,
            ..Part::default()
        };
        shown.show(
            shard(2),
            Part {
                epoch: Some(5),
                ..part
            },
        );
        let without_first = Progress {
            open_runs: 2,
            quarantined: 1,
            shards: 4,
            held: 1,
            ..Progress::default()
        };
        assert_eq!(*receiver.borrow(), without_first);
        let first = Part {
            seq: 9,
            epoch: Some(3),
            ..part
        };
        shown.show(shard(0), first);
        shown.note_absence(shard(2));
        let both = Progress {
            seq: 9,
            epoch: Some(3),
            open_runs: 4,
            quarantined: 2,
            is_door_away: true,
            shards: 4,
            held: 2,
        };
        assert_eq!(*receiver.borrow(), both);
        shown.show(shard(2), Part::default());
        let one_lost = Progress {
            open_runs: 2,
            quarantined: 1,
            is_door_away: false,
            held: 1,
            ..both
        };
        assert_eq!(*receiver.borrow(), one_lost);
    }
}
