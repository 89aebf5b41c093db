//! A house is a door, a scheduler and a worker around one database, with a clock that only the test moves.

use std::sync::Arc;

use arcoflow_core::automation::automations::Automations;
use arcoflow_core::door::admit::{self, Admitted};
use arcoflow_core::door::answer::{self, Then};
use arcoflow_core::door::config::{Config, Moment};
use arcoflow_core::door::credential::{Credential, Permission, key_of};
use arcoflow_core::door::expire;
use arcoflow_core::door::http::{Head, Response};
use arcoflow_core::door::rate::Limiter;
use arcoflow_core::door::schema;
use arcoflow_core::door::session::{Catalogs, records_after};
use arcoflow_core::door::token::{KeyStage, TokenKey};
use arcoflow_core::identity::digest::Sha256Digest;
use arcoflow_core::identity::keys::{TenantId, WorkspaceId};
use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::run::decide::{decide, settle};
use arcoflow_core::run::fold;
use arcoflow_core::run::world::{Limits, World};
use arcoflow_core::wire::automation::AutomationPage;
use arcoflow_core::wire::record::Record;
use arcoflow_core::wire::scope::Scope;
use arcoflow_core::wire::shard::Shard;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::store::Store;

pub(crate) struct House {
    pub(crate) store: Store,
    pub(crate) config: Config,
    pub(crate) catalogs: Catalogs,
    pub(crate) limiter: Limiter,
    pub(crate) now_ms: u64,
    pub(crate) key: String,
    pub(crate) world: World,
    pub(crate) limits: Limits,
    pub(crate) epoch: u64,
    requests: u64,
}

/// A pipeline in three words: keys, upstreams, and what is unusual about the asset.
pub(crate) fn asset(key: &str, upstreams: &[&str], more: Value) -> Value {
    let mut id = arcoflow_core::identity::digest::sha256(key.as_bytes()).to_bytes();
    id[6] = (id[6] & 0x0f) | 0x70;
    id[8] = (id[8] & 0x3f) | 0x80;
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&id[..16]);
    let id = arcoflow_core::identity::ids::AssetId::from_bytes(bytes).expect("a version 7 id");
    let upstreams: Vec<Value> = upstreams
        .iter()
        .map(|key| json!({ "asset": key }))
        .collect();
    let mut asset = json!({ "key": key, "id": id.to_string(), "upstreams": upstreams, "run": { "command": ["true"] } });
    if let (Value::Object(asset), Value::Object(more)) = (&mut asset, more) {
        asset.extend(more);
    }
    asset
}

pub(crate) fn manifest(assets: Vec<Value>) -> Value {
    json!({ "version": 1, "assets": assets })
}

struct Known<'a>(std::cell::RefCell<(&'a mut Catalogs, &'a mut Store)>);

impl fold::Catalogs for Known<'_> {
    fn catalog(&self, manifest: &Sha256Digest) -> Option<Arc<Catalog>> {
        let (catalogs, store) = &mut *self.0.borrow_mut();
        catalogs.get(*store, manifest).expect("the store answers")
    }
}

pub(crate) fn scope() -> Scope {
    Scope {
        tenant: TenantId::parse("acme").expect("a tenant"),
        workspace: WorkspaceId::parse("main").expect("a workspace"),
    }
}

impl House {
    pub(crate) fn new() -> House {
        let mut store = Store::new();
        schema::install(&mut store).expect("the tables are made");
        let mut config = Config::new(scope(), "http://127.0.0.1:2726");
        let key = key_of("test", &[7; 32]);
        config
            .credentials
            .push(Credential::new("test", &key, scope(), &Permission::ALL));
        config.token_keys.push(TokenKey {
            id: "k1".to_string(),
            secret: [9; 32],
            stage: KeyStage::Active,
        });
        House {
            store,
            config,
            catalogs: Catalogs::default(),
            limiter: Limiter::default(),
            now_ms: 1_750_000_000_000,
            key,
            world: World::default(),
            limits: Limits::default(),
            epoch: 0,
            requests: 0,
        }
    }

    /// The house of one ledger of a workspace that has several.
    pub(crate) fn of(shard: Shard) -> House {
        let mut house = House::new();
        house.config.shard = shard;
        house.world = World::default().in_shard(shard);
        // No two houses draw the same random bytes.
        house.requests = u64::from(shard.index()) << 32;
        house
    }

    pub(crate) fn with(manifest: &Value) -> House {
        let mut house = House::new();
        house.post("/v1/manifests", manifest).expect(201);
        house
    }

    pub(crate) fn moment(&mut self) -> Moment {
        self.requests += 1;
        let digest = arcoflow_core::identity::digest::sha256(&self.requests.to_le_bytes());
        Moment {
            now_ms: self.now_ms,
            entropy: digest.to_bytes(),
        }
    }

    /// One request as it would come from a socket.
    pub(crate) fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let moment = self.moment();
        let head = Head {
            method,
            target,
            headers,
        };
        let (response, then) =
            match admit::admit(&self.config, &mut self.limiter, &head, self.now_ms) {
                Err(problem) => (Response::problem(&problem, moment.request()), Then::Send),
                Ok(admitted)
                    if admitted.route.body_cap > 0 && body.len() > admitted.route.body_cap =>
                {
                    (
                        Response::problem(&admit::too_large(admitted.route), moment.request()),
                        Then::Send,
                    )
                }
                Ok(admitted) => self.answer(&admitted, body, moment),
            };
        let json = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
        Answer {
            status: response.status,
            headers: response.headers,
            bytes: response.body,
            json,
            then,
        }
    }

    pub(crate) fn answer(
        &mut self,
        admitted: &Admitted,
        body: &[u8],
        moment: Moment,
    ) -> (Response, Then) {
        let outcome = answer::answer(
            &self.config,
            &mut self.catalogs,
            admitted,
            body,
            &mut self.store,
            moment,
        );
        match outcome {
            Ok(outcome) => (outcome.response, outcome.then),
            Err(error) => {
                let problem = answer::store_problem(&error);
                (Response::problem(&problem, moment.request()), Then::Send)
            }
        }
    }

    pub(crate) fn post_with(
        &mut self,
        target: &str,
        token: &str,
        more: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let authorization = format!("Bearer {token}");
        let body = body.to_string();
        let length = body.len().to_string();
        let mut headers = vec![
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
            ("content-length", length.as_str()),
        ];
        headers.extend_from_slice(more);
        self.send("POST", target, &headers, body.as_bytes())
    }

    pub(crate) fn post(&mut self, target: &str, body: &Value) -> Answer {
        let key = self.key.clone();
        self.post_with(target, &key, &[], body)
    }

    pub(crate) fn get(&mut self, target: &str) -> Answer {
        let authorization = format!("Bearer {}", self.key);
        self.send(
            "GET",
            target,
            &[("authorization", authorization.as_str())],
            b"",
        )
    }

    /// The id of a run of everything, or of a trigger.
    pub(crate) fn trigger(&mut self, trigger: &Value) -> String {
        let answer = self.post("/v1/runs", trigger).expect(202);
        answer.json["runId"].as_str().expect("a run id").to_string()
    }

    /// The target of a request that is about the ledger of this house.
    pub(crate) fn own(&self, path: &str) -> String {
        format!("{path}?shard={}", self.config.shard.index())
    }

    pub(crate) fn take_lease(&mut self) {
        let lease = json!({ "holder": "s1", "ttlMs": 600_000, "takeOver": true });
        let target = self.own("/v1/scheduler");
        let answer = self.post(&target, &lease).expect(200);
        self.epoch = answer.json["epoch"].as_u64().expect("an epoch");
    }

    /// Lets the scheduler read, decide and append until it is at rest.
    pub(crate) fn schedule(&mut self) {
        self.take_lease();
        let target = self.own("/v1/ledger");
        for _ in 0..1_000 {
            self.catch_up();
            let decisions = decide(&self.world, self.now_ms, &scope(), &self.limits);
            if decisions.is_empty() {
                settle(&mut self.world);
                return;
            }
            let events: Vec<Value> = decisions
                .iter()
                .map(|event| {
                    let body: Value =
                        serde_json::from_str(&event.body().expect("a canonical body"))
                            .expect("JSON");
                    json!({ "kind": event.kind(), "body": body })
                })
                .collect();
            let request = json!({ "epoch": self.epoch, "after": self.world.seq, "events": events });
            self.post(&target, &request).expect(200);
        }
        panic!("the scheduler does not come to rest");
    }

    pub(crate) fn records(&mut self) -> Vec<Record> {
        records_after(&mut self.store, 0, 1_000_000).expect("the store answers")
    }

    pub(crate) fn catch_up(&mut self) {
        let records =
            records_after(&mut self.store, self.world.seq, 1_000_000).expect("the store answers");
        let known = Known(std::cell::RefCell::new((
            &mut self.catalogs,
            &mut self.store,
        )));
        for record in &records {
            self.world.fold(record, &known, &self.limits);
        }
        if self.world.automations.is_out_of_date() {
            let page = self.get("/v1/automations").expect(200).json;
            let page: AutomationPage = serde_json::from_value(page).expect("a page");
            let declaring = page.automations.first().map(|view| view.manifest);
            let known = Known(std::cell::RefCell::new((
                &mut self.catalogs,
                &mut self.store,
            )));
            let catalog = declaring.and_then(|manifest| fold::Catalogs::catalog(&known, &manifest));
            self.world.automations = Automations::adopted(page, catalog);
        }
    }

    /// A world folded from nothing.
    pub(crate) fn replayed(&mut self) -> World {
        let records = self.records();
        self.folded(World::default(), &records)
    }

    /// A world after these records.
    pub(crate) fn folded(&mut self, mut world: World, records: &[Record]) -> World {
        let known = Known(std::cell::RefCell::new((
            &mut self.catalogs,
            &mut self.store,
        )));
        for record in records {
            world.fold(record, &known, &self.limits);
        }
        world
    }

    pub(crate) fn lease(&mut self, max: u32) -> Vec<Value> {
        let request = json!({ "workerId": "w1", "queues": ["default"], "max": max });
        let answer = self.post("/v1/leases", &request).expect(200);
        answer.json["tasks"].as_array().cloned().unwrap_or_default()
    }

    pub(crate) fn callback(&mut self, envelope: &Value, what: &str, more: Value) -> Answer {
        let (target, token, body) = callback_of(envelope, what, more);
        self.post_with(&target, &token, &[], &body)
    }

    pub(crate) fn succeed(&mut self, envelope: &Value) {
        self.callback(envelope, "started", json!({})).expect(200);
        self.callback(envelope, "completed", json!({ "outcome": "SUCCEEDED" }))
            .expect(200);
    }

    pub(crate) fn fail(&mut self, envelope: &Value, category: &str) {
        self.callback(envelope, "started", json!({})).expect(200);
        let error =
            json!({ "outcome": "FAILED", "error": { "category": category, "message": "no luck" } });
        self.callback(envelope, "completed", error).expect(200);
    }

    /// Schedules and works until nothing can be leased; each envelope goes through `work`.
    pub(crate) fn work(&mut self, mut work: impl FnMut(&mut House, &Value)) {
        for _ in 0..1_000 {
            self.schedule();
            let leased = self.lease(100);
            if leased.is_empty() {
                return;
            }
            for envelope in &leased {
                work(self, envelope);
            }
        }
        panic!("the work does not end");
    }

    pub(crate) fn expire(&mut self) -> u64 {
        let moment = self.moment();
        let expired = expire::expire(&self.config, &mut self.catalogs, &mut self.store, moment)
            .expect("the store answers");
        expired.closed
    }

    pub(crate) fn run(&mut self, run: &str) -> Value {
        self.get(&format!("/v1/runs/{run}")).expect(200).json
    }

    /// The state of each task of a run by its key.
    pub(crate) fn tasks(&mut self, run: &str) -> Vec<(String, String)> {
        let page = self.get(&format!("/v1/runs/{run}/tasks")).expect(200).json;
        let tasks = page["tasks"].as_array().cloned().unwrap_or_default();
        tasks
            .iter()
            .map(|task| (text(&task["taskKey"]), text(&task["state"])))
            .collect()
    }

    pub(crate) fn kinds(&mut self) -> Vec<String> {
        self.records()
            .iter()
            .map(|record| record.kind.clone())
            .collect()
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or("").to_string()
}

/// The target, the token and the body of a callback of the worker `w1`.
pub(crate) fn callback_of(envelope: &Value, what: &str, more: Value) -> (String, String, Value) {
    let mut body = json!({ "attempt": envelope["attempt"], "workerId": "w1" });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    let task = text(&envelope["taskId"]);
    let token = text(&envelope["taskToken"]);
    (format!("/v1/tasks/{task}/{what}"), token, body)
}
