//! The figures that core promises: plans and run states of any size, a fold of a million records, fifty million partitions.

#[path = "plan/shapes.rs"]
mod shapes;
#[path = "growth/records.rs"]
mod records;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use arcoflow_core::automation::ordinals;
use arcoflow_core::automation::status::Partitions;
use arcoflow_core::identity::digest::Sha256Digest;
use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::run::fold::Catalogs;
use arcoflow_core::run::world::{Limits, World};
use arcoflow_core::wire::asset::PartitionState;
use arcoflow_core::wire::record::Record;
use arcoflow_core::wire::view::TaskState;
use roaring::RoaringBitmap;
use rustix::time::{ClockId, clock_gettime};

/// Each figure is the shortest of so many times, in the processor's time: what else the machine does only adds.
const ROUNDS: usize = 7;

/// A kind of pipeline, and how one of a size is made.
type Shape = (&'static str, fn(u32) -> Catalog);

fn main() {
    state();
    plans();
    fold();
    partitions();
}

fn shortest<T>(rounds: usize, mut work: impl FnMut() -> T) -> Duration {
    let time = |work: &mut dyn FnMut() -> T| {
        let began = processor_time();
        black_box(work());
        processor_time().saturating_sub(began)
    };
    let times = (0..rounds).map(|_| time(&mut work));
    times.min().unwrap_or_default()
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

fn verdict(holds: bool) -> &'static str {
    if holds { "ok" } else { "MISSED" }
}

fn plans() {
    println!("compiling a plan: nanoseconds a task, and bytes a task of the plan");
    println!(
        "{:<10} {:>10} {:>10} {:>10} {:>10} {:>14} {:>10} {:>10}",
        "shape", "1,000", "10,000", "100,000", "1,000,000", "largest/least", "10k, ms", "1M, ms"
    );
    let shapes: [Shape; 4] = [
        ("chain", shapes::chain),
        ("fan-out", shapes::fan_out),
        ("grid", shapes::grid),
        ("random", shapes::random),
    ];
    for (name, shape) in shapes {
        let mut nanoseconds = Vec::new();
        let mut bytes = 0;
        for tasks in shapes::TASKS {
            let catalog = shape(tasks);
            let rounds = (1_000_000 / tasks as usize).clamp(ROUNDS, 200);
            let time = shortest(rounds, || shapes::compile(&catalog));
            nanoseconds.push(time.as_nanos() as f64 / f64::from(tasks));
            let plan = shapes::compile(&catalog);
            bytes = bytes.max(plan.memory_bytes() / plan.len() as usize);
        }
        let (first, last) = (nanoseconds[0], nanoseconds[3]);
        let (small, large) = (nanoseconds[1] / 100.0, last);
        println!(
            "{name:<10} {:>10.1} {:>10.1} {:>10.1} {:>10.1} {:>8.2} {:>5} {small:>10.2} {large:>10.1}   {bytes} bytes a task {}",
            nanoseconds[0],
            nanoseconds[1],
            nanoseconds[2],
            nanoseconds[3],
            last / first,
            verdict(last / first < 1.5),
            verdict(bytes < 200 && small < 20.0 && large < 3_000.0),
        );
    }
}

struct Known(Arc<Catalog>);

impl Catalogs for Known {
    fn catalog(&self, _: &Sha256Digest) -> Option<Arc<Catalog>> {
        Some(self.0.clone())
    }
}

fn fold_all(records: &[Record], known: &Known) -> World {
    let mut world = World::default();
    let limits = Limits::default();
    for record in records {
        world.fold(record, known, &limits);
    }
    world
}

fn fold() {
    println!("\nfolding a million records in the shape of real runs");
    for (name, tasks) in [
        ("runs of 100 tasks", 100),
        ("one run of 333,000 tasks", 333_000),
    ] {
        let catalog = Arc::new(shapes::grid(tasks));
        let records = records::of_runs(&catalog, 1_000_000);
        let known = Known(catalog);
        let time = shortest(3, || fold_all(&records, &known));
        let rate = records.len() as f64 / time.as_secs_f64();
        println!(
            "{name:<26} {} records, {:.0} bytes each: {rate:.0} records a second {}",
            records.len(),
            records
                .iter()
                .map(|record| record.body.len())
                .sum::<usize>() as f64
                / records.len() as f64,
            verdict(rate >= 1e6),
        );
    }
}

fn state() {
    let catalog = Arc::new(shapes::grid(1_000_000));
    let records = records::of_runs(&catalog, 2);
    let known = Known(catalog);
    let world = fold_all(&records, &known);
    for run in world.runs.values() {
        let tasks = run.tasks.len().max(1);
        let bytes = run.memory_bytes() / tasks;
        println!(
            "a run of {tasks} tasks, {} of them ready: {bytes} bytes of state a task beside its plan {}\n",
            run.count(TaskState::Ready),
            verdict(bytes < 150)
        );
    }
}

fn partitions() {
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
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
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
