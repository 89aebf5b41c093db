//! Whatever row is taken away by hand, the next sweep writes it again as the records say, and the work goes on to its end.

use arcoflow_core::door::expire;
use arcoflow_core::run::decide::{decide, settle};
use arcoflow_core::run::owed::{MOST_OWED, attend, floor, owed};
use arcoflow_core::run::world::World;
use serde_json::{Value, json};

use crate::house::{House, asset, manifest, scope, text};
use crate::replayed::check;

/// Sweeps as the scheduler does, and lets it decide what follows. The answer is the view after the last part.
pub(crate) fn sweep(house: &mut House) -> Value {
    house.schedule();
    let view = sweep_world(house, 0);
    house.schedule();
    view
}

fn sweep_world(house: &mut House, decisions: u32) -> Value {
    let mut view = Value::Null;
    for part in owed(&house.world, house.epoch, decisions) {
        let body = serde_json::to_value(part).expect("a request");
        view = house.post("/v1/sweep", &body).expect(200).json;
    }
    view
}

fn pipeline() -> Value {
    let patient = json!({ "retry": { "maxAttempts": 3, "baseDelayMs": 60_000 }, "timeouts": { "startMs": 10_000, "heartbeatMs": 30_000, "attemptMs": 600_000 } });
    let mut pipeline = manifest(vec![
        asset("raw/a", &[], patient.clone()),
        asset("mart/b", &["raw/a"], patient),
    ]);
    pipeline["runTimeoutMs"] = json!(3_600_000);
    pipeline
}

/// A house with a run whose first task is in some state.
fn in_state(state: &str) -> (House, String) {
    let mut house = House::with(&pipeline());
    let run = house.trigger(&json!({}));
    house.schedule();
    match state {
        "requested" => {}
        "retrying" => {
            let envelope = house.lease(1).remove(0);
            house.fail(&envelope, "INFRASTRUCTURE");
            house.schedule();
        }
        "leased" => {
            house.lease(1);
        }
        "running" => {
            let envelope = house.lease(1).remove(0);
            house.callback(&envelope, "started", json!({})).expect(200);
        }
        "cancelling" => {
            let envelope = house.lease(1).remove(0);
            house.callback(&envelope, "started", json!({})).expect(200);
            house.post(&format!("/v1/runs/{run}/cancel"), &json!({}));
        }
        _ => unreachable!("no such state"),
    }
    (house, run)
}

#[track_caller]
fn repaired(state: &str, damage: &str, left_behind: u64) {
    let (mut house, run) = in_state(state);
    let calm = sweep(&mut house);
    assert_eq!(
        calm["leftBehind"],
        json!(0),
        "{state}: nothing is lost yet: {calm}"
    );
    house.now_ms += 1_000;
    let changed = house.store.connection.execute(damage, []).expect("SQL");
    assert!(
        changed > 0,
        "{state}: `{damage}` has to take something away"
    );
    let found = sweep(&mut house);
    assert_eq!(
        (&found["leftBehind"], &found["repaired"]),
        (&json!(left_behind), &json!(left_behind)),
        "{state}, after `{damage}`: {found}"
    );
    check(&mut house);
    let again = sweep(&mut house);
    assert_eq!(
        (&again["leftBehind"], &again["repaired"]),
        (&json!(0), &json!(left_behind)),
        "{state}, after `{damage}`: what is repaired is not found again: {again}"
    );
    // Whatever had the attempt, deadlines and retries bring the run to its end.
    for _ in 0..20 {
        house.now_ms += 120_000;
        house.expire();
        house.work(|house, envelope| house.succeed(envelope));
    }
    let expected = if state == "cancelling" {
        "cancelled"
    } else {
        "succeeded"
    };
    assert_eq!(
        text(&house.run(&run)["state"]),
        expected,
        "{state}, after `{damage}`"
    );
    check(&mut house);
}

#[test]
fn a_lost_row_is_written_again() {
    for state in ["requested", "retrying", "leased", "running", "cancelling"] {
        repaired(state, "DELETE FROM run", 1);
        repaired(
            state,
            "UPDATE run SET manifest = manifest, triggered_seq = 1",
            1,
        );
        repaired(
            state,
            "DELETE FROM attempt WHERE attempt = (SELECT max(attempt) FROM attempt)",
            1,
        );
    }
    for state in ["requested", "leased", "running"] {
        repaired(state, "UPDATE run SET planned_seq = NULL", 1);
        repaired(state, "UPDATE attempt SET state = 6, closed_seq = 3", 1);
        repaired(state, "UPDATE run SET finished_seq = 3, outcome = 0", 1);
    }
    repaired("cancelling", "UPDATE run SET cancel_seq = NULL", 1);
    repaired("running", "DELETE FROM attempt", 1);
}

#[test]
fn a_lost_deadline_is_set_again() {
    let never = "9000000000000";
    repaired(
        "running",
        &format!("UPDATE attempt SET due_ms = {never}"),
        1,
    );
    repaired("running", "UPDATE attempt SET deadline_ms = NULL", 1);
    repaired(
        "running",
        &format!("UPDATE attempt SET deadline_ms = {never}"),
        1,
    );
    repaired("leased", &format!("UPDATE attempt SET due_ms = {never}"), 1);
    repaired(
        "requested",
        &format!("UPDATE attempt SET due_ms = {never}"),
        1,
    );
    repaired(
        "retrying",
        &format!("UPDATE attempt SET due_ms = {never} WHERE attempt = 2"),
        1,
    );
    repaired("running", "UPDATE run SET due_ms = NULL", 1);
    repaired("running", &format!("UPDATE run SET due_ms = {never}"), 1);
}

#[test]
fn a_cancelled_worker_that_is_heard_keeps_its_grace() {
    let mut house = House::with(&pipeline());
    let run = house.trigger(&json!({}));
    house.schedule();
    let envelope = house.lease(1).remove(0);
    house.callback(&envelope, "started", json!({})).expect(200);
    for _ in 0..3 {
        house.now_ms += 20_000;
        house
            .callback(&envelope, "heartbeat", json!({}))
            .expect(200);
    }
    house.post(&format!("/v1/runs/{run}/cancel"), &json!({}));
    house
        .store
        .connection
        .execute("DELETE FROM attempt", [])
        .expect("SQL");
    assert_eq!(sweep(&mut house)["repaired"], json!(1));
    assert_eq!(house.expire(), 0, "it was heard a moment ago");
    house.now_ms += 29_999;
    assert_eq!(house.expire(), 0, "its grace is not over");
    house.now_ms += 1;
    assert_eq!(house.expire(), 1, "now it is");
    check(&mut house);
}

#[test]
fn why_an_attempt_ends_is_not_said_without_its_run() {
    let (mut house, run) = in_state("running");
    house.post(&format!("/v1/runs/{run}/cancel"), &json!({}));
    let lost = house.store.connection.execute("DELETE FROM run", []);
    assert_eq!(lost.expect("SQL"), 1);
    let before = house.records().len();
    house.now_ms += 30_000;
    assert_eq!(house.expire(), 0, "it is put off");
    assert_eq!(house.records().len(), before);
    assert_eq!(sweep(&mut house)["repaired"], json!(2), "both are watched");
    house.now_ms += 60_000;
    house.expire();
    let records = house.records();
    let ended = records
        .iter()
        .find(|record| record.kind == "attempt_expired");
    let body = &ended.expect("it ends").body;
    assert!(body.contains(r#""reason":"cancel_grace""#), "{body}");
    check(&mut house);
}

#[test]
fn a_decision_that_arrives_twice_is_recorded_once_without_its_row() {
    let (mut house, _) = in_state("requested");
    let records = house.records();
    let dispatched = records.last().expect("a record");
    assert_eq!(dispatched.kind, "dispatch_requested");
    let body: Value = serde_json::from_str(&dispatched.body).expect("JSON");
    let again = json!({
        "epoch": house.epoch, "after": dispatched.seq - 1,
        "events": [{ "kind": dispatched.kind, "body": body }],
    });
    house
        .store
        .connection
        .execute("DELETE FROM attempt", [])
        .expect("SQL");
    let answer = house.post("/v1/ledger", &again).expect(200).json;
    assert_eq!(answer["results"], json!(["duplicate"]));
    assert_eq!(house.records().len(), records.len());
    assert_eq!(sweep(&mut house)["repaired"], json!(1));
    check(&mut house);
}

#[test]
fn a_lost_backfill_goes_on() {
    let space = json!([{ "name": "n", "kind": "static", "values": [1, 2, 3] }]);
    let mut house = House::with(&manifest(vec![asset(
        "raw/a",
        &[],
        json!({ "partitions": space }),
    )]));
    let request = json!({ "trigger": { "allPartitions": true }, "dimension": "n", "chunkSize": 1, "concurrency": 1 });
    let backfill = text(&house.post("/v1/backfills", &request).expect(202).json["backfillId"]);
    house.schedule();
    house
        .store
        .connection
        .execute("DELETE FROM backfill", [])
        .expect("SQL");
    let found = sweep(&mut house);
    assert_eq!(
        (&found["leftBehind"], &found["repaired"]),
        (&json!(1), &json!(1)),
        "{found}"
    );
    house.work(|house, envelope| house.succeed(envelope));
    let view = house.get(&format!("/v1/backfills/{backfill}")).expect(200);
    assert_eq!(text(&view.json["state"]), "succeeded");
    assert_eq!(floor(&house.world), house.world.seq);
    check(&mut house);
}

#[test]
fn a_worker_whose_attempt_was_lost_reports_after_all() {
    let (mut house, _) = in_state("requested");
    let envelope = house.lease(1).remove(0);
    house.callback(&envelope, "started", json!({})).expect(200);
    house.now_ms += 25_000;
    house
        .callback(&envelope, "heartbeat", json!({}))
        .expect(200);
    house
        .store
        .connection
        .execute("DELETE FROM attempt", [])
        .expect("SQL");
    house
        .callback(&envelope, "heartbeat", json!({}))
        .refused(404, "task-not-found");
    // Its last heartbeat stands in no record; it is not taken for silence.
    house.now_ms += 25_000;
    sweep(&mut house);
    assert_eq!(house.expire(), 0);
    house
        .callback(&envelope, "completed", json!({ "outcome": "SUCCEEDED" }))
        .expect(200);
    check(&mut house);
}

#[test]
fn a_scheduler_that_begins_after_the_loss_knows_of_the_run() {
    let mut house = House::with(&pipeline());
    house.trigger(&json!({}));
    house.work(|house, envelope| house.succeed(envelope));
    let ended = house.world.seq;
    let view = sweep(&mut house);
    assert_eq!(view["floor"], json!(ended));
    let run = house.trigger(&json!({}));
    house.schedule();
    let view = sweep(&mut house);
    assert_eq!(view["floor"], json!(ended), "a run is open since then");
    house
        .store
        .connection
        .execute("DELETE FROM run WHERE finished_seq IS NULL", [])
        .expect("SQL");
    // The index of open runs does not show it, so the floor says where to begin.
    let from = house.get("/v1/sweep").expect(200).json["floor"]
        .as_u64()
        .expect("a floor");
    let records = house.records();
    let later: Vec<_> = records
        .into_iter()
        .filter(|record| record.seq > from)
        .collect();
    house.world = house.folded(World::default(), &later);
    assert_eq!(house.world.runs.len(), 1);
    sweep(&mut house);
    house.work(|house, envelope| house.succeed(envelope));
    assert_eq!(text(&house.run(&run)["state"]), "succeeded");
    let view = sweep(&mut house);
    assert_eq!(view["floor"], json!(house.world.seq));
    check(&mut house);
}

#[test]
fn a_decision_that_was_forgotten_is_made() {
    let mut house = House::with(&pipeline());
    let run = house.trigger(&json!({}));
    house.catch_up();
    // The scheduler thinks that it is at rest, and is not.
    settle(&mut house.world);
    let decided = |house: &House| decide(&house.world, house.now_ms, &scope(), &house.limits).len();
    assert_eq!(decided(&house), 0);
    attend(&mut house.world);
    let forgotten = decided(&house);
    assert_eq!(forgotten, 2, "a plan and its first task");
    house.take_lease();
    let view = sweep_world(&mut house, forgotten as u32);
    assert_eq!(view["leftBehind"], json!(2));
    house.work(|house, envelope| house.succeed(envelope));
    assert_eq!(text(&house.run(&run)["state"]), "succeeded");
}

#[test]
fn a_large_world_is_swept_in_parts() {
    let values: Vec<u32> = (0..3_000).collect();
    let space = json!([{ "name": "n", "kind": "static", "values": values }]);
    let mut house = House::with(&manifest(vec![asset(
        "raw/a",
        &[],
        json!({ "partitions": space }),
    )]));
    house.trigger(&json!({ "allPartitions": true }));
    house.schedule();
    let parts = owed(&house.world, house.epoch, 0);
    let attempts: Vec<usize> = parts
        .iter()
        .map(|part| part.runs.iter().map(|run| run.attempts.len()).sum())
        .collect();
    assert_eq!(attempts, [MOST_OWED - 1, 3_000 - (MOST_OWED - 1)]);
    let removed = house
        .store
        .connection
        .execute("DELETE FROM attempt WHERE requested_seq % 100 = 0", [])
        .expect("SQL");
    let view = sweep(&mut house);
    assert_eq!(view["leftBehind"], json!(removed));
    assert_eq!(view["repaired"], json!(removed));
    assert_eq!(view["lookedAt"], json!(3_002));
    assert_eq!(view["found"].as_array().map(Vec::len), Some(20));
    check(&mut house);
}

#[test]
fn only_the_scheduler_that_decides_sweeps() {
    let (mut house, _) = in_state("running");
    let mut part = owed(&house.world, house.epoch, 0).remove(0);
    part.epoch += 1;
    let body = serde_json::to_value(&part).expect("a request");
    house.post("/v1/sweep", &body).refused(412, "epoch-fenced");
    // Nobody is believed about what no record says.
    part.epoch -= 1;
    part.floor = u64::MAX;
    let run = part.runs.first_mut().expect("a run");
    run.seq = 1;
    let body = serde_json::to_value(&part).expect("a request");
    let view = house.post("/v1/sweep", &body).expect(200).json;
    assert_eq!(view["floor"], json!(house.world.seq));
    check(&mut house);
}

#[test]
fn silence_while_the_door_was_closed_is_held_against_nobody() {
    for (state, patience_ms) in [("leased", 10_000), ("running", 30_000)] {
        let (mut house, _) = in_state(state);
        // The door was closed for longer than anybody may be silent, and for less than an attempt may take.
        house.now_ms += 300_000;
        let moment = house.moment();
        expire::listen_again(&house.config, &mut house.catalogs, &mut house.store, moment)
            .expect("the store answers");
        assert_eq!(house.expire(), 0, "{state}: its worker could not be heard");
        house.now_ms += patience_ms - 1;
        assert_eq!(house.expire(), 0, "{state}: it has the whole time again");
        house.now_ms += 1;
        assert_eq!(house.expire(), 1, "{state}: and not more");
        check(&mut house);
    }
    let (mut house, _) = in_state("running");
    house.now_ms += 600_000;
    let moment = house.moment();
    expire::listen_again(&house.config, &mut house.catalogs, &mut house.store, moment)
        .expect("the store answers");
    assert_eq!(
        house.expire(),
        1,
        "the deadline of an attempt stays where it is"
    );
}
