//! A run that is older than it may get is cancelled by the door, exactly as if somebody had asked for it.

use serde_json::{Value, json};

use crate::house::{House, asset, manifest, text};
use crate::replayed::check;

const HOUR_MS: u64 = 3_600_000;

fn pipeline(timeout: Value) -> Value {
    let mut pipeline = manifest(vec![
        asset("raw/a", &[], json!({})),
        asset("mart/b", &["raw/a"], json!({})),
    ]);
    if !timeout.is_null() {
        pipeline["runTimeoutMs"] = timeout;
    }
    pipeline
}

/// The cancel of a run: who asked, and why.
fn cancel(house: &mut House) -> Option<(String, String)> {
    let records = house.records();
    let found = records
        .iter()
        .find(|record| record.kind == "run_cancel_requested")?;
    let body: Value = serde_json::from_str(&found.body).expect("JSON");
    Some((found.actor.clone(), text(&body["reason"])))
}

#[test]
fn the_trigger_or_else_the_manifest_says_how_old_a_run_may_get() {
    let rows = [
        (Value::Null, Value::Null, None),
        (json!(HOUR_MS), Value::Null, Some(HOUR_MS)),
        (Value::Null, json!(60_000), Some(60_000)),
        (json!(60_000), json!(HOUR_MS), Some(HOUR_MS)),
    ];
    for (in_manifest, in_trigger, expected) in rows {
        let mut house = House::with(&pipeline(in_manifest));
        let mut trigger = json!({});
        if !in_trigger.is_null() {
            trigger["runTimeoutMs"] = in_trigger;
        }
        let run = house.trigger(&trigger);
        house.schedule();
        let began = house.now_ms;
        house.now_ms = began + expected.unwrap_or(1_000 * HOUR_MS) - 1;
        house.expire();
        assert_eq!(cancel(&mut house), None);
        house.now_ms += 1;
        house.expire();
        house.expire();
        house.schedule();
        let cancelled = cancel(&mut house);
        assert_eq!(cancelled.is_some(), expected.is_some());
        if let (Some((actor, reason)), Some(timeout_ms)) = (cancelled, expected) {
            assert_eq!(actor, "door");
            assert_eq!(
                reason,
                format!("run time-out: it did not end within {timeout_ms} ms")
            );
            assert_eq!(house.run(&run)["state"], "cancelled");
            assert!(house.lease(10).is_empty());
        }
        check(&mut house);
    }
}

#[test]
fn a_running_attempt_is_told_why_and_has_its_grace() {
    let mut house = House::with(&pipeline(json!(60_000)));
    let run = house.trigger(&json!({}));
    house.schedule();
    let envelope = house.lease(1).remove(0);
    house.callback(&envelope, "started", json!({})).expect(200);
    house.now_ms += 60_000;
    house.expire();
    let beat = house
        .callback(&envelope, "heartbeat", json!({}))
        .expect(200);
    assert_eq!(beat.json["shouldCancel"], true);
    assert_eq!(
        beat.json["cancelReason"],
        "run time-out: it did not end within 60000 ms"
    );
    house.now_ms += 30_000;
    assert_eq!(house.expire(), 1);
    house.schedule();
    assert_eq!(house.run(&run)["state"], "cancelled");
    check(&mut house);
}

#[test]
fn the_end_and_the_time_out_may_come_in_either_order() {
    for ends_first in [true, false] {
        let mut house = House::with(&manifest(vec![asset("raw/a", &[], json!({}))]));
        let run = house.trigger(&json!({ "runTimeoutMs": 60_000 }));
        house.schedule();
        let envelope = house.lease(1).remove(0);
        house.callback(&envelope, "started", json!({})).expect(200);
        let end = json!({ "outcome": "SUCCEEDED" });
        if ends_first {
            house.callback(&envelope, "completed", end).expect(200);
            house.schedule();
            house.now_ms += 60_000;
            house.expire();
            assert_eq!(
                cancel(&mut house),
                None,
                "a run that has ended is not cancelled"
            );
        } else {
            house.now_ms += 60_000;
            house.expire();
            assert!(cancel(&mut house).is_some());
            // The work was done before its worker heard of it, so nothing was cut short.
            house.callback(&envelope, "completed", end).expect(200);
            house.schedule();
        }
        assert_eq!(house.run(&run)["state"], "succeeded");
        check(&mut house);
    }
}

#[test]
fn a_cancel_and_a_time_out_are_one_cancel() {
    let mut house = House::with(&pipeline(json!(60_000)));
    let run = house.trigger(&json!({}));
    house.schedule();
    house
        .post(
            &format!("/v1/runs/{run}/cancel"),
            &json!({ "reason": "enough" }),
        )
        .expect(202);
    house.now_ms += 60_000;
    house.expire();
    let cancels = house.kinds();
    let cancels = cancels
        .iter()
        .filter(|kind| *kind == "run_cancel_requested");
    assert_eq!(cancels.count(), 1);
    check(&mut house);
}

#[test]
fn a_time_out_has_bounds() {
    let mut house = House::with(&pipeline(Value::Null));
    for timeout_ms in [0_u64, 999, 2_592_000_001] {
        let refused = house
            .post("/v1/runs", &json!({ "runTimeoutMs": timeout_ms }))
            .refused(422, "validation-failed");
        assert_eq!(refused.json["errors"][0]["pointer"], "/runTimeoutMs");
        let refused = house
            .post("/v1/manifests", &pipeline(json!(timeout_ms)))
            .refused(422, "manifest-invalid");
        assert_eq!(refused.json["errors"][0]["pointer"], "/runTimeoutMs");
    }
}
