//! Schedulers are the core's own: they read over the wire, fold, decide, and append under their epoch.

use arcoflow_core::automation::automations::Automations;
use arcoflow_core::run::decide::{decide, settle};
use arcoflow_core::run::fold::Catalogs;
use arcoflow_core::run::world::World;
use arcoflow_core::wire::automation::AutomationPage;
use arcoflow_core::wire::event::{
    DispatchRequested, Event, RunFinished, RunOutcome, RunPlanned, RunRejected,
};
use serde_json::{Value, json};

use super::{Came, Player, json_of, text_of, wording};
use crate::door::scope;
use crate::place::Answer;

/// How often a scheduler decides before its story has no end.
const MOST_ROUNDS: u32 = 1_000;

/// One scheduler.
#[derive(Default)]
pub(crate) struct Scheduler {
    epoch: u64,
    world: World,
    /// What it decided when it last thought.
    decided: Vec<Event>,
}

impl Player<'_> {
    fn scheduler(&mut self, name: &str) -> &mut Scheduler {
        self.schedulers.entry(name.to_owned()).or_default()
    }

    pub(super) fn lead(
        &mut self,
        name: &str,
        take_over: bool,
        ttl_ms: u64,
    ) -> Result<Came, String> {
        let body = json!({ "holder": name, "ttlMs": ttl_ms, "takeOver": take_over });
        let answer = self.post("/v1/scheduler", &body)?;
        if answer.status != 200 {
            return Ok(self.came(&answer, ""));
        }
        let said = json_of(&answer);
        if said["granted"] == true {
            self.scheduler(name).epoch = said["epoch"].as_u64().unwrap_or(0);
            return Ok(Came::said(format!("epoch {}", said["epoch"])));
        }
        Ok(Came::said(format!(
            "{} holds epoch {}",
            text_of(&said["holder"]),
            said["epoch"]
        )))
    }

    fn catch_up(&mut self, name: &str) -> Result<(), String> {
        let after = self.scheduler(name).world.seq;
        let records = self.read_after(after)?;
        let mut world = std::mem::take(&mut self.scheduler(name).world);
        for record in &records {
            world.fold(record, &self.manifests, &self.limits);
        }
        if world.automations.is_out_of_date() {
            let page = self.get("/v1/automations")?;
            let page: AutomationPage =
                serde_json::from_value(page).map_err(|error| format!("automations: {error}"))?;
            let declaring = page.automations.first().map(|view| view.manifest);
            let catalog = declaring.and_then(|manifest| self.manifests.catalog(&manifest));
            world.automations = Automations::adopted(page, catalog);
        }
        self.scheduler(name).world = world;
        Ok(())
    }

    /// What the scheduler decides from what it has read, which is the same however often it is asked.
    fn decisions(&mut self, name: &str) -> Result<Vec<Event>, String> {
        let (scope, limits, now_ms) = (scope()?, self.limits, self.now_ms);
        let world = &self.scheduler(name).world;
        // The door's time, which stands still while its clock is back.
        let now_ms = now_ms.max(world.at_ms);
        let decided = decide(world, now_ms, &scope, &limits);
        if decide(world, now_ms, &scope, &limits) != decided {
            return Err("the same state gives two decisions".to_owned());
        }
        Ok(decided)
    }

    fn append_events(&mut self, name: &str, events: &[Event]) -> Result<Answer, String> {
        let mut proposals = Vec::new();
        for event in events {
            let body = event.body().map_err(|error| error.to_string())?;
            let body: Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
            proposals.push(json!({ "kind": event.kind(), "body": body }));
        }
        let scheduler = self.scheduler(name);
        let request =
            json!({ "epoch": scheduler.epoch, "after": scheduler.world.seq, "events": proposals });
        self.post("/v1/ledger", &request)
    }

    pub(super) fn decide(&mut self, name: &str) -> Result<Came, String> {
        let led = self.lead(name, false, 600_000)?;
        if !led.answer.starts_with("epoch") {
            return Ok(led);
        }
        for _ in 0..MOST_ROUNDS {
            self.catch_up(name)?;
            let events = self.decisions(name)?;
            if events.is_empty() {
                settle(&mut self.scheduler(name).world);
                return Ok(Came::said(""));
            }
            let answer = self.append_events(name, &events)?;
            let results = results(&answer);
            if answer.status != 200 || results.iter().any(|result| result != "appended") {
                let came = self.came(&answer, "");
                return Ok(Came::said(format!(
                    "{} {}",
                    came.answer,
                    results.join(", ")
                )));
            }
        }
        Err("the scheduler does not come to rest".to_owned())
    }

    pub(super) fn think(&mut self, name: &str) -> Result<Came, String> {
        self.catch_up(name)?;
        let events = self.decisions(name)?;
        let words: Vec<String> = events
            .iter()
            .map(|event| wording::decision(&self.names, event, self.times()))
            .collect();
        self.scheduler(name).decided = events;
        Ok(Came::said(if words.is_empty() {
            "nothing".to_owned()
        } else {
            words.join(", ")
        }))
    }

    pub(super) fn propose(&mut self, name: &str) -> Result<Came, String> {
        let events = self.scheduler(name).decided.clone();
        self.answer_to_append(name, &events)
    }

    pub(super) fn append(&mut self, name: &str, words: &[String]) -> Result<Came, String> {
        let event = self.forge(words)?;
        self.answer_to_append(name, &[event])
    }

    fn answer_to_append(&mut self, name: &str, events: &[Event]) -> Result<Came, String> {
        let answer = self.append_events(name, events)?;
        if answer.status != 200 {
            return Ok(self.came(&answer, ""));
        }
        Ok(Came::said(results(&answer).join(", ")))
    }

    /// A decision that is written by hand.
    fn forge(&self, words: &[String]) -> Result<Event, String> {
        let word =
            |place: usize, what: &str| words.get(place).ok_or_else(|| format!("{what} is missing"));
        let about = word(1, "what it is about")?;
        Ok(match word(0, "the kind of the event")?.as_str() {
            "run_planned" => {
                let run = self.names.run_id(about)?;
                let known = self.observer.runs.get(&run);
                let plan = known.and_then(|run| run.plan.as_ref().ok());
                let plan = plan.ok_or("the run has no plan")?;
                let scope = scope()?;
                Event::RunPlanned(RunPlanned {
                    run,
                    plan: plan.fingerprint(&scope.tenant, &scope.workspace),
                    tasks: plan.len(),
                })
            }
            "run_rejected" => Event::RunRejected(RunRejected {
                run: self.names.run_id(about)?,
                code: "plan.invalid".to_owned(),
                message: "by hand".to_owned(),
            }),
            "run_finished" => Event::RunFinished(RunFinished {
                run: self.names.run_id(about)?,
                outcome: RunOutcome::Succeeded,
                succeeded: 0,
                failed: 0,
                skipped: 0,
                cancelled: 0,
            }),
            "dispatch_requested" => {
                let name = self.names.read_task(about)?;
                Event::DispatchRequested(DispatchRequested {
                    run: name.run,
                    task: name.task,
                    attempt: name.attempt,
                    queue: "default".to_owned(),
                    priority: 0,
                    not_before: 0,
                })
            }
            "run_cancel_requested" => {
                Event::RunCancelRequested(arcoflow_core::wire::event::RunCancelRequested {
                    run: self.names.run_id(about)?,
                    reason: None,
                })
            }
            other => return Err(format!("`{other}` cannot be written by hand")),
        })
    }
}

/// What became of each decision.
fn results(answer: &Answer) -> Vec<String> {
    let results = json_of(answer)["results"].as_array().cloned();
    let said = |result: &Value| match result {
        Value::String(word) => word.clone(),
        other => match other.get("refused") {
            Some(code) => format!("refused {}", text_of(code)),
            None => "appended".to_owned(),
        },
    };
    results.unwrap_or_default().iter().map(said).collect()
}
