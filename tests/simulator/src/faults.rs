//! Each kind of fault is on for half of the seeds, so that every pair of kinds meets, and each is alone now and then.

use crate::dice::Dice;

/// Times in milliseconds, chances in thousandths.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    /// A request or an answer does not arrive.
    pub(crate) loss: u64,
    /// A request arrives twice.
    pub(crate) repetition: u64,
    /// The longest way of a message; messages overtake each other.
    pub(crate) delay_ms: u64,
    /// Nodes are cut off now and then, for up to so long, in one direction or in both.
    pub(crate) partition_ms: u64,
    /// The door dies before a commit, or after it and before the answer.
    pub(crate) door_crash: u64,
    /// The store of the door is full now and then.
    pub(crate) store_full: u64,
    /// The door's alarm does not ring.
    pub(crate) alarm_lost: u64,
    /// A scheduler dies when it was about to do something.
    pub(crate) scheduler_crash: u64,
    /// There are two schedulers, and each takes the lease from the other at times.
    pub(crate) split_brain: bool,
    /// A worker dies with what it runs.
    pub(crate) worker_crash: u64,
    /// Tasks fail, hang, or fall silent for a while and come back.
    pub(crate) bad_tasks: bool,
    /// Workers use tokens for what they are not for, and contradict themselves.
    pub(crate) lies: u64,
    /// The door's clock jumps by up to so much, in both directions.
    pub(crate) clock_jump_ms: u64,
}

impl Faults {
    /// Those of a seed.
    pub(crate) fn of(seed: u64) -> Faults {
        let mut dice = Dice::of(seed, "faults");
        let mut on = |value: u64| if dice.below(2) == 1 { value } else { 0 };
        Faults {
            loss: on(60),
            repetition: on(100),
            delay_ms: 5 + on(4_000),
            partition_ms: on(600_000),
            door_crash: on(3),
            store_full: on(1),
            alarm_lost: on(300),
            scheduler_crash: on(10),
            split_brain: on(1) == 1,
            worker_crash: on(5),
            bad_tasks: on(1) == 1,
            lies: on(40),
            clock_jump_ms: on(3_600_000),
        }
    }

    /// From the end of the faults on everything works.
    pub(crate) fn none() -> Faults {
        Faults {
            loss: 0,
            repetition: 0,
            delay_ms: 5,
            partition_ms: 0,
            door_crash: 0,
            store_full: 0,
            alarm_lost: 0,
            scheduler_crash: 0,
            split_brain: false,
            worker_crash: 0,
            bad_tasks: false,
            lies: 0,
            clock_jump_ms: 0,
        }
    }
}
