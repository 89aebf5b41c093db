//! How long a chain takes from one level to the next.

use std::time::{Duration, Instant};

use crate::figures::Figures;
use crate::flow;
use crate::house::House;

const LEVELS: usize = 100;

pub(crate) fn measure(figures: &mut Figures) {
    figures.section("chain of 100 (one worker over HTTP that waits for work while it reports)");
    let house = House::fresh();
    let client = house.client.clone();
    let (mut levels, mut scheduling) = house.runtime.block_on(async {
        client
            .deploy(&flow::chain(LEVELS))
            .await
            .expect("a manifest");
        walk(&client).await;
        walk(&client).await
    });
    figures.times(
        "a level: lease, started, completed, next lease",
        &mut levels,
        Some(Duration::from_millis(10)),
    );
    figures.times(
        "of that scheduling: completed sent to next leased",
        &mut scheduling,
        None,
    );
}

/// Walks down the chain; the answer is the time of each level and of the scheduling in it.
async fn walk(client: &arcoflow::client::Client) -> (Vec<Duration>, Vec<Duration>) {
    let ask = || {
        let client = client.clone();
        tokio::spawn(async move {
            client
                .lease(&flow::lease("bench", 1, 30))
                .await
                .expect("a lease")
        })
    };
    let mut next = ask();
    let run = client
        .trigger(&flow::everything(), None)
        .await
        .expect("a run")
        .run_id;
    let (mut levels, mut scheduling) = (Vec::new(), Vec::new());
    let (mut leased_at, mut sent_at): (Option<Instant>, Option<Instant>) = (None, None);
    for level in 0..LEVELS {
        let mut tasks = next.await.expect("a worker").tasks;
        let envelope = tasks.pop().expect("work");
        let now = Instant::now();
        levels.extend(leased_at.map(|before| now - before));
        scheduling.extend(sent_at.map(|before| now - before));
        leased_at = Some(now);
        next = if level + 1 < LEVELS {
            ask()
        } else {
            tokio::spawn(async { empty() })
        };
        flow::started(client, "bench", &envelope).await;
        sent_at = Some(Instant::now());
        flow::completed(client, "bench", &envelope).await;
    }
    flow::end_of(client, run).await;
    (levels, scheduling)
}

fn empty() -> arcoflow_core::wire::envelope::LeaseAnswer {
    arcoflow_core::wire::envelope::LeaseAnswer { tasks: Vec::new() }
}
