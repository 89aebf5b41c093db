//! A life is a queue of moments: each is taken in its order, and after each the rules are looked at.

mod host;
mod nodes;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use arcoflow_core::identity::digest::sha256;

use crate::client::Client;
use crate::dice::Dice;
use crate::door::Door;
use crate::faults::Faults;
use crate::judge::{Broken, Judge};
use crate::marks::Marks;
use crate::pipeline;
use crate::post::{Call, Draft, Node, Out, Seen};
use crate::report::Report;
use crate::scheduler::{Scheduler, Shelf};
use crate::worker::Worker;

/// 2026-03-27T12:00:00Z: the clocks of Europe change in the second night.
const BEGIN_MS: u64 = 1_774_612_800_000;
const WORKERS: usize = 3;
const MINUTE_MS: u64 = 60_000;

/// A moment of a life.
enum Moment {
    /// A request reaches the door.
    Arrives(Call),
    /// An answer reaches a node, or its patience is over.
    Answers {
        node: Node,
        life: u64,
        number: u64,
        seen: Option<Seen>,
    },
    /// A node wanted to be woken.
    Rings { node: Node, life: u64, what: u64 },
    /// The door's own alarm.
    Alarm,
    /// The door looks at what waits.
    Waits,
    /// Somebody is there again.
    Returns(Option<Node>),
    /// The faults of the world.
    Fate,
}

struct Placed {
    at_ms: u64,
    order: u64,
    moment: Moment,
}

impl PartialEq for Placed {
    fn eq(&self, other: &Placed) -> bool {
        (self.at_ms, self.order) == (other.at_ms, other.order)
    }
}

impl Eq for Placed {}

impl PartialOrd for Placed {
    fn partial_cmp(&self, other: &Placed) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Placed {
    fn cmp(&self, other: &Placed) -> std::cmp::Ordering {
        (self.at_ms, self.order).cmp(&(other.at_ms, other.order))
    }
}

/// Everything that there is in a life.
pub(crate) struct Life {
    now_ms: u64,
    queue: BinaryHeap<Reverse<Placed>>,
    order: u64,
    steps: u64,
    door: Door,
    schedulers: Vec<Scheduler>,
    workers: Vec<Worker>,
    client: Client,
    lives: BTreeMap<Node, u64>,
    down: BTreeMap<Node, bool>,
    /// Calls under way: who asked, with which tag.
    calls: BTreeMap<u64, (Node, u64, u64)>,
    next_call: u64,
    faults: Faults,
    network: Dice,
    fate: Dice,
    seed: u64,
    cut: BTreeMap<Node, (u64, bool, bool)>,
    alarm_at: Option<u64>,
    waits_at: Option<u64>,
    judge: Judge,
    marks: Marks,
    shelf: Shelf,
    /// Whether each record is printed as it comes.
    tell: bool,
}

impl Life {
    pub(crate) fn new(seed: u64) -> Life {
        let shelf = Shelf::default();
        for version in 1..=3 {
            shelf.put(&pipeline::manifest(version));
        }
        let faults = Faults::of(seed);
        let count = if faults.split_brain { 2 } else { 1 };
        Life {
            now_ms: BEGIN_MS,
            queue: BinaryHeap::new(),
            order: 0,
            steps: 0,
            door: Door::new(seed),
            schedulers: (0..count)
                .map(|index| Scheduler::new(&format!("s{index}"), shelf.clone()))
                .collect(),
            workers: (0..WORKERS)
                .map(|index| new_worker(seed, index, 0))
                .collect(),
            client: Client::new(seed),
            lives: BTreeMap::new(),
            down: BTreeMap::new(),
            calls: BTreeMap::new(),
            next_call: 0,
            faults,
            network: Dice::of(seed, "network"),
            fate: Dice::of(seed, "fate"),
            seed,
            cut: BTreeMap::new(),
            alarm_at: None,
            waits_at: None,
            judge: Judge::new(),
            marks: Marks::default(),
            shelf,
            tell: false,
        }
    }

    /// Lives for so many hours with faults, and then until everything has ended.
    pub(crate) fn run(mut self, hours: u64, tell: bool) -> Report {
        self.tell = tell;
        let broken = self.live(hours).err();
        let digest =
            sha256(format!("{} {} {}", self.judge.chain(), self.steps, self.now_ms).as_bytes());
        Report {
            seed: self.seed,
            broken,
            at_ms: self.now_ms - BEGIN_MS,
            steps: self.steps,
            records: self.judge.records(),
            runs: self.judge.triggered.len(),
            marks: self.marks,
            digest: digest.to_string(),
        }
    }

    fn live(&mut self, hours: u64) -> Result<(), Broken> {
        let mut out = Out::default();
        self.client.begin(&mut out);
        self.post(Node::Client, out);
        for index in 0..self.schedulers.len() {
            self.place(
                10,
                Moment::Rings {
                    node: Node::Scheduler(index),
                    life: 0,
                    what: 0,
                },
            );
        }
        for index in 0..WORKERS {
            self.place(
                20,
                Moment::Rings {
                    node: Node::Worker(index),
                    life: 0,
                    what: 0,
                },
            );
        }
        self.place(MINUTE_MS, Moment::Fate);
        let end_ms = self.now_ms + hours * 60 * MINUTE_MS;
        self.go_until(end_ms)?;
        self.heal();
        // Nobody is left behind: three attempts of the longest kind, with every pause between them.
        let last_ms = end_ms + 12 * 60 * MINUTE_MS;
        while self.now_ms < last_ms && !(self.client.is_done() && self.judge.open_runs() == 0) {
            let until = (self.now_ms + 10 * MINUTE_MS).min(last_ms);
            self.go_until(until)?;
            self.now_ms = until;
        }
        self.judge.check_acknowledged(&self.client.acknowledged())?;
        self.judge.check_all_ended()?;
        self.check_replay()
    }

    /// The end of all faults.
    fn heal(&mut self) {
        self.faults = Faults::none();
        self.cut.clear();
        self.door.is_full = false;
        self.client.end();
        let mut out = Out::default();
        self.client.resume_all(&mut out);
        self.post(Node::Client, out);
    }

    fn go_until(&mut self, end_ms: u64) -> Result<(), Broken> {
        while self
            .queue
            .peek()
            .is_some_and(|Reverse(next)| next.at_ms <= end_ms)
        {
            let Some(Reverse(placed)) = self.queue.pop() else {
                break;
            };
            self.now_ms = self.now_ms.max(placed.at_ms);
            self.steps += 1;
            self.step(placed.moment)?;
        }
        Ok(())
    }

    fn place(&mut self, after_ms: u64, moment: Moment) {
        self.order += 1;
        let at_ms = self.now_ms.saturating_add(after_ms);
        self.queue.push(Reverse(Placed {
            at_ms,
            order: self.order,
            moment,
        }));
    }

    fn step(&mut self, moment: Moment) -> Result<(), Broken> {
        match moment {
            Moment::Arrives(call) => self.arrive(&call)?,
            Moment::Answers {
                node,
                life,
                number,
                seen,
            } => self.answer(node, life, number, seen),
            Moment::Rings { node, life, what } => self.ring(node, life, what),
            Moment::Alarm => self.alarm()?,
            Moment::Waits => self.look_at_waiting()?,
            Moment::Returns(None) => self.door_returns()?,
            Moment::Returns(Some(node)) => self.node_returns(node),
            Moment::Fate => self.fate(),
        }
        Ok(())
    }

    fn life_of(&self, node: Node) -> u64 {
        self.lives.get(&node).copied().unwrap_or(0)
    }

    fn is_down(&self, node: Node) -> bool {
        self.down.get(&node).copied().unwrap_or(false)
    }

    /// Sends what a node wrote, and sets its alarms.
    fn post(&mut self, node: Node, out: Out) {
        let life = self.life_of(node);
        for (after_ms, what) in out.alarms {
            self.place(after_ms, Moment::Rings { node, life, what });
        }
        for draft in out.calls {
            self.send(node, life, draft);
        }
    }

    fn send(&mut self, node: Node, life: u64, draft: Draft) {
        self.next_call += 1;
        let number = self.next_call;
        self.calls.insert(number, (node, life, draft.tag));
        let body = if draft.body.is_null() {
            Vec::new()
        } else {
            draft.body.to_string().into_bytes()
        };
        let call = Call {
            number,
            from: node,
            life,
            method: draft.method,
            target: draft.target,
            token: draft.token.unwrap_or_else(|| self.door.key.clone()),
            idempotency_key: draft.idempotency_key,
            body: Arc::new(body),
            patience_ms: draft.patience_ms,
        };
        self.place(
            call.patience_ms,
            Moment::Answers {
                node,
                life,
                number,
                seen: None,
            },
        );
        if self.network.once_in_thousand(self.faults.loss) || self.is_cut(node, true) {
            return;
        }
        if self.network.once_in_thousand(self.faults.repetition) {
            let delay = self.delay() + self.network.below(20_000);
            self.place(delay, Moment::Arrives(call.clone()));
        }
        let delay = self.delay();
        self.place(delay, Moment::Arrives(call));
    }

    fn delay(&mut self) -> u64 {
        match self.network.below(20) {
            0 => self.network.between(1, self.faults.delay_ms),
            _ => self.network.between(1, 5),
        }
    }

    fn is_cut(&self, node: Node, towards_door: bool) -> bool {
        self.cut.get(&node).is_some_and(|(until, there, back)| {
            *until > self.now_ms && if towards_door { *there } else { *back }
        })
    }

    /// Once a minute the world changes a little.
    fn fate(&mut self) {
        self.place(MINUTE_MS, Moment::Fate);
        let nodes = self.schedulers.len() + WORKERS;
        if self.faults.partition_ms > 0 && self.fate.below(60) == 0 {
            self.marks.hit("partition");
            let which = self.fate.below(nodes as u64) as usize;
            let node = match which.checked_sub(self.schedulers.len()) {
                None => Node::Scheduler(which),
                Some(worker) => Node::Worker(worker),
            };
            let until = self.now_ms + self.fate.between(1_000, self.faults.partition_ms);
            let ways = self.fate.below(3);
            self.cut.insert(node, (until, ways != 1, ways != 2));
        }
        if self.faults.clock_jump_ms > 0 && self.fate.below(180) == 0 {
            let jump = self.fate.between(1_000, self.faults.clock_jump_ms) as i64;
            let is_back = self.fate.below(2) == 0;
            self.marks.hit(if is_back {
                "clock jumped back"
            } else {
                "clock jumped forward"
            });
            self.door.skew_ms += if is_back { -jump } else { jump };
            self.alarm_at = None;
        }
        self.door.is_full = self.faults.store_full > 0 && self.fate.below(40) == 0;
        if self.faults.split_brain && self.fate.below(30) == 0 {
            let which = self.fate.below(2) as usize;
            if let Some(scheduler) = self.schedulers.get_mut(which).filter(|one| !one.decides()) {
                scheduler.usurp();
            }
        }
    }
}

fn new_worker(seed: u64, index: usize, life: u64) -> Worker {
    Worker::new(
        &format!("w{index}"),
        Dice::of(seed, &format!("worker {index} {life}")),
    )
}
