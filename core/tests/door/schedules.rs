//! A schedule starts a run at each of its ticks, once, and says why at each at which it does not.

use arcoflow_core::automation::schedules::Schedules;
use arcoflow_core::identity::partition_key::Timestamp;
use arcoflow_core::run::decide::outstanding;
use arcoflow_core::run::world::World;
use arcoflow_core::wire::schedule::SchedulePage;
use serde_json::{Value, json};

use crate::house::{House, asset, manifest, text};
use crate::replayed::check;

/// `2024-03-09T12:00` in milliseconds since 1970.
fn at(minute: &str) -> u64 {
    let at = Timestamp::parse(&format!("{minute}:00.000000Z")).expect("a time");
    u64::try_from(at.micros() / 1_000).expect("after 1970")
}

/// `2024-03-09T12:00`.
fn minute(at_ms: u64) -> String {
    let at = Timestamp::from_micros(i64::try_from(at_ms).expect("a time") * 1_000).expect("a time");
    at.to_string().chars().take(16).collect()
}

fn pipeline(schedules: Value) -> Value {
    let days = json!({ "partitions": [{ "name": "day", "kind": "daily", "start": "2024-01-01" }] });
    let mut pipeline = manifest(vec![asset("raw/a", &[], days)]);
    pipeline["schedules"] = schedules;
    pipeline
}

fn nightly(more: Value) -> Value {
    let mut schedule =
        json!({ "name": "nightly", "cron": "0 3 * * *", "trigger": { "latestPartition": true } });
    if let (Value::Object(schedule), Value::Object(more)) = (&mut schedule, more) {
        schedule.extend(more);
    }
    schedule
}

fn house(begin: &str, schedule: Value) -> House {
    let mut house = House::new();
    house.now_ms = at(begin);
    let deployed = pipeline(json!([schedule]));
    house.post("/v1/manifests", &deployed).expect(201);
    house.schedule();
    house
}

/// Sleeps from wake-up to wake-up until a time, as a scheduler does.
fn sleep_until(house: &mut House, end: &str) {
    loop {
        house.schedule();
        match outstanding(&house.world).wake_ms {
            Some(wake_ms) if wake_ms <= at(end) => house.now_ms = house.now_ms.max(wake_ms),
            _ => break,
        }
    }
    house.now_ms = at(end);
    house.schedule();
}

fn view(house: &mut House) -> Value {
    house.get("/v1/schedules/nightly").expect(200).json
}

/// Each tick that was dealt with: the tick, and the partition that runs or the reason why none does.
fn ticks(house: &mut House) -> Vec<String> {
    let records = house.records();
    let body = |kind: &str| -> Vec<Value> {
        let of_kind = records.iter().filter(|record| record.kind == kind);
        of_kind
            .map(|record| serde_json::from_str(&record.body).expect("JSON"))
            .collect()
    };
    let requested = body("run_requested");
    for run in &requested {
        let found = body("schedule_ticked")
            .iter()
            .any(|tick| tick["run"] == run["run"]);
        let by_hand = run["on_account_of"]["schedule"]["tick_s"].is_null();
        assert!(found != by_hand, "a tick and its run stand together: {run}");
    }
    let told = |tick: &Value| {
        let at = minute(tick["tick_s"].as_u64().expect("a tick") * 1_000);
        match tick["run"].as_str() {
            Some(run) => {
                let tasks = house.tasks(run);
                let keys: Vec<&str> = tasks.iter().map(|(key, _)| key.as_str()).collect();
                format!("{at} {}", keys.join(" "))
            }
            None => format!("{at} {}", text(&tick["reason"])),
        }
    };
    let ticked = body("schedule_ticked");
    ticked.iter().map(told).collect()
}

fn day(day: &str) -> String {
    format!("raw/a[day=d:{day}]:materialize")
}

#[test]
fn a_tick_starts_the_run_of_its_time_and_the_next_one_is_known() {
    let mut house = house("2024-02-28T12:00", nightly(json!({})));
    assert_eq!(
        outstanding(&house.world).wake_ms,
        Some(at("2024-02-29T03:00"))
    );
    assert_eq!(view(&mut house)["nextTickAt"], at("2024-02-29T03:00"));
    assert_eq!(view(&mut house)["lastTick"], Value::Null);
    sleep_until(&mut house, "2024-03-01T12:00");
    assert_eq!(
        ticks(&mut house),
        [
            format!("2024-02-29T03:00 {}", day("2024-02-28")),
            format!("2024-03-01T03:00 {}", day("2024-02-29")),
        ]
    );
    house.work(|house, envelope| house.succeed(envelope));
    let view = view(&mut house);
    assert_eq!(view["nextTickAt"], at("2024-03-02T03:00"));
    assert_eq!(view["lastTick"]["tickAt"], at("2024-03-01T03:00"));
    assert_eq!(view["lastTick"]["runState"], "succeeded");
    let run = text(&view["lastTick"]["runId"]);
    let key = format!("schedule:nightly:{}", at("2024-03-01T03:00") / 1_000);
    assert_eq!(house.run(&run)["runKey"], json!(key));
    check(&mut house);
}

#[test]
fn a_time_that_the_clocks_skip_has_no_tick_and_one_that_they_repeat_has_one() {
    let rows = [
        (
            "30 2 * * *",
            "2024-03-09T00:00",
            "2024-03-12T00:00",
            ["2024-03-09T07:30", "2024-03-11T06:30"],
        ),
        (
            "30 1 * * *",
            "2024-11-02T12:00",
            "2024-11-05T00:00",
            ["2024-11-03T05:30", "2024-11-04T06:30"],
        ),
    ];
    for (cron, begin, end, expected) in rows {
        let zone = json!({ "cron": cron, "timeZone": "America/New_York" });
        let mut house = house(begin, nightly(zone));
        sleep_until(&mut house, end);
        let found: Vec<String> = ticks(&mut house)
            .iter()
            .map(|tick| tick.chars().take(16).collect())
            .collect();
        assert_eq!(found, expected, "{cron}");
        check(&mut house);
    }
}

#[test]
fn ticks_that_nobody_looked_at_follow_the_policy_and_run_what_they_would_have_run() {
    let missed = |ticks: &str, why: &str| format!("{ticks} missed, and {why}");
    let rows = [
        (
            "none",
            vec![format!(
                "2024-02-04T03:00 {}",
                missed(
                    "3 ticks from 2024-02-02T03:00:00Z to 2024-02-04T03:00:00Z were",
                    "`catchUp` is `none`"
                )
            )],
        ),
        (
            "latest",
            vec![
                format!(
                    "2024-02-03T03:00 {}",
                    missed(
                        "2 ticks from 2024-02-02T03:00:00Z to 2024-02-03T03:00:00Z were",
                        "`catchUp` is `latest`, and there is a later one"
                    )
                ),
                format!("2024-02-04T03:00 {}", day("2024-02-03")),
            ],
        ),
        (
            "all",
            vec![
                format!("2024-02-02T03:00 {}", day("2024-02-01")),
                format!("2024-02-03T03:00 {}", day("2024-02-02")),
                format!("2024-02-04T03:00 {}", day("2024-02-03")),
            ],
        ),
    ];
    for (policy, expected) in rows {
        let mut house = house("2024-02-01T12:00", nightly(json!({ "catchUp": policy })));
        house.now_ms = at("2024-02-04T09:00");
        house.schedule();
        assert_eq!(ticks(&mut house), expected, "{policy}");
        assert_eq!(view(&mut house)["nextTickAt"], at("2024-02-05T03:00"));
        check(&mut house);
    }
}

#[test]
fn a_long_silence_with_catch_up_is_worked_off_in_bounded_decisions() {
    let every =
        json!({ "cron": "*/5 * * * *", "catchUp": "all", "trigger": { "latestPartition": true } });
    let mut house = house("2024-02-01T12:00", nightly(every));
    house.limits.decisions = 7;
    house.now_ms = at("2024-02-02T12:00");
    house.schedule();
    let ticks = ticks(&mut house);
    assert_eq!(ticks.len(), 24 * 12);
    let mut sorted = ticks.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted, ticks, "in order, and each once");
    check(&mut house);
}

#[test]
fn a_pause_passes_its_ticks_over_whatever_the_policy_says() {
    let mut house = house("2024-02-01T12:00", nightly(json!({ "catchUp": "all" })));
    let paused = house
        .post(
            "/v1/schedules/nightly/pause",
            &json!({ "reason": "the source moves" }),
        )
        .expect(200);
    assert_eq!(paused.json["paused"]["reason"], "the source moves");
    assert_eq!(paused.json["paused"]["actor"], "key:test");
    assert_eq!(paused.json["nextTickAt"], Value::Null);
    // Pausing what is paused is no record.
    let before = house.records().len();
    house
        .post("/v1/schedules/nightly/pause", &json!({}))
        .expect(200);
    assert_eq!(house.records().len(), before);
    house.schedule();
    assert_eq!(outstanding(&house.world).wake_ms, None);
    house.now_ms = at("2024-02-03T12:00");
    house.schedule();
    assert!(ticks(&mut house).is_empty());
    house
        .post("/v1/schedules/nightly/resume", &json!({}))
        .expect(200);
    assert_eq!(view(&mut house)["nextTickAt"], at("2024-02-04T03:00"));
    sleep_until(&mut house, "2024-02-04T12:00");
    assert_eq!(
        ticks(&mut house),
        [
            "2024-02-03T03:00 2 ticks from 2024-02-02T03:00:00Z to 2024-02-03T03:00:00Z came while the schedule was paused".to_string(),
            format!("2024-02-04T03:00 {}", day("2024-02-03")),
        ]
    );
    check(&mut house);
}

#[test]
fn a_run_by_hand_leaves_the_ticks_as_they_are() {
    let mut house = house("2024-02-01T12:00", nightly(json!({})));
    house
        .post("/v1/schedules/nightly/pause", &json!({}))
        .expect(200);
    let keyed = json!({ "runKey": "again" });
    let first = house.post("/v1/schedules/nightly/tick", &keyed).expect(202);
    let again = house.post("/v1/schedules/nightly/tick", &keyed).expect(202);
    assert_eq!(first.json["runId"], again.json["runId"]);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let run = text(&first.json["runId"]);
    assert_eq!(house.run(&run)["runKey"], "schedule:nightly:manual:again");
    let key = house.key.clone();
    let header = [("idempotency-key", "click 1")];
    let target = "/v1/schedules/nightly/tick";
    let one = house
        .post_with(target, &key, &header, &json!({}))
        .expect(202);
    let two = house
        .post_with(target, &key, &header, &json!({}))
        .expect(202);
    assert_eq!(one.json["runId"], two.json["runId"]);
    // Without a key, each request is a run of its own.
    let free = [(); 2].map(|()| text(&house.post(target, &json!({})).expect(202).json["runId"]));
    assert_ne!(free[0], free[1]);
    let cursor = view(&mut house)["cursorS"].clone();
    assert_eq!(cursor, at("2024-02-01T12:00") / 1_000);
    house.work(|house, envelope| house.succeed(envelope));
    assert_eq!(house.run(&run)["state"], "succeeded");
    assert_eq!(house.tasks(&run)[0].0, day("2024-01-31"));
    assert!(ticks(&mut house).is_empty());
    check(&mut house);
    house
        .post("/v1/schedules/weekly/tick", &json!({}))
        .refused(404, "schedule-not-found");
}

#[test]
fn a_deployment_keeps_cursors_drops_what_is_absent_and_passes_over_what_was_no_tick() {
    let mut house = house("2024-02-01T12:00", nightly(json!({ "catchUp": "all" })));
    sleep_until(&mut house, "2024-02-02T12:00");
    // The same schedule with another trigger: a tick that nobody looked at is not lost.
    house.now_ms = at("2024-02-03T12:00");
    let more = json!({ "catchUp": "all", "trigger": { "latestPartition": true, "priority": 3 } });
    let deploy = |house: &mut House, schedules: Value| {
        house
            .post("/v1/manifests", &pipeline(schedules))
            .expect(201);
        house.schedule();
    };
    deploy(&mut house, json!([nightly(more)]));
    assert_eq!(
        ticks(&mut house).last(),
        Some(&format!("2024-02-03T03:00 {}", day("2024-02-02")))
    );
    // Other fields: what they would have meant before they were deployed is passed over.
    let hourly =
        json!({ "cron": "0 * * * *", "catchUp": "all", "trigger": { "latestPartition": true } });
    deploy(&mut house, json!([nightly(hourly.clone())]));
    assert_eq!(
        ticks(&mut house).last().map(String::as_str),
        Some(
            "2024-02-03T12:00 9 ticks from 2024-02-03T04:00:00Z to 2024-02-03T12:00:00Z came before these fields were deployed"
        )
    );
    sleep_until(&mut house, "2024-02-03T13:30");
    assert_eq!(
        ticks(&mut house).last(),
        Some(&format!("2024-02-03T13:00 {}", day("2024-02-02")))
    );
    // Absent, and declared again: it starts anew.
    let before = ticks(&mut house).len();
    deploy(&mut house, json!([]));
    house
        .get("/v1/schedules/nightly")
        .refused(404, "schedule-not-found");
    assert_eq!(outstanding(&house.world).wake_ms, None);
    sleep_until(&mut house, "2024-02-03T18:30");
    deploy(&mut house, json!([nightly(hourly)]));
    assert_eq!(ticks(&mut house).len(), before);
    sleep_until(&mut house, "2024-02-03T19:30");
    assert_eq!(
        ticks(&mut house).last(),
        Some(&format!("2024-02-03T19:00 {}", day("2024-02-02")))
    );
    assert_eq!(ticks(&mut house).len(), before + 1);
    check(&mut house);
}

#[test]
fn a_tick_whose_plan_cannot_be_made_says_so_and_is_over() {
    // The first day is complete on January 2nd; before that there is no last partition.
    let mut house = House::new();
    house.now_ms = at("2023-12-30T12:00");
    let one = json!({ "trigger": { "partitionKey": "day=d:2024-01-02" } });
    house
        .post("/v1/manifests", &pipeline(json!([nightly(one)])))
        .expect(201);
    sleep_until(&mut house, "2023-12-31T12:00");
    let told = ticks(&mut house);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("2023-12-31T03:00 plan."), "{}", told[0]);
    assert_eq!(view(&mut house)["nextTickAt"], at("2024-01-01T03:00"));
    assert!(!house.kinds().contains(&"run_requested".to_string()));
    check(&mut house);
}

#[test]
fn a_scheduler_that_begins_in_the_middle_decides_the_same() {
    let mut house = house("2024-02-01T12:00", nightly(json!({ "catchUp": "all" })));
    sleep_until(&mut house, "2024-02-03T12:00");
    house
        .post("/v1/schedules/nightly/pause", &json!({}))
        .expect(200);
    house.now_ms = at("2024-02-05T12:00");
    house
        .post("/v1/schedules/nightly/resume", &json!({}))
        .expect(200);
    house.now_ms = at("2024-02-06T12:00");
    let all = {
        house.catch_up();
        house.world.clone()
    };
    let page = house.get("/v1/schedules").expect(200).json;
    let page: SchedulePage = serde_json::from_value(page).expect("a page");
    let address = page.schedules[0].manifest;
    let catalog = house
        .catalogs
        .get(&mut house.store, &address)
        .expect("the store answers");
    // It folds the last ten records again, over what the door said about all of them.
    let adopted = Schedules::adopted(&page, catalog);
    let mut middle = World::beginning_after(page.as_of - 10, adopted);
    std::mem::swap(&mut house.world, &mut middle);
    house.catch_up();
    let decide = |world: &World| {
        let decided = world.schedules.decide(at("2024-02-06T12:00"), 1_000, 1_000);
        assert_eq!(decided.len(), 1, "the ticks of the pause come first");
        decided
    };
    assert_eq!(decide(&house.world), decide(&all));
    house.schedule();
    let ticks = ticks(&mut house);
    assert_eq!(ticks.len(), 4);
    assert_eq!(ticks[3], format!("2024-02-06T03:00 {}", day("2024-02-05")));
    check(&mut house);
}

#[test]
fn the_door_takes_a_tick_once_and_only_when_it_is_due() {
    let mut house = house("2024-02-01T12:00", nightly(json!({})));
    house.now_ms = at("2024-02-02T03:00");
    house.catch_up();
    let propose = |house: &mut House, change: &dyn Fn(&mut Value)| {
        let events = house
            .world
            .schedules
            .decide(at("2024-02-02T03:00"), 1_000, 1_000);
        let mut events: Vec<Value> = events
            .iter()
            .map(|event| {
                let body = event.body().expect("a body");
                json!({ "kind": event.kind(), "body": serde_json::from_str::<Value>(&body).expect("JSON") })
            })
            .collect();
        events
            .iter_mut()
            .for_each(|event| change(&mut event["body"]));
        let request = json!({ "epoch": house.epoch, "after": house.world.seq, "events": events });
        let answer = house.post("/v1/ledger", &request).expect(200);
        let results = answer.json["results"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        results.iter().map(Value::to_string).collect::<Vec<_>>()
    };
    house.take_lease();
    let refused = |code: &str| vec![format!("{{\"refused\":\"{code}\"}}"); 2];
    let rename = |body: &mut Value| {
        body["schedule"] = json!("weekly");
        if body["on_account_of"].is_object() {
            body["on_account_of"]["schedule"]["schedule"] = json!("weekly");
        }
    };
    assert_eq!(propose(&mut house, &rename), refused("schedule-not-found"));
    let later = |body: &mut Value| {
        body["tick_s"] = json!(at("2024-02-03T03:00") / 1_000);
        if body["on_account_of"].is_object() {
            body["on_account_of"]["schedule"]["tick_s"] = json!(at("2024-02-03T03:00") / 1_000);
        }
    };
    assert_eq!(propose(&mut house, &later), refused("tick-not-due"));
    let elsewhere =
        |body: &mut Value| body["manifest"] = json!(format!("sha256:{}", "0".repeat(64)));
    assert_eq!(propose(&mut house, &elsewhere), refused("schedule-changed"));
    let silent = |body: &mut Value| {
        if body["on_account_of"].is_null() {
            body["run"] = Value::Null;
        }
    };
    house
        .post("/v1/schedules/nightly/pause", &json!({}))
        .expect(200);
    assert_eq!(propose(&mut house, &|_| {}), refused("schedule-paused"));
    house
        .post("/v1/schedules/nightly/resume", &json!({}))
        .expect(200);
    assert_eq!(
        propose(&mut house, &silent)[1],
        "{\"refused\":\"tick-without-reason\"}"
    );
    let taken = propose(&mut house, &|_| {});
    assert_eq!(
        taken[0], "\"duplicate\"",
        "the run of the tick was taken before"
    );
    assert!(taken[1].contains("appended"), "{taken:?}");
    assert_eq!(
        propose(&mut house, &|_| {}),
        ["\"duplicate\"", "\"duplicate\""]
    );
    assert_eq!(
        house
            .kinds()
            .iter()
            .filter(|kind| *kind == "run_requested")
            .count(),
        1
    );
    assert_eq!(
        house
            .kinds()
            .iter()
            .filter(|kind| *kind == "schedule_ticked")
            .count(),
        1
    );
    check(&mut house);
}
