//! A callback counts once, from the worker that holds the attempt, in any order that a network can make of it.

use serde_json::{Value, json};

use crate::house::{House, asset, manifest, text};
use crate::replayed::check;

fn one() -> (House, String, Value) {
    let mut house = House::with(&manifest(vec![asset("raw/a", &[], json!({}))]));
    let run = house.trigger(&json!({}));
    house.schedule();
    let envelope = house.lease(1).remove(0);
    (house, run, envelope)
}

#[test]
fn an_envelope_says_all_that_a_worker_needs() {
    let (_, run, envelope) = one();
    assert_eq!(envelope["runId"], run.as_str());
    assert_eq!(envelope["taskKey"], "raw/a:materialize");
    assert_eq!(envelope["attempt"], 1);
    assert_eq!(
        envelope["dispatchId"],
        format!("dispatch:{run}:raw/a:materialize:1")
    );
    assert_eq!(envelope["payload"]["run"]["command"], json!(["true"]));
    assert_eq!(envelope["callbackBaseUrl"], "http://127.0.0.1:2726");
    let interval = envelope["heartbeatIntervalMs"]
        .as_u64()
        .expect("an interval");
    let timeout = envelope["heartbeatTimeoutMs"].as_u64().expect("a time-out");
    assert!(timeout >= 2 * interval);
    assert!(text(&envelope["taskToken"]).len() <= 1_024);
}

#[test]
fn started_is_answered_again_for_its_worker_and_refused_for_another() {
    let (mut house, _, envelope) = one();
    let first = house.callback(&envelope, "started", json!({})).expect(200);
    let again = house.callback(&envelope, "started", json!({})).expect(200);
    assert_eq!(first.json["seq"], again.json["seq"]);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let deadline = first.json["deadline"].as_u64().expect("a deadline");
    assert!(deadline <= envelope["deadline"].as_u64().expect("a deadline"));
    assert_eq!(again.json["deadline"], deadline);
    house
        .callback(&envelope, "started", json!({ "workerId": "w2" }))
        .refused(409, "attempt-claimed");
    house
        .callback(&envelope, "heartbeat", json!({ "workerId": "w2" }))
        .refused(409, "attempt-claimed");
    let stolen = json!({ "workerId": "w2", "outcome": "SUCCEEDED" });
    house
        .callback(&envelope, "completed", stolen)
        .refused(409, "attempt-claimed");
    check(&mut house);
}

#[test]
fn completed_comes_before_started_twice_and_with_another_outcome() {
    let (mut house, run, envelope) = one();
    let done = json!({ "outcome": "SUCCEEDED", "output": { "rowCount": 3, "metrics": { "mean": "1.5" } }, "colour": "blue" });
    let first = house
        .callback(&envelope, "completed", done.clone())
        .expect(200);
    let again = house.callback(&envelope, "completed", done).expect(200);
    assert_eq!(again.json["seq"], first.json["seq"]);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let other = house
        .callback(&envelope, "completed", json!({ "outcome": "FAILED" }))
        .refused(409, "completion-conflict");
    assert_eq!(other.json["recordedOutcome"], "succeeded");
    let less = json!({ "outcome": "SUCCEEDED", "output": { "rowCount": 4 } });
    house
        .callback(&envelope, "completed", less)
        .refused(409, "completion-conflict");
    house
        .callback(&envelope, "started", json!({}))
        .refused(409, "task-already-terminal");
    house
        .callback(&envelope, "heartbeat", json!({}))
        .refused(410, "task-not-active");
    house.schedule();
    assert_eq!(house.run(&run)["state"], "succeeded");
    let record = house
        .records()
        .into_iter()
        .find(|record| record.kind == "attempt_finished")
        .expect("the fact");
    assert!(
        record.body.contains("\"extra\":{\"colour\":\"blue\"}"),
        "an unknown member is kept"
    );
    check(&mut house);
}

#[test]
fn an_attempt_that_was_never_started_is_closed_and_its_worker_told() {
    let (mut house, _, envelope) = one();
    house.now_ms += 59_999;
    assert_eq!(house.expire(), 0);
    house.now_ms += 1;
    assert_eq!(house.expire(), 1);
    house.schedule();
    let refused = house
        .callback(&envelope, "started", json!({}))
        .refused(409, "attempt-superseded");
    assert_eq!(refused.json["expectedAttempt"], 2);
    assert_eq!(refused.json["receivedAttempt"], 1);
    assert_eq!(refused.json["error"], "attempt_superseded");
    check(&mut house);
}

#[test]
fn a_heartbeat_keeps_an_attempt_and_silence_ends_it() {
    let (mut house, _, mut envelope) = one();
    house.callback(&envelope, "started", json!({})).expect(200);
    for _ in 0..10 {
        house.now_ms += 89_000;
        let beat = house
            .callback(&envelope, "heartbeat", json!({ "progressPct": 50 }))
            .expect(200)
            .json;
        if beat["taskToken"].is_string() {
            envelope["taskToken"] = beat["taskToken"].clone();
        }
        assert_eq!(house.expire(), 0, "a worker that reports is never closed");
    }
    let records = house.records().len();
    house
        .callback(&envelope, "heartbeat", json!({}))
        .expect(200);
    assert_eq!(house.records().len(), records, "a heartbeat is no record");
    house.now_ms += 90_000;
    assert_eq!(house.expire(), 1);
    house.schedule();
    house
        .callback(&envelope, "completed", json!({ "outcome": "SUCCEEDED" }))
        .refused(409, "attempt-superseded");
    check(&mut house);
}

#[test]
fn a_clock_that_goes_back_fires_nothing_early_and_moves_no_record_back() {
    let (mut house, _, envelope) = one();
    house.callback(&envelope, "started", json!({})).expect(200);
    house.now_ms += 60_000;
    house
        .callback(&envelope, "heartbeat", json!({}))
        .expect(200);
    house.trigger(&json!({ "runKey": "later" }));
    house.now_ms -= 3_600_000;
    assert_eq!(
        house.expire(),
        0,
        "time stands still until the clock has caught up"
    );
    house.trigger(&json!({ "runKey": "later still" }));
    house.schedule();
    house.now_ms += 3_600_000 - 30_000;
    house
        .callback(&envelope, "completed", json!({ "outcome": "SUCCEEDED" }))
        .expect(200);
    check(&mut house);
}

#[test]
fn the_total_time_of_an_attempt_ends_whatever_its_heartbeats_say() {
    let timeouts = json!({ "timeouts": { "attemptMs": 100_000 } });
    let mut house = House::with(&manifest(vec![asset("raw/a", &[], timeouts)]));
    house.trigger(&json!({}));
    house.schedule();
    let envelope = house.lease(1).remove(0);
    house.callback(&envelope, "started", json!({})).expect(200);
    house.now_ms += 60_000;
    house
        .callback(&envelope, "heartbeat", json!({}))
        .expect(200);
    house.now_ms += 40_000;
    assert_eq!(house.expire(), 1);
    let last = house.records().pop().expect("a record");
    assert!(last.body.contains("\"reason\":\"deadline\""));
    check(&mut house);
}

#[test]
fn a_token_is_refreshed_in_its_second_half_and_renewed_on_request() {
    let (mut house, _, mut envelope) = one();
    house.callback(&envelope, "started", json!({})).expect(200);
    house.now_ms += 80_000;
    assert!(
        house
            .callback(&envelope, "heartbeat", json!({}))
            .expect(200)
            .json["taskToken"]
            .is_null()
    );
    for _ in 0..3 {
        house.now_ms += 80_000;
        house
            .callback(&envelope, "heartbeat", json!({}))
            .expect(200);
    }
    let fresh = house
        .callback(&envelope, "heartbeat", json!({}))
        .expect(200)
        .json["taskToken"]
        .clone();
    assert!(fresh.is_string(), "less than half of its life is left");
    let renewed = house
        .callback(&envelope, "renew", json!({}))
        .expect(200)
        .json;
    assert!(renewed["taskToken"].is_string());
    house.now_ms += 80_000;
    house
        .callback(&envelope, "heartbeat", json!({}))
        .refused(401, "token-expired");
    envelope["taskToken"] = fresh;
    house
        .callback(&envelope, "completed", json!({ "outcome": "SUCCEEDED" }))
        .expect(200);
}

#[test]
fn a_run_key_means_one_run_and_an_idempotency_key_means_one_answer() {
    let mut house = House::with(&manifest(vec![asset("raw/a", &[], json!({}))]));
    let trigger = json!({ "runKey": "nightly 2025-01-15" });
    let first = house.post("/v1/runs", &trigger).expect(202);
    let again = house.post("/v1/runs", &trigger).expect(202);
    assert_eq!(first.json, again.json);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let other = json!({ "runKey": "nightly 2025-01-15", "priority": 1 });
    let conflict = house
        .post("/v1/runs", &other)
        .refused(409, "run-key-conflict");
    assert_eq!(conflict.json["runId"], first.json["runId"]);

    let key = house.key.clone();
    let keyed = |house: &mut House, body: &Value| {
        house.post_with("/v1/runs", &key, &[("idempotency-key", "abc")], body)
    };
    let first = keyed(&mut house, &json!({})).expect(202);
    let again = keyed(&mut house, &json!({})).expect(202);
    assert_eq!(first.bytes, again.bytes);
    keyed(&mut house, &json!({ "priority": 1 })).refused(422, "idempotency-key-reused");
    house.now_ms += 24 * 3_600_000 + 1;
    house.expire();
    keyed(&mut house, &json!({ "priority": 1 })).expect(202);
    check(&mut house);
}

#[test]
fn a_log_is_kept_once_however_often_it_is_sent() {
    let (mut house, run, envelope) = one();
    let send = |house: &mut House, offset: u64, text: &str| {
        house
            .callback(&envelope, "log", json!({ "offset": offset, "text": text }))
            .expect(200)
            .json["size"]
            .as_u64()
    };
    assert_eq!(send(&mut house, 0, "héllo\n"), Some(7));
    assert_eq!(send(&mut house, 0, "héllo\n"), Some(7));
    assert_eq!(send(&mut house, 0, "héllo\nworld\n"), Some(13));
    assert_eq!(
        send(&mut house, 99, "a gap"),
        Some(13),
        "what comes after a gap waits for the gap"
    );
    let task = text(&envelope["taskId"]);
    let page = house
        .get(&format!("/v1/runs/{run}/tasks/{task}/log"))
        .expect(200)
        .json;
    assert_eq!(
        (&page["text"], &page["next"], &page["end"]),
        (&json!("héllo\nworld\n"), &json!(13), &json!(false))
    );
    let page = house
        .get(&format!("/v1/runs/{run}/tasks/{task}/log?offset=7"))
        .expect(200)
        .json;
    assert_eq!(page["text"], "world\n");
    house.config.log_bytes = 16;
    let full = house
        .callback(
            &envelope,
            "log",
            json!({ "offset": 13, "text": "too much" }),
        )
        .expect(200)
        .json;
    assert_eq!((&full["size"], &full["full"]), (&json!(16), &json!(true)));
}

#[test]
fn an_attempt_works_from_what_was_current_when_it_was_asked_for() {
    let mut house = House::with(&manifest(vec![
        asset("raw/a", &[], json!({})),
        asset("mart/b", &["raw/a"], json!({})),
    ]));
    let make = |house: &mut House, path: &str| {
        house.trigger(&json!({ "selection": "raw/a" }));
        house.schedule();
        let envelope = house.lease(1).remove(0);
        let output = json!({ "outcome": "SUCCEEDED", "output": { "outputPath": path } });
        house.callback(&envelope, "completed", output).expect(200);
        house.schedule();
    };
    make(&mut house, "/old");
    house.trigger(&json!({ "selection": "mart/b" }));
    house.schedule();
    let record = house
        .records()
        .into_iter()
        .rev()
        .find(|record| record.kind == "attempt_finished")
        .expect("a fact");
    assert!(!record.body.contains("replaces"));
    // A newer one comes between the dispatch and the lease; the input stays what it was.
    let waiting = house.lease(1).remove(0);
    assert_eq!(waiting["payload"]["inputs"][0]["outputPath"], "/old");
    house.now_ms += 60_000;
    house.expire();
    make(&mut house, "/new");
    house.schedule();
    house.now_ms += 10_000;
    let again = house.lease(1).remove(0);
    assert_eq!(again["attempt"], 2);
    assert_eq!(
        again["payload"]["inputs"][0]["outputPath"], "/old",
        "the second attempt was asked for before the new one was made"
    );
    house.trigger(&json!({ "selection": "mart/b" }));
    house.schedule();
    let fresh = house.lease(1).remove(0);
    assert_eq!(fresh["payload"]["inputs"][0]["outputPath"], "/new");
    check(&mut house);
}

#[test]
fn a_worker_without_work_waits_and_asks_again_when_a_retry_is_due() {
    use arcoflow_core::door::answer::{Then, WaitOn};
    let retry = json!({ "retry": { "baseDelayMs": 10_000, "maxDelayMs": 10_000 } });
    let mut house = House::with(&manifest(vec![asset("raw/a", &[], retry)]));
    let ask = json!({ "workerId": "w1", "queues": ["default", "other"], "max": 10, "waitS": 30 });
    let waits = |answer: crate::answer::Answer| match answer.then {
        Then::Wait(wait) => (wait.on, wait.give_up_ms, wait.again_ms),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        waits(house.post("/v1/leases", &ask).expect(200)),
        (
            WaitOn::Work(vec!["default".to_owned(), "other".to_owned()]),
            30_000,
            None
        )
    );
    house.trigger(&json!({}));
    house.schedule();
    let answer = house.post("/v1/leases", &ask).expect(200);
    assert_eq!(answer.then, Then::Send);
    let envelope = answer.json["tasks"][0].clone();
    house.fail(&envelope, "USER_CODE");
    house.schedule();
    let (on, give_up_ms, again_ms) = waits(house.post("/v1/leases", &ask).expect(200));
    assert_eq!(
        (on, give_up_ms),
        (
            WaitOn::Work(vec!["default".to_owned(), "other".to_owned()]),
            30_000
        )
    );
    let again_ms = again_ms.expect("the retry has a time");
    assert!((5_000..=10_000).contains(&again_ms), "{again_ms}");
    // A clock that went back has the way to catch up before it, and nobody asks in vain meanwhile.
    house.now_ms -= 3_600_000;
    let (_, _, later_ms) = waits(house.post("/v1/leases", &ask).expect(200));
    assert_eq!(later_ms, Some(again_ms + 3_600_000));
    house.now_ms += 3_600_000 + again_ms;
    assert_eq!(
        house.lease(1).len(),
        1,
        "the retry can be leased exactly then"
    );
}
