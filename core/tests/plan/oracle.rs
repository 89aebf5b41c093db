//! A plan is what a slow program without positions and ordinals finds by comparing every pair of partitions.

use std::collections::{BTreeMap, BTreeSet};

use arcoflow_core::identity::keys::{AssetKey, Operation, TaskKey};
use arcoflow_core::identity::partition_key::{PartitionKey, Value};
use arcoflow_core::plan::catalog::{AssetIndex, Catalog};
use arcoflow_core::plan::dependents::dependents;
use arcoflow_core::plan::inputs::upstream_partitions;
use arcoflow_core::plan::{self, MAX_TASKS, Plan};
use arcoflow_core::wire::manifest::Manifest;
use arcoflow_core::wire::trigger::Trigger;
use proptest::prelude::*;

use super::dimension::{AS_OF_MS, Dim, Unit, date, lists, next, start_of, starts, times};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    Same,
    All,
    Latest,
    Window(usize),
}

#[derive(Clone, Debug)]
struct Asset {
    dims: Vec<Dim>,
    upstreams: BTreeMap<usize, &'static str>,
    /// Whether there is a check, and whether it blocks.
    check: Option<bool>,
}

const MAPPINGS: [&str; 8] = [
    "",
    r#","mapping":"identity""#,
    r#","mapping":"all""#,
    r#","mapping":"latest""#,
    r#","mapping":{"window":2}"#,
    r#","mapping":{"window":30}"#,
    r#","mapping":{"dimensions":{"s":"all"}}"#,
    r#","mapping":{"dimensions":{"t":{"window":3}}}"#,
];

fn asset(before: usize) -> impl Strategy<Value = Asset> {
    let time = proptest::option::of(proptest::sample::select(times()));
    let list = proptest::option::of(proptest::sample::select(lists()));
    let upstreams = proptest::collection::btree_map(
        0..before.max(1),
        proptest::sample::select(&MAPPINGS[..]),
        0..=3,
    );
    let check = proptest::option::of(any::<bool>());
    (time, list, upstreams, check).prop_map(move |(time, list, upstreams, check)| Asset {
        dims: list.into_iter().chain(time).collect(),
        upstreams: if before == 0 {
            BTreeMap::new()
        } else {
            upstreams
        },
        check,
    })
}

fn assets() -> impl Strategy<Value = Vec<Asset>> {
    (asset(0), asset(1), asset(2), asset(3)).prop_map(|(a, b, c, d)| vec![a, b, c, d])
}

/// Names whose order is not the order of the graph.
const NAMES: [&str; 4] = ["m/c", "m/a", "n/b", "m/a.x"];

fn manifest(assets: &[Asset]) -> String {
    let rows: Vec<String> = assets
        .iter()
        .enumerate()
        .map(|(index, asset)| {
            let dims: Vec<&str> = asset.dims.iter().map(|dim| dim.text).collect();
            let upstreams: Vec<String> = asset
                .upstreams
                .iter()
                .map(|(upstream, mapping)| format!(r#"{{"asset":"{}"{mapping}}}"#, NAMES[*upstream]))
                .collect();
            let check = match asset.check {
                Some(true) => r#","check":{"run":{"command":["x"]}}"#,
                Some(false) => r#","check":{"run":{"command":["x"]},"severity":"warn"}"#,
                None => "",
            };
            format!(
                r#"{{"key":"{}","id":"01930a0b-1234-7abc-9def-{index:012}","run":{{"command":["x"]}},"partitions":[{}],"upstreams":[{}]{check}}}"#,
                NAMES[index],
                dims.join(","),
                upstreams.join(",")
            )
        })
        .collect();
    format!(r#"{{"version":1,"assets":[{}]}}"#, rows.join(","))
}

/// A catalog, with every mapping that does not fit left out.
fn catalog(assets: &mut [Asset]) -> Catalog {
    loop {
        let findings = match Catalog::new(Manifest::parse(manifest(assets).as_bytes()).unwrap()) {
            Ok(catalog) => return catalog,
            Err(findings) => findings,
        };
        for finding in findings {
            assert_eq!(finding.code, "manifest.mapping_unfit");
            let numbers: Vec<usize> = finding
                .pointer
                .split('/')
                .filter_map(|part| part.parse().ok())
                .collect();
            let upstreams = &mut assets[numbers[0]].upstreams;
            let upstream = *upstreams.keys().nth(numbers[1]).unwrap();
            upstreams.insert(upstream, "");
        }
    }
}

type Partition = BTreeMap<&'static str, Value>;

fn partitions(asset: &Asset) -> Vec<Partition> {
    let mut all = vec![Partition::new()];
    for dim in &asset.dims {
        all = all
            .into_iter()
            .flat_map(|partition| {
                dim.values.iter().map(move |value| {
                    let mut partition = partition.clone();
                    partition.insert(dim.name, value.clone());
                    partition
                })
            })
            .collect();
    }
    all
}

/// What a mapping says of one upstream dimension.
fn rule(mapping: &str, dim: &Dim, shared: bool) -> Rule {
    let otherwise = if shared { Rule::Same } else { Rule::All };
    let time = dim.unit != Unit::None;
    match MAPPINGS.iter().position(|known| *known == mapping).unwrap() {
        1 => Rule::Same,
        2 => Rule::All,
        3 if time => Rule::Latest,
        4 if time => Rule::Window(2),
        5 if time => Rule::Window(30),
        6 if !time => Rule::All,
        7 if time => Rule::Window(3),
        _ => otherwise,
    }
}

/// For each upstream dimension the values that a partition needs.
fn needed(down: &Asset, own: &Partition, up: &Asset, mapping: &str) -> Vec<BTreeSet<Value>> {
    let of_dim = |dim: &Dim| {
        let mine = down.dims.iter().find(|mine| mine.name == dim.name);
        let all = dim.values.iter().cloned();
        match rule(mapping, dim, mine.is_some()) {
            Rule::All => all.collect(),
            Rule::Latest => all.max().into_iter().collect(),
            Rule::Same => related(mine.unwrap(), &own[dim.name], dim, 1),
            Rule::Window(count) => related(mine.unwrap(), &own[dim.name], dim, count),
        }
    };
    up.dims.iter().map(of_dim).collect()
}

/// The values that overlap another, and the `count - 1` before them.
fn related(mine: &Dim, own: &Value, dim: &Dim, count: usize) -> BTreeSet<Value> {
    if dim.unit == Unit::None {
        return dim
            .values
            .iter()
            .filter(|value| *value == own)
            .cloned()
            .collect();
    }
    let (from, to) = (start_of(own), next(start_of(own), mine.unit));
    // Partitions of the upstream's unit as if it had neither start nor end.
    let first = match dim.unit {
        Unit::Hour => "2012-02-01",
        Unit::Week => "2010-01-04",
        _ => "2010-01-01",
    };
    let all = starts(date(first), date("2012-06-01"), dim.unit);
    let overlaps = |at: &usize| all[*at] < to && next(all[*at], dim.unit) > from;
    let overlapping: Vec<usize> = (0..all.len()).filter(overlaps).collect();
    let (Some(first), Some(last)) = (overlapping.first(), overlapping.last()) else {
        return BTreeSet::new();
    };
    let wanted: BTreeSet<i64> = all[(first + 1).saturating_sub(count)..=*last]
        .iter()
        .copied()
        .collect();
    let there = dim
        .values
        .iter()
        .filter(|value| wanted.contains(&start_of(value)));
    there.cloned().collect()
}

/// The upstream partitions that one partition needs.
fn inputs(down: &Asset, own: &Partition, up: &Asset, mapping: &str) -> Vec<Partition> {
    let needed = needed(down, own, up, mapping);
    let has = |partition: &Partition| {
        let mut rows = up.dims.iter().zip(&needed);
        rows.all(|(dim, values)| values.contains(&partition[dim.name]))
    };
    partitions(up).into_iter().filter(has).collect()
}

fn key(index: usize, partition: &Partition, operation: Operation) -> TaskKey {
    let asset = AssetKey::parse(NAMES[index]).unwrap();
    TaskKey::new(&asset, partition_key(partition).as_ref(), operation)
}

fn partition_key(partition: &Partition) -> Option<PartitionKey> {
    let rows = partition.iter().map(|(name, value)| (*name, value.clone()));
    (!partition.is_empty()).then(|| PartitionKey::from_dimensions(rows).unwrap())
}

type Tasks = BTreeMap<TaskKey, BTreeSet<TaskKey>>;

/// Every task with the tasks it waits for.
fn tasks(assets: &[Asset], selected: &[usize], checks: bool) -> Tasks {
    let mut tasks = Tasks::new();
    for &index in selected {
        let asset = &assets[index];
        for own in partitions(asset) {
            let mut waits = BTreeSet::new();
            for (upstream, mapping) in &asset.upstreams {
                let up = &assets[*upstream];
                let awaited = match up.check {
                    Some(true) if checks => Operation::Check,
                    _ => Operation::Materialize,
                };
                if selected.contains(upstream) {
                    for other in inputs(asset, &own, up, mapping) {
                        waits.insert(key(*upstream, &other, awaited));
                    }
                }
            }
            let materialize = key(index, &own, Operation::Materialize);
            if checks && asset.check.is_some() {
                tasks.insert(
                    key(index, &own, Operation::Check),
                    BTreeSet::from([materialize.clone()]),
                );
            }
            tasks.insert(materialize, waits);
        }
    }
    tasks
}

fn of_plan(plan: &Plan) -> Tasks {
    (0..plan.len())
        .map(|task| {
            (
                plan.key(task),
                plan.upstreams(task)
                    .iter()
                    .map(|upstream| plan.key(*upstream))
                    .collect(),
            )
        })
        .collect()
}

/// What holds of every plan, whatever it is of.
fn check_shape(plan: &Plan) {
    let keys: Vec<TaskKey> = (0..plan.len()).map(|task| plan.key(task)).collect();
    assert!(
        keys.windows(2).all(|pair| pair[0] < pair[1]),
        "tasks stand in key order: {keys:?}"
    );
    let mut place = vec![0; keys.len()];
    for (at, task) in plan.order().iter().enumerate() {
        place[*task as usize] = at;
    }
    for task in 0..plan.len() {
        assert_eq!(plan.find(&keys[task as usize]), Some(task));
        let mut text = String::new();
        plan.write_key(task, &mut text);
        assert_eq!(text, keys[task as usize].to_string());
        let upstreams = plan.upstreams(task);
        assert!(
            upstreams.windows(2).all(|pair| pair[0] < pair[1]),
            "edges are ascending and distinct"
        );
        let stage = upstreams
            .iter()
            .map(|upstream| plan.stage(*upstream) + 1)
            .max();
        assert_eq!(plan.stage(task), stage.unwrap_or(0));
        for upstream in upstreams {
            assert!(plan.downstreams(*upstream).contains(&task));
            assert!(place[*upstream as usize] < place[task as usize]);
        }
    }
    let backwards: usize = (0..plan.len())
        .map(|task| plan.downstreams(task).len())
        .sum();
    assert_eq!(backwards, plan.edges() as usize);
    let by_stage: Vec<(u32, u32)> = plan
        .order()
        .iter()
        .map(|task| (plan.stage(*task), *task))
        .collect();
    assert!(
        by_stage.windows(2).all(|pair| pair[0] < pair[1]),
        "ties are ordered by key"
    );
}

fn trigger(selected: &[usize], checks: bool) -> Trigger {
    let names: Vec<String> = selected
        .iter()
        .map(|index| format!("{:?}", NAMES[*index]))
        .collect();
    let text = format!(
        r#"{{"selection":[{}],"allPartitions":true,"checks":{checks}}}"#,
        names.join(",")
    );
    Trigger::parse(text.as_bytes()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn a_plan_has_the_tasks_and_edges_that_comparing_all_pairs_gives(
        assets in assets(),
        selected in proptest::sample::subsequence(vec![0usize, 1, 2, 3], 0..=4),
        checks in any::<bool>(),
        keep in any::<u64>(),
    ) {
        let mut assets = assets;
        let catalog = catalog(&mut assets);
        let plan = plan::compile(&catalog, &trigger(&selected, checks), AS_OF_MS, MAX_TASKS).unwrap();
        check_shape(&plan);
        prop_assert_eq!(of_plan(&plan), tasks(&assets, &selected, checks));

        let kept = |task: u32| (keep.rotate_left(task % 64) ^ u64::from(task)) & 1 == 0;
        let part = plan.restrict(&kept);
        check_shape(&part);
        let keys: BTreeSet<TaskKey> = (0..plan.len()).filter(|task| kept(*task)).map(|task| plan.key(task)).collect();
        let expected: Tasks = of_plan(&plan)
            .into_iter()
            .filter(|row| keys.contains(&row.0))
            .map(|(key, waits)| (key, waits.intersection(&keys).cloned().collect()))
            .collect();
        prop_assert_eq!(of_plan(&part), expected);
        for task in 0..plan.len() {
            prop_assert_eq!(part.find(&plan.key(task)).is_some(), kept(task));
        }
    }

    #[test]
    fn inputs_are_the_partitions_that_comparing_all_pairs_gives(assets in assets()) {
        let mut assets = assets;
        let catalog = catalog(&mut assets);
        for (index, asset) in assets.iter().enumerate() {
            let number = catalog.find_text(NAMES[index]).unwrap();
            for own in partitions(asset) {
                let found = upstream_partitions(&catalog, number, partition_key(&own).as_ref(), AS_OF_MS).unwrap();
                let rows: Vec<(AssetIndex, Option<PartitionKey>)> = found.iter().collect();
                prop_assert!(rows.windows(2).all(|pair| pair[0] < pair[1]));
                prop_assert_eq!(found.len(), rows.len() as u64);
                let mut expected = BTreeSet::new();
                for (upstream, mapping) in &asset.upstreams {
                    let up = &assets[*upstream];
                    let number = catalog.find_text(NAMES[*upstream]).unwrap();
                    for other in &inputs(asset, &own, up, mapping) {
                        expected.insert((number, partition_key(other)));
                    }
                }
                prop_assert_eq!(rows.into_iter().collect::<BTreeSet<_>>(), expected);
            }
        }
    }

    #[test]
    fn dependents_are_the_partitions_whose_inputs_name_them(assets in assets()) {
        let mut assets = assets;
        let catalog = catalog(&mut assets);
        for (index, asset) in assets.iter().enumerate() {
            let number = catalog.find_text(NAMES[index]).unwrap();
            let space = catalog.space(number);
            let ordinal = |key: &Option<PartitionKey>| key.as_ref().map_or(0, |key| space.ordinal_of(key).unwrap());
            let own: Vec<Option<PartitionKey>> = partitions(asset).iter().map(partition_key).collect();
            let total = own.len() as u64;
            let mut needing: BTreeMap<(AssetIndex, Option<PartitionKey>), BTreeSet<u64>> = BTreeMap::new();
            for key in &own {
                for input in upstream_partitions(&catalog, number, key.as_ref(), AS_OF_MS).unwrap().iter() {
                    needing.entry(input).or_default().insert(ordinal(key));
                }
            }
            for link in catalog.links(number) {
                let up = NAMES.iter().position(|name| catalog.find_text(name) == Some(link.upstream)).unwrap();
                for other in partitions(&assets[up]).iter().map(partition_key) {
                    let found = dependents(&catalog, number, link, other.as_ref(), AS_OF_MS);
                    let expected = needing.remove(&(link.upstream, other)).unwrap_or_default();
                    if let (Some(found), Some(Some(key))) = (&found, own.get(expected.len() % own.len().max(1))) {
                        prop_assert_eq!(found.holds(key), expected.contains(&ordinal(&Some(key.clone()))));
                    }
                    let ranges = found.map(|found| found.ordinals(total)).unwrap_or_default();
                    prop_assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
                    prop_assert_eq!(ranges.into_iter().flatten().collect::<BTreeSet<u64>>(), expected);
                }
            }
        }
    }

    #[test]
    fn an_ordinal_is_a_partition_and_back(assets in assets()) {
        let mut assets = assets;
        let catalog = catalog(&mut assets);
        for (index, asset) in assets.iter().enumerate() {
            let space = catalog.space(catalog.find_text(NAMES[index]).unwrap());
            let all = partitions(asset);
            prop_assert_eq!(space.count(AS_OF_MS), Some(all.len() as u64));
            let ordinals: BTreeSet<u64> = all
                .iter()
                .filter_map(partition_key)
                .map(|key| {
                    let ordinal = space.ordinal_of(&key).unwrap();
                    assert_eq!(space.partition_of(ordinal), Some(key));
                    ordinal
                })
                .collect();
            let expected = if asset.dims.is_empty() { 0 } else { all.len() as u64 };
            prop_assert_eq!(ordinals, (0..expected).collect::<BTreeSet<u64>>());
        }
    }
}
