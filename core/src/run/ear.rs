//! An ear reads one ledger for another, and picks out what the other has to repeat.

use crate::identity::keys::Operation;
use crate::wire::event::Event;
use crate::wire::record::Record;
use crate::wire::shard::{Origin, Shard};

/// The ledgers that a ledger hears: the first hears all others, and each other the first.
pub fn sources(shard: Shard) -> impl Iterator<Item = u32> {
    let all = 0..shard.count();
    all.filter(move |source| *source != shard.index() && (shard.leads() || *source == 0))
}

/// Whether a ledger has to know of an event of another one.
///
/// The first ledger hears from the others how their runs go, as far as backfills, automations and the states of partitions ask for it.
/// The others hear from the first which manifest is current, which runs are theirs to begin or to cancel, and what was made elsewhere.
#[must_use]
pub fn is_heard(shard: Shard, source: u32, event: &Event) -> bool {
    let Some(run) = event.run() else {
        return matches!(event, Event::ManifestDeployed(_)) && source == 0 && !shard.leads();
    };
    if shard.leads() {
        return source != 0 && shard.of_run(&run) == source && is_for_the_first(event);
    }
    source == 0
        && match event {
            Event::RunRequested(_) | Event::RunCancelRequested(_) => shard.keeps(&run),
            Event::AttemptFinished(body) => body.makes() && !shard.keeps(&run),
            _ => false,
        }
}

fn is_for_the_first(event: &Event) -> bool {
    match event {
        Event::RunTriggered(_)
        | Event::RunPlanned(_)
        | Event::RunRejected(_)
        | Event::RunCancelRequested(_)
        | Event::RunFinished(_) => true,
        Event::AttemptFinished(body) => body.task.operation() == Operation::Materialize,
        Event::AttemptExpired(body) => body.task.operation() == Operation::Materialize,
        _ => false,
    }
}

/// Kinds of record, separated by commas, of which no ledger hears from the first one, or from another: whoever listens need not be woken.
#[must_use]
pub fn quiet(source: u32) -> &'static str {
    match source {
        0 => {
            "attempt_started,dispatch_requested,run_triggered,run_planned,run_rejected,run_finished,attempt_expired"
        }
        _ => "attempt_started,dispatch_requested",
    }
}

/// Reads one ledger for another.
#[derive(Clone, Debug)]
pub struct Ear {
    /// The ledger that repeats.
    shard: Shard,
    /// The ledger that is read.
    source: u32,
    /// The newest record that was read.
    seq: u64,
    /// The newest record of the ledger that repeats which the other had repeated by then.
    known: u64,
}

impl Ear {
    /// An ear for a ledger at another one, which goes on after what was repeated last.
    #[must_use]
    pub fn new(shard: Shard, source: u32, heard: Option<&Origin>) -> Ear {
        Ear {
            shard,
            source,
            seq: heard.map_or(0, |heard| heard.seq),
            known: heard.map_or(0, |heard| heard.known),
        }
    }

    /// The ledger that is read.
    #[must_use]
    pub fn source(&self) -> u32 {
        self.source
    }

    /// The newest record that was read.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Reads the next record. The answer is where it stands, when it has to be repeated.
    pub fn hear(&mut self, record: &Record) -> Option<Origin> {
        if record.seq <= self.seq {
            return None;
        }
        self.seq = record.seq;
        let from = Origin::of_actor(&record.actor);
        if let Some(from) = from.filter(|from| from.shard == self.shard.index()) {
            self.known = from.seq;
            return None;
        }
        let event = record.event()?;
        is_heard(self.shard, self.source, &event).then_some(Origin {
            shard: self.source,
            seq: record.seq,
            known: if self.shard.leads() { 0 } else { self.known },
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn the_first_ledger_hears_all_others_and_they_hear_it() {
        for (index, count, expected) in [
            (0, 1, Vec::new()),
            (0, 4, Vec::from([1, 2, 3])),
            (1, 4, Vec::from([0])),
            (3, 4, Vec::from([0])),
        ] {
            let shard = Shard::new(index, count).expect("a shard");
            assert_eq!(
                sources(shard).collect::<Vec<_>>(),
                expected,
                "{index} of {count}"
            );
        }
    }
}
