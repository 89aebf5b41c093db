//! A workspace of several ledgers comes to what it comes to in one, whatever is heard late.

use std::collections::BTreeMap;

use arcoflow_core::door::answer::Then;
use arcoflow_core::door::schema;
use arcoflow_core::identity::ids::RunId;
use arcoflow_core::wire::shard::Shard;
use serde_json::{Value, json};

use crate::house::{House, asset, manifest, text};
use crate::store::Store;
use crate::town::Town;

fn days() -> Value {
    json!({ "partitions": [{ "name": "day", "kind": "daily", "start": "2012-01-01", "end": "2012-01-05" }] })
}

pub(crate) fn pipeline() -> Value {
    let mut pipeline = manifest(vec![
        asset("raw/a", &[], days()),
        asset("clean/b", &["raw/a"], days()),
        asset(
            "mart/c",
            &["clean/b"],
            json!({ "upstreams": [{ "asset": "clean/b", "mapping": "all" }] }),
        ),
    ]);
    pipeline["schedules"] =
        json!([{ "name": "nightly", "cron": "0 0 * * *", "trigger": { "selection": "mart/c" } }]);
    pipeline
}

pub(crate) fn town() -> Town {
    Town::new(4, &pipeline())
}

/// A trigger whose run is kept by a ledger.
pub(crate) fn at(ledger: u8, trigger: Value) -> Value {
    let mut trigger = trigger;
    let key = (0..)
        .map(|number| format!("key-{number}"))
        .find(|key| {
            arcoflow_core::identity::digest::sha256(key.as_bytes()).to_bytes()[0] & 3 == ledger
        })
        .expect("a key");
    trigger["runKey"] = json!(format!("{key}"));
    trigger
}

pub(crate) fn ledger_of(run: &str) -> usize {
    let run = RunId::parse(run).expect("a run id");
    usize::from(arcoflow_core::identity::derived::home(&run) & 3)
}

fn state(town: &mut Town, asset: &str, day: &str) -> String {
    let partition = if day.is_empty() {
        String::new()
    } else {
        format!("&partition=day=d:{day}")
    };
    text(
        &town
            .get(&format!("/v1/partitions/one?asset={asset}{partition}"))
            .expect(200)
            .json["state"],
    )
}

#[test]
fn a_run_lives_where_its_home_is() {
    let mut town = town();
    let day = json!({ "selection": "raw/a", "partitionKey": "day=d:2012-01-01" });
    for number in 0..24 {
        let keyed = (number < 4).then_some(number);
        let run = town.trigger(&keyed.map_or(day.clone(), |ledger| at(ledger, day.clone())));
        let home = ledger_of(&run);
        assert_eq!(keyed.map_or(home, usize::from), home);
        for (index, house) in town.houses.iter_mut().enumerate() {
            let is_there = house.get(&format!("/v1/runs/{run}")).status == 200;
            assert_eq!(is_there, index == home);
        }
        town.get(&format!("/v1/runs/{run}")).expect(200);
    }
    town.work();
    town.check();
    let run = text(&town.get("/v1/runs").expect(200).json["runs"][0]["runId"]);
    let again = json!({ "mode": "all" });
    let again = town.post(&format!("/v1/runs/{run}/rerun"), &again);
    assert_eq!(
        ledger_of(&run),
        ledger_of(&text(&again.expect(202).json["runId"]))
    );
}

#[test]
fn one_list_has_the_runs_of_every_ledger() {
    let mut town = town();
    let mut runs: Vec<String> = Vec::new();
    for _ in 0..23 {
        town.pass(1);
        runs.push(
            town.trigger(&json!({ "selection": "raw/a", "partitionKey": "day=d:2012-01-01" })),
        );
    }
    runs.reverse();
    let listed = |town: &mut Town| {
        let mut found = Vec::new();
        let mut before = String::new();
        loop {
            let page = town
                .get(&format!("/v1/runs?limit=5{before}"))
                .expect(200)
                .json;
            let lines = page["runs"].as_array().expect("runs").clone();
            assert!(lines.len() <= 5);
            found.extend(lines.iter().map(|line| text(&line["runId"])));
            match page["next"].as_str() {
                Some(next) => before = format!("&before={next}"),
                None => return found,
            }
        }
    };
    assert_eq!(listed(&mut town), runs, "before anything was heard");
    town.work();
    assert_eq!(
        listed(&mut town),
        runs,
        "when the first ledger knows them all"
    );
    let page = town.get("/v1/runs").expect(200).json;
    for line in page["runs"].as_array().expect("runs") {
        assert_eq!(line["state"], "succeeded");
    }
    assert_eq!(
        town.get("/v1/runs?open=true").expect(200).json["runs"],
        json!([])
    );
    let only = town.get("/v1/runs?shard=3").expect(200).json;
    for line in only["runs"].as_array().expect("runs") {
        assert_eq!(ledger_of(&text(&line["runId"])), 3);
    }
}

#[test]
fn a_ledger_that_there_is_not_is_refused() {
    let mut town = town();
    for target in [
        "/v1/ledger?shard=4",
        "/v1/ledger?shard=-1",
        "/v1/runs?shard=x",
        "/v1/sweep?shard=256",
    ] {
        let answer = town.get(target).expect(422);
        assert_eq!(answer.json["errors"][0]["pointer"], "?shard", "{target}");
    }
    let mut alone = House::with(&pipeline());
    alone.get("/v1/ledger?shard=0").expect(200);
    alone.get("/v1/ledger?shard=1").expect(422);
    let heads = town.get("/health").expect(200).json["shards"].clone();
    assert_eq!(heads, json!([1, 1, 1, 1]));
    assert_eq!(alone.get("/health").expect(200).json["shards"], Value::Null);
}

#[test]
fn a_deployment_is_known_to_every_ledger_when_it_is_answered() {
    let mut town = town();
    for ledger in 0..4 {
        town.trigger(&at(
            ledger,
            json!({ "selection": "raw/a", "partitionKey": "day=d:2012-01-01" }),
        ));
    }
    let mut other = pipeline();
    other["assets"]
        .as_array_mut()
        .expect("assets")
        .push(asset("mart/new", &[], json!({})));
    town.post("/v1/manifests", &other).expect(201);
    town.post("/v1/manifests", &other).expect(200);
    for ledger in 0..4 {
        let mut trigger = at(ledger, json!({ "selection": "mart/new" }));
        trigger["runKey"] = json!(format!(
            "{}-again",
            trigger["runKey"].as_str().expect("a key")
        ));
        town.trigger(&trigger);
    }
    let deployments = |town: &mut Town| -> Vec<usize> {
        let count = |house: &mut House| {
            house
                .kinds()
                .iter()
                .filter(|kind| *kind == "manifest_deployed")
                .count()
        };
        town.houses.iter_mut().map(count).collect()
    };
    assert_eq!(deployments(&mut town), [2, 2, 2, 2]);
    town.work();
    assert_eq!(
        deployments(&mut town),
        [2, 2, 2, 2],
        "what is told is not repeated once more"
    );
    town.check();
}

#[test]
fn a_deployment_that_was_not_told_is_heard() {
    let mut town = town();
    let mut other = pipeline();
    other["assets"]
        .as_array_mut()
        .expect("assets")
        .push(asset("mart/new", &[], json!({})));
    // Whoever deployed has died after the first ledger's answer; the others keep the content.
    for index in [1, 2, 3, 0] {
        let status = if index == 0 { 201 } else { 200 };
        town.houses[index]
            .post("/v1/manifests", &other)
            .expect(status);
    }
    assert_eq!(town.houses[2].kinds(), ["manifest_deployed"]);
    town.settle();
    for house in &mut town.houses {
        assert_eq!(house.kinds(), ["manifest_deployed", "manifest_deployed"]);
    }
    town.check();
}

#[test]
fn what_is_made_in_one_ledger_is_an_input_in_another() {
    let mut town = town();
    let raw = town.trigger(&at(
        1,
        json!({ "selection": "raw/a", "partitionKey": "day=d:2012-01-01" }),
    ));
    town.work();
    town.trigger(&at(
        2,
        json!({ "selection": "clean/b", "partitionKey": "day=d:2012-01-01" }),
    ));
    town.settle();
    let leased = town.lease(1);
    let inputs = leased[0]["payload"]["inputs"]
        .as_array()
        .expect("inputs")
        .clone();
    assert_eq!(inputs.len(), 1);
    assert_eq!(text(&inputs[0]["runId"]), raw);
    town.end(&leased[0], "SUCCEEDED").expect(200);
    town.work();
    assert_eq!(state(&mut town, "clean/b", "2012-01-01"), "succeeded");
    // Made again in a third ledger: what was made from it before is out of date, and says why.
    let again = town.trigger(&at(
        3,
        json!({ "selection": "raw/a", "partitionKey": "day=d:2012-01-01" }),
    ));
    town.work();
    assert_eq!(state(&mut town, "clean/b", "2012-01-01"), "stale");
    let one = town
        .get("/v1/partitions/one?asset=clean/b&partition=day=d:2012-01-01")
        .expect(200)
        .json;
    assert_eq!(text(&one["staleBecause"][0]["runId"]), again);
    town.check();
}

#[test]
fn what_was_asked_for_before_something_was_heard_is_out_of_date() {
    for order in [[2, 3], [3, 2]] {
        work_from_what_is_made_again(order);
    }
}

/// The first ledger hears of the end of what was made from it, and of what was made again, in this order.
fn work_from_what_is_made_again(order: [usize; 2]) {
    let mut town = town();
    town.trigger(&at(
        1,
        json!({ "selection": "raw/a", "partitionKey": "day=d:2012-01-01" }),
    ));
    town.work();
    town.trigger(&at(
        2,
        json!({ "selection": "clean/b", "partitionKey": "day=d:2012-01-01" }),
    ));
    town.settle();
    let clean = town.lease(1).remove(0);
    // While it works, its input is made again elsewhere; its own ledger does not hear of it before it ends.
    town.trigger(&at(
        3,
        json!({ "selection": "raw/a", "partitionKey": "day=d:2012-01-01" }),
    ));
    town.houses[3].schedule();
    let raw = town.lease(1).remove(0);
    town.end(&raw, "SUCCEEDED").expect(200);
    town.end(&clean, "SUCCEEDED").expect(200);
    for source in order {
        town.hear(0, source, 1_000);
    }
    town.settle();
    assert_eq!(state(&mut town, "clean/b", "2012-01-01"), "stale");
    town.check();
}

#[test]
fn a_backfill_runs_in_every_ledger_and_ends() {
    let mut town = town();
    let request =
        json!({ "trigger": { "selection": "raw/a", "allPartitions": true }, "concurrency": 2 });
    let request = match town.post("/v1/backfills", &request) {
        answer if answer.status == 202 => answer,
        answer => panic!("{}", answer.json),
    };
    let backfill = text(&request.json["backfillId"]);
    town.work();
    let view = town
        .get(&format!("/v1/backfills/{backfill}"))
        .expect(200)
        .json;
    assert_eq!(
        (&view["state"], &view["succeeded"]),
        (&json!("succeeded"), &json!(4))
    );
    let mut homes: Vec<usize> = Vec::new();
    for line in town.get("/v1/runs").expect(200).json["runs"]
        .as_array()
        .expect("runs")
    {
        let run = text(&line["runId"]);
        homes.push(ledger_of(&run));
        assert_eq!(
            town.get(&format!("/v1/runs/{run}")).expect(200).json["state"],
            "succeeded"
        );
    }
    assert_eq!(homes.len(), 4);
    town.check();
}

#[test]
fn a_cancel_of_a_backfill_reaches_the_runs_of_other_ledgers() {
    let mut town = town();
    let request =
        json!({ "trigger": { "selection": "raw/a", "allPartitions": true }, "concurrency": 4 });
    let answer = town.post("/v1/backfills", &request).expect(202);
    town.settle();
    let leased = town.lease(100);
    assert_eq!(leased.len(), 4);
    let target = format!("/v1/backfills/{}/cancel", text(&answer.json["backfillId"]));
    town.post(&target, &json!({})).expect(202);
    town.settle();
    for envelope in &leased {
        let beat = town.callback(envelope, "started", json!({}));
        assert_eq!(
            beat.status, 409,
            "it had not started, so the cancel has closed it"
        );
    }
    town.settle();
    for line in town.get("/v1/runs").expect(200).json["runs"]
        .as_array()
        .expect("runs")
    {
        assert_eq!(line["state"], "cancelled");
    }
    let view = town.get(&target.replace("/cancel", "")).expect(200).json;
    assert_eq!(view["state"], "cancelled");
    town.check();
}

#[test]
fn a_run_that_the_first_ledger_began_is_known_before_its_own_has_heard_of_it() {
    let mut town = town();
    let mut elsewhere = 0;
    for number in 0..8 {
        let tick = json!({ "runKey": format!("by-hand-{number}") });
        let answer = town.post("/v1/schedules/nightly/tick", &tick).expect(202);
        let run = text(&answer.json["runId"]);
        elsewhere += usize::from(ledger_of(&run) != 0);
        assert_eq!(
            town.get(&format!("/v1/runs/{run}")).expect(200).json["state"],
            "queued"
        );
        if number % 2 == 0 {
            town.post(&format!("/v1/runs/{run}/cancel"), &json!({}))
                .expect(202);
        }
    }
    assert!(elsewhere > 2, "{elsewhere} of 8 runs are at home elsewhere");
    town.work();
    let page = town.get("/v1/runs").expect(200).json;
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for line in page["runs"].as_array().expect("runs") {
        *states.entry(text(&line["state"])).or_default() += 1;
    }
    assert_eq!(
        states,
        BTreeMap::from([("cancelled".into(), 4), ("succeeded".into(), 4)])
    );
    town.check();
}

#[test]
fn nothing_but_what_belongs_there_is_repeated() {
    let mut town = town();
    let run = town.trigger(&at(
        1,
        json!({ "selection": "raw/a", "partitionKey": "day=d:2012-01-01" }),
    ));
    town.houses[1].schedule();
    let heard = town.heard(0, 1, 1_000);
    assert_eq!(heard.len(), 2, "the trigger and the plan, not the dispatch");
    let leased = town.lease(1).remove(0);
    town.callback(&leased, "started", json!({})).expect(200);
    let started = town.houses[1].records().pop().expect("a record");
    let mut propose = |target: usize, proposal: &Value| {
        let house = &mut town.houses[target];
        house.take_lease();
        let request = json!({ "epoch": house.epoch, "after": 0, "events": [proposal] });
        let ledger = house.own("/v1/ledger");
        house.post(&ledger, &request).expect(200).json["results"][0].clone()
    };
    let refused = json!({ "refused": "not-to-be-repeated" });
    let with = |origin: Value| {
        let mut proposal = heard[0].clone();
        proposal["origin"] = origin;
        proposal
    };
    // In the words of a ledger that does not keep the run, of a ledger that there is not, of the first itself.
    for shard in [2, 9, 0] {
        assert_eq!(
            propose(0, &with(json!({ "shard": shard, "seq": 2 }))),
            refused,
            "{shard}"
        );
    }
    // Facts of workers and callers are stated by nobody else, and the others hear from the first alone.
    assert_eq!(propose(2, &with(json!({ "shard": 1, "seq": 2 }))), refused);
    let fact = json!({ "kind": started.kind, "body": serde_json::from_str::<Value>(&started.body).expect("JSON"), "origin": { "shard": 1, "seq": 4 } });
    assert_eq!(propose(0, &fact), refused);
    assert_eq!(propose(0, &heard[0])["appended"], json!(2));
    assert_eq!(propose(0, &heard[0]), json!("duplicate"));
    assert_eq!(propose(0, &heard[1])["appended"], json!(3));
    assert_eq!(
        propose(0, &with(heard[0]["origin"].clone())),
        json!("duplicate")
    );
    // The first decides nothing about it.
    let finished = json!({ "kind": "run_finished", "body": { "run": run, "outcome": "succeeded", "succeeded": 1, "failed": 0, "skipped": 0, "cancelled": 0 } });
    assert_eq!(propose(0, &finished), json!({ "refused": "run-not-found" }));
    town.check();
}

#[test]
fn a_ledger_stays_the_one_that_it_is() {
    let shard = |index, count| Shard::new(index, count).expect("a shard");
    let mut store = Store::new();
    schema::install(&mut store).expect("the tables are made");
    for (wanted, fits) in [
        (shard(0, 1), true),
        (shard(2, 4), true),
        (shard(2, 4), true),
        (shard(1, 4), false),
        (shard(2, 8), false),
        (shard(0, 1), false),
    ] {
        let found = schema::settle(&mut store, wanted).expect("the store answers");
        assert_eq!(found, fits, "{wanted:?}");
    }
    // What was used before there were several is the only one.
    let mut alone = House::with(&pipeline());
    for (wanted, fits) in [(shard(0, 2), false), (shard(0, 1), true)] {
        let found = schema::settle(&mut alone.store, wanted).expect("the store answers");
        assert_eq!(found, fits, "{wanted:?}");
    }
}

#[test]
fn whoever_wants_no_task_is_told_when_there_is_one() {
    let mut town = town();
    let request = json!({ "workerId": "w1", "queues": ["default"], "max": 0, "waitS": 5 });
    let house = &mut town.houses[2];
    let waits = house.post("/v1/leases", &request).expect(200);
    assert!(matches!(waits.then, Then::Wait(_)));
    town.trigger(&at(
        2,
        json!({ "selection": "raw/a", "partitionKey": "day=d:2012-01-01" }),
    ));
    town.houses[2].schedule();
    let answered = town.houses[2].post("/v1/leases", &request).expect(200);
    assert_eq!(
        (answered.then, &answered.json["tasks"]),
        (Then::Send, &json!([]))
    );
    assert_eq!(town.lease(1).len(), 1, "it was left for whoever wants it");
}
