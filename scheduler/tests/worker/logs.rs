//! What a program prints can be read while it runs, in any amount and of any bytes.

use arcoflow::client::LogQuery;
use arcoflow_core::wire::view::RunState;

use crate::house::{House, asset, asset_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_seen_while_the_program_runs() {
    let script = "echo begun; while [ ! -e go ]; do sleep 0.02; done; echo ended";
    let house = House::new(vec![asset("raw/a", script)], 1).await;
    let run = house.trigger().await;
    let task = loop {
        let page = house.local.client.tasks(&run, &Default::default()).await;
        match page.unwrap().tasks.first() {
            Some(task) => break task.task_id,
            None => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
        }
    };
    let query = LogQuery {
        wait_s: 20,
        ..LogQuery::default()
    };
    // Until the scheduler has asked for an attempt there is no log to wait for.
    let page = loop {
        match house.local.client.log(&run, &task, &query).await {
            Ok(page) => break page,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
        }
    };
    assert_eq!((page.text.as_str(), page.end), ("begun\n", false));
    std::fs::write(house.pipeline().join("go"), "").unwrap();
    house.ended(run).await;
    assert_eq!(house.log(run, "raw/a:materialize").await, "begun\nended\n");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_are_no_burden_and_the_door_keeps_its_share() {
    let script = "yes '0123456789 abcdefghijklmnopqrstuvwxyz' | head -c 10485760; echo; echo the last line; exit 1";
    let house = House::new(vec![asset("raw/a", script)], 1).await;
    let (run, view) = house.run().await;
    assert_eq!(view.line.state, RunState::Failed);
    let report = house.report(run, "raw/a:materialize").await;
    let message = report.error.unwrap().message;
    assert!(
        message.ends_with("\nthe last line") && message.len() < 1_200,
        "{message}"
    );
    let kept = house.log(run, "raw/a:materialize").await;
    assert!((3 << 20..=4 << 20).contains(&kept.len()), "{}", kept.len());
    let done = std::fs::read_dir(house.data().join("work/done")).unwrap();
    let attempt = done.into_iter().next().unwrap().unwrap().path();
    let local = std::fs::read_to_string(attempt.join("log")).unwrap();
    assert_eq!(local.len(), 10_485_760 + "\nthe last line\n".len());
    assert!(local.starts_with(&kept));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text_do_no_harm() {
    // Every character is written in two halves, then come bytes that are none, a zero byte and control characters.
    let program = r"
import os, sys, time
for byte in '東京 🌧'.encode():
    os.write(1, bytes([byte]))
    time.sleep(0.003)
os.write(2, b'\xff\xfe\x00\x1b[31m\xe6')
";
    let house = House::new(vec![asset_of("raw/a", &["python3", "-c", program])], 1).await;
    let (run, view) = house.run().await;
    assert_eq!(view.line.state, RunState::Succeeded);
    let log = house.log(run, "raw/a:materialize").await;
    assert_eq!(log, "東京 🌧\u{fffd}\u{fffd}\0\u{1b}[31m\u{fffd}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_fit_the_routes_cap() {
    // Each takes six bytes of JSON; a piece of them has to pass all the same.
    let script = "head -c 200000 /dev/zero | tr '\\0' '\\1'";
    let house = House::new(vec![asset("raw/a", script)], 1).await;
    let (run, _) = house.run().await;
    let log = house.log(run, "raw/a:materialize").await;
    assert_eq!(log, "\u{1}".repeat(200_000));
    house.close().await;
}
