//! Workers lease, start, beat, complete, and read what they work from.

use serde_json::{Value, json};

use super::{Came, Player, callback_body, json_of, text_of};

impl Player<'_> {
    /// The name of the attempt of an envelope.
    fn attempt_of(&self, envelope: &Value) -> Result<String, String> {
        let run = text_of(&envelope["runId"])
            .parse()
            .map_err(|error| format!("an envelope names no run: {error}"))?;
        let task = text_of(&envelope["taskKey"])
            .parse()
            .map_err(|error| format!("an envelope names no task: {error}"))?;
        let attempt = envelope["attempt"].as_u64().unwrap_or(0);
        Ok(self
            .names
            .attempt(&run, &task, u32::try_from(attempt).unwrap_or(0)))
    }

    pub(super) fn lease(&mut self, worker: &str, body: &Value) -> Result<Came, String> {
        let answer = self.post("/v1/leases", body)?;
        if answer.status != 200 {
            return Ok(self.came(&answer, ""));
        }
        let tasks = json_of(&answer)["tasks"].as_array().cloned();
        let mut words = Vec::new();
        for envelope in tasks.unwrap_or_default() {
            let name = self.attempt_of(&envelope)?;
            let mut held = envelope;
            held["leasedBy"] = json!(worker);
            self.envelopes.insert(name.clone(), held);
            words.push(name);
        }
        Ok(Came::said(if words.is_empty() {
            "nothing".to_owned()
        } else {
            words.join(", ")
        }))
    }

    fn envelope(&self, attempt: &str) -> Result<&Value, String> {
        self.envelopes
            .get(attempt)
            .ok_or_else(|| format!("`{attempt}` was never leased"))
    }

    pub(super) fn callback(
        &mut self,
        what: &str,
        attempt: &str,
        worker: Option<&str>,
        more: &Value,
    ) -> Result<Came, String> {
        let envelope = self.envelope(attempt)?;
        let holder = text_of(&envelope["leasedBy"]);
        let body = callback_body(envelope, worker.unwrap_or(&holder), more);
        let target = format!("/v1/tasks/{}/{what}", text_of(&envelope["taskId"]));
        let token = text_of(&envelope["taskToken"]);
        let answer = self.post_with(&target, &token, None, &body)?;
        let said = json_of(&answer);
        let mut words = String::new();
        if said["shouldCancel"] == true {
            words.push_str(&format!(" stop: {}", text_of(&said["cancelReason"])));
        }
        if let Some(token) = said.get("taskToken").filter(|token| token.is_string()) {
            words.push_str(" fresh token");
            if let Some(envelope) = self.envelopes.get_mut(attempt) {
                envelope["taskToken"] = token.clone();
            }
        }
        Ok(self.came(&answer, &words))
    }

    pub(super) fn inputs(&mut self, attempt: &str) -> Result<Came, String> {
        let envelope = self.envelope(attempt)?;
        let target = format!("/v1/tasks/{}/inputs", text_of(&envelope["taskId"]));
        let token = text_of(&envelope["taskToken"]);
        let in_envelope = envelope["payload"]["inputs"].clone();
        let page = self.get_with(&target, &token)?;
        if page["inputs"] != in_envelope {
            return Err("the envelope and the page of inputs differ".to_owned());
        }
        let inputs = page["inputs"].as_array().cloned().unwrap_or_default();
        let words: Vec<String> = inputs
            .iter()
            .map(|input| self.names.closed_by(input["seq"].as_u64().unwrap_or(0)))
            .collect();
        Ok(Came::said(if words.is_empty() {
            "nothing".to_owned()
        } else {
            words.join(", ")
        }))
    }
}
