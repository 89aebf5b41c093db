//! Paths, sizes, content and bodies that are refused, each with its answer.

use serde_json::json;

use crate::contract::lives::Place;
use crate::contract::script::Script;

/// Asks everything that is no request of this interface.
pub(super) fn ask(script: &mut Script<'_>, place: &Place) -> Result<(), String> {
    paths(script)?;
    heads(script, place)?;
    texts(script)?;
    values(script, place)
}

fn paths(script: &mut Script<'_>) -> Result<(), String> {
    for path in [
        "/",
        "/v1",
        "/v1/nothing",
        "/v1/runs/not-an-id",
        "/v1/runs/..%2f..",
        "/v1/runs/%00",
        "/v1/runs/",
    ] {
        script.get("no such path", path, (404, "not-found"))?;
    }
    for (method, path) in [
        ("DELETE", "/v1/runs"),
        ("PUT", "/v1/manifests/current"),
        ("GET", "/v1/leases"),
        ("POST", "/health"),
    ] {
        script.ask(
            "no such method",
            (method, path, &[], b""),
            (405, "method-not-allowed"),
        )?;
    }
    Ok(())
}

/// What is asked, with which headers and body, and what is answered.
type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [u8], (u16, &'a str));

fn heads(script: &mut Script<'_>, place: &Place) -> Result<(), String> {
    let long = format!("/v1/runs?before={}", "a".repeat(2_048));
    script.get("a long target", &long, (414, "uri-too-long"))?;
    let authorization = format!("Bearer {}", script.door.keys.owner);
    let auth = ("authorization", authorization.as_str());
    let big = "a".repeat(16 * 1_024);
    script.ask(
        "large headers",
        ("GET", "/v1/runs", &[auth, ("x-big", &big)], b""),
        (431, "headers-too-large"),
    )?;
    let kind = ("content-type", "application/json");
    let rows: &[Row<'_>] = &[
        (
            "no content type",
            &[auth],
            b"{}",
            (415, "unsupported-media-type"),
        ),
        (
            "text",
            &[auth, ("content-type", "text/plain")],
            b"{}",
            (415, "unsupported-media-type"),
        ),
        (
            "compressed",
            &[auth, kind, ("content-encoding", "gzip")],
            b"{}",
            (415, "unsupported-media-type"),
        ),
        (
            "a length over the cap",
            &[auth, kind, ("content-length", "1048577")],
            b"",
            (413, "body-too-large"),
        ),
        (
            "two credentials",
            &[auth, auth, kind],
            b"{}",
            (400, "bad-request"),
        ),
        (
            "a key that is too long",
            &[auth, kind, ("idempotency-key", &big[..257])],
            b"{}",
            (400, "bad-request"),
        ),
    ];
    for (what, headers, body, expected) in rows {
        script.ask(what, ("POST", "/v1/runs", headers, body), *expected)?;
    }
    let token = format!("Bearer {}", place.token);
    let task = ("authorization", token.as_str());
    for (what, cap) in [
        ("started", 4 * 1_024),
        ("heartbeat", 4 * 1_024),
        ("completed", 256 * 1_024),
    ] {
        let body = vec![b' '; cap + 1];
        script.ask(
            "a body over the cap",
            ("POST", &place.callback(what), &[task, kind], &body),
            (413, "body-too-large"),
        )?;
        let mut chunked = format!("{:x}\r\n", body.len()).into_bytes();
        chunked.extend_from_slice(&body);
        chunked.extend_from_slice(b"\r\n0\r\n\r\n");
        let headers = [task, kind, ("transfer-encoding", "chunked")];
        script.ask(
            "a stream over the cap",
            ("POST", &place.callback(what), &headers, &chunked),
            (413, "body-too-large"),
        )?;
    }
    let headers = [auth, kind, ("transfer-encoding", "chunked")];
    script.ask(
        "a stream of nothing good",
        ("POST", "/v1/runs", &headers, b"3\r\n{]}\r\n0\r\n\r\n"),
        (400, "malformed-json"),
    )?;
    Ok(())
}

fn texts(script: &mut Script<'_>) -> Result<(), String> {
    let key = script.door.keys.owner.clone();
    let deep = format!("{}{}", "[".repeat(33), "]".repeat(33));
    let wide = format!("[{}0]", "0,".repeat(10_000));
    let long = format!("{{\"{}\":1}}", "k".repeat(257));
    let rows: &[(&str, &[u8], (u16, &str))] = &[
        ("no UTF-8", b"\xff", (400, "malformed-json")),
        ("an open object", b"{", (400, "malformed-json")),
        ("more than one value", b"{} x", (400, "malformed-json")),
        (
            "a lone surrogate",
            b"{\"a\":\"\\ud800\"}",
            (400, "malformed-json"),
        ),
        ("too deep", deep.as_bytes(), (400, "json-limit-exceeded")),
        (
            "too many values",
            wide.as_bytes(),
            (400, "json-limit-exceeded"),
        ),
        ("a long key", long.as_bytes(), (400, "json-limit-exceeded")),
        (
            "a key twice",
            br#"{"labels":{"a":"1","\u0061":"2"}}"#,
            (400, "duplicate-key"),
        ),
        (
            "a list where an object stands",
            b"[]",
            (422, "validation-failed"),
        ),
        (
            "a fraction",
            br#"{"priority":1.5}"#,
            (422, "validation-failed"),
        ),
        (
            "a power",
            br#"{"priority":1e2}"#,
            (422, "validation-failed"),
        ),
        (
            "a number beyond 64 bits",
            br#"{"priority":99999999999999999999}"#,
            (422, "validation-failed"),
        ),
        (
            "a word for a number",
            br#"{"priority":"high"}"#,
            (422, "validation-failed"),
        ),
        (
            "what a caller may not say",
            br#"{"status":"succeeded"}"#,
            (422, "validation-failed"),
        ),
        (
            "another tenant",
            br#"{"tenantId":"other"}"#,
            (422, "validation-failed"),
        ),
        (
            "no partition key",
            br#"{"partitionKey":"month=2012-01-01"}"#,
            (422, "validation-failed"),
        ),
        (
            "two ways at once",
            br#"{"partitionKey":"month=d:2012-01-01","allPartitions":true}"#,
            (422, "validation-failed"),
        ),
        (
            "a bell in a key",
            br#"{"runKey":"\u0007"}"#,
            (422, "validation-failed"),
        ),
        (
            "an asset that is not there",
            br#"{"selection":"raw/z"}"#,
            (422, "plan-invalid"),
        ),
    ];
    for (what, body, expected) in rows {
        script.post(what, "/v1/runs", &key, body, *expected)?;
    }
    let cycle = br#"{"version":1,"assets":[{"key":"raw/c","id":"01930a0b-0000-7000-8000-000000000003","upstreams":[{"asset":"raw/c"}],"run":{"command":["x"]}}]}"#;
    script.post(
        "a circle",
        "/v1/manifests",
        &key,
        cycle,
        (422, "manifest-invalid"),
    )?;
    script.post(
        "no manifest",
        "/v1/manifests",
        &key,
        br#"{"version":1,"assets":[{"key":7},{"id":1}]}"#,
        (422, "validation-failed"),
    )?;
    Ok(())
}

fn values(script: &mut Script<'_>, place: &Place) -> Result<(), String> {
    let (started, heartbeat) = (place.callback("started"), place.callback("heartbeat"));
    for (target, body) in [
        (&started, json!({ "attempt": 0, "workerId": "w1" })),
        (&started, json!({ "attempt": -1, "workerId": "w1" })),
        (&started, json!({ "attempt": 1, "workerId": "" })),
        (&started, json!({ "attempt": 1, "workerId": "w\u{1b}[31m" })),
        (&started, json!({ "attempt": 1, "workerId": "w\u{202e}" })),
        (&started, json!({ "workerId": "w1" })),
        (
            &heartbeat,
            json!({ "attempt": 1, "workerId": "w1", "progressPct": 101 }),
        ),
    ] {
        let body = body.to_string();
        script.post(
            "a value out of bounds",
            target,
            &place.token,
            body.as_bytes(),
            (422, "validation-failed"),
        )?;
    }
    for target in [
        "/v1/runs?limit=1001",
        "/v1/runs?limit=x",
        "/v1/runs?open=maybe",
        "/v1/ledger?after=-1",
        "/v1/ledger?waitS=61",
    ] {
        script.get("a query out of bounds", target, (422, "validation-failed"))?;
    }
    Ok(())
}
