//! A scheduler that lies, or has lost count: the door believes neither.

use std::collections::VecDeque;

use arcoflow_core::automation::schedules::Schedules;
use arcoflow_core::run::decide::decide;
use arcoflow_core::wire::automation::{AutomationPage, AutomationView};
use arcoflow_core::wire::event::Event;
use arcoflow_core::wire::event::automation::{Account, ScheduleSet};
use arcoflow_core::wire::view::TaskState;
use serde_json::{Value, json};

use super::{Asked, Scheduler, limits, proposal};
use crate::door::scope;
use crate::faults::Faults;
use crate::pipeline::SCHEDULES;
use crate::post::Out;

/// How far a hasty scheduler is ahead of the door: the door's clock may have jumped by an hour since it was heard.
const HASTE_MS: u64 = 4 * 3_600_000;
/// More attempts than any task of the pipeline may have.
const MOST_ATTEMPTS: u32 = 10;

/// How many decisions a scheduler could say again.
const REMEMBERED: usize = 16;

/// What a scheduler could say at the wrong time.
#[derive(Default)]
pub(super) struct Memory {
    /// Decisions that it read, the last ones: they stay said for ever.
    decided: VecDeque<Value>,
    /// What is due of automations as the door said it last.
    pub(super) automations: Option<AutomationPage>,
}

impl Memory {
    /// Keeps a line of the ledger, if it is a decision that can be said again.
    pub(super) fn keep(&mut self, kind: &str, line: &Value) {
        if !matches!(
            kind,
            "run_requested" | "run_finished" | "schedule_ticked" | "automation_evaluated"
        ) {
            return;
        }
        if self.decided.len() == REMEMBERED {
            self.decided.pop_front();
        }
        self.decided
            .push_back(json!({ "kind": kind, "body": line["body"] }));
    }
}

impl Scheduler {
    /// Says what a worker has to say, after what is its own to say, or decides under an epoch that is over.
    pub(super) fn lie(
        &mut self,
        epoch: u64,
        events: &mut Vec<Value>,
        faults: &Faults,
        out: &mut Out,
    ) -> bool {
        match self.dice.below(7) {
            0 | 1 => return self.blunder(epoch, faults, out),
            2 => return self.hurry(epoch, out),
            3 => return self.say_again(epoch, out),
            4 => return self.go_on(epoch, out),
            5 => return self.keep_on(epoch, out),
            _ => {}
        }
        let dispatched = events
            .iter()
            .find(|event| event["kind"] == "dispatch_requested");
        let Some(dispatched) = dispatched.map(|event| &event["body"]) else {
            return false;
        };
        let fact = json!({ "run": dispatched["run"], "task": dispatched["task"], "attempt": dispatched["attempt"], "outcome": "succeeded" });
        let epoch = match self.dice.below(2) {
            0 => epoch - 1,
            _ => {
                events.push(json!({ "kind": "attempt_finished", "body": fact }));
                epoch
            }
        };
        self.say(Asked::Lie, epoch, std::mem::take(events), out)
    }

    /// Deals with ticks that have not come yet.
    fn hurry(&mut self, epoch: u64, out: &mut Out) -> bool {
        let early_ms = self.heard.0 + HASTE_MS;
        let early = decide(&self.world, early_ms, &scope(), &limits());
        let soonest_s = i64::try_from((self.heard.0 + HASTE_MS / 2) / 1_000).unwrap_or(i64::MAX);
        let early: Vec<Value> = early
            .iter()
            .filter(
                |event| matches!(event, Event::ScheduleTicked(ticked) if ticked.tick_s > soonest_s),
            )
            .map(proposal)
            .collect();
        self.say(Asked::Blunder, epoch, early, out)
    }

    /// Decides what has been decided, and has read that it was.
    fn say_again(&mut self, epoch: u64, out: &mut Out) -> bool {
        let event = self
            .dice
            .pick(self.memory.decided.make_contiguous())
            .cloned();
        self.say(Asked::Blunder, epoch, event.into_iter().collect(), out)
    }

    /// Deals with a tick of a schedule that is paused.
    fn go_on(&mut self, epoch: u64, out: &mut Out) -> bool {
        let now_ms = self.heard.0;
        let ticks_of = |schedules: &Schedules, name: &str| -> Vec<Event> {
            let events = schedules.decide(now_ms, limits().plan_tasks, 100);
            let of_name = |event: &Event| matches!(event, Event::ScheduleTicked(ticked) if ticked.schedule == name);
            events.into_iter().filter(of_name).collect()
        };
        let ticks: Vec<Value> = SCHEDULES
            .iter()
            .filter(|name| ticks_of(&self.world.schedules, name).is_empty())
            .flat_map(|name| {
                let mut deaf = self.world.schedules.clone();
                let resumed = Event::ScheduleSet(ScheduleSet {
                    schedule: (*name).to_owned(),
                    change: 0,
                    reason: None,
                    paused: false,
                });
                deaf.fold(self.world.seq + 1, 0, &resumed);
                ticks_of(&deaf, name)
            })
            .map(|event| proposal(&event))
            .collect();
        self.say(Asked::Blunder, epoch, ticks, out)
    }

    /// Begins runs of an automation as if nobody had paused it. When somebody has let it go on meanwhile, they are good ones.
    fn keep_on(&mut self, epoch: u64, out: &mut Out) -> bool {
        let Some(page) = self.memory.automations.clone() else {
            return false;
        };
        if page.automations.iter().all(|view| view.paused.is_none()) {
            return false;
        }
        let deaf = page.automations.into_iter().map(|view| AutomationView {
            paused: None,
            ..view
        });
        let page = AutomationPage {
            automations: deaf.collect(),
            ..page
        };
        let deaf = self.adopted(page);
        let known = std::mem::replace(&mut self.world.automations, deaf);
        let decided = decide(&self.world, self.heard.0, &scope(), &limits());
        self.world.automations = known;
        let is_of_automation = |event: &&Event| match event {
            Event::RunRequested(body) => matches!(body.on_account_of, Account::Automation { .. }),
            event => matches!(event, Event::AutomationEvaluated(_)),
        };
        let events: Vec<Value> = decided
            .iter()
            .filter(is_of_automation)
            .map(proposal)
            .collect();
        self.say(Asked::Guess, epoch, events, out)
    }

    /// Asks for an attempt again that there is, for one that nobody waits for, or for the next one of a task that still runs.
    fn blunder(&mut self, epoch: u64, faults: &Faults, out: &mut Out) -> bool {
        let begun: Vec<(String, String, u32, TaskState)> = self
            .world
            .runs
            .values()
            .filter_map(|run| Some((run, run.plan.as_ref().ok()?)))
            .flat_map(|(run, plan)| {
                let tasks = (0..).zip(&run.tasks).filter(|(_, task)| task.attempt > 0);
                tasks.map(|(index, task)| {
                    let key = plan.key(index).as_str().to_owned();
                    (run.id.to_string(), key, task.attempt, task.state)
                })
            })
            .collect();
        let Some((run, task, attempt, state)) = self.dice.pick(&begun).cloned() else {
            return false;
        };
        // When a failure that repeating cannot mend comes in between, only a scheduler knows that there is no next attempt.
        let may_be_next = state == TaskState::Running && attempt == 1 && !faults.bad_tasks;
        let (attempt, asked) = match self.dice.below(4) {
            3 if state == TaskState::Succeeded => (attempt + 1, Asked::Blunder),
            0 if may_be_next => (2, Asked::Guess),
            // Another scheduler may have asked for the next one meanwhile; nobody asks for one behind the last.
            1 => (attempt + MOST_ATTEMPTS, Asked::Blunder),
            _ => (attempt, Asked::Blunder),
        };
        let dispatch = json!({ "run": run, "task": task, "attempt": attempt, "queue": "default" });
        let event = json!({ "kind": "dispatch_requested", "body": dispatch });
        self.say(asked, epoch, vec![event], out)
    }
}
