//! The core's fold of the whole ledger stands beside the model's, and beside what each scheduler folded of it.

use std::collections::BTreeMap;

use arcoflow_core::identity::digest::Sha256Digest;
use arcoflow_core::plan;
use arcoflow_core::run::decide::{decide, outstanding};
use arcoflow_core::run::fold::Catalogs;
use arcoflow_core::run::world::{Limits, World};
use arcoflow_core::wire::event::{Event, RunTriggered};
use arcoflow_core::wire::record::Record;
use arcoflow_core::wire::view::TaskState;
use serde_json::Value;

use crate::door::scope;
use crate::judge::{Verdict, rule};
use crate::model::{self, Run, Task};
use crate::scheduler::limits;
use crate::shelf::Shelf;

/// One record in so many is followed by a comparison.
const SAMPLED: u64 = 16;

/// The core's state of the whole ledger, and the model's.
pub(crate) struct Mirror {
    world: World,
    shelf: Shelf,
    /// The version of each manifest.
    versions: BTreeMap<Sha256Digest, u64>,
    runs: BTreeMap<String, Run>,
}

impl Mirror {
    pub(crate) fn new(shelf: Shelf, versions: BTreeMap<Sha256Digest, u64>) -> Mirror {
        Mirror {
            world: World::default(),
            shelf,
            versions,
            runs: BTreeMap::new(),
        }
    }

    /// Takes the next record, whose body is read already.
    pub(crate) fn take(&mut self, record: &Record, body: &Value) -> Verdict {
        match record.kind.as_str() {
            "run_triggered" | "run_requested" => self.begin(record)?,
            _ => {
                if let Some(run) = body["run"].as_str().and_then(|run| self.runs.get_mut(run)) {
                    run.take(record, body);
                }
            }
        }
        if record.kind == "run_finished"
            && let Some(run) = self.runs.remove(body["run"].as_str().unwrap_or(""))
        {
            check_end(&run, body)?;
        }
        self.world.fold(record, &self.shelf, &limits());
        if record.seq.is_multiple_of(SAMPLED) {
            self.check()?;
        }
        Ok(())
    }

    fn begin(&mut self, record: &Record) -> Verdict {
        let triggered = match record.event() {
            Some(Event::RunTriggered(body)) => body,
            Some(Event::RunRequested(body)) => body.triggered,
            _ => return rule(false, "I13 a record can be read", || record.seq.to_string()),
        };
        let tasks = self.tasks(record, &triggered);
        let version = self.versions.get(&triggered.manifest).copied().unwrap_or(0);
        let priority = i64::from(triggered.trigger.priority);
        let run = Run::new(tasks, version, priority);
        self.runs.insert(triggered.run.to_string(), run);
        Ok(())
    }

    /// The tasks of a run. That they are the right ones is for the tests of plans to say.
    fn tasks(&self, record: &Record, triggered: &RunTriggered) -> Vec<String> {
        let as_of_ms = triggered.as_of_ms(record.at_ms);
        let catalog = self.shelf.catalog(&triggered.manifest);
        let plan = catalog.and_then(|catalog| {
            let limit = limits().plan_tasks;
            plan::compile(&catalog, &triggered.trigger, as_of_ms, limit).ok()
        });
        let Some(plan) = plan else {
            return Vec::new();
        };
        let rerun = triggered.rerun.as_ref();
        (0..plan.len())
            .filter(|task| rerun.is_none_or(|rerun| rerun.tasks.contains(*task)))
            .map(|task| plan.key(task).as_str().to_owned())
            .collect()
    }

    /// The core's states and decisions are the model's.
    fn check(&self) -> Verdict {
        let runs: Vec<String> = self.world.runs.keys().map(ToString::to_string).collect();
        rule(
            runs.iter().eq(self.runs.keys()),
            "I28 the runs that have not ended are those of the model",
            || format!("{runs:?}"),
        )?;
        for (real, (id, run)) in self.world.runs.values().zip(&self.runs) {
            let states = run.states();
            for (index, (name, task)) in states.iter().enumerate() {
                let real = real.tasks.get(index);
                let same = real.is_some_and(|real| {
                    real.state == task.state
                        && u64::from(real.attempt) == task.attempt
                        && real.seq == task.since
                        && is_in_time(task, real.not_before)
                });
                rule(same, "I28 a task stands where the model says", || {
                    format!(
                        "{id} {name} after record {}: {real:?} and {task:?}",
                        self.world.seq
                    )
                })?;
            }
            rule(
                states.len() == real.tasks.len(),
                "I28 a run has the tasks that the model says",
                || id.clone(),
            )?;
            for state in TaskState::ALL {
                let count = states
                    .iter()
                    .filter(|(_, task)| task.state == state)
                    .count();
                rule(
                    real.count(state) as usize == count,
                    "I28 counters are recounts",
                    || format!("{id} {state:?}: {} instead of {count}", real.count(state)),
                )?;
            }
        }
        self.check_decisions()
    }

    fn check_decisions(&self) -> Verdict {
        let limits = Limits {
            decisions: 10_000,
            ..limits()
        };
        let decided = decide(&self.world, self.world.at_ms, &scope(), &limits);
        let real: Vec<String> = decided.iter().filter_map(word).collect();
        let model = model::decide(&self.runs, limits.open_attempts as usize);
        rule(
            real == model,
            "I35 what is decided is what the model decides",
            || {
                let differs = real.iter().zip(&model).find(|(real, model)| real != model);
                format!(
                    "after record {}: {} and {} decisions; {differs:?}",
                    self.world.seq,
                    real.len(),
                    model.len()
                )
            },
        )
    }

    /// What a scheduler folded from some record on is what follows from the first.
    pub(crate) fn check_scheduler(&self, world: &World) -> Verdict {
        if world.seq != self.world.seq || !world.seq.is_multiple_of(SAMPLED) {
            return Ok(());
        }
        let states = |world: &World| -> Vec<String> {
            let runs = world.runs.values();
            runs.map(|run| format!("{} {} {:?}", run.id, run.fingerprint(), run.counts()))
                .collect()
        };
        rule(
            states(world) == states(&self.world),
            "I09 folding from the middle is folding from the beginning",
            || format!("after record {}", world.seq),
        )?;
        rule(
            outstanding(world) == outstanding(&self.world),
            "I09 folding from the middle wakes when folding from the beginning does",
            || {
                format!(
                    "{:?} and {:?}",
                    outstanding(world),
                    outstanding(&self.world)
                )
            },
        )
    }
}

fn is_in_time(task: &Task, not_before: u64) -> bool {
    let (first, last) = task.again;
    task.state != TaskState::RetryWait || (first..=last).contains(&not_before)
}

fn check_end(run: &Run, body: &Value) -> Verdict {
    let (outcome, counts) = run.end();
    let members = ["succeeded", "failed", "skipped", "cancelled"];
    let said = members.map(|member| body[member].as_u64().unwrap_or(u64::MAX));
    let whole = counts.iter().sum::<u64>() == run.states().len() as u64;
    rule(
        whole && said == counts && body["outcome"] == outcome,
        "I28 a run ends as its tasks did",
        || format!("{body}: the model says {outcome} {counts:?}"),
    )
}

/// A decision about a run, as the model words it.
fn word(event: &Event) -> Option<String> {
    Some(match event {
        Event::RunPlanned(body) => format!("plan {}", body.run),
        Event::RunFinished(body) => {
            let counts = [body.succeeded, body.failed, body.skipped, body.cancelled];
            let outcome = format!("{:?}", body.outcome).to_lowercase();
            format!("finish {} {outcome} {counts:?}", body.run)
        }
        Event::DispatchRequested(body) => format!(
            "dispatch {} {} {} {}",
            body.run,
            body.task.as_str(),
            body.attempt,
            body.priority
        ),
        _ => return None,
    })
}
