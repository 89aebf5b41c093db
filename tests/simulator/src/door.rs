//! The door of a life is core's, over the ledger's own SQL; around it is a host that dies.

use std::collections::BTreeMap;

use arcoflow_core::door::admit;
use arcoflow_core::door::answer::{self, Then, WaitOn};
use arcoflow_core::door::config::{Config, Moment};
use arcoflow_core::door::credential::{Credential, Permission, key_of};
use arcoflow_core::door::expire;
use arcoflow_core::door::http::{Head, Response};
use arcoflow_core::door::rate::Limiter;
use arcoflow_core::door::schema;
use arcoflow_core::door::session::{Catalogs, Wake, records_after};
use arcoflow_core::door::token::{KeyStage, TokenKey};
use arcoflow_core::identity::keys::{TenantId, WorkspaceId};
use arcoflow_core::wire::record::Record;
use arcoflow_core::wire::scope::Scope;

use crate::dice::Dice;
use crate::post::Call;
use crate::store::Store;

/// What a request came to.
pub(crate) enum Came {
    /// An answer goes back.
    Answered(Response),
    /// It waits for something to happen.
    Waits,
    /// The door died before anything was committed.
    DiedBefore,
    /// The door died after the commit: nobody hears of it.
    DiedAfter,
}

/// Where a door dies in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    BeforeCommit,
    AfterCommit,
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
    dice: Dice,
}

pub(crate) fn scope() -> Scope {
    Scope {
        tenant: TenantId::parse("acme").expect("a tenant"),
        workspace: WorkspaceId::parse("main").expect("a workspace"),
    }
}

impl Door {
    pub(crate) fn new(seed: u64) -> Door {
        let mut store = Store::new();
        schema::install(&mut store).expect("the tables are made");
        let mut config = Config::new(scope(), "http://door");
        let key = key_of("sim", &[7; 32]);
        config
            .credentials
            .push(Credential::new("sim", &key, scope(), &Permission::ALL));
        config.token_keys.push(TokenKey {
            id: "k1".to_owned(),
            secret: [9; 32],
            stage: KeyStage::Active,
        });
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

    /// Takes a request; `death` is where the host dies in it.
    pub(crate) fn take(&mut self, call: &Call, true_ms: u64, death: Option<Death>) -> (Came, Wake) {
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
        let admitted = match admit::admit(&self.config, &mut self.limiter, &head, now_ms) {
            Ok(admitted) => admitted,
            Err(problem) => {
                let response = Response::problem(&problem, moment.request());
                return (Came::Answered(response), Wake::default());
            }
        };
        self.store.fails_full = self.is_full;
        self.store.begin();
        let outcome = answer::answer(
            &self.config,
            &mut self.catalogs,
            &admitted,
            &call.body,
            &mut self.store,
            moment,
        );
        if death == Some(Death::BeforeCommit) {
            self.store.undo();
            return (Came::DiedBefore, Wake::default());
        }
        self.store.commit();
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                let problem = answer::store_problem(&error);
                let response = Response::problem(&problem, moment.request());
                return (Came::Answered(response), Wake::default());
            }
        };
        if death == Some(Death::AfterCommit) {
            return (Came::DiedAfter, outcome.wake);
        }
        let came = match outcome.then {
            Then::Wait(wait) => {
                // A request that was asked again gives up when it first said.
                let give_up_ms = match self.waiting.get(&call.number) {
                    Some(waiting) => waiting.give_up_ms,
                    None => true_ms + wait.give_up_ms,
                };
                let again_ms = wait
                    .again_ms
                    .map_or(u64::MAX, |after| true_ms + after.max(1));
                let waiting = Waiting {
                    call: call.clone(),
                    on: wait.on,
                    give_up_ms,
                    again_ms,
                    otherwise: outcome.response,
                };
                self.waiting.insert(call.number, waiting);
                Came::Waits
            }
            Then::Send | Then::Follow(_) => {
                self.waiting.remove(&call.number);
                Came::Answered(outcome.response)
            }
        };
        (came, outcome.wake)
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
        self.store.commit();
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

    /// Everything that a host keeps in memory is gone; the ledger is not.
    pub(crate) fn die(&mut self) {
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
    /// The run and the task of a task id, from the attempt index.
    pub(crate) fn task_name(&mut self, task: &str) -> Option<(String, String)> {
        let id = arcoflow_core::identity::ids::TaskId::parse(task).ok()?;
        let mut statement = self
            .store
            .connection
            .prepare_cached("SELECT run, task_key FROM attempt WHERE task = ?1 LIMIT 1")
            .ok()?;
        let bytes = id.to_bytes();
        let found = statement.query_row([bytes.get(6..)?], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?))
        });
        let (run, key) = found.ok()?;
        let run = arcoflow_core::identity::ids::RunId::from_bytes(run.try_into().ok()?);
        Some((run.to_string(), key))
    }

    /// The contents of every manifest.
    pub(crate) fn manifests(&mut self) -> Vec<Vec<u8>> {
        let mut statement = self
            .store
            .connection
            .prepare_cached("SELECT content FROM manifest")
            .expect("SQL");
        let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0));
        rows.expect("rows")
            .map(|row| row.expect("a manifest"))
            .collect()
    }
}
