//! A trigger means what it says to the assets that it selects, or is refused at its place.

mod selections;
mod refusals;
mod dimension;
mod oracle;

use arcoflow_core::identity::keys::{TenantId, WorkspaceId};
use arcoflow_core::identity::{canonical_json, digest};
use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::plan::{self, PlanError};
use arcoflow_core::wire::manifest::Manifest;
use arcoflow_core::wire::trigger::Trigger;
use serde_json::{Value, json};

/// 2012-04-15T12:00:00Z.
const AS_OF_MS: u64 = 1_334_491_200_000;

const ASSETS: &[(&str, &str)] = &[
    (
        "raw/events",
        r#""partitions":[{"name":"time","kind":"hourly","start":"2012-03-01"}],"tags":["source"]"#,
    ),
    ("raw/stores", r#""tags":["source","small"]"#),
    (
        "staging/daily",
        r#""partitions":[{"name":"time","kind":"daily","start":"2012-03-01"},{"name":"store","kind":"static","values":["south","north","east"]}],
           "upstreams":[{"asset":"raw/events"},{"asset":"raw/stores"}],"check":{"run":{"command":["x"]}}"#,
    ),
    (
        "mart/monthly",
        r#""partitions":[{"name":"time","kind":"monthly","start":"2012-01-01"}],"upstreams":[{"asset":"staging/daily"}],"tags":["small"]"#,
    ),
    (
        "mart/report",
        r#""priority":-3,"resources":{"cpu":2,"gpu":0},"upstreams":[{"asset":"mart/monthly"},{"asset":"raw/stores"}]"#,
    ),
    (
        "other/numbers",
        r#""partitions":[{"name":"n","kind":"static","values":[10,9,-1,2]}]"#,
    ),
    (
        "other/flags",
        r#""partitions":[{"name":"flag","kind":"static","values":[true,false]}]"#,
    ),
    (
        "other/tenants",
        r#""partitions":[{"name":"tenant","kind":"dynamic"}]"#,
    ),
    (
        "other/ids",
        r#""partitions":[{"name":"id","kind":"dynamic","valueType":"int64"}]"#,
    ),
    (
        "other/weekly",
        r#""partitions":[{"name":"week","kind":"weekly","start":"2012-01-02","end":"2012-02-06"}]"#,
    ),
    (
        "other/paris",
        r#""partitions":[{"name":"day","kind":"daily","start":"2012-04-14","timeZone":"Asia/Tokyo"}]"#,
    ),
    (
        "other/unborn",
        r#""partitions":[{"name":"day","kind":"daily","start":"2013-01-01"}]"#,
    ),
];

fn catalog() -> Catalog {
    let rows: Vec<String> = ASSETS
        .iter()
        .enumerate()
        .map(|(index, (key, members))| {
            format!(
                r#"{{"key":"{key}","id":"01930a0b-1234-7abc-9def-{index:012}","run":{{"command":["x"]}},{members}}}"#
            )
        })
        .collect();
    let text = format!(r#"{{"version":1,"assets":[{}]}}"#, rows.join(","));
    Catalog::new(Manifest::parse(text.as_bytes()).unwrap()).unwrap()
}

fn keys(trigger: &str) -> Result<Vec<String>, PlanError> {
    let trigger = Trigger::parse(trigger.as_bytes()).map_err(PlanError::from)?;
    let plan = plan::compile(&catalog(), &trigger, AS_OF_MS, 10_000)?;
    Ok((0..plan.len())
        .map(|task| plan.key(task).to_string())
        .collect())
}

#[test]
fn partitions_are_those_that_are_meant() {
    let rows: &[(&str, &[&str])] = &[
        // A value is a partition of the finest grain that has it, and the others are those that overlap.
        (
            r#"{"selection":"mart/monthly","partitionKey":"time=d:2012-03-01"}"#,
            &["mart/monthly[time=d:2012-03-01]:materialize"],
        ),
        (
            r#"{"selection":"mart/monthly staging/daily","partitionKey":"store=s:ZWFzdA,time=d:2012-03-05","checks":false}"#,
            &[
                "mart/monthly[time=d:2012-03-01]:materialize",
                "staging/daily[store=s:ZWFzdA,time=d:2012-03-05]:materialize",
            ],
        ),
        (
            r#"{"selection":"mart/monthly raw/events","partitions":[{"key":"time","value":"2012-03-05T06:00:00Z"}]}"#,
            &[
                "mart/monthly[time=d:2012-03-01]:materialize",
                "raw/events[time=t:2012-03-05T06:00:00.000000Z]:materialize",
            ],
        ),
        (
            r#"{"selection":"raw/events","partitions":[{"key":"time","value":"2012-03-05T08:00:00+02:00"}]}"#,
            &["raw/events[time=t:2012-03-05T06:00:00.000000Z]:materialize"],
        ),
        // A static dimension that is not named is taken whole, in the byte order of its keys.
        (
            r#"{"selection":"staging/daily","range":{"time":{"from":"2012-03-05","to":"2012-03-05"}}}"#,
            &[
                "staging/daily[store=s:ZWFzdA,time=d:2012-03-05]:materialize",
                "staging/daily[store=s:ZWFzdA,time=d:2012-03-05]:check",
                "staging/daily[store=s:bm9ydGg,time=d:2012-03-05]:materialize",
                "staging/daily[store=s:bm9ydGg,time=d:2012-03-05]:check",
                "staging/daily[store=s:c291dGg,time=d:2012-03-05]:materialize",
                "staging/daily[store=s:c291dGg,time=d:2012-03-05]:check",
            ],
        ),
        // A range has both ends and the typed order; a month that is not over is not there.
        (
            r#"{"selection":"mart/monthly","range":{"time":{"from":"2012-02-01","to":"2012-04-01"}}}"#,
            &[
                "mart/monthly[time=d:2012-02-01]:materialize",
                "mart/monthly[time=d:2012-03-01]:materialize",
            ],
        ),
        (
            r#"{"selection":"other/numbers","range":{"n":{"from":2,"to":"9"}}}"#,
            &[
                "other/numbers[n=i:2]:materialize",
                "other/numbers[n=i:9]:materialize",
            ],
        ),
        (
            r#"{"selection":"other/numbers"}"#,
            &[
                "other/numbers[n=i:-1]:materialize",
                "other/numbers[n=i:10]:materialize",
                "other/numbers[n=i:2]:materialize",
                "other/numbers[n=i:9]:materialize",
            ],
        ),
        (
            r#"{"selection":"other/flags","partitions":[{"key":"flag","value":false}]}"#,
            &["other/flags[flag=b:false]:materialize"],
        ),
        (
            r#"{"selection":"other/tenants","partitions":[{"key":"tenant","value":"a b"}]}"#,
            &["other/tenants[tenant=s:YSBi]:materialize"],
        ),
        (
            r#"{"selection":"other/ids","partitions":[{"key":"id","value":"-7"}]}"#,
            &["other/ids[id=i:-7]:materialize"],
        ),
        (
            r#"{"selection":"other/ids","partitionKey":"id=i:7"}"#,
            &["other/ids[id=i:7]:materialize"],
        ),
        // A closed space is there whatever the time is.
        (
            r#"{"selection":"other/weekly","range":{"week":{"from":"2012-01-23","to":"2012-01-30"}}}"#,
            &[
                "other/weekly[week=d:2012-01-23]:materialize",
                "other/weekly[week=d:2012-01-30]:materialize",
            ],
        ),
        // Only assets with the dimension get the constraint.
        (
            r#"{"selection":"mart/report mart/monthly","latestPartition":true}"#,
            &[
                "mart/monthly[time=d:2012-03-01]:materialize",
                "mart/report:materialize",
            ],
        ),
        // In Tokyo the 14th is over at 15:00Z, and the 15th is not over at noon.
        (
            r#"{"selection":"other/paris","allPartitions":true}"#,
            &["other/paris[day=d:2012-04-14]:materialize"],
        ),
        (r#"{"selection":"other/unborn","allPartitions":true}"#, &[]),
        (
            r#"{"selection":"other/unborn","latestPartition":true}"#,
            &[],
        ),
        (r#"{"selection":[],"allPartitions":true}"#, &[]),
    ];
    for (trigger, expected) in rows {
        assert_eq!(
            keys(trigger).unwrap_or_else(|error| panic!("{trigger}: {error}")),
            *expected,
            "{trigger}"
        );
    }
}

#[test]
fn a_plan_beyond_its_limit_is_refused_before_it_is_made() {
    let catalog = catalog();
    let compile = |trigger: &str, limit| {
        let trigger = Trigger::parse(trigger.as_bytes()).unwrap();
        plan::compile(&catalog, &trigger, AS_OF_MS, limit).map(|plan| plan.len())
    };
    let numbers = r#"{"selection":"other/numbers"}"#;
    assert_eq!(compile(numbers, 4), Ok(4));
    let refused = compile(numbers, 3).unwrap_err();
    assert_eq!(
        (&*refused.finding.code, refused.limit),
        ("plan.too_large", Some(3))
    );
}

#[test]
fn a_plan_with_too_many_edges_is_refused_before_they_are_made() {
    let values: Vec<String> = (0..100).map(|value| value.to_string()).collect();
    let values = values.join(",");
    let text = format!(
        r#"{{"version":1,"assets":[
            {{"key":"a/up","id":"01930a0b-1234-7abc-9def-000000000001","run":{{"command":["x"]}},"partitions":[{{"name":"u","kind":"static","values":[{values}]}}]}},
            {{"key":"a/down","id":"01930a0b-1234-7abc-9def-000000000002","run":{{"command":["x"]}},"partitions":[{{"name":"d","kind":"static","values":[{values}]}}],"upstreams":[{{"asset":"a/up"}}]}}]}}"#
    );
    let catalog = Catalog::new(Manifest::parse(text.as_bytes()).unwrap()).unwrap();
    let compile = |limit| plan::compile(&catalog, &Trigger::default(), AS_OF_MS, limit);
    assert_eq!(compile(625).unwrap().edges(), 10_000);
    let refused = compile(624).unwrap_err();
    assert_eq!(
        (&*refused.finding.code, refused.limit),
        ("plan.too_large", Some(624))
    );
    assert!(refused.finding.message.contains("9984 edges"), "{refused}");
}

#[test]
fn a_fingerprint_is_over_what_the_tasks_are() {
    let catalog = catalog();
    let trigger = r#"{"selection":"+mart/report other/numbers","latestPartition":true}"#;
    let trigger = Trigger::parse(trigger.as_bytes()).unwrap();
    let plan = plan::compile(&catalog, &trigger, AS_OF_MS, 10_000).unwrap();
    let tasks: Vec<Value> = (0..plan.len())
        .map(|task| {
            let asset = catalog.asset(plan.asset(task));
            let upstreams = plan.upstreams(task).iter();
            json!({
                "key": plan.key(task),
                "upstreams": upstreams.map(|upstream| plan.key(*upstream)).collect::<Vec<_>>(),
                "priority": asset.priority,
                "resources": asset.resources,
            })
        })
        .collect();
    assert!(tasks.iter().any(|task| task["priority"] == -3));
    assert!(
        tasks
            .iter()
            .any(|task| task["resources"] == json!({"cpu": 2, "gpu": 0}))
    );
    let document = json!({"version": 1, "tenant": "acme", "workspace": "main", "tasks": tasks});
    let mut text = b"arcoflow-plan:v1:".to_vec();
    text.extend(canonical_json::to_vec(&document).unwrap());
    let fingerprint = |tenant: &str, workspace: &str| {
        let workspace = WorkspaceId::parse(workspace).unwrap();
        plan.fingerprint(&TenantId::parse(tenant).unwrap(), &workspace)
    };
    assert_eq!(fingerprint("acme", "main"), digest::sha256(&text));
    assert_ne!(fingerprint("acme", "other"), fingerprint("acme", "main"));
    assert_ne!(fingerprint("other", "main"), fingerprint("acme", "main"));
}
