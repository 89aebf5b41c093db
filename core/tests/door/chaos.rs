//! Whatever order callers, workers and schedulers come in, the house stays in order: random stories with every rule checked.

use std::collections::BTreeMap;

use arcoflow_core::run::decide::decide;
use arcoflow_core::run::world::World;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::house::{House, asset, manifest, text};
use crate::replayed::check;
use crate::sweeps::sweep;

#[derive(Clone, Debug)]
enum Step {
    Trigger(u8),
    Cancel(usize),
    Rerun(usize),
    Schedule,
    StaleSchedule,
    Lease(u8),
    Start(usize),
    Beat(usize),
    Complete(usize, u8),
    Pass(u32),
    Expire,
    Tell(u8),
    Tick(u8),
    Pause(bool, bool),
    Deploy(u8),
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..3u8).prop_map(Step::Trigger),
        1 => any::<usize>().prop_map(Step::Cancel),
        1 => any::<usize>().prop_map(Step::Rerun),
        6 => Just(Step::Schedule),
        1 => Just(Step::StaleSchedule),
        6 => (1..6u8).prop_map(Step::Lease),
        6 => any::<usize>().prop_map(Step::Start),
        3 => any::<usize>().prop_map(Step::Beat),
        9 => (any::<usize>(), 0..6u8).prop_map(|(which, how)| Step::Complete(which, how)),
        3 => (0..120_000u32).prop_map(Step::Pass),
        3 => Just(Step::Expire),
        2 => (0..6u8).prop_map(Step::Tell),
        1 => (0..3u8).prop_map(Step::Tick),
        1 => any::<(bool, bool)>().prop_map(|(sensor, paused)| Step::Pause(sensor, paused)),
        1 => (0..4u8).prop_map(Step::Deploy),
        1 => Just(Step::Sweep),
    ]
}

/// The pipeline with its schedule, with another one, with other sensors, or without any.
fn deployment(which: u8) -> Value {
    let mut pipeline = pipeline();
    match which {
        0 => {}
        1 => pipeline["schedules"][0]["cron"] = json!("*/3 * * * *"),
        2 => pipeline["sensors"][1]["intervalMs"] = json!(1_000),
        _ => {
            pipeline["schedules"] = json!([]);
            pipeline["sensors"] = json!([]);
        }
    }
    pipeline
}

fn pipeline() -> Value {
    let quick = json!({ "retry": { "maxAttempts": 2, "baseDelayMs": 1_000 }, "timeouts": { "heartbeatMs": 30_000, "cancelGraceMs": 5_000 } });
    let checked = json!({ "check": { "run": { "command": ["check"] } }, "retry": { "maxAttempts": 3, "baseDelayMs": 100 } });
    let mut pipeline = manifest(vec![
        asset("raw/a", &[], quick.clone()),
        asset("raw/b", &[], checked),
        asset("mid/c", &["raw/a", "raw/b"], quick),
        asset("mid/d", &["raw/b"], json!({ "priority": 3 })),
        asset("mart/e", &["mid/c", "mid/d"], json!({})),
    ]);
    pipeline["schedules"] = json!([{ "name": "often", "cron": "*/2 * * * *", "catchUp": "all", "trigger": { "selection": "raw/a" } }]);
    pipeline["sensors"] = json!([
        { "name": "told", "kind": "push", "trigger": { "selection": "raw/b" } },
        { "name": "looks", "kind": "poll", "intervalMs": 60_000, "run": { "command": ["look"] }, "trigger": { "selection": "raw/a" } },
    ]);
    pipeline
}

fn pick<T>(items: &[T], which: usize) -> Option<&T> {
    items.get(which.checked_rem(items.len())?)
}

fn take(house: &mut House, runs: &mut Vec<String>, envelopes: &mut Vec<Value>, step: &Step) {
    match step {
        Step::Trigger(kind) => {
            let trigger = match kind {
                0 => json!({}),
                1 => json!({ "selection": "+mid/d" }),
                _ => json!({ "runKey": format!("key {}", runs.len() / 2) }),
            };
            let answer = house.post("/v1/runs", &trigger);
            let run = text(&answer.json["runId"]);
            if answer.status == 202 && !runs.contains(&run) {
                runs.push(run);
            }
        }
        Step::Cancel(which) => {
            if let Some(run) = pick(runs, *which) {
                house.post(&format!("/v1/runs/{run}/cancel"), &json!({}));
            }
        }
        Step::Rerun(which) => {
            if let Some(run) = pick(runs, *which) {
                let answer = house.post(&format!("/v1/runs/{run}/rerun"), &json!({}));
                if answer.status == 202 {
                    runs.push(text(&answer.json["runId"]));
                }
            }
        }
        Step::Schedule => house.schedule(),
        Step::Sweep => {
            let view = sweep(house);
            assert_eq!(
                view["leftBehind"],
                json!(0),
                "nothing is ever lost by itself: {view}"
            );
        }
        Step::StaleSchedule => {
            // A scheduler that did not see the newest facts proposes from an old view; the door takes what fits.
            let decisions = decide(
                &house.world,
                house.now_ms,
                &crate::house::scope(),
                &house.limits,
            );
            let events: Vec<Value> = decisions
                .iter()
                .map(|event| json!({ "kind": event.kind(), "body": serde_json::from_str::<Value>(&event.body().expect("a body")).expect("JSON") }))
                .collect();
            house.take_lease();
            let request =
                json!({ "epoch": house.epoch, "after": house.world.seq, "events": events });
            house.post("/v1/ledger", &request).expect(200);
        }
        Step::Lease(max) => envelopes.extend(house.lease(u32::from(*max))),
        Step::Start(which) => {
            if let Some(envelope) = pick(envelopes, *which).cloned() {
                house.callback(&envelope, "started", json!({}));
            }
        }
        Step::Beat(which) => {
            if let Some(envelope) = pick(envelopes, *which).cloned() {
                house.callback(&envelope, "heartbeat", json!({}));
            }
        }
        Step::Complete(which, how) => {
            if let Some(envelope) = pick(envelopes, *which).cloned() {
                let body = match how {
                    0..=1 => json!({ "outcome": "SUCCEEDED" }),
                    2 => {
                        let found = json!({ "cursor": "c", "runs": [{}, { "runKey": "k" }] });
                        json!({ "outcome": "SUCCEEDED", "findings": found })
                    }
                    3 => json!({ "outcome": "FAILED", "error": { "category": "USER_CODE" } }),
                    4 => json!({ "outcome": "FAILED", "error": { "category": "DATA_QUALITY" } }),
                    _ => json!({ "outcome": "CANCELLED" }),
                };
                house.callback(&envelope, "completed", body);
            }
        }
        Step::Tell(id) => {
            let message = json!({ "messageId": format!("message {id}") });
            house.post("/v1/sensors/told/messages", &message);
        }
        Step::Tick(key) => {
            let request = json!({ "runKey": format!("key {key}") });
            house.post("/v1/schedules/often/tick", &request);
        }
        Step::Pause(sensor, paused) => pause(house, *sensor, *paused),
        Step::Deploy(which) => {
            house.post("/v1/manifests", &deployment(*which));
        }
        Step::Pass(ms) => house.now_ms += u64::from(*ms),
        Step::Expire => {
            house.expire();
        }
    }
}

fn pause(house: &mut House, sensor: bool, paused: bool) {
    let verb = if paused { "pause" } else { "resume" };
    let targets: &[&str] = if sensor {
        &["sensors/told", "sensors/looks"]
    } else {
        &["schedules/often"]
    };
    for target in targets {
        house.post(&format!("/v1/{target}/{verb}"), &json!({}));
    }
}

/// Ticks go on, none before its time, and none while the schedule is paused; reports are counted without a gap.
fn check_automation(house: &mut House) {
    let (mut last_tick, mut paused, mut reports) = (0, false, BTreeMap::new());
    for record in house.records() {
        let body: Value = serde_json::from_str(&record.body).expect("JSON");
        match record.kind.as_str() {
            "manifest_deployed" => {
                let manifest = house.get(&format!("/v1/manifests/{}", text(&body["manifest"])));
                paused &= manifest.json["schedules"] != json!([]);
            }
            "schedule_set" => paused = body["paused"] == true,
            "schedule_ticked" => {
                let tick_s = body["tick_s"].as_u64().expect("a tick");
                assert!(!paused, "a paused schedule does not tick");
                assert!(last_tick < tick_s && tick_s * 1_000 <= record.at_ms);
                assert!(body["run"].is_string() || body["reason"].is_string());
                last_tick = tick_s;
            }
            "sensor_reported" => {
                let count = reports.entry(text(&body["sensor"])).or_insert(0);
                *count += 1;
                assert_eq!(body["report"], *count);
                assert!(body["runs"].is_array() || body["reason"].is_string());
            }
            _ => {}
        }
    }
}

/// The rules that the sequence of records alone must keep.
fn check_records(house: &mut House) {
    let mut open: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut last: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut succeeded: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut cancelled: BTreeMap<String, u64> = BTreeMap::new();
    let mut finished: BTreeMap<String, u64> = BTreeMap::new();
    for record in house.records() {
        let body: Value = serde_json::from_str(&record.body).expect("JSON");
        let run = text(&body["run"]);
        let task = (run.clone(), text(&body["task"]));
        let attempt = body["attempt"].as_u64().unwrap_or(0);
        assert!(
            !finished.contains_key(&run),
            "nothing is recorded of a run after its end: {} {}",
            record.seq,
            record.kind
        );
        match record.kind.as_str() {
            "dispatch_requested" => {
                assert!(
                    !cancelled.contains_key(&run),
                    "nothing is dispatched after a cancel"
                );
                assert!(
                    !open.contains_key(&task),
                    "one attempt of a task is open at a time"
                );
                assert_eq!(
                    attempt,
                    last.get(&task).copied().unwrap_or(0) + 1,
                    "attempts count without a gap"
                );
                assert!(
                    !succeeded.contains_key(&task),
                    "a task that succeeded is not tried again"
                );
                open.insert(task.clone(), attempt);
                last.insert(task, attempt);
            }
            "attempt_started" => assert_eq!(
                open.get(&task),
                Some(&attempt),
                "only an open attempt starts"
            ),
            "attempt_finished" | "attempt_expired" => {
                assert_eq!(
                    open.remove(&task),
                    Some(attempt),
                    "only an open attempt ends, once"
                );
                if body["outcome"] == "succeeded" {
                    *succeeded.entry(task).or_insert(0) += 1;
                }
            }
            "run_cancel_requested" => {
                assert!(
                    cancelled.insert(run, record.seq).is_none(),
                    "a run is cancelled once"
                );
            }
            "run_finished" => {
                finished.insert(run, record.seq);
            }
            _ => {}
        }
    }
    assert!(
        succeeded.values().all(|times| *times == 1),
        "no task succeeds twice"
    );
}

fn live(steps: &[Step]) {
    let mut house = House::with(&pipeline());
    let (mut runs, mut envelopes) = (Vec::new(), Vec::new());
    for step in steps {
        take(&mut house, &mut runs, &mut envelopes, step);
    }
    check_records(&mut house);
    check_automation(&mut house);
    check(&mut house);
    house.catch_up();
    let replayed = house.replayed();
    assert_eq!(
        house.world.schedules.wake_ms(),
        replayed.schedules.wake_ms()
    );
    let live: Vec<_> = house
        .world
        .runs
        .iter()
        .map(|(id, run)| (*id, run.fingerprint()))
        .collect();
    for (id, fingerprint) in live {
        assert_eq!(
            fingerprint,
            replayed.runs[&id].fingerprint(),
            "live and replayed state differ"
        );
        assert_eq!(
            text(&house.run(&id.to_string())["stateFingerprint"]),
            fingerprint.to_string()
        );
    }
    // From here on the workers are honest and nothing begins by itself; everything must come to an end.
    pause(&mut house, true, true);
    pause(&mut house, false, true);
    for _ in 0..200 {
        house.schedule();
        house.now_ms += 400_000;
        house.expire();
        house.schedule();
        house.now_ms += 400_000;
        for envelope in house.lease(100) {
            house.succeed(&envelope);
        }
        if house.world.runs.is_empty() {
            break;
        }
    }
    for run in &runs {
        let state = text(&house.run(run)["state"]);
        assert!(
            ["succeeded", "failed", "cancelled"].contains(&state.as_str()),
            "run {run} is {state}"
        );
    }
    check_records(&mut house);
    check(&mut house);
}

/// A prefix and then the rest, a part of which comes twice, is the whole.
fn fold_in_two(steps: &[Step], cut: usize, overlap: usize) {
    let mut house = House::with(&pipeline());
    let (mut runs, mut envelopes) = (Vec::new(), Vec::new());
    for step in steps {
        take(&mut house, &mut runs, &mut envelopes, step);
    }
    let records = house.records();
    let cut = cut % (records.len() + 1);
    let whole = house.replayed();
    let prefix = house.folded(World::default(), &records[..cut]);
    let both = house.folded(prefix, &records[cut.saturating_sub(overlap)..]);
    assert_eq!(
        (both.seq, both.at_ms, both.chain, both.finished_runs),
        (whole.seq, whole.at_ms, whole.chain, whole.finished_runs)
    );
    assert_eq!(both.open_by_queue(), whole.open_by_queue());
    let states = |world: &World| {
        let runs = world.runs.iter();
        runs.map(|(id, run)| (*id, run.fingerprint(), run.counts()))
            .collect::<Vec<_>>()
    };
    assert_eq!(states(&both), states(&whole));
    let next = |world: &World| decide(world, house.now_ms, &crate::house::scope(), &house.limits);
    assert_eq!(next(&both), next(&whole));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn any_story_keeps_the_rules(steps in prop::collection::vec(step(), 1..160)) {
        live(&steps);
    }

    #[test]
    fn a_prefix_and_the_rest_are_the_whole(
        steps in prop::collection::vec(step(), 1..120),
        cut in any::<usize>(),
        overlap in 0..20usize,
    ) {
        fold_in_two(&steps, cut, overlap);
    }
}
