//! Each rule of a manifest is broken once, and the finding stands at the place that breaks it.

mod spaces;
mod graph;

use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::wire::finding::Finding;
use arcoflow_core::wire::manifest::Manifest;

/// The codes and places of the findings.
type Expected<'a> = &'a [(&'a str, &'a str)];
/// A name, the text that breaks the rule, and what is found.
type Row<'a> = (&'a str, &'a str, Expected<'a>);

/// One asset: key, the last digits of its id, and its other members.
fn asset(key: &str, id: u32, members: &str) -> String {
    format!(
        r#"{{"key":"{key}","id":"01930a0b-1234-7abc-9def-{id:012}","run":{{"command":["true"]}}{members}}}"#
    )
}

fn manifest(assets: &[String], rest: &str) -> String {
    format!(r#"{{"version":1,"assets":[{}]{rest}}}"#, assets.join(","))
}

fn findings(text: &str) -> Vec<Finding> {
    let found = match Manifest::parse(text.as_bytes()) {
        Err(findings) => findings,
        Ok(manifest) => Catalog::new(manifest).err().unwrap_or_default(),
    };
    for finding in &found {
        assert!(
            !finding.message.is_empty() && !finding.hint.is_empty(),
            "{finding:?}"
        );
        assert!(
            !finding.message.ends_with('.') && !finding.hint.ends_with('.'),
            "{finding:?}"
        );
        assert!(
            !finding.message.starts_with(char::is_uppercase),
            "{finding:?}"
        );
    }
    found
}

fn check(name: &str, text: &str, expected: &[(&str, &str)]) {
    let found = findings(text);
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|finding| (&*finding.code, &*finding.pointer))
        .collect();
    assert_eq!(found, expected, "{name}: {text}");
}

/// A manifest of one asset with these members.
fn check_one(name: &str, members: &str, expected: &[(&str, &str)]) {
    check(name, &manifest(&[asset("raw/a", 1, members)], ""), expected);
}

#[test]
fn a_manifest_without_fault_has_no_finding() {
    check("empty", r#"{"version":1}"#, &[]);
    let everything = r#","description":"d","partitions":[
        {"name":"day","kind":"daily","start":"2012-01-01","timeZone":"Europe/Paris"},
        {"name":"hour","kind":"hourly","start":"2012-01-01T05:00:00+01:00","end":"2012-02-01"},
        {"name":"store","kind":"static","values":[3,1,2]},
        {"name":"tenant","kind":"dynamic","valueType":"int64"}],
        "check":{"run":{"command":["true"],"env":{"A":"b"}},"severity":"warn"},
        "retry":{"maxAttempts":5,"baseDelayMs":0,"factor":1,"maxDelayMs":0},
        "timeouts":{"startMs":1000,"heartbeatMs":1000,"attemptMs":1000,"cancelGraceMs":1000},
        "queue":"heavy","pool":"db","priority":-3,"resources":{"cpu":2},"tags":["daily","x.y-z"]"#;
    let rest = r#","name":"p","pools":{"db":{"limit":4}},"queues":{"heavy":{"limit":9}},
        "schedules":[{"name":"n","cron":"0 3 * * *","timeZone":"America/Los_Angeles","catchUp":"latest","trigger":{"selection":"+raw/a","latestPartition":true}}],
        "sensors":[{"name":"s","kind":"poll","intervalMs":1000,"run":{"command":["look"]}},{"name":"t","kind":"push"}]"#;
    check(
        "everything",
        &manifest(&[asset("raw/a", 1, everything)], rest),
        &[],
    );
}

#[test]
fn a_text_that_is_not_a_manifest_is_refused_at_its_place() {
    let rows: &[Row] = &[
        ("nothing", "", &[("json.syntax", "")]),
        ("two values", "{} {}", &[("json.trailing", "")]),
        (
            "a fraction",
            r#"{"version":1,"assets":[{"priority":1.5}]}"#,
            &[("json.float", "/assets/0/priority")],
        ),
        (
            "a member twice",
            r#"{"version":1,"name":"a","name":"b"}"#,
            &[("json.duplicate_key", "/name")],
        ),
        ("an array", "[]", &[("manifest.shape", "")]),
        ("no version", "{}", &[("manifest.shape", "")]),
        (
            "another version",
            r#"{"version":2}"#,
            &[("manifest.version", "/version")],
        ),
        (
            "an unknown member",
            r#"{"version":1,"asset":[]}"#,
            &[("manifest.shape", "/asset")],
        ),
        (
            "a number for a name",
            r#"{"version":1,"name":7}"#,
            &[("manifest.shape", "/name")],
        ),
        (
            "two assets of the wrong shape, and a pool",
            r#"{"version":1,"assets":[{"key":"Raw"},{"key":"raw/b","id":"x"}],"pools":{"p":{}}}"#,
            &[
                ("manifest.shape", "/assets/0/key"),
                ("manifest.shape", "/assets/1/id"),
                ("manifest.shape", "/pools/p"),
            ],
        ),
        (
            "an unknown mapping",
            &manifest(
                &[asset(
                    "raw/a",
                    1,
                    r#","upstreams":[{"asset":"raw/b","mapping":"some"}]"#,
                )],
                "",
            ),
            &[("manifest.shape", "/assets/0/upstreams/0/mapping")],
        ),
        (
            "an unknown member of a trigger",
            r#"{"version":1,"schedules":[{"name":"n","cron":"* * * * *","trigger":{"select":"*"}}]}"#,
            &[("manifest.shape", "/schedules/0/trigger/select")],
        ),
    ];
    for (name, text, expected) in rows {
        check(name, text, expected);
    }
}

#[test]
fn names_and_references_are_checked() {
    let both = |a: &str, b: &str| manifest(&[asset("raw/a", 1, a), asset("raw/b", 2, b)], "");
    let rows: &[(&str, String, Expected)] = &[
        (
            "one key twice",
            manifest(&[asset("raw/a", 1, ""), asset("raw/b", 2, ""), asset("raw/a", 3, "")], ""),
            &[("manifest.duplicate_key", "/assets/2/key")],
        ),
        (
            "one id twice",
            manifest(&[asset("raw/a", 1, ""), asset("raw/b", 1, "")], ""),
            &[("manifest.duplicate_id", "/assets/1/id")],
        ),
        (
            "an unknown upstream",
            both(r#","upstreams":[{"asset":"raw/c"}]"#, ""),
            &[("manifest.unknown_upstream", "/assets/0/upstreams/0/asset")],
        ),
        (
            "an upstream twice",
            both(r#","upstreams":[{"asset":"raw/b"},{"asset":"raw/b","mapping":"all"}]"#, ""),
            &[("manifest.duplicate_upstream", "/assets/0/upstreams/1/asset")],
        ),
        (
            "an unknown queue where queues are declared",
            manifest(&[asset("raw/a", 1, r#","queue":"havy""#)], r#","queues":{"heavy":{"limit":1}}"#),
            &[("manifest.unknown_queue", "/assets/0/queue")],
        ),
        (
            "the default queue is always there",
            manifest(&[asset("raw/a", 1, "")], r#","queues":{"heavy":{"limit":1}}"#),
            &[],
        ),
        ("an unknown pool", both(r#","pool":"db""#, ""), &[("manifest.unknown_pool", "/assets/0/pool")]),
        (
            "a schedule of an unknown asset",
            r#"{"version":1,"schedules":[{"name":"n","cron":"* * * * *","trigger":{"selection":["*","raw/x"]}}]}"#.into(),
            &[("plan.unknown_asset", "/schedules/0/trigger/selection/1")],
        ),
        (
            "a sensor's trigger with two forms",
            r#"{"version":1,"sensors":[{"name":"n","kind":"push","trigger":{"allPartitions":true,"partitionKey":"a=i:1"}}]}"#.into(),
            &[("trigger.partition_conflict", "/sensors/0/trigger/allPartitions")],
        ),
        (
            "two schedules of one name",
            r#"{"version":1,"schedules":[{"name":"n","cron":"* * * * *"},{"name":"n","cron":"* * * * *"}]}"#.into(),
            &[("manifest.duplicate_name", "/schedules/1/name")],
        ),
        (
            "a poll sensor that cannot look",
            r#"{"version":1,"sensors":[{"name":"n","kind":"poll"}]}"#.into(),
            &[("manifest.sensor_run", "/sensors/0")],
        ),
        (
            "a schedule without a tick",
            r#"{"version":1,"schedules":[{"name":"n","cron":"0 0 30 2 *"}]}"#.into(),
            &[("manifest.cron", "/schedules/0/cron")],
        ),
        (
            "a schedule whose trigger says what is not its to say",
            r#"{"version":1,"schedules":[{"name":"n","cron":"* * * * *","trigger":{"manifest":"sha256:0000000000000000000000000000000000000000000000000000000000000000","runKey":"k"}}]}"#.into(),
            &[
                ("manifest.automation_trigger", "/schedules/0/trigger/runKey"),
                ("manifest.automation_trigger", "/schedules/0/trigger/manifest"),
            ],
        ),
        (
            "a schedule in a zone that is not there",
            r#"{"version":1,"schedules":[{"name":"n","cron":"* * * * *","timeZone":"Mars/Base"}]}"#.into(),
            &[("manifest.time_zone", "/schedules/0/timeZone")],
        ),
    ];
    for (name, text, expected) in rows {
        check(name, text, expected);
    }
}

#[test]
fn members_of_an_asset_are_within_bounds() {
    let rows: &[Row] = &[
        (
            "no attempt",
            r#","retry":{"maxAttempts":0}"#,
            &[("manifest.limit", "/assets/0/retry/maxAttempts")],
        ),
        (
            "a factor of 11",
            r#","retry":{"factor":11}"#,
            &[("manifest.limit", "/assets/0/retry/factor")],
        ),
        (
            "a cap below the first delay",
            r#","retry":{"baseDelayMs":6000,"maxDelayMs":5000}"#,
            &[("manifest.retry_delay", "/assets/0/retry/maxDelayMs")],
        ),
        (
            "a hurried heartbeat",
            r#","timeouts":{"heartbeatMs":999}"#,
            &[("manifest.limit", "/assets/0/timeouts/heartbeatMs")],
        ),
        (
            "a priority of 1001",
            r#","priority":1001"#,
            &[("manifest.limit", "/assets/0/priority")],
        ),
        (
            "a tag twice",
            r#","tags":["a","a"]"#,
            &[("manifest.duplicate_tag", "/assets/0/tags/1")],
        ),
        (
            "a tag with a space",
            r#","tags":["a b"]"#,
            &[("manifest.name", "/assets/0/tags/0")],
        ),
        (
            "too much cpu",
            r#","resources":{"cpu":1000000001}"#,
            &[("manifest.limit", "/assets/0/resources/cpu")],
        ),
        (
            "a resource with a slash in a pointer",
            r#","resources":{"/x":1}"#,
            &[("manifest.name", "/assets/0/resources/~1x")],
        ),
        (
            "a check without a program",
            r#","check":{"run":{"command":[]}}"#,
            &[("manifest.command_empty", "/assets/0/check/run/command")],
        ),
        (
            "a variable of the worker",
            r#","check":{"run":{"command":["x"],"env":{"ARCOFLOW_RESULT":"y"}}}"#,
            &[(
                "manifest.environment",
                "/assets/0/check/run/env/ARCOFLOW_RESULT",
            )],
        ),
        (
            "a zero byte",
            r#","check":{"run":{"command":["x\u0000"]}}"#,
            &[("manifest.command_byte", "/assets/0/check/run/command/0")],
        ),
        (
            "several at once",
            r#","priority":-1001,"queue":"","retry":{"maxAttempts":101}"#,
            &[
                ("manifest.limit", "/assets/0/retry/maxAttempts"),
                ("manifest.limit", "/assets/0/priority"),
                ("manifest.name", "/assets/0/queue"),
            ],
        ),
    ];
    for (name, members, expected) in rows {
        check_one(name, members, expected);
    }
    check(
        "a pool of nothing",
        &manifest(&[], r#","pools":{"p":{"limit":0}}"#),
        &[("manifest.limit", "/pools/p/limit")],
    );
}

#[test]
fn findings_are_bounded_and_say_so() {
    let assets: Vec<String> = (0..3_000)
        .map(|index| asset(&format!("a/n{index}"), index, r#","priority":9999"#))
        .collect();
    let found = findings(&manifest(&assets, ""));
    assert_eq!(found.len(), 1_000);
    assert_eq!(found[999].code, "manifest.more");
}

#[test]
fn an_asset_keeps_its_id_from_one_manifest_to_the_next() {
    let catalog = |assets: &[String]| {
        Catalog::new(Manifest::parse(manifest(assets, "").as_bytes()).unwrap()).unwrap()
    };
    let before = catalog(&[asset("raw/a", 1, ""), asset("raw/b", 2, "")]);
    let after = catalog(&[asset("raw/b", 3, ""), asset("raw/c", 1, "")]);
    let found = after.check_after(&before);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&*found[0].code, &*found[0].pointer),
        ("manifest.asset_id_changed", "/assets/0/id")
    );
    assert!(before.check_after(&before).is_empty());
}
