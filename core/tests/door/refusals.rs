//! Every bad request gets exactly the answer that the table of refusals gives it, and changes nothing.

use arcoflow_core::door::rate::{Limiter, Rate};
use serde_json::json;

use crate::house::{House, asset, manifest, text};
use crate::place::place;
use crate::replayed::check;

#[test]
fn paths_and_methods() {
    let mut place = place();
    for path in [
        "/",
        "/v1",
        "/v1/nothing",
        "/v1/runs/not-an-id",
        "/v1/runs/..%2f..",
        "/v1/runs/%00",
        "/v1/tasks/../completed",
        "//v1/runs",
    ] {
        let answer = place.refuse("GET", path, &[], b"");
        assert_eq!(answer.slug(), "not-found", "{path}");
    }
    let answer = place.refuse("DELETE", "/v1/runs", &[], b"");
    assert_eq!(
        (answer.slug(), answer.header("allow")),
        ("method-not-allowed", Some("POST, GET"))
    );
    let answer = place.refuse("PUT", "/v1/manifests/current", &[], b"");
    assert_eq!(
        (answer.slug(), answer.header("allow")),
        ("method-not-allowed", Some("GET"))
    );
}

#[test]
fn sizes_and_content() {
    let mut place = place();
    let long = format!("/v1/runs?before={}", "a".repeat(2_048));
    assert_eq!(place.refuse("GET", &long, &[], b"").slug(), "uri-too-long");
    let big = "a".repeat(16 * 1_024);
    assert_eq!(
        place
            .refuse("GET", "/v1/runs", &[("x-big", &big)], b"")
            .slug(),
        "headers-too-large"
    );

    let authorization = format!("Bearer {}", place.house.key);
    let auth = ("authorization", authorization.as_str());
    let json_type = ("content-type", "application/json");
    let rows: &[(&[(&str, &str)], &str)] = &[
        (&[auth], "unsupported-media-type"),
        (
            &[auth, ("content-type", "text/plain")],
            "unsupported-media-type",
        ),
        (
            &[auth, json_type, ("content-encoding", "gzip")],
            "unsupported-media-type",
        ),
        (
            &[auth, json_type, ("content-length", "1048577")],
            "body-too-large",
        ),
        (
            &[
                auth,
                json_type,
                ("content-length", "2"),
                ("content-length", "3"),
            ],
            "bad-request",
        ),
        (
            &[
                auth,
                json_type,
                ("content-length", "2"),
                ("transfer-encoding", "chunked"),
            ],
            "bad-request",
        ),
        (&[auth, auth, json_type], "bad-request"),
    ];
    for (headers, slug) in rows {
        assert_eq!(
            place.refuse("POST", "/v1/runs", headers, b"{}").slug(),
            *slug,
            "{headers:?}"
        );
    }
    let answer = place.refuse(
        "POST",
        "/v1/runs",
        &[auth, ("content-type", "text/plain")],
        b"{}",
    );
    assert_eq!(answer.header("accept-post"), Some("application/json"));
    let answer = place.refuse(
        "POST",
        "/v1/runs",
        &[auth, json_type, ("content-encoding", "br")],
        b"{}",
    );
    assert_eq!(answer.header("accept-encoding"), Some("identity"));

    for (target, cap) in [
        ("started", 4 * 1_024),
        ("heartbeat", 4 * 1_024),
        ("completed", 256 * 1_024),
    ] {
        let target = format!("/v1/tasks/{}/{target}", place.task);
        let token = place.token.clone();
        let answer = place.post(&target, &token, &vec![b' '; cap + 1]);
        assert_eq!(
            (answer.slug(), answer.json["limit"].as_u64()),
            ("body-too-large", Some(cap as u64))
        );
    }
}

#[test]
fn json_that_is_none_or_too_much() {
    let mut place = place();
    for (body, offset) in [
        (&b"\xff"[..], 0),
        (b"{", 1),
        (b"{} x", 3),
        (b"", 0),
        (b"{\"a\":\"\\ud800\"}", 6),
    ] {
        let answer = place.trigger(body);
        assert_eq!(
            (answer.slug(), answer.json["offset"].as_u64()),
            ("malformed-json", Some(offset)),
            "{}",
            String::from_utf8_lossy(body)
        );
    }
    let deep = format!("{}{}", "[".repeat(33), "]".repeat(33));
    assert_eq!(place.trigger(deep.as_bytes()).slug(), "json-limit-exceeded");
    let wide = format!("[{}0]", "0,".repeat(10_000));
    assert_eq!(place.trigger(wide.as_bytes()).slug(), "json-limit-exceeded");
    let key = format!("{{\"{}\":1}}", "k".repeat(257));
    assert_eq!(place.trigger(key.as_bytes()).slug(), "json-limit-exceeded");
    let answer = place.trigger(br#"{"labels":{"a":"1","\u0061":"2"}}"#);
    assert_eq!(
        (answer.slug(), &answer.json["pointer"]),
        ("duplicate-key", &json!("/labels/a"))
    );
}

#[test]
fn json_that_says_the_wrong_thing() {
    let mut place = place();
    let rows: &[(&str, &str)] = &[
        (r#"{"priority":1.5}"#, "/priority"),
        (r#"{"priority":1e2}"#, "/priority"),
        (r#"{"priority":99999999999999999999}"#, "/priority"),
        (r#"{"priority":"high"}"#, "/priority"),
        (r#"{"status":"succeeded"}"#, ""),
        (r#"{"tenantId":"other"}"#, ""),
        (r#"{"partitionKey":"month=2012-01-01"}"#, "/partitionKey"),
        (
            r#"{"partitionKey":"month=d:2012-01-01","allPartitions":true}"#,
            "/allPartitions",
        ),
        (r#"{"runKey":"\u0007"}"#, "/runKey"),
    ];
    for (body, pointer) in rows {
        let answer = place.trigger(body.as_bytes());
        assert_eq!(answer.slug(), "validation-failed", "{body}");
        let found = text(&answer.json["errors"][0]["pointer"]);
        assert!(
            found == *pointer || (pointer.is_empty() && found.len() < 12),
            "{body}: {found}"
        );
    }
    let started = format!("/v1/tasks/{}/started", place.task);
    let heartbeat = format!("/v1/tasks/{}/heartbeat", place.task);
    let token = place.token.clone();
    for (target, body, pointer) in [
        (
            &started,
            json!({ "attempt": 0, "workerId": "w1" }),
            "/attempt",
        ),
        (
            &started,
            json!({ "attempt": -1, "workerId": "w1" }),
            "/attempt",
        ),
        (
            &started,
            json!({ "attempt": 1, "workerId": "" }),
            "/workerId",
        ),
        (
            &started,
            json!({ "attempt": 1, "workerId": "w\u{1b}[31m" }),
            "/workerId",
        ),
        (
            &started,
            json!({ "attempt": 1, "workerId": "w\u{202e}" }),
            "/workerId",
        ),
        (
            &heartbeat,
            json!({ "attempt": 1, "workerId": "w1", "progressPct": 101 }),
            "/progressPct",
        ),
    ] {
        let answer = place.post(target, &token, body.to_string().as_bytes());
        assert_eq!(
            (answer.slug(), &answer.json["errors"][0]["pointer"]),
            ("validation-failed", &json!(pointer)),
            "{body}"
        );
    }
    for target in [
        "/v1/runs?limit=1001",
        "/v1/runs?limit=x",
        "/v1/runs?open=maybe",
        "/v1/ledger?after=-1",
    ] {
        let authorization = format!("Bearer {}", place.house.key);
        assert_eq!(
            place
                .refuse("GET", target, &[("authorization", &authorization)], b"")
                .slug(),
            "validation-failed",
            "{target}"
        );
    }
    // A callback may say more than this version knows.
    let more = json!({ "tomorrow": true });
    place
        .house
        .callback(&place.envelope.clone(), "started", more)
        .expect(200);
}

#[test]
fn a_flood_of_triggers_does_not_keep_callbacks_out() {
    let mut place = place();
    let slow = Rate {
        per_second: 1,
        burst: 2,
    };
    let fast = Rate {
        per_second: 1_000,
        burst: 1_000,
    };
    place.house.limiter = Limiter::new(slow, fast, fast);
    place.house.post("/v1/runs", &json!({})).expect(202);
    place.house.post("/v1/runs", &json!({})).expect(202);
    let answer = place.trigger(b"{}");
    assert_eq!(
        (answer.slug(), answer.header("retry-after")),
        ("rate-limited", Some("1"))
    );
    place
        .house
        .callback(
            &place.envelope.clone(),
            "completed",
            json!({ "outcome": "SUCCEEDED" }),
        )
        .expect(200);
    place.house.now_ms += 1_000;
    place.house.post("/v1/runs", &json!({})).expect(202);
}

#[test]
fn plans_that_cannot_be() {
    let mut place = place();
    let answer = place.trigger(br#"{"selection":"raw/b"}"#);
    assert_eq!(
        (answer.slug(), &answer.json["errors"][0]["pointer"]),
        ("plan-invalid", &json!("/selection"))
    );
    place.house.config.plan_tasks = 0;
    let answer = place.trigger(b"{}");
    assert_eq!(
        (answer.slug(), answer.json["limit"].as_u64()),
        ("plan-too-large", Some(0))
    );
    let key = place.house.key.clone();
    let cycle = manifest(vec![
        asset("raw/a", &["raw/b"], json!({})),
        asset("raw/b", &["raw/a"], json!({})),
    ]);
    let answer = place.post("/v1/manifests", &key, cycle.to_string().as_bytes());
    assert_eq!(
        (answer.slug(), &answer.json["errors"][0]["code"]),
        ("manifest-invalid", &json!("manifest.cycle"))
    );
    let mut renamed = manifest(vec![asset("raw/a", &[], json!({}))]);
    renamed["assets"][0]["id"] = asset("raw/z", &[], json!({}))["id"].clone();
    let answer = place.post("/v1/manifests", &key, renamed.to_string().as_bytes());
    assert_eq!(
        (answer.slug(), &answer.json["errors"][0]["code"]),
        ("manifest-invalid", &json!("manifest.asset_id_changed"))
    );
    assert_eq!(answer.json["errors"][0]["pointer"], "/assets/0/id");
}

#[test]
fn a_deployment_that_the_store_could_not_take_is_not_there() {
    let mut house = House::new();
    let pipeline = manifest(vec![asset("raw/a", &[], json!({}))]);
    let content = arcoflow_core::identity::canonical_json::to_vec(&pipeline).expect("JSON");
    let address = arcoflow_core::identity::digest::sha256(&content).to_string();
    house
        .store
        .connection
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON record BEGIN SELECT RAISE(ABORT, 'no room'); END",
        )
        .expect("a trigger");
    house
        .post("/v1/manifests", &pipeline)
        .refused(503, "unavailable");
    house
        .store
        .connection
        .execute_batch("DROP TRIGGER full")
        .expect("no trigger");
    house
        .post("/v1/runs", &json!({ "manifest": address }))
        .refused(404, "manifest-not-found");
    house.post("/v1/manifests", &pipeline).expect(201);
    house
        .post("/v1/runs", &json!({ "manifest": address }))
        .expect(202);
    check(&mut house);
}
