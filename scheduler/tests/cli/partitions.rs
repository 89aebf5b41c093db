//! Partitions are drawn, plans looked at, backfills steered and manifests compared by the real binary, with and without a door.

use super::doors::House;

const PIPELINE: &str = r#"
version = 1
name = "days"

[[assets]]
key = "raw/day"
id = "01a2051a-22e4-7b63-848f-eb440fcc7a3c"
partitions = [{ name = "day", kind = "daily", start = "2012-01-28", end = "2012-02-03" }]
run = { command = ["sh", "-c", "[ ! -e broken ]"] }
retry = { maxAttempts = 1 }

[[assets]]
key = "mart/day"
id = "01a2051a-2456-7874-8ad7-9352e1523a11"
partitions = [{ name = "day", kind = "daily", start = "2012-01-28", end = "2012-02-03" }]
upstreams = [{ asset = "raw/day" }]
run = { command = ["true"] }
"#;

fn grid(house: &House, asset: &str) -> String {
    let ended = house.run(&["partitions", asset]).code(0);
    let rows = ended.out.lines().filter(|line| line.starts_with("  2012-"));
    rows.map(|line| {
        line.trim_end()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    })
    .collect::<Vec<_>>()
    .join(" / ")
}

#[test]
fn partitions_are_drawn_and_explained() {
    let house = House::with("partitions", PIPELINE);
    assert_eq!(grid(&house, "raw/day"), "2012-01 ···· / 2012-02 ··");
    let plan = house.run(&["plan", "--all", "--tasks"]).code(0).out;
    assert!(plan.starts_with("12 tasks in 2 stages, sha256:"), "{plan}");
    assert!(plan.contains("6 missing; after raw/day"), "{plan}");
    assert!(
        plan.contains("    1          1  mart/day[day=2012-01-28]"),
        "{plan}"
    );
    house.run(&["run", "--all", "--wait"]).code(0);
    assert_eq!(grid(&house, "mart/day"), "2012-01 ■■■■ / 2012-02 ■■");
    house
        .run(&[
            "run",
            "raw/day",
            "--partition",
            "day=d:2012-01-31",
            "--wait",
        ])
        .code(0);
    assert_eq!(grid(&house, "mart/day"), "2012-01 ■■■▒ / 2012-02 ■■");
    let listed = house
        .run(&["partitions", "mart/day", "--state", "stale"])
        .code(0);
    assert_eq!(listed.out, "day=2012-01-31\n");
    let told = house
        .run(&["partitions", "mart/day", "day=2012-01-31"])
        .code(0);
    assert!(
        told.out.starts_with("▒ mart/day[day=2012-01-31] stale\n"),
        "{}",
        told.out
    );
    assert!(
        told.out
            .contains("stale because raw/day[day=2012-01-31] was made again"),
        "{}",
        told.out
    );
    let assets = house.run(&["assets"]).code(0).out;
    assert!(assets.contains("1 stale, 5 succeeded"), "{assets}");
    let json = house
        .run(&["--json", "partitions", "mart/day", "day=2012-01-31"])
        .code(0);
    assert_eq!(json.json_lines()[0]["staleBecause"][0]["steps"], 1);
    house
        .run(&["partitions", "mart/day", "day=2013-01-31"])
        .code(2);
    house.run(&["partitions", "mart/none"]).code(2);
    // The ledger answers also when the door is closed.
    let place = house.close();
    let closed = place
        .run(&["partitions", "mart/day", "--state", "stale"])
        .code(0);
    assert_eq!(closed.out, "day=2012-01-31\n");
}

#[test]
fn a_backfill_is_steered_and_a_rerun_knows_its_parent() {
    let house = House::with("backfill", PIPELINE);
    house.place.write("broken", "");
    let ended = house
        .run(&[
            "backfill",
            "start",
            "--all",
            "--chunk-size",
            "2",
            "--concurrency",
            "2",
            "--wait",
        ])
        .code(1);
    assert!(
        ended.out.contains("failed chunks: 0, 1, 2"),
        "{}",
        ended.out
    );
    assert_eq!(grid(&house, "raw/day"), "2012-01 ×××× / 2012-02 ××");
    house
        .run(&["backfill", "pause", "--reason", "a look"])
        .code(0);
    house.place.remove("broken");
    let retried = house.run(&["backfill", "retry-failed"]).code(0);
    assert!(retried.out.contains("of 3 chunks"), "{}", retried.out);
    let ended = house
        .run(&["backfill", "show", "--wait", "--timeout", "50s"])
        .code(0);
    assert!(ended.out.contains("3 of 3 chunks"), "{}", ended.out);
    let listed = house.run(&["backfill", "list"]).code(0).out;
    assert!(
        listed.contains("succeeded") && listed.contains("all partitions"),
        "{listed}"
    );
    house.run(&["backfill", "cancel", "nothing"]).code(2);
    assert_eq!(grid(&house, "mart/day"), "2012-01 ■■■■ / 2012-02 ■■");
    house
        .run(&["run", "--partition", "day=d:2012-02-01", "--wait"])
        .code(0);
    let parent = house.run(&["--json", "status"]).code(0).json_lines()[0]["runId"].clone();
    let parent = parent.as_str().expect("a run id");
    let last = [
        "rerun",
        parent,
        "--task",
        "raw/day[day=2012-02-01]",
        "--wait",
    ];
    house.run(&last).code(0);
    let status = house.run(&["status"]).code(0).out;
    assert!(
        status.contains(&format!("some tasks of {parent}")),
        "{status}"
    );
}

#[test]
fn manifests_and_plans_are_compared() {
    let house = House::with("diff", PIPELINE);
    let same = house.run(&["diff", "current", "."]).code(0);
    assert_eq!(same.out, "they mean the same\n");
    house
        .place
        .write("new.toml", &PIPELINE.replace("2012-02-03", "2012-02-04"));
    let differ = house.run(&["diff", "current", "new.toml"]).code(1);
    assert!(differ.out.contains("~ asset mart/day\n"), "{}", differ.out);
    assert!(
        differ.out.contains("/end: \"2012-02-03\" → \"2012-02-04\""),
        "{}",
        differ.out
    );
    let plans = house
        .run(&["diff", ".", "new.toml", "mart/day", "--all", "--plan"])
        .code(1);
    assert!(
        plans
            .out
            .starts_with("tasks: 1 added, 0 removed, 0 changed, 6 the same\n"),
        "{}",
        plans.out
    );
    assert!(
        plans
            .out
            .contains("+ mart/day[day=2012-02-03]: the partition is new"),
        "{}",
        plans.out
    );
    // A plan of a file needs no door.
    let place = house.close();
    let local = place
        .run(&["plan", "mart/day", "--all", "--file", "new.toml"])
        .code(0);
    assert!(
        local.out.starts_with("7 tasks in 1 stage, sha256:"),
        "{}",
        local.out
    );
    assert!(
        local.out.contains("takes raw/day as it is"),
        "{}",
        local.out
    );
    let refused = place.run(&[
        "plan",
        "mart/day",
        "--partitions",
        "day=2013-01-01",
        "--file",
        "new.toml",
    ]);
    refused.code(2);
}
