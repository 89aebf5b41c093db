//! The callers of a life: they trigger, repeat themselves, change their minds, and ask for years of days.

mod wishes;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::marks::Marks;
use crate::pipeline;
use crate::post::{Draft, Out, Seen};
use crate::settings::Settings;

const PAUSE_MS: u64 = 3_000;

/// What callers wish for, by the names that settings use; schedules, looks and automations are those of the pipeline.
pub(crate) const WISHES: &[&str] = &[
    "deploys",
    "cancels",
    "reruns",
    "backfills",
    "messages",
    "pauses",
    "triggers",
    "schedules",
    "looks",
    "automations",
];

#[derive(Clone, Debug)]
enum Asked {
    Deploy(u64),
    /// What has one answer, however often it is asked.
    Once {
        key: String,
        starts: bool,
    },
    /// A run without a key: each time it is asked is another.
    Trigger,
    /// The same key with another body.
    Conflict,
    Backfill,
    Other,
}

/// A caller does not die; it asks until it is answered.
pub(crate) struct Client {
    settings: Settings,
    dice: Dice,
    asked: BTreeMap<u64, (Asked, Draft)>,
    again: BTreeMap<u64, (Asked, Draft)>,
    next: u64,
    keys: u64,
    /// Runs that were acknowledged.
    runs: Vec<String>,
    /// The answer to each key.
    answers: BTreeMap<String, Value>,
    backfills: Vec<String>,
    is_over: bool,
}

/// The alarm for something new; other alarms are numbers of requests to repeat.
const NEW: u64 = 0;

impl Client {
    pub(crate) fn new(settings: &Settings) -> Client {
        Client {
            settings: settings.clone(),
            dice: Dice::of(settings.seed, "client"),
            asked: BTreeMap::new(),
            again: BTreeMap::new(),
            next: 0,
            keys: 0,
            runs: Vec::new(),
            answers: BTreeMap::new(),
            backfills: Vec::new(),
            is_over: false,
        }
    }

    /// Nothing new is asked for from here on.
    pub(crate) fn end(&mut self) {
        self.is_over = true;
    }

    /// Whether everything that was asked was answered.
    pub(crate) fn is_done(&self) -> bool {
        self.asked.is_empty() && self.again.is_empty()
    }

    pub(crate) fn begin(&mut self, out: &mut Out) {
        self.deploy(1, out);
        out.alarms.push((1_000, NEW));
    }

    fn deploy(&mut self, version: u64, out: &mut Out) {
        let manifest = pipeline::manifest(version, &self.settings);
        self.send(
            Asked::Deploy(version),
            Draft::post(0, "/v1/manifests", manifest),
            out,
        );
    }

    fn send(&mut self, asked: Asked, draft: Draft, out: &mut Out) {
        self.next += 1;
        let draft = Draft {
            tag: self.next,
            ..draft
        };
        out.calls.push(draft.clone());
        self.asked.insert(self.next, (asked, draft));
    }

    fn post(&mut self, target: String, body: Value, out: &mut Out) {
        self.send(Asked::Other, Draft::post(0, target, body), out);
    }

    pub(crate) fn ring(&mut self, what: u64, marks: &mut Marks, out: &mut Out) {
        if let Some((asked, draft)) = self.again.remove(&what) {
            self.send(asked, draft, out);
            return;
        }
        if what != NEW || self.is_over {
            return;
        }
        out.alarms.push((self.dice.between(60_000, 1_500_000), NEW));
        self.wish(marks, out);
    }

    /// What is paused waits for ever; at the end everything goes on.
    pub(crate) fn resume_all(&mut self, out: &mut Out) {
        for backfill in self.backfills.clone() {
            self.post(format!("/v1/backfills/{backfill}/resume"), json!({}), out);
        }
        for paused in self.pausable() {
            self.post(format!("/v1/{paused}/resume"), json!({}), out);
        }
    }

    /// Nothing begins by itself from here on, but what follows from what was made.
    pub(crate) fn hush(&mut self, out: &mut Out) {
        for beginner in self.beginners() {
            self.post(format!("/v1/{beginner}/pause"), json!({}), out);
        }
    }

    /// Everything that can be paused.
    fn pausable(&self) -> Vec<String> {
        let mut all = self.beginners();
        if self.settings.has("automations") {
            all.push(format!("automations/{}", pipeline::KEEPS));
        }
        all
    }

    /// The schedules and sensors that there are.
    fn beginners(&self) -> Vec<String> {
        let schedules = pipeline::SCHEDULES
            .iter()
            .filter(|_| self.settings.has("schedules"))
            .map(|name| format!("schedules/{name}"));
        let looks = self
            .settings
            .has("looks")
            .then(|| format!("sensors/{}", pipeline::LOOKS));
        let told = format!("sensors/{}", pipeline::TOLD);
        schedules.chain(looks).chain([told]).collect()
    }

    /// Takes an answer, or the absence of one.
    pub(crate) fn hear(&mut self, tag: u64, seen: Option<Seen>, marks: &mut Marks, out: &mut Out) {
        let Some((asked, draft)) = self.asked.remove(&tag) else {
            return;
        };
        let Some(seen) = seen.filter(|seen| seen.status < 500 && seen.status != 429) else {
            // A trigger without any key is a new one each time it is asked: whoever repeats it wants that.
            self.next += 1;
            out.alarms.push((PAUSE_MS, self.next));
            self.again.insert(self.next, (asked, draft));
            return;
        };
        match asked {
            Asked::Deploy(version) => {
                let taken = matches!(seen.status, 200 | 201);
                out.demand(taken, "a good manifest is deployed", || {
                    format!("version {version}: {}", seen.json)
                });
            }
            Asked::Once { key, starts } if seen.status < 300 => {
                if starts {
                    self.note_run(&seen, out);
                }
                self.hear_once(key, &seen, draft, marks, out);
            }
            Asked::Trigger if seen.status < 300 => self.note_run(&seen, out),
            Asked::Conflict => {
                let refused = matches!(seen.status, 409 | 422);
                out.demand(refused, "I07 one key with two bodies is refused", || {
                    format!("{}: {} {}", draft.target, seen.status, seen.json)
                });
                marks.hit("key with another body");
            }
            Asked::Backfill if seen.status < 300 => {
                self.backfills.push(seen.text("backfillId"));
            }
            _ => {}
        }
    }

    fn note_run(&mut self, seen: &Seen, out: &mut Out) {
        let run = seen.text("runId");
        out.demand(!run.is_empty(), "a run that begins has a name", || {
            seen.json.to_string()
        });
        if !self.runs.contains(&run) {
            self.runs.push(run);
        }
    }

    /// One key has one answer. Now and then somebody else has the same idea for a key.
    fn hear_once(
        &mut self,
        key: String,
        seen: &Seen,
        draft: Draft,
        marks: &mut Marks,
        out: &mut Out,
    ) {
        let first = self.answers.get(&key);
        let same = first.is_none_or(|first| *first == seen.json);
        if first.is_some() {
            marks.hit("answered again");
        }
        out.demand(same, "I07 one key has one answer", || {
            format!("{key}: {first:?} and {}", seen.json)
        });
        let is_trigger = draft.target == "/v1/runs";
        if first.is_none() && is_trigger && self.dice.below(4) == 0 {
            let mut other = draft;
            other.body["priority"] = json!(7);
            self.send(Asked::Conflict, other, out);
        }
        self.answers.insert(key, seen.json.clone());
    }

    /// What was acknowledged, for the judge.
    pub(crate) fn acknowledged(&self) -> Value {
        let messages: Vec<&String> = self
            .answers
            .keys()
            .filter(|key| key.starts_with("m-"))
            .collect();
        json!({ "runs": self.runs, "backfills": self.backfills, "messages": messages })
    }
}
