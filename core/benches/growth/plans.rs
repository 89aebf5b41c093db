//! Plans of a thousand to a million tasks, beside a bare walk of the same graph.

use arcoflow_core::plan::catalog::Catalog;

use super::shapes;
use super::time::{milliseconds, shortest, verdict};
use super::walk::Graph;

/// Times of one size, at least.
const ROUNDS: usize = 7;
/// How much longer a task may take in the largest plan than in the smallest.
const MOST_GROWTH: f64 = 1.5;

/// A kind of pipeline, and how one of a size is made.
type Shape = (&'static str, fn(u32) -> Catalog);

pub(crate) fn measure() {
    println!("compiling a plan, and a bare walk of its edges: nanoseconds a task");
    println!(
        "{:<18} {:>9} {:>9} {:>9} {:>9} {:>15}",
        "tasks", "1,000", "10,000", "100,000", "1,000,000", "largest/least"
    );
    let shapes: [Shape; 4] = [
        ("chain", shapes::chain),
        ("fan-out", shapes::fan_out),
        ("grid", shapes::grid),
        ("random", shapes::random),
    ];
    for (name, shape) in shapes {
        of_shape(name, shape);
    }
}

fn of_shape(name: &str, shape: fn(u32) -> Catalog) {
    let (mut compiled, mut walked) = (Vec::new(), Vec::new());
    for tasks in shapes::TASKS {
        let catalog = shape(tasks);
        let rounds = (1_000_000 / tasks as usize).clamp(ROUNDS, 200);
        compiled.push(shortest(rounds, || shapes::compile(&catalog)));
        let graph = Graph::of(&shapes::compile(&catalog));
        walked.push(shortest(rounds, || graph.walk()));
    }
    let row = |times: &[std::time::Duration]| -> Vec<f64> {
        let sizes = times.iter().zip(shapes::TASKS);
        sizes
            .map(|(time, tasks)| time.as_nanos() as f64 / f64::from(tasks))
            .collect()
    };
    let growth = |row: &[f64]| row[3] / row[0];
    let (own, bare) = (row(&compiled), row(&walked));
    let line = |name: String, row: &[f64]| {
        let [a, b, c, d] = row else { return };
        print!(
            "{name:<18} {a:>9.1} {b:>9.1} {c:>9.1} {d:>9.1} {:>8.2}",
            growth(row)
        );
    };
    line(name.to_string(), &own);
    println!(" {}", verdict(growth(&own) < MOST_GROWTH));
    line("  its bare walk".to_string(), &bare);
    let (small, large) = (milliseconds(compiled[1]), milliseconds(compiled[3]));
    println!(
        "\n  10,000 tasks in {small:.2} ms {}, 1,000,000 in {large:.0} ms {}",
        verdict(small < 20.0),
        verdict(large < 3_000.0),
    );
}
