//! A sender signs raw bytes; a good signature starts one run, and every other one gets the same words at both doors.

use std::time::{SystemTime, UNIX_EPOCH};

use arcoflow_core::door::webhook::mac;
use data_encoding::{BASE64, HEXLOWER};

use crate::contract::keys::{GITHUB_SECRET, STANDARD_SECRET};
use crate::contract::script::Script;

const BODY: &[u8] = br#"{"any":1.5,"any":2}"#;
const KIND: (&str, &str) = ("content-type", "application/json");

/// Asks as a sender.
pub(super) fn ask(script: &mut Script<'_>) -> Result<(), String> {
    standard(script)?;
    github(script)
}

/// What is sent, its id, its time in seconds, its body, and what is answered.
type Delivery<'a> = (&'a str, &'a str, u64, &'a [u8], (u16, &'a str));

fn standard(script: &mut Script<'_>) -> Result<(), String> {
    let key = BASE64
        .decode(STANDARD_SECRET.trim_start_matches("whsec_").as_bytes())
        .map_err(|error| error.to_string())?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|error| error.to_string())?
        .as_secs();
    let target = "/v1/webhooks/orders";
    let invalid = (401, "invalid-signature");
    let rows: [Delivery<'_>; 6] = [
        ("a delivery", "msg-1", now, BODY, (202, "")),
        ("the delivery again", "msg-1", now + 1, BODY, (202, "")),
        ("another delivery", "msg-2", now, BODY, (202, "")),
        (
            "an old delivery",
            "msg-3",
            now - 400,
            BODY,
            (401, "timestamp-out-of-window"),
        ),
        (
            "a delivery from the future",
            "msg-3",
            now + 400,
            BODY,
            (401, "timestamp-out-of-window"),
        ),
        (
            "the id of another delivery",
            "msg-1",
            now,
            b"{}",
            (422, "idempotency-key-reused"),
        ),
    ];
    for (what, id, at, body, expected) in rows {
        let time = at.to_string();
        let signed: [&[u8]; 5] = [id.as_bytes(), b".", time.as_bytes(), b".", body];
        let signature = format!("v1,{}", BASE64.encode(&mac(&key, &signed)));
        let headers = [
            KIND,
            ("webhook-id", id),
            ("webhook-timestamp", time.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        script.ask(what, ("POST", target, &headers, body), expected)?;
        if what == "a delivery" {
            script.ask("a changed body", ("POST", target, &headers, b"{}"), invalid)?;
            let unknown = "/v1/webhooks/unknown";
            script.ask(
                "an unknown sender",
                ("POST", unknown, &headers, body),
                invalid,
            )?;
            script.ask("half of it", ("POST", target, &headers[..3], body), invalid)?;
        }
    }
    script.ask("no signature", ("POST", target, &[KIND], BODY), invalid)?;
    script.ask(
        "text",
        ("POST", target, &[("content-type", "text/plain")], BODY),
        (415, "unsupported-media-type"),
    )?;
    script.ask(
        "no name",
        ("POST", "/v1/webhooks/No.Name", &[KIND], BODY),
        (404, "not-found"),
    )?;
    Ok(())
}

fn github(script: &mut Script<'_>) -> Result<(), String> {
    let signature = format!(
        "sha256={}",
        HEXLOWER.encode(&mac(GITHUB_SECRET.as_bytes(), &[BODY]))
    );
    let target = "/v1/webhooks/push";
    let signed = ("x-hub-signature-256", signature.as_str());
    let delivery = ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958");
    let invalid = (401, "invalid-signature");
    script.ask(
        "a ping",
        (
            "POST",
            target,
            &[KIND, delivery, signed, ("x-github-event", "ping")],
            BODY,
        ),
        (200, ""),
    )?;
    script.ask(
        "a push",
        ("POST", target, &[KIND, delivery, signed], BODY),
        (202, ""),
    )?;
    script.ask(
        "the push again",
        ("POST", target, &[KIND, delivery, signed], BODY),
        (202, ""),
    )?;
    script.ask(
        "without its name",
        ("POST", target, &[KIND, signed], BODY),
        invalid,
    )?;
    script.ask(
        "a bent signature",
        (
            "POST",
            target,
            &[KIND, delivery, ("x-hub-signature-256", &signature[..70])],
            BODY,
        ),
        invalid,
    )?;
    script.ask(
        "another body",
        ("POST", target, &[KIND, delivery, signed], b"{}"),
        invalid,
    )?;
    Ok(())
}
