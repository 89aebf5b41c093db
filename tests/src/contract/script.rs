//! A script asks one door, notes each answer, and remembers what is not as the table says.

use std::net::SocketAddr;

use serde_json::Value;

use crate::contract::keys::Keys;
use crate::contract::plain::Plain;
use crate::contract::wire::{Answer, exchange};

/// A door under test, with an empty ledger and the keys of the suite.
#[derive(Clone, Debug)]
pub struct Door {
    /// What it is called in a report.
    pub name: &'static str,
    /// Where it listens.
    pub address: SocketAddr,
    /// The keys that it knows.
    pub keys: Keys,
}

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What was asked.
    pub what: String,
    /// The status of the answer.
    pub status: u16,
    /// The answer without time and chance.
    pub shown: String,
}

/// An answer whose body is JSON, or nothing.
#[derive(Clone, Debug)]
pub struct Said {
    /// The status.
    pub status: u16,
    /// The body.
    pub json: Value,
}

/// A door, and everything that it has said.
#[derive(Debug)]
pub struct Script<'a> {
    /// Who is asked.
    pub door: &'a Door,
    /// What it said.
    pub exchanges: Vec<Exchange>,
    /// Answers that are not those of the table.
    pub faults: Vec<String>,
    plain: Plain,
}

/// A request: method, target, headers, body.
pub type Request<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a [u8]);

impl<'a> Script<'a> {
    /// A script that has asked nothing.
    #[must_use]
    pub fn new(door: &'a Door) -> Script<'a> {
        Script {
            door,
            exchanges: Vec::new(),
            faults: Vec::new(),
            plain: Plain::new(&format!("http://{}", door.address)),
        }
    }

    /// Asks, and expects a status and, of a refusal, a kind.
    ///
    /// # Errors
    /// When nothing came back.
    pub fn ask(
        &mut self,
        what: &str,
        (method, target, headers, body): Request<'_>,
        expected: (u16, &str),
    ) -> Result<Said, String> {
        let mut request = format!(
            "{method} {target} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n",
            self.door.address
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() && !headers.iter().any(|(name, _)| is_framing(name)) {
            request.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body);
        let label = format!("{method} {} ({what})", target.get(..80).unwrap_or(target));
        let answer =
            exchange(self.door.address, &bytes).map_err(|fault| format!("{label}: {fault}"))?;
        Ok(self.note(&label, &answer, expected))
    }

    /// A POST of JSON under a credential.
    ///
    /// # Errors
    /// When nothing came back.
    pub fn post(
        &mut self,
        what: &str,
        target: &str,
        token: &str,
        body: &[u8],
        expected: (u16, &str),
    ) -> Result<Said, String> {
        let authorization = format!("Bearer {token}");
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
        ];
        self.ask(what, ("POST", target, &headers, body), expected)
    }

    /// A GET under the key for everything.
    ///
    /// # Errors
    /// When nothing came back.
    pub fn get(&mut self, what: &str, target: &str, expected: (u16, &str)) -> Result<Said, String> {
        let authorization = format!("Bearer {}", self.door.keys.owner);
        let headers = [("authorization", authorization.as_str())];
        self.ask(what, ("GET", target, &headers, b""), expected)
    }

    fn note(&mut self, what: &str, answer: &Answer, (status, kind): (u16, &str)) -> Said {
        let json: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        let found = json["type"]
            .as_str()
            .and_then(|kind| kind.rsplit('/').next());
        let is_right = answer.status == status && (status < 400 || found == Some(kind));
        if !is_right {
            let said = String::from_utf8_lossy(&answer.body);
            self.faults.push(format!(
                "{}: {what}: expected {status} {kind}, was answered {} {said}",
                self.door.name, answer.status
            ));
        }
        if status >= 400 && is_right {
            self.well_formed(what, answer, &json);
        }
        let shown = self.plain.shown(answer);
        self.exchanges.push(Exchange {
            what: what.to_owned(),
            status: answer.status,
            shown,
        });
        Said {
            status: answer.status,
            json,
        }
    }

    /// RFC 9457, and what every refusal of ours has.
    fn well_formed(&mut self, what: &str, answer: &Answer, json: &Value) {
        let has = |name: &str, value: &str| {
            answer
                .headers
                .iter()
                .any(|(found, said)| found == name && said == value)
        };
        let is_whole = has("content-type", "application/problem+json")
            && has("cache-control", "no-store")
            && has("x-content-type-options", "nosniff")
            && json["status"] == answer.status
            && json["title"].is_string()
            && json["instance"]
                .as_str()
                .is_some_and(|name| name.starts_with("urn:uuid:"));
        if !is_whole {
            self.faults.push(format!(
                "{}: {what}: the problem is not whole: {answer:?}",
                self.door.name
            ));
        }
    }
}

fn is_framing(name: &str) -> bool {
    matches!(name, "content-length" | "transfer-encoding")
}

/// The text at a name of an answer.
///
/// # Errors
/// When there is none.
pub fn text(json: &Value, name: &str) -> Result<String, String> {
    json[name]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("no `{name}` in {json}"))
}
