//! A million records in the shape of real runs, from the line that leaves a door to the state: each part by itself.

use std::sync::Arc;
use std::time::Duration;

use arcoflow_core::identity::digest::Sha256Digest;
use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::run::fold::Catalogs;
use arcoflow_core::run::world::{Limits, World};
use arcoflow_core::wire::record::{GENESIS, Record};

use super::time::{shortest, verdict};
use super::{records, shapes};

const RECORDS: usize = 1_000_000;
const ROUNDS: usize = 9;

struct Known(Arc<Catalog>);

impl Catalogs for Known {
    fn catalog(&self, _: &Sha256Digest) -> Option<Arc<Catalog>> {
        Some(self.0.clone())
    }
}

pub(crate) fn measure() {
    for (name, tasks) in [
        ("runs of 100 tasks", 100),
        ("one run of 333,000 tasks", 333_000),
    ] {
        let catalog = Arc::new(shapes::grid(tasks));
        let records = records::of_runs(&catalog, RECORDS);
        let known = Known(catalog);
        let bytes: usize = records.iter().map(|record| record.body.len()).sum();
        println!(
            "\nfolding {} records of {name}, with bodies of {} bytes: nanoseconds a record",
            records.len(),
            bytes / records.len().max(1)
        );
        let fold = shortest(ROUNDS, || folded(&records, &known));
        let rate = records.len() as f64 / fold.as_secs_f64();
        let show = |what: &str, time: Duration| {
            println!(
                "  {what:<58} {:>6.0}",
                time.as_nanos() as f64 / records.len() as f64
            );
        };
        println!(
            "  {:<58} {:>6.0}, {rate:.0} a second {}",
            "fold: decode each body, and take it into the state",
            fold.as_nanos() as f64 / records.len() as f64,
            verdict(rate >= 1e6)
        );
        show(
            "  of which decoding the bodies",
            shortest(ROUNDS, || {
                records
                    .iter()
                    .filter(|record| record.event().is_some())
                    .count()
            }),
        );
        show(
            "before that: check the chain (SHA-256)",
            shortest(ROUNDS, || chained(&records)),
        );
        let lines: Vec<Vec<u8>> = records.iter().map(Record::to_json).collect();
        show(
            "before that: read the record out of a line of JSON",
            shortest(ROUNDS, || {
                lines
                    .iter()
                    .filter(|line| Record::from_json(line).is_some())
                    .count()
            }),
        );
    }
}

fn folded(records: &[Record], known: &Known) -> World {
    let mut world = World::default();
    let limits = Limits::default();
    for record in records {
        world.fold(record, known, &limits);
    }
    assert_eq!(
        (world.seq, world.quarantined.len()),
        (records.len() as u64, 0)
    );
    world
}

fn chained(records: &[Record]) -> bool {
    let mut chain = GENESIS;
    let holds = records.iter().all(|record| {
        chain = chain.next(&record.canonical());
        chain == record.chain
    });
    assert!(holds, "the chain holds");
    holds
}
