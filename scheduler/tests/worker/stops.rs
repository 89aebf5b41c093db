//! Whatever ends a program early, nothing of it goes on, and the reason stands in the ledger.

use std::time::Duration;

use arcoflow::worker::Worker;
use arcoflow_core::wire::event::{AttemptOutcome, ErrorCategory};
use arcoflow_core::wire::view::RunState;
use serde_json::json;

use crate::house::{House, asset, contents, is_gone, with};

/// Notes a grandchild and itself, then waits.
const FAMILY: &str = "sleep 300 & echo $! > child; echo $$ > self; wait";

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_ends_the_whole_group_and_lets_it_say_goodbye() {
    let script = format!("trap 'echo goodbye; exit 0' TERM; {FAMILY}");
    let house = House::new(vec![asset("raw/a", &script)], 1).await;
    let run = house.trigger().await;
    let child = contents(&house.pipeline().join("child")).await;
    let leader = contents(&house.pipeline().join("self")).await;
    house
        .local
        .client
        .cancel(&run, Some("not needed"))
        .await
        .unwrap();
    let view = house.ended(run).await;
    assert_eq!(view.line.state, RunState::Cancelled);
    let report = house.report(run, "raw/a:materialize").await;
    assert_eq!(report.outcome, AttemptOutcome::Cancelled);
    let error = report.error.unwrap();
    assert_eq!(error.category, ErrorCategory::Cancelled);
    assert_eq!(error.message, "not needed");
    assert!(is_gone(&child).await);
    assert!(is_gone(&leader).await);
    assert_eq!(house.log(run, "raw/a:materialize").await, "goodbye\n");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_will_not_go_is_killed_after_the_grace() {
    let script = format!("trap '' TERM; {FAMILY}; wait; wait");
    let house = House::new(vec![asset("raw/a", &script)], 1).await;
    let run = house.trigger().await;
    let leader = contents(&house.pipeline().join("self")).await;
    house.local.client.cancel(&run, None).await.unwrap();
    let view = house.ended(run).await;
    assert_eq!(view.line.state, RunState::Cancelled);
    let report = house.report(run, "raw/a:materialize").await;
    assert_eq!(report.outcome, AttemptOutcome::Cancelled);
    assert!(is_gone(&leader).await);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_is_out_of_time_says_so_before_the_door_does() {
    let timeouts = json!({ "timeouts": { "heartbeatMs": 1_000, "attemptMs": 2_000 } });
    let script = format!("trap '' TERM; echo stuck; {FAMILY}; wait; wait");
    let house = House::new(vec![with(asset("raw/a", &script), timeouts)], 1).await;
    let (run, view) = house.run().await;
    assert_eq!(view.line.state, RunState::Failed);
    let report = house.report(run, "raw/a:materialize").await;
    let error = report.error.unwrap();
    assert_eq!(error.category, ErrorCategory::Timeout);
    assert_eq!(
        error.message,
        "the attempt took longer than the asset's `attemptMs`; the log ends with:\nstuck"
    );
    let leader = contents(&house.pipeline().join("self")).await;
    assert!(is_gone(&leader).await);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_when_the_worker_ends_is_tried_again_by_the_next() {
    let script = format!("test -e again && exit 0; {FAMILY}");
    let retry = json!({ "retry": { "maxAttempts": 2, "baseDelayMs": 60_000 } });
    let mut house = House::new(vec![with(asset("raw/a", &script), retry)], 1).await;
    let run = house.trigger().await;
    let leader = contents(&house.pipeline().join("self")).await;
    house.worker.take().unwrap().shutdown().await;
    assert!(is_gone(&leader).await);
    let report = house.report(run, "raw/a:materialize").await;
    let error = report.error.unwrap();
    assert_eq!(error.category, ErrorCategory::Infrastructure);
    assert_eq!(error.retry_after_ms, Some(0));
    std::fs::write(house.pipeline().join("again"), "").unwrap();
    house.work(1);
    let view = house.ended(run).await;
    assert_eq!(view.line.state, RunState::Succeeded);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_the_door_has_closed_is_stopped_and_thrown_away() {
    let script =
        format!("echo half > \"$ARCOFLOW_OUTPUT/half\"; echo $ARCOFLOW_OUTPUT > out; {FAMILY}");
    let timeouts = json!({ "timeouts": { "heartbeatMs": 1_000, "cancelGraceMs": 1_000 } });
    let stubborn = format!("trap '' TERM; {script}; wait; wait");
    let house = House::new(vec![with(asset("raw/a", &stubborn), timeouts)], 1).await;
    let run = house.trigger().await;
    let leader = contents(&house.pipeline().join("self")).await;
    let out = contents(&house.pipeline().join("out")).await;
    // The program is given ten seconds to go; the door closes the attempt after one.
    house.local.client.cancel(&run, None).await.unwrap();
    let view = house.ended(run).await;
    assert_eq!(view.line.state, RunState::Cancelled);
    assert!(house.reports(run, "raw/a:materialize").await.is_empty());
    assert!(is_gone(&leader).await);
    let work = house.data().join("work");
    for _ in 0..500 {
        if std::fs::read_dir(&work).unwrap().count() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(
        std::fs::read_dir(&work).unwrap().count(),
        2,
        "`done` and `lock`"
    );
    assert!(!std::path::Path::new(out.trim()).exists());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_has_one_worker() {
    let mut house = House::new(vec![asset("raw/a", "exit 0")], 1).await;
    let second = Worker::start(house.local.client.clone(), house.options(1));
    let sentence = second.unwrap_err().to_string();
    assert!(
        sentence.starts_with("another worker works in"),
        "{sentence}"
    );
    house.worker.take().unwrap().shutdown().await;
    house.work(1);
    let (_, view) = house.run().await;
    assert_eq!(view.line.state, RunState::Succeeded);
    house.close().await;
}
