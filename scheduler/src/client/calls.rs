//! Each operation of the interface is one typed call.

mod automation;
mod ledger;

use std::fmt::Write as _;

use arcoflow_core::identity::digest::Sha256Digest;
use arcoflow_core::identity::ids::{RunId, TaskId};
use arcoflow_core::identity::keys::TaskKey;
use arcoflow_core::wire::callback::{
    CallbackAnswer, Completed, Heartbeat, HeartbeatAnswer, LogAnswer, LogPiece, RenewAnswer,
    Started,
};
use arcoflow_core::wire::envelope::{InputPage, LeaseAnswer, LeaseRequest};
use arcoflow_core::wire::trigger::Trigger;
use arcoflow_core::wire::view::{
    CancelAnswer, CancelRequest, DeployAnswer, Health, LogPage, RerunRequest, RunPage, RunView,
    TaskPage, TaskState, TaskView, TriggerAnswer,
};
use serde::Serialize;
use serde_json::Value;

use super::refusal::ClientError;
use super::{Call, Client};
use crate::host::entropy;

pub use self::ledger::LedgerQuery;

/// Which runs to list.
#[derive(Clone, Debug, Default)]
pub struct RunsQuery {
    /// How many, up to 1,000; 50 when absent.
    pub limit: Option<u32>,
    /// The run to begin after.
    pub before: Option<RunId>,
    /// Only runs that have not ended.
    pub open: bool,
}

/// Which tasks to list.
#[derive(Clone, Debug, Default)]
pub struct TasksQuery {
    /// How many, up to 10,000; 1,000 when absent.
    pub limit: Option<u32>,
    /// The task to begin after.
    pub after: Option<TaskKey>,
    /// Only tasks in this state.
    pub state: Option<TaskState>,
}

/// Which part of a log to read.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogQuery {
    /// Which attempt; the newest when absent.
    pub attempt: Option<u32>,
    /// Where to begin, in bytes.
    pub offset: u64,
    /// How long to wait for more, in seconds, up to 60.
    pub wait_s: u32,
}

/// A query string under construction.
pub(super) struct Query(pub(super) String);

impl Query {
    pub(super) fn new(path: String) -> Query {
        Query(path)
    }

    /// Adds a parameter; the value is encoded (WHATWG URL, application/x-www-form-urlencoded).
    pub(super) fn with(mut self, name: &str, value: &str) -> Query {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0.push_str(name);
        self.0.push('=');
        push_encoded(&mut self.0, value);
        self
    }

    pub(super) fn maybe(self, name: &str, value: Option<String>) -> Query {
        match value {
            Some(value) => self.with(name, &value),
            None => self,
        }
    }
}

/// Adds a text with everything encoded that means something in a URL (RFC 3986, 2.3).
fn push_encoded(target: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                target.push(char::from(byte));
            }
            _ => {
                let _ = write!(target, "%{byte:02X}");
            }
        }
    }
}

/// The shapes of the wire always have a JSON form.
pub(super) fn bytes_of<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

impl Client {
    /// Makes a manifest, a JSON text, the current one.
    ///
    /// # Errors
    /// [`ClientError`]; a refusal lists every finding with its pointer.
    pub async fn deploy(&self, manifest: &[u8]) -> Result<DeployAnswer, ClientError> {
        self.json(&Call::post("/v1/manifests", manifest.to_vec()))
            .await
    }

    /// The current manifest, in canonical JSON.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn current_manifest(&self) -> Result<Vec<u8>, ClientError> {
        Ok(self.send(&Call::get("/v1/manifests/current")).await?.body)
    }

    /// A manifest by its address, in canonical JSON.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn manifest(&self, address: &Sha256Digest) -> Result<Vec<u8>, ClientError> {
        let call = Call::get(format!("/v1/manifests/{address}"));
        Ok(self.send(&call).await?.body)
    }

    /// Starts a run. Under the same idempotency key it is started once; without one this call makes its own.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn trigger(
        &self,
        trigger: &Trigger,
        idempotency_key: Option<&str>,
    ) -> Result<TriggerAnswer, ClientError> {
        let key = idempotency_key.map_or_else(fresh_key, str::to_owned);
        let call = Call::post("/v1/runs", bytes_of(trigger)).header("idempotency-key", key);
        self.json(&call).await
    }

    /// Runs, newest first.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn runs(&self, query: &RunsQuery) -> Result<RunPage, ClientError> {
        let target = Query::new("/v1/runs".to_owned())
            .maybe("limit", query.limit.map(|limit| limit.to_string()))
            .maybe("before", query.before.map(|run| run.to_string()))
            .maybe("open", query.open.then(|| "true".to_owned()))
            .maybe("shard", self.ledger_name());
        self.json(&Call::get(target.0)).await
    }

    /// A run, with the states of its tasks counted.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn run(&self, run: &RunId) -> Result<RunView, ClientError> {
        self.json(&Call::get(format!("/v1/runs/{run}"))).await
    }

    /// The tasks of a run in task-key order.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn tasks(&self, run: &RunId, query: &TasksQuery) -> Result<TaskPage, ClientError> {
        let target = Query::new(format!("/v1/runs/{run}/tasks"))
            .maybe("limit", query.limit.map(|limit| limit.to_string()))
            .maybe(
                "after",
                query.after.as_ref().map(|key| key.as_str().to_owned()),
            )
            .maybe("state", query.state.map(|state| state.as_str().to_owned()));
        self.json(&Call::get(target.0)).await
    }

    /// A task: its state, why it is so, and every record that says so.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn task(&self, run: &RunId, task: &TaskId) -> Result<TaskView, ClientError> {
        self.json(&Call::get(format!("/v1/runs/{run}/tasks/{task}")))
            .await
    }

    /// A page of the log of an attempt.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn log(
        &self,
        run: &RunId,
        task: &TaskId,
        query: &LogQuery,
    ) -> Result<LogPage, ClientError> {
        let target = Query::new(format!("/v1/runs/{run}/tasks/{task}/log"))
            .maybe("attempt", query.attempt.map(|attempt| attempt.to_string()))
            .with("offset", &query.offset.to_string())
            .with("waitS", &query.wait_s.to_string());
        self.json(&Call::get(target.0).waiting(query.wait_s)).await
    }

    /// Asks for the end of a run.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn cancel(
        &self,
        run: &RunId,
        reason: Option<&str>,
    ) -> Result<CancelAnswer, ClientError> {
        let request = CancelRequest {
            reason: reason.map(str::to_owned),
        };
        let call = Call::post(format!("/v1/runs/{run}/cancel"), bytes_of(&request));
        self.json(&call).await
    }

    /// Starts a run that repeats what did not succeed, everything, or the tasks that are named, of one that has ended.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn rerun(
        &self,
        run: &RunId,
        request: &RerunRequest,
        idempotency_key: Option<&str>,
    ) -> Result<TriggerAnswer, ClientError> {
        let key = idempotency_key.map_or_else(fresh_key, str::to_owned);
        let call = Call::post(format!("/v1/runs/{run}/rerun"), bytes_of(request))
            .header("idempotency-key", key);
        self.json(&call).await
    }

    /// Work for a worker; waits for some when asked to.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn lease(&self, request: &LeaseRequest) -> Result<LeaseAnswer, ClientError> {
        let call = Call::post("/v1/leases", bytes_of(request)).waiting(request.wait_s);
        self.json(&call).await
    }

    /// Claims an attempt.
    ///
    /// # Errors
    /// [`ClientError`]; 409 and 410 mean that the attempt is somebody else's or nobody's any more.
    pub async fn started(
        &self,
        task: &TaskId,
        token: &str,
        body: &Started,
    ) -> Result<CallbackAnswer, ClientError> {
        self.json(&callback(task, "started", token, body)).await
    }

    /// Says that an attempt is alive.
    ///
    /// # Errors
    /// [`ClientError`]; 409 and 410 mean that the work is to be stopped.
    pub async fn heartbeat(
        &self,
        task: &TaskId,
        token: &str,
        body: &Heartbeat,
    ) -> Result<HeartbeatAnswer, ClientError> {
        self.json(&callback(task, "heartbeat", token, body)).await
    }

    /// Reports the end of an attempt. A repetition gets the answer that was given.
    ///
    /// # Errors
    /// [`ClientError`]; 409 and 410 mean that the report is not wanted any more.
    pub async fn completed(
        &self,
        task: &TaskId,
        token: &str,
        body: &Completed,
    ) -> Result<CallbackAnswer, ClientError> {
        self.json(&callback(task, "completed", token, body)).await
    }

    /// A fresh token for an attempt that is still open.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn renew(
        &self,
        task: &TaskId,
        token: &str,
        body: &Heartbeat,
    ) -> Result<RenewAnswer, ClientError> {
        self.json(&callback(task, "renew", token, body)).await
    }

    /// Adds to the log of an attempt. A piece that was sent before is recognised by its offset.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn append_log(
        &self,
        task: &TaskId,
        token: &str,
        piece: &LogPiece,
    ) -> Result<LogAnswer, ClientError> {
        self.json(&callback(task, "log", token, piece)).await
    }

    /// All inputs of an attempt, a page at a time.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn inputs(
        &self,
        task: &TaskId,
        token: &str,
        after: Option<u64>,
    ) -> Result<InputPage, ClientError> {
        let target = Query::new(format!("/v1/tasks/{task}/inputs"))
            .maybe("after", after.map(|after| after.to_string()));
        self.json(&Call::get(target.0).bearer(token)).await
    }

    /// Whether the door answers and its ledger can be read.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn health(&self) -> Result<Health, ClientError> {
        self.json(&Call::get("/health")).await
    }

    /// Whether work goes on.
    ///
    /// # Errors
    /// [`ClientError`]; 503 when no scheduler holds the lease.
    pub async fn ready(&self) -> Result<Value, ClientError> {
        self.json(&Call::get("/ready")).await
    }

    /// Metrics in the OpenMetrics text format.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn metrics(&self) -> Result<String, ClientError> {
        let answer = self.send(&Call::get("/metrics")).await?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }
}

fn callback<'a, T: Serialize>(
    task: &TaskId,
    operation: &str,
    token: &'a str,
    body: &T,
) -> Call<'a> {
    Call::post(format!("/v1/tasks/{task}/{operation}"), bytes_of(body)).bearer(token)
}

/// A key that no other request has, so that a repetition after a lost answer is recognised.
fn fresh_key() -> String {
    let key = entropy::bytes::<16>();
    key.iter().fold(String::from("auto-"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
