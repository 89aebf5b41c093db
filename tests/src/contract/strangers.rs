//! Whoever has no credential, a wrong one or one for another room gets the same words at both doors.

use std::time::{SystemTime, UNIX_EPOCH};

use arcoflow_core::door::token::{KeyStage, TaskClaims, TokenKey, mint};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::contract::lives::Place;
use crate::contract::script::Script;

const NOBODY: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const DONE: &[u8] = br#"{"attempt":1,"workerId":"w1","outcome":"SUCCEEDED"}"#;

/// Asks as everybody who must not come in.
pub(super) fn ask(script: &mut Script<'_>, place: &Place) -> Result<(), String> {
    nothing(script, place)?;
    wrong_tokens(script, place)?;
    other_rooms(script, place)
}

fn nothing(script: &mut Script<'_>, place: &Place) -> Result<(), String> {
    let target = place.callback("completed");
    let kind = ("content-type", "application/json");
    let in_query = format!("{target}?access_token={}", place.token);
    let unauthorized = (401, "unauthorized");
    script.ask(
        "no credential",
        ("POST", &target, &[kind], DONE),
        unauthorized,
    )?;
    script.ask(
        "a token in the query",
        ("POST", &in_query, &[kind], DONE),
        unauthorized,
    )?;
    for value in ["Basic eA==", "Bearer", "token"] {
        let headers = [kind, ("authorization", value)];
        script.ask(
            "another scheme",
            ("POST", &target, &headers, DONE),
            unauthorized,
        )?;
    }
    Ok(())
}

fn wrong_tokens(script: &mut Script<'_>, place: &Place) -> Result<(), String> {
    let target = place.callback("completed");
    let invalid = (401, "invalid-token");
    let parts: Vec<&str> = place.token.split('.').collect();
    let [head, claims, signature] = parts.as_slice() else {
        return Err("a task token has three parts".to_owned());
    };
    let header = |json: Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    let with_header = |json: Value| format!("{}.{claims}.{signature}", header(json));
    let bent = if signature.starts_with('A') { "B" } else { "A" };
    let mut rows = vec![
        ("one part", (*head).to_owned()),
        ("two parts", format!("{head}.{claims}")),
        ("five parts", format!("{head}.{claims}.{signature}.x.y")),
        ("too long", "a".repeat(2_049)),
        (
            "alg none",
            format!(
                "{}.{claims}.",
                header(json!({ "alg": "none", "kid": "k2", "typ": "arcoflow-task+jwt" }))
            ),
        ),
        (
            "another alg",
            with_header(json!({ "alg": "HS512", "kid": "k2", "typ": "arcoflow-task+jwt" })),
        ),
        (
            "another typ",
            with_header(json!({ "alg": "HS256", "kid": "k2", "typ": "JWT" })),
        ),
        (
            "jwk in the header",
            with_header(
                json!({ "alg": "HS256", "jwk": {}, "kid": "k2", "typ": "arcoflow-task+jwt" }),
            ),
        ),
        (
            "jku in the header",
            with_header(
                json!({ "alg": "HS256", "jku": "https://x", "kid": "k2", "typ": "arcoflow-task+jwt" }),
            ),
        ),
        (
            "crit in the header",
            with_header(
                json!({ "alg": "HS256", "b64": false, "crit": ["b64"], "kid": "k2", "typ": "arcoflow-task+jwt" }),
            ),
        ),
        (
            "a path as kid",
            with_header(json!({ "alg": "HS256", "kid": "../k2", "typ": "arcoflow-task+jwt" })),
        ),
        (
            "a bent signature",
            format!("{head}.{claims}.{bent}{}", &signature[1..]),
        ),
        (
            "a padded signature",
            format!("{head}.{claims}.{signature}="),
        ),
        (
            "a truncated signature",
            format!("{head}.{claims}.{}", &signature[..40]),
        ),
        (
            "a truncated claim",
            format!("{head}.{}.{signature}", &claims[..claims.len() - 1]),
        ),
        ("an API key", script.door.keys.owner.clone()),
        ("an API key that nobody has", "arco_test_AAAA".to_owned()),
        ("a revoked API key", script.door.keys.revoked.clone()),
        ("another tenant's API key", script.door.keys.foreign.clone()),
    ];
    let decoded = BASE64URL_NOPAD
        .decode(claims.as_bytes())
        .map_err(|error| error.to_string())?;
    let own: TaskClaims = serde_json::from_slice(&decoded).map_err(|error| error.to_string())?;
    let now_ms = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|error| error.to_string())?;
    let now_ms = u64::try_from(now_ms.as_millis()).unwrap_or(u64::MAX);
    let key = |id: &str, byte: u8| TokenKey {
        id: id.to_owned(),
        secret: [byte; 32],
        stage: KeyStage::Active,
    };
    let minted = |key: &TokenKey, claims: TaskClaims, at_ms: u64| {
        mint(std::slice::from_ref(key), claims, at_ms, 300_000)
            .map(|(token, _)| token)
            .unwrap_or_default()
    };
    let changed = |change: &dyn Fn(&mut TaskClaims)| {
        let mut claims = own.clone();
        change(&mut claims);
        minted(&key("k2", 0x22), claims, now_ms)
    };
    rows.extend([
        (
            "an unknown key",
            minted(&key("k9", 0x22), own.clone(), now_ms),
        ),
        (
            "another secret",
            minted(&key("k2", 0x23), own.clone(), now_ms),
        ),
        (
            "a revoked key",
            minted(&key("k0", 0x00), own.clone(), now_ms),
        ),
        (
            "from the future",
            minted(&key("k2", 0x22), own.clone(), now_ms + 90_000),
        ),
        (
            "another issuer",
            changed(&|claims| claims.iss = "elsewhere".to_owned()),
        ),
        (
            "another audience",
            changed(&|claims| claims.aud = "elsewhere".to_owned()),
        ),
        ("another version", changed(&|claims| claims.ver = 2)),
    ]);
    for (what, token) in &rows {
        script.post(what, &target, token, DONE, invalid)?;
    }
    let expired = minted(&key("k2", 0x22), own.clone(), now_ms - 400_000);
    script.post(
        "an expired token",
        &target,
        &expired,
        DONE,
        (401, "token-expired"),
    )?;
    let bent = format!("{}AAAA", &expired[..expired.len() - 4]);
    script.post(
        "an expired token with a bent signature",
        &target,
        &bent,
        DONE,
        invalid,
    )?;
    let retiring = minted(&key("k1", 0x11), own, now_ms);
    let alive = br#"{"attempt":1,"workerId":"w1"}"#;
    script.post(
        "a token of a retiring key",
        &place.callback("started"),
        &retiring,
        alive,
        (200, ""),
    )?;
    Ok(())
}

fn other_rooms(script: &mut Script<'_>, place: &Place) -> Result<(), String> {
    let mismatch = (403, "token-scope-mismatch");
    let target = place.callback("completed");
    script.post(
        "another task",
        &format!("/v1/tasks/{NOBODY}/completed"),
        &place.token,
        DONE,
        mismatch,
    )?;
    for body in [
        json!({ "attempt": 2, "workerId": "w1", "outcome": "SUCCEEDED" }),
        json!({ "attempt": 1, "attemptId": NOBODY, "workerId": "w1", "outcome": "SUCCEEDED" }),
    ] {
        script.post(
            "another attempt",
            &target,
            &place.token,
            body.to_string().as_bytes(),
            mismatch,
        )?;
    }
    let scope = (403, "insufficient-scope");
    script.post(
        "a task token on a trigger",
        "/v1/runs",
        &place.token,
        b"{}",
        scope,
    )?;
    let reader = script.door.keys.reader.clone();
    for target in [
        "/v1/runs",
        "/v1/manifests",
        "/v1/leases",
        "/v1/ledger",
        "/v1/scheduler",
    ] {
        script.post("a key that only reads", target, &reader, b"{}", scope)?;
    }
    script.get(
        "a run that never was",
        &format!("/v1/runs/{NOBODY}"),
        (404, "run-not-found"),
    )?;
    let task = format!("/v1/runs/{}/tasks/{NOBODY}", place.run);
    script.get("a task that never was", &task, (404, "task-not-found"))?;
    Ok(())
}
