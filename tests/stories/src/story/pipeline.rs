//! A line of a story says what is unusual about an asset; everything else is as the manifest has it by default.

use arcoflow_core::identity::digest::sha256;
use arcoflow_core::identity::ids::AssetId;
use serde_json::{Value, json};

use super::clock::duration_ms;
use super::words::Words;

/// The namespace of an asset that is written without one.
pub const NAMESPACE: &str = "x/";

/// The key of an asset as it is written in a story.
#[must_use]
pub fn asset_key(name: &str) -> String {
    if name.contains('/') {
        name.to_owned()
    } else {
        format!("{NAMESPACE}{name}")
    }
}

/// A pipeline without assets.
#[must_use]
pub fn empty() -> Value {
    json!({ "version": 1, "assets": [] })
}

/// The id of an asset: it follows from its name, or from the name in `id=`.
fn asset_id(key: &str) -> Result<String, String> {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&sha256(key.as_bytes()).to_bytes()[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    AssetId::from_bytes(bytes)
        .map(|id| id.to_string())
        .map_err(|error| error.to_string())
}

/// Adds a line of a pipeline to its manifest.
///
/// # Errors
/// What the line should have said.
pub fn add(manifest: &mut Value, kind: &str, words: &mut Words) -> Result<(), String> {
    match kind {
        "asset" => {
            let asset = asset(words)?;
            if let Some(assets) = manifest["assets"].as_array_mut() {
                assets.push(asset);
            }
        }
        "queue" | "pool" => {
            let name = words.next("a name")?;
            let limit: u32 = words.number("how many attempts may be open")?;
            manifest[format!("{kind}s")][name] = json!({ "limit": limit });
        }
        "timeout" => {
            let timeout = words.next("how old a run may get")?;
            manifest["runTimeoutMs"] = json!(ms(&timeout)?);
        }
        "schedule" => {
            let name = words.next("a name")?;
            let mut member = json!({ "name": name });
            while let Some((key, value)) = words.option() {
                match key.as_str() {
                    "zone" => member["timeZone"] = json!(value),
                    "catchup" => member["catchUp"] = json!(value),
                    "cron" => member["cron"] = json!(value),
                    "selection" => member["trigger"]["selection"] = json!(value),
                    "latest" => member["trigger"]["latestPartition"] = literal(&value),
                    "timeout" => member["trigger"]["runTimeoutMs"] = json!(ms(&value)?),
                    _ => return Err(format!("a {kind} has no `{key}=`")),
                }
            }
            push(manifest, "schedules", member);
        }
        "sensor" => {
            let name = words.next("a name")?;
            let speaks = words.next("`push` or `poll`")?;
            let mut member = json!({ "name": name, "kind": speaks });
            if speaks == "poll" {
                member["run"] = json!({ "command": ["look"] });
            }
            while let Some((key, value)) = words.option() {
                match key.as_str() {
                    "every" => member["intervalMs"] = json!(ms(&value)?),
                    "queue" => member["queue"] = json!(value),
                    "selection" => member["trigger"]["selection"] = json!(value),
                    "start" => member["timeouts"]["startMs"] = json!(ms(&value)?),
                    "heartbeat" => member["timeouts"]["heartbeatMs"] = json!(ms(&value)?),
                    "time" => member["timeouts"]["attemptMs"] = json!(ms(&value)?),
                    _ => return Err(format!("a {kind} has no `{key}=`")),
                }
            }
            push(manifest, "sensors", member);
        }
        "automation" => {
            let name = words.next("a name")?;
            let mut member = json!({ "name": name });
            while let Some((key, value)) = words.option() {
                match key.as_str() {
                    "selection" => member["trigger"]["selection"] = json!(value),
                    "concurrency" => member["concurrency"] = literal(&value),
                    "priority" => member["trigger"]["priority"] = literal(&value),
                    "checks" => member["trigger"]["checks"] = literal(&value),
                    _ => return Err(format!("an {kind} has no `{key}=`")),
                }
            }
            push(manifest, "automations", member);
        }
        _ => return Err(format!("`{kind}` is no line of a pipeline")),
    }
    words.end()
}

fn push(manifest: &mut Value, list: &str, member: Value) {
    if manifest[list].is_null() {
        manifest[list] = json!([]);
    }
    if let Some(members) = manifest[list].as_array_mut() {
        members.push(member);
    }
}

fn ms(value: &str) -> Result<u64, String> {
    duration_ms(value).ok_or_else(|| format!("`{value}` is no duration, for instance `90s`"))
}

/// JSON when it is JSON, and text otherwise.
pub(crate) fn literal(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}

fn asset(words: &mut Words) -> Result<Value, String> {
    let key = asset_key(&words.next("the asset's name")?);
    let mut asset = json!({ "key": key, "id": asset_id(&key)?, "run": { "command": ["true"] } });
    while let Some((name, value)) = words.option() {
        set(&mut asset, &name, &value)?;
    }
    Ok(asset)
}

fn set(asset: &mut Value, name: &str, value: &str) -> Result<(), String> {
    let number = |value: &str| {
        value
            .parse::<i64>()
            .map_err(|_| format!("`{value}` is no whole number"))
    };
    match name {
        "from" => asset["upstreams"] = upstreams(value)?,
        "id" => asset["id"] = json!(asset_id(value)?),
        "retry" => asset["retry"]["maxAttempts"] = json!(number(value)?),
        "base" => asset["retry"]["baseDelayMs"] = json!(ms(value)?),
        "factor" => asset["retry"]["factor"] = json!(number(value)?),
        "cap" => asset["retry"]["maxDelayMs"] = json!(ms(value)?),
        "start" => asset["timeouts"]["startMs"] = json!(ms(value)?),
        "heartbeat" => asset["timeouts"]["heartbeatMs"] = json!(ms(value)?),
        "time" => asset["timeouts"]["attemptMs"] = json!(ms(value)?),
        "grace" => asset["timeouts"]["cancelGraceMs"] = json!(ms(value)?),
        "queue" | "pool" => asset[name] = json!(value),
        "priority" => asset["priority"] = json!(number(value)?),
        "check" => asset["check"] = json!({ "run": { "command": ["check"] }, "severity": value }),
        "tags" => asset["tags"] = json!(value.split(',').collect::<Vec<_>>()),
        "hourly" | "daily" | "weekly" | "monthly" | "static" | "dynamic" => {
            let dimension = dimension(name, value);
            match asset["partitions"].as_array_mut() {
                Some(dimensions) => dimensions.push(dimension),
                None => asset["partitions"] = json!([dimension]),
            }
        }
        _ => return Err(format!("an asset has no `{name}=`")),
    }
    Ok(())
}

/// `b,c(all),d(window:3)`
fn upstreams(value: &str) -> Result<Value, String> {
    let mut upstreams = Vec::new();
    for one in value.split(',') {
        let (name, mapping) = match one.split_once('(') {
            Some((name, rest)) => (name, rest.strip_suffix(')')),
            None => (one, None),
        };
        let mut upstream = json!({ "asset": asset_key(name) });
        if let Some(mapping) = mapping {
            upstream["mapping"] = match mapping.split_once(':') {
                Some((kind, count)) => {
                    let count: u32 = count
                        .parse()
                        .map_err(|_| format!("`{mapping}` is no mapping"))?;
                    json!({ kind: count })
                }
                None => json!(mapping),
            };
        }
        upstreams.push(upstream);
    }
    Ok(Value::Array(upstreams))
}

/// `daily=2025-01-01..2025-02-01@Europe/Zurich`, `static=eu|us`, `dynamic=int64`; a dimension is called as its kind.
fn dimension(kind: &str, value: &str) -> Value {
    let name = match kind {
        "hourly" => "hour",
        "daily" => "day",
        "weekly" => "week",
        "monthly" => "month",
        "static" => "part",
        _ => "key",
    };
    let mut dimension = json!({ "name": name, "kind": kind });
    match kind {
        "static" => {
            dimension["values"] = json!(value.split('|').map(literal).collect::<Vec<_>>());
        }
        "dynamic" => dimension["valueType"] = json!(value),
        _ => {
            let (range, zone) = match value.split_once('@') {
                Some((range, zone)) => (range, Some(zone)),
                None => (value, None),
            };
            let (start, end) = match range.split_once("..") {
                Some((start, end)) => (start, Some(end)),
                None => (range, None),
            };
            dimension["start"] = json!(start);
            if let Some(end) = end {
                dimension["end"] = json!(end);
            }
            if let Some(zone) = zone {
                dimension["timeZone"] = json!(zone);
            }
        }
    }
    dimension
}
