//! How many tasks of which nothing is run go through lease, started and completed each second, and what each leaves on the disk.

use std::path::Path;

use arcoflow::worker::Worker;

use crate::figures::Figures;
use crate::flow;
use crate::house::House;

/// Tasks that one worker runs at once.
const SLOTS: usize = 64;

pub(crate) fn measure(figures: &mut Figures) {
    figures.section("fan-out of no-op tasks, from the trigger to the end of the run (one worker over HTTP, 64 tasks at once)");
    for tasks in [1_000, 10_000] {
        let house = House::fresh();
        let client = house.client.clone();
        let (took, before) = house.runtime.block_on(async {
            client.deploy(&flow::fan(tasks)).await.expect("a manifest");
            let before = bytes(&house.directory);
            let worker = Worker::start_no_op(
                client.clone(),
                "bench".to_owned(),
                vec!["default".to_owned()],
                SLOTS,
            );
            let run = client
                .trigger(&flow::everything(), None)
                .await
                .expect("a run")
                .run_id;
            let took = flow::end_of(&client, run).await;
            worker.shutdown().await;
            (took, before)
        });
        figures.rate(
            &format!("fan-out of {tasks}"),
            tasks as f64 / took.as_secs_f64(),
            Some(2_000.0),
        );
        let cpu = crate::idle::cpu_seconds(house.pid());
        figures.number(
            &format!("  fan-out of {tasks}, processor time of the house"),
            cpu * 1e6 / tasks as f64,
            "µs a task",
            None,
        );
        drop(client);
        let directory = house.directory.clone();
        let mut house = house;
        house.kill();
        let after = settled_bytes(&directory);
        let each = after.saturating_sub(before) as f64 / tasks as f64;
        figures.number(
            &format!("  fan-out of {tasks}, disk"),
            each,
            "bytes a task",
            Some(1_024.0),
        );
    }
}

/// The size of a ledger whose log was merged.
fn settled_bytes(directory: &Path) -> u64 {
    let connection = rusqlite::Connection::open(directory.join("ledger.db")).expect("a ledger");
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .expect("a checkpoint");
    bytes(directory)
}

fn bytes(directory: &Path) -> u64 {
    let size = |name: &str| std::fs::metadata(directory.join(name)).map_or(0, |file| file.len());
    size("ledger.db") + size("ledger.db-wal")
}
