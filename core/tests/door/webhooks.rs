//! A delivery starts a run once, when its signature is good and its time is now; every other one gets the same bytes.

use arcoflow_core::door::webhook::{Scheme, Webhook, mac};
use arcoflow_core::wire::trigger::Trigger;
use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::house::{House, asset, manifest};
use crate::replayed::check;

/// The example of the Standard Webhooks libraries.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The example of GitHub's documentation.
const GITHUB: &str = "It's a Secret to Everybody";

fn webhook(scheme: Scheme, secret: &str) -> Webhook {
    Webhook {
        name: "orders".to_string(),
        scheme,
        secrets: vec![secret.to_string()],
        trigger: Trigger::default(),
    }
}

fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| ((*name).to_string(), (*value).to_string()))
        .collect()
}

#[test]
fn the_examples_of_the_senders_are_accepted() {
    let headers = pairs(&[
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        (
            "webhook-signature",
            "v1a,AAAA v1,bm90IHRoaXMgb25l v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
    ]);
    let body = br#"{"test": 2432232314}"#;
    let standard = webhook(Scheme::Standard, SECRET);
    let id = standard.verify(&headers, body, 1_614_265_330_000 + 299_000);
    assert_eq!(id.as_deref(), Ok("msg_p5jXN8AQM9LWM0D4loKWxJek"));
    let late = standard
        .verify(&headers, body, 1_614_265_330_000 + 301_000)
        .expect_err("five minutes have passed");
    assert_eq!(late.slug.as_str(), "timestamp-out-of-window");

    let headers = pairs(&[
        ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        (
            "x-hub-signature-256",
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        ),
    ]);
    let github = webhook(Scheme::Github, GITHUB);
    assert!(github.verify(&headers, b"Hello, World!", 0).is_ok());
    assert!(github.verify(&headers, b"Hello, World?", 0).is_err());
}

#[test]
fn a_webhook_that_cannot_be_is_refused_with_the_keyring() {
    assert_eq!(webhook(Scheme::Standard, SECRET).check(), Ok(()));
    let mut two = webhook(Scheme::Github, GITHUB);
    two.secrets.push("another secret of github".to_string());
    assert_eq!(two.check(), Ok(()));
    two.secrets.push("a third one is too many".to_string());
    for bad in [
        two,
        webhook(Scheme::Standard, GITHUB),
        webhook(Scheme::Standard, "whsec_c2hvcnQ="),
        webhook(Scheme::Github, "short"),
        Webhook {
            name: "Orders!".to_string(),
            ..webhook(Scheme::Github, GITHUB)
        },
        Webhook {
            trigger: Trigger {
                priority: 1_001,
                ..Trigger::default()
            },
            ..webhook(Scheme::Github, GITHUB)
        },
    ] {
        let sentence = bad.check().expect_err("it cannot be");
        assert!(
            !sentence.contains(GITHUB) && !sentence.contains("c2hv"),
            "{sentence}"
        );
    }
}

struct Sender {
    house: House,
    scheme: Scheme,
}

impl Sender {
    fn new(scheme: Scheme, secret: &str) -> Sender {
        let mut house = House::with(&manifest(vec![asset("raw/a", &[], json!({}))]));
        house.config.webhooks.push(webhook(scheme, secret));
        Sender { house, scheme }
    }

    fn send(&mut self, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.house.send("POST", "/v1/webhooks/orders", &all, body)
    }

    fn deliver(&mut self, id: &str, body: &[u8]) -> Answer {
        let time = (self.house.now_ms / 1_000).to_string();
        let key = BASE64.decode(&SECRET.as_bytes()[6..]).expect("base64");
        match self.scheme {
            Scheme::Standard => {
                let signed: [&[u8]; 5] = [id.as_bytes(), b".", time.as_bytes(), b".", body];
                let signature = format!("v1,{}", BASE64.encode(&mac(&key, &signed)));
                let headers = [
                    ("webhook-id", id),
                    ("webhook-timestamp", time.as_str()),
                    ("webhook-signature", signature.as_str()),
                ];
                self.send(&headers, body)
            }
            Scheme::Github => {
                let digest = HEXLOWER.encode(&mac(GITHUB.as_bytes(), &[body]));
                let signature = format!("sha256={digest}");
                let headers = [
                    ("x-github-delivery", id),
                    ("x-hub-signature-256", signature.as_str()),
                ];
                self.send(&headers, body)
            }
        }
    }
}

#[test]
fn a_delivery_starts_one_run_however_often_it_comes() {
    for (scheme, secret) in [(Scheme::Standard, SECRET), (Scheme::Github, GITHUB)] {
        let mut sender = Sender::new(scheme, secret);
        let first = sender.deliver("msg-1", b"{\"any\":1.5}").expect(202);
        sender.house.now_ms += 60_000;
        let again = sender.deliver("msg-1", b"{\"any\":1.5}").expect(202);
        assert_eq!(first.json["runId"], again.json["runId"]);
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        sender
            .deliver("msg-1", b"something else")
            .refused(422, "idempotency-key-reused");
        let other = sender.deliver("msg-2", b"not even JSON").expect(202);
        assert_ne!(first.json["runId"], other.json["runId"]);
        let record = sender.house.records().pop().expect("a record");
        assert_eq!(record.actor, "webhook:orders");
        check(&mut sender.house);
    }
}

#[test]
fn every_wrong_delivery_gets_the_same_bytes() {
    let mut sender = Sender::new(Scheme::Standard, SECRET);
    let time = (sender.house.now_ms / 1_000).to_string();
    let late = (sender.house.now_ms / 1_000 - 301).to_string();
    let key = BASE64.decode(&SECRET.as_bytes()[6..]).expect("base64");
    let sign = |key: &[u8], id: &str, time: &str| {
        let parts: [&[u8]; 5] = [id.as_bytes(), b".", time.as_bytes(), b".", b"{}"];
        format!("v1,{}", BASE64.encode(&mac(key, &parts)))
    };
    let good = sign(&key, "m", &time);
    let (other, pointed) = (sign(&[1; 24], "m", &time), sign(&key, "m.1", &time));
    let words = sign(&key, "m", "now");
    let (id, at) = (("webhook-id", "m"), ("webhook-timestamp", time.as_str()));
    let rows: Vec<(&str, Vec<(&str, &str)>)> = vec![
        ("nothing", vec![]),
        ("no signature", vec![id, at]),
        ("no id", vec![at, ("webhook-signature", &good)]),
        ("no time", vec![id, ("webhook-signature", &good)]),
        (
            "another id",
            vec![("webhook-id", "n"), at, ("webhook-signature", &good)],
        ),
        (
            "another time",
            vec![id, ("webhook-timestamp", "1"), ("webhook-signature", &good)],
        ),
        (
            "another secret",
            vec![id, at, ("webhook-signature", &other)],
        ),
        (
            "another version",
            vec![
                id,
                at,
                ("webhook-signature", good.strip_prefix("v1,").unwrap_or("")),
            ],
        ),
        ("two ids", vec![id, id, at, ("webhook-signature", &good)]),
        (
            "a point in the id",
            vec![("webhook-id", "m.1"), at, ("webhook-signature", &pointed)],
        ),
        (
            "a time that is none",
            vec![
                id,
                ("webhook-timestamp", "now"),
                ("webhook-signature", &words),
            ],
        ),
        (
            "the other scheme",
            vec![
                ("x-github-delivery", "m"),
                ("x-hub-signature-256", "sha256=00"),
            ],
        ),
    ];
    let before = sender.house.records().len();
    let mut first = None;
    for (what, headers) in &rows {
        let mut answer = sender
            .send(headers, b"{}")
            .refused(401, "invalid-signature");
        answer.json["instance"] = Value::Null;
        let bytes = (answer.headers, answer.json);
        assert_eq!(first.get_or_insert(bytes.clone()), &bytes, "{what}");
    }
    let signature = sign(&key, "m", &late);
    let headers = [
        id,
        ("webhook-timestamp", late.as_str()),
        ("webhook-signature", &signature),
    ];
    sender
        .send(&headers, b"{}")
        .refused(401, "timestamp-out-of-window");
    let kind = [("content-type", "application/json")];
    sender
        .house
        .send("POST", "/v1/webhooks/unknown", &kind, b"{}")
        .refused(401, "invalid-signature");
    sender
        .house
        .send("POST", "/v1/webhooks/No.Name", &kind, b"{}")
        .refused(404, "not-found");
    assert_eq!(
        sender.house.records().len(),
        before,
        "a refusal changes nothing"
    );
}

#[test]
fn a_ping_starts_nothing() {
    let mut sender = Sender::new(Scheme::Github, GITHUB);
    let signature = format!(
        "sha256={}",
        HEXLOWER.encode(&mac(GITHUB.as_bytes(), &[b"{}"]))
    );
    let headers = [
        ("x-github-delivery", "p"),
        ("x-github-event", "ping"),
        ("x-hub-signature-256", signature.as_str()),
    ];
    let before = sender.house.records().len();
    sender.send(&headers, b"{}").expect(200);
    assert_eq!(sender.house.records().len(), before);
}
