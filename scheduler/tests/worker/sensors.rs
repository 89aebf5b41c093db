//! A sensor's program looks under the worker as a task does, goes on where it was, and what it finds runs.

use std::time::Duration;

use arcoflow::client::RunsQuery;
use arcoflow_core::wire::sensor::SensorView;
use arcoflow_core::wire::view::RunState;
use serde_json::json;

use crate::house::{House, asset};

fn pipeline(script: &str) -> Vec<u8> {
    let sensor = json!({
        "name": "letters",
        "kind": "poll",
        "intervalMs": 1_000,
        "run": { "command": ["sh", "-c", script] },
    });
    json!({ "version": 1, "assets": [asset("raw/a", "true")], "sensors": [sensor] })
        .to_string()
        .into_bytes()
}

/// Looks at the sensor until it is as wanted, for half a minute.
async fn until(house: &House, wanted: impl Fn(&SensorView) -> bool) -> SensorView {
    for _ in 0..600 {
        let view = house.local.client.sensor("letters").await.unwrap();
        if wanted(&view) {
            return view;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{:?}", house.local.client.sensor("letters").await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_look_goes_on_where_the_last_one_was_and_starts_what_it_finds() {
    let house = House::new(vec![asset("raw/a", "true")], 2).await;
    let script = r#"
        next="${ARCOFLOW_CURSOR}x"
        [ "$next" = xxx ] && exit 0
        printf '{"findings":{"cursor":"%s","runs":[{"runKey":"%s"}]}}' "$next" "$next" > "$ARCOFLOW_RESULT"
    "#;
    house.local.client.deploy(&pipeline(script)).await.unwrap();
    let view = until(&house, |view| view.reports >= 3).await;
    assert_eq!(view.cursor.as_deref(), Some("xx"));
    let report = view.last_report.unwrap();
    assert_eq!(report.actor, "worker:worker-1");
    assert_eq!(report.reason.as_deref(), Some("nothing was found"));
    let runs = house
        .local
        .client
        .runs(&RunsQuery::default())
        .await
        .unwrap();
    let mut keys = Vec::new();
    for line in runs.runs {
        assert_eq!(
            house.ended(line.run_id).await.line.state,
            RunState::Succeeded
        );
        keys.extend(line.run_key.map(|key| key.as_str().to_owned()));
    }
    keys.sort();
    assert_eq!(keys, ["sensor:letters:x", "sensor:letters:xx"]);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_fails_says_why_and_leaves_the_cursor() {
    let house = House::new(vec![asset("raw/a", "true")], 2).await;
    let script = "echo no luck >&2; exit 3";
    house.local.client.deploy(&pipeline(script)).await.unwrap();
    let view = until(&house, |view| view.reports == 1).await;
    let reason = view.last_report.unwrap().reason.unwrap();
    assert!(
        reason.starts_with("the look failed: USER_CODE: exit code 3"),
        "{reason}"
    );
    assert!(reason.contains("no luck"), "{reason}");
    assert_eq!(view.cursor, None);
    let runs = house
        .local
        .client
        .runs(&RunsQuery::default())
        .await
        .unwrap();
    assert!(runs.runs.is_empty());
    house.close().await;
}
