//! A scheduler of a life: it reads, folds, decides and proposes with core's own functions, and forgets everything when it dies.

mod beginning;
mod lies;

use std::collections::BTreeMap;

use arcoflow_core::automation::automations::Automations;
use arcoflow_core::automation::schedules::Schedules;
use arcoflow_core::run::decide::{decide, outstanding, pass_over, settle};
use arcoflow_core::run::owed::{SWEEP_MS, floor, is_quiet, owed, undecided};
use arcoflow_core::run::world::{Limits, World};
use arcoflow_core::wire::automation::AutomationPage;
use arcoflow_core::wire::event::Event;
use arcoflow_core::wire::record::{Chain, Record};
use arcoflow_core::wire::schedule::SchedulePage;
use serde_json::{Value, json};

use self::beginning::Beginning;
use self::lies::Memory;
use crate::dice::Dice;
use crate::door::scope;
use crate::faults::Faults;
use crate::marks::Marks;
use crate::post::{Draft, Out, Seen};
use crate::shelf::Shelf;

/// How long a scheduler holds the lease, in milliseconds.
const LEASE_MS: u64 = 60_000;
/// How long it waits at the door for the next record, in seconds.
const WAIT_S: u64 = 30;
/// The alarm for what is due though no record comes.
const DUE: u64 = 1;
/// The alarm for the next sweep.
const SWEEP: u64 = 2;
/// The pause after something went wrong, in milliseconds.
const PAUSE_MS: u64 = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Lease,
    OpenRuns,
    OpenBackfills,
    Swept,
    Schedules,
    Automations,
    Read,
    Append,
    Sweep,
    /// The next attempt of a task that may just have failed, asked for before anybody has told of it.
    Guess,
    /// What a scheduler may not say.
    Lie,
    /// A decision that does not fit the ledger, though whoever decides may say such.
    Blunder,
}

/// What a scheduler knows; nothing of it survives.
pub(crate) struct Scheduler {
    name: String,
    pub(crate) world: World,
    shelf: Shelf,
    epoch: Option<u64>,
    renew_at_ms: u64,
    beginning: Beginning,
    /// The door's time when it last said it, and this node's time then.
    heard: (u64, u64),
    is_settled: bool,
    /// When the next sweep is due, the floor that the last one told, and whether its alarm is set.
    sweep_at_ms: u64,
    told: Option<u64>,
    has_sweep_alarm: bool,
    /// When the alarm for what is due rings, by this node's time.
    due_alarm_ms: Option<u64>,
    /// What was decided last, for when the door refuses it.
    proposed: Vec<Event>,
    /// What it could say at the wrong time.
    memory: Memory,
    asked: BTreeMap<u64, Asked>,
    next_tag: u64,
    take_over: bool,
    /// How many records it read, and the chain value of the last.
    read: u64,
    chain: Chain,
    dice: Dice,
}

impl Scheduler {
    pub(crate) fn new(name: &str, shelf: Shelf, dice: Dice) -> Scheduler {
        Scheduler {
            name: name.to_owned(),
            world: World::default(),
            shelf,
            epoch: None,
            renew_at_ms: 0,
            beginning: Beginning::default(),
            heard: (0, 0),
            is_settled: false,
            sweep_at_ms: 0,
            told: None,
            has_sweep_alarm: false,
            due_alarm_ms: None,
            proposed: Vec::new(),
            memory: Memory::default(),
            asked: BTreeMap::new(),
            next_tag: 0,
            take_over: false,
            read: 0,
            chain: Chain::default(),
            dice,
        }
    }

    /// Whether it believes that it decides.
    pub(crate) fn decides(&self) -> bool {
        self.epoch.is_some()
    }

    /// The next time it asks, it takes the lease from whoever has it.
    pub(crate) fn usurp(&mut self) {
        self.take_over = true;
        self.renew_at_ms = 0;
    }

    /// Goes on from wherever it is.
    pub(crate) fn wake(&mut self, what: u64, now_ms: u64, faults: &Faults, out: &mut Out) {
        if what == DUE {
            self.is_settled = false;
            self.due_alarm_ms = None;
            // A read that waits at the door is given up: what is due is due now.
            self.asked.retain(|_, asked| *asked != Asked::Read);
        }
        if what == SWEEP {
            self.has_sweep_alarm = false;
            self.asked.retain(|_, asked| *asked != Asked::Read);
        }
        if !self.asked.is_empty() {
            return;
        }
        if now_ms >= self.renew_at_ms {
            let body =
                json!({ "holder": self.name, "ttlMs": LEASE_MS, "takeOver": self.take_over });
            self.take_over = false;
            self.ask(Asked::Lease, out, |tag| {
                Draft::post(tag, "/v1/scheduler", body)
            });
        } else if !self.beginning.has_runs {
            self.ask(Asked::OpenRuns, out, |tag| {
                Draft::get(tag, "/v1/runs?open=true&limit=1000")
            });
        } else if !self.beginning.has_backfills {
            self.ask(Asked::OpenBackfills, out, |tag| {
                Draft::get(tag, "/v1/backfills?open=true")
            });
        } else if self.beginning.floor.is_none() {
            self.ask(Asked::Swept, out, |tag| Draft::get(tag, "/v1/sweep"));
        } else if !self.beginning.has_schedules {
            self.ask(Asked::Schedules, out, |tag| {
                Draft::get(tag, "/v1/schedules")
            });
        } else if self.epoch.is_some() && self.world.automations.is_out_of_date() {
            self.ask(Asked::Automations, out, |tag| {
                Draft::get(tag, "/v1/automations")
            });
        } else if let (Some(epoch), false) = (self.epoch, self.is_settled) {
            self.propose(epoch, now_ms, faults, out);
        } else {
            self.rest(now_ms, faults, out);
        }
    }

    fn ask(&mut self, asked: Asked, out: &mut Out, draft: impl FnOnce(u64) -> Draft) {
        self.next_tag += 1;
        self.asked.insert(self.next_tag, asked);
        out.calls.push(draft(self.next_tag));
    }

    fn read(&mut self, out: &mut Out) {
        let wait = if self.epoch.is_some() { WAIT_S } else { 10 };
        let target = format!(
            "/v1/ledger?after={}&limit=1000&waitS={wait}",
            self.world.seq
        );
        self.ask(Asked::Read, out, |tag| Draft::get(tag, target).waits(wait));
    }

    /// With nothing to decide it sweeps when it is time, and waits for the next record.
    fn rest(&mut self, now_ms: u64, faults: &Faults, out: &mut Out) {
        self.set_alarm(now_ms, out);
        let Some(epoch) = self.epoch.filter(|_| !is_quiet(&self.world, self.told)) else {
            return self.read(out);
        };
        if now_ms >= self.sweep_at_ms {
            return self.sweep(epoch, now_ms, faults, out);
        }
        if !self.has_sweep_alarm {
            self.has_sweep_alarm = true;
            out.alarms.push((self.sweep_at_ms - now_ms, SWEEP));
        }
        self.read(out);
    }

    /// Wakes itself when something is due though no record comes. The door's clock may have been set since it did so last.
    fn set_alarm(&mut self, now_ms: u64, out: &mut Out) {
        let wake_ms = self.epoch.and(outstanding(&self.world).wake_ms);
        let Some(wake_ms) = wake_ms else { return };
        let after_ms = wake_ms.saturating_sub(self.door_ms(now_ms)).max(1);
        let at_ms = now_ms + after_ms;
        if self.due_alarm_ms.is_none_or(|set| at_ms < set) {
            self.due_alarm_ms = Some(at_ms);
            out.alarms.push((after_ms, DUE));
        }
    }

    /// Looks at everything once more, and asks the door for what has to be there.
    fn sweep(&mut self, epoch: u64, now_ms: u64, faults: &Faults, out: &mut Out) {
        let door_ms = self.door_ms(now_ms);
        let decisions = undecided(&mut self.world, door_ms, &scope(), &limits());
        // What the door refused because of a row that is lost is decided again.
        out.demand(
            decisions == 0 || faults.had("row-lost"),
            "I20 nothing was left undecided",
            || format!("{decisions} decisions"),
        );
        self.told = Some(floor(&self.world));
        self.sweep_at_ms = now_ms + SWEEP_MS;
        for part in owed(&self.world, epoch, decisions) {
            let body = serde_json::to_value(part).expect("a request");
            self.ask(Asked::Sweep, out, |tag| Draft::post(tag, "/v1/sweep", body));
        }
    }

    /// The door's time, as far as it is known here.
    fn door_ms(&self, now_ms: u64) -> u64 {
        self.heard.0 + now_ms.saturating_sub(self.heard.1)
    }

    fn propose(&mut self, epoch: u64, now_ms: u64, faults: &Faults, out: &mut Out) {
        let (limits, door_ms) = (limits(), self.door_ms(now_ms));
        let decisions = decide(&self.world, door_ms, &scope(), &limits);
        let same = decisions == decide(&self.world, door_ms, &scope(), &limits);
        out.demand(same, "I11 deciding twice decides the same", || {
            format!("{decisions:?}")
        });
        if decisions.is_empty() {
            settle(&mut self.world);
            self.is_settled = true;
            self.rest(now_ms, faults, out);
            return;
        }
        let mut events: Vec<Value> = decisions.iter().map(proposal).collect();
        self.proposed = decisions;
        if self.dice.once_in_thousand(faults.lies) && self.lie(epoch, &mut events, faults, out) {
            return;
        }
        self.say(Asked::Append, epoch, events, out);
    }

    /// Asks the door to take decisions, if there are any.
    fn say(&mut self, asked: Asked, epoch: u64, events: Vec<Value>, out: &mut Out) -> bool {
        if events.is_empty() {
            return false;
        }
        let body = json!({ "epoch": epoch, "after": self.world.seq, "events": events });
        self.ask(asked, out, |tag| Draft::post(tag, "/v1/ledger", body));
        true
    }

    /// Takes an answer, or the absence of one.
    pub(crate) fn hear(
        &mut self,
        tag: u64,
        seen: Option<Seen>,
        now_ms: u64,
        faults: &Faults,
        marks: &mut Marks,
        out: &mut Out,
    ) {
        let Some(asked) = self.asked.remove(&tag) else {
            return;
        };
        let Some(seen) = seen.filter(|seen| seen.status < 500) else {
            out.alarms.push((PAUSE_MS, 0));
            return;
        };
        if let Some(server_ms) = seen.json["serverTime"].as_u64() {
            self.heard = (server_ms, now_ms);
        }
        match asked {
            Asked::Lease => self.hear_lease(&seen, now_ms),
            Asked::OpenRuns => self.beginning.take_runs(&seen),
            Asked::OpenBackfills => self.beginning.take_backfills(&seen),
            Asked::Swept => self.beginning.floor = seen.json["floor"].as_u64(),
            Asked::Schedules => self.begin(&seen),
            Asked::Automations => self.adopt(&seen, faults),
            Asked::Read => self.fold(&seen, faults, out),
            Asked::Blunder => {
                marks.hit("scheduler's blunder refused");
                let taken = seen.json["results"].as_array().into_iter().flatten();
                let taken = taken.filter(|result| result.get("appended").is_some());
                out.demand(
                    taken.count() == 0,
                    "I16 the door counts attempts itself",
                    || seen.json["results"].to_string(),
                );
            }
            Asked::Lie => {
                marks.hit("scheduler's lie refused");
                let refused = (400..500).contains(&seen.status);
                out.demand(
                    refused,
                    "I05 a scheduler decides, under its own epoch, and states no facts",
                    || format!("{} {}", seen.status, seen.json),
                );
            }
            Asked::Append | Asked::Sweep if seen.slug() == "epoch-fenced" => {
                marks.hit("scheduler fenced");
                self.epoch = None;
            }
            Asked::Sweep => {
                let left_behind = seen.json["leftBehind"].as_u64().unwrap_or(0);
                out.demand(
                    left_behind == 0 || faults.had("row-lost") || faults.had("clock-jump"),
                    "I20 a sweep finds nothing that nobody took away",
                    || seen.json.to_string(),
                );
                self.is_settled = false;
            }
            Asked::Guess => self.fold(&seen, faults, out),
            Asked::Append if seen.status != 200 => {
                out.alarms.push((PAUSE_MS, 0));
                return;
            }
            Asked::Append => {
                let before = self.world.seq;
                self.fold(&seen, faults, out);
                let results = seen.json["results"].as_array().cloned().unwrap_or_default();
                let appended = results
                    .iter()
                    .any(|result| result.get("appended").is_some());
                if !appended && self.world.seq == before {
                    self.is_settled = !pass_over(&mut self.world, &self.proposed);
                }
            }
        }
        self.wake(0, now_ms, faults, out);
    }

    fn hear_lease(&mut self, seen: &Seen, now_ms: u64) {
        let granted = seen.json["granted"] == true;
        self.epoch = granted.then(|| seen.json["epoch"].as_u64().unwrap_or(0));
        self.renew_at_ms = now_ms + LEASE_MS / 3;
        self.is_settled = false;
    }

    fn begin(&mut self, seen: &Seen) {
        self.beginning.has_schedules = true;
        let page: SchedulePage = serde_json::from_value(seen.json.clone()).expect("a page");
        let declaring = page.schedules.first().map(|schedule| schedule.manifest);
        let schedules = Schedules::adopted(&page, self.shelf.find(declaring));
        self.world = World::beginning_after(self.beginning.seq(), schedules);
    }

    fn adopt(&mut self, seen: &Seen, faults: &Faults) {
        let page: AutomationPage = serde_json::from_value(seen.json.clone()).expect("a page");
        if faults.lies > 0 {
            self.memory.automations = Some(page.clone());
        }
        self.world.automations = self.adopted(page);
        self.is_settled = false;
    }

    fn adopted(&self, page: AutomationPage) -> Automations {
        let declaring = page.automations.first().map(|view| view.manifest);
        Automations::adopted(page, self.shelf.find(declaring))
    }

    fn fold(&mut self, seen: &Seen, faults: &Faults, out: &mut Out) {
        for line in seen.json["records"].as_array().into_iter().flatten() {
            let Some(record) = Record::from_json(line.to_string().as_bytes()) else {
                out.demand(false, "I04 what the door shows is a ledger", || {
                    line.to_string()
                });
                return;
            };
            // What was read before is read again when an answer was late.
            if record.seq <= self.world.seq {
                continue;
            }
            let before = self.world.seq;
            out.demand(
                record.seq == before + 1,
                "I04 the ledger is read without gaps",
                || format!("record {} after record {before}", record.seq),
            );
            out.demand(
                self.read == 0 || record.chain == self.chain.next(&record.canonical()),
                "I04 a reader's chain never forks",
                || format!("record {}", record.seq),
            );
            (self.read, self.chain) = (self.read + 1, record.chain);
            self.world.fold(&record, &self.shelf, &limits());
            self.is_settled = false;
            if faults.lies > 0 {
                self.memory.keep(&record.kind, line);
            }
        }
    }
}

/// The limits of every scheduler of a life.
pub(crate) fn limits() -> Limits {
    Limits {
        open_attempts: 8,
        plan_tasks: 10_000,
        decisions: 20,
    }
}

fn proposal(event: &Event) -> Value {
    let body = event.body().expect("a canonical body");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    json!({ "kind": event.kind(), "body": body })
}
