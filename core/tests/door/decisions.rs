//! Decisions are taken from one scheduler at a time, once each, and only while they fit the ledger.

use arcoflow_core::run::decide::{decide, pass_over};
use arcoflow_core::wire::event::Event;
use serde_json::{Value, json};

use crate::house::{House, asset, manifest, scope, text};
use crate::replayed::check;

fn planned() -> (House, String) {
    let mut house = House::with(&manifest(vec![asset("raw/a", &[], json!({}))]));
    let run = house.trigger(&json!({}));
    house.schedule();
    (house, run)
}

fn lease(house: &mut House, holder: &str, more: &Value) -> Value {
    let mut body = json!({ "holder": holder, "ttlMs": 10_000 });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more.clone());
    }
    house.post("/v1/scheduler", &body).expect(200).json
}

fn dispatch(run: &str, attempt: u32) -> Value {
    json!({ "kind": "dispatch_requested", "body": { "run": run, "task": "raw/a:materialize", "attempt": attempt, "queue": "default" } })
}

#[test]
fn a_lower_epoch_is_fenced() {
    let (mut house, run) = planned();
    let old = house.epoch;
    let other = lease(&mut house, "s2", &json!({}));
    assert_eq!(
        other["granted"], false,
        "a lease that runs is not given away"
    );
    let taken = lease(&mut house, "s2", &json!({ "takeOver": true }));
    assert_eq!(
        (&taken["granted"], taken["epoch"].as_u64()),
        (&json!(true), Some(old + 1))
    );
    let late = json!({ "epoch": old, "after": 0, "events": [dispatch(&run, 1)] });
    let fenced = house.post("/v1/ledger", &late).refused(412, "epoch-fenced");
    assert_eq!(fenced.json["currentEpoch"], old + 1);
    house.now_ms += 10_001;
    let back = lease(&mut house, "s1", &json!({}));
    assert_eq!(
        (&back["granted"], back["epoch"].as_u64()),
        (&json!(true), Some(old + 2))
    );
    check(&mut house);
}

#[test]
fn a_lease_of_a_clock_that_went_back_is_in_nobodys_way() {
    for back_ms in [1, 10_000, 400_000, 3_600_000] {
        let (mut house, _) = planned();
        house.now_ms += 3_600_000;
        house.take_lease();
        let old = house.epoch;
        house.now_ms -= back_ms;
        let other = lease(&mut house, "s2", &json!({}));
        assert_eq!(
            (&other["granted"], other["epoch"].as_u64()),
            (&json!(true), Some(old + 1)),
            "a lease that begins {back_ms} ms from now is over"
        );
    }
}

#[test]
fn a_holder_that_lives_goes_on_when_the_clock_went_back() {
    let (mut house, _) = planned();
    house.take_lease();
    let old = house.epoch;
    house.now_ms -= 60_000;
    house.take_lease();
    assert_eq!(house.epoch, old, "it renews what it has");
    let other = lease(&mut house, "s2", &json!({}));
    assert_eq!(other["granted"], false, "and has it");
}

#[test]
fn a_lease_runs_out_while_the_time_of_the_door_stands_still() {
    let (mut house, _) = planned();
    // The newest record keeps the door's time where it is for an hour.
    house.now_ms -= 3_600_000;
    let granted = lease(&mut house, "s2", &json!({ "takeOver": true }));
    let left_ms = |answer: &Value| {
        let time = |name: &str| answer[name].as_u64().unwrap_or(0);
        time("expiresAt").saturating_sub(time("serverTime"))
    };
    assert_eq!(left_ms(&granted), 10_000);
    house.now_ms += 6_000;
    let other = lease(&mut house, "s3", &json!({}));
    assert_eq!((&other["granted"], left_ms(&other)), (&json!(false), 4_000));
    house.now_ms += 4_000;
    let other = lease(&mut house, "s3", &json!({}));
    assert_eq!(other["granted"], true);
}

#[test]
fn a_proposal_is_taken_once_and_only_while_it_fits() {
    let (mut house, run) = planned();
    let propose = |house: &mut House, event: Value| {
        let request = json!({ "epoch": house.epoch, "after": 0, "events": [event] });
        house.post("/v1/ledger", &request).expect(200).json["results"][0].clone()
    };
    assert_eq!(propose(&mut house, dispatch(&run, 1)), "duplicate");
    assert_eq!(
        propose(&mut house, dispatch(&run, 2)),
        json!({ "refused": "attempt-open" })
    );
    assert_eq!(
        propose(&mut house, dispatch(&run, 3)),
        json!({ "refused": "attempt-gap" })
    );
    let envelope = house.lease(1).remove(0);
    house.succeed(&envelope);
    assert_eq!(
        propose(&mut house, dispatch(&run, 2)),
        json!({ "refused": "task-already-terminal" })
    );
    let unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    assert_eq!(
        propose(&mut house, dispatch(unknown, 1)),
        json!({ "refused": "run-not-found" })
    );
    let waiting = house.trigger(&json!({}));
    assert_eq!(
        propose(&mut house, dispatch(&waiting, 1)),
        json!({ "refused": "run-not-planned" })
    );
    house.schedule();
    house
        .post(&format!("/v1/runs/{waiting}/cancel"), &json!({}))
        .expect(202);
    let envelope = house.lease(1);
    assert!(envelope.is_empty());
    assert_eq!(
        propose(&mut house, dispatch(&waiting, 2)),
        json!({ "refused": "run-cancelled" })
    );
    check(&mut house);
}

#[test]
fn a_scheduler_cannot_speak_for_a_worker() {
    let (mut house, run) = planned();
    let fact = json!({ "kind": "attempt_finished", "body": { "run": run, "task": "raw/a:materialize", "attempt": 1, "outcome": "succeeded" } });
    let request = json!({ "epoch": house.epoch, "after": 0, "events": [fact] });
    let before = house.records().len();
    let refused = house
        .post("/v1/ledger", &request)
        .refused(422, "validation-failed");
    assert_eq!(refused.json["errors"][0]["pointer"], "/events/0");
    assert_eq!(
        house.records().len(),
        before,
        "a refused request changes nothing"
    );
}

#[test]
fn the_same_state_gives_the_same_decisions() {
    let (mut house, _) = planned();
    for _ in 0..20 {
        house.trigger(&json!({}));
    }
    house.catch_up();
    let scope = crate::house::scope();
    let once = decide(&house.world, house.now_ms, &scope, &house.limits);
    let twice = decide(&house.replayed(), house.now_ms, &scope, &house.limits);
    assert!(!once.is_empty());
    let ids = |events: &[arcoflow_core::wire::event::Event]| {
        events
            .iter()
            .map(|event| (event.kind(), event.id()))
            .collect::<Vec<_>>()
    };
    // The replayed world has every run in view, the live one only what changed; both agree about what changed.
    assert_eq!(ids(&once), ids(&twice));
    house.schedule();
    assert!(decide(&house.replayed(), house.now_ms, &scope, &house.limits).is_empty());
}

#[test]
fn a_plan_and_its_first_tasks_are_one_proposal() {
    let (mut house, _) = planned();
    house.trigger(&json!({}));
    house.catch_up();
    let scope = crate::house::scope();
    let decisions = decide(&house.world, house.now_ms, &scope, &house.limits);
    let kinds: Vec<&str> = decisions.iter().map(|event| event.kind()).collect();
    assert_eq!(kinds, ["run_planned", "dispatch_requested"]);
    house.limits.open_attempts = 0;
    let decisions = decide(&house.world, house.now_ms, &scope, &house.limits);
    let kinds: Vec<&str> = decisions.iter().map(|event| event.kind()).collect();
    assert_eq!(
        kinds,
        ["run_planned"],
        "without a place nothing is asked for"
    );
}

#[test]
fn what_was_refused_hides_nothing_that_was_not_proposed_yet() {
    let mut house = House::with(&manifest(vec![asset("raw/a", &[], json!({}))]));
    let mut waiting: Vec<String> = (0..3).map(|_| house.trigger(&json!({}))).collect();
    house.catch_up();
    house.limits.decisions = 1;
    let scope = crate::house::scope();
    while !waiting.is_empty() {
        let refused = decide(&house.world, house.now_ms, &scope, &house.limits);
        let run = refused[0].run().expect("a run").to_string();
        assert!(waiting.contains(&run), "{run} is proposed once");
        waiting.retain(|other| *other != run);
        assert!(pass_over(&mut house.world, &refused));
        assert!(!pass_over(&mut house.world, &refused), "it was marked");
    }
    let left = decide(&house.world, house.now_ms, &scope, &house.limits);
    assert_eq!(left, []);
}

#[test]
fn a_retry_that_was_refused_keeps_its_place() {
    let mut pipeline = manifest(vec![asset("raw/a", &[], json!({}))]);
    pipeline["queues"] = json!({ "default": { "limit": 1 } });
    let mut house = House::with(&pipeline);
    house.trigger(&json!({}));
    house.schedule();
    let envelope = house.lease(1).remove(0);
    house.fail(&envelope, "INFRASTRUCTURE");
    house.catch_up();
    let decided = |house: &House| decide(&house.world, house.now_ms, &scope(), &house.limits);
    let retry = decided(&house);
    assert!(
        matches!(retry.as_slice(), [Event::DispatchRequested(body)] if body.attempt == 2),
        "{retry:?}"
    );
    assert!(pass_over(&mut house.world, &retry));
    let other = house.trigger(&json!({}));
    house.catch_up();
    let next: Vec<String> = decided(&house)
        .iter()
        .map(|event| format!("{} of {}", event.kind(), event.run().expect("a run")))
        .collect();
    assert_eq!(
        next,
        [format!("run_planned of {other}")],
        "the only place is the retry's"
    );
}

#[test]
fn the_door_and_the_scheduler_fold_to_the_same_state() {
    let (mut house, run) = planned();
    let envelope = house.lease(1).remove(0);
    house.fail(&envelope, "USER_CODE");
    house.catch_up();
    let of_door = text(&house.run(&run)["stateFingerprint"]);
    let id = arcoflow_core::identity::ids::RunId::parse(&run).expect("a run id");
    let of_scheduler = house
        .world
        .runs
        .get(&id)
        .expect("the run")
        .fingerprint()
        .to_string();
    assert_eq!(of_door, of_scheduler);
}

#[test]
fn an_explanation_goes_back_to_the_cause_of_causes() {
    let pipeline = manifest(vec![
        asset("raw/a", &[], json!({})),
        asset("mid/b", &["raw/a"], json!({})),
        asset("mart/c", &["mid/b"], json!({})),
    ]);
    let mut house = House::with(&pipeline);
    let run = house.trigger(&json!({}));
    let task = |house: &mut House, key: &str| {
        let page = house.get(&format!("/v1/runs/{run}/tasks")).expect(200).json;
        let found = page["tasks"].as_array().and_then(|tasks| {
            tasks
                .iter()
                .find(|task| text(&task["taskKey"]).starts_with(key))
                .cloned()
        });
        let id = text(&found.expect("the task")["taskId"]);
        house
            .get(&format!("/v1/runs/{run}/tasks/{id}"))
            .expect(200)
            .json
    };
    let reasons = |view: &Value| {
        view["reasons"]
            .as_array()
            .map(|reasons| reasons.iter().map(text).collect::<Vec<_>>())
            .unwrap_or_default()
    };
    assert_eq!(
        reasons(&task(&mut house, "mart/c")),
        ["the run is not planned yet: is a scheduler running?"]
    );
    house.schedule();
    assert_eq!(
        reasons(&task(&mut house, "mart/c")),
        [
            "`mart/c:materialize` waits for 1 of 1 upstream tasks: `mid/b:materialize`",
            "`mid/b:materialize` waits for 1 of 1 upstream tasks: `raw/a:materialize`",
            "attempt 1 of `raw/a:materialize` waits for a worker",
        ]
    );
    let envelope = house.lease(1).remove(0);
    house.fail(&envelope, "DATA_QUALITY");
    house.schedule();
    let view = task(&mut house, "mart/c");
    assert_eq!(
        reasons(&view),
        [
            "`mart/c:materialize` was skipped, because `mid/b:materialize` was skipped",
            "`mid/b:materialize` was skipped, because `raw/a:materialize` failed",
            "`raw/a:materialize` failed",
            "attempt 1 failed with DATA_QUALITY: no luck",
            "not tried again, because DATA_QUALITY failures are not",
        ]
    );
    let kinds: Vec<String> = view["records"]
        .as_array()
        .map(|records| records.iter().map(|record| text(&record["kind"])).collect())
        .unwrap_or_default();
    assert_eq!(
        kinds,
        [
            "run_triggered",
            "run_planned",
            "attempt_finished",
            "run_finished"
        ],
        "the record that skipped it is among them"
    );
}

#[test]
fn a_run_whose_manifest_nobody_has_is_left_alone() {
    struct Nothing;
    impl arcoflow_core::run::fold::Catalogs for Nothing {
        fn catalog(
            &self,
            _: &arcoflow_core::identity::digest::Sha256Digest,
        ) -> Option<std::sync::Arc<arcoflow_core::plan::catalog::Catalog>> {
            None
        }
    }
    let (mut house, _) = planned();
    house.trigger(&json!({}));
    let mut blind = arcoflow_core::run::world::World::default();
    for record in house.records() {
        blind.fold(&record, &Nothing, &house.limits);
    }
    assert_eq!(blind.runs.len(), 2);
    let scope = crate::house::scope();
    let said = decide(&blind, house.now_ms, &scope, &house.limits);
    assert!(said.is_empty(), "{said:?}");
}
