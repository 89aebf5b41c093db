//! Whatever is made and fails, in whatever order, what an automation keeps ends up to date, and nothing is made more often than that takes.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::house::{House, asset, manifest, text};
use crate::replayed::check;
use crate::store::Store;

fn days() -> Value {
    json!({ "partitions": [{ "name": "day", "kind": "daily", "start": "2024-01-01", "end": "2024-01-04" }] })
}

/// A source in days, a chain and a diamond over it, and an end without partitions.
fn pipeline() -> Value {
    let mut pipeline = manifest(vec![
        asset("raw/a", &[], days()),
        asset("raw/b", &[], json!({})),
        asset("mart/c", &["raw/a"], days()),
        asset("mart/d", &["raw/a", "raw/b"], days()),
        asset("mart/e", &["mart/c", "mart/d"], days()),
        asset("mart/f", &["mart/e"], json!({})),
    ]);
    pipeline["automations"] =
        json!([{ "name": "fresh", "concurrency": 2, "trigger": { "selection": "mart/*" } }]);
    pipeline
}

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    /// Somebody makes a day of `raw/a`, or `raw/b`.
    Make(Option<u32>),
    /// Somebody makes an asset that the automation keeps, by hand.
    Meddle(u32),
    /// The scheduler decides.
    Decide,
    /// A worker takes so many tasks, and the outcome of each.
    Work(u32, Vec<bool>),
    /// Somebody cancels the newest run.
    Cancel,
    /// Somebody pauses the automation, or lets it go on.
    Switch(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => proptest::option::of(1..4u32).prop_map(Step::Make),
        1 => (1..4u32).prop_map(Step::Meddle),
        4 => Just(Step::Decide),
        4 => (1..6u32, proptest::collection::vec(proptest::bool::weighted(0.9), 6))
            .prop_map(|(count, outcomes)| Step::Work(count, outcomes)),
        1 => Just(Step::Cancel),
        1 => any::<bool>().prop_map(Step::Switch),
    ]
}

fn day(day: u32) -> String {
    format!("day=d:2024-01-0{day}")
}

fn take(house: &mut House, step: &Step) {
    house.now_ms += 1_000;
    match step {
        Step::Make(Some(number)) => {
            let trigger = json!({ "selection": "raw/a", "partitionKey": day(*number) });
            house.trigger(&trigger);
        }
        Step::Make(None) => {
            house.trigger(&json!({ "selection": "raw/b" }));
        }
        Step::Meddle(number) => {
            let trigger = json!({ "selection": "mart/c mart/d", "partitionKey": day(*number) });
            house.trigger(&trigger);
        }
        Step::Decide => house.schedule(),
        Step::Work(count, outcomes) => {
            for (envelope, succeeds) in house.lease(*count).iter().zip(outcomes) {
                if *succeeds {
                    house.succeed(envelope);
                } else {
                    house.fail(envelope, "DATA_QUALITY");
                }
            }
        }
        Step::Cancel => {
            let runs = house.get("/v1/runs?limit=1&open=true").expect(200).json;
            if let Some(run) = runs["runs"][0]["runId"].as_str() {
                house
                    .post(&format!("/v1/runs/{run}/cancel"), &json!({}))
                    .expect(202);
            }
        }
        Step::Switch(paused) => {
            let verb = if *paused { "pause" } else { "resume" };
            house
                .post(&format!("/v1/automations/fresh/{verb}"), &json!({}))
                .expect(200);
        }
    }
}

/// The partitions of an asset by state.
fn states(house: &mut House, asset: &str) -> BTreeMap<String, String> {
    let page = house
        .get(&format!("/v1/partitions?asset={asset}"))
        .expect(200)
        .json;
    let lines = page["page"].as_array().cloned().unwrap_or_default();
    lines
        .iter()
        .map(|line| (text(&line["partitionKey"]), text(&line["state"])))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_kept_ends_up_to_date(steps in proptest::collection::vec(step(), 1..40)) {
        let mut house = House::with(&pipeline());
        for step in &steps {
            take(&mut house, step);
        }
        // From here on nothing fails and nobody meddles: everything at the source is made again.
        house.post("/v1/automations/fresh/resume", &json!({})).expect(200);
        house.work(|house, envelope| house.succeed(envelope));
        house.now_ms += 60_000;
        house.trigger(&json!({ "selection": "raw/*", "allPartitions": true }));
        let before = house.records().len();
        house.work(|house, envelope| house.succeed(envelope));
        for asset in ["mart/c", "mart/d", "mart/e", "mart/f"] {
            for (partition, state) in states(&mut house, asset) {
                prop_assert_eq!(&state, "succeeded", "{}[{}]", asset, partition);
            }
        }
        let view = house.get("/v1/automations/fresh").expect(200).json;
        prop_assert_eq!(&view["due"], &json!([]));
        // Each partition was made once for what was new at its sources, `mart/f` at most once for each run below it.
        let records = house.records();
        let mut made: BTreeMap<String, u32> = BTreeMap::new();
        for record in &records[before..] {
            if record.kind == "attempt_finished" {
                let body: Value = serde_json::from_str(&record.body).expect("JSON");
                *made.entry(text(&body["task"])).or_default() += 1;
            }
        }
        for (task, times) in made {
            let most = if task.starts_with("mart/f") { 3 } else { 2 };
            prop_assert!(times <= most, "{} was made {} times", task, times);
        }
        check(&mut house);
    }
}

#[test]
fn what_is_due_is_shown() {
    let mut house = House::with(&pipeline());
    house
        .post("/v1/automations/fresh/pause", &json!({ "reason": "wait" }))
        .expect(200);
    house.trigger(&json!({ "selection": "raw/*", "allPartitions": true }));
    house.work(|house, envelope| house.succeed(envelope));
    let view = house.get("/v1/automations/fresh").expect(200).json;
    let due: Vec<String> = view["due"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| {
            format!(
                "{} {} {}",
                text(&row["assetKey"]),
                text(&row["partitionKey"]),
                row["follows"]
            )
        })
        .collect();
    // Three days, and the end once each: the last follows only when it can be made in the same run, which is of a day.
    let expected: Vec<String> = ["mart/c", "mart/d", "mart/e"]
        .iter()
        .flat_map(|asset| (1..4).map(move |number| (asset, number)))
        .map(|(asset, number)| {
            let follows = if *asset == "mart/e" { "true" } else { "null" };
            format!("{asset} {} {follows}", day(number))
        })
        .collect();
    assert_eq!(due, expected);
    assert_eq!(view["paused"]["reason"], "wait");
    assert_eq!(view["evaluations"], 0);
    house
        .post("/v1/automations/fresh/resume", &json!({}))
        .expect(200);
    house.work(|house, envelope| house.succeed(envelope));
    let view = house.get("/v1/automations/fresh").expect(200).json;
    assert_eq!(view["due"], json!([]));
    assert_eq!(states(&mut house, "mart/f")[""], "succeeded");
    check(&mut house);
}

#[test]
fn a_ledger_of_the_first_version_gets_its_columns() {
    let mut store = Store::new();
    let older = [
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID",
        "INSERT INTO meta (name, value) VALUES ('version', 1)",
        "CREATE TABLE backfill (backfill BLOB PRIMARY KEY, requested_seq INTEGER NOT NULL, mode INTEGER NOT NULL, changes INTEGER NOT NULL) WITHOUT ROWID",
        "CREATE TABLE partition_state (asset TEXT NOT NULL, stretch INTEGER NOT NULL, newest INTEGER NOT NULL, made BLOB, failed BLOB, stale BLOB, PRIMARY KEY (asset, stretch)) WITHOUT ROWID",
        "CREATE TABLE scheduler (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, holder TEXT NOT NULL, expires_ms INTEGER NOT NULL)",
        "CREATE TABLE attempt (run BLOB NOT NULL, task BLOB NOT NULL, attempt INTEGER NOT NULL, task_key TEXT NOT NULL, state INTEGER NOT NULL, queue TEXT NOT NULL, rank INTEGER NOT NULL, due_ms INTEGER NOT NULL, deadline_ms INTEGER, worker TEXT, requested_seq INTEGER NOT NULL, started_seq INTEGER, closed_seq INTEGER, PRIMARY KEY (run, task, attempt)) WITHOUT ROWID",
    ];
    for statement in older {
        store.connection.execute(statement, []).expect("SQL");
    }
    let version = arcoflow_core::door::schema::install(&mut store).expect("the tables are made");
    assert_eq!(version, arcoflow_core::door::schema::VERSION);
    for statement in [
        "SELECT retried_seq FROM backfill",
        "SELECT due FROM partition_state",
        "SELECT granted_ms FROM scheduler",
        "SELECT heard_seq FROM attempt",
    ] {
        store
            .connection
            .prepare(statement)
            .expect("the column is there");
    }
    // Once is enough, and a later version is left as it is.
    arcoflow_core::door::schema::install(&mut store).expect("nothing is left to do");
    store
        .connection
        .execute("UPDATE meta SET value = 99 WHERE name = 'version'", [])
        .expect("SQL");
    let version = arcoflow_core::door::schema::install(&mut store).expect("it is looked at");
    assert_eq!(version, 99);
}

#[test]
fn refusals_when_it_is_deployed() {
    let rows: &[(Value, &str, &str)] = &[
        (
            json!([{ "name": "x" }, { "name": "x", "trigger": { "selection": "raw/a" } }]),
            "manifest.duplicate_name",
            "/automations/1/name",
        ),
        (
            json!([{ "name": "x", "concurrency": 0 }]),
            "manifest.limit",
            "/automations/0/concurrency",
        ),
        (
            json!([{ "name": "x", "trigger": { "latestPartition": true } }]),
            "manifest.automation_partitions",
            "/automations/0/trigger",
        ),
        (
            json!([{ "name": "x", "trigger": { "runKey": "k" } }]),
            "manifest.automation_trigger",
            "/automations/0/trigger/runKey",
        ),
        (
            json!([{ "name": "x", "trigger": { "selection": "raw/z" } }]),
            "plan.unknown_asset",
            "/automations/0/trigger/selection",
        ),
        (
            json!([{ "name": "x" }, { "name": "y", "trigger": { "selection": "raw/a" } }]),
            "manifest.automation_overlap",
            "/automations/1/trigger/selection",
        ),
    ];
    for (automations, code, pointer) in rows {
        let mut house = House::new();
        let mut pipeline = pipeline();
        pipeline["automations"] = automations.clone();
        let answer = house.post("/v1/manifests", &pipeline).expect(422);
        let first = &answer.json["errors"][0];
        assert_eq!(
            (
                text(&first["code"]).as_str(),
                text(&first["pointer"]).as_str()
            ),
            (*code, *pointer)
        );
    }
}
