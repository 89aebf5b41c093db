//! The door of an isolate: its worker admits, its objects answer, and it keeps nothing that a ledger does not have.

use alloc::format;
use alloc::string::ToString;
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
        let scope = &self.config.scope;
        let ledger = [scope.tenant.as_str(), scope.workspace.as_str(), "0"].join("/");
        let cap = u32::try_from(admitted.route.body_cap).unwrap_or(u32::MAX);
        exchange.pass(cap, &ledger, &handover::pack(admitted));
    }

    /// The refusal of a body that passed the cap of its route.
    #[wasm_bindgen(js_name = tooLarge)]
    pub fn too_large(&self, handover: &str, exchange: &Exchange) {
        match handover::unpack(handover) {
            Some(admitted) => exchange.send(&refusal(&admit::too_large(admitted.route))),
            None => refuse(Slug::Internal.as_str(), exchange),
        }
    }

    /// Makes the tables of an object; false when a later version made them.
    ///
    /// # Errors
    /// What the store says.
    pub fn install(&self, store: &Store) -> Result<bool, JsError> {
        let crossed = &self.crossed;
        let version = schema::install(&mut ObjectSql { store, crossed })
            .map_err(|error| JsError::new(&error.detail))?;
        Ok(version <= schema::VERSION)
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
