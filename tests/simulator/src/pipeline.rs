//! The pipelines that a life deploys: a diamond with checks and retries, days, and a second version of both.

use arcoflow_core::identity::digest::sha256;
use arcoflow_core::identity::ids::AssetId;
use serde_json::{Value, json};

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

/// The attempts that an asset is given at most, for the judge.
pub(crate) const MOST_ATTEMPTS: u64 = 3;

/// The places of the queue and of the pool, for the judge.
pub(crate) const MOST_OPEN: usize = 6;
pub(crate) const MOST_OF_POOL: usize = 2;

/// A version of the pipeline; all have the same assets, and differ in how they are run.
pub(crate) fn manifest(version: u64) -> Value {
    let quick = json!({
        "retry": { "maxAttempts": 3, "baseDelayMs": 2_000, "factor": 2, "maxDelayMs": 60_000 },
        "timeouts": { "startMs": 60_000, "heartbeatMs": 60_000, "attemptMs": 1_800_000, "cancelGraceMs": 30_000 },
    });
    let checked = json!({
        "check": { "run": { "command": ["check"] }, "severity": "block" },
        "retry": { "maxAttempts": 2, "baseDelayMs": 500 },
        "timeouts": { "heartbeatMs": 45_000, "attemptMs": 900_000 },
    });
    let warned = json!({ "check": { "run": { "command": ["check"] }, "severity": "warn" }, "priority": version, "timeouts": { "attemptMs": 600_000 } });
    let short = json!({ "attemptMs": 1_200_000 });
    let days = json!({ "timeouts": short, "partitions": [{ "name": "day", "kind": "daily", "start": "2026-03-20" }] });
    let pooled = json!({ "timeouts": short, "pool": "source", "partitions": [{ "name": "day", "kind": "daily", "start": "2026-03-20" }] });
    json!({
        "version": 1,
        "pools": { "source": { "limit": MOST_OF_POOL } },
        "schedules": [
            { "name": "nightly", "cron": "30 2 * * *", "timeZone": "Europe/Paris", "catchUp": "latest", "trigger": { "selection": "+day/clean", "latestPartition": true } },
            { "name": "often", "cron": "0 */3 * * *", "catchUp": "none", "trigger": { "selection": "raw/a" } },
        ],
        "queues": { "default": { "limit": MOST_OPEN } },
        "assets": [
            asset("raw/a", &[], quick.clone()),
            asset("raw/b", &[], checked),
            asset("mid/c", &["raw/a", "raw/b"], quick),
            asset("mid/d", &["raw/b"], warned),
            asset("mart/e", &["mid/c", "mid/d"], json!({ "timeouts": short })),
            asset("day/raw", &[], pooled),
            asset("day/clean", &["day/raw"], days),
        ],
    })
}
