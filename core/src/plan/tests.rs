//! What a small manifest and a trigger amount to, read off by eye.

mod linear;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::catalog::Catalog;
use super::{MAX_TASKS, Plan, PlanError, compile};
use crate::wire::manifest::Manifest;
use crate::wire::trigger::Trigger;

/// 2012-04-15T12:00:00Z.
pub(super) const AS_OF_MS: u64 = 1_334_491_200_000;

/// A catalog of these assets; each is the part of an asset after its key, id and command.
pub(super) fn catalog(assets: &[(&str, &str)]) -> Catalog {
    Catalog::new(Manifest::parse(manifest_text(assets, "").as_bytes()).unwrap()).unwrap()
}

pub(super) fn manifest_text(assets: &[(&str, &str)], rest: &str) -> String {
    let rows: Vec<String> = assets
        .iter()
        .enumerate()
        .map(|(index, (key, members))| {
            format!(
                r#"{{"key":"{key}","id":"01930a0b-1234-7abc-9def-{index:012}","run":{{"command":["true"]}}{members}}}"#
            )
        })
        .collect();
    format!(r#"{{"version":1,"assets":[{}]{rest}}}"#, rows.join(","))
}

pub(super) fn plan(catalog: &Catalog, trigger: &str) -> Result<Plan, PlanError> {
    let trigger = Trigger::parse(trigger.as_bytes()).unwrap();
    compile(catalog, &trigger, AS_OF_MS, MAX_TASKS)
}

/// Each task with what it waits for, by number.
fn lines(plan: &Plan) -> Vec<String> {
    (0..plan.len())
        .map(|task| format!("{} {:?}", plan.key(task), plan.upstreams(task)))
        .collect()
}

const MONTHLY: &str = r#""partitions":[{"name":"month","kind":"monthly","start":"2012-01-01"}]"#;

#[test]
fn a_pipeline_becomes_tasks_and_edges() {
    let catalog = catalog(&[
        ("mart/report", r#","upstreams":[{"asset":"staging/daily"}]"#),
        ("raw/events", &format!(",{MONTHLY}")),
        (
            "staging/daily",
            &format!(
                r#",{MONTHLY},"upstreams":[{{"asset":"raw/events"}}],"check":{{"run":{{"command":["true"]}}}}"#
            ),
        ),
    ]);
    let plan = plan(&catalog, r#"{"allPartitions":true}"#).unwrap();
    assert_eq!(
        lines(&plan),
        [
            "mart/report:materialize [5, 7, 9]",
            "raw/events[month=d:2012-01-01]:materialize []",
            "raw/events[month=d:2012-02-01]:materialize []",
            "raw/events[month=d:2012-03-01]:materialize []",
            "staging/daily[month=d:2012-01-01]:materialize [1]",
            "staging/daily[month=d:2012-01-01]:check [4]",
            "staging/daily[month=d:2012-02-01]:materialize [2]",
            "staging/daily[month=d:2012-02-01]:check [6]",
            "staging/daily[month=d:2012-03-01]:materialize [3]",
            "staging/daily[month=d:2012-03-01]:check [8]",
        ]
    );
    assert_eq!(plan.order(), [1, 2, 3, 4, 6, 8, 5, 7, 9, 0]);
    assert_eq!(plan.stages(), 4);
    for task in 0..plan.len() {
        assert_eq!(plan.find(&plan.key(task)), Some(task));
        let mut written = String::new();
        plan.write_key(task, &mut written);
        assert_eq!(written, plan.key(task).to_string());
    }
}
