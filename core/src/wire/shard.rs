//! A workspace may be split over several ledgers; a shard is one of them, and says of a record that it repeats where it came from.

use alloc::format;
use alloc::string::String;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::identity::derived;
use crate::identity::ids::RunId;
use crate::wire::reader::Decode;

/// The most ledgers of a workspace: as many as runs have homes.
pub const MOST_SHARDS: u32 = 256;

/// How many ledgers a workspace has that says nothing of it.
pub(crate) fn one() -> u32 {
    1
}

pub(crate) fn is_one(shards: &u32) -> bool {
    *shards == 1
}

/// One ledger of a workspace that is split over a power of two of them. The default is the only one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shard {
    index: u8,
    bits: u8,
}

impl Shard {
    /// One of so many ledgers; `None` when there are not so many, or when their number is no power of two up to 256.
    #[must_use]
    pub fn new(index: u32, count: u32) -> Option<Shard> {
        if !count.is_power_of_two() || count > MOST_SHARDS || index >= count {
            return None;
        }
        Some(Shard {
            index: u8::try_from(index).ok()?,
            bits: u8::try_from(count.trailing_zeros()).ok()?,
        })
    }

    /// Which one, from 0.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.index as u32
    }

    /// How many there are.
    #[must_use]
    pub const fn count(self) -> u32 {
        1 << self.bits
    }

    /// Whether there is no other.
    #[must_use]
    pub const fn is_only(self) -> bool {
        self.bits == 0
    }

    /// Whether it is the first. The first has what is about the workspace and not about one run: the deployments, schedules, sensors,
    /// automations and backfills, and the states of partitions.
    #[must_use]
    pub const fn leads(self) -> bool {
        self.index == 0
    }

    /// Another ledger of the same workspace.
    #[must_use]
    pub fn other(self, index: u32) -> Option<Shard> {
        Shard::new(index, self.count())
    }

    /// Which ledger keeps what has a home.
    #[must_use]
    pub const fn of_home(self, home: u8) -> u32 {
        derived::shard(home, self.bits) as u32
    }

    /// Which ledger keeps a run.
    #[must_use]
    pub const fn of_run(self, run: &RunId) -> u32 {
        self.of_home(derived::home(run))
    }

    /// Whether this ledger keeps a run.
    #[must_use]
    pub const fn keeps(self, run: &RunId) -> bool {
        self.of_run(run) == self.index as u32
    }

    /// A home of this ledger, as like the given one as can be.
    #[must_use]
    pub const fn home_like(self, home: u8) -> u8 {
        let mask = derived::shard(u8::MAX, self.bits);
        (home & !mask) | self.index
    }
}

/// Where a repeated record came from. It is the actor of the record: `shard:2#1204`, or `shard:0#77@1204`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The ledger that has the record as its own.
    pub shard: u32,
    /// The number of the record there.
    pub seq: u64,
    /// The newest record of the ledger that repeats which the other had repeated by then; 0 when it had none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub known: u64,
}

fn is_none(known: &u64) -> bool {
    *known == 0
}

/// What the actor of a repeated record begins with; no other actor does.
const ACTOR: &str = "shard:";

impl Origin {
    /// On whose word a record stands that is repeated.
    #[must_use]
    pub fn actor(&self) -> String {
        match self.known {
            0 => format!("{ACTOR}{}#{}", self.shard, self.seq),
            known => format!("{ACTOR}{}#{}@{known}", self.shard, self.seq),
        }
    }

    /// Where a record came from, by its actor; `None` for the own records of a ledger.
    #[must_use]
    pub fn of_actor(actor: &str) -> Option<Origin> {
        let (shard, place) = actor.strip_prefix(ACTOR)?.split_once('#')?;
        let (seq, known) = match place.split_once('@') {
            Some((seq, known)) => (seq, known.parse().ok()?),
            None => (place, 0),
        };
        Some(Origin {
            shard: shard.parse().ok()?,
            seq: seq.parse().ok()?,
            known,
        })
    }
}

/// What a ledger knew when an attempt was asked for, for the first ledger: it decides by it whether what was made is out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
pub struct Basis {
    /// The record that asked for the attempt, in the ledger of its run.
    pub asked: u64,
    /// The newest record of the first ledger that was repeated there by then; 0 when none was.
    pub heard: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_keeps_the_runs_of_its_homes() {
        for bits in 0..=8 {
            let count = 1 << bits;
            for home in 0..=u8::MAX {
                let of = Shard::new(0, count).expect("a shard").of_home(home);
                assert_eq!(of, u32::from(home) % count);
                for index in [0, count / 2, count - 1] {
                    let shard = Shard::new(index, count).expect("a shard");
                    assert_eq!(shard.of_home(shard.home_like(home)), index);
                    assert_eq!(
                        u32::from(shard.home_like(home)) / count,
                        u32::from(home) / count
                    );
                }
            }
        }
        for (index, count) in [(0, 0), (1, 1), (0, 3), (0, 512), (4, 4), (0, u32::MAX)] {
            assert_eq!(Shard::new(index, count), None, "{index} of {count}");
        }
        assert_eq!(Shard::new(0, 1), Some(Shard::default()));
    }

    #[test]
    fn an_origin_is_the_actor_of_a_record() {
        for (text, origin) in [
            ("shard:2#1204", Some((2, 1204, 0))),
            ("shard:0#77@1204", Some((0, 77, 1204))),
            ("scheduler:shard:0#1", None),
            ("shard:0", None),
            ("shard:0#", None),
            ("shard:0#1@", None),
            ("shard:-1#1", None),
            ("key:ci", None),
        ] {
            let found = Origin::of_actor(text);
            let expected = origin.map(|(shard, seq, known)| Origin { shard, seq, known });
            assert_eq!(found, expected, "{text}");
            if let Some(found) = found {
                assert_eq!(found.actor(), text);
            }
        }
    }
}
