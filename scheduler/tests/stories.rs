//! Every story is true of the local door over HTTP, and leaves the state behind that it leaves on the core alone.

use std::path::Path;

use arcoflow::host::clock::{Clock, Hand};
use arcoflow::host::door::{LEDGER, LocalDoor};
use arcoflow::host::http::{Patience, Server};
use arcoflow::host::lock::DataLock;
use arcoflow::host::store::Store;
use arcoflow_core::door::config::Moment;
use arcoflow_core::door::sql::Sql;
use arcoflow_stories::door::config;
use arcoflow_stories::library::{play_on_core, stories};
use arcoflow_stories::place::{Answer, Look, Place, Request};
use arcoflow_stories::player::play;
use arcoflow_stories::sqlite;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The local door behind a socket, with a clock that the story moves.
struct LocalPlace<'a> {
    runtime: &'a Runtime,
    directory: TempDir,
    hand: Hand,
    clock: Clock,
    open: Option<Open>,
}

/// A door that listens.
struct Open {
    door: LocalDoor,
    server: Server,
    client: reqwest::Client,
    base_url: String,
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl LocalPlace<'_> {
    fn open(runtime: &Runtime) -> Result<LocalPlace<'_>, String> {
        let (clock, hand) = Clock::by_hand(Moment {
            now_ms: 0,
            entropy: [0; 32],
        });
        let mut place = LocalPlace {
            runtime,
            directory: tempfile::tempdir().map_err(said)?,
            hand,
            clock,
            open: None,
        };
        place.listen()?;
        Ok(place)
    }

    fn listen(&mut self) -> Result<(), String> {
        let lock = DataLock::take(self.directory.path()).map_err(said)?;
        let door = LocalDoor::open_with(lock, config()?, self.clock.clone()).map_err(said)?;
        let listening = async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            Server::start(listener, door.clone(), Patience::default())
        };
        let server = self.runtime.block_on(listening).map_err(said)?;
        self.open = Some(Open {
            base_url: format!("http://{}", server.address()),
            client: reqwest::Client::builder()
                .no_proxy()
                .build()
                .map_err(said)?,
            server,
            door,
        });
        Ok(())
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            drop(open.client);
            open.door.release();
            self.runtime.block_on(open.server.stop());
            open.door.close();
        }
    }

    fn there(&self) -> Result<&Open, String> {
        self.open
            .as_ref()
            .ok_or_else(|| "the door is closed".to_owned())
    }
}

impl Place for LocalPlace<'_> {
    fn send(&mut self, moment: Moment, request: &Request) -> Result<Answer, String> {
        self.hand.set(moment);
        let open = self.there()?;
        let url = format!("{}{}", open.base_url, request.target);
        let mut call = match request.method {
            "GET" => open.client.get(url),
            _ => open.client.post(url),
        }
        .bearer_auth(&request.token);
        if let Some(key) = &request.idempotency_key {
            call = call.header("idempotency-key", key);
        }
        if !request.body.is_empty() {
            call = call
                .header("content-type", "application/json")
                .body(request.body.clone());
        }
        let answered = async {
            let response = call.send().await?;
            let status = response.status().as_u16();
            let replayed = response.headers().get("idempotent-replayed");
            let is_replayed = replayed.is_some_and(|value| value == "true");
            let body = response.bytes().await?.to_vec();
            Ok::<Answer, reqwest::Error>(Answer {
                status,
                is_replayed,
                body,
            })
        };
        self.runtime.block_on(answered).map_err(said)
    }

    fn expire(&mut self, moment: Moment) -> Result<(), String> {
        self.hand.set(moment);
        let door = &self.there()?.door;
        match self.runtime.block_on(door.expire()) {
            true => Ok(()),
            false => Err("the door is closed".to_owned()),
        }
    }

    fn restart(&mut self) -> Result<(), String> {
        self.close();
        self.listen()
    }

    fn look(&mut self, look: Look<'_>) -> Result<(), String> {
        let path: &Path = self.directory.path();
        let mut store = Store::open_reader(&path.join(LEDGER)).map_err(said)?;
        look(&mut store).map_err(|error| error.into_detail())
    }

    fn empty_store(&mut self) -> Result<Box<dyn Sql>, String> {
        sqlite::empty()
    }
}

impl Drop for LocalPlace<'_> {
    fn drop(&mut self) {
        self.close();
    }
}

#[test]
fn every_story_is_true_over_http() {
    let runtime = Runtime::new().unwrap();
    let stories = stories().unwrap();
    let mut untrue = Vec::new();
    for story in &stories {
        let mut place = LocalPlace::open(&runtime).unwrap();
        match (play(story, &mut place), play_on_core(story)) {
            (Ok(here), Ok(core)) if here == core => {}
            (Ok(here), Ok(core)) => {
                let pairs = here.fingerprints.iter().zip(&core.fingerprints);
                let step = pairs.take_while(|(here, core)| here == core).count();
                untrue.push(format!("{}: step {step} leaves another state", story.name));
            }
            (Err(problem), _) | (_, Err(problem)) => untrue.push(problem),
        }
    }
    println!(
        "stories over HTTP: {} of {}",
        stories.len() - untrue.len(),
        stories.len()
    );
    assert!(
        untrue.is_empty(),
        "{} of {}:\n{}",
        untrue.len(),
        stories.len(),
        untrue.join("\n\n")
    );
}
