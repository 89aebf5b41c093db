//! Each kind of fault is on for half of the seeds, so that every pair of kinds meets, and each is alone now and then.

use crate::dice::Dice;
use crate::settings::Settings;

/// The kinds, by the names that settings and reports use.
pub(crate) const KINDS: &[&str] = &[
    "loss",
    "repetition",
    "delay",
    "partition",
    "door-crash",
    "group-commit",
    "store-full",
    "alarm-lost",
    "scheduler-crash",
    "split-brain",
    "worker-crash",
    "bad-tasks",
    "lies",
    "clock-jump",
    "key-rotation",
    "row-lost",
];

/// Times in milliseconds, chances in thousandths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// A request or an answer does not arrive.
    pub(crate) loss: u64,
    /// A request arrives twice.
    pub(crate) repetition: u64,
    /// The longest way of a message; messages overtake each other.
    pub(crate) delay_ms: u64,
    /// Nodes are cut off now and then, for up to so long, in one direction or in both.
    pub(crate) partition_ms: u64,
    /// The door dies before what it wrote is on disk, or after that and before the answer.
    pub(crate) door_crash: u64,
    /// Requests share a sync, which comes up to so long after the first: what a crash leaves of them is a prefix.
    pub(crate) group_ms: u64,
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
    /// Workers use tokens for what they are not for, and contradict themselves; schedulers propose what is not theirs to say,
    /// or not any more.
    pub(crate) lies: u64,
    /// The door's clock jumps by up to so much, in both directions.
    pub(crate) clock_jump_ms: u64,
    /// The key that signs tokens is replaced now and then.
    pub(crate) key_rotation: bool,
    /// Somebody takes a row out of the door's indexes now and then. With liars about it would mislead the door, and is off.
    pub(crate) row_lost: bool,
    /// The names of those that are on.
    pub(crate) kinds: Vec<&'static str>,
}

/// The longest way of a message when nothing is wrong.
const DELAY_MS: u64 = 5;

impl Faults {
    /// Those of a life.
    pub(crate) fn of(settings: &Settings) -> Faults {
        let mut dice = Dice::of(settings.seed, "faults");
        let mut kinds = Vec::new();
        let mut on = |kind: &'static str, value: u64| {
            // The dice fall for what is left out too, so that the rest stays as it was.
            if dice.below(2) == 1 && settings.has(kind) {
                kinds.push(kind);
                value
            } else {
                0
            }
        };
        let faults = Faults {
            loss: on("loss", 60),
            repetition: on("repetition", 100),
            delay_ms: DELAY_MS + on("delay", 4_000),
            partition_ms: on("partition", 600_000),
            door_crash: on("door-crash", 3),
            group_ms: on("group-commit", 15),
            store_full: on("store-full", 1),
            alarm_lost: on("alarm-lost", 300),
            scheduler_crash: on("scheduler-crash", 10),
            split_brain: on("split-brain", 1) == 1,
            worker_crash: on("worker-crash", 5),
            bad_tasks: on("bad-tasks", 1) == 1,
            lies: on("lies", 40),
            clock_jump_ms: on("clock-jump", 3_600_000),
            key_rotation: on("key-rotation", 1) == 1,
            row_lost: on("row-lost", 1) == 1,
            kinds: Vec::new(),
        };
        let row_lost = faults.row_lost && faults.lies == 0;
        kinds.retain(|kind| *kind != "row-lost" || row_lost);
        Faults {
            kinds,
            row_lost,
            ..faults
        }
    }

    /// From the end of the faults on everything works; what they were is not forgotten.
    pub(crate) fn over(&mut self) {
        *self = Faults {
            delay_ms: DELAY_MS,
            kinds: std::mem::take(&mut self.kinds),
            ..Faults::default()
        };
    }

    /// Whether this kind was on.
    pub(crate) fn had(&self, kind: &str) -> bool {
        self.kinds.contains(&kind)
    }
}
