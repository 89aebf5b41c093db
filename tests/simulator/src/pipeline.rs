//! The pipelines that a life deploys: a diamond with checks and retries, days, schedules, sensors and what is kept up to date, in three versions.

use arcoflow_core::identity::digest::sha256;
use arcoflow_core::identity::ids::AssetId;
use serde_json::{Value, json};

use crate::settings::Settings;

fn asset(key: &str, upstreams: &[&str], more: Value) -> Value {
    let digest = sha256(key.as_bytes()).to_bytes();
    let mut random = [0; 10];
    random.copy_from_slice(&digest[..10]);
    let id = AssetId::from_parts(1_700_000_000_000, random).expect("a time of 48 bits");
    let upstreams: Vec<Value> = upstreams
        .iter()
        .map(|key| json!({ "asset": key }))
        .collect();
    let mut asset = json!({ "key": key, "id": id.to_string(), "upstreams": upstreams, "run": { "command": ["work"] } });
    if let (Value::Object(asset), Value::Object(more)) = (&mut asset, more) {
        asset.extend(more);
    }
    asset
}

/// The places of the queue and of the pool, for the judge.
pub(crate) const MOST_OPEN: usize = 6;
pub(crate) const MOST_OF_POOL: usize = 2;
/// The grace of every asset, in milliseconds, for the judge.
pub(crate) const GRACE_MS: u64 = 30_000;

/// The schedules of every version.
pub(crate) const SCHEDULES: &[&str] = &["caught", "nightly", "often"];
/// The automation, what the names of its assets begin with, and how many runs it may have at once.
pub(crate) const KEEPS: &str = "keeps";
pub(crate) const KEPT: &str = "kept/";
pub(crate) const MOST_KEEPING: usize = 2;
/// The sensor that is told, and the one that looks.
pub(crate) const TOLD: &str = "told";
pub(crate) const LOOKS: &str = "looks";

/// A version of the pipeline; all have the same assets, and differ in how they are run.
pub(crate) fn manifest(version: u64, settings: &Settings) -> Value {
    let quick = json!({
        "retry": { "maxAttempts": 3, "baseDelayMs": 2_000, "factor": 2, "maxDelayMs": 60_000 },
        "timeouts": { "startMs": 60_000, "heartbeatMs": 60_000, "attemptMs": 1_800_000, "cancelGraceMs": GRACE_MS },
    });
    let checked = json!({
        "check": { "run": { "command": ["check"] }, "severity": "block" },
        "retry": { "maxAttempts": 2, "baseDelayMs": 500 },
        "timeouts": { "heartbeatMs": 45_000, "attemptMs": 900_000 },
    });
    let warned = json!({ "check": { "run": { "command": ["check"] }, "severity": "warn" }, "priority": version, "timeouts": { "attemptMs": 600_000 } });
    let short = json!({ "attemptMs": 1_200_000 });
    let days = json!({ "timeouts": short, "partitions": [{ "name": "day", "kind": "daily", "start": "2026-03-20" }] });
    let has_automations = settings.has("automations");
    let kept = [
        asset("kept/a", &["raw/a"], json!({ "timeouts": short })),
        asset("kept/b", &["kept/a", "mid/c"], json!({ "timeouts": short })),
        asset("kept/day", &["day/clean"], days.clone()),
    ];
    let pooled = json!({ "timeouts": short, "pool": "source", "partitions": [{ "name": "day", "kind": "daily", "start": "2026-03-20" }] });
    let mut assets = vec![
        asset("raw/a", &[], quick.clone()),
        asset("raw/b", &[], checked),
        asset("mid/c", &["raw/a", "raw/b"], quick),
        asset("mid/d", &["raw/b"], warned),
        asset("mart/e", &["mid/c", "mid/d"], json!({ "timeouts": short })),
        asset("day/raw", &[], pooled),
        asset("day/clean", &["day/raw"], days),
    ];
    assets.extend(kept.into_iter().filter(|_| has_automations));
    json!({
        "version": 1,
        "automations": if has_automations { automations() } else { json!([]) },
        "pools": { "source": { "limit": MOST_OF_POOL } },
        "schedules": if settings.has("schedules") { schedules() } else { json!([]) },
        "sensors": sensors(settings),
        "queues": { "default": { "limit": MOST_OPEN } },
        "assets": assets,
    })
}

fn schedules() -> Value {
    json!([
        { "name": "nightly", "cron": "30 2 * * *", "timeZone": "Europe/Paris", "catchUp": "latest", "trigger": { "selection": "+day/clean", "latestPartition": true } },
        { "name": "often", "cron": "0 */3 * * *", "catchUp": "none", "trigger": { "selection": "raw/a" } },
        { "name": "caught", "cron": "45 */2 * * *", "timeZone": "America/New_York", "catchUp": "all", "trigger": { "selection": "raw/a" } },
    ])
}

fn automations() -> Value {
    json!([{ "name": KEEPS, "concurrency": MOST_KEEPING, "trigger": { "selection": format!("{KEPT}*") } }])
}

fn sensors(settings: &Settings) -> Value {
    let mut sensors =
        vec![json!({ "name": TOLD, "kind": "push", "trigger": { "selection": "raw/a" } })];
    if settings.has("looks") {
        sensors.push(json!({
            "name": LOOKS, "kind": "poll", "intervalMs": 300_000, "run": { "command": ["look"] }, "trigger": { "selection": "raw/b" },
            "timeouts": { "startMs": 60_000, "heartbeatMs": 60_000, "attemptMs": 240_000, "cancelGraceMs": GRACE_MS },
        }));
    }
    Value::Array(sensors)
}
