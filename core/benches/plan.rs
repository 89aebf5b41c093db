//! A plan costs the same for each task, whether it has a thousand or a million.

use std::fmt::Write;

use arcoflow_core::identity::keys::{TenantId, WorkspaceId};
use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::plan::{self, MAX_TASKS, Plan};
use arcoflow_core::wire::manifest::Manifest;
use arcoflow_core::wire::trigger::Trigger;
use divan::Bencher;
use divan::counter::ItemsCount;

const TASKS: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];
const MAX_ASSETS: u32 = 100_000;
/// 2026-01-01.
const AS_OF_MS: u64 = 1_767_225_600_000;

fn main() {
    for tasks in TASKS {
        for shape in [chain, fan_out, grid, random] {
            let catalog = shape(tasks);
            let plan = compile(&catalog);
            let per_task = plan.memory_bytes() as u64 / u64::from(plan.len());
            println!(
                "{} tasks, {} edges: {per_task} bytes a task",
                plan.len(),
                plan.edges()
            );
        }
    }
    divan::main();
}

/// Each asset after the one before it, partition by partition.
fn chain(tasks: u32) -> Catalog {
    let assets = tasks.min(MAX_ASSETS);
    let values = values(tasks / assets);
    let members = |asset: u32| match asset {
        0 => values.clone(),
        _ => format!(r#"{values},"upstreams":[{{"asset":"a/n{}"}}]"#, asset - 1),
    };
    catalog(assets, members)
}

/// One asset whose many partitions all wait for one task.
fn fan_out(tasks: u32) -> Catalog {
    let values = hours(tasks - 1);
    catalog(2, |asset| match asset {
        0 => String::new(),
        _ => format!(r#"{values},"upstreams":[{{"asset":"a/n0"}}]"#),
    })
}

/// Ten assets in a row over two dimensions, each with a window of two hours.
fn grid(tasks: u32) -> Catalog {
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
fn random(tasks: u32) -> Catalog {
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

fn compile(catalog: &Catalog) -> Plan {
    let trigger = Trigger {
        all_partitions: true,
        ..Trigger::default()
    };
    plan::compile(catalog, &trigger, AS_OF_MS, MAX_TASKS).unwrap()
}

fn bench_compile(bencher: Bencher, catalog: &Catalog, tasks: u32) {
    bencher
        .counter(ItemsCount::new(tasks))
        .bench_local(|| compile(catalog));
}

#[divan::bench(args = TASKS)]
fn compile_chain(bencher: Bencher, tasks: u32) {
    bench_compile(bencher, &chain(tasks), tasks);
}

#[divan::bench(args = TASKS)]
fn compile_fan_out(bencher: Bencher, tasks: u32) {
    bench_compile(bencher, &fan_out(tasks), tasks);
}

#[divan::bench(args = TASKS)]
fn compile_grid(bencher: Bencher, tasks: u32) {
    bench_compile(bencher, &grid(tasks), tasks);
}

#[divan::bench(args = TASKS)]
fn compile_random(bencher: Bencher, tasks: u32) {
    bench_compile(bencher, &random(tasks), tasks);
}

#[divan::bench(args = TASKS, sample_count = 10)]
fn fingerprint_grid(bencher: Bencher, tasks: u32) {
    let plan = compile(&grid(tasks));
    let tenant = TenantId::parse("acme").unwrap();
    let workspace = WorkspaceId::parse("main").unwrap();
    bencher
        .counter(ItemsCount::new(tasks))
        .bench_local(|| plan.fingerprint(&tenant, &workspace));
}

#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 10)]
fn catalog_of_assets(bencher: Bencher, assets: u32) {
    let manifest = random(assets * 10).manifest().clone();
    bencher
        .counter(ItemsCount::new(assets))
        .with_inputs(|| manifest.clone())
        .bench_local_values(|manifest| Catalog::new(manifest).unwrap());
}
