//! Whoever has no credential, a wrong one or one for another room is told so in the same words, and learns nothing.

use arcoflow_core::door::credential::{Credential, Permission, key_of};
use arcoflow_core::door::token::{KeyStage, TokenKey};
use arcoflow_core::wire::scope::Scope;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::house::scope;
use crate::place::place;
use crate::replayed::check;

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
