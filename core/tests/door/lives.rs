//! Runs live and end as their tasks do: what fails skips, what is cancelled cancels, what is tried again waits.

use serde_json::{Value, json};

use crate::house::{House, asset, manifest, text};
use crate::replayed::check;

pub(crate) fn diamond(more: Value) -> Value {
    manifest(vec![
        asset("raw/a", &[], more),
        asset("mid/b", &["raw/a"], json!({})),
        asset("mid/c", &["raw/a"], json!({})),
        asset("mart/d", &["mid/b", "mid/c"], json!({})),
    ])
}

#[test]
fn a_diamond_runs_in_order_and_succeeds() {
    let mut house = House::with(&diamond(json!({})));
    let run = house.trigger(&json!({}));
    let mut order = Vec::new();
    house.work(|house, envelope| {
        order.push(text(&envelope["assetKey"]));
        house.succeed(envelope);
    });
    assert_eq!(order.first().map(String::as_str), Some("raw/a"));
    assert_eq!(order.last().map(String::as_str), Some("mart/d"));
    assert_eq!(house.run(&run)["state"], "succeeded");
    assert_eq!(
        house.kinds().first().map(String::as_str),
        Some("manifest_deployed")
    );
    assert_eq!(
        house.kinds().last().map(String::as_str),
        Some("run_finished")
    );
    check(&mut house);
}

#[test]
fn an_empty_plan_succeeds_at_once() {
    let mut house = House::with(&manifest(vec![]));
    let run = house.trigger(&json!({}));
    house.schedule();
    assert_eq!(house.run(&run)["state"], "succeeded");
    check(&mut house);
}

#[test]
fn a_failure_is_tried_again_after_its_delay_and_then_skips_what_depends_on_it() {
    let retry = json!({ "retry": { "maxAttempts": 2, "baseDelayMs": 10_000, "factor": 2, "maxDelayMs": 60_000 } });
    let mut house = House::with(&diamond(retry));
    let run = house.trigger(&json!({}));
    house.work(|house, envelope| house.fail(envelope, "USER_CODE"));
    let state = |tasks: &[(String, String)], key: &str| {
        let found = tasks
            .iter()
            .find(|(task, _)| task.starts_with(key))
            .map(|(_, state)| state.clone());
        found.expect("the task exists")
    };
    // The second attempt was asked for at once, and waits at the door.
    assert_eq!(state(&house.tasks(&run), "raw/a"), "dispatched");
    house.now_ms += 4_999;
    assert!(
        house.lease(10).is_empty(),
        "a retry is not leased before half its delay"
    );
    house.now_ms += 5_001;
    let leased = house.lease(10);
    assert_eq!(leased.len(), 1);
    assert_eq!(leased[0]["attempt"], 2);
    house.fail(&leased[0], "USER_CODE");
    house.schedule();
    let tasks = house.tasks(&run);
    assert_eq!(state(&tasks, "raw/a"), "failed");
    assert_eq!(state(&tasks, "mid/b"), "skipped");
    assert_eq!(state(&tasks, "mart/d"), "skipped");
    assert_eq!(house.run(&run)["state"], "failed");
    check(&mut house);
}

#[test]
fn the_category_or_the_worker_decides_about_a_retry() {
    let rows = [
        ("USER_CODE", Value::Null, true),
        ("INFRASTRUCTURE", Value::Null, true),
        ("TIMEOUT", Value::Null, true),
        ("DATA_QUALITY", Value::Null, false),
        ("CONFIGURATION", Value::Null, false),
        ("CANCELLED", Value::Null, false),
        ("DATA_QUALITY", json!(true), true),
        ("USER_CODE", json!(false), false),
    ];
    for (category, verdict, retried) in rows {
        let mut house = House::with(&manifest(vec![asset("raw/a", &[], json!({}))]));
        let run = house.trigger(&json!({}));
        house.schedule();
        let envelope = house.lease(1).remove(0);
        let mut error = json!({ "category": category, "message": "no luck" });
        if !verdict.is_null() {
            error["retryable"] = verdict.clone();
        }
        house
            .callback(
                &envelope,
                "completed",
                json!({ "outcome": "FAILED", "error": error }),
            )
            .expect(200);
        house.schedule();
        let expected = if retried { "dispatched" } else { "failed" };
        assert_eq!(house.tasks(&run)[0].1, expected, "{category} {verdict}");
        check(&mut house);
    }
}

#[test]
fn a_cancel_ends_what_has_not_started_and_tells_what_runs() {
    let mut house = House::with(&manifest(vec![
        asset("raw/a", &[], json!({})),
        asset("raw/b", &[], json!({})),
        asset("mart/c", &["raw/a"], json!({})),
    ]));
    let run = house.trigger(&json!({}));
    house.schedule();
    let envelope = house.lease(1).remove(0);
    house.callback(&envelope, "started", json!({})).expect(200);
    house
        .post(
            &format!("/v1/runs/{run}/cancel"),
            &json!({ "reason": "wrong data" }),
        )
        .expect(202);
    house.schedule();
    assert!(
        house.lease(10).is_empty(),
        "nothing of a cancelled run is leased"
    );
    let beat = house
        .callback(&envelope, "heartbeat", json!({}))
        .expect(200)
        .json;
    assert_eq!(
        (&beat["shouldCancel"], &beat["cancelReason"]),
        (&json!(true), &json!("wrong data"))
    );
    assert_eq!(house.run(&run)["state"], "cancelling");
    house
        .callback(&envelope, "completed", json!({ "outcome": "CANCELLED" }))
        .expect(200);
    house.schedule();
    assert_eq!(house.run(&run)["state"], "cancelled");
    let again = house
        .post(&format!("/v1/runs/{run}/cancel"), &json!({}))
        .expect(202);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    check(&mut house);
}

#[test]
fn a_worker_that_ignores_a_cancel_is_closed_after_the_grace() {
    let mut house = House::with(&manifest(vec![asset(
        "raw/a",
        &[],
        json!({ "timeouts": { "cancelGraceMs": 2_000 } }),
    )]));
    let run = house.trigger(&json!({}));
    house.schedule();
    let envelope = house.lease(1).remove(0);
    house.callback(&envelope, "started", json!({})).expect(200);
    house
        .post(&format!("/v1/runs/{run}/cancel"), &json!({}))
        .expect(202);
    house.now_ms += 1_999;
    house
        .callback(&envelope, "heartbeat", json!({}))
        .expect(200);
    assert_eq!(house.expire(), 0);
    house.now_ms += 1;
    assert_eq!(house.expire(), 1);
    house
        .callback(&envelope, "heartbeat", json!({}))
        .refused(410, "task-not-active");
    house.schedule();
    assert_eq!(house.run(&run)["state"], "cancelled");
    let last = house
        .records()
        .into_iter()
        .rev()
        .find(|record| record.kind == "attempt_expired")
        .expect("an expiry");
    assert!(last.body.contains("\"reason\":\"cancel_grace\""));
    check(&mut house);
}

#[test]
fn a_run_that_finished_before_the_cancel_keeps_its_end() {
    let mut house = House::with(&manifest(vec![asset("raw/a", &[], json!({}))]));
    let run = house.trigger(&json!({}));
    house.work(|house, envelope| house.succeed(envelope));
    house
        .post(&format!("/v1/runs/{run}/cancel"), &json!({}))
        .refused(409, "run-already-finished");
    assert_eq!(house.run(&run)["state"], "succeeded");
}

#[test]
fn a_task_that_succeeds_after_the_cancel_has_succeeded_and_the_rest_is_cancelled() {
    let mut house = House::with(&diamond(json!({})));
    let run = house.trigger(&json!({}));
    house.schedule();
    let envelope = house.lease(1).remove(0);
    house.callback(&envelope, "started", json!({})).expect(200);
    house
        .post(&format!("/v1/runs/{run}/cancel"), &json!({}))
        .expect(202);
    house
        .callback(&envelope, "completed", json!({ "outcome": "SUCCEEDED" }))
        .expect(200);
    house.schedule();
    let view = house.run(&run);
    assert_eq!(view["state"], "cancelled");
    assert_eq!(view["counts"], json!({ "succeeded": 1, "cancelled": 3 }));
    check(&mut house);
}

#[test]
fn a_blocking_check_holds_back_what_is_downstream_and_a_warning_does_not() {
    for (severity, outcome, report) in [
        ("block", "failed", "skipped"),
        ("warn", "succeeded", "succeeded"),
    ] {
        let checked = json!({ "check": { "run": { "command": ["check"] }, "severity": severity } });
        let mut house = House::with(&manifest(vec![
            asset("raw/a", &[], checked),
            asset("mart/b", &["raw/a"], json!({})),
        ]));
        let run = house.trigger(&json!({}));
        house.work(|house, envelope| {
            if text(&envelope["taskKey"]).ends_with(":check") {
                assert_eq!(envelope["payload"]["run"]["command"], json!(["check"]));
                house.fail(envelope, "DATA_QUALITY");
            } else {
                house.succeed(envelope);
            }
        });
        assert_eq!(house.run(&run)["state"], outcome, "{severity}");
        let tasks = house.tasks(&run);
        let state = tasks
            .iter()
            .find(|(key, _)| key.starts_with("mart/b"))
            .map(|(_, state)| state.as_str());
        assert_eq!(state, Some(report), "{severity}");
        check(&mut house);
    }
}

#[test]
fn a_rerun_takes_what_did_not_succeed_and_reads_what_did() {
    let mut house = House::with(&diamond(json!({})));
    let run = house.trigger(&json!({}));
    house.work(|house, envelope| {
        if text(&envelope["assetKey"]) == "mid/c" {
            house.fail(envelope, "CONFIGURATION")
        } else {
            house.succeed(envelope)
        }
    });
    assert_eq!(house.run(&run)["state"], "failed");
    let answer = house
        .post(&format!("/v1/runs/{run}/rerun"), &json!({}))
        .expect(202)
        .json;
    assert_eq!(answer["tasks"], 2);
    let rerun = text(&answer["runId"]);
    house.work(|house, envelope| {
        let inputs = envelope["payload"]["inputs"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let expected = if text(&envelope["assetKey"]) == "mid/c" {
            1
        } else {
            2
        };
        assert_eq!(inputs.len(), expected, "{envelope}");
        house.fail(envelope, "CONFIGURATION");
    });
    // A rerun of a rerun is still cut from the first plan.
    let answer = house
        .post(
            &format!("/v1/runs/{rerun}/rerun"),
            &json!({ "mode": "all" }),
        )
        .expect(202)
        .json;
    assert_eq!(answer["tasks"], 2);
    house.work(|house, envelope| house.succeed(envelope));
    assert_eq!(house.run(&text(&answer["runId"]))["state"], "succeeded");
    check(&mut house);
}

#[test]
fn a_place_is_given_to_the_urgent_first_and_limits_hold() {
    let mut pipeline = manifest(vec![
        asset("raw/a", &[], json!({ "priority": 1 })),
        asset("raw/b", &[], json!({ "priority": 5 })),
        asset("raw/c", &[], json!({ "pool": "db" })),
        asset("raw/d", &[], json!({ "pool": "db" })),
    ]);
    pipeline["pools"] = json!({ "db": { "limit": 1 } });
    let mut house = House::with(&pipeline);
    let run = house.trigger(&json!({}));
    house.schedule();
    let states: Vec<String> = house
        .tasks(&run)
        .into_iter()
        .map(|(_, state)| state)
        .collect();
    assert_eq!(states, ["dispatched", "dispatched", "dispatched", "ready"]);
    let first = house.lease(1).remove(0);
    assert_eq!(first["assetKey"], "raw/b");
    let second = house.lease(1).remove(0);
    assert_eq!(second["assetKey"], "raw/a");
    let third = house.lease(5);
    assert_eq!(third.len(), 1);
    house.succeed(&third[0]);
    house.schedule();
    assert_eq!(
        house.lease(5).len(),
        1,
        "the pool's place went to the one that waited"
    );
    check(&mut house);
}

#[test]
fn a_small_run_is_not_starved_by_a_large_one() {
    let partitions = json!({ "partitions": [{ "name": "n", "kind": "static", "values": (0..50).collect::<Vec<i32>>() }] });
    let mut house = House::with(&manifest(vec![
        asset("raw/wide", &[], partitions),
        asset("raw/one", &[], json!({})),
    ]));
    house.limits.open_attempts = 4;
    let large = house.trigger(&json!({ "selection": "raw/wide" }));
    house.schedule();
    let small = house.trigger(&json!({ "selection": "raw/one" }));
    house.schedule();
    let leased = house.lease(4);
    assert_eq!(leased.len(), 4);
    house.succeed(&leased[0]);
    house.schedule();
    let next = house.lease(4);
    assert_eq!(next.len(), 1);
    assert_eq!(
        next[0]["assetKey"], "raw/one",
        "the run that holds the fewest places is next"
    );
    assert_eq!(house.run(&large)["state"], "running");
    house.succeed(&next[0]);
    house.schedule();
    assert_eq!(house.run(&small)["state"], "succeeded");
}

#[test]
fn a_retry_keeps_the_place_that_its_task_had() {
    let pooled = |more: Value| {
        let mut all =
            json!({ "pool": "source", "retry": { "maxAttempts": 3, "baseDelayMs": 60_000 } });
        all["priority"] = more;
        all
    };
    let mut one_at_a_time = manifest(vec![
        asset("raw/a", &[], pooled(json!(1))),
        asset("raw/b", &[], pooled(json!(0))),
    ]);
    one_at_a_time["pools"] = json!({ "source": { "limit": 1 } });
    let mut house = House::with(&one_at_a_time);
    house.trigger(&json!({}));
    house.schedule();
    let first = house.lease(10);
    assert_eq!(first.len(), 1);
    house.fail(&first[0], "USER_CODE");
    house.schedule();
    let dispatched = house.kinds();
    let dispatched = dispatched
        .iter()
        .filter(|kind| *kind == "dispatch_requested");
    assert_eq!(
        dispatched.count(),
        2,
        "the first attempt and its retry, and nothing beside them"
    );
    assert!(house.lease(10).is_empty());
    check(&mut house);
}

#[test]
fn a_cancel_does_not_prolong_an_attempt() {
    let short = json!({ "timeouts": { "attemptMs": 100_000, "heartbeatMs": 90_000, "cancelGraceMs": 30_000 } });
    let mut house = House::with(&manifest(vec![asset("raw/a", &[], short)]));
    let run = house.trigger(&json!({}));
    house.schedule();
    let envelope = house.lease(1).remove(0);
    house.callback(&envelope, "started", json!({})).expect(200);
    house.now_ms += 80_000;
    house
        .callback(&envelope, "heartbeat", json!({}))
        .expect(200);
    house
        .post(&format!("/v1/runs/{run}/cancel"), &json!({}))
        .expect(202);
    house.now_ms += 19_999;
    assert_eq!(house.expire(), 0);
    house.now_ms += 1;
    assert_eq!(
        house.expire(),
        1,
        "its own time is over before the grace is"
    );
    let last = house.records().pop().expect("a record");
    assert!(last.body.contains("\"reason\":\"deadline\""));
    house.schedule();
    assert_eq!(house.run(&run)["state"], "cancelled");
    check(&mut house);
}
