//! The shapes that plans are measured in: chains, fan-outs, grids and random graphs of any size.

use std::fmt::Write;

use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::plan::{self, MAX_TASKS, Plan};
use arcoflow_core::wire::manifest::Manifest;
use arcoflow_core::wire::trigger::Trigger;

pub(crate) const TASKS: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];
const MAX_ASSETS: u32 = 100_000;
/// 2026-01-01.
pub(crate) const AS_OF_MS: u64 = 1_767_225_600_000;

/// Each asset after the one before it, partition by partition.
pub(crate) fn chain(tasks: u32) -> Catalog {
    let assets = tasks.min(MAX_ASSETS);
    let values = values(tasks / assets);
    let members = |asset: u32| match asset {
        0 => values.clone(),
        _ => format!(r#"{values},"upstreams":[{{"asset":"a/n{}"}}]"#, asset - 1),
    };
    catalog(assets, members)
}

/// One asset whose many partitions all wait for one task.
pub(crate) fn fan_out(tasks: u32) -> Catalog {
    let values = hours(tasks - 1);
    catalog(2, |asset| match asset {
        0 => String::new(),
        _ => format!(r#"{values},"upstreams":[{{"asset":"a/n0"}}]"#),
    })
}

/// Ten assets in a row over two dimensions, each with a window of two hours.
pub(crate) fn grid(tasks: u32) -> Catalog {
    let start = hour(tasks / 100);
    let dimensions = format!(
        r#","partitions":[{{"name":"hour","kind":"hourly","start":"{start}"}},{{"name":"part","kind":"static","values":{}}}]"#,
        list(10)
    );
    catalog(10, |asset| match asset {
        0 => dimensions.clone(),
        _ => format!(
            r#"{dimensions},"upstreams":[{{"asset":"a/n{}","mapping":{{"window":2}}}}]"#,
            asset - 1
        ),
    })
}

/// Each asset after three others, chosen by a fixed rule.
pub(crate) fn random(tasks: u32) -> Catalog {
    let assets = (tasks / 10).min(MAX_ASSETS);
    let values = values(tasks / assets);
    let mut state: u64 = 1;
    let mut draw = move |below: u32| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % u64::from(below)) as u32
    };
    catalog(assets, |asset| {
        let mut upstreams: Vec<u32> = (0..asset.min(3)).map(|_| draw(asset)).collect();
        upstreams.sort_unstable();
        upstreams.dedup();
        let list: Vec<String> = upstreams
            .iter()
            .map(|upstream| format!(r#"{{"asset":"a/n{upstream}"}}"#))
            .collect();
        format!(r#"{values},"upstreams":[{}]"#, list.join(","))
    })
}

fn values(count: u32) -> String {
    match count {
        1 => String::new(),
        _ => format!(
            r#","partitions":[{{"name":"part","kind":"static","values":{}}}]"#,
            list(count)
        ),
    }
}

fn list(count: u32) -> String {
    let values: Vec<String> = (0..count).map(|value| value.to_string()).collect();
    format!("[{}]", values.join(","))
}

fn hours(count: u32) -> String {
    format!(
        r#","partitions":[{{"name":"hour","kind":"hourly","start":"{}"}}]"#,
        hour(count)
    )
}

/// The start of so many hours before the end of the plan.
fn hour(before_end: u32) -> String {
    use arcoflow_core::identity::partition_key::Timestamp;
    let micros = AS_OF_MS as i64 * 1_000 - i64::from(before_end) * 3_600_000_000;
    Timestamp::from_micros(micros).unwrap().to_string()
}

fn catalog(assets: u32, mut members: impl FnMut(u32) -> String) -> Catalog {
    let mut text = String::from(r#"{"version":1,"assets":["#);
    for asset in 0..assets {
        let comma = if asset > 0 { "," } else { "" };
        let members = members(asset);
        write!(
            text,
            r#"{comma}{{"key":"a/n{asset}","id":"01930a0b-1234-7abc-9def-{asset:012}","run":{{"command":["true"]}}{members}}}"#
        )
        .unwrap();
    }
    text.push_str("]}");
    let manifest: Manifest = serde_json::from_str(&text).unwrap();
    Catalog::new(manifest).unwrap()
}

pub(crate) fn compile(catalog: &Catalog) -> Plan {
    let trigger = Trigger {
        all_partitions: true,
        ..Trigger::default()
    };
    plan::compile(catalog, &trigger, AS_OF_MS, MAX_TASKS).unwrap()
}
