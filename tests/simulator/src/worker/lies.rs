//! A worker that lies has a good token, and uses it for what it is not for.

use serde_json::json;

use super::{Asked, Worker, text};
use crate::faults::Faults;
use crate::post::{Draft, Out};

impl Worker {
    /// Uses a token for what it is not for.
    pub(super) fn lie(&mut self, number: u64, faults: &Faults, out: &mut Out) {
        if !self.dice.once_in_thousand(faults.lies) {
            return;
        }
        let Some(attempt) = self.attempts.get(&number) else {
            return;
        };
        let (task, token) = (attempt.envelope["taskId"].clone(), attempt.token.clone());
        let mut body = json!({ "attempt": attempt.envelope["attempt"], "workerId": self.name, "outcome": "SUCCEEDED" });
        let lie = match (self.dice.below(5), self.old.clone()) {
            (0, _) => {
                body["attempt"] = json!(attempt.envelope["attempt"].as_u64().unwrap_or(0) + 1);
                Draft::post(0, format!("/v1/tasks/{}/completed", text(&task)), body)
                    .with_token(&token)
            }
            (1, Some((other, _))) if other != text(&task) => {
                Draft::post(0, format!("/v1/tasks/{other}/completed"), body).with_token(&token)
            }
            (3, _) => {
                body["workerId"] = json!("somebody-else");
                Draft::post(0, format!("/v1/tasks/{}/completed", text(&task)), body)
                    .with_token(&token)
            }
            (2, _) => {
                body["workerId"] = json!("somebody-else");
                if let Some(body) = body.as_object_mut() {
                    body.remove("outcome");
                }
                Draft::post(0, format!("/v1/tasks/{}/started", text(&task)), body)
                    .with_token(&token)
            }
            _ => {
                let mut spoilt = token.clone();
                let last = spoilt.pop().unwrap_or('A');
                spoilt.push(if last == 'A' { 'E' } else { 'A' });
                Draft::post(0, format!("/v1/tasks/{}/completed", text(&task)), body)
                    .with_token(&spoilt)
            }
        };
        self.ask(Asked::Lie, out, |tag| Draft { tag, ..lie });
    }
}
