//! A manifest that is deployed has been checked whole: every finding is reported, each at its place.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::plan::catalog::{AssetIndex, Catalog, Inner, Tasks};
use crate::plan::lookup::Lookup;
use crate::plan::order::sort_by;
use crate::wire::finding::Finding;
use crate::wire::manifest::{Manifest, limit};
use mapping::Links;
use place::Place;

mod place;
mod asset;
mod name;
mod partition;
mod mapping;
mod graph;
mod automation;

/// The findings so far, bounded.
pub(super) struct Report {
    findings: Vec<Finding>,
}

impl Report {
    fn add(
        &mut self,
        code: &'static str,
        pointer: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(Finding::new(code, pointer, message, hint));
    }

    fn push(&mut self, finding: Finding) {
        if self.findings.len() + 1 < limit::MAX_FINDINGS {
            self.findings.push(finding);
        } else if self.findings.len() < limit::MAX_FINDINGS {
            self.findings.push(Finding::new(
                "manifest.more",
                "",
                format!("there are more than {} findings", limit::MAX_FINDINGS - 1),
                "correct these first",
            ));
        }
    }
}

/// Checks a manifest and indexes it.
pub(super) fn index(manifest: Manifest) -> Result<Inner, Vec<Finding>> {
    let mut report = Report {
        findings: Vec::new(),
    };
    if !fits(&manifest, &mut report) {
        return Err(report.findings);
    }
    asset::check(&manifest, &mut report);
    let declared = sort(&manifest, &mut report);
    let spaces = partition::spaces(&manifest, &declared, &mut report);
    let keys = declared
        .iter()
        .map(|&place| manifest.assets[place as usize].key.as_str());
    let lookup = Lookup::new(keys);
    let Links { rows, said } = mapping::links(&manifest, &declared, &lookup, &spaces, &mut report);
    let topological = graph::sort(&manifest, &declared, &rows, &mut report);
    automation::check(&manifest, &mut report);
    if !report.findings.is_empty() {
        return Err(report.findings);
    }
    let mut inner = Inner {
        tags: tags(&manifest, &declared),
        tasks: declared
            .iter()
            .map(|&place| Tasks::of(&manifest.assets[place as usize]))
            .collect(),
        manifest,
        declared,
        lookup,
        spaces: spaces.distinct,
        space_of: spaces.of_asset.into_iter().flatten().collect(),
        dimension_links: said,
        topological,
        ..Inner::default()
    };
    inner.connect(rows);
    Ok(inner)
}

/// Checks that what schedules, sensors and automations select is there. The answer is which automation keeps which asset.
pub(super) fn check_selections(catalog: &Catalog) -> Result<Vec<Option<u32>>, Vec<Finding>> {
    let mut report = Report {
        findings: Vec::new(),
    };
    automation::check_selections(catalog, &mut report);
    let keepers = automation::keepers(catalog, &mut report);
    if report.findings.is_empty() {
        Ok(keepers)
    } else {
        Err(report.findings)
    }
}

/// Reports assets that stand under the same key with another id.
pub(super) fn check_ids(catalog: &Catalog, previous: &Catalog) -> Vec<Finding> {
    let mut report = Report {
        findings: Vec::new(),
    };
    for (index, asset) in catalog.manifest().assets.iter().enumerate() {
        let Some(before) = previous.find(&asset.key) else {
            continue;
        };
        let id = previous.asset(before).id;
        if id != asset.id {
            report.add(
                "manifest.asset_id_changed",
                format!("/assets/{index}/id"),
                format!("the id of `{}` was `{id}`", asset.key),
                "an id stands for one asset for ever; keep it, or give the new asset another key",
            );
        }
    }
    report.findings
}

/// Whether the manifest is of this version and small enough to look at.
fn fits(manifest: &Manifest, report: &mut Report) -> bool {
    if manifest.version != 1 {
        report.add(
            "manifest.version",
            "/version",
            format!("version `{}` is not known", manifest.version),
            "use version 1",
        );
        return false;
    }
    let lists = [
        ("assets", "assets", manifest.assets.len(), limit::MAX_ASSETS),
        ("pools", "pools", manifest.pools.len(), limit::MAX_LIMITS),
        ("queues", "queues", manifest.queues.len(), limit::MAX_LIMITS),
        (
            "schedules",
            "schedules",
            manifest.schedules.len(),
            limit::MAX_AUTOMATIONS,
        ),
        (
            "sensors",
            "sensors",
            manifest.sensors.len(),
            limit::MAX_AUTOMATIONS,
        ),
        (
            "automations",
            "automations",
            manifest.automations.len(),
            limit::MAX_AUTOMATIONS,
        ),
    ];
    let before = report.findings.len();
    for (pointer, what, count, most) in lists {
        bound(report, &Place::top(pointer), what, count, most);
    }
    report.findings.len() == before
}

/// Reports a list or text that is longer than it may be.
fn bound(report: &mut Report, pointer: &Place<'_>, what: &str, count: usize, most: usize) {
    if count > most {
        report.add(
            "manifest.limit",
            pointer,
            format!("there are {count} {what}"),
            format!("at most {most} are allowed"),
        );
    }
}

/// The places of the assets in the order of their keys; of assets with one key, the first.
fn sort(manifest: &Manifest, report: &mut Report) -> Vec<u32> {
    let rows = (0u32..).zip(&manifest.assets);
    let mut keyed: Vec<(&str, u32)> = rows.map(|row| (row.1.key.as_str(), row.0)).collect();
    sort_by(&mut keyed, Ord::cmp);
    keyed.dedup_by(|later, first| {
        let same = later.0 == first.0;
        if same {
            report.add(
                "manifest.duplicate_key",
                format!("/assets/{}/key", later.1),
                format!(
                    "the key `{}` is also that of the asset at `/assets/{}`",
                    later.0, first.1
                ),
                "give each asset its own key",
            );
        }
        same
    });
    keyed.into_iter().map(|row| row.1).collect()
}

fn tags(manifest: &Manifest, declared: &[u32]) -> BTreeMap<String, Vec<AssetIndex>> {
    let mut tags: BTreeMap<String, Vec<AssetIndex>> = BTreeMap::new();
    for (index, &place) in (0u32..).zip(declared) {
        for tag in &manifest.assets[place as usize].tags {
            match tags.get_mut(tag) {
                Some(assets) => assets.push(AssetIndex(index)),
                None => drop(tags.insert(tag.clone(), alloc::vec![AssetIndex(index)])),
            }
        }
    }
    tags
}
