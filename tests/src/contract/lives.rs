//! A life at a door: deployed, triggered, decided, leased, begun, ended, repeated, contradicted, and read again.

use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::contract::decide::Decider;
use crate::contract::script::{Said, Script, text};

/// An attempt in a worker's hands, where a refusal must change nothing.
pub(super) struct Place {
    /// Its run.
    pub(super) run: String,
    /// Its task.
    pub(super) task: String,
    /// Its token.
    pub(super) token: String,
}

impl Place {
    /// The target of a callback.
    pub(super) fn callback(&self, what: &str) -> String {
        format!("/v1/tasks/{}/{what}", self.task)
    }
}

fn manifest() -> Value {
    let asset = |key: &str, number: u8, upstreams: Value| {
        json!({
            "key": key, "id": format!("01930a0b-0000-7000-8000-0000000000{number:02x}"), "upstreams": upstreams,
            "retry": { "maxAttempts": 3, "baseDelayMs": 1, "maxDelayMs": 2 },
            "timeouts": { "startMs": 600_000, "heartbeatMs": 600_000 },
            "run": { "command": ["true"] },
        })
    };
    json!({ "version": 1, "assets": [asset("raw/a", 1, json!([])), asset("mart/b", 2, json!([{ "asset": "raw/a" }]))] })
}

fn post(
    script: &mut Script<'_>,
    what: &str,
    target: &str,
    body: &Value,
    expected: (u16, &str),
) -> Result<Said, String> {
    let key = script.door.keys.owner.clone();
    script.post(what, target, &key, body.to_string().as_bytes(), expected)
}

/// From an empty ledger to an attempt in a worker's hands.
pub(super) fn ask(script: &mut Script<'_>) -> Result<Place, String> {
    script.get("an empty ledger", "/v1/ledger", (200, ""))?;
    script.get("no run", "/v1/runs", (200, ""))?;
    script.get(
        "no manifest",
        "/v1/manifests/current",
        (404, "manifest-not-found"),
    )?;
    script.ask(
        "nobody decides",
        ("GET", "/ready", &[], b""),
        (503, "unavailable"),
    )?;
    post(
        script,
        "nothing to run",
        "/v1/runs",
        &json!({}),
        (404, "manifest-not-found"),
    )?;
    let lease = |holder: &str, take_over: bool| json!({ "holder": holder, "ttlMs": 600_000, "takeOver": take_over });
    post(
        script,
        "the first scheduler",
        "/v1/scheduler",
        &lease("s1", false),
        (200, ""),
    )?;
    post(
        script,
        "another scheduler waits",
        "/v1/scheduler",
        &lease("s2", false),
        (200, ""),
    )?;
    post(
        script,
        "the first one again",
        "/v1/scheduler",
        &lease("s1", false),
        (200, ""),
    )?;
    post(
        script,
        "another one takes it",
        "/v1/scheduler",
        &lease("s2", true),
        (200, ""),
    )?;
    let fenced = json!({ "epoch": 1, "after": 0, "events": [] });
    post(
        script,
        "the first one is fenced",
        "/v1/ledger",
        &fenced,
        (412, "epoch-fenced"),
    )?;
    script.ask("somebody decides", ("GET", "/ready", &[], b""), (200, ""))?;

    let deployed = post(
        script,
        "a manifest",
        "/v1/manifests",
        &manifest(),
        (201, ""),
    )?;
    post(
        script,
        "the same manifest",
        "/v1/manifests",
        &manifest(),
        (200, ""),
    )?;
    script.get("the manifest", "/v1/manifests/current", (200, ""))?;
    let address = text(&deployed.json, "manifest")?;
    script.get(
        "by its address",
        &format!("/v1/manifests/{address}"),
        (200, ""),
    )?;
    let mut decider = Decider::new(&manifest(), 2)?;

    let run = text(
        &post(
            script,
            "a run",
            "/v1/runs",
            &json!({ "runKey": "first" }),
            (202, ""),
        )?
        .json,
        "runId",
    )?;
    post(
        script,
        "the same run key",
        "/v1/runs",
        &json!({ "runKey": "first" }),
        (202, ""),
    )?;
    post(
        script,
        "the run key for something else",
        "/v1/runs",
        &json!({ "runKey": "first", "priority": 1 }),
        (409, "run-key-conflict"),
    )?;
    decider.rest(script)?;
    let first = lease_one(script)?;
    let worker = |more: Value| with(json!({ "attempt": 1, "workerId": "w1" }), more);
    let token = text(&first, "taskToken")?;
    let task = text(&first, "taskId")?;
    let target = |what: &str| format!("/v1/tasks/{task}/{what}");
    callback(
        script,
        "it begins",
        &target("started"),
        &token,
        &worker(json!({})),
        (200, ""),
    )?;
    callback(
        script,
        "it begins again",
        &target("started"),
        &token,
        &worker(json!({})),
        (200, ""),
    )?;
    callback(
        script,
        "another worker begins it",
        &target("started"),
        &token,
        &json!({ "attempt": 1, "workerId": "w2" }),
        (409, "attempt-claimed"),
    )?;
    callback(
        script,
        "it lives",
        &target("heartbeat"),
        &token,
        &worker(json!({ "progressPct": 50 })),
        (200, ""),
    )?;
    callback(
        script,
        "it says something",
        &target("log"),
        &token,
        &worker(json!({ "offset": 0, "text": "one\ntwo\n" })),
        (200, ""),
    )?;
    let failure = worker(
        json!({ "outcome": "FAILED", "error": { "category": "USER_CODE", "message": "boom \u{1b}[31m", "retryable": true } }),
    );
    callback(
        script,
        "it fails",
        &target("completed"),
        &token,
        &failure,
        (200, ""),
    )?;
    callback(
        script,
        "it fails again",
        &target("completed"),
        &token,
        &failure,
        (200, ""),
    )?;
    callback(
        script,
        "it succeeds after all",
        &target("completed"),
        &token,
        &worker(json!({ "outcome": "SUCCEEDED" })),
        (409, "completion-conflict"),
    )?;
    callback(
        script,
        "it lives on",
        &target("heartbeat"),
        &token,
        &worker(json!({})),
        (410, "task-not-active"),
    )?;
    callback(
        script,
        "it renews",
        &target("renew"),
        &token,
        &worker(json!({})),
        (410, "task-not-active"),
    )?;
    script.get(
        "its log",
        &format!("/v1/runs/{run}/tasks/{task}/log"),
        (200, ""),
    )?;
    decider.rest(script)?;
    let second = lease_with(script, &json!({ "start": true }))?;
    callback(
        script,
        "it begins what the lease began",
        &target("started"),
        &text(&second, "taskToken")?,
        &json!({ "attempt": 2, "workerId": "w1" }),
        (200, ""),
    )?;
    callback(
        script,
        "another worker begins what the lease began",
        &target("started"),
        &text(&second, "taskToken")?,
        &json!({ "attempt": 2, "workerId": "w2" }),
        (409, "attempt-claimed"),
    )?;
    let again = lease_with(script, &json!({ "start": true, "again": true }))?;
    if again["attemptId"] != second["attemptId"] {
        return Err(format!("not what was begun: {again}"));
    }
    callback(
        script,
        "the older attempt begins",
        &target("started"),
        &token,
        &worker(json!({})),
        (409, "attempt-superseded"),
    )?;
    script.get(
        "the task",
        &format!("/v1/runs/{run}/tasks/{task}"),
        (200, ""),
    )?;
    script.get(
        "a record that ends no wait",
        "/v1/ledger?after=1&limit=1&quiet=attempt_started,attempt_finished",
        (200, ""),
    )?;

    // The attempt that the refusals are about is the first of a run of its own.
    let run = text(
        &post(
            script,
            "another run",
            "/v1/runs",
            &json!({ "selection": "raw/a" }),
            (202, ""),
        )?
        .json,
        "runId",
    )?;
    decider.rest(script)?;
    let envelope = lease_one(script)?;
    Ok(Place {
        run,
        task: text(&envelope, "taskId")?,
        token: text(&envelope, "taskToken")?,
    })
}

/// What comes after the refusals: cancels, reruns, keys of repetition, pages and views.
pub(super) fn ask_on(script: &mut Script<'_>) -> Result<(), String> {
    let mut decider = Decider::new(&manifest(), 2)?;
    let key = script.door.keys.owner.clone();
    let authorization = format!("Bearer {key}");
    let keyed = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", "once"),
    ];
    let said = script.ask(
        "a run under a key",
        ("POST", "/v1/runs", &keyed, b"{\"labels\":{\"a\":\"1\"}}"),
        (202, ""),
    )?;
    let run = text(&said.json, "runId")?;
    script.ask(
        "the key again",
        ("POST", "/v1/runs", &keyed, b"{\"labels\":{\"a\":\"1\"}}"),
        (202, ""),
    )?;
    script.ask(
        "the key for another body",
        ("POST", "/v1/runs", &keyed, b"{}"),
        (422, "idempotency-key-reused"),
    )?;
    post(
        script,
        "it is too early",
        &format!("/v1/runs/{run}/rerun"),
        &json!({}),
        (409, "run-not-finished"),
    )?;
    decider.rest(script)?;
    post(
        script,
        "a cancel",
        &format!("/v1/runs/{run}/cancel"),
        &json!({ "reason": "no need" }),
        (202, ""),
    )?;
    post(
        script,
        "the cancel again",
        &format!("/v1/runs/{run}/cancel"),
        &json!({}),
        (202, ""),
    )?;
    decider.rest(script)?;
    post(
        script,
        "the cancel once more",
        &format!("/v1/runs/{run}/cancel"),
        &json!({}),
        (202, ""),
    )?;
    post(
        script,
        "a rerun",
        &format!("/v1/runs/{run}/rerun"),
        &json!({}),
        (202, ""),
    )?;
    decider.rest(script)?;
    for target in [
        "/v1/runs?limit=2",
        "/v1/runs?open=true",
        "/v1/ledger?limit=3",
        "/v1/backfills",
        "/health",
    ] {
        script.get("a page", target, (200, ""))?;
    }
    script.get("the run", &format!("/v1/runs/{run}"), (200, ""))?;
    script.get("its tasks", &format!("/v1/runs/{run}/tasks"), (200, ""))?;
    script.get("its records", &format!("/v1/ledger?runId={run}"), (200, ""))?;
    script.get("the whole ledger", "/v1/ledger?limit=10000", (200, ""))?;
    script.get("the interface", "/openapi.json", (200, ""))?;
    Ok(())
}

fn lease_one(script: &mut Script<'_>) -> Result<Value, String> {
    lease_with(script, &json!({}))
}

fn lease_with(script: &mut Script<'_>, more: &Value) -> Result<Value, String> {
    // A retry waits a moment before it can be had.
    sleep(Duration::from_millis(50));
    let request = json!({ "workerId": "w1", "queues": ["default"], "max": 1, "waitS": 5 });
    let request = with(request, more.clone());
    let said = post(
        script,
        "a worker takes one",
        "/v1/leases",
        &request,
        (200, ""),
    )?;
    match said.json["tasks"].as_array().map(Vec::as_slice) {
        Some([envelope]) => Ok(envelope.clone()),
        _ => Err(format!("no work: {}", said.json)),
    }
}

fn callback(
    script: &mut Script<'_>,
    what: &str,
    target: &str,
    token: &str,
    body: &Value,
    expected: (u16, &str),
) -> Result<Said, String> {
    script.post(what, target, token, body.to_string().as_bytes(), expected)
}

fn with(mut body: Value, more: Value) -> Value {
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    body
}
