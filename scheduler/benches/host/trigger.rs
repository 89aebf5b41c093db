//! How long somebody waits from the trigger to the first line of user code.

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arcoflow::worker::{Worker, WorkerOptions};

use crate::figures::Figures;
use crate::flow;
use crate::house::House;

const ROUNDS: usize = 100;

pub(crate) fn measure(figures: &mut Figures) {
    figures.section("from the trigger over HTTP to the first user code");
    let mut times = in_a_waiting_worker();
    figures.times(
        "in a worker that waits over HTTP",
        &mut times,
        Some(Duration::from_millis(5)),
    );
    let mut times = in_a_process();
    figures.times(
        "in a program that the process worker starts",
        &mut times,
        None,
    );
}

/// The time until `started` is acknowledged, after which a worker runs what it is for.
fn in_a_waiting_worker() -> Vec<Duration> {
    let house = House::fresh();
    let client = house.client.clone();
    house.runtime.block_on(async {
        client
            .deploy(&flow::single(&["true"]))
            .await
            .expect("a manifest");
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let waiting = {
                let client = client.clone();
                tokio::spawn(async move {
                    let mut tasks = client
                        .lease(&flow::lease("bench", 1, 30))
                        .await
                        .expect("a lease")
                        .tasks;
                    let envelope = tasks.pop().expect("work");
                    flow::started(&client, "bench", &envelope).await;
                    (Instant::now(), envelope)
                })
            };
            tokio::time::sleep(Duration::from_millis(20)).await;
            let began = Instant::now();
            let run = client
                .trigger(&flow::everything(), None)
                .await
                .expect("a run")
                .run_id;
            let (ran_at, envelope) = waiting.await.expect("a worker");
            times.push(ran_at - began);
            flow::completed(&client, "bench", &envelope).await;
            flow::end_of(&client, run).await;
        }
        times
    })
}

/// The time until a program says what time it is.
fn in_a_process() -> Vec<Duration> {
    let house = House::fresh();
    let client = house.client.clone();
    let program = std::env::current_exe().expect("this program");
    let program = program.to_str().expect("a path in UTF-8").to_owned();
    let data_dir = house.directory.clone();
    house.runtime.block_on(async {
        client
            .deploy(&flow::single(&[&program, "stamp"]))
            .await
            .expect("a manifest");
        let options = WorkerOptions {
            worker_id: "bench".to_owned(),
            queues: vec!["default".to_owned()],
            slots: 2,
            data_dir: data_dir.clone(),
            pipeline_dir: data_dir.clone(),
            keep: 0,
        };
        let worker = Worker::start(client.clone(), options).expect("a worker");
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let began = SystemTime::now();
            let run = client
                .trigger(&flow::everything(), None)
                .await
                .expect("a run")
                .run_id;
            flow::end_of(&client, run).await;
            let stamp = std::fs::read_to_string(data_dir.join("latest/raw/single/all/at"))
                .expect("a stamp");
            let ran_at = UNIX_EPOCH + Duration::from_nanos(stamp.parse().expect("nanoseconds"));
            times.push(ran_at.duration_since(began).unwrap_or_default());
        }
        worker.shutdown().await;
        times
    })
}

/// What the program does.
pub(crate) fn stamp() -> ExitCode {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    let output = std::env::var_os("ARCOFLOW_OUTPUT").expect("a place");
    let place = std::path::Path::new(&output).join("at");
    std::fs::write(place, now.as_nanos().to_string()).expect("room");
    ExitCode::SUCCESS
}
