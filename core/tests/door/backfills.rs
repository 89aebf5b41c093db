//! A backfill walks its chunks with so many runs at once, and can be paused, resumed, retried and cancelled.

use serde_json::{Value, json};

use crate::house::{House, asset, manifest, text};
use crate::replayed::check;

fn months(end: &str) -> Value {
    let space = json!({ "partitions": [{ "name": "month", "kind": "monthly", "start": "2012-01-01", "end": end }] });
    manifest(vec![
        asset("raw/a", &[], space.clone()),
        asset("mart/b", &["raw/a"], space),
    ])
}

fn view(house: &mut House, id: &str) -> Value {
    house.get(&format!("/v1/backfills/{id}")).expect(200).json
}

fn start(house: &mut House, request: &Value) -> String {
    text(&house.post("/v1/backfills", request).expect(202).json["backfillId"])
}

#[test]
fn a_backfill_covers_every_partition_once_with_so_many_runs_at_once() {
    let mut house = House::with(&months("2013-01-01"));
    let request = json!({ "trigger": { "allPartitions": true }, "chunkSize": 5, "concurrency": 2 });
    let answer = house.post("/v1/backfills", &request).expect(202);
    assert_eq!(answer.json["chunks"], 3);
    let id = text(&answer.json["backfillId"]);
    house.schedule();
    let open = view(&mut house, &id)["open"].as_array().map(Vec::len);
    assert_eq!(open, Some(2));
    let mut made = Vec::new();
    house.work(|house, envelope| {
        made.push(text(&envelope["taskKey"]));
        house.succeed(envelope);
    });
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 24);
    let view = view(&mut house, &id);
    assert_eq!(
        (&view["state"], &view["succeeded"], &view["failed"]),
        (&json!("succeeded"), &json!(3), &json!([]))
    );
    check(&mut house);
}

#[test]
fn a_failed_chunk_is_run_again_on_request_and_the_others_are_not() {
    let mut house = House::with(&months("2012-04-01"));
    let id = start(&mut house, &json!({ "trigger": { "allPartitions": true } }));
    house.work(|house, envelope| {
        let bad = text(&envelope["partitionKey"]) == "month=d:2012-02-01";
        if bad {
            house.fail(envelope, "DATA_QUALITY")
        } else {
            house.succeed(envelope)
        }
    });
    let failed = view(&mut house, &id);
    assert_eq!(
        (&failed["state"], &failed["succeeded"], &failed["failed"]),
        (&json!("failed"), &json!(2), &json!([1]))
    );
    house
        .post(
            &format!("/v1/backfills/{id}/resume"),
            &json!({ "retryFailed": true }),
        )
        .expect(202);
    // It is not over again before the chunk has a new run.
    let asked = view(&mut house, &id);
    assert_eq!(
        (&asked["state"], &asked["failed"]),
        (&json!("running"), &json!([]))
    );
    let mut made = Vec::new();
    house.work(|house, envelope| {
        made.push(text(&envelope["taskKey"]));
        house.succeed(envelope);
    });
    assert_eq!(
        made,
        [
            "raw/a[month=d:2012-02-01]:materialize",
            "mart/b[month=d:2012-02-01]:materialize"
        ]
    );
    assert_eq!(view(&mut house, &id)["state"], "succeeded");
    check(&mut house);
}

#[test]
fn a_paused_backfill_begins_nothing_and_goes_on_where_it_was() {
    let mut house = House::with(&months("2012-07-01"));
    let id = start(&mut house, &json!({ "trigger": { "allPartitions": true } }));
    house.schedule();
    house
        .post(
            &format!("/v1/backfills/{id}/pause"),
            &json!({ "reason": "the source is slow" }),
        )
        .expect(202);
    house.work(|house, envelope| house.succeed(envelope));
    let paused = view(&mut house, &id);
    assert_eq!(
        (&paused["state"], &paused["succeeded"]),
        (&json!("paused"), &json!(1))
    );
    house
        .post(&format!("/v1/backfills/{id}/resume"), &json!({}))
        .expect(202);
    house.work(|house, envelope| house.succeed(envelope));
    assert_eq!(view(&mut house, &id)["state"], "succeeded");
    check(&mut house);
}

#[test]
fn a_cancelled_backfill_cancels_its_open_runs_and_stays_cancelled() {
    let mut house = House::with(&months("2012-07-01"));
    let id = start(
        &mut house,
        &json!({ "trigger": { "allPartitions": true }, "concurrency": 3 }),
    );
    house.schedule();
    house
        .post(&format!("/v1/backfills/{id}/cancel"), &json!({}))
        .expect(202);
    assert_eq!(view(&mut house, &id)["state"], "cancelling");
    house.schedule();
    assert!(house.lease(10).is_empty());
    let view = view(&mut house, &id);
    assert_eq!(
        (&view["state"], &view["failed"]),
        (&json!("cancelled"), &json!([0, 1, 2]))
    );
    house
        .post(&format!("/v1/backfills/{id}/resume"), &json!({}))
        .refused(409, "backfill-ended");
    check(&mut house);
}

#[test]
fn a_scheduler_that_starts_anew_goes_on_where_the_last_one_was() {
    let mut house = House::with(&months("2012-07-01"));
    let id = start(
        &mut house,
        &json!({ "trigger": { "allPartitions": true }, "concurrency": 2 }),
    );
    house.schedule();
    let envelope = house.lease(1).remove(0);
    house.succeed(&envelope);
    house.world = house.replayed();
    house.work(|house, envelope| house.succeed(envelope));
    let view = view(&mut house, &id);
    assert_eq!(
        (&view["state"], &view["succeeded"]),
        (&json!("succeeded"), &json!(6))
    );
    let runs = house
        .kinds()
        .iter()
        .filter(|kind| *kind == "run_requested")
        .count();
    assert_eq!(runs, 6, "no chunk is run twice");
    check(&mut house);
}

#[test]
fn a_list_is_walked_value_by_value() {
    let space = json!({ "partitions": [{ "name": "region", "kind": "static", "values": ["us", "eu", "ap"] }] });
    let mut house = House::with(&manifest(vec![asset("raw/a", &[], space)]));
    let id = start(
        &mut house,
        &json!({ "trigger": {}, "dimension": "region", "concurrency": 1 }),
    );
    let mut made = Vec::new();
    house.work(|house, envelope| {
        made.push(text(&envelope["partitionKey"]));
        house.succeed(envelope);
    });
    assert_eq!(made.len(), 3);
    assert_eq!(view(&mut house, &id)["state"], "succeeded");
    let wide = json!({ "trigger": {}, "dimension": "region", "chunkSize": 2 });
    let refused = house
        .post("/v1/backfills", &wide)
        .refused(422, "plan-invalid");
    assert_eq!(refused.json["errors"][0]["code"], "backfill.chunk_size");
}

#[test]
fn requests_that_cannot_be() {
    let mut house = House::with(&months("2013-01-01"));
    let all = json!({ "allPartitions": true });
    let rows = [
        (
            json!({ "trigger": all, "chunkSize": 0 }),
            "backfill.chunk_size",
            "/chunkSize",
        ),
        (
            json!({ "trigger": all, "concurrency": 0 }),
            "backfill.concurrency",
            "/concurrency",
        ),
        (
            json!({ "trigger": all, "concurrency": 1_001 }),
            "backfill.concurrency",
            "/concurrency",
        ),
        (
            json!({ "trigger": all, "dimension": "region" }),
            "backfill.dimension",
            "/dimension",
        ),
        (
            json!({ "trigger": { "allPartitions": true, "runKey": "k" } }),
            "backfill.run_key",
            "/trigger/runKey",
        ),
    ];
    for (request, code, pointer) in rows {
        let refused = house
            .post("/v1/backfills", &request)
            .refused(422, "plan-invalid");
        assert_eq!(
            (
                &refused.json["errors"][0]["code"],
                &refused.json["errors"][0]["pointer"]
            ),
            (&json!(code), &json!(pointer))
        );
    }
    house
        .get("/v1/backfills/01ARZ3NDEKTSV4RRFFQ69G5FAV")
        .refused(404, "backfill-not-found");
}
