//! Assets stand in an order in which each comes after what it needs, or the cycle that forbids it is named.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::Report;
use crate::plan::catalog::{AssetIndex, Link};
use crate::plan::step::step;
use crate::wire::manifest::Manifest;

/// Steps that the search for a short cycle may take.
const MAX_STEPS: usize = 4_000_000;
/// Keys of a cycle that a message names.
const MAX_NAMED: usize = 12;

/// Every asset after its upstreams, step by step from those that need nothing; a report when there is no such order.
pub(super) fn sort(
    manifest: &Manifest,
    declared: &[u32],
    links: &[Vec<Link>],
    report: &mut Report,
) -> Vec<AssetIndex> {
    let mut waiting: Vec<usize> = links.iter().map(Vec::len).collect();
    let downstreams = downstreams(links);
    let mut sorted = Vec::with_capacity(links.len());
    let free = (0u32..).zip(&waiting).filter(|row| *row.1 == 0);
    sorted.extend(free.map(|row| AssetIndex(row.0)));
    let mut next = 0;
    while let Some(&AssetIndex(asset)) = sorted.get(next) {
        next += 1;
        for &downstream in &downstreams[asset as usize] {
            step();
            let waiting = &mut waiting[downstream as usize];
            *waiting -= 1;
            if *waiting == 0 {
                sorted.push(AssetIndex(downstream));
            }
        }
    }
    if sorted.len() < links.len() {
        let cycle = shortest_cycle(links, &waiting);
        report_cycle(manifest, declared, links, &cycle, report);
    }
    sorted
}

fn downstreams(links: &[Vec<Link>]) -> Vec<Vec<u32>> {
    let mut downstreams = vec![Vec::new(); links.len()];
    for (asset, links) in (0u32..).zip(links) {
        for link in links {
            downstreams[link.upstream.0 as usize].push(asset);
        }
    }
    downstreams
}

/// A cycle among the assets that still wait: the shortest one that is found within a bounded number of steps.
///
/// Each asset of the result needs the next one, and the last needs the first.
fn shortest_cycle(links: &[Vec<Link>], waiting: &[usize]) -> Vec<u32> {
    let mut best: Vec<u32> = Vec::new();
    let mut steps = 0;
    let mut came_from = vec![u32::MAX; links.len()];
    for start in (0u32..)
        .zip(waiting)
        .filter(|row| *row.1 > 0)
        .map(|row| row.0)
    {
        if steps > MAX_STEPS && !best.is_empty() {
            break;
        }
        let (seen, found) = search(links, waiting, start, &mut came_from);
        steps += seen.len();
        if let Some(cycle) = found.filter(|cycle| best.is_empty() || cycle.len() < best.len()) {
            best = cycle;
        }
        for asset in seen {
            came_from[asset as usize] = u32::MAX;
        }
        if best.len() == 1 {
            break;
        }
    }
    best
}

/// The shortest way from `start` back to itself, and every asset that was looked at.
fn search(
    links: &[Vec<Link>],
    waiting: &[usize],
    start: u32,
    came_from: &mut [u32],
) -> (Vec<u32>, Option<Vec<u32>>) {
    let mut seen = vec![];
    let mut queue = VecDeque::from([start]);
    while let Some(asset) = queue.pop_front() {
        for link in &links[asset as usize] {
            let next = link.upstream.0;
            if next == start {
                let mut cycle = vec![asset];
                let mut at = asset;
                while at != start {
                    at = came_from[at as usize];
                    cycle.push(at);
                }
                cycle.reverse();
                return (seen, Some(cycle));
            }
            if waiting[next as usize] > 0 && came_from[next as usize] == u32::MAX {
                came_from[next as usize] = asset;
                seen.push(next);
                queue.push_back(next);
            }
        }
    }
    (seen, None)
}

fn report_cycle(
    manifest: &Manifest,
    declared: &[u32],
    links: &[Vec<Link>],
    cycle: &[u32],
    report: &mut Report,
) {
    let Some((&first, &second)) = cycle
        .first()
        .map(|first| (first, cycle.get(1).unwrap_or(first)))
    else {
        return;
    };
    let asset = |index: u32| &manifest.assets[declared[index as usize] as usize];
    let mut way = String::new();
    for &index in cycle.iter().take(MAX_NAMED) {
        way.push_str(&format!("`{}` needs ", asset(index).key));
    }
    if cycle.len() > MAX_NAMED {
        way.push_str(&format!("({} more) needs ", cycle.len() - MAX_NAMED));
    }
    way.push_str(&format!("`{}`", asset(first).key));
    debug_assert!(
        links[first as usize]
            .iter()
            .any(|link| link.upstream.0 == second)
    );
    let upstreams = &asset(first).upstreams;
    let number = upstreams
        .iter()
        .position(|upstream| upstream.asset == asset(second).key);
    report.add(
        "manifest.cycle",
        format!(
            "/assets/{}/upstreams/{}",
            declared[first as usize],
            number.unwrap_or(0)
        ),
        format!("the assets need each other in a circle: {way}"),
        "remove one of these upstreams",
    );
}
