//! The simulator lives through seeds; a seed that breaks is printed, and lived through again alone.

use crate::process::{cargo, run};

/// The seeds and the hours of each, when nothing is said. They are the same every time: fresh ones are for the night.
const USUAL: [&str; 5] = ["200", "24", "--from", "1", "--sometimes"];

/// Lives through seeds.
pub(crate) fn simulate(arguments: &[&str]) -> Result<(), String> {
    let arguments = if arguments.is_empty() {
        &USUAL
    } else {
        arguments
    };
    run(
        cargo()
            .args(["run", "--quiet", "--release", "--locked"])
            .args(["--package", "arcoflow-simulator", "--"])
            .args(arguments),
        "the report above says which seed broke which rule; `--tell` prints its records",
    )
}
