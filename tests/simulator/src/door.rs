//! The door of a life is core's, over the ledger's own SQL; around it is a host that dies.

use std::collections::BTreeMap;

use arcoflow_core::door::admit;
use arcoflow_core::door::answer::{self, Then, Wait, WaitOn};
use arcoflow_core::door::config::{Config, Moment};
use arcoflow_core::door::credential::{Credential, Permission, key_of};
use arcoflow_core::door::expire;
use arcoflow_core::door::http::{Head, Response};
use arcoflow_core::door::rate::Limiter;
use arcoflow_core::door::schema;
use arcoflow_core::door::session::{Catalogs, Wake, records_after};
use arcoflow_core::door::sql::Sql;
use arcoflow_core::door::token::{KeyStage, TokenKey};
use arcoflow_core::identity::digest::sha256;
use arcoflow_core::identity::keys::{TenantId, WorkspaceId};
use arcoflow_core::wire::record::Record;
use arcoflow_core::wire::scope::Scope;

use crate::dice::Dice;
use crate::judge::{Broken, rule};
use crate::post::Call;
use crate::store::{NewDatabase, Store};

/// What a request came to, once it is on disk.
pub(crate) enum Came {
    /// An answer goes back.
    Answered(Response),
    /// It waits for something to happen.
    Waits,
}

/// A request that waits at the door.
struct Waiting {
    call: Call,
    on: WaitOn,
    give_up_ms: u64,
    again_ms: u64,
    otherwise: Response,
}

/// The door and its host.
pub(crate) struct Door {
    pub(crate) store: Store,
    pub(crate) config: Config,
    pub(crate) catalogs: Catalogs,
    limiter: Limiter,
    pub(crate) key: String,
    /// How far its clock is from the true one, in milliseconds.
    pub(crate) skew_ms: i64,
    pub(crate) is_up: bool,
    pub(crate) is_full: bool,
    waiting: BTreeMap<u64, Waiting>,
    /// The number of the newest record, on disk or not.
    head: u64,
    keys: u64,
    dice: Dice,
}

pub(crate) fn scope() -> Scope {
    Scope {
        tenant: TenantId::parse("acme").expect("a tenant"),
        workspace: WorkspaceId::parse("main").expect("a workspace"),
    }
}

impl Door {
    pub(crate) fn new(seed: u64, new_database: NewDatabase) -> Door {
        let mut store = Store::new(new_database);
        schema::install(&mut store).expect("the tables are made");
        let mut config = Config::new(scope(), "http://door");
        let key = key_of("sim", &[7; 32]);
        config
            .credentials
            .push(Credential::new("sim", &key, scope(), &Permission::ALL));
        config.token_keys.push(token_key(1));
        Door {
            store,
            config,
            catalogs: Catalogs::default(),
            limiter: Limiter::default(),
            key,
            skew_ms: 0,
            is_up: true,
            is_full: false,
            waiting: BTreeMap::new(),
            head: 0,
            keys: 1,
            dice: Dice::of(seed, "door"),
        }
    }

    /// The door's clock, from the true time.
    pub(crate) fn clock(&self, true_ms: u64) -> u64 {
        true_ms.saturating_add_signed(self.skew_ms)
    }

    fn moment(&mut self, true_ms: u64) -> Moment {
        Moment {
            now_ms: self.clock(true_ms),
            entropy: self.dice.entropy(),
        }
    }

    /// Replaces the key that signs tokens. Those before it verify what they signed; the oldest are forgotten.
    pub(crate) fn rotate(&mut self) {
        self.keys += 1;
        for key in &mut self.config.token_keys {
            key.stage = KeyStage::Retiring;
        }
        self.config.token_keys.insert(0, token_key(self.keys));
        self.config.token_keys.truncate(KEYS_KEPT);
    }

    /// Takes a request. What it wrote is not on disk yet.
    ///
    /// # Errors
    /// A refusal that wrote.
    pub(crate) fn take(&mut self, call: &Call, true_ms: u64) -> Result<(Came, Wake), Broken> {
        let moment = self.moment(true_ms);
        let authorization = format!("Bearer {}", call.token);
        let length = call.body.len().to_string();
        let mut headers = vec![("authorization", authorization.as_str())];
        if call.method == "POST" {
            headers.push(("content-type", "application/json"));
            headers.push(("content-length", length.as_str()));
        }
        if let Some(key) = &call.idempotency_key {
            headers.push(("idempotency-key", key.as_str()));
        }
        let head = Head {
            method: call.method,
            target: &call.target,
            headers: &headers,
        };
        let now_ms = self.clock(true_ms);
        // Whatever becomes of a request that waited, it waits no longer unless it is told to.
        let waited = self.waiting.remove(&call.number);
        let admitted = match admit::admit(&self.config, &mut self.limiter, &head, now_ms) {
            Ok(admitted) => admitted,
            Err(problem) => {
                let response = Response::problem(&problem, moment.request());
                return Ok((Came::Answered(response), Wake::default()));
            }
        };
        self.store.begin();
        self.store.fails_full = self.is_full;
        let outcome = answer::answer(
            &self.config,
            &mut self.catalogs,
            &admitted,
            &call.body,
            &mut self.store,
            moment,
        );
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                let problem = answer::store_problem(&error);
                let response = Response::problem(&problem, moment.request());
                self.check_refusal(call)?;
                return Ok((Came::Answered(response), Wake::default()));
            }
        };
        if outcome.response.status >= 400 {
            self.check_refusal(call)?;
        } else if outcome.wake.records {
            self.head = self.store.head();
        }
        let came = match outcome.then {
            Then::Wait(wait) => {
                // A request that was asked again gives up when it first said.
                let give_up_ms =
                    waited.map_or(true_ms + wait.give_up_ms, |waited| waited.give_up_ms);
                self.wait(call, wait, outcome.response, true_ms, give_up_ms);
                Came::Waits
            }
            Then::Send | Then::Follow(_) => Came::Answered(outcome.response),
        };
        Ok((came, outcome.wake))
    }

    fn check_refusal(&mut self, call: &Call) -> Result<(), Broken> {
        let head = self.store.head();
        rule(
            head == self.head,
            "I06 a refusal leaves nothing behind",
            || format!("{}: {head} records instead of {}", call.target, self.head),
        )
    }

    fn wait(
        &mut self,
        call: &Call,
        wait: Wait,
        otherwise: Response,
        true_ms: u64,
        give_up_ms: u64,
    ) {
        let again_ms = wait
            .again_ms
            .map_or(u64::MAX, |after| true_ms + after.max(1));
        let waiting = Waiting {
            call: call.clone(),
            on: wait.on,
            give_up_ms,
            again_ms,
            otherwise,
        };
        self.waiting.insert(call.number, waiting);
    }

    /// The requests that something concerns: they are asked again.
    pub(crate) fn woken(&self, wake: &Wake) -> Vec<Call> {
        let concerns = |waiting: &&Waiting| match &waiting.on {
            WaitOn::Records => wake.records,
            WaitOn::Work(queues) => queues.iter().any(|queue| wake.work.contains(queue)),
            WaitOn::Logs => wake.logs,
        };
        let woken = self.waiting.values().filter(concerns);
        woken.map(|waiting| waiting.call.clone()).collect()
    }

    /// When the next waiting request has to be looked at.
    pub(crate) fn next_wait_ms(&self) -> Option<u64> {
        let times = self.waiting.values();
        times
            .map(|waiting| waiting.give_up_ms.min(waiting.again_ms))
            .min()
    }

    /// Requests that are asked again now, and answers of those that give up.
    pub(crate) fn due(&mut self, true_ms: u64) -> (Vec<Call>, Vec<(Call, Response)>) {
        let (mut again, mut given_up) = (Vec::new(), Vec::new());
        let numbers: Vec<u64> = self.waiting.keys().copied().collect();
        for number in numbers {
            let Some(waiting) = self.waiting.get(&number) else {
                continue;
            };
            if waiting.give_up_ms <= true_ms {
                if let Some(waiting) = self.waiting.remove(&number) {
                    given_up.push((waiting.call, waiting.otherwise));
                }
            } else if waiting.again_ms <= true_ms {
                again.push(waiting.call.clone());
            }
        }
        (again, given_up)
    }

    /// Closes what is overdue. The answer is what happened, and the next deadline by the true clock.
    pub(crate) fn expire(&mut self, true_ms: u64) -> (Wake, Option<u64>) {
        let moment = self.moment(true_ms);
        self.store.fails_full = false;
        self.store.begin();
        let expired = expire::expire(&self.config, &mut self.catalogs, &mut self.store, moment)
            .expect("the store has room");
        self.store.sync();
        if expired.wake.records {
            self.head = self.store.head();
        }
        (expired.wake, expired.next_ms.map(|at| self.to_true(at)))
    }

    /// The next deadline by the true clock.
    pub(crate) fn next_deadline_ms(&mut self) -> Option<u64> {
        let next = expire::next_deadline_ms(&mut self.store).expect("the store answers");
        next.map(|at| self.to_true(at))
    }

    fn to_true(&self, door_ms: u64) -> u64 {
        door_ms.saturating_add_signed(-self.skew_ms)
    }

    /// Everything that a host keeps in memory is gone, and what was not on disk but for so many requests; the ledger is not.
    pub(crate) fn die(&mut self, keep: usize) {
        self.store.lose(keep);
        self.head = self.store.head();
        self.is_up = false;
        self.waiting.clear();
        self.catalogs = Catalogs::default();
        self.limiter = Limiter::default();
    }

    pub(crate) fn records_after(&mut self, seq: u64) -> Vec<Record> {
        records_after(&mut self.store, seq, 1_000_000).expect("the store answers")
    }
}

impl Door {
    /// The open attempts that the door keeps a time for: run, task, attempt, and whether they have a time at which they end.
    pub(crate) fn open_attempts(&mut self) -> Vec<String> {
        let mut open = self.store.lines(
            "SELECT lower(hex(run)) || ' ' || task_key || ' ' || attempt || ' ' || CASE
                WHEN state = 2 AND due_ms <= deadline_ms THEN 'timed' WHEN state < 2 AND due_ms IS NOT NULL THEN 'timed' ELSE 'for ever' END
             FROM attempt WHERE state IN (0, 1, 2) AND requested_seq > 0",
        );
        open.sort();
        open
    }

    /// The contents of every manifest.
    pub(crate) fn manifests(&mut self) -> Vec<Vec<u8>> {
        let mut manifests = Vec::new();
        let read = self
            .store
            .query("SELECT content FROM manifest", &[], &mut |row| {
                manifests.push(row.blob(0).to_vec());
            });
        read.expect("the store answers");
        manifests
    }
}

/// Verifying keys beside the one that signs.
const KEYS_KEPT: usize = 4;

fn token_key(number: u64) -> TokenKey {
    TokenKey {
        id: format!("k{number}"),
        secret: sha256(&number.to_le_bytes()).to_bytes(),
        stage: KeyStage::Active,
    }
}
