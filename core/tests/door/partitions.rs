//! The state of a partition is what the ledger amounts to: made, failed, open, or behind something that it is made from.

use std::collections::{BTreeMap, BTreeSet};

use arcoflow_core::identity::keys::{AssetKey, Operation};
use arcoflow_core::identity::partition_key::PartitionKey;
use arcoflow_core::plan::catalog::{AssetIndex, Catalog};
use arcoflow_core::plan::inputs::upstream_partitions;
use arcoflow_core::wire::event::{AttemptOutcome, Event};
use arcoflow_core::wire::manifest::Manifest;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::house::{House, asset, manifest, text};
use crate::replayed::check;

fn days(start: &str, end: &str) -> Value {
    json!({ "partitions": [{ "name": "day", "kind": "daily", "start": start, "end": end }] })
}

fn months() -> Value {
    json!({ "partitions": [{ "name": "day", "kind": "monthly", "start": "2012-01-01", "end": "2012-03-01" }] })
}

/// Days of raw, days of clean, months of mart, and a report of everything.
fn pipeline(start: &str) -> Value {
    let space = days(start, "2012-02-03");
    manifest(vec![
        asset("raw/a", &[], space.clone()),
        asset("clean/b", &["raw/a"], space),
        asset("mart/c", &["clean/b"], months()),
        asset("mart/d", &["mart/c"], json!({})),
    ])
}

/// `state=count` of each state that some partition is in.
fn counts(house: &mut House, asset: &str) -> String {
    let page = house
        .get(&format!("/v1/partitions?asset={asset}&limit=1"))
        .expect(200)
        .json;
    let counts = page["counts"].as_object().expect("counts");
    let said: Vec<String> = counts
        .iter()
        .filter(|(_, count)| **count != json!(0))
        .map(|(state, count)| format!("{state}={count}"))
        .collect();
    said.join(" ")
}

fn one(house: &mut House, asset: &str, partition: &str) -> Value {
    house
        .get(&format!(
            "/v1/partitions/one?asset={asset}&partition={partition}"
        ))
        .expect(200)
        .json
}

fn in_state(house: &mut House, asset: &str, state: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let target = format!("/v1/partitions?asset={asset}&state={state}&limit=7{after}");
        let page = house.get(&target).expect(200).json;
        let lines = page["page"].as_array().expect("a page");
        found.extend(lines.iter().map(|line| text(&line["partitionKey"])));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return found,
        }
    }
}

fn run(house: &mut House, trigger: &Value) -> String {
    let run = house.trigger(trigger);
    house.work(|house, envelope| house.succeed(envelope));
    run
}

#[test]
fn what_is_made_from_something_newer_is_stale_and_says_why() {
    let mut house = House::with(&pipeline("2012-01-01"));
    assert_eq!(counts(&mut house, "raw/a"), "missing=33");
    run(&mut house, &json!({ "allPartitions": true }));
    for (asset, expected) in [
        ("raw/a", "succeeded=33"),
        ("clean/b", "succeeded=33"),
        ("mart/c", "succeeded=2"),
        ("mart/d", "succeeded=1"),
    ] {
        assert_eq!(counts(&mut house, asset), expected, "{asset}");
    }
    let again = json!({ "selection": "raw/a", "partitionKey": "day=d:2012-01-31" });
    let cause = run(&mut house, &again);
    for (asset, expected) in [
        ("raw/a", "succeeded=33"),
        ("clean/b", "stale=1 succeeded=32"),
        ("mart/c", "stale=1 succeeded=1"),
        ("mart/d", "stale=1"),
    ] {
        assert_eq!(counts(&mut house, asset), expected, "{asset}");
    }
    assert_eq!(
        in_state(&mut house, "clean/b", "stale"),
        ["day=d:2012-01-31"]
    );
    assert_eq!(
        in_state(&mut house, "mart/c", "stale"),
        ["day=d:2012-01-01"]
    );
    for (asset, partition, steps) in [
        ("clean/b", "day=d:2012-01-31", 1),
        ("mart/c", "day=d:2012-01-01", 2),
        ("mart/d", "", 3),
    ] {
        let view = one(&mut house, asset, partition);
        assert_eq!(view["state"], "stale", "{asset}");
        let reasons = view["staleBecause"].as_array().expect("reasons");
        assert_eq!(reasons.len(), 1, "{asset}: {reasons:?}");
        assert_eq!(text(&reasons[0]["assetKey"]), "raw/a");
        assert_eq!(text(&reasons[0]["partitionKey"]), "day=d:2012-01-31");
        assert_eq!(text(&reasons[0]["runId"]), cause);
        assert_eq!(reasons[0]["steps"], steps, "{asset}");
    }
    let heal = json!({ "selection": "clean/b", "partitionKey": "day=d:2012-01-31" });
    run(&mut house, &heal);
    assert_eq!(counts(&mut house, "clean/b"), "succeeded=33");
    assert_eq!(counts(&mut house, "mart/c"), "stale=1 succeeded=1");
    run(
        &mut house,
        &json!({ "selection": "mart/*", "allPartitions": true }),
    );
    let page = house.get("/v1/assets").expect(200).json;
    for asset in page["assets"].as_array().expect("assets") {
        assert_eq!(asset["counts"]["succeeded"], asset["partitions"], "{asset}");
    }
    check(&mut house);
}

#[test]
fn a_partition_is_running_while_an_attempt_is_open_and_failed_after_it() {
    let mut house = House::with(&pipeline("2012-01-01"));
    let trigger = json!({ "selection": "raw/a", "range": { "day": { "from": "2012-01-03", "to": "2012-01-05" } } });
    house.trigger(&trigger);
    house.schedule();
    assert_eq!(counts(&mut house, "raw/a"), "missing=30 running=3");
    let leased = house.lease(10);
    assert_eq!(
        in_state(&mut house, "raw/a", "running"),
        ["day=d:2012-01-03", "day=d:2012-01-04", "day=d:2012-01-05"]
    );
    house.fail(&leased[0], "DATA_QUALITY");
    house.succeed(&leased[1]);
    house.succeed(&leased[2]);
    assert_eq!(
        counts(&mut house, "raw/a"),
        "failed=1 missing=30 succeeded=2"
    );
    let failed = one(&mut house, "raw/a", "day=d:2012-01-03");
    assert_eq!(
        (&failed["state"], &failed["made"]),
        (&json!("failed"), &Value::Null)
    );
    let made = one(&mut house, "raw/a", "day=d:2012-01-04");
    assert_eq!(
        (&made["state"], &made["made"]["attempt"]),
        (&json!("succeeded"), &json!(1))
    );
    check(&mut house);
}

#[test]
fn a_deployment_that_moves_the_ordinals_moves_what_is_known() {
    let mut house = House::with(&pipeline("2012-01-10"));
    run(
        &mut house,
        &json!({ "selection": "raw/a clean/b", "partitionKey": "day=d:2012-01-15" }),
    );
    run(
        &mut house,
        &json!({ "selection": "raw/a", "partitionKey": "day=d:2012-01-15" }),
    );
    let trigger = json!({ "selection": "raw/a", "partitionKey": "day=d:2012-01-20" });
    house.trigger(&trigger);
    house.work(|house, envelope| house.fail(envelope, "DATA_QUALITY"));
    house
        .post("/v1/manifests", &pipeline("2012-01-02"))
        .expect(201);
    assert_eq!(
        in_state(&mut house, "raw/a", "succeeded"),
        ["day=d:2012-01-15"]
    );
    assert_eq!(
        in_state(&mut house, "raw/a", "failed"),
        ["day=d:2012-01-20"]
    );
    assert_eq!(
        in_state(&mut house, "clean/b", "stale"),
        ["day=d:2012-01-15"]
    );
    // An asset that is declared again is what it was.
    house
        .post(
            "/v1/manifests",
            &manifest(vec![asset("raw/a", &[], days("2012-01-02", "2012-02-03"))]),
        )
        .expect(201);
    house
        .get("/v1/partitions?asset=clean/b")
        .refused(404, "asset-not-found");
    house
        .post("/v1/manifests", &pipeline("2012-01-02"))
        .expect(201);
    assert_eq!(counts(&mut house, "clean/b"), "missing=31 succeeded=1");
    check(&mut house);
}

#[test]
fn a_dynamic_dimension_has_the_partitions_that_were_tried() {
    let space = json!({ "partitions": [{ "name": "tenant", "kind": "dynamic" }] });
    let mut both = space.clone();
    both["partitions"].as_array_mut().expect("dimensions").push(
        json!({ "name": "day", "kind": "daily", "start": "2012-01-01", "end": "2012-01-03" }),
    );
    let mut house = House::with(&manifest(vec![
        asset("raw/t", &[], space.clone()),
        asset("mart/t", &["raw/t"], space),
        asset("mart/u", &["raw/t"], both),
    ]));
    for tenant in ["b", "a", "c"] {
        let partitions = json!([{ "key": "tenant", "value": tenant }]);
        run(
            &mut house,
            &json!({ "selection": "raw/t mart/t", "partitions": partitions }),
        );
    }
    let partitions =
        json!([{ "key": "tenant", "value": "a" }, { "key": "day", "value": "2012-01-02" }]);
    run(
        &mut house,
        &json!({ "selection": "mart/u", "partitions": partitions }),
    );
    assert_eq!(
        in_state(&mut house, "mart/t", "succeeded"),
        ["tenant=s:Yg", "tenant=s:YQ", "tenant=s:Yw"]
    );
    let again = json!({ "selection": "raw/t", "partitions": [{ "key": "tenant", "value": "a" }] });
    run(&mut house, &again);
    assert_eq!(in_state(&mut house, "mart/t", "stale"), ["tenant=s:YQ"]);
    assert_eq!(
        in_state(&mut house, "mart/u", "stale"),
        ["day=d:2012-01-02,tenant=s:YQ"]
    );
    check(&mut house);
}

#[test]
fn what_cannot_be_answered_is_refused_at_its_place() {
    let mut empty = House::new();
    empty.get("/v1/assets").refused(404, "manifest-not-found");
    let mut house = House::with(&pipeline("2012-01-01"));
    let rows = [
        ("/v1/partitions", 422, "validation-failed"),
        ("/v1/partitions?asset=raw/z", 404, "asset-not-found"),
        (
            "/v1/partitions?asset=raw/a&state=good",
            422,
            "validation-failed",
        ),
        (
            "/v1/partitions?asset=raw/a&after=day",
            422,
            "validation-failed",
        ),
        (
            "/v1/partitions?asset=raw/a&after=day=d:2011-12-31",
            404,
            "partition-not-found",
        ),
        (
            "/v1/partitions?asset=raw/a&limit=10001",
            422,
            "validation-failed",
        ),
        ("/v1/partitions/one?asset=raw/a", 404, "partition-not-found"),
        (
            "/v1/partitions/one?asset=mart/d&partition=day=d:2012-01-01",
            404,
            "partition-not-found",
        ),
    ];
    for (target, status, slug) in rows {
        house.get(target).refused(status, slug);
    }
    let first = house.get("/v1/assets?limit=3").expect(200).json;
    let next = text(&first["next"]);
    let rest = house
        .get(&format!("/v1/assets?after={next}"))
        .expect(200)
        .json;
    assert_eq!(
        (next.as_str(), rest["assets"].as_array().map(Vec::len)),
        ("mart/d", Some(1))
    );
}

type Partition = (AssetIndex, Option<PartitionKey>);

/// The states that the records amount to, found by looking at every pair.
fn oracle(house: &mut House, catalog: &Catalog) -> BTreeMap<Partition, &'static str> {
    let mut asked = BTreeMap::new();
    let mut open = BTreeSet::new();
    let mut failed = BTreeSet::new();
    // Of each partition: the record of each materialisation with its run and the record that asked for it.
    let mut made: BTreeMap<Partition, Vec<(u64, String, u64)>> = BTreeMap::new();
    let place = |key: AssetKey, partition| (catalog.find(&key).expect("a known asset"), partition);
    for record in house.records() {
        match record.event().expect("a known record") {
            Event::DispatchRequested(body) if body.task.operation() == Operation::Materialize => {
                let at = place(body.task.asset(), body.task.partition());
                asked.insert((body.run, body.task, body.attempt), record.seq);
                open.insert((body.run, at));
            }
            Event::AttemptFinished(body) if body.task.operation() == Operation::Materialize => {
                let at = place(body.task.asset(), body.task.partition());
                open.remove(&(body.run, at.clone()));
                match body.outcome {
                    AttemptOutcome::Succeeded => {
                        failed.remove(&at);
                        let asked = asked[&(body.run, body.task, body.attempt)];
                        made.entry(at)
                            .or_default()
                            .push((record.seq, body.run.to_string(), asked));
                    }
                    AttemptOutcome::Failed => {
                        failed.insert(at);
                    }
                    AttemptOutcome::Cancelled => {}
                }
            }
            _ => {}
        }
    }
    let mut states = BTreeMap::new();
    for &asset in catalog.topological() {
        let space = catalog.space(asset);
        let count = space.count(house.now_ms).expect("a closed space");
        for ordinal in 0..count {
            let at = (asset, space.partition_of(ordinal));
            let is_stale =
                made.get(&at)
                    .and_then(|all| all.last())
                    .is_some_and(|(_, run, asked)| {
                        let inputs =
                            upstream_partitions(catalog, asset, at.1.as_ref(), house.now_ms)
                                .expect("inputs");
                        inputs.iter().any(|input| {
                            let all = made.get(&input).map_or(&[][..], Vec::as_slice);
                            let newest = all.last().map_or(0, |made| made.0);
                            // A run works from what it made itself.
                            let used = all.iter().rfind(|made| made.1 == *run && made.0 < *asked);
                            let used = used
                                .or(all.iter().rfind(|made| made.0 < *asked))
                                .map_or(0, |made| made.0);
                            newest > used || states.get(&input) == Some(&true)
                        })
                    });
            states.insert(at, is_stale);
        }
    }
    let told = states.into_iter().map(|(at, is_stale)| {
        let state = match &at {
            at if open.iter().any(|(_, open)| open == at) => "running",
            at if failed.contains(at) => "failed",
            _ if is_stale => "stale",
            at if made.contains_key(at) => "succeeded",
            _ => "missing",
        };
        (at, state)
    });
    told.collect()
}

fn small() -> Value {
    let space = days("2012-01-30", "2012-02-03");
    let mut window = space.clone();
    let smooth = asset("clean/w", &[], space.clone());
    window["upstreams"] = json!([{ "asset": "raw/a", "mapping": { "window": 2 } }]);
    manifest(vec![
        asset("raw/a", &[], space.clone()),
        asset("clean/b", &["raw/a"], space),
        asset("clean/c", &[], window),
        smooth,
        asset("mart/m", &["clean/b", "clean/c"], months()),
        asset(
            "mart/r",
            &["mart/m", "clean/w"],
            json!({ "upstreams": [{ "asset": "mart/m" }, { "asset": "clean/w", "mapping": "latest" }] }),
        ),
    ])
}

#[derive(Clone, Debug)]
enum Step {
    Trigger(usize, u8),
    Lease(u8),
    End(usize, u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..5usize, 0..5u8).prop_map(|(what, day)| Step::Trigger(what, day)),
        3 => (1..4u8).prop_map(Step::Lease),
        6 => (any::<usize>(), 0..8u8).prop_map(|(which, how)| Step::End(which, how)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn states_are_what_looking_at_every_pair_of_records_gives(steps in prop::collection::vec(step(), 1..80)) {
        let declared = small();
        let catalog = Catalog::new(Manifest::parse(declared.to_string().as_bytes()).unwrap()).unwrap();
        let mut house = House::with(&declared);
        let mut leased: Vec<Value> = Vec::new();
        for step in &steps {
            match step {
                Step::Trigger(what, day) => {
                    let selection = ["*", "raw/a", "clean/*", "mart/*", "raw/a+"][*what];
                    let day = ["2012-01-30", "2012-01-31", "2012-02-01", "2012-02-02"].get(usize::from(*day));
                    let trigger = match day {
                        Some(day) => json!({ "selection": selection, "range": { "day": { "from": day, "to": day } } }),
                        None => json!({ "selection": selection, "allPartitions": true }),
                    };
                    house.post("/v1/runs", &trigger);
                }
                Step::Lease(max) => {
                    house.schedule();
                    leased.extend(house.lease(u32::from(*max) * 3));
                }
                Step::End(which, how) if !leased.is_empty() => {
                    let envelope = leased.swap_remove(which % leased.len());
                    match how {
                        0 => house.fail(&envelope, "DATA_QUALITY"),
                        _ => house.succeed(&envelope),
                    }
                }
                Step::End(..) => {}
            }
        }
        for ((asset, partition), state) in oracle(&mut house, &catalog) {
            let key = catalog.asset(asset).key.as_str();
            let partition = partition.map_or(String::new(), |key| key.to_string());
            let view = one(&mut house, key, &partition);
            prop_assert_eq!(text(&view["state"]), state, "{} {}", key, partition);
            let has_reason = view["staleBecause"].as_array().is_some_and(|reasons| !reasons.is_empty());
            prop_assert!(state != "stale" || has_reason, "{} {} is stale for no reason", key, partition);
        }
        check(&mut house);
    }
}
