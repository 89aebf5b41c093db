//! The pipelines that are run, and what every measure does with them.

use std::time::{Duration, Instant};

use arcoflow::client::{Client, RunsQuery};
use arcoflow_core::identity::ids::RunId;
use arcoflow_core::wire::callback::{Completed, Outcome, Started};
use arcoflow_core::wire::envelope::{Envelope, LeaseRequest};
use arcoflow_core::wire::trigger::Trigger;
use arcoflow_core::wire::view::RunState;
use serde_json::{Value, json};

fn asset(index: usize, key: &str, command: &[&str]) -> Value {
    json!({
        "key": key,
        "id": format!("01a2051a-22e4-7b63-848f-{index:012x}"),
        "run": { "command": command },
    })
}

/// One asset with so many partitions, none of which waits for another.
pub(crate) fn fan(tasks: usize) -> Vec<u8> {
    let mut asset = asset(1, "mart/fan", &["true"]);
    let values: Vec<String> = (0..tasks).map(|value| format!("p{value:06}")).collect();
    asset["partitions"] = json!([{ "name": "part", "kind": "static", "values": values }]);
    json!({ "version": 1, "assets": [asset] })
        .to_string()
        .into_bytes()
}

/// So many assets, each made from the one before.
pub(crate) fn chain(levels: usize) -> Vec<u8> {
    let mut assets = Vec::new();
    for level in 0..levels {
        let mut asset = asset(level + 1, &format!("chain/level_{level:04}"), &["true"]);
        if let Some(before) = level.checked_sub(1) {
            asset["upstreams"] = json!([{ "asset": format!("chain/level_{before:04}") }]);
        }
        assets.push(asset);
    }
    json!({ "version": 1, "assets": assets })
        .to_string()
        .into_bytes()
}

/// One asset that is made by a command.
pub(crate) fn single(command: &[&str]) -> Vec<u8> {
    json!({ "version": 1, "assets": [asset(1, "raw/single", command)] })
        .to_string()
        .into_bytes()
}

/// Everything of the manifest; all partitions.
pub(crate) fn everything() -> Trigger {
    Trigger {
        all_partitions: true,
        ..Trigger::default()
    }
}

pub(crate) fn lease(worker: &str, max: u32, wait_s: u32) -> LeaseRequest {
    LeaseRequest {
        worker_id: worker.to_owned(),
        queues: vec!["default".to_owned()],
        max,
        wait_s,
        again: false,
        start: false,
    }
}

/// How long work may take to come: a scheduler reads a ledger that nobody has ever swept from its first record on.
const PATIENCE: Duration = Duration::from_secs(120);

/// Leases so many tasks.
pub(crate) async fn take(client: &Client, worker: &str, count: usize) -> Vec<Envelope> {
    let mut taken = Vec::new();
    let began = Instant::now();
    while taken.len() < count {
        let left = u32::try_from(count - taken.len())
            .unwrap_or(u32::MAX)
            .min(1_000);
        let answer = client
            .lease(&lease(worker, left, 10))
            .await
            .expect("a lease");
        let is_late = answer.tasks.is_empty() && began.elapsed() > PATIENCE;
        assert!(!is_late, "there is work");
        taken.extend(answer.tasks);
    }
    taken
}

pub(crate) async fn started(client: &Client, worker: &str, envelope: &Envelope) {
    let body = Started {
        attempt: envelope.attempt,
        attempt_id: None,
        worker_id: worker.to_owned(),
    };
    let sent = client.started(&envelope.task_id, &envelope.task_token, &body);
    sent.await.expect("an answer");
}

pub(crate) async fn completed(client: &Client, worker: &str, envelope: &Envelope) {
    let body = Completed {
        attempt: envelope.attempt,
        attempt_id: None,
        worker_id: worker.to_owned(),
        outcome: Outcome::Succeeded,
        output: None,
        error: None,
        findings: None,
        extra: serde_json::Map::new(),
    };
    let sent = client.completed(&envelope.task_id, &envelope.task_token, &body);
    sent.await.expect("an answer");
}

/// Waits for the end of the newest run, and says how long it took by the door's clock.
pub(crate) async fn end_of(client: &Client, run: RunId) -> Duration {
    let began = Instant::now();
    loop {
        let query = RunsQuery {
            limit: Some(1),
            ..RunsQuery::default()
        };
        let page = client.runs(&query).await.expect("runs");
        let line = page.runs.first().filter(|line| line.run_id == run);
        if let Some((line, end)) = line.and_then(|line| Some((line, line.finished_at?))) {
            assert_eq!(line.state, RunState::Succeeded);
            return Duration::from_millis(end - line.triggered_at);
        }
        assert!(
            began.elapsed() < Duration::from_secs(300),
            "the run does not end"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
