//! What a caller wishes for next is left to the dice.

use serde_json::json;

use super::{Asked, Client};
use crate::marks::Marks;
use crate::pipeline;
use crate::post::{Draft, Out};

impl Client {
    pub(super) fn wish(&mut self, marks: &mut Marks, out: &mut Out) {
        let wish = match self.dice.below(24) {
            0 => "deploys",
            1 | 2 => "cancels",
            3 => "reruns",
            4..=6 => "backfills",
            7 | 8 => "messages",
            9 | 10 => "pauses",
            _ => "triggers",
        };
        if !self.settings.has(wish) {
            return;
        }
        match wish {
            "deploys" => {
                let version = self.dice.between(1, 3);
                self.deploy(version, out);
            }
            "cancels" => self.cancel(out),
            "reruns" => self.rerun(marks, out),
            "backfills" if self.dice.below(3) == 0 => self.backfill(out),
            "backfills" => self.change_backfill(marks, out),
            "messages" => self.tell(marks, out),
            "pauses" => self.set_one(marks, out),
            _ => self.trigger(marks, out),
        }
    }

    fn trigger(&mut self, marks: &mut Marks, out: &mut Out) {
        let mut body = match self.dice.below(6) {
            0 => json!({ "selection": "raw/b+" }),
            1 => {
                json!({ "selection": "+day/clean", "partitionKey": format!("day=d:2026-03-2{}", self.dice.below(8)) })
            }
            2 => json!({ "selection": "raw/*", "priority": 5 }),
            3 => {
                json!({ "selection": "+mart/e", "runTimeoutMs": self.dice.between(1_000, 600_000) })
            }
            _ => json!({ "selection": "+mart/e" }),
        };
        self.keys += 1;
        let mut asked = Asked::Trigger;
        let mut idempotency_key = None;
        let key = format!("key {}", self.keys);
        let once = Asked::Once {
            key: key.clone(),
            starts: true,
        };
        match self.dice.below(4) {
            0 => {
                body["runKey"] = json!(key);
                asked = once;
            }
            1 => {
                idempotency_key = Some(key);
                asked = once;
            }
            _ => {}
        }
        let draft = Draft {
            idempotency_key,
            ..Draft::post(0, "/v1/runs", body)
        };
        // A caller that is not sure asks twice at once.
        if matches!(asked, Asked::Once { .. }) && self.dice.below(2) == 0 {
            marks.hit(match draft.idempotency_key {
                None => "run key repeated",
                Some(_) => "key reused",
            });
            self.send(asked.clone(), draft.clone(), out);
        }
        self.send(asked, draft, out);
        if self.dice.below(6) == 0 && self.settings.has("cancels") {
            self.cancel(out);
        }
    }

    fn cancel(&mut self, out: &mut Out) {
        if let Some(run) = self.runs.last().cloned() {
            self.post(format!("/v1/runs/{run}/cancel"), json!({}), out);
        }
    }

    fn rerun(&mut self, marks: &mut Marks, out: &mut Out) {
        if let Some(run) = self.dice.pick(&self.runs).cloned() {
            marks.hit("rerun");
            let draft = Draft::post(0, format!("/v1/runs/{run}/rerun"), json!({}));
            self.send(Asked::Trigger, draft, out);
        }
    }

    fn backfill(&mut self, out: &mut Out) {
        let body = json!({
            "trigger": { "selection": "+day/clean", "allPartitions": true }, "chunkSize": self.dice.between(1, 3), "concurrency": self.dice.between(1, 3),
        });
        self.send(Asked::Backfill, Draft::post(0, "/v1/backfills", body), out);
    }

    fn change_backfill(&mut self, marks: &mut Marks, out: &mut Out) {
        let Some(backfill) = self.dice.pick(&self.backfills).cloned() else {
            return;
        };
        let (what, body) = match self.dice.below(5) {
            0 | 1 => ("pause", json!({})),
            2 => ("resume", json!({ "retryFailed": true })),
            3 => ("resume", json!({})),
            _ => ("cancel", json!({})),
        };
        if what == "pause" {
            marks.hit("backfill paused");
        }
        self.post(format!("/v1/backfills/{backfill}/{what}"), body, out);
    }

    /// Something outside happened, and whoever saw it may say so again in other words.
    fn tell(&mut self, marks: &mut Marks, out: &mut Out) {
        self.keys += 1;
        let key = format!("m-{}", self.keys);
        let times = self.dice.between(1, 3);
        for time in 0..times {
            let mut body = json!({ "messageId": key, "payload": { "time": time } });
            if self.dice.below(3) == 0 {
                body["trigger"] = json!({ "selection": "raw/b" });
            }
            let asked = Asked::Once {
                key: key.clone(),
                starts: false,
            };
            let target = format!("/v1/sensors/{}/messages", pipeline::TOLD);
            self.send(asked, Draft::post(0, target, body), out);
        }
        if times > 1 {
            marks.hit("message repeated");
        }
    }

    /// Pauses a schedule or a sensor, or lets it go on, or ticks a schedule by hand.
    fn set_one(&mut self, marks: &mut Marks, out: &mut Out) {
        let Some(automation) = self.dice.pick(&self.pausable()).cloned() else {
            return;
        };
        match self.dice.below(3) {
            0 => {
                marks.hit("automation paused");
                self.post(format!("/v1/{automation}/pause"), json!({}), out);
            }
            1 if automation.starts_with("schedules") => {
                let target = format!("/v1/{automation}/tick");
                self.send(Asked::Trigger, Draft::post(0, target, json!({})), out);
            }
            _ => self.post(format!("/v1/{automation}/resume"), json!({}), out),
        }
    }
}
