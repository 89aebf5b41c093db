//! In whatever order ledgers hear of each other, they come to the same in the end.

use std::collections::{BTreeMap, BTreeSet};

use arcoflow_core::door::session::records_after;
use arcoflow_core::identity::ids::RunId;
use arcoflow_core::run::world::World;
use arcoflow_core::wire::event::Event;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::house::{House, text};
use crate::shards::{at, ledger_of, pipeline, town};
use crate::town::Town;

#[test]
fn a_look_is_where_the_sensors_are() {
    let mut pipeline = pipeline();
    let names = ["a", "b", "c", "d", "e", "f"];
    let sensors = names.map(|name| json!({ "name": name, "kind": "poll", "intervalMs": 60_000, "run": { "command": ["look"] }, "trigger": { "selection": "mart/c" } }));
    pipeline["sensors"] = json!(sensors);
    let mut town = Town::new(4, &pipeline);
    town.pass(60_000);
    let looks = town.lease(10);
    assert_eq!(looks.len(), names.len());
    let found = json!({ "outcome": "SUCCEEDED", "found": [{ "key": "k" }] });
    for look in &looks {
        town.callback(look, "started", json!({})).expect(200);
        town.callback(look, "heartbeat", json!({})).expect(200);
        town.callback(look, "completed", found.clone()).expect(200);
    }
    town.work();
    for name in names {
        let view = town.get(&format!("/v1/sensors/{name}")).expect(200).json;
        assert_eq!(view["reports"], 1, "{name}");
    }
    town.check();
}

#[test]
fn what_a_ledger_has_not_heard_it_did_not_know_though_its_run_was_heard_of_later() {
    let mut town = town();
    let raw = json!({ "selection": "raw/a", "partitionKey": "day=d:2012-01-01" });
    let clean = json!({ "selection": "clean/b", "partitionKey": "day=d:2012-01-01" });
    town.trigger(&at(1, raw.clone()));
    town.work();
    town.trigger(&at(3, raw));
    town.houses[3].schedule();
    let envelope = town.lease(1).remove(0);
    town.end(&envelope, "SUCCEEDED").expect(200);
    // The first ledger knows what was made again; the run that does not begins only now.
    town.hear(0, 3, 1_000);
    town.trigger(&at(2, clean));
    town.houses[2].schedule();
    let envelope = town.lease(1).remove(0);
    town.end(&envelope, "SUCCEEDED").expect(200);
    town.settle();
    let target = "/v1/partitions/one?asset=clean/b&partition=day=d:2012-01-01";
    assert_eq!(town.get(target).expect(200).json["state"], "stale");
}

#[derive(Clone, Debug)]
enum Step {
    Trigger(u8, u8),
    Backfill,
    Cancel(usize),
    Schedule(usize),
    Hear(usize, u64),
    Tell(usize, u64),
    Lease(u32),
    End(usize, bool),
    Pass(u32),
    Expire(usize),
    Tick,
    /// What was repeated before is proposed once more, by somebody who was asleep.
    Again(usize),
    /// A scheduler begins anew.
    Forget(usize),
    /// What a ledger has heard is lost, but for its records.
    Lose(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..4u8, 0..5u8).prop_map(|(ledger, what)| Step::Trigger(ledger, what)),
        1 => Just(Step::Backfill),
        1 => any::<usize>().prop_map(Step::Cancel),
        6 => (0..4usize).prop_map(Step::Schedule),
        5 => (1..4usize, 1..20u64).prop_map(|(ledger, most)| Step::Hear(ledger, most)),
        2 => (1..4usize, 1..20u64).prop_map(|(ledger, most)| Step::Tell(ledger, most)),
        6 => (1..6u32).prop_map(Step::Lease),
        10 => (any::<usize>(), any::<bool>()).prop_map(|(which, good)| Step::End(which, good)),
        2 => (0..60_000u32).prop_map(Step::Pass),
        1 => (0..4usize).prop_map(Step::Expire),
        1 => Just(Step::Tick),
        1 => any::<usize>().prop_map(Step::Again),
        1 => (0..4usize).prop_map(Step::Forget),
        1 => (0..4usize).prop_map(Step::Lose),
    ]
}

fn trigger_of(what: u8) -> Value {
    match what {
        0 => json!({ "selection": "mart/c" }),
        1 => json!({ "selection": "raw/a", "partitionKey": "day=d:2012-01-02" }),
        2 => json!({ "selection": "clean/b", "partitionKey": "day=d:2012-01-02" }),
        3 => json!({ "selection": "clean/b", "partitionKey": "day=d:2012-01-03" }),
        _ => json!({ "selection": "raw/a+", "partitionKey": "day=d:2012-01-02" }),
    }
}

/// The newest run that made each place, as a ledger has it.
fn newest(house: &mut House) -> BTreeMap<(String, String), RunId> {
    let mut seqs = BTreeMap::new();
    let mut rows = house
        .store
        .connection
        .prepare("SELECT asset, partition, seq FROM materialization")
        .expect("SQL");
    let found = rows
        .query_map([], |row| {
            Ok((
                (row.get::<_, String>(0)?, row.get::<_, String>(1)?),
                row.get::<_, i64>(2)?,
            ))
        })
        .expect("rows");
    for row in found {
        let (place, seq) = row.expect("a row");
        seqs.insert(place, seq);
    }
    drop(rows);
    let records = records_after(&mut house.store, 0, 1_000_000).expect("records");
    seqs.into_iter()
        .map(|(place, seq)| match records[seq as usize - 1].event() {
            Some(Event::AttemptFinished(body)) => (place, body.run),
            other => panic!("{other:?} made {place:?}"),
        })
        .collect()
}

/// A place: an asset and its partition, empty for none.
type Place = (String, String);

/// What every attempt that succeeded was given to work from: the run that made each of its inputs.
type Given = BTreeMap<(String, Place), BTreeMap<Place, String>>;

/// Ends an attempt, and keeps what it worked from when it succeeded.
fn end(town: &mut Town, given: &mut Given, envelope: &Value, outcome: &str) {
    if town.end(envelope, outcome).status != 200 || outcome != "SUCCEEDED" {
        return;
    }
    let place = |of: &Value| (text(&of["assetKey"]), text(&of["partitionKey"]));
    let inputs = envelope["payload"]["inputs"].as_array().expect("inputs");
    let inputs = inputs
        .iter()
        .map(|input| (place(input), text(&input["runId"])));
    let made = (text(&envelope["runId"]), place(envelope));
    given.insert(made, inputs.collect());
}

fn play(town: &mut Town, steps: &[Step]) -> Given {
    let mut given = Given::new();
    let mut open: Vec<Value> = Vec::new();
    let mut runs: Vec<String> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::Trigger(ledger, what) => {
                let mut trigger = at(*ledger, trigger_of(*what));
                let key = (0..)
                    .map(|more| format!("{number}-{more}"))
                    .find(|key| {
                        arcoflow_core::identity::digest::sha256(key.as_bytes()).to_bytes()[0] & 3
                            == *ledger
                    })
                    .expect("a key");
                trigger["runKey"] = json!(key);
                runs.push(town.trigger(&trigger));
            }
            Step::Backfill => {
                let request = json!({ "trigger": { "selection": "clean/b", "allPartitions": true }, "concurrency": 2 });
                town.post("/v1/backfills", &request).expect(202);
            }
            Step::Cancel(which) => {
                if !runs.is_empty() {
                    let run = runs[which % runs.len()].clone();
                    town.post(&format!("/v1/runs/{run}/cancel"), &json!({}));
                }
            }
            Step::Schedule(ledger) => town.houses[*ledger].schedule(),
            Step::Hear(ledger, most) => drop(town.hear(0, *ledger, *most)),
            Step::Tell(ledger, most) => drop(town.hear(*ledger, 0, *most)),
            Step::Lease(max) => open.extend(town.lease(*max)),
            Step::End(which, good) => {
                if !open.is_empty() {
                    let envelope = open.swap_remove(which % open.len());
                    let outcome = if *good { "SUCCEEDED" } else { "FAILED" };
                    end(town, &mut given, &envelope, outcome);
                }
            }
            Step::Pass(time_ms) => town.pass(u64::from(*time_ms)),
            Step::Lose(ledger) => {
                let store = &mut town.houses[*ledger].store;
                let lost = store
                    .connection
                    .execute("DELETE FROM meta WHERE name LIKE 'heard-%'", []);
                lost.expect("SQL");
            }
            Step::Again(which) => town.say_again(*which),
            Step::Forget(ledger) => {
                let house = &mut town.houses[*ledger];
                house.world = World::default().in_shard(house.config.shard);
            }
            Step::Expire(ledger) => drop(town.houses[*ledger].expire()),
            Step::Tick => {
                let key = json!({ "runKey": format!("tick-{number}") });
                runs.push(text(
                    &town
                        .post("/v1/schedules/nightly/tick", &key)
                        .expect(202)
                        .json["runId"],
                ));
            }
        }
    }
    town.settle();
    // Whatever a worker still has ends.
    for envelope in open {
        end(town, &mut given, &envelope, "SUCCEEDED");
    }
    town.work_with(|town, envelope| end(town, &mut given, envelope, "SUCCEEDED"));
    given
}

/// What each place is made from.
fn inputs_of((asset, partition): &Place) -> Vec<Place> {
    let days = (1..5).map(|day| format!("day=d:2012-01-0{day}"));
    match asset.as_str() {
        "clean/b" => vec![("raw/a".to_string(), partition.clone())],
        "mart/c" => days.map(|day| ("clean/b".to_string(), day)).collect(),
        _ => Vec::new(),
    }
}

/// The places that are stale by the definition: whoever made one worked from something else than what is the newest now, or from something
/// that is stale itself.
fn stale(newest: &BTreeMap<Place, RunId>, given: &Given) -> BTreeSet<Place> {
    let mut stale = BTreeSet::new();
    for asset in ["raw/a", "clean/b", "mart/c"] {
        for (place, run) in newest.iter().filter(|(place, _)| place.0 == asset) {
            let worked_from = &given[&(run.to_string(), place.clone())];
            let is_behind = inputs_of(place).into_iter().any(|input| {
                let now = newest.get(&input).map(RunId::to_string);
                stale.contains(&input) || now.as_ref() != worked_from.get(&input)
            });
            if is_behind {
                stale.insert(place.clone());
            }
        }
    }
    stale
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn what_is_heard_late_is_known_in_the_end(steps in prop::collection::vec(step(), 1..100)) {
        let mut town = town();
        let given = play(&mut town, &steps);
        town.check();
        let first = newest(&mut town.houses[0]);
        let stale = stale(&first, &given);
        for place in first.keys() {
            let partition = if place.1.is_empty() { String::new() } else { format!("&partition={}", place.1) };
            let target = format!("/v1/partitions/one?asset={}{partition}", place.0);
            let state = text(&town.get(&target).expect(200).json["state"]);
            // A failure is told before anything else.
            if state != "failed" {
                prop_assert_eq!(state == "stale", stale.contains(place), "{:?} is {}", place, state);
            }
        }
        for index in 1..4 {
            prop_assert_eq!(&newest(&mut town.houses[index]), &first, "ledger {}", index);
        }
        for house in &mut town.houses {
            prop_assert!(house.world.runs.is_empty());
            prop_assert!(house.world.away.is_empty());
        }
        let mut before = String::new();
        loop {
            let page = town.get(&format!("/v1/runs?limit=3{before}")).expect(200).json;
            for line in page["runs"].as_array().expect("runs") {
                let run = text(&line["runId"]);
                let home = town.houses[ledger_of(&run)].get(&format!("/v1/runs/{run}")).expect(200).json;
                let there = town.houses[0].get("/v1/runs?limit=1000").expect(200).json;
                let known = there["runs"].as_array().expect("runs").iter().find(|line| text(&line["runId"]) == run);
                prop_assert_eq!(known.map(|line| &line["state"]), Some(&home["state"]));
            }
            match page["next"].as_str() {
                Some(next) => before = format!("&before={next}"),
                None => break,
            }
        }
    }

    #[test]
    fn runs_over_four_ledgers_leave_what_they_leave_in_one(whats in prop::collection::vec((0..4u8, 0..5u8), 1..12)) {
        let mut town = town();
        let mut alone = House::with(&pipeline());
        for (ledger, what) in whats {
            let mut trigger = at(ledger, trigger_of(what));
            let key = format!("{}-{}", trigger["runKey"].as_str().expect("a key"), alone.now_ms);
            trigger["runKey"] = json!(key);
            town.pass(1_000);
            alone.now_ms += 1_000;
            town.trigger(&trigger);
            town.work();
            alone.trigger(&trigger);
            alone.work(|house, envelope| house.succeed(envelope));
            for asset in ["raw/a", "clean/b", "mart/c"] {
                let target = format!("/v1/partitions?asset={asset}");
                let (here, there) = (alone.get(&target).expect(200).json, town.get(&target).expect(200).json);
                prop_assert_eq!(&here["counts"], &there["counts"], "{}", asset);
                let states = |page: &Value| -> Vec<String> {
                    page["page"].as_array().expect("a page").iter().map(|line| text(&line["state"])).collect()
                };
                prop_assert_eq!(states(&here), states(&there), "{}", asset);
            }
        }
        town.check();
    }
}
