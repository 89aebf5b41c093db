//! Fifty million partitions of one asset, from the rows that a door keeps to an answer.

use arcoflow_core::automation::ordinals;
use arcoflow_core::automation::status::Partitions;
use arcoflow_core::wire::asset::PartitionState;
use roaring::RoaringBitmap;

use super::time::{milliseconds, shortest, verdict};

const ROUNDS: usize = 7;

pub(crate) fn measure() {
    const TOTAL: u32 = 50_000_000;
    println!("\nfifty million partitions of one asset, with 30,000 places where the state changes");
    let mut made: RoaringBitmap = RoaringBitmap::new();
    made.insert_range(0..TOTAL);
    let (mut failed, mut stale) = (RoaringBitmap::new(), RoaringBitmap::new());
    for index in 0..10_000 {
        failed.insert(index * 4_999);
        made.remove(index * 4_999 + 7);
        stale.insert_range(index * 4_999 + 100..index * 4_999 + 120);
    }
    let rows: Vec<[Vec<u8>; 3]> = (0..TOTAL.div_ceil(ordinals::STRETCH))
        .map(|number| {
            let base = number * ordinals::STRETCH;
            [&made, &failed, &stale].map(|set| {
                let inside = set.range(base..base.saturating_add(ordinals::STRETCH));
                ordinals::write(&inside.map(|at| at - base).collect())
            })
        })
        .collect();
    let bytes: usize = rows.iter().flatten().map(Vec::len).sum();
    let read = || {
        let mut sets = [
            RoaringBitmap::new(),
            RoaringBitmap::new(),
            RoaringBitmap::new(),
        ];
        for (number, row) in (0u32..).zip(&rows) {
            for (set, bytes) in sets.iter_mut().zip(row) {
                ordinals::read_into(set, number * ordinals::STRETCH, bytes);
            }
        }
        let [made, failed, stale] = sets;
        Partitions::of(made, failed, stale, RoaringBitmap::new())
    };
    let states = read();
    let counts = shortest(ROUNDS, || states.counts(TOTAL));
    let page = shortest(ROUNDS, || {
        states.page(PartitionState::Missing, TOTAL / 2, TOTAL, 1_000)
    });
    let whole = shortest(ROUNDS, || {
        let states = read();
        (
            states.counts(TOTAL),
            states.page(PartitionState::Missing, TOTAL / 2, TOTAL, 1_000),
        )
    });
    println!(
        "stored in {bytes} bytes of {} rows {}; in memory {} bytes {}",
        rows.len(),
        verdict(bytes < 1_000_000),
        states.memory_bytes(),
        verdict(states.memory_bytes() < 1_000_000),
    );
    println!(
        "counts by state {:.3} ms, a page of 1,000 missing {:.3} ms, both with reading the rows {:.3} ms {}",
        milliseconds(counts),
        milliseconds(page),
        milliseconds(whole),
        verdict(milliseconds(whole) < 10.0),
    );
}
