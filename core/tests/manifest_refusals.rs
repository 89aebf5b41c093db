//! Each rule of a manifest is broken once, and the finding stands at the place that breaks it.

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
fn partition_spaces_are_checked() {
    let rows: &[Row] = &[
        (
            "no start",
            r#"{"name":"d","kind":"daily"}"#,
            &[("manifest.dimension_member", "/assets/0/partitions/0")],
        ),
        (
            "a start that is no day",
            r#"{"name":"d","kind":"daily","start":"2012-02-30"}"#,
            &[(
                "manifest.partition_boundary",
                "/assets/0/partitions/0/start",
            )],
        ),
        (
            "a month from its middle",
            r#"{"name":"d","kind":"monthly","start":"2012-01-15"}"#,
            &[(
                "manifest.partition_boundary",
                "/assets/0/partitions/0/start",
            )],
        ),
        (
            "a week from a Tuesday",
            r#"{"name":"d","kind":"weekly","start":"2012-01-03"}"#,
            &[(
                "manifest.partition_boundary",
                "/assets/0/partitions/0/start",
            )],
        ),
        (
            "an hour from its middle",
            r#"{"name":"d","kind":"hourly","start":"2012-01-01T05:30:00Z"}"#,
            &[(
                "manifest.partition_boundary",
                "/assets/0/partitions/0/start",
            )],
        ),
        (
            "a day from an hour",
            r#"{"name":"d","kind":"daily","start":"2012-01-01T05:00:00Z"}"#,
            &[(
                "manifest.partition_boundary",
                "/assets/0/partitions/0/start",
            )],
        ),
        (
            "an end at the start",
            r#"{"name":"d","kind":"daily","start":"2012-01-01","end":"2012-01-01"}"#,
            &[("manifest.partition_order", "/assets/0/partitions/0/end")],
        ),
        (
            "an unknown zone",
            r#"{"name":"d","kind":"daily","start":"2012-01-01","timeZone":"Europe/Pari"}"#,
            &[("manifest.time_zone", "/assets/0/partitions/0/timeZone")],
        ),
        (
            "no values",
            r#"{"name":"s","kind":"static","values":[]}"#,
            &[("manifest.values_empty", "/assets/0/partitions/0/values")],
        ),
        (
            "values of two types",
            r#"{"name":"s","kind":"static","values":["1",1]}"#,
            &[("manifest.values_mixed", "/assets/0/partitions/0/values/1")],
        ),
        (
            "a value twice",
            r#"{"name":"s","kind":"static","values":[true,true]}"#,
            &[(
                "manifest.duplicate_value",
                "/assets/0/partitions/0/values/1",
            )],
        ),
        (
            "a start of a static dimension",
            r#"{"name":"s","kind":"static","values":[1],"start":"2012-01-01"}"#,
            &[("manifest.dimension_member", "/assets/0/partitions/0/start")],
        ),
        (
            "values of a dynamic dimension",
            r#"{"name":"s","kind":"dynamic","values":[1]}"#,
            &[("manifest.dimension_member", "/assets/0/partitions/0/values")],
        ),
        (
            "a name in capitals",
            r#"{"name":"Day","kind":"dynamic"}"#,
            &[("manifest.dimension_name", "/assets/0/partitions/0/name")],
        ),
        (
            "a name twice",
            r#"{"name":"a","kind":"dynamic"},{"name":"a","kind":"dynamic"}"#,
            &[(
                "manifest.duplicate_dimension",
                "/assets/0/partitions/1/name",
            )],
        ),
        (
            "two open ends",
            r#"{"name":"a","kind":"daily","start":"2012-01-01"},{"name":"b","kind":"daily","start":"2012-01-01"}"#,
            &[("manifest.partition_open", "/assets/0/partitions/1")],
        ),
        (
            "five dimensions",
            r#"{"name":"a","kind":"dynamic"},{"name":"b","kind":"dynamic"},{"name":"c","kind":"dynamic"},{"name":"d","kind":"dynamic"},{"name":"e","kind":"dynamic"}"#,
            &[("manifest.limit", "/assets/0/partitions")],
        ),
    ];
    for (name, dimensions, expected) in rows {
        check_one(name, &format!(r#","partitions":[{dimensions}]"#), expected);
    }
    let long: Vec<String> = (0..4)
        .map(|index| {
            format!(
                r#"{{"name":"d{index}","kind":"static","values":["{}"]}}"#,
                "v".repeat(256)
            )
        })
        .collect();
    check_one(
        "a key too long to write",
        &format!(r#","partitions":[{}]"#, long.join(",")),
        &[("manifest.partition_key_length", "/assets/0/partitions")],
    );
    check_one(
        "a value too long",
        &format!(
            r#","partitions":[{{"name":"s","kind":"static","values":["{}"]}}]"#,
            "v".repeat(257)
        ),
        &[("manifest.value_length", "/assets/0/partitions/0/values/0")],
    );
}

const DAY: &str = r#"{"name":"day","kind":"daily","start":"2012-01-01"}"#;
const MONTH: &str = r#"{"name":"day","kind":"monthly","start":"2012-01-01"}"#;
const STORE: &str = r#"{"name":"store","kind":"static","values":["a","b"]}"#;
const OTHER: &str = r#"{"name":"store","kind":"static","values":["c"]}"#;
const NUMBER: &str = r#"{"name":"store","kind":"static","values":[1]}"#;
const ANY: &str = r#"{"name":"store","kind":"dynamic"}"#;

/// Dimensions of the downstream and of the upstream, the mapping, and where it does not fit.
type MappingRow = (
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
    Option<&'static str>,
);

#[test]
fn a_mapping_fits_the_two_spaces_or_is_refused() {
    let place = "/assets/0/upstreams/0";
    let mapping = "/assets/0/upstreams/0/mapping";
    let rows: &[MappingRow] = &[
        (&[DAY], &[DAY], r#""identity""#, None),
        (&[DAY], &[MONTH], r#""identity""#, None),
        (&[MONTH], &[DAY], r#""identity""#, None),
        (&[DAY, STORE], &[DAY], r#""identity""#, None),
        (&[DAY], &[], r#""identity""#, None),
        (&[], &[DAY], r#""identity""#, Some(mapping)),
        (&[DAY], &[DAY, STORE], r#""identity""#, Some(mapping)),
        (&[DAY], &[STORE], r#""identity""#, Some(mapping)),
        (&[STORE], &[OTHER], r#""identity""#, Some(mapping)),
        (&[STORE], &[NUMBER], r#""identity""#, Some(mapping)),
        (&[STORE], &[ANY], r#""identity""#, Some(mapping)),
        (&[ANY], &[STORE], r#""identity""#, Some(mapping)),
        (&[ANY], &[ANY], r#""identity""#, None),
        (&[], &[DAY, STORE], r#""all""#, None),
        (&[], &[ANY], r#""all""#, Some(mapping)),
        (&[ANY], &[ANY], r#""all""#, Some(mapping)),
        (&[], &[DAY], r#""latest""#, None),
        (&[STORE], &[DAY, STORE], r#""latest""#, None),
        (&[], &[STORE], r#""latest""#, Some(mapping)),
        (&[DAY], &[], r#""latest""#, Some(mapping)),
        (&[DAY], &[DAY], r#"{"window":3}"#, None),
        (&[DAY], &[MONTH, STORE], r#"{"window":3}"#, None),
        (&[DAY], &[DAY], r#"{"window":0}"#, Some(mapping)),
        (&[DAY], &[DAY], r#"{"window":100001}"#, Some(mapping)),
        (&[STORE], &[STORE], r#"{"window":2}"#, Some(mapping)),
        (&[], &[DAY], r#"{"window":2}"#, Some(mapping)),
        (
            &[DAY],
            &[DAY, STORE],
            r#"{"dimensions":{"store":"all"}}"#,
            None,
        ),
        (
            &[DAY],
            &[DAY, STORE],
            r#"{"dimensions":{"day":{"window":2}}}"#,
            None,
        ),
        (
            &[DAY],
            &[DAY],
            r#"{"dimensions":{"hour":"all"}}"#,
            Some("/assets/0/upstreams/0/mapping/dimensions/hour"),
        ),
        (
            &[DAY],
            &[DAY, STORE],
            r#"{"dimensions":{"store":"latest"}}"#,
            Some("/assets/0/upstreams/0/mapping/dimensions/store"),
        ),
        (
            &[DAY],
            &[DAY, STORE],
            r#"{"dimensions":{"store":"identity"}}"#,
            Some("/assets/0/upstreams/0/mapping/dimensions/store"),
        ),
        // Nothing is said: what both have follows, the rest is needed whole.
        (&[DAY], &[DAY, STORE], "null", None),
        (&[], &[DAY], "null", None),
        (&[STORE], &[OTHER], "null", None),
        (&[ANY], &[ANY, DAY], "null", None),
        (&[DAY], &[ANY], "null", Some(place)),
    ];
    for (own, other, mapping, expected) in rows {
        let member = match *mapping {
            "null" => String::new(),
            mapping => format!(r#","mapping":{mapping}"#),
        };
        let downstream = format!(
            r#","partitions":[{}],"upstreams":[{{"asset":"raw/b"{member}}}]"#,
            own.join(",")
        );
        let upstream = format!(r#","partitions":[{}]"#, other.join(","));
        let text = manifest(
            &[asset("raw/a", 1, &downstream), asset("raw/b", 2, &upstream)],
            "",
        );
        let expected: Vec<_> = expected
            .iter()
            .map(|place| ("manifest.mapping_unfit", *place))
            .collect();
        check(
            &format!("{own:?} of {other:?} by {mapping}"),
            &text,
            &expected,
        );
    }
}

#[test]
fn the_shortest_cycle_is_named() {
    let link = |names: &[&str]| {
        let rows: Vec<String> = names
            .iter()
            .map(|name| format!(r#"{{"asset":"a/{name}"}}"#))
            .collect();
        format!(r#","upstreams":[{}]"#, rows.join(","))
    };
    // Each asset with its upstreams; where the cycle is reported, and how it is told.
    type Row<'a> = (&'a [(&'a str, &'a [&'a str])], &'a str, &'a str);
    let rows: &[Row] = &[
        (
            &[("x", &["x"])],
            "/assets/0/upstreams/0",
            "`a/x` needs `a/x`",
        ),
        (
            &[("x", &["y"]), ("y", &["z", "x"]), ("z", &[])],
            "/assets/0/upstreams/0",
            "`a/x` needs `a/y` needs `a/x`",
        ),
        (
            &[
                ("v", &["w"]),
                ("w", &["x"]),
                ("x", &["y"]),
                ("y", &["z", "v"]),
                ("z", &["y"]),
            ],
            "/assets/3/upstreams/0",
            "`a/y` needs `a/z` needs `a/y`",
        ),
    ];
    for (assets, place, told) in rows {
        let assets: Vec<String> = (1u32..)
            .zip(*assets)
            .map(|(id, (name, upstreams))| asset(&format!("a/{name}"), id, &link(upstreams)))
            .collect();
        let found = findings(&manifest(&assets, ""));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            (&*found[0].code, &*found[0].pointer),
            ("manifest.cycle", *place)
        );
        assert!(found[0].message.contains(told), "{}", found[0].message);
    }
}

#[test]
fn a_large_circle_is_found_and_told_in_short() {
    let assets: Vec<String> = (0..20_000)
        .map(|index| {
            let next = (index + 1) % 20_000;
            asset(
                &format!("a/n{index}"),
                index,
                &format!(r#","upstreams":[{{"asset":"a/n{next}"}}]"#),
            )
        })
        .collect();
    let found = findings(&manifest(&assets, ""));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, "manifest.cycle");
    assert!(
        found[0].message.contains("(19988 more)"),
        "{}",
        found[0].message
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
