//! How many facts become durable each second: callbacks of 1, 8 and 64 callers, each of which waits for its answer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use arcoflow::client::Client;
use arcoflow_core::wire::envelope::Envelope;

use crate::figures::Figures;
use crate::flow;
use crate::house::House;

const TASKS: usize = 10_000;
/// Callers, and how many of the tasks are theirs.
const CALLERS: &[(usize, usize)] = &[(1, 1_000), (8, 3_000), (64, 6_000)];

pub(crate) fn measure(figures: &mut Figures) {
    figures.section(
        "durable appends over HTTP (`started`, then `completed`; one record and one answer each)",
    );
    let house = House::fresh();
    let client = house.client.clone();
    let envelopes = house.runtime.block_on(async {
        client.deploy(&flow::fan(TASKS)).await.expect("a manifest");
        client
            .trigger(&flow::everything(), None)
            .await
            .expect("a run");
        flow::take(&client, "bench", TASKS).await
    });
    for is_completion in [false, true] {
        let name = if is_completion {
            "completed"
        } else {
            "started"
        };
        let mut rest = envelopes.as_slice();
        for (callers, share) in CALLERS {
            let (mine, others) = rest.split_at(*share);
            rest = others;
            let rate = house
                .runtime
                .block_on(call(&client, *callers, mine, is_completion));
            figures.rate(&format!("{name}, {callers} callers"), rate, None);
        }
    }
}

/// Calls back for every envelope, with so many callers at once.
pub(crate) async fn call(
    client: &Client,
    callers: usize,
    envelopes: &[Envelope],
    is_completion: bool,
) -> f64 {
    let left: VecDeque<Envelope> = envelopes.iter().cloned().collect();
    let left = Arc::new(Mutex::new(left));
    let began = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..callers {
        let (client, left) = (client.clone(), left.clone());
        tasks.push(tokio::spawn(async move {
            loop {
                let next = left.lock().expect("no panic holds it").pop_front();
                let Some(envelope) = next else { return };
                if is_completion {
                    flow::completed(&client, "bench", &envelope).await;
                } else {
                    flow::started(&client, "bench", &envelope).await;
                }
            }
        }));
    }
    for task in tasks {
        task.await.expect("a caller");
    }
    envelopes.len() as f64 / began.elapsed().as_secs_f64()
}
