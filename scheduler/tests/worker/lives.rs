//! A worker may be killed at any moment; its next life, or another worker, brings the run to its end.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use arcoflow_core::wire::event::{AttemptOutcome, ErrorCategory};
use arcoflow_core::wire::view::RunState;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::house::{House, PATIENCE, asset, contents, is_gone, is_put_away, with};

/// A worker in a process of its own, killed at the end of a test at the latest.
struct Life(Child);

impl Life {
    /// Starts `arcoflow worker` over a data directory of the house; with a commit point it dies there.
    fn begin(house: &House, data: &str, crash_at: Option<&str>) -> Life {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arcoflow"));
        command
            .args(["worker", "--slots", "1", "--door", &house.local.url])
            .arg("--data")
            .arg(house.data().join(data))
            .arg("--dir")
            .arg(house.pipeline())
            .env("ARCOFLOW_TOKEN", &house.local.api_key)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(point) = crash_at {
            command.env("ARCOFLOW_CRASH_AT", point);
        }
        Life(command.spawn().unwrap())
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.0);
        kill_process(pid, signal).unwrap();
    }

    /// Waits until the process was killed.
    async fn until_killed(mut self) {
        let began = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                use std::os::unix::process::ExitStatusExt as _;
                assert_eq!(status.signal(), Some(9), "{status}");
                return;
            }
            assert!(began.elapsed() < PATIENCE, "the worker is killed");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Tried again at once, and leased again one second after a worker took it and never began.
fn resilient(asset: Value) -> Value {
    let more = json!({
        "retry": { "maxAttempts": 3, "baseDelayMs": 0 },
        "timeouts": { "startMs": 1_000, "heartbeatMs": 3_000 },
    });
    with(asset, more)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_at_a_commit_point_costs_no_more_than_the_attempt() {
    // What is known after the point decides: a lease that is on no disk is given again, a start and an end are not repeated.
    // The time to start is far longer than the test: nothing waits for it.
    let timeouts = json!({ "timeouts": { "startMs": 600_000, "heartbeatMs": 3_000 } });
    for (point, attempts, program_runs) in [
        ("W1", 1, 1..=1),
        ("W2", 1, 1..=1),
        ("W5", 2, 1..=2),
        ("W3", 1, 1..=1),
        ("W4", 1, 1..=1),
    ] {
        let script = "echo ran >> runs; sleep 0.2; echo made > \"$ARCOFLOW_OUTPUT/made\"";
        let task = with(resilient(asset("raw/a", script)), timeouts.clone());
        let house = House::without_worker(vec![task]).await;
        let run = house.trigger().await;
        Life::begin(&house, "worker", Some(&format!("{point}:1")))
            .until_killed()
            .await;
        let second = Life::begin(&house, "worker", None);
        let view = house.ended(run).await;
        assert_eq!(view.line.state, RunState::Succeeded, "{point}");

        let task = house.task(run, "raw/a:materialize").await;
        assert_eq!(task.line.attempts, attempts, "{point}");
        let runs = std::fs::read_to_string(house.pipeline().join("runs")).unwrap();
        assert!(
            program_runs.contains(&runs.lines().count()),
            "{point}: {runs}"
        );
        let reports = house.reports(run, "raw/a:materialize").await;
        let succeeded = reports
            .iter()
            .filter(|report| report.outcome == AttemptOutcome::Succeeded);
        assert_eq!(succeeded.count(), 1, "{point}");
        let worker = house.data().join("worker");
        let made = worker.join("latest/raw/a/all/made");
        assert_eq!(contents(&made).await, "made\n", "{point}");
        is_put_away(&worker).await;
        drop(second);
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_life_ends_what_outlived_its_worker_and_tries_again_at_once() {
    let script = "env > environment; test -e again && exit 0; echo before
        sleep 300 & echo $! > child; echo $$ > self; wait";
    let retry = json!({ "retry": { "maxAttempts": 2, "baseDelayMs": 60_000 } });
    let assets = vec![with(resilient(asset("raw/a", script)), retry)];
    let house = House::without_worker(assets).await;
    let run = house.trigger().await;
    let first = Life::begin(&house, "worker", None);
    let child = contents(&house.pipeline().join("child")).await;
    let leader = contents(&house.pipeline().join("self")).await;
    // Once its log is at the door the worker has nothing more to do for the program.
    while house.log(run, "raw/a:materialize").await != "before\n" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    first.signal(Signal::KILL);
    first.until_killed().await;
    assert!(Path::new(&format!("/proc/{}", child.trim())).exists());
    std::fs::write(house.pipeline().join("again"), "").unwrap();
    let second = Life::begin(&house, "worker", None);
    let view = house.ended(run).await;
    assert_eq!(view.line.state, RunState::Succeeded);
    assert!(is_gone(&child).await);
    assert!(is_gone(&leader).await);
    let reports = house.reports(run, "raw/a:materialize").await;
    let error = reports[0].error.as_ref().unwrap();
    assert_eq!(error.category, ErrorCategory::Infrastructure);
    assert_eq!(error.message, "the worker stopped while the task ran");
    let environment = std::fs::read_to_string(house.pipeline().join("environment")).unwrap();
    assert!(environment.contains("ARCOFLOW_OUTPUT="));
    assert!(!environment.contains("ARCOFLOW_TOKEN"));
    assert!(!environment.contains(&house.local.api_key));
    drop(second);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_slept_too_long_has_no_say_any_more() {
    let script = "test -e again && exit 0; echo half > \"$ARCOFLOW_OUTPUT/half\"; echo $ARCOFLOW_OUTPUT > out
        sleep 300 & echo $! > child; echo $$ > self; wait";
    let timeouts = json!({ "timeouts": { "heartbeatMs": 1_000 } });
    let assets = vec![with(resilient(asset("raw/a", script)), timeouts)];
    let house = House::without_worker(assets).await;
    let run = house.trigger().await;
    let sleeper = Life::begin(&house, "sleeper", None);
    let child = contents(&house.pipeline().join("child")).await;
    let leader = contents(&house.pipeline().join("self")).await;
    let out = contents(&house.pipeline().join("out")).await;
    sleeper.signal(Signal::STOP);
    std::fs::write(house.pipeline().join("again"), "").unwrap();
    let other = Life::begin(&house, "other", None);
    let view = house.ended(run).await;
    assert_eq!(view.line.state, RunState::Succeeded);
    sleeper.signal(Signal::CONT);
    assert!(is_gone(&child).await);
    assert!(is_gone(&leader).await);
    let began = Instant::now();
    while Path::new(out.trim()).exists() {
        assert!(began.elapsed() < PATIENCE, "its output is thrown away");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let report = house.report(run, "raw/a:materialize").await;
    assert_eq!(report.attempt, 2);
    drop((sleeper, other));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_end_ends_and_leaves_nothing_running() {
    let script = "echo $$ > self; sleep 300 & wait";
    let house = House::without_worker(vec![asset("raw/a", script)]).await;
    let run = house.trigger().await;
    let mut life = Life::begin(&house, "worker", None);
    let leader = contents(&house.pipeline().join("self")).await;
    life.signal(Signal::TERM);
    let status = tokio::task::spawn_blocking(move || life.0.wait().unwrap());
    assert!(status.await.unwrap().success());
    assert!(is_gone(&leader).await);
    house.ended(run).await;
    let report = house.report(run, "raw/a:materialize").await;
    let error = report.error.unwrap();
    assert_eq!(error.category, ErrorCategory::Infrastructure);
    house.close().await;
}
