//! The bytes that core promises for each task, as an allocator counts them: of a plan, and of a run's state beside it.

#[path = "plan/shapes.rs"]
mod shapes;
#[path = "growth/records.rs"]
mod records;

use std::sync::Arc;

use allocation_counter::measure;
use arcoflow_core::identity::digest::Sha256Digest;
use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::run::fold::Catalogs;
use arcoflow_core::run::world::{Limits, World};
use arcoflow_core::wire::record::Record;

const PLAN_BYTES: i64 = 200;
const STATE_BYTES: i64 = 150;

/// A kind of pipeline, and how one of a size is made.
type Shape = (&'static str, fn(u32) -> Catalog);

fn main() {
    println!(
        "bytes a task: of the plan, at most while it is compiled, of a run that has just begun, and half way through"
    );
    println!(
        "{:<10} {:>9} {:>12} {:>12} {:>12} {:>12}",
        "shape", "tasks", "plan", "compiling", "begun", "half way"
    );
    let shapes: [Shape; 4] = [
        ("chain", shapes::chain),
        ("fan-out", shapes::fan_out),
        ("grid", shapes::grid),
        ("random", shapes::random),
    ];
    for (name, shape) in shapes {
        for tasks in [shapes::TASKS[0], shapes::TASKS[3]] {
            row(name, tasks, &Arc::new(shape(tasks)));
        }
    }
}

fn row(name: &str, tasks: u32, catalog: &Arc<Catalog>) {
    let count = i64::from(tasks);
    let mut plan = None;
    let compiled = measure(|| plan = Some(shapes::compile(catalog)));
    drop(plan);
    let of_plan = compiled.bytes_current;
    // Three records a task, after two that begin the run.
    let records = records::of_runs(catalog, 2 + tasks as usize * 3 / 2);
    let state = |count: usize| {
        let mut world = None;
        let held = measure(|| world = Some(folded(&records[..count], catalog)));
        held.bytes_current - of_plan
    };
    let (begun, half) = (state(2), state(records.len()));
    let verdict = |bytes: i64, limit: i64| {
        if bytes < limit * count {
            "met"
        } else {
            "MISSED"
        }
    };
    let shown = |bytes: i64, limit: i64| format!("{} {}", bytes / count, verdict(bytes, limit));
    println!(
        "{name:<10} {tasks:>9} {:>12} {:>12} {:>12} {:>12}",
        shown(of_plan, PLAN_BYTES),
        compiled.bytes_max as i64 / count,
        shown(begun, STATE_BYTES),
        shown(half, STATE_BYTES),
    );
}

struct Known(Arc<Catalog>);

impl Catalogs for Known {
    fn catalog(&self, _: &Sha256Digest) -> Option<Arc<Catalog>> {
        Some(self.0.clone())
    }
}

fn folded(records: &[Record], catalog: &Arc<Catalog>) -> World {
    let known = Known(catalog.clone());
    let mut world = World::default();
    for record in records {
        world.fold(record, &known, &Limits::default());
    }
    world
}
