//! How long work stands still when the house is killed in the middle of a run.

use std::time::{Duration, Instant};

use crate::figures::Figures;
use crate::flow;
use crate::house::House;

const ROUNDS: usize = 10;
const TASKS: usize = 10_000;

pub(crate) fn measure(figures: &mut Figures) {
    figures.section("restart after `kill -9`, in the middle of a run of 10,000 tasks");
    let mut house = House::fresh();
    let client = house.client.clone();
    house.runtime.block_on(async {
        client.deploy(&flow::fan(TASKS)).await.expect("a manifest");
        client
            .trigger(&flow::everything(), None)
            .await
            .expect("a run");
        let tasks = flow::take(&client, "bench", 1_000).await;
        crate::appends::call(&client, 64, &tasks, false).await;
        crate::appends::call(&client, 64, &tasks, true).await;
    });
    let (mut reported, mut leased) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let running = house.runtime.block_on(async {
            let mut tasks = flow::take(&client, "bench", 1).await;
            let task = tasks.pop().expect("work");
            flow::started(&client, "bench", &task).await;
            task
        });
        house.kill();
        let began = Instant::now();
        house.start_again();
        house.runtime.block_on(async {
            // The client comes back with short pauses, as any worker does.
            flow::completed(&client, "bench", &running).await;
            reported.push(began.elapsed());
            flow::take(&client, "bench", 1).await;
            leased.push(began.elapsed());
        });
    }
    figures.times(
        "process start to a running task reported",
        &mut reported,
        None,
    );
    figures.times(
        "process start to the next task leased",
        &mut leased,
        Some(Duration::from_millis(250)),
    );
}
