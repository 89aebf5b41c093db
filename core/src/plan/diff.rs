//! A difference names both sides, and says what it means for what runs.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::plan::order::{map_of, sort_by};
use crate::wire::manifest::{Asset, Manifest};
use crate::wire::pointer;

mod json;
pub mod task;

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Fate {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is the same asset under another key, and perhaps more.
    Renamed,
    /// It is there in both, and differs.
    Changed,
}

/// What of a manifest differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// An asset.
    Asset,
    /// A pool.
    Pool,
    /// A queue.
    Queue,
    /// A schedule.
    Schedule,
    /// A sensor.
    Sensor,
    /// An automation.
    Automation,
}

/// One thing that differs between two manifests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What it is.
    pub subject: Subject,
    /// Its key or name, after the change where it is there.
    pub key: String,
    /// What became of it.
    pub fate: Fate,
    /// Its key before, when it was renamed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_before: Option<String>,
    /// Where it differs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

/// One place that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The place and the value in the first manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Side>,
    /// The place and the value in the second manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Side>,
    /// What it means for runs.
    pub meaning: &'static str,
}

/// One side of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// RFC 6901 pointer into that side's manifest.
    pub pointer: String,
    /// What stands there.
    pub value: Value,
}

/// Everything that differs between two manifests: assets by key, then pools, queues, schedules, sensors and automations by name.
///
/// The order of assets, upstreams, dimensions and tags means nothing and is no difference.
pub fn manifests(before: &Manifest, after: &Manifest) -> Vec<Change> {
    let mut changes = assets(before, after);
    changes.extend(named(
        Subject::Pool,
        limits("/pools", &before.pools),
        limits("/pools", &after.pools),
    ));
    changes.extend(named(
        Subject::Queue,
        limits("/queues", &before.queues),
        limits("/queues", &after.queues),
    ));
    let schedules =
        |manifest: &Manifest| listed("/schedules", &manifest.schedules, |row| row.name.clone());
    changes.extend(named(
        Subject::Schedule,
        schedules(before),
        schedules(after),
    ));
    let sensors =
        |manifest: &Manifest| listed("/sensors", &manifest.sensors, |row| row.name.clone());
    changes.extend(named(Subject::Sensor, sensors(before), sensors(after)));
    let automations = |manifest: &Manifest| {
        listed("/automations", &manifest.automations, |row| {
            row.name.clone()
        })
    };
    changes.extend(named(
        Subject::Automation,
        automations(before),
        automations(after),
    ));
    changes
}

type Rows = BTreeMap<String, Side>;

fn side<T: Serialize>(pointer: String, value: &T) -> Side {
    // Every shape of the manifest has a JSON form.
    let value = serde_json::to_value(value).unwrap_or(Value::Null);
    Side { pointer, value }
}

fn limits<T: Serialize>(place: &str, limits: &BTreeMap<String, T>) -> Rows {
    let rows = limits.iter();
    map_of(rows.map(|(name, limit)| (name.clone(), side(pointer::join(place, name), limit))))
}

fn listed<T: Serialize>(place: &str, list: &[T], name: impl Fn(&T) -> String) -> Rows {
    let rows = list.iter().enumerate();
    map_of(rows.map(|(index, row)| {
        (
            name(row),
            side(pointer::join(place, &index.to_string()), row),
        )
    }))
}

/// Assets by key; one whose id is in both under two keys was renamed.
fn assets(before: &Manifest, after: &Manifest) -> Vec<Change> {
    let key_of = |asset: &Asset| asset.key.to_string();
    let mut old = listed("/assets", &before.assets, key_of);
    let new = listed("/assets", &after.assets, key_of);
    let rows = before.assets.iter();
    let ids_before = map_of(rows.map(|asset| (asset.id, key_of(asset))));
    let mut changes = Vec::new();
    let mut fresh = Vec::new();
    for asset in &after.assets {
        let key = key_of(asset);
        let Some(side) = new.get(&key) else {
            continue;
        };
        let key_before = ids_before
            .get(&asset.id)
            .filter(|before| **before != key && !new.contains_key(*before));
        match (
            old.remove(&key),
            key_before.and_then(|before| Some((before, old.remove(before)?))),
        ) {
            (Some(same), _) => changes.extend(compared(Subject::Asset, &key, None, &same, side)),
            (None, Some((name, renamed))) => {
                changes.extend(compared(
                    Subject::Asset,
                    &key,
                    Some(name.clone()),
                    &renamed,
                    side,
                ));
            }
            (None, None) => fresh.push(whole(Subject::Asset, key, Fate::Added)),
        }
    }
    changes.extend(fresh);
    changes.extend(
        old.into_keys()
            .map(|key| whole(Subject::Asset, key, Fate::Removed)),
    );
    sort_by(&mut changes, |a, b| (&a.key, a.fate).cmp(&(&b.key, b.fate)));
    changes
}

fn named(subject: Subject, mut before: Rows, after: Rows) -> Vec<Change> {
    let mut changes = Vec::new();
    for (key, side) in after {
        match before.remove(&key) {
            Some(old) => changes.extend(compared(subject, &key, None, &old, &side)),
            None => changes.push(whole(subject, key, Fate::Added)),
        }
    }
    changes.extend(
        before
            .into_keys()
            .map(|key| whole(subject, key, Fate::Removed)),
    );
    sort_by(&mut changes, |a, b| a.key.cmp(&b.key));
    changes
}

fn whole(subject: Subject, key: String, fate: Fate) -> Change {
    Change {
        subject,
        key,
        fate,
        key_before: None,
        differences: Vec::new(),
    }
}

fn compared(
    subject: Subject,
    key: &str,
    key_before: Option<String>,
    before: &Side,
    after: &Side,
) -> Option<Change> {
    let differences = json::differences(subject, before, after);
    if differences.is_empty() && key_before.is_none() {
        return None;
    }
    let fate = if key_before.is_some() {
        Fate::Renamed
    } else {
        Fate::Changed
    };
    Some(Change {
        differences,
        key_before,
        ..whole(subject, key.to_string(), fate)
    })
}

#[cfg(test)]
mod tests;
