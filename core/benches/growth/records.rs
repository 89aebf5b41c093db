//! The records of runs as a door and a scheduler write them: triggered, planned, and three for each task, in the order of the stages.

use std::sync::Arc;

use arcoflow_core::identity::digest::sha256;
use arcoflow_core::identity::ids::RunId;
use arcoflow_core::identity::keys::{TenantId, WorkspaceId};
use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::wire::event::{
    AttemptFinished, AttemptOutcome, AttemptStarted, DispatchRequested, Event, Output, RunFinished,
    RunOutcome, RunPlanned, RunTriggered,
};
use arcoflow_core::wire::record::{GENESIS, Record};
use arcoflow_core::wire::trigger::Trigger;

use super::shapes;

/// Tasks that are with workers at the same time.
const AT_ONCE: usize = 64;

/// The first records of run after run of everything in a catalog.
pub(crate) fn of_runs(catalog: &Arc<Catalog>, count: usize) -> Vec<Record> {
    let plan = shapes::compile(catalog);
    let (Ok(tenant), Ok(workspace)) = (TenantId::parse("acme"), WorkspaceId::parse("main")) else {
        return Vec::new();
    };
    let fingerprint = plan.fingerprint(&tenant, &workspace);
    let mut ledger = Ledger {
        records: Vec::with_capacity(count),
        limit: count,
    };
    let mut number: u64 = 0;
    while !ledger.is_full() {
        number += 1;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&number.to_be_bytes());
        let Ok(run) = RunId::from_parts(shapes::AS_OF_MS, random) else {
            return Vec::new();
        };
        ledger.push(&Event::RunTriggered(RunTriggered {
            run,
            manifest: sha256(b"measured"),
            trigger: Trigger {
                all_partitions: true,
                ..Trigger::default()
            },
            as_of_ms: None,
            rerun: None,
        }));
        ledger.push(&Event::RunPlanned(RunPlanned {
            run,
            plan: fingerprint,
            tasks: plan.len(),
        }));
        for wave in plan.order().chunks(AT_ONCE) {
            for &task in wave {
                ledger.push(&Event::DispatchRequested(DispatchRequested {
                    run,
                    task: plan.key(task),
                    attempt: 1,
                    queue: "default".to_string(),
                    priority: 0,
                    not_before: 0,
                }));
            }
            for &task in wave {
                ledger.push(&Event::AttemptStarted(AttemptStarted {
                    run,
                    task: plan.key(task),
                    attempt: 1,
                    worker: "worker-1".to_string(),
                }));
                ledger.push(&Event::AttemptFinished(AttemptFinished {
                    run,
                    task: plan.key(task),
                    attempt: 1,
                    outcome: AttemptOutcome::Succeeded,
                    error: None,
                    output: Some(Output {
                        row_count: Some(u64::from(task) * 31),
                        byte_size: Some(u64::from(task) * 997),
                        ..Output::default()
                    }),
                    replaces: None,
                    basis: None,
                    extra: serde_json::Map::new(),
                }));
            }
            if ledger.is_full() {
                return ledger.records;
            }
        }
        ledger.push(&Event::RunFinished(RunFinished {
            run,
            outcome: RunOutcome::Succeeded,
            succeeded: plan.len(),
            failed: 0,
            skipped: 0,
            cancelled: 0,
        }));
    }
    ledger.records
}

struct Ledger {
    records: Vec<Record>,
    limit: usize,
}

impl Ledger {
    fn is_full(&self) -> bool {
        self.records.len() >= self.limit
    }

    fn push(&mut self, event: &Event) {
        if self.is_full() {
            return;
        }
        let before = self.records.last().map_or(GENESIS, |record| record.chain);
        let by = if event.is_decision() {
            "scheduler"
        } else {
            "worker"
        };
        let mut record = Record {
            seq: self.records.len() as u64 + 1,
            at_ms: shapes::AS_OF_MS,
            event_id: event.id(),
            kind: event.kind().to_string(),
            actor: by.to_string(),
            cause: None,
            body: event.body().unwrap_or_default(),
            chain: before,
        };
        record.chain = before.next(&record.canonical());
        self.records.push(record);
    }
}
