//! A task of which nothing is run costs what the machinery costs, and nothing else.

use arcoflow_core::wire::callback::{Completed, Outcome};
use arcoflow_core::wire::envelope::Envelope;

use super::Stop;
use super::hold::Hold;
use crate::client::Client;

/// Reports every task as done.
#[derive(Debug)]
pub(crate) struct NoOp {
    pub(super) client: Client,
    pub(super) worker_id: String,
    pub(super) stop: Stop,
}

impl NoOp {
    pub(super) async fn run(&self, envelope: Envelope) {
        let hold = Hold::new(
            self.client.clone(),
            &self.worker_id,
            &envelope,
            self.stop.clone(),
        );
        if hold.started().await.is_err() {
            return;
        }
        let done = Completed {
            attempt: envelope.attempt,
            attempt_id: Some(envelope.attempt_id),
            worker_id: self.worker_id.clone(),
            outcome: Outcome::Succeeded,
            output: None,
            error: None,
            findings: None,
            extra: serde_json::Map::new(),
        };
        if let Err(setback) = hold.completed(&done).await {
            tracing::warn!(task = envelope.task_key.as_str(), %setback, "a completion was not taken");
        }
    }
}
