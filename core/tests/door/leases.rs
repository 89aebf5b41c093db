//! A lease gives work to one worker, and gives it again to that one alone.

use arcoflow_core::door::answer::Then;
use serde_json::{Value, json};

use crate::house::House;
use crate::lives::diamond;
use crate::replayed::check;

#[test]
fn what_was_leased_in_a_lost_answer_is_given_again() {
    let mut house = House::with(&diamond(json!({})));
    house.trigger(&json!({}));
    house.schedule();
    let lost = house.lease(1).remove(0);
    let ask = |house: &mut House, worker: &str, again: bool| {
        let request =
            json!({ "workerId": worker, "queues": ["default"], "max": 5, "again": again });
        let answer = house.post("/v1/leases", &request).expect(200);
        answer.json["tasks"].as_array().cloned().unwrap_or_default()
    };
    assert!(ask(&mut house, "w1", false).is_empty());
    assert!(
        ask(&mut house, "w2", true).is_empty(),
        "it is not this worker's"
    );
    let given = ask(&mut house, "w1", true);
    assert_eq!(given.len(), 1);
    for member in ["attemptId", "dispatchId", "payload", "traceparent"] {
        assert_eq!(given[0][member], lost[member], "{member}");
    }
    // Its time to start goes on from the first answer.
    house.callback(&given[0], "started", json!({})).expect(200);
    assert!(
        ask(&mut house, "w1", true).is_empty(),
        "what was started is not given again"
    );
    house
        .callback(&given[0], "completed", json!({ "outcome": "SUCCEEDED" }))
        .expect(200);
    check(&mut house);
}

#[test]
fn a_lease_that_starts_needs_no_start() {
    let mut house = House::with(&diamond(json!({})));
    house.trigger(&json!({}));
    house.schedule();
    let ask = |house: &mut House, worker: &str, more: Value| {
        let mut request = json!({ "workerId": worker, "queues": ["default"], "max": 5 });
        for (name, value) in more.as_object().into_iter().flatten() {
            request[name] = value.clone();
        }
        let answer = house.post("/v1/leases", &request).expect(200);
        answer.json["tasks"].as_array().cloned().unwrap_or_default()
    };
    let begun = ask(&mut house, "w1", json!({ "start": true }));
    assert_eq!(begun.len(), 1);
    assert_eq!(
        house.kinds().last().map(String::as_str),
        Some("attempt_started")
    );
    let said = house.callback(&begun[0], "started", json!({})).expect(200);
    assert_eq!(said.header("idempotent-replayed"), Some("true"));
    assert_eq!(said.json["deadline"], begun[0]["deadline"]);
    // The answer may have been lost, and then the worker does not know that it runs.
    assert!(ask(&mut house, "w1", json!({ "again": true })).is_empty());
    assert!(ask(&mut house, "w2", json!({ "again": true, "start": true })).is_empty());
    let given = ask(&mut house, "w1", json!({ "again": true, "start": true }));
    assert_eq!(given.len(), 1);
    for member in ["attemptId", "deadline", "dispatchId", "payload"] {
        assert_eq!(given[0][member], begun[0][member], "{member}");
    }
    house
        .callback(&given[0], "completed", json!({ "outcome": "SUCCEEDED" }))
        .expect(200);
    // What was leased and not started is started when it is asked for so.
    house.schedule();
    let leased = ask(&mut house, "w1", json!({}));
    let begun = ask(&mut house, "w1", json!({ "again": true, "start": true }));
    assert_eq!(begun.len(), leased.len());
    for envelope in &begun {
        house
            .callback(envelope, "completed", json!({ "outcome": "SUCCEEDED" }))
            .expect(200);
    }
    check(&mut house);
}

#[test]
fn a_quiet_record_ends_no_wait() {
    let mut house = House::with(&diamond(json!({})));
    house.trigger(&json!({}));
    house.schedule();
    let after = house.kinds().len();
    let envelope = house.lease(1).remove(0);
    house.callback(&envelope, "started", json!({})).expect(200);
    let waits = |house: &mut House, quiet: &str| {
        let target = format!("/v1/ledger?after={after}&waitS=5&quiet={quiet}");
        matches!(house.get(&target).expect(200).then, Then::Wait(_))
    };
    assert!(!waits(&mut house, ""));
    assert!(!waits(&mut house, "attempt_finished"));
    assert!(waits(&mut house, "attempt_finished,attempt_started"));
    house
        .callback(&envelope, "completed", json!({ "outcome": "SUCCEEDED" }))
        .expect(200);
    assert!(!waits(&mut house, "attempt_started"));
    assert!(waits(&mut house, "attempt_finished,attempt_started"));
}
