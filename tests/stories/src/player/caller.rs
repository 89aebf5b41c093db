//! Callers deploy, trigger, cancel, repeat, and look at what became of it.

use arcoflow_core::identity::derived;
use serde_json::{Value, json};

use super::names::Names;
use super::{Came, Player, json_of, text_of, wording};
use crate::place::Answer;

impl Player<'_> {
    /// An answer in words: the refusal, or the status and whether it was given before.
    pub(super) fn came(&self, answer: &Answer, more: &str) -> Came {
        if answer.status >= 400 {
            return Came {
                answer: wording::refusal(&self.names, answer.status, &json_of(answer)),
                is_refused: true,
            };
        }
        let replayed = if answer.is_replayed { " replayed" } else { "" };
        Came::said(format!("{}{replayed}{more}", answer.status))
    }

    pub(super) fn deploy(&mut self, name: &str) -> Result<Came, String> {
        let pipelines = &self.story.manifests;
        let pipeline = pipelines.iter().find(|pipeline| pipeline.name == name);
        let pipeline = pipeline.ok_or_else(|| format!("no pipeline is called `{name}`"))?;
        let answer = self.post("/v1/manifests", &pipeline.manifest)?;
        Ok(self.came(&answer, ""))
    }

    /// The answer to what begins a run, which gets its name.
    fn began(&mut self, run: &str, answer: &Answer) -> Result<Came, String> {
        let body = json_of(answer);
        let mut more = String::new();
        if answer.status < 400 {
            let id = text_of(&body["runId"])
                .parse()
                .map_err(|error| format!("the answer names no run: {error}"))?;
            self.names.run(run, id);
            if self.names.run_name(&id) != run {
                more.push_str(&format!(" {}", self.names.run_name(&id)));
            }
            let tasks = if body["tasks"] == 1 { "task" } else { "tasks" };
            more.push_str(&format!(" {} {tasks}", body["tasks"]));
        }
        Ok(self.came(answer, &more))
    }

    pub(super) fn trigger(
        &mut self,
        run: &str,
        body: &Value,
        idempotency_key: Option<&str>,
    ) -> Result<Came, String> {
        let mut body = body.clone();
        if let Some(name) = body.get("manifest").map(text_of) {
            body["manifest"] = json!(self.names.manifest_digest(&name)?.to_string());
        }
        let key = crate::door::api_key();
        let answer = self.post_with("/v1/runs", &key, idempotency_key, &body)?;
        self.began(run, &answer)
    }

    pub(super) fn rerun(
        &mut self,
        of: &str,
        run: &str,
        body: &Value,
        idempotency_key: Option<&str>,
    ) -> Result<Came, String> {
        let target = format!("/v1/runs/{}/rerun", self.names.run_id(of)?);
        let key = crate::door::api_key();
        let answer = self.post_with(&target, &key, idempotency_key, body)?;
        self.began(run, &answer)
    }

    pub(super) fn cancel(&mut self, run: &str, body: &Value) -> Result<Came, String> {
        let target = format!("/v1/runs/{}/cancel", self.names.run_id(run)?);
        let answer = self.post(&target, body)?;
        Ok(self.came(&answer, ""))
    }

    pub(super) fn backfill(&mut self, name: &str, body: &Value) -> Result<Came, String> {
        let answer = self.post("/v1/backfills", body)?;
        let came = json_of(&answer);
        let mut more = String::new();
        if answer.status < 400 {
            let id = text_of(&came["backfillId"])
                .parse()
                .map_err(|error| format!("the answer names no backfill: {error}"))?;
            self.names.backfill(name, id);
            more = format!(" {} chunks", came["chunks"]);
        }
        Ok(self.came(&answer, &more))
    }

    pub(super) fn change_backfill(
        &mut self,
        name: &str,
        what: &str,
        body: &Value,
    ) -> Result<Came, String> {
        let target = format!("/v1/backfills/{}/{what}", self.names.backfill_id(name)?);
        let answer = self.post(&target, body)?;
        Ok(self.came(&answer, ""))
    }

    pub(super) fn tick(
        &mut self,
        name: &str,
        run: &str,
        body: &Value,
        idempotency_key: Option<&str>,
    ) -> Result<Came, String> {
        let key = crate::door::api_key();
        let target = format!("/v1/schedules/{name}/tick");
        let answer = self.post_with(&target, &key, idempotency_key, body)?;
        self.began(run, &answer)
    }

    pub(super) fn progress(&mut self, name: &str) -> Result<Came, String> {
        let view = self.get(&format!("/v1/backfills/{}", self.names.backfill_id(name)?))?;
        let count = |list: &Value| list.as_array().map_or(0, Vec::len);
        Ok(Came::said(format!(
            "{} {}/{}, {} open, {} failed",
            text_of(&view["state"]),
            view["succeeded"],
            view["chunks"],
            count(&view["open"]),
            count(&view["failed"])
        )))
    }

    pub(super) fn state(&mut self, run: &str) -> Result<Came, String> {
        let id = self.names.run_id(run)?;
        let view = self.get(&format!("/v1/runs/{id}"))?;
        let page = self.get(&format!("/v1/runs/{id}/tasks"))?;
        let tasks = page["tasks"].as_array().cloned().unwrap_or_default();
        let mut words = Vec::new();
        for task in &tasks {
            let key = text_of(&task["taskKey"])
                .parse()
                .map_err(|error| format!("the answer names no task: {error}"))?;
            words.push(format!(
                "{} {}",
                Names::short(&key),
                text_of(&task["state"])
            ));
        }
        let colon = if words.is_empty() { "" } else { ": " };
        let state = text_of(&view["state"]);
        Ok(Came::said(format!("{state}{colon}{}", words.join(", "))))
    }

    pub(super) fn why(&mut self, task: &str) -> Result<Came, String> {
        let name = self.names.read_task(task)?;
        let id = derived::task_id(&name.run, &name.task);
        let view = self.get(&format!("/v1/runs/{}/tasks/{id}", name.run))?;
        let reasons = view["reasons"].as_array().cloned().unwrap_or_default();
        let reasons: Vec<String> = reasons.iter().map(text_of).collect();
        Ok(Came::said(reasons.join("; ")))
    }
}
