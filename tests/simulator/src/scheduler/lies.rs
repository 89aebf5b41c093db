//! A scheduler that lies, or has lost count: the door believes neither.

use arcoflow_core::wire::view::TaskState;
use serde_json::{Value, json};

use super::{Asked, Scheduler};
use crate::faults::Faults;
use crate::post::{Draft, Out};

impl Scheduler {
    /// Says what a worker has to say, after what is its own to say, or decides under an epoch that is over.
    pub(super) fn lie(
        &mut self,
        epoch: u64,
        events: &mut Vec<Value>,
        faults: &Faults,
        out: &mut Out,
    ) -> bool {
        if self.dice.below(2) == 0 {
            return self.blunder(epoch, faults, out);
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
        let body = json!({ "epoch": epoch, "after": self.world.seq, "events": events });
        self.ask(Asked::Lie, out, |tag| Draft::post(tag, "/v1/ledger", body));
        true
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
        let (attempt, asked) = match self.dice.below(3) {
            0 if may_be_next => (2, Asked::Guess),
            1 => (attempt + 2, Asked::Blunder),
            _ => (attempt, Asked::Blunder),
        };
        let dispatch = json!({ "run": run, "task": task, "attempt": attempt, "queue": "default" });
        let events = json!([{ "kind": "dispatch_requested", "body": dispatch }]);
        let body = json!({ "epoch": epoch, "after": self.world.seq, "events": events });
        self.ask(asked, out, |tag| Draft::post(tag, "/v1/ledger", body));
        true
    }
}
