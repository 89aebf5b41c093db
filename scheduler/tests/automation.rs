//! What a house owes by the clock it does as soon as it is up: the ledger says how far it was.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use arcoflow::client::Client;
use arcoflow::host::clock::Clock;
use arcoflow::host::store::Store;
use arcoflow::local::credentials::Credentials;
use arcoflow::local::{Local, LocalOptions};
use arcoflow_core::door::config::{Config, Moment};
use arcoflow_core::door::session::{Catalogs, Session};
use arcoflow_core::door::sql::{Sql, Verdict};
use arcoflow_core::identity::canonical_json::canonicalize;
use arcoflow_core::identity::digest::sha256;
use arcoflow_core::identity::ids::ManifestId;
use arcoflow_core::wire::event::{Event, ManifestDeployed};
use arcoflow_core::wire::schedule::ScheduleView;
use arcoflow_core::wire::view::RunState;
use serde_json::{Value, json};

const HOUR_MS: u64 = 3_600_000;

fn pipeline(schedules: Value) -> Vec<u8> {
    let asset = json!({
        "key": "raw/a",
        "id": "01a2051a-22e4-7b63-848f-eb440fcc0001",
        "run": { "command": ["true"] },
    });
    let manifest = json!({ "version": 1, "assets": [asset], "schedules": schedules });
    canonicalize(manifest.to_string().as_bytes()).unwrap()
}

/// A ledger in which a manifest was deployed a while ago, and nothing since.
fn deployed_before(directory: &Path, content: &[u8], ago_ms: u64) {
    let credentials = Credentials::load_or_make(directory).unwrap();
    let mut config = Config::new(credentials.scope.clone(), "http://localhost");
    credentials.apply(&mut config);
    let mut store = Store::open(&directory.join("ledger.db")).unwrap();
    let mut catalogs = Catalogs::default();
    let moment = Moment {
        now_ms: Clock::start().now_ms() - ago_ms,
        entropy: [0; 32],
    };
    let manifest = sha256(content);
    let event = Event::ManifestDeployed(ManifestDeployed {
        manifest_id: ManifestId::from_parts(moment.now_ms, [0; 10]).unwrap(),
        manifest,
        assets: 1,
    });
    let written = store.transaction(&mut |sql| {
        sql.execute(
            "INSERT INTO manifest (digest, content) VALUES (?1, ?2)",
            &[manifest.to_bytes().as_slice().into(), content.into()],
        )?;
        let actor = "key:test".to_owned();
        let mut session = Session::new(&config, &mut catalogs, sql, moment, actor);
        session.append(&event, None)?;
        Ok(Verdict::Keep)
    });
    written.unwrap();
}

async fn start(directory: &Path) -> Local {
    let options = LocalOptions {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        ..LocalOptions::new(directory)
    };
    Local::start(options).await.unwrap()
}

/// Looks at a schedule until it is as wanted, for half a minute.
async fn until(client: &Client, wanted: impl Fn(&ScheduleView) -> bool) -> ScheduleView {
    for _ in 0..600 {
        let view = client.schedule("nightly").await.unwrap();
        if wanted(&view) {
            return view;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{:?}", client.schedule("nightly").await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_house_that_comes_up_late_starts_what_was_due_and_waits_for_the_next_tick() {
    let directory = tempfile::tempdir().unwrap();
    let schedules = json!([{ "name": "nightly", "cron": "*/10 * * * *", "catchUp": "latest" }]);
    let content = pipeline(schedules);
    deployed_before(directory.path(), &content, HOUR_MS);
    let local = start(directory.path()).await;
    let client = Client::remote(&local.url, &local.api_key).unwrap();
    let view = until(&client, |view| {
        let tick = view.last_tick.as_ref();
        tick.is_some_and(|tick| tick.run_id.is_some())
    })
    .await;
    let tick = view.last_tick.unwrap();
    assert!(tick.decided_at - tick.tick_at < 600_000, "{tick:?}");
    assert_eq!(tick.run_state, Some(RunState::Running));
    assert!(view.next_tick_at.unwrap() > tick.decided_at);
    let kinds = |records: Vec<arcoflow_core::wire::record::RecordLine>| -> Vec<String> {
        records.into_iter().map(|record| record.kind).collect()
    };
    let page = client.ledger(&Default::default()).await.unwrap();
    let records = kinds(page.records);
    let count = |kind: &str| records.iter().filter(|found| *found == kind).count();
    assert_eq!(
        (count("schedule_ticked"), count("run_requested")),
        (2, 1),
        "five ticks are passed over and the last one fires: {records:?}"
    );

    // By hand, and paused, over HTTP; a scheduler that comes anew leaves all of it as it is.
    let by_hand = client.tick_schedule("nightly", Some("k")).await.unwrap();
    let again = client.tick_schedule("nightly", Some("k")).await.unwrap();
    assert_eq!(by_hand.run_id, again.run_id);
    let paused = client.set_schedule("nightly", true, Some("to see")).await;
    assert_eq!(
        paused.unwrap().paused.unwrap().reason.as_deref(),
        Some("to see")
    );
    local.shutdown().await;
    let local = start(directory.path()).await;
    let client = Client::remote(&local.url, &local.api_key).unwrap();
    client.set_schedule("nightly", false, None).await.unwrap();
    let view = until(&client, |view| view.next_tick_at.is_some()).await;
    assert_eq!(view.last_tick.unwrap().run_id, tick.run_id);
    local.shutdown().await;
}
