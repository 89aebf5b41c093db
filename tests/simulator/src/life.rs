//! A life is a queue of moments: each is taken in its order, and after each the rules are looked at.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use arcoflow_core::door::session::Wake;
use arcoflow_core::identity::digest::sha256;
use serde_json::Value;

use crate::client::Client;
use crate::dice::Dice;
use crate::door::{Came, Death, Door};
use crate::faults::Faults;
use crate::judge::{Broken, Judge};
use crate::marks::Marks;
use crate::pipeline;
use crate::post::{Call, Draft, Node, Out, Seen};
use crate::replay;
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

/// What a life came to.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) broken: Option<Broken>,
    pub(crate) at_ms: u64,
    pub(crate) steps: u64,
    pub(crate) records: u64,
    pub(crate) runs: usize,
    pub(crate) marks: Marks,
    pub(crate) digest: String,
}

impl Report {
    /// A life that ended in an assertion; the sentence of it was printed.
    pub(crate) fn of_panic(seed: u64) -> Report {
        let broken = Broken {
            rule: "an assertion holds",
            detail: "see the sentence above".to_owned(),
        };
        Report {
            seed,
            broken: Some(broken),
            at_ms: 0,
            steps: 0,
            records: 0,
            runs: 0,
            marks: Marks::default(),
            digest: String::new(),
        }
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

    fn arrive(&mut self, call: &Call) -> Result<(), Broken> {
        if !self.door.is_up {
            return Ok(());
        }
        let death = match self.fate.once_in_thousand(self.faults.door_crash) {
            true if self.fate.below(2) == 0 => Some(Death::BeforeCommit),
            true => Some(Death::AfterCommit),
            false => None,
        };
        let before = self.judge.seq();
        let (came, wake) = self.door.take(call, self.now_ms, death);
        match came {
            Came::Answered(response) => {
                self.look(&wake)?;
                self.note_sign(call, &response.body, response.status);
                let refused_and_wrote = response.status >= 400 && self.judge.seq() != before;
                if refused_and_wrote {
                    return Err(Broken {
                        rule: "I06 a refusal leaves nothing behind",
                        detail: call.target.clone(),
                    });
                }
                let json = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
                if response.status == 507 {
                    self.marks.hit("store full");
                }
                self.reply(
                    call,
                    Seen {
                        status: response.status,
                        json,
                    },
                );
            }
            Came::Waits => self.look(&wake)?,
            Came::DiedBefore => {
                self.marks.hit("door died before commit");
                self.door_dies();
                return Ok(());
            }
            Came::DiedAfter => {
                self.marks.hit("answer lost after commit");
                self.look(&wake)?;
                self.door_dies();
                return Ok(());
            }
        }
        self.wake(&wake)?;
        self.arm();
        Ok(())
    }

    /// A sign of life that the door took, by its own clock.
    fn note_sign(&mut self, call: &Call, answer: &[u8], status: u16) {
        let is_sign = call.target.ends_with("/heartbeat") && status == 200;
        let is_lease = call.target == "/v1/leases" && status == 200;
        if !is_sign && !is_lease {
            return;
        }
        let answer: Value = serde_json::from_slice(answer).unwrap_or(Value::Null);
        if is_lease {
            for envelope in answer["tasks"].as_array().into_iter().flatten() {
                let limit = envelope["heartbeatTimeoutMs"].as_u64().unwrap_or(0);
                self.judge
                    .signs
                    .entry(name_of(envelope))
                    .or_insert((0, limit))
                    .1 = limit;
            }
            return;
        }
        let task = call.target.split('/').nth(3).unwrap_or("");
        let body: Value = serde_json::from_slice(&call.body).unwrap_or(Value::Null);
        let attempt = body["attempt"].as_u64().unwrap_or(0);
        let at_ms = answer["serverTime"].as_u64().unwrap_or(0);
        if let Some((run, key)) = self.door.task_name(task)
            && let Some(sign) = self.judge.signs.get_mut(&(run, key, attempt))
        {
            sign.0 = sign.0.max(at_ms);
        }
    }

    /// The records that came are judged at once.
    fn look(&mut self, wake: &Wake) -> Result<(), Broken> {
        if !wake.records {
            return Ok(());
        }
        for record in self.door.records_after(self.judge.seq()) {
            if self.tell {
                let body = String::from_utf8_lossy(&record.body);
                println!(
                    "{:>10} {:>6} {:<20} {} {body}",
                    self.now_ms - BEGIN_MS,
                    record.seq,
                    record.kind,
                    record.actor
                );
            }
            self.judge.take(&record, &mut self.marks)?;
        }
        Ok(())
    }

    fn reply(&mut self, call: &Call, seen: Seen) {
        if self.network.once_in_thousand(self.faults.loss) || self.is_cut(call.from, false) {
            return;
        }
        let delay = self.delay();
        let (node, life, number) = (call.from, call.life, call.number);
        self.place(
            delay,
            Moment::Answers {
                node,
                life,
                number,
                seen: Some(seen),
            },
        );
    }

    /// Whoever waits for what happened is asked again.
    fn wake(&mut self, wake: &Wake) -> Result<(), Broken> {
        for call in self.door.woken(wake) {
            if self.door.is_up {
                self.arrive(&call)?;
            }
        }
        Ok(())
    }

    fn answer(&mut self, node: Node, life: u64, number: u64, seen: Option<Seen>) {
        let Some((_, _, tag)) = self.calls.remove(&number) else {
            return;
        };
        if life != self.life_of(node) || self.is_down(node) {
            return;
        }
        if let Node::Scheduler(_) = node
            && self.fate.once_in_thousand(self.faults.scheduler_crash)
        {
            self.marks.hit("scheduler died");
            self.node_dies(node);
            return;
        }
        let mut out = Out::default();
        match node {
            Node::Client => self.client.hear(tag, seen, &mut out),
            Node::Scheduler(index) => {
                if let Some(scheduler) = self.schedulers.get_mut(index) {
                    scheduler.hear(tag, seen, self.now_ms, &mut self.marks, &mut out);
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
        self.post(node, out);
    }

    fn ring(&mut self, node: Node, life: u64, what: u64) {
        if life != self.life_of(node) || self.is_down(node) {
            return;
        }
        if let Node::Worker(index) = node {
            let is_busy = self
                .workers
                .get(index)
                .is_some_and(|worker| worker.busy() > 0);
            if is_busy && self.fate.once_in_thousand(self.faults.worker_crash) {
                self.marks.hit("worker died");
                self.node_dies(node);
                return;
            }
        }
        let mut out = Out::default();
        match node {
            Node::Client => self.client.ring(what, &mut self.marks, &mut out),
            Node::Scheduler(index) => {
                if let Some(scheduler) = self.schedulers.get_mut(index) {
                    scheduler.wake(what, self.now_ms, &mut out);
                }
            }
            Node::Worker(index) => {
                if let Some(worker) = self.workers.get_mut(index) {
                    worker.ring(what, self.now_ms, &self.faults, &mut out);
                }
            }
        }
        self.post(node, out);
    }

    fn node_dies(&mut self, node: Node) {
        *self.lives.entry(node).or_insert(0) += 1;
        self.down.insert(node, true);
        let after = self.fate.between(100, 120_000);
        self.place(after, Moment::Returns(Some(node)));
    }

    fn node_returns(&mut self, node: Node) {
        self.down.insert(node, false);
        let life = self.life_of(node);
        match node {
            Node::Scheduler(index) => {
                if let Some(scheduler) = self.schedulers.get_mut(index) {
                    *scheduler = Scheduler::new(&format!("s{index}-{life}"), self.shelf.clone());
                }
            }
            Node::Worker(index) => {
                if let Some(worker) = self.workers.get_mut(index) {
                    *worker = new_worker(self.seed, index, life);
                }
            }
            Node::Client => {}
        }
        self.place(
            1,
            Moment::Rings {
                node,
                life,
                what: 0,
            },
        );
    }

    fn door_dies(&mut self) {
        self.door.die();
        self.alarm_at = None;
        self.waits_at = None;
        let after = self.fate.between(50, 60_000);
        self.place(after, Moment::Returns(None));
    }

    fn door_returns(&mut self) -> Result<(), Broken> {
        self.marks.hit("door restarted");
        self.door.is_up = true;
        self.check_replay()?;
        self.alarm()
    }

    /// The live indexes are what the records say.
    fn check_replay(&mut self) -> Result<(), Broken> {
        let records = self.door.records_after(0);
        if records.len() as u64 != self.judge.records() {
            return Err(Broken {
                rule: "I04 the ledger only grows",
                detail: format!("{} records", records.len()),
            });
        }
        replay::check(&mut self.door, records)
    }

    /// Sets the door's alarms to the next deadline and the next waiting request.
    fn arm(&mut self) {
        if let Some(next) = self.door.next_deadline_ms() {
            let next = next.max(self.now_ms + 1);
            if self
                .alarm_at
                .is_none_or(|at| at > next || at <= self.now_ms)
            {
                if self.fate.once_in_thousand(self.faults.alarm_lost) {
                    // The next request sets it again.
                    self.marks.hit("alarm lost and made good");
                } else {
                    self.alarm_at = Some(next);
                    self.place(next - self.now_ms, Moment::Alarm);
                }
            }
        }
        if let Some(next) = self.door.next_wait_ms() {
            let next = next.max(self.now_ms + 1);
            if self
                .waits_at
                .is_none_or(|at| at > next || at <= self.now_ms)
            {
                self.waits_at = Some(next);
                self.place(next - self.now_ms, Moment::Waits);
            }
        }
    }

    fn alarm(&mut self) -> Result<(), Broken> {
        if !self.door.is_up {
            return Ok(());
        }
        let (wake, _) = self.door.expire(self.now_ms);
        self.look(&wake)?;
        self.wake(&wake)?;
        self.arm();
        Ok(())
    }

    fn look_at_waiting(&mut self) -> Result<(), Broken> {
        if !self.door.is_up {
            return Ok(());
        }
        let (again, given_up) = self.door.due(self.now_ms);
        for (call, response) in given_up {
            let json = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
            self.reply(
                &call,
                Seen {
                    status: response.status,
                    json,
                },
            );
        }
        for call in again {
            if self.door.is_up {
                self.arrive(&call)?;
            }
        }
        self.arm();
        Ok(())
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

fn name_of(envelope: &Value) -> (String, String, u64) {
    let text = |member: &str| envelope[member].as_str().unwrap_or("").to_owned();
    (
        text("runId"),
        text("taskKey"),
        envelope["attempt"].as_u64().unwrap_or(0),
    )
}
