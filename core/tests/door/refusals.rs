//! Every bad request gets exactly the answer that the table of refusals gives it, and changes nothing.

use arcoflow_core::door::credential::{Credential, Permission, key_of};
use arcoflow_core::door::rate::{Limiter, Rate};
use arcoflow_core::door::token::{KeyStage, TaskClaims, TokenKey, mint};
use arcoflow_core::wire::problem::Slug;
use arcoflow_core::wire::scope::Scope;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::house::{Answer, House, asset, check, manifest, scope, text};

struct Place {
    house: House,
    run: String,
    envelope: Value,
    task: String,
    token: String,
}

fn place() -> Place {
    let mut house = House::with(&manifest(vec![asset("raw/a", &[], json!({}))]));
    let run = house.trigger(&json!({}));
    house.schedule();
    let envelope = house.lease(1).remove(0);
    let (task, token) = (text(&envelope["taskId"]), text(&envelope["taskToken"]));
    Place {
        house,
        run,
        envelope,
        task,
        token,
    }
}

impl Place {
    /// Sends a request that must be refused; the ledger and the indexes must be as before.
    fn refuse(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let before = (self.house.records().len(), self.house.store.written);
        let answer = self.house.send(method, target, headers, body);
        assert!(answer.status >= 400, "{target} was not refused");
        assert_eq!(
            before,
            (self.house.records().len(), self.house.store.written),
            "{target}: a refusal changes nothing"
        );
        self.well_formed(&answer);
        answer
    }

    /// RFC 9457, and what every refusal of ours has.
    fn well_formed(&self, answer: &Answer) {
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let slug = Slug::ALL
            .iter()
            .find(|slug| slug.as_str() == answer.slug())
            .expect("a registered kind");
        assert_eq!(answer.json["status"], slug.status());
        assert_eq!(answer.json["title"], slug.title());
        assert_eq!(answer.status, slug.status());
        assert!(text(&answer.json["instance"]).starts_with("urn:uuid:"));
        assert!(answer.status < 500 || answer.json["detail"].is_null());
    }

    fn bearer(&self, token: &str) -> String {
        format!("Bearer {token}")
    }

    fn post(&mut self, target: &str, token: &str, body: &[u8]) -> Answer {
        let authorization = self.bearer(token);
        self.refuse(
            "POST",
            target,
            &[
                ("authorization", &authorization),
                ("content-type", "application/json"),
            ],
            body,
        )
    }

    fn trigger(&mut self, body: &[u8]) -> Answer {
        let key = self.house.key.clone();
        self.post("/v1/runs", &key, body)
    }

    fn completed(&self) -> String {
        format!("/v1/tasks/{}/completed", self.task)
    }

    fn done(&self) -> Vec<u8> {
        json!({ "attempt": 1, "workerId": "w1", "outcome": "SUCCEEDED" })
            .to_string()
            .into_bytes()
    }

    fn claims(&self) -> TaskClaims {
        let parts: Vec<&str> = self.token.split('.').collect();
        let json = BASE64URL_NOPAD
            .decode(parts[1].as_bytes())
            .expect("base64url");
        serde_json::from_slice(&json).expect("claims")
    }

    fn mint(&self, key: &TokenKey, claims: TaskClaims, now_ms: u64) -> String {
        mint(std::slice::from_ref(key), claims, now_ms, 300_000)
            .expect("a token")
            .0
    }
}

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
fn credentials_that_are_none() {
    let mut place = place();
    let (target, done) = (place.completed(), place.done());
    let kind = ("content-type", "application/json");
    let query = format!("{target}?access_token={}", place.token);
    for (target, headers) in [
        (target.as_str(), vec![kind]),
        (query.as_str(), vec![kind]),
        (target.as_str(), vec![kind, ("authorization", "Basic eA==")]),
    ] {
        let answer = place.refuse("POST", target, &headers, &done);
        assert_eq!(
            (answer.slug(), answer.header("www-authenticate")),
            ("unauthorized", Some("Bearer realm=\"arcoflow\""))
        );
    }
}

#[test]
fn every_wrong_token_gets_the_same_bytes() {
    let mut place = place();
    let (target, done) = (place.completed(), place.done());
    let parts: Vec<String> = place.token.split('.').map(str::to_string).collect();
    let (head, claims, signature) = (&parts[0], &parts[1], &parts[2]);
    let header = |json: Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    let own = place.house.config.token_keys[0].clone();
    let now = place.house.now_ms;
    let other_key = TokenKey {
        secret: [1; 32],
        ..own.clone()
    };
    let unknown_kid = TokenKey {
        id: "k9".to_string(),
        ..own.clone()
    };
    let mut wrong_issuer = place.claims();
    wrong_issuer.iss = "elsewhere".to_string();
    let mut wrong_audience = place.claims();
    wrong_audience.aud = "https://other.example".to_string();
    let mut wrong_version = place.claims();
    wrong_version.ver = 2;
    let last = signature.chars().last().expect("a signature");
    let bent = signature
        .strip_suffix(last)
        .expect("the last digit")
        .to_string()
        + if last == 'A' { "B" } else { "A" };
    // The last digit of 32 bytes has two spare bits: another spelling of the same bytes is refused as well.
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let spare = digits
        .find(last)
        .map(|at| digits.as_bytes()[at ^ 1] as char)
        .expect("a digit");
    let respelled = signature
        .strip_suffix(last)
        .expect("the last digit")
        .to_string()
        + &spare.to_string();
    let tokens = [
        ("nothing", String::new()),
        ("one part", head.clone()),
        ("two parts", format!("{head}.{claims}")),
        ("five parts", format!("{head}.{claims}.{signature}.x.y")),
        ("too long", "a".repeat(2_049)),
        (
            "alg none",
            format!(
                "{}.{claims}.",
                header(json!({ "alg": "none", "typ": "arcoflow-task+jwt", "kid": "k1" }))
            ),
        ),
        (
            "alg none with a signature",
            format!(
                "{}.{claims}.{signature}",
                header(json!({ "alg": "none", "kid": "k1" }))
            ),
        ),
        (
            "another alg",
            format!(
                "{}.{claims}.{signature}",
                header(json!({ "alg": "HS512", "kid": "k1", "typ": "arcoflow-task+jwt" }))
            ),
        ),
        (
            "jwk in the header",
            format!(
                "{}.{claims}.{signature}",
                header(
                    json!({ "alg": "HS256", "kid": "k1", "typ": "arcoflow-task+jwt", "jwk": {} })
                )
            ),
        ),
        (
            "jku in the header",
            format!(
                "{}.{claims}.{signature}",
                header(
                    json!({ "alg": "HS256", "jku": "https://x", "kid": "k1", "typ": "arcoflow-task+jwt" })
                )
            ),
        ),
        (
            "crit in the header",
            format!(
                "{}.{claims}.{signature}",
                header(
                    json!({ "alg": "HS256", "crit": ["b64"], "b64": false, "kid": "k1", "typ": "arcoflow-task+jwt" })
                )
            ),
        ),
        (
            "a path as kid",
            format!(
                "{}.{claims}.{signature}",
                header(json!({ "alg": "HS256", "kid": "../k1", "typ": "arcoflow-task+jwt" }))
            ),
        ),
        (
            "another typ",
            format!(
                "{}.{claims}.{signature}",
                header(json!({ "alg": "HS256", "kid": "k1", "typ": "JWT" }))
            ),
        ),
        ("unknown kid", place.mint(&unknown_kid, place.claims(), now)),
        (
            "signed by another key",
            place.mint(&other_key, place.claims(), now),
        ),
        ("another issuer", place.mint(&own, wrong_issuer, now)),
        ("another audience", place.mint(&own, wrong_audience, now)),
        ("another version", place.mint(&own, wrong_version, now)),
        (
            "from the future",
            place.mint(&own, place.claims(), now + 32_000),
        ),
        ("a bent signature", format!("{head}.{claims}.{bent}")),
        (
            "a respelled signature",
            format!("{head}.{claims}.{respelled}"),
        ),
        (
            "a padded signature",
            format!("{head}.{claims}.{signature}="),
        ),
        (
            "a shortened signature",
            format!("{head}.{claims}.{}", &signature[..40]),
        ),
        (
            "a changed claim",
            format!("{head}.{}.{signature}", &claims[..claims.len() - 1]),
        ),
        ("an API key", place.house.key.clone()),
        ("an API key that nobody has", "arco_test_AAAA".to_string()),
    ];
    let without_instance = |answer: &Answer| {
        let mut json = answer.json.clone();
        json["instance"] = Value::Null;
        (answer.status, answer.headers.clone(), json)
    };
    let mut first = None;
    for (what, token) in &tokens {
        let answer = place.post(&target, token, &done);
        assert_eq!(answer.slug(), "invalid-token", "{what}");
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer error=\"invalid_token\""),
            "{what}"
        );
        let bytes = without_instance(&answer);
        assert_eq!(first.get_or_insert(bytes.clone()), &bytes, "{what}");
    }
    // A revoked key is no key; a retiring one still verifies.
    place.house.config.token_keys[0].stage = KeyStage::Revoked;
    let token = place.token.clone();
    assert_eq!(place.post(&target, &token, &done).slug(), "invalid-token");
    place.house.config.token_keys[0].stage = KeyStage::Retiring;
    place
        .house
        .callback(
            &place.envelope.clone(),
            "completed",
            json!({ "outcome": "SUCCEEDED" }),
        )
        .expect(200);
}

#[test]
fn an_expired_token_is_told_apart_only_after_a_good_signature() {
    let mut place = place();
    let (target, done, token) = (place.completed(), place.done(), place.token.clone());
    place.house.now_ms += 900_000 + 31_000;
    let answer = place.post(&target, &token, &done);
    assert_eq!(answer.slug(), "token-expired");
    assert!(answer.json["renewBefore"].is_u64());
    assert_eq!(
        answer.header("www-authenticate"),
        Some("Bearer error=\"invalid_token\"")
    );
    let bent = format!("{}AAAA", &token[..token.len() - 4]);
    assert_eq!(place.post(&target, &bent, &done).slug(), "invalid-token");
}

#[test]
fn tokens_and_keys_stay_in_their_rooms() {
    let mut place = place();
    let (token, done) = (place.token.clone(), place.done());
    // Another task, whether it exists or not.
    let other = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let answer = place.post(&format!("/v1/tasks/{other}/completed"), &token, &done);
    assert_eq!(answer.slug(), "token-scope-mismatch");
    let target = place.completed();
    let body = json!({ "attempt": 2, "workerId": "w1", "outcome": "SUCCEEDED" });
    assert_eq!(
        place
            .post(&target, &token, body.to_string().as_bytes())
            .slug(),
        "token-scope-mismatch"
    );
    let body =
        json!({ "attempt": 1, "attemptId": other, "workerId": "w1", "outcome": "SUCCEEDED" });
    assert_eq!(
        place
            .post(&target, &token, body.to_string().as_bytes())
            .slug(),
        "token-scope-mismatch"
    );
    let answer = place.post("/v1/runs", &token, b"{}");
    assert_eq!(
        (answer.slug(), answer.header("www-authenticate")),
        (
            "insufficient-scope",
            Some("Bearer error=\"insufficient_scope\"")
        )
    );

    let reader = key_of("reader", &[3; 32]);
    place.house.config.credentials.push(Credential::new(
        "reader",
        &reader,
        scope(),
        &[Permission::Read],
    ));
    for (target, body) in [
        ("/v1/runs", "{}"),
        ("/v1/manifests", "{}"),
        ("/v1/leases", "{}"),
        ("/v1/ledger", "{}"),
        ("/v1/scheduler", "{}"),
    ] {
        assert_eq!(
            place.post(target, &reader, body.as_bytes()).slug(),
            "insufficient-scope",
            "{target}"
        );
    }
    place
        .house
        .config
        .credentials
        .last_mut()
        .expect("the reader")
        .revoked = true;
    let authorization = place.bearer(&reader);
    assert_eq!(
        place
            .refuse("GET", "/v1/runs", &[("authorization", &authorization)], b"")
            .slug(),
        "invalid-token"
    );
}

#[test]
fn a_run_that_is_absent_and_one_that_never_was_look_the_same() {
    let mut place = place();
    let authorization = format!("Bearer {}", place.house.key);
    let absent = place.refuse(
        "GET",
        "/v1/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV",
        &[("authorization", &authorization)],
        b"",
    );
    assert_eq!(absent.slug(), "run-not-found");
    let target = format!("/v1/runs/{}/tasks/01ARZ3NDEKTSV4RRFFQ69G5FAV", place.run);
    assert_eq!(
        place
            .refuse("GET", &target, &[("authorization", &authorization)], b"")
            .slug(),
        "task-not-found"
    );
    check(&mut place.house);
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
fn a_stranger_sees_nothing_and_cannot_tell_what_is_there() {
    let mut ours = place();
    let theirs = Scope {
        tenant: arcoflow_core::identity::keys::TenantId::parse("other").expect("a tenant"),
        workspace: scope().workspace,
    };
    let key = key_of("theirs", &[4; 32]);
    ours.house.config.credentials.push(Credential::new(
        "theirs",
        &key,
        theirs.clone(),
        &Permission::ALL,
    ));
    let authorization = ours.bearer(&key);
    ours.run = ours.house.trigger(&json!({}));
    let target = format!("/v1/runs/{}", ours.run);
    let refused = ours.refuse("GET", &target, &[("authorization", &authorization)], b"");
    assert_eq!(
        refused.slug(),
        "invalid-token",
        "a door of one workspace knows no other key"
    );

    // A host that serves both sends each to its own ledger, where a run of the other does not exist.
    let mut other = place();
    other.house.config.scope = theirs.clone();
    for credential in &mut other.house.config.credentials {
        credential.scope = theirs.clone();
    }
    let authorization = other.bearer(&other.house.key);
    let mut bytes = Vec::new();
    for run in [ours.run.as_str(), "01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
        let mut answer = other.refuse(
            "GET",
            &format!("/v1/runs/{run}"),
            &[("authorization", &authorization)],
            b"",
        );
        answer.json["instance"] = Value::Null;
        bytes.push((answer.status, answer.headers, answer.json));
    }
    assert_eq!(bytes[0], bytes[1]);
    let (target, done) = (other.completed(), other.done());
    let token = ours.token.clone();
    assert_eq!(
        other.post(&target, &token, &done).slug(),
        "invalid-token",
        "a token of another workspace is none"
    );
}
