//! A life is a queue of moments: each is taken in its order, and after each the rules are looked at.

mod ending;
mod fate;
mod host;
mod nodes;
mod rows;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use arcoflow_core::door::http::Response;
use arcoflow_core::door::session::Wake;
use arcoflow_core::identity::digest::sha256;

use crate::client::Client;
use crate::dice::Dice;
use crate::door::Door;
use crate::faults::Faults;
use crate::judge::{Broken, Judge, rule};
use crate::marks::Marks;
use crate::mirror::Mirror;
use crate::pipeline;
use crate::post::{Call, Draft, Node, Out, Seen};
use crate::replay::Replica;
use crate::report::Report;
use crate::scheduler::Scheduler;
use crate::settings::Settings;
use crate::shelf::Shelf;
use crate::store::NewDatabase;
use crate::worker::Worker;

use self::rows::Rows;

/// 2026-03-28T12:00:00Z: the clocks of Europe change in the first night.
const BEGIN_MS: u64 = 1_774_699_200_000;
const WORKERS: usize = 3;
/// The moments that may pass without a record. An hour without anything to do has a few thousand.
const MOST_STEPS_WITHOUT_RECORD: u64 = 50_000;
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
    /// What was written is on disk.
    Syncs,
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

/// Requests that are written and not yet on disk, with their answers.
#[derive(Default)]
struct Group {
    /// Whether the moment of its sync is set.
    is_due: bool,
    answers: Vec<(Call, Response)>,
    wake: Wake,
}

/// Everything that there is in a life.
pub struct Life {
    settings: Settings,
    new_database: NewDatabase,
    now_ms: u64,
    queue: BinaryHeap<Reverse<Placed>>,
    order: u64,
    steps: u64,
    /// The step at which the last record came.
    recorded_at: u64,
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
    group: Group,
    cut: BTreeMap<Node, (u64, bool, bool)>,
    alarm_at: Option<u64>,
    waits_at: Option<u64>,
    judge: Judge,
    replica: Replica,
    rows: Rows,
    mirror: Mirror,
    marks: Marks,
    shelf: Shelf,
    /// Whether each record is printed as it comes.
    tell: bool,
}

impl Life {
    /// A life at its beginning; `new_database` lends it the stores that it needs.
    #[must_use]
    pub fn new(settings: &Settings, new_database: NewDatabase) -> Life {
        let seed = settings.seed;
        let shelf = Shelf::default();
        let versions = (1..=3)
            .map(|version| (shelf.put(&pipeline::manifest(version, settings)), version))
            .collect();
        let faults = Faults::of(settings);
        let count = if faults.split_brain { 2 } else { 1 };
        Life {
            settings: settings.clone(),
            new_database,
            now_ms: BEGIN_MS,
            queue: BinaryHeap::new(),
            order: 0,
            steps: 0,
            recorded_at: 0,
            door: Door::new(seed, new_database),
            replica: Replica::new(new_database),
            schedulers: (0..count)
                .map(|index| new_scheduler(seed, index, 0, &shelf))
                .collect(),
            workers: (0..WORKERS)
                .map(|index| new_worker(seed, index, 0))
                .collect(),
            client: Client::new(settings),
            lives: BTreeMap::new(),
            down: BTreeMap::new(),
            calls: BTreeMap::new(),
            next_call: 0,
            faults,
            network: Dice::of(seed, "network"),
            fate: Dice::of(seed, "fate"),
            group: Group::default(),
            cut: BTreeMap::new(),
            alarm_at: None,
            waits_at: None,
            judge: Judge::new(settings),
            rows: Rows::default(),
            mirror: Mirror::new(shelf.clone(), versions),
            marks: Marks::default(),
            shelf,
            tell: false,
        }
    }

    /// Lives for its hours with faults, and then until everything has ended. `tell` prints each record as it comes.
    #[must_use]
    pub fn run(mut self, tell: bool) -> Report {
        self.tell = tell;
        let kinds = self.faults.kinds.clone();
        let broken = self.live().err();
        let lived = format!(
            "{} {} {} {:?}",
            self.judge.chain(),
            self.steps,
            self.now_ms,
            self.marks
        );
        Report {
            settings: self.settings,
            kinds,
            broken,
            at_ms: self.now_ms - BEGIN_MS,
            steps: self.steps,
            records: self.judge.records(),
            runs: self.judge.triggered.len(),
            marks: self.marks,
            digest: sha256(lived.as_bytes()).to_string(),
        }
    }

    fn live(&mut self) -> Result<(), Broken> {
        let mut out = Out::default();
        self.client.begin(&mut out);
        self.post(Node::Client, out)?;
        for index in 0..self.schedulers.len() {
            self.begin(Node::Scheduler(index), 10);
        }
        for index in 0..WORKERS {
            self.begin(Node::Worker(index), 20);
        }
        self.place(MINUTE_MS, Moment::Fate);
        let end_ms = self.now_ms + self.settings.hours * 60 * MINUTE_MS;
        self.go_until(end_ms)?;
        self.end(end_ms)
    }

    /// Wakes a node that begins.
    fn begin(&mut self, node: Node, after_ms: u64) {
        let life = self.life_of(node);
        let what = 0;
        self.place(after_ms, Moment::Rings { node, life, what });
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
            let records = self.judge.records();
            self.step(placed.moment)?;
            if self.judge.records() > records {
                self.recorded_at = self.steps;
            }
            rule(
                self.steps - self.recorded_at <= MOST_STEPS_WITHOUT_RECORD,
                "I29 nobody spins",
                || format!("{MOST_STEPS_WITHOUT_RECORD} steps without a record"),
            )?;
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
            } => self.answer(node, life, number, seen)?,
            Moment::Rings { node, life, what } => self.ring(node, life, what)?,
            Moment::Alarm => self.alarm()?,
            Moment::Syncs => self.sync()?,
            Moment::Waits => self.look_at_waiting()?,
            Moment::Returns(None) => self.door_returns()?,
            Moment::Returns(Some(node)) => self.node_returns(node),
            Moment::Fate => self.fate()?,
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
    fn post(&mut self, node: Node, out: Out) -> Result<(), Broken> {
        if let Some(broken) = out.broken {
            return Err(broken);
        }
        let life = self.life_of(node);
        for (after_ms, what) in out.alarms {
            self.place(after_ms, Moment::Rings { node, life, what });
        }
        for draft in out.calls {
            self.send(node, life, draft);
        }
        Ok(())
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
            return self.rows.away(node, self.now_ms + call.patience_ms);
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
}

fn new_scheduler(seed: u64, index: usize, life: u64, shelf: &Shelf) -> Scheduler {
    let dice = Dice::of(seed, &format!("scheduler {index} {life}"));
    Scheduler::new(&format!("s{index}-{life}"), shelf.clone(), dice)
}

fn new_worker(seed: u64, index: usize, life: u64) -> Worker {
    Worker::new(
        &format!("w{index}"),
        Dice::of(seed, &format!("worker {index} {life}")),
    )
}
