//! The figures that core promises are measured by one command, which fails when one of them is missed.

use crate::process::{cargo, read};

/// Measures core, and fails when a figure is missed.
pub(crate) fn run_all() -> Result<(), String> {
    let mut bench = cargo();
    bench.args([
        "bench",
        "--quiet",
        "--package",
        "arcoflow-core",
        "--bench",
        "growth",
    ]);
    let report = read(&mut bench, "the benchmark has to build")?;
    print!("{report}");
    let missed = report
        .lines()
        .filter(|line| line.contains("MISSED"))
        .count();
    match missed {
        0 => Ok(()),
        _ => Err(format!(
            "{missed} figures are missed; the report above names them"
        )),
    }
}
