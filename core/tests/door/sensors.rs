//! A sensor is told or looks; each report starts runs or says why it starts none, and one message or key starts one run.

use serde_json::{Value, json};

use crate::house::{House, asset, manifest, text};
use crate::replayed::check;

fn pipeline(sensors: Value) -> Value {
    let days = json!({ "partitions": [{ "name": "day", "kind": "daily", "start": "2024-01-01" }] });
    let mut pipeline = manifest(vec![asset("raw/a", &[], days)]);
    pipeline["sensors"] = sensors;
    pipeline
}

fn push() -> Value {
    json!({ "name": "arrivals", "kind": "push", "trigger": { "latestPartition": true } })
}

fn poll() -> Value {
    json!({ "name": "new_files", "kind": "poll", "intervalMs": 60_000, "run": { "command": ["look"] }, "trigger": { "latestPartition": true } })
}

fn tell(house: &mut House, message: &Value) -> Value {
    let answer = house.post("/v1/sensors/arrivals/messages", message);
    answer.expect(202).json
}

fn view(house: &mut House, name: &str) -> Value {
    house.get(&format!("/v1/sensors/{name}")).expect(200).json
}

fn count(house: &mut House, kind: &str) -> usize {
    house.kinds().iter().filter(|found| *found == kind).count()
}

#[test]
fn a_message_starts_one_run_however_often_it_comes() {
    let mut house = House::with(&pipeline(json!([push()])));
    let message = json!({ "messageId": "file 1", "payload": { "path": "a.csv" } });
    let first = tell(&mut house, &message);
    let run = text(&first["runs"][0]);
    assert_eq!(first["reason"], Value::Null);
    assert_eq!(tell(&mut house, &message), first);
    assert_eq!(house.run(&run)["runKey"], "sensor:arrivals:file 1");
    assert_eq!(
        (
            count(&mut house, "sensor_reported"),
            count(&mut house, "run_requested")
        ),
        (1, 1)
    );
    // Another message is another run.
    let second = tell(&mut house, &json!({ "messageId": "file 2" }));
    assert_ne!(second["runs"][0], first["runs"][0]);
    house.work(|house, envelope| house.succeed(envelope));
    let view = view(&mut house, "arrivals");
    assert_eq!(view["reports"], 2);
    assert_eq!(view["lastReport"]["messageId"], "file 2");
    assert_eq!(view["lastReport"]["runs"][0]["state"], "succeeded");
    let records = house.records();
    let reported = records
        .iter()
        .find(|record| record.kind == "sensor_reported")
        .expect("a report");
    let requested = records
        .iter()
        .find(|record| record.kind == "run_requested")
        .expect("a run");
    assert_eq!(
        requested.cause,
        Some(reported.event_id),
        "the run was started because of the report"
    );
    assert_eq!(reported.actor, "key:test");
    let body: Value = serde_json::from_str(&reported.body).expect("JSON");
    assert_eq!(body["payload"], json!({ "path": "a.csv" }));
    check(&mut house);
}

#[test]
fn a_message_may_say_what_to_start_and_what_cannot_be_started_is_said() {
    let mut house = House::with(&pipeline(json!([push()])));
    let chosen = json!({ "messageId": "1", "trigger": { "partitionKey": "day=d:2024-02-03" } });
    let run = text(&tell(&mut house, &chosen)["runs"][0]);
    house.schedule();
    assert_eq!(
        house.tasks(&run)[0].0,
        "raw/a[day=d:2024-02-03]:materialize"
    );
    let rows = [
        (
            json!({ "selection": "raw/x", "latestPartition": true }),
            "plan.unknown_asset: ",
        ),
        (
            json!({ "latestPartition": true, "allPartitions": true }),
            "trigger.partition_conflict: ",
        ),
        (
            json!({ "latestPartition": true, "runKey": "k" }),
            "the trigger names a run key",
        ),
    ];
    for (place, (trigger, expected)) in rows.into_iter().enumerate() {
        let message = json!({ "messageId": format!("bad {place}"), "trigger": trigger });
        let answer = tell(&mut house, &message);
        let reason = text(&answer["reason"]);
        assert!(reason.starts_with(expected), "{reason}");
        assert_eq!(answer["runs"], json!([]));
        assert_eq!(tell(&mut house, &message), answer, "what was said stands");
    }
    check(&mut house);
}

#[test]
fn a_run_that_somebody_started_under_the_key_is_not_started_again() {
    let mut house = House::with(&pipeline(json!([push()])));
    let run = house.trigger(&json!({ "latestPartition": true, "runKey": "sensor:arrivals:1" }));
    let answer = tell(&mut house, &json!({ "messageId": "1" }));
    assert_eq!(answer["reason"], format!("`1` started run {run} before"));
    check(&mut house);
}

#[test]
fn a_paused_sensor_keeps_what_it_is_told_and_starts_nothing() {
    let mut house = House::with(&pipeline(json!([push()])));
    let paused = house
        .post(
            "/v1/sensors/arrivals/pause",
            &json!({ "reason": "a flood" }),
        )
        .expect(200);
    assert_eq!(paused.json["paused"]["reason"], "a flood");
    let answer = tell(&mut house, &json!({ "messageId": "1" }));
    assert_eq!(answer["reason"], "the sensor is paused: a flood");
    house
        .post("/v1/sensors/arrivals/resume", &json!({}))
        .expect(200);
    // The pause outlives deployments, and its end does, too.
    let mut more = pipeline(json!([push()]));
    more["name"] = json!("another");
    house.post("/v1/manifests", &more).expect(201);
    assert_eq!(
        tell(&mut house, &json!({ "messageId": "2" }))["reason"],
        Value::Null
    );
    assert_eq!(view(&mut house, "arrivals")["paused"], Value::Null);
    check(&mut house);
}

#[test]
fn requests_that_cannot_be() {
    let mut house = House::with(&pipeline(json!([push(), poll()])));
    let long = "x".repeat(129);
    for id in ["", long.as_str(), "a\nb"] {
        house
            .post("/v1/sensors/arrivals/messages", &json!({ "messageId": id }))
            .refused(422, "validation-failed");
    }
    house
        .post(
            "/v1/sensors/departures/messages",
            &json!({ "messageId": "1" }),
        )
        .refused(404, "sensor-not-found");
    house
        .post(
            "/v1/sensors/new_files/messages",
            &json!({ "messageId": "1" }),
        )
        .refused(409, "sensor-polls");
    let flood = json!({ "messageId": "1", "payload": "x".repeat(65_536) });
    house
        .post("/v1/sensors/arrivals/messages", &flood)
        .refused(413, "body-too-large");
    house
        .post("/v1/manifests", &pipeline(json!([])))
        .expect(201);
    house
        .get("/v1/sensors/arrivals")
        .refused(404, "sensor-not-found");
    assert_eq!(
        house.get("/v1/sensors").expect(200).json["sensors"],
        json!([])
    );
    check(&mut house);
}

#[test]
fn a_worker_is_sent_to_look_on_the_interval_and_goes_on_where_it_was() {
    let mut house = House::with(&pipeline(json!([poll()])));
    let look = house.lease(10).remove(0);
    assert_eq!(look["taskKey"], "sensor/new_files:check");
    assert_eq!(look["payload"]["run"]["command"], json!(["look"]));
    assert_eq!(look["payload"]["look"], json!({ "sensor": "new_files" }));
    assert!(house.lease(10).is_empty(), "one worker looks at a time");
    // The answer was lost: the worker asks for what it has.
    let again = json!({ "workerId": "w1", "queues": ["default"], "max": 1, "again": true });
    let again = house.post("/v1/leases", &again).expect(200);
    assert_eq!(again.json["tasks"][0]["attemptId"], look["attemptId"]);
    assert_eq!(again.json["tasks"][0]["payload"], look["payload"]);
    house.callback(&look, "started", json!({})).expect(200);
    house.callback(&look, "started", json!({})).expect(200);
    house.callback(&look, "heartbeat", json!({})).expect(200);
    let found = json!({ "outcome": "SUCCEEDED", "findings": { "cursor": "b.csv", "runs": [{ "runKey": "a.csv" }, { "runKey": "b.csv", "trigger": { "partitionKey": "day=d:2024-02-03" } }] } });
    let first = house
        .callback(&look, "completed", found.clone())
        .expect(200);
    let again = house.callback(&look, "completed", found).expect(200);
    assert_eq!(first.json["seq"], again.json["seq"]);
    let seen = view(&mut house, "new_files");
    assert_eq!(
        (&seen["cursor"], &seen["reports"]),
        (&json!("b.csv"), &json!(1))
    );
    assert_eq!(seen["lastReport"]["runs"].as_array().map(Vec::len), Some(2));
    assert_eq!(seen["lastReport"]["actor"], "worker:w1");
    assert_eq!(seen["nextLookAt"], house.now_ms + 60_000);
    house.work(|house, envelope| house.succeed(envelope));
    house.now_ms += 59_999;
    assert!(house.lease(10).is_empty());
    house.now_ms += 1;
    let look = house.lease(10).remove(0);
    assert_eq!(look["attempt"], 2);
    assert_eq!(look["payload"]["look"]["cursor"], "b.csv");
    house.callback(&look, "started", json!({})).expect(200);
    // Nothing new: the reason is the program's own, or that nothing was found.
    let nothing =
        json!({ "outcome": "SUCCEEDED", "findings": { "reason": "no file since b.csv" } });
    house.callback(&look, "completed", nothing).expect(200);
    let seen = view(&mut house, "new_files");
    assert_eq!(seen["lastReport"]["reason"], "no file since b.csv");
    assert_eq!(seen["cursor"], "b.csv");
    assert_eq!(count(&mut house, "sensor_reported"), 2);
    // What was found before is not started again.
    house.now_ms += 60_000;
    let look = house.lease(10).remove(0);
    let twice = json!({ "outcome": "SUCCEEDED", "findings": { "runs": [{ "runKey": "a.csv" }] } });
    house.callback(&look, "completed", twice).expect(200);
    let reason = text(&view(&mut house, "new_files")["lastReport"]["reason"]);
    assert!(reason.starts_with("`a.csv` started run "), "{reason}");
    check(&mut house);
}

#[test]
fn a_look_that_fails_or_is_lost_says_so_and_leaves_the_cursor() {
    let mut house = House::with(&pipeline(json!([poll()])));
    let look = house.lease(1).remove(0);
    house.fail(&look, "USER_CODE");
    let reason = |house: &mut House| text(&view(house, "new_files")["lastReport"]["reason"]);
    assert_eq!(reason(&mut house), "the look failed: USER_CODE: no luck");
    // Leased and never started.
    house.now_ms += 60_000;
    let lost = house.lease(1).remove(0);
    house.now_ms += 60_000;
    assert_eq!(house.expire(), 1);
    assert_eq!(
        reason(&mut house),
        "the look was closed: no worker started it in time after the lease"
    );
    let found = json!({ "outcome": "SUCCEEDED", "findings": { "cursor": "z", "runs": [{}] } });
    house
        .callback(&lost, "completed", found.clone())
        .refused(409, "task-already-terminal");
    // Started, and its worker fell silent; the next look takes its place.
    house.now_ms += 60_000;
    let silent = house.lease(1).remove(0);
    house.callback(&silent, "started", json!({})).expect(200);
    house.now_ms += 90_000;
    assert_eq!(house.expire(), 1);
    assert_eq!(
        reason(&mut house),
        "the look was closed: its worker fell silent"
    );
    house.now_ms += 60_000;
    let next = house.lease(1).remove(0);
    house
        .callback(&silent, "completed", found.clone())
        .refused(409, "attempt-superseded");
    house
        .callback(&silent, "heartbeat", json!({}))
        .refused(409, "attempt-superseded");
    assert_eq!(view(&mut house, "new_files")["cursor"], Value::Null);
    house.callback(&next, "completed", found).expect(200);
    assert_eq!(view(&mut house, "new_files")["cursor"], "z");
    check(&mut house);
}

#[test]
fn a_pause_and_a_removal_meet_a_look_in_either_order() {
    let found = json!({ "outcome": "SUCCEEDED", "findings": { "cursor": "z", "runs": [{}] } });
    // Paused while a worker looks: what it found starts nothing, and the next look finds it again.
    let mut house = House::with(&pipeline(json!([poll()])));
    let look = house.lease(1).remove(0);
    house
        .post("/v1/sensors/new_files/pause", &json!({}))
        .expect(200);
    house
        .callback(&look, "completed", found.clone())
        .expect(200);
    assert_eq!(
        view(&mut house, "new_files")["lastReport"]["reason"],
        "the sensor is paused"
    );
    assert_eq!(view(&mut house, "new_files")["cursor"], Value::Null);
    house.now_ms += 3_600_000;
    assert!(house.lease(1).is_empty());
    house
        .post("/v1/sensors/new_files/resume", &json!({}))
        .expect(200);
    let look = house.lease(1).remove(0);
    // Paused and resumed while a worker looks: nobody else is sent.
    house
        .post("/v1/sensors/new_files/pause", &json!({}))
        .expect(200);
    house
        .post("/v1/sensors/new_files/resume", &json!({}))
        .expect(200);
    assert!(house.lease(1).is_empty());
    // Deployed again while a worker looks: the same.
    let mut more = pipeline(json!([poll()]));
    more["name"] = json!("another");
    house.post("/v1/manifests", &more).expect(201);
    assert!(house.lease(1).is_empty());
    house
        .callback(&look, "completed", found.clone())
        .expect(200);
    assert_eq!(count(&mut house, "run_requested"), 1);
    // Removed while a worker looks: there is nobody to report to.
    house.now_ms += 60_000;
    let look = house.lease(1).remove(0);
    house
        .post("/v1/manifests", &pipeline(json!([])))
        .expect(201);
    house
        .callback(&look, "completed", found)
        .refused(404, "task-not-found");
    house.now_ms += 3_600_000;
    assert_eq!(house.expire(), 1);
    assert_eq!(house.expire(), 0);
    check(&mut house);
}
