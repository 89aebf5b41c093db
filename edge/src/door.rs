//! The door of an isolate: its worker admits, its objects answer, and it keeps nothing that a ledger does not have.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use arcoflow_core::door::admit::{self, Admitted};
use arcoflow_core::door::answer::{self, store_problem};
use arcoflow_core::door::config::{Config, Moment};
use arcoflow_core::door::expire;
use arcoflow_core::door::handover;
use arcoflow_core::door::http::{Head, Response};
use arcoflow_core::door::keyring::Keyring;
use arcoflow_core::door::rate::Limiter;
use arcoflow_core::door::routes::Handler;
use arcoflow_core::door::schema;
use arcoflow_core::door::session::Catalogs;
use arcoflow_core::door::shards::{self, Way};
use arcoflow_core::wire::problem::{Problem, Slug};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::exchange::Exchange;
use crate::store::{Crossed, ObjectSql, Store};
use crate::{clock, entropy, log};

/// What an isolate was told, and what it can forget at any moment.
#[wasm_bindgen]
pub struct Door {
    config: Config,
    limiter: Limiter,
    catalogs: Catalogs,
    crossed: Crossed,
}

#[wasm_bindgen]
impl Door {
    /// A door of a keyring, at a base URL.
    ///
    /// # Errors
    /// What is wrong with the keyring.
    #[wasm_bindgen(constructor)]
    pub fn new(keyring: &str, base_url: &str) -> Result<Door, JsError> {
        let keyring = Keyring::parse(keyring.as_bytes())
            .map_err(|sentence| JsError::new(&format!("ARCOFLOW_KEYRING: {sentence}")))?;
        Ok(Door {
            config: keyring.config(base_url),
            limiter: Limiter::default(),
            catalogs: Catalogs::default(),
            crossed: Crossed::default(),
        })
    }

    /// What can be said from the head alone. Headers are lines of `name:value`, in order.
    pub fn admit(&mut self, method: &str, target: &str, headers: &str, exchange: &Exchange) {
        let head = Head {
            method,
            target,
            headers: &apart(headers),
        };
        match admit::admit(&self.config, &mut self.limiter, &head, clock::now_ms()) {
            Err(problem) => exchange.send(&refusal(&problem)),
            Ok(admitted) if matches!(admitted.route.handler, Handler::Host) => {
                exchange.send(&metrics());
            }
            Ok(admitted) => self.pass(&admitted, exchange),
        }
    }

    fn pass(&self, admitted: &Admitted, exchange: &Exchange) {
        let ledger = match self.config.shard.is_only() {
            true => self.object(0),
            false => String::new(),
        };
        let cap = u32::try_from(admitted.route.body_cap).unwrap_or(u32::MAX);
        let waits = admitted.route.waits;
        exchange.pass(cap, &ledger, &handover::pack(admitted), waits);
    }

    /// The object of a ledger.
    fn object(&self, index: u32) -> String {
        let scope = &self.config.scope;
        let index = index.to_string();
        [scope.tenant.as_str(), scope.workspace.as_str(), &index].join("/")
    }

    /// Which way an admitted request goes in a workspace of several ledgers.
    pub fn place(&self, handover: &str, body: &[u8], exchange: &Exchange) {
        let Some(mut admitted) = handover::unpack(handover) else {
            refuse(Slug::Internal.as_str(), exchange);
            return;
        };
        let all = || (0..self.config.shard.count()).collect();
        let [random, ..] = entropy::draw();
        let (way, ledgers, max, wait_s) = match shards::way(&self.config, &admitted, body, random) {
            Way::First(ledgers) => ("first", ledgers, 0, 0),
            Way::Each => ("each", all(), 0, 0),
            Way::Deploy => ("deploy", all(), 0, 0),
            Way::Work {
                ledgers,
                max,
                wait_s,
            } => ("work", ledgers, max, wait_s),
        };
        let (objects, handovers) = self.each(ledgers.into_iter(), &mut admitted);
        exchange.place(way, &objects, &handovers, max, wait_s);
    }

    /// The objects of some ledgers, and what each has to know, in lines.
    fn each(
        &self,
        ledgers: impl Iterator<Item = u32>,
        admitted: &mut Admitted,
    ) -> (String, String) {
        let (mut objects, mut handovers) = (Vec::new(), Vec::new());
        for index in ledgers {
            admitted.shard = index;
            objects.push(self.object(index));
            handovers.push(handover::pack(admitted));
        }
        (objects.join("\n"), handovers.join("\n"))
    }

    /// What the first ledger made of a deployment goes to the others.
    pub fn tell(&self, handover: &str, answer: &[u8], exchange: &Exchange) {
        match (handover::unpack(handover), shards::told(answer)) {
            (Some(mut admitted), Some(told)) => {
                admitted.told = Some(told);
                let others = 1..self.config.shard.count();
                let (objects, handovers) = self.each(others, &mut admitted);
                exchange.place("told", &objects, &handovers, 0, 0);
            }
            _ => refuse(Slug::Internal.as_str(), exchange),
        }
    }

    /// The request for work for one ledger.
    pub fn ask(&self, body: &[u8], max: u32, wait_s: u32) -> Vec<u8> {
        shards::ask(body, max, wait_s)
    }

    /// How many tasks an answer gives.
    pub fn count(&self, answer: &[u8]) -> u32 {
        shards::count(answer)
    }

    /// The answer of the workspace, from those of its ledgers, which lie one after the other.
    pub fn join(&self, handover: &str, mut answers: &[u8], lengths: &[u32]) -> Vec<u8> {
        let mut apart = Vec::with_capacity(lengths.len());
        for length in lengths {
            let Some((answer, rest)) = answers.split_at_checked(*length as usize) else {
                break;
            };
            apart.push(answer);
            answers = rest;
        }
        match handover::unpack(handover) {
            Some(admitted) => shards::join(self.config.shard, &admitted, &apart),
            None => Vec::new(),
        }
    }

    /// The refusal of a body that passed the cap of its route.
    #[wasm_bindgen(js_name = tooLarge)]
    pub fn too_large(&self, handover: &str, exchange: &Exchange) {
        match handover::unpack(handover) {
            Some(admitted) => exchange.send(&refusal(&admit::too_large(admitted.route))),
            None => refuse(Slug::Internal.as_str(), exchange),
        }
    }

    /// Makes the tables of an object. False when it is not this door's to answer from, nothing when only a request says so.
    ///
    /// # Errors
    /// What the store says.
    pub fn install(&self, store: &Store) -> Result<Option<bool>, JsError> {
        let crossed = &self.crossed;
        let version = schema::install(&mut ObjectSql { store, crossed })
            .map_err(|error| JsError::new(&error.detail))?;
        if version > schema::VERSION {
            return Ok(Some(false));
        }
        match self.config.shard.is_only() {
            true => self.settle(store, 0).map(Some),
            false => Ok(None),
        }
    }

    /// Whether an object is the one that the handover of a request means. One that was never used becomes it.
    ///
    /// # Errors
    /// What the store says.
    pub fn fits(&self, store: &Store, handover: &str) -> Result<bool, JsError> {
        match handover::unpack(handover) {
            Some(admitted) => self.settle(store, admitted.shard),
            None => Ok(false),
        }
    }

    fn settle(&self, store: &Store, index: u32) -> Result<bool, JsError> {
        let crossed = &self.crossed;
        let Some(shard) = self.config.shard.other(index) else {
            return Ok(false);
        };
        let is_it = schema::settle(&mut ObjectSql { store, crossed }, shard)
            .map_err(|error| JsError::new(&error.detail))?;
        if !is_it {
            log("the keyring has another number of ledgers than the object was made for");
        }
        Ok(is_it)
    }

    /// Answers a request in a transaction of its object. `cursor` is where a stream goes on; `unarmed` asks for the next deadline, new or not.
    pub fn answer(
        &mut self,
        store: &Store,
        handover: &str,
        body: &[u8],
        cursor: Option<f64>,
        unarmed: bool,
        exchange: &Exchange,
    ) {
        let Some(mut admitted) = handover::unpack(handover) else {
            refuse(Slug::Internal.as_str(), exchange);
            return;
        };
        // An isolate has the objects of several ledgers.
        match self.config.shard.other(admitted.shard) {
            Some(shard) => self.config.shard = shard,
            None => {
                refuse(Slug::UpgradeRequiredServer.as_str(), exchange);
                return;
            }
        }
        if let Some(cursor) = cursor {
            admit::go_on_after(&mut admitted.query, &(cursor as u64).to_string());
        }
        let crossed = &self.crossed;
        let mut sql = ObjectSql { store, crossed };
        let mut deadline = unarmed;
        let outcome = answer::answer(
            &self.config,
            &mut self.catalogs,
            &admitted,
            body,
            &mut sql,
            moment(),
        );
        match outcome {
            Ok(outcome) => {
                exchange.send(&outcome.response);
                exchange.then(&outcome.then);
                exchange.tell(&outcome.wake);
                deadline |= outcome.wake.deadline;
            }
            Err(error) => {
                log(&error.detail);
                exchange.send(&refusal(&store_problem(&error)));
            }
        }
        if deadline {
            match expire::next_deadline_ms(&mut sql) {
                Ok(due_ms) => {
                    exchange.deadline(due_ms.map_or(f64::INFINITY, |due_ms| due_ms as f64))
                }
                Err(error) => log(&error.detail),
            }
        }
    }

    /// Closes what is overdue.
    ///
    /// # Errors
    /// What the store says.
    pub fn expire(&mut self, store: &Store, exchange: &Exchange) -> Result<(), JsError> {
        let crossed = &self.crossed;
        let mut sql = ObjectSql { store, crossed };
        if !self.config.shard.is_only() {
            match schema::shard(&mut sql).map_err(|error| JsError::new(&error.detail))? {
                Some(shard) if shard.count() == self.config.shard.count() => {
                    self.config.shard = shard;
                }
                // Nothing was ever asked of it that this door could know.
                _ => return Ok(()),
            }
        }
        let expired = expire::expire(&self.config, &mut self.catalogs, &mut sql, moment())
            .map_err(|error| JsError::new(&error.detail))?;
        exchange.tell(&expired.wake);
        if let Some(due_ms) = expired.next_ms {
            exchange.deadline(due_ms as f64);
        }
        Ok(())
    }
}

/// A refusal that needs no door: its kind by name, `internal` when there is none of that name.
#[wasm_bindgen]
pub fn refuse(slug: &str, exchange: &Exchange) {
    let slug = Slug::ALL.iter().find(|known| known.as_str() == slug);
    let problem = Problem::bare(slug.copied().unwrap_or(Slug::Internal));
    let problem = match problem.slug.status() {
        503 => problem.header("retry-after", "1"),
        _ => problem,
    };
    exchange.send(&refusal(&problem));
}

fn refusal(problem: &Problem) -> Response {
    Response::problem(problem, moment().request())
}

fn moment() -> Moment {
    Moment {
        now_ms: clock::now_ms(),
        entropy: entropy::draw(),
    }
}

/// Names and values of lines. The platform joins headers of one name; two credentials must be seen as two.
fn apart(lines: &str) -> Vec<(&str, &str)> {
    let mut headers = Vec::with_capacity(16);
    for (name, value) in lines.lines().filter_map(|line| line.split_once(':')) {
        if name == "authorization" {
            headers.extend(value.split(", ").map(|part| (name, part)));
        } else {
            headers.push((name, value));
        }
    }
    headers
}

/// An isolate counts nothing: it is one of many, and gone at any moment.
fn metrics() -> Response {
    let text = concat!(
        "# TYPE arcoflow_build info\n# HELP arcoflow_build What answers.\narcoflow_build_info{host=\"edge\",version=\"",
        env!("CARGO_PKG_VERSION"),
        "\"} 1\n# EOF\n"
    );
    Response::of(
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        200,
        text.as_bytes().to_vec(),
    )
}
