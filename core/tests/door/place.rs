//! A place is a house with one attempt in a worker's hands, where a refusal must change nothing.

use arcoflow_core::door::token::{TaskClaims, TokenKey, mint};
use arcoflow_core::wire::problem::Slug;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::house::{House, asset, manifest, text};

pub(crate) struct Place {
    pub(crate) house: House,
    pub(crate) run: String,
    pub(crate) envelope: Value,
    pub(crate) task: String,
    pub(crate) token: String,
}

pub(crate) fn place() -> Place {
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
    pub(crate) fn refuse(
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
    pub(crate) fn well_formed(&self, answer: &Answer) {
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

    pub(crate) fn bearer(&self, token: &str) -> String {
        format!("Bearer {token}")
    }

    pub(crate) fn post(&mut self, target: &str, token: &str, body: &[u8]) -> Answer {
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

    pub(crate) fn trigger(&mut self, body: &[u8]) -> Answer {
        let key = self.house.key.clone();
        self.post("/v1/runs", &key, body)
    }

    pub(crate) fn completed(&self) -> String {
        format!("/v1/tasks/{}/completed", self.task)
    }

    pub(crate) fn done(&self) -> Vec<u8> {
        json!({ "attempt": 1, "workerId": "w1", "outcome": "SUCCEEDED" })
            .to_string()
            .into_bytes()
    }

    pub(crate) fn claims(&self) -> TaskClaims {
        let parts: Vec<&str> = self.token.split('.').collect();
        let json = BASE64URL_NOPAD
            .decode(parts[1].as_bytes())
            .expect("base64url");
        serde_json::from_slice(&json).expect("claims")
    }

    pub(crate) fn mint(&self, key: &TokenKey, claims: TaskClaims, now_ms: u64) -> String {
        mint(std::slice::from_ref(key), claims, now_ms, 300_000)
            .expect("a token")
            .0
    }
}
