//! The door that is deployed plays the stories on workerd: the built edge, an object for each story, and the story's own clock.

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use arcoflow_core::door::config::Moment;
use arcoflow_core::door::keyring::{Keyring, SigningKey};
use arcoflow_core::door::sql::{Row, Sql, StoreError, Value, Verdict};
use arcoflow_core::identity::spelling;
use arcoflow_stories::door::config;
use arcoflow_stories::place::{Answer, Look, Place, Request};
use arcoflow_stories::player::play;
use arcoflow_stories::sqlite;
use arcoflow_stories::story::Story;
use arcoflow_tests::contract::wire;
use serde_json::{Value as Json, json};

use super::Played;
use crate::edge;
use crate::process::{root, target};

/// How long workerd may take to answer first.
const START: Duration = Duration::from_secs(30);

/// Builds the edge, and plays every story on it.
pub(super) fn play_all(stories: &[Story]) -> Result<Played, String> {
    edge::build()?;
    let server = Server::start()?;
    let mut played = Played::new();
    for (number, story) in stories.iter().enumerate() {
        let mut place = Object {
            server: &server,
            story: number.to_string(),
            now_ms: story.begins_ms,
        };
        let trace = play(story, &mut place).map(|trace| trace.fingerprints.join(","));
        played.insert(story.name.clone(), trace);
    }
    Ok(played)
}

/// A workerd; it ends with this.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start() -> Result<Server, String> {
        let fault = |error: std::io::Error| format!("workerd: {error}");
        let ledgers = target().join("stories/ledgers");
        if ledgers.exists() {
            fs::remove_dir_all(&ledgers).map_err(fault)?;
        }
        fs::create_dir_all(&ledgers).map_err(fault)?;
        let probe = TcpListener::bind(("127.0.0.1", 0)).map_err(fault)?;
        let address = probe.local_addr().map_err(fault)?;
        drop(probe);
        let config = config()?;
        let child = Command::new(root().join("edge/node_modules/.bin/workerd"))
            .arg("serve")
            .arg(root().join("tests/stories/workerd/stories.capnp"))
            .arg("--socket-addr")
            .arg(format!("http={address}"))
            .arg("--directory-path")
            .arg(format!("ledgers={}", ledgers.display()))
            .env("ARCOFLOW_KEYRING", keyring()?)
            .env("ARCOFLOW_BASE_URL", &config.base_url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("workerd does not start: {error}; run `npm ci` in edge"))?;
        let server = Server { child, address };
        let end = Instant::now() + START;
        let health = b"GET /health HTTP/1.1\r\nhost: door\r\nstory: none\r\nstory-now: 0\r\nstory-chance: 00\r\nconnection: close\r\n\r\n";
        while Instant::now() < end {
            if wire::exchange(address, health).is_ok_and(|answer| answer.status == 200) {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err("workerd does not answer".to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the door of a story is told, as the edge is told it.
fn keyring() -> Result<String, String> {
    let config = config()?;
    let token_keys = config.token_keys.iter().map(|key| SigningKey {
        id: key.id.clone(),
        secret: spelling::hex(&key.secret),
        stage: key.stage,
    });
    let keyring = Keyring {
        tenant: config.scope.tenant,
        workspace: config.scope.workspace,
        audience: config.audience,
        token_keys: token_keys.collect(),
        credentials: config.credentials,
        shards: 1,
        webhooks: config.webhooks,
    };
    serde_json::to_string(&keyring).map_err(|error| error.to_string())
}

/// The object of one story.
struct Object<'a> {
    server: &'a Server,
    story: String,
    now_ms: u64,
}

impl Object<'_> {
    fn exchange(
        &mut self,
        moment: Moment,
        first_line: &str,
        headers: &str,
        body: &[u8],
    ) -> Result<wire::Answer, String> {
        self.now_ms = moment.now_ms;
        let mut text = format!(
            "{first_line} HTTP/1.1\r\nhost: door\r\nconnection: close\r\nstory: {}\r\nstory-now: {}\r\nstory-chance: {}\r\n{headers}",
            self.story,
            moment.now_ms,
            spelling::hex(&moment.entropy)
        );
        if !body.is_empty() {
            let _ = write!(
                text,
                "content-type: application/json\r\ncontent-length: {}\r\n",
                body.len()
            );
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(body);
        wire::exchange(self.server.address, &bytes)
    }

    /// What is no business of a door.
    fn want(&mut self, what: &str, body: &[u8]) -> Result<wire::Answer, String> {
        let moment = Moment {
            now_ms: self.now_ms,
            entropy: [0; 32],
        };
        self.exchange(moment, "POST /", &format!("story-wants: {what}\r\n"), body)
    }
}

impl Place for Object<'_> {
    fn send(&mut self, moment: Moment, request: &Request) -> Result<Answer, String> {
        let first_line = format!("{} {}", request.method, request.target);
        let mut headers = format!("authorization: Bearer {}\r\n", request.token);
        if let Some(key) = &request.idempotency_key {
            let _ = write!(headers, "idempotency-key: {key}\r\n");
        }
        let answer = self.exchange(moment, &first_line, &headers, &request.body)?;
        let is_replayed = answer
            .headers
            .iter()
            .any(|(name, value)| name == "idempotent-replayed" && value == "true");
        Ok(Answer {
            status: answer.status,
            is_replayed,
            body: answer.body,
        })
    }

    fn expire(&mut self, moment: Moment) -> Result<(), String> {
        self.now_ms = moment.now_ms;
        match self.want("expire", b"")?.status {
            200 => Ok(()),
            status => Err(format!("the deadlines were not looked at: {status}")),
        }
    }

    fn restart(&mut self) -> Result<(), String> {
        self.want("restart", b"").map(|_| ())
    }

    fn look(&mut self, look: Look<'_>) -> Result<(), String> {
        look(&mut Stored(self)).map_err(|error| error.into_detail())
    }

    fn empty_store(&mut self) -> Result<Box<dyn Sql>, String> {
        sqlite::empty()
    }
}

/// The largest integer that JavaScript has; a bound beyond it may as well be it.
const LARGEST: i64 = (1 << 53) - 1;

/// What the object has stored, to be looked at.
struct Stored<'a, 'b>(&'a mut Object<'b>);

impl Sql for Stored<'_, '_> {
    fn execute(&mut self, _: &'static str, _: &[Value<'_>]) -> Result<u64, StoreError> {
        Err(StoreError::new("a look changes nothing".to_owned()))
    }

    fn query(
        &mut self,
        sql: &'static str,
        parameters: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row),
    ) -> Result<(), StoreError> {
        let values = parameters.iter().map(|value| match value {
            Value::Null => Json::Null,
            Value::Integer(integer) => Json::from((*integer).clamp(-LARGEST, LARGEST)),
            Value::Text(text) => Json::from(*text),
            Value::Blob(bytes) => json!({ "bytes": spelling::hex(bytes) }),
        });
        let body = json!({ "sql": sql, "values": values.collect::<Vec<Json>>() }).to_string();
        let answer = self
            .0
            .want("rows", body.as_bytes())
            .map_err(StoreError::new)?;
        let rows: Vec<Vec<Json>> = serde_json::from_slice(&answer.body).map_err(|_| {
            let said = String::from_utf8_lossy(&answer.body);
            StoreError::new(format!("{sql}: no rows, but {}: {said}", answer.status))
        })?;
        for row in rows {
            let bytes: Vec<Option<Vec<u8>>> = row.iter().map(bytes_of).collect();
            let cells = row.iter().zip(&bytes);
            each(
                &cells
                    .map(|(cell, bytes)| value_of(cell, bytes))
                    .collect::<Vec<Value<'_>>>(),
            );
        }
        Ok(())
    }

    fn transaction(
        &mut self,
        work: &mut dyn FnMut(&mut dyn Sql) -> Result<Verdict, StoreError>,
    ) -> Result<(), StoreError> {
        work(self).map(|_| ())
    }
}

/// A cell of JSON: bytes stand in an object of their own, as digits.
fn bytes_of(cell: &Json) -> Option<Vec<u8>> {
    spelling::of_hex(cell.get("bytes")?.as_str()?)
}

fn value_of<'a>(cell: &'a Json, bytes: &'a Option<Vec<u8>>) -> Value<'a> {
    match (cell, bytes) {
        (_, Some(bytes)) => Value::Blob(bytes),
        (Json::String(text), _) => Value::Text(text),
        (Json::Number(number), _) => Value::Integer(number.as_i64().unwrap_or(0)),
        _ => Value::Null,
    }
}
