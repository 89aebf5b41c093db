//! Compiling takes a bounded number of steps for each task and edge, and finding a task a bounded number, however many there are.
//!
//! A step is a comparison, a visit or an edge of a loop. Only the keys of a manifest are sorted, once, when it is indexed.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{AS_OF_MS, manifest_text, plan};
use crate::plan::Plan;
use crate::plan::catalog::Catalog;
use crate::plan::inputs::upstream_partitions;
use crate::plan::step;
use crate::wire::manifest::Manifest;

/// No shape takes more steps for a task or an edge; most take three to five.
const MAX_STEPS: u64 = 8;
/// Bytes of a plan for each task, strings aside.
const MAX_BYTES: usize = 200;

#[derive(Clone, Copy, Debug)]
enum Shape {
    Chain,
    FanOut,
    FanIn,
    Grid,
    Random,
    Lists,
}

/// Numbers of one width, so that their byte order is the same however many there are.
fn list(values: impl Iterator<Item = u32>) -> String {
    let values: Vec<String> = values
        .map(|value| (1_000_000 + value).to_string())
        .collect();
    let values = values.join(",");
    format!(r#"{{"name":"part","kind":"static","values":[{values}]}}"#)
}

/// Members that say the dimensions and the upstreams.
fn members_of(dimensions: &str, upstreams: &[u32]) -> String {
    let links: Vec<String> = upstreams
        .iter()
        .map(|upstream| format!(r#"{{"asset":"a/n{upstream}"}}"#))
        .collect();
    let links = links.join(",");
    format!(r#","partitions":[{dimensions}],"upstreams":[{links}]"#)
}

/// So many assets, each after the one before it.
fn chain(count: u32, dimensions: &str) -> Vec<String> {
    let before = |asset: u32| asset.checked_sub(1).into_iter().collect::<Vec<u32>>();
    (0..count)
        .map(|asset| members_of(dimensions, &before(asset)))
        .collect()
}

/// Members of each asset, so that the plan has about `size` tasks.
fn members(shape: Shape, size: u32, seed: u64) -> Vec<String> {
    let mut state = seed | 1;
    let mut draw = |below: u32| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        u32::try_from((state >> 33) % u64::from(below)).unwrap_or(0)
    };
    match shape {
        Shape::Chain => chain(size, ""),
        Shape::FanOut => (0..size)
            .map(|asset| members_of("", if asset == 0 { &[] } else { &[0] }))
            .collect(),
        Shape::FanIn => [members_of(&list(0..size), &[]), members_of("", &[0])].into(),
        // Ten months and a list, over eight levels.
        Shape::Grid => chain(
            8,
            &format!(
                r#"{{"name":"month","kind":"monthly","start":"2011-06-01"}},{}"#,
                list(0..size / 80)
            ),
        ),
        Shape::Random => (0..size / 4)
            .map(|asset| {
                let upstreams: BTreeSet<u32> = (0..asset.min(3)).map(|_| draw(asset)).collect();
                members_of(&list(0..4), &upstreams.into_iter().collect::<Vec<u32>>())
            })
            .collect(),
        // Two lists that share half of their values, so that nothing can be taken by position.
        Shape::Lists => [
            members_of(&list(0..size / 2), &[]),
            members_of(&list(size / 4..size * 3 / 4), &[0]),
        ]
        .into(),
    }
}

/// Hundredths of steps for each task and edge, and bytes for each task.
fn measure(shape: Shape, size: u32, seed: u64) -> (u64, usize) {
    let members = members(shape, size, seed);
    let keys: Vec<String> = (0..members.len())
        .map(|asset| format!("a/n{asset}"))
        .collect();
    let rows: Vec<(&str, &str)> = keys
        .iter()
        .map(String::as_str)
        .zip(members.iter().map(String::as_str))
        .collect();
    let manifest = Manifest::parse(manifest_text(&rows, "").as_bytes()).unwrap();
    let ((catalog, plan), steps) = step::during(|| {
        let catalog = Catalog::new(manifest).unwrap();
        let plan = plan(&catalog, r#"{"allPartitions":true}"#).unwrap();
        (catalog, plan)
    });
    assert!(plan.len() > size / 3, "{shape:?} has {} tasks", plan.len());
    check_inputs(&catalog, &plan);
    check_find(&plan);
    let work = u64::from(plan.len()) + u64::from(plan.edges());
    (
        (steps * 100).div_ceil(work),
        plan.memory_bytes() / plan.len() as usize,
    )
}

/// A task is found by its key without a search.
fn check_find(plan: &Plan) {
    let (is_found, steps) =
        step::during(|| (0..plan.len()).all(|task| plan.find(&plan.key(task)) == Some(task)));
    assert!(is_found);
    assert!(
        steps <= MAX_STEPS * u64::from(plan.len()),
        "{steps} steps to find {} tasks",
        plan.len()
    );
}

/// The inputs of a task cost what they are, not what the plan is.
fn check_inputs(catalog: &Catalog, plan: &Plan) {
    let task = plan.len() - 1;
    let (count, steps) = step::during(|| {
        let partition = plan.partition(task);
        let inputs =
            upstream_partitions(catalog, plan.asset(task), partition.as_ref(), AS_OF_MS).unwrap();
        inputs.iter().count() as u64
    });
    assert!(steps <= 64 + count, "{steps} steps for {count} inputs");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn steps_and_bytes_for_each_task_stay_as_plans_grow(
        shape in prop_oneof![
            Just(Shape::Chain),
            Just(Shape::FanOut),
            Just(Shape::FanIn),
            Just(Shape::Grid),
            Just(Shape::Random),
            Just(Shape::Lists),
        ],
        size in 300u32..900,
        seed in any::<u64>(),
    ) {
        let (few, bytes) = measure(shape, size, seed);
        prop_assert!(bytes < MAX_BYTES, "{:?}: {} bytes a task", shape, bytes);
        let (many, bytes) = measure(shape, size * 16, seed);
        prop_assert!(bytes < MAX_BYTES, "{:?}: {} bytes a task", shape, bytes);
        // A search over sixteen times as many takes four comparisons more; that one key shares its bucket with another is no search.
        prop_assert!(many <= few + 100, "{:?}: {} hundredths of a step, then {}", shape, few, many);
        prop_assert!(few <= MAX_STEPS * 100, "{:?}: {} hundredths of a step", shape, few);
    }
}
