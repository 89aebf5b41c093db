//! A callback costs the same in a ledger of a thousand tasks and in one of a million.

use std::path::Path;
use std::time::{Duration, Instant};

use arcoflow::host::store::Store;
use arcoflow::local::credentials::Credentials;
use arcoflow_core::door::config::{Config, Moment};
use arcoflow_core::door::session::{Catalogs, Session};
use arcoflow_core::door::sql::Sql;
use arcoflow_core::identity::canonical_json::canonicalize;
use arcoflow_core::identity::digest::{Sha256Digest, sha256};
use arcoflow_core::identity::ids::{ManifestId, RunId};
use arcoflow_core::plan::{self, catalog::Catalog};
use arcoflow_core::wire::event::{
    AttemptFinished, AttemptOutcome, AttemptStarted, DispatchRequested, Event, ManifestDeployed,
    RunFinished, RunOutcome, RunPlanned, RunTriggered,
};
use arcoflow_core::wire::manifest::Manifest;

use crate::appends;
use crate::figures::{Figures, median, millis};
use crate::flow;
use crate::house::House;

const PARTITIONS: usize = 10_000;
/// Rounds of one caller, in turn in the small and in the large ledger.
const ROUNDS: usize = 10;
const CALLS: usize = 100;

pub(crate) fn measure(figures: &mut Figures) {
    figures.section("callbacks in a ledger of 1,000 and of 1,000,000 tasks, in turn");
    let (small, large) = (house(figures, 1_000), house(figures, 1_000_000));
    let mut medians = [Vec::new(), Vec::new()];
    let mut all = [Vec::new(), Vec::new()];
    let mut rates = [0.0, 0.0];
    for house in [&small, &large] {
        house
            .runtime
            .block_on(house.client.trigger(&flow::everything(), None))
            .expect("a run");
    }
    for _ in 0..ROUNDS {
        for (index, house) in [&small, &large].into_iter().enumerate() {
            let mut times = house.runtime.block_on(calls(house));
            all[index].extend_from_slice(&times);
            medians[index].push(median(&mut times));
        }
    }
    for (index, house) in [&small, &large].into_iter().enumerate() {
        let envelopes = house
            .runtime
            .block_on(flow::take(&house.client, "bench", 4_000));
        rates[index] = house
            .runtime
            .block_on(appends::call(&house.client, 64, &envelopes, true));
    }
    let [small_times, large_times] = &mut all;
    figures.times("one caller, 1,000 tasks", small_times, None);
    figures.times("one caller, 1,000,000 tasks", large_times, None);
    let [small_medians, large_medians] = &mut medians;
    let ratio = millis(median(large_medians)) / millis(median(small_medians));
    figures.number("ratio of the medians", ratio, "", Some(1.5));
    figures.rate("64 callers, 1,000 tasks", rates[0], None);
    figures.rate("64 callers, 1,000,000 tasks", rates[1], None);
    figures.number(
        "memory of the house with 1,000,000 tasks",
        crate::idle::resident_mib(large.pid()),
        "MiB",
        None,
    );
}

async fn calls(house: &House) -> Vec<Duration> {
    let mut times = Vec::new();
    for envelope in flow::take(&house.client, "bench", CALLS / 2).await {
        let began = Instant::now();
        flow::started(&house.client, "bench", &envelope).await;
        times.push(began.elapsed());
        let began = Instant::now();
        flow::completed(&house.client, "bench", &envelope).await;
        times.push(began.elapsed());
    }
    times
}

/// A house on a ledger in which so many tasks have ended.
fn house(figures: &mut Figures, tasks: usize) -> House {
    let temporary = tempfile::tempdir().expect("a directory");
    let directory = temporary.path().to_owned();
    let began = Instant::now();
    write(&directory, tasks);
    let bytes = std::fs::metadata(directory.join("ledger.db"))
        .expect("a ledger")
        .len();
    figures.number(
        &format!("{tasks} tasks on the disk"),
        bytes as f64 / tasks as f64,
        "bytes a task",
        (tasks > 100_000).then_some(1_024.0),
    );
    figures.number(
        "  written by the door's own code in",
        began.elapsed().as_secs_f64(),
        "s",
        None,
    );
    House::at(directory, Some(temporary))
}

/// Writes runs that have ended, with the door's own code in large transactions.
fn write(directory: &Path, tasks: usize) {
    let credentials = Credentials::load_or_make(directory).expect("keys");
    let mut config = Config::new(credentials.scope.clone(), "http://localhost");
    credentials.apply(&mut config);
    let mut store = Store::open(&directory.join("ledger.db")).expect("a ledger");
    let content = canonicalize(&flow::fan(PARTITIONS)).expect("a manifest");
    let manifest = sha256(&content);
    let catalog = Catalog::new(Manifest::parse(&content).expect("a manifest")).expect("a manifest");
    let mut catalogs = Catalogs::default();
    let mut now_ms = 1_700_000_000_000;
    store
        .execute(
            "INSERT INTO manifest (digest, content) VALUES (?1, ?2)",
            &[
                manifest.to_bytes().as_slice().into(),
                content.as_slice().into(),
            ],
        )
        .expect("room");
    let deployed = Event::ManifestDeployed(ManifestDeployed {
        manifest_id: ManifestId::from_parts(now_ms, [0; 10]).expect("a time"),
        manifest,
        assets: 1,
    });
    append(&config, &mut catalogs, &mut store, now_ms, &[deployed]);
    let mut left = tasks;
    while left > 0 {
        let share = left.min(PARTITIONS);
        left -= share;
        now_ms += 60_000;
        let events = run(&catalog, manifest, now_ms, share, left);
        append(&config, &mut catalogs, &mut store, now_ms, &events);
    }
}

/// The records of a run in which the first `share` tasks succeeded.
fn run(
    catalog: &Catalog,
    manifest: Sha256Digest,
    now_ms: u64,
    share: usize,
    left: usize,
) -> Vec<Event> {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&(left as u64).to_be_bytes());
    let run = RunId::from_parts(now_ms, random).expect("a time");
    let trigger = flow::everything();
    let plan = plan::compile(catalog, &trigger, now_ms, u32::MAX).expect("a plan");
    let mut events = vec![
        Event::RunTriggered(RunTriggered {
            run,
            manifest,
            trigger,
            as_of_ms: None,
            rerun: None,
        }),
        Event::RunPlanned(RunPlanned {
            run,
            plan: sha256(b""),
            tasks: plan.len(),
        }),
    ];
    for index in 0..share {
        let task = plan.key(index as u32);
        events.push(Event::DispatchRequested(DispatchRequested {
            run,
            task: task.clone(),
            attempt: 1,
            queue: "default".to_owned(),
            priority: 0,
            not_before: 0,
        }));
        events.push(Event::AttemptStarted(AttemptStarted {
            run,
            task: task.clone(),
            attempt: 1,
            worker: "bench".to_owned(),
        }));
        events.push(Event::AttemptFinished(AttemptFinished {
            run,
            task,
            attempt: 1,
            outcome: AttemptOutcome::Succeeded,
            error: None,
            output: None,
            replaces: None,
            basis: None,
            extra: serde_json::Map::new(),
        }));
    }
    let count = share as u32;
    events.push(Event::RunFinished(RunFinished {
        run,
        outcome: RunOutcome::Succeeded,
        succeeded: count,
        failed: 0,
        skipped: 0,
        cancelled: 0,
    }));
    events
}

fn append(
    config: &Config,
    catalogs: &mut Catalogs,
    store: &mut Store,
    now_ms: u64,
    events: &[Event],
) {
    store.begin().expect("a transaction");
    let moment = Moment {
        now_ms,
        entropy: [0; 32],
    };
    let mut session = Session::new(config, catalogs, store, moment, "worker:bench".to_owned());
    for event in events {
        session.append(event, None).expect("room");
    }
    drop(session);
    store.commit().expect("room");
}
