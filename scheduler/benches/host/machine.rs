//! The yardstick: how often this machine can make 4 KiB durable, one write after the other.

use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

/// `fdatasync`s a second of a file that has its size already, where the ledgers of this benchmark are.
pub(crate) fn sync_rate() -> f64 {
    let directory = tempfile::tempdir().expect("a directory");
    let file = std::fs::File::create(directory.path().join("yardstick")).expect("a file");
    let page = [7; 4_096];
    let pages = 256;
    for index in 0..pages {
        file.write_all_at(&page, index * 4_096).expect("room");
    }
    file.sync_all().expect("a sync");
    let began = Instant::now();
    let mut count: u64 = 0;
    while began.elapsed() < Duration::from_secs(2) {
        file.write_all_at(&page, count % pages * 4_096)
            .expect("room");
        file.sync_data().expect("a sync");
        count += 1;
    }
    count as f64 / began.elapsed().as_secs_f64()
}
