//! What one ledger repeats of another stands in the other, as it is repeated, and in the same order.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use crate::identity::digest::{Sha256Digest, sha256};
use crate::run::ear::is_heard;
use crate::wire::event::Event;
use crate::wire::record::Record;
use crate::wire::shard::{Origin, Shard};

/// The records that ledgers repeat, and those that they may repeat.
#[derive(Clone, Debug)]
pub struct Repeats {
    first: Shard,
    /// What each ledger says that another one may repeat, by ledger and number.
    said: BTreeMap<(u32, u64), Sha256Digest>,
    repeated: Vec<Repeated>,
    /// Whether repeated records are still taken.
    takes_repeated: bool,
}

#[derive(Clone, Debug)]
struct Repeated {
    ledger: u32,
    seq: u64,
    origin: Origin,
    /// A deployment comes on two ways, so it says nothing about the order.
    is_ordered: bool,
    says: Sha256Digest,
}

/// A repeated record that is not what it should be.
#[derive(Debug, PartialEq, Eq)]
pub struct Astray {
    /// The ledger that repeats it.
    pub ledger: u32,
    /// What is wrong with it.
    pub sentence: String,
}

impl Repeats {
    /// Nothing yet, of a workspace by its first ledger.
    #[must_use]
    pub fn new(first: Shard) -> Repeats {
        Repeats {
            first,
            said: BTreeMap::new(),
            repeated: Vec::new(),
            takes_repeated: true,
        }
    }

    /// Takes a record of a ledger; records of one ledger come in order.
    pub fn take(&mut self, shard: Shard, record: &Record, event: &Event) {
        let ledger = shard.index();
        let others = (0..shard.count()).filter_map(|index| shard.other(index));
        let mut others = others.filter(|other| *other != shard);
        if others.any(|other| is_heard(other, ledger, event)) {
            self.said.insert((ledger, record.seq), what(record));
        }
        let origin = Origin::of_actor(&record.actor).filter(|_| self.takes_repeated);
        if let Some(origin) = origin {
            self.repeated.push(Repeated {
                ledger,
                seq: record.seq,
                origin,
                is_ordered: !matches!(event, Event::ManifestDeployed(_)),
                says: what(record),
            });
        }
    }

    /// The same, which looks no further than to the repeated records that it has: a workspace that lives goes on meanwhile.
    #[must_use]
    pub fn without_later(self) -> Repeats {
        Repeats {
            takes_repeated: false,
            ..self
        }
    }

    /// The newest record of a ledger that another one repeats; 0 when none is.
    #[must_use]
    pub fn newest_of(&self, shard: Shard) -> u64 {
        let of_it = self.repeated.iter().map(|repeated| repeated.origin);
        let of_it = of_it.filter(|origin| origin.shard == shard.index());
        of_it.map(|origin| origin.seq).max().unwrap_or(0)
    }

    /// How many records are repeated as they stand in the other ledger.
    ///
    /// # Errors
    /// The first one that is not.
    pub fn judge(&self) -> Result<u64, Astray> {
        let mut last = BTreeMap::new();
        for repeated in &self.repeated {
            self.judge_one(repeated, &mut last)
                .map_err(|fault| Astray {
                    ledger: repeated.ledger,
                    sentence: format!(
                        "record {} repeats record {} of ledger {}, {fault}",
                        repeated.seq, repeated.origin.seq, repeated.origin.shard
                    ),
                })?;
        }
        Ok(self.repeated.len() as u64)
    }

    fn judge_one(
        &self,
        repeated: &Repeated,
        last: &mut BTreeMap<(u32, u32), u64>,
    ) -> Result<(), &'static str> {
        let origin = repeated.origin;
        if self.first.other(origin.shard).is_none() || origin.shard == repeated.ledger {
            return Err("which is no other ledger of the workspace");
        }
        match self.said.get(&(origin.shard, origin.seq)) {
            None => return Err("which says nothing that is repeated"),
            Some(said) if *said != repeated.says => return Err("which says something else"),
            Some(_) => {}
        }
        if repeated.is_ordered {
            let last = last.entry((repeated.ledger, origin.shard)).or_insert(0);
            if origin.seq <= *last {
                return Err("but a later one of it was repeated before");
            }
            *last = origin.seq;
        }
        Ok(())
    }
}

/// The digest of what a record says, without what is a number of its ledger.
fn what(record: &Record) -> Sha256Digest {
    let mut body = serde_json::from_str(&record.body).unwrap_or(Value::Null);
    if let Value::Object(body) = &mut body {
        body.remove("replaces");
    }
    sha256(format!("{} {} {body}", record.kind, record.event_id).as_bytes())
}

#[cfg(test)]
mod tests {
    use crate::identity::ids::RunId;
    use crate::wire::event::{
        AttemptFinished, AttemptOutcome, RunCancelRequested, RunFinished, RunOutcome,
    };
    use crate::wire::record::GENESIS;
    use serde_json::json;

    use super::*;

    /// Actors and events of the records of the first ledger, and what is found.
    type Row<'a> = (&'a [(&'a str, Event)], Result<u64, &'a str>);

    const COUNT: u32 = 4;

    fn shard(index: u32) -> Shard {
        Shard::new(index, COUNT).expect("a shard")
    }

    fn run_of(ledger: u32) -> RunId {
        let ids = (0..=u8::MAX).map(|byte| RunId::from_bytes([byte; 16]));
        let mut kept = ids.filter(|run| shard(ledger).keeps(run));
        kept.next().expect("a run of the ledger")
    }

    fn cancelled(run: RunId, reason: &str) -> Event {
        Event::RunCancelRequested(RunCancelRequested {
            run,
            reason: Some(reason.into()),
        })
    }

    fn finished(run: RunId) -> Event {
        Event::RunFinished(RunFinished {
            run,
            outcome: RunOutcome::Succeeded,
            succeeded: 1,
            failed: 0,
            skipped: 0,
            cancelled: 0,
        })
    }

    fn made(run: RunId, replaces: Option<u64>) -> Event {
        let body = json!({ "run": run, "task": "raw/a:materialize", "attempt": 1, "outcome": "succeeded" });
        let body: AttemptFinished = serde_json::from_value(body).expect("an attempt");
        assert_eq!(body.outcome, AttemptOutcome::Succeeded);
        Event::AttemptFinished(AttemptFinished { replaces, ..body })
    }

    fn record(seq: u64, actor: &str, event: &Event) -> Record {
        Record {
            seq,
            at_ms: 0,
            event_id: event.id(),
            kind: event.kind().into(),
            actor: actor.into(),
            cause: None,
            body: event.body().expect("a body"),
            chain: GENESIS,
        }
    }

    #[test]
    fn what_is_repeated_stands_in_the_other_ledger() {
        let (second, first) = (run_of(2), run_of(0));
        // What ledger 2 says, and what the first ledger makes of it.
        let own: &[(u64, Event)] = &[
            (4, cancelled(second, "enough")),
            (7, made(second, None)),
            (9, finished(second)),
        ];
        let rows: &[Row] = &[
            (&[], Ok(0)),
            (
                &[("key:ci", finished(first)), ("door", made(first, None))],
                Ok(0),
            ),
            (
                &[
                    ("shard:2#4", cancelled(second, "enough")),
                    ("shard:2#7", made(second, Some(1))),
                    ("shard:2#9", finished(second)),
                ],
                Ok(3),
            ),
            (
                &[("shard:2#4", cancelled(second, "too much"))],
                Err("record 1 repeats record 4 of ledger 2, which says something else"),
            ),
            (
                &[("shard:2#7", finished(second))],
                Err("record 1 repeats record 7 of ledger 2, which says something else"),
            ),
            (
                &[("shard:2#8", finished(second))],
                Err("record 1 repeats record 8 of ledger 2, which says nothing that is repeated"),
            ),
            (
                &[
                    ("shard:2#9", finished(second)),
                    ("shard:2#7", made(second, None)),
                ],
                Err(
                    "record 2 repeats record 7 of ledger 2, but a later one of it was repeated before",
                ),
            ),
            (
                &[
                    ("shard:2#9", finished(second)),
                    ("shard:2#9", finished(second)),
                ],
                Err(
                    "record 2 repeats record 9 of ledger 2, but a later one of it was repeated before",
                ),
            ),
            (
                &[("shard:0#1", finished(first))],
                Err(
                    "record 1 repeats record 1 of ledger 0, which is no other ledger of the workspace",
                ),
            ),
            (
                &[("shard:4#1", finished(first))],
                Err(
                    "record 1 repeats record 1 of ledger 4, which is no other ledger of the workspace",
                ),
            ),
        ];
        for (told, expected) in rows {
            let mut repeats = Repeats::new(shard(0));
            for (seq, (actor, event)) in (1..).zip(*told) {
                repeats.take(shard(0), &record(seq, actor, event), event);
            }
            let mut repeats = repeats.without_later();
            for (seq, event) in own {
                repeats.take(shard(2), &record(*seq, "worker:w1", event), event);
            }
            // What comes later is not judged.
            let later = cancelled(second, "later");
            repeats.take(shard(0), &record(99, "shard:2#1", &later), &later);
            let judged = repeats.judge();
            let judged = judged.as_ref().map_err(|astray| astray.sentence.as_str());
            assert_eq!(judged.copied(), *expected);
        }
    }

    #[test]
    fn a_ledger_is_read_as_far_as_another_repeats_it() {
        let mut repeats = Repeats::new(shard(0));
        for (seq, of) in [(1, "shard:2#4"), (2, "shard:2#12"), (3, "shard:1#5")] {
            let event = finished(run_of(2));
            repeats.take(shard(0), &record(seq, of, &event), &event);
        }
        let newest = [0, 1, 2, 3].map(|index| repeats.newest_of(shard(index)));
        assert_eq!(newest, [0, 5, 12, 0]);
    }
}
