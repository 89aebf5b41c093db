//! The figures that core promises are measured by one command, which fails when one of them is missed.

use crate::process::{cargo, read};

/// Bytes have a program of their own, because an allocator that counts takes time.
const PROGRAMS: [&str; 2] = ["growth", "memory"];

/// Measures core, and fails when a figure is missed.
pub(crate) fn run_all() -> Result<(), String> {
    let mut missed = 0;
    for program in PROGRAMS {
        let mut bench = cargo();
        bench.args(["bench", "--quiet", "--package", "arcoflow-core"]);
        bench.args(["--bench", program]);
        let report = read(&mut bench, "the benchmark has to build")?;
        println!("{report}");
        missed += report.matches("MISSED").count();
    }
    match missed {
        0 => Ok(()),
        _ => Err(format!(
            "{missed} figures are missed; the report above names them"
        )),
    }
}
