//! A local house does the whole round over real HTTP: deploy, trigger, lease, start, complete, and the run has succeeded.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use arcoflow::client::refusal::ClientError;
use arcoflow::client::{Client, LedgerQuery, RunsQuery};
use arcoflow::decider::{self, Progress};
use arcoflow::local::{Local, LocalOptions};
use arcoflow_core::run::world::Limits;
use arcoflow_core::wire::callback::{Completed, Outcome, Started};
use arcoflow_core::wire::envelope::{Envelope, LeaseRequest};
use arcoflow_core::wire::event::Event;
use arcoflow_core::wire::ledger::{AppendRequest, SchedulerLeaseRequest};
use arcoflow_core::wire::problem::Slug;
use arcoflow_core::wire::record::Record;
use arcoflow_core::wire::sweep::SweepRequest;
use arcoflow_core::wire::trigger::Trigger;
use arcoflow_core::wire::view::RunState;
use serde_json::json;
use tokio::sync::watch;

fn asset(index: usize, key: &str, upstreams: &[&str]) -> serde_json::Value {
    let upstreams: Vec<_> = upstreams
        .iter()
        .map(|key| json!({ "asset": key }))
        .collect();
    json!({
        "key": key,
        "id": format!("01a2051a-22e4-7b63-848f-eb440fcc{index:04x}"),
        "upstreams": upstreams,
        "run": { "command": ["true"] },
    })
}

fn diamond() -> Vec<u8> {
    let assets = [
        asset(1, "raw/a", &[]),
        asset(2, "mid/b", &["raw/a"]),
        asset(3, "mid/c", &["raw/a"]),
        asset(4, "mart/d", &["mid/b", "mid/c"]),
    ];
    json!({ "version": 1, "assets": assets })
        .to_string()
        .into_bytes()
}

fn options(directory: &Path) -> LocalOptions {
    LocalOptions {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        ..LocalOptions::new(directory)
    }
}

fn request(max: u32, wait_s: u32) -> LeaseRequest {
    LeaseRequest {
        worker_id: "w1".to_owned(),
        queues: vec!["default".to_owned()],
        max,
        wait_s,
        again: false,
        start: false,
    }
}

async fn start(client: &Client, envelope: &Envelope) {
    let started = Started {
        attempt: envelope.attempt,
        attempt_id: Some(envelope.attempt_id),
        worker_id: "w1".to_owned(),
    };
    let answer = client
        .started(&envelope.task_id, &envelope.task_token, &started)
        .await
        .unwrap();
    assert!(answer.accepted);
}

async fn complete(client: &Client, envelope: &Envelope) {
    let completed = Completed {
        attempt: envelope.attempt,
        attempt_id: Some(envelope.attempt_id),
        worker_id: "w1".to_owned(),
        outcome: Outcome::Succeeded,
        output: None,
        error: None,
        findings: None,
        extra: serde_json::Map::new(),
    };
    let (task, token) = (&envelope.task_id, &envelope.task_token);
    let first = client.completed(task, token, &completed).await.unwrap();
    let again = client.completed(task, token, &completed).await.unwrap();
    assert_eq!(first.seq, again.seq);
}

/// Works until the run has ended.
async fn work(client: &Client) -> Vec<String> {
    let mut done = Vec::new();
    loop {
        let tasks = client.lease(&request(1, 1)).await.unwrap().tasks;
        if tasks.is_empty() {
            return done;
        }
        for envelope in &tasks {
            start(client, envelope).await;
            complete(client, envelope).await;
            done.push(envelope.task_key.to_string());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_through_over_http() {
    let directory = tempfile::tempdir().unwrap();
    let local = Local::start(options(directory.path())).await.unwrap();
    let client = Client::remote(&local.url, &local.api_key).unwrap();

    let deployed = client.deploy(&diamond()).await.unwrap();
    assert!(deployed.changed);
    assert!(!client.deploy(&diamond()).await.unwrap().changed);
    let run = client.trigger(&Trigger::default(), None).await.unwrap();
    assert_eq!(run.tasks, 4);
    let done = work(&client).await;
    assert_eq!(done.len(), 4, "{done:?}");
    assert!(
        done[0].contains("raw/a") && done[3].contains("mart/d"),
        "{done:?}"
    );

    let view = client.run(&run.run_id).await.unwrap();
    assert_eq!(view.line.state, RunState::Succeeded);
    assert_eq!(view.plan, Some(run.plan));
    client.ready().await.unwrap();
    assert!(
        client
            .metrics()
            .await
            .unwrap()
            .contains("arcoflow_commit_seconds_count")
    );
    local.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let local = Local::start(options(directory.path())).await.unwrap();
    local.client.deploy(&diamond()).await.unwrap();
    let run = local
        .client
        .trigger(&Trigger::default(), None)
        .await
        .unwrap();
    let envelope = local
        .client
        .lease(&request(1, 5))
        .await
        .unwrap()
        .tasks
        .remove(0);
    start(&local.client, &envelope).await;
    let key = local.api_key.clone();
    local.shutdown().await;

    let local = Local::start(options(directory.path())).await.unwrap();
    assert_eq!(local.api_key, key);
    // The token outlives the door that minted it, also on another port.
    complete(&local.client, &envelope).await;
    assert_eq!(work(&local.client).await.len(), 3);
    let view = local.client.run(&run.run_id).await.unwrap();
    assert_eq!(view.line.state, RunState::Succeeded);
    local.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_copy_is_told_who_has_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let local = Local::start(options(directory.path())).await.unwrap();
    let refused = Local::start(options(directory.path())).await.unwrap_err();
    let sentence = refused.to_string();
    assert!(
        sentence.contains(&std::process::id().to_string()),
        "{sentence}"
    );
    local.shutdown().await;
    let local = Local::start(options(directory.path())).await.unwrap();
    local.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_woken_by_what_it_waits_for() {
    let directory = tempfile::tempdir().unwrap();
    let local = Local::start(options(directory.path())).await.unwrap();
    let client = Client::remote(&local.url, &local.api_key).unwrap();
    client.deploy(&diamond()).await.unwrap();

    let waiting = {
        let client = client.clone();
        tokio::spawn(async move { client.lease(&request(4, 30)).await.unwrap().tasks })
    };
    let mut events = client.follow(0, None);
    tokio::time::sleep(Duration::from_millis(100)).await;
    client.trigger(&Trigger::default(), None).await.unwrap();
    let tasks = tokio::time::timeout(Duration::from_secs(10), waiting)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(tasks.len(), 1);
    let mut kinds = Vec::new();
    while kinds.last().map(String::as_str) != Some("dispatch_requested") {
        let next = tokio::time::timeout(Duration::from_secs(10), events.next());
        kinds.push(next.await.unwrap().unwrap().kind);
    }
    assert_eq!(
        kinds,
        [
            "manifest_deployed",
            "run_triggered",
            "run_planned",
            "dispatch_requested"
        ]
    );

    // Who waits when the house closes gets an empty answer at once.
    let waiting = {
        let client = client.clone();
        tokio::spawn(async move { client.lease(&request(1, 60)).await })
    };
    tokio::time::sleep(Duration::from_millis(100)).await;
    tokio::time::timeout(Duration::from_secs(5), local.shutdown())
        .await
        .unwrap();
    assert!(waiting.await.unwrap().unwrap().tasks.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_is_in_the_ledger_once_and_chained() {
    let directory = tempfile::tempdir().unwrap();
    let local = Local::start(options(directory.path())).await.unwrap();
    local.client.deploy(&diamond()).await.unwrap();
    let mut calls = Vec::new();
    for index in 0..64 {
        let client = Client::remote(&local.url, &local.api_key).unwrap();
        calls.push(tokio::spawn(async move {
            let key = format!("same-{}", index / 2);
            client
                .trigger(&Trigger::default(), Some(&key))
                .await
                .unwrap()
                .run_id
        }));
    }
    let mut runs = Vec::new();
    for call in calls {
        runs.push(call.await.unwrap());
    }
    runs.sort_unstable();
    runs.dedup();
    assert_eq!(runs.len(), 32);
    let query = LedgerQuery {
        limit: 10_000,
        ..LedgerQuery::default()
    };
    let page = local.client.ledger(&query).await.unwrap();
    let mut verifier = arcoflow_core::door::verify::Verifier::new();
    let mut triggered = 0;
    for line in page.records {
        let record = Record::from(line);
        verifier.take(&record).unwrap();
        triggered += usize::from(matches!(record.event(), Some(Event::RunTriggered(_))));
    }
    assert_eq!(triggered, 32);
    local.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_comes_back_with_its_kind_and_its_places() {
    let directory = tempfile::tempdir().unwrap();
    let local = Local::start(options(directory.path())).await.unwrap();
    let client = Client::remote(&local.url, &local.api_key).unwrap();
    let error = client.trigger(&Trigger::default(), None).await.unwrap_err();
    assert_eq!(error.slug(), Some(Slug::ManifestNotFound));
    let error = client
        .deploy(br#"{"version":1,"assets":[{"key":1}]}"#)
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(422));
    assert!(!error.refusal().unwrap().errors.is_empty());
    let stranger = Client::remote(&local.url, "arco_owner_wrong").unwrap();
    let error = stranger.current_manifest().await.unwrap_err();
    assert_eq!(error.slug(), Some(Slug::InvalidToken));
    local.shutdown().await;
    let error = client.health().await.unwrap_err();
    assert!(error.is_unreachable(), "{error}");
}

/// A door for which nobody decides.
async fn without_scheduler(directory: &Path) -> Local {
    let alone = LocalOptions {
        scheduler: false,
        ..options(directory)
    };
    Local::start(alone).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_at_a_ledger_says_which_one_it_means() {
    let directory = tempfile::tempdir().unwrap();
    let local = without_scheduler(directory.path()).await;
    assert_eq!(local.client.shards().await.unwrap(), 1);
    let lease = SchedulerLeaseRequest {
        holder: "s1".to_owned(),
        ttl_ms: 60_000,
        take_over: false,
    };
    let append = AppendRequest {
        epoch: 1,
        after: 0,
        events: Vec::new(),
    };
    let sweep = SweepRequest {
        epoch: 1,
        as_of: 0,
        floor: 0,
        goes_on: false,
        decisions: 0,
        backfills: Vec::new(),
        runs: Vec::new(),
    };
    for (shard, is_there) in [(0, true), (1, false)] {
        let client = local.client.clone().at_shard(shard);
        let answers = [
            client.lease_scheduler(&lease).await.map(drop),
            client.append(&append).await.map(drop),
            client.ledger(&LedgerQuery::default()).await.map(drop),
            client.runs(&RunsQuery::default()).await.map(drop),
            client.sweep(&sweep).await.map(drop),
            client.swept().await.map(drop),
        ];
        for (index, answer) in answers.iter().enumerate() {
            let place = answer.as_ref().err().and_then(ClientError::refusal);
            let place = place.and_then(|refusal| refusal.errors.first());
            let place = place.map(|place| place.pointer.as_str());
            assert_eq!(place, (!is_there).then_some("?shard"), "call {index}");
        }
    }
    local.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_over_decides_what_it_has_already_read() {
    let directory = tempfile::tempdir().unwrap();
    let local = without_scheduler(directory.path()).await;
    let client = Client::remote(&local.url, &local.api_key).unwrap();
    let lease = SchedulerLeaseRequest {
        holder: "another".to_owned(),
        ttl_ms: 3_000,
        take_over: false,
    };
    assert!(client.lease_scheduler(&lease).await.unwrap().granted);
    client.deploy(&diamond()).await.unwrap();
    let run = client.trigger(&Trigger::default(), None).await.unwrap();
    let follower = decider::Options {
        holder: "follower".to_owned(),
        // Renewed after twenty seconds: whoever waits for the next record first waits that long.
        lease: Duration::from_secs(60),
        take_over: false,
        limits: Limits::default(),
    };
    let (stop, stopped) = watch::channel(false);
    let (shown, _progress) = watch::channel(Progress::default());
    let deciding = decider::run(client.clone(), follower, shown, stopped);
    let planned = async {
        let mut events = client.follow(run.seq, None);
        loop {
            if let Some(Event::RunPlanned(_)) = events.next().await.unwrap().event() {
                return;
            }
        }
    };
    tokio::select! {
        () = deciding => panic!("nobody stopped it"),
        planned = tokio::time::timeout(Duration::from_secs(15), planned) => {
            planned.expect("the run was read before the lease was free, and is planned when it is");
        }
    }
    drop(stop);
    local.shutdown().await;
}
