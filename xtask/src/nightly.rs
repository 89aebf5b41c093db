//! What takes too long for every change is done in a row at night, and one failure does not keep the rest from being looked at.

use std::time::Instant;

use crate::{drill, evidence, fuzz, mutants, schemathesis, simulate};

/// How long each target is fuzzed, in seconds.
const FUZZ_S: &str = "600";
/// How long the soak takes, in minutes.
const SOAK_MINUTES: &str = "60";

/// Runs all of it, and says in the end what failed.
pub(crate) fn run_all() -> Result<(), String> {
    let mut failures = Vec::new();
    let mut step = |what: &str, work: &mut dyn FnMut() -> Result<(), String>| {
        println!("\n── {what}");
        let start = Instant::now();
        if let Err(problem) = work() {
            eprintln!("error: {what}: {problem}");
            failures.push(what.to_owned());
        }
        println!("── {what}: {:.0} s", start.elapsed().as_secs_f64());
    };
    step("fresh seeds", &mut || simulate::simulate(&["--fresh"]));
    step("planted bugs", &mut || mutants::hunt(&[]));
    step("fuzzing", &mut || fuzz::fuzz(&[FUZZ_S]));
    step("schemathesis", &mut || {
        schemathesis::run_all(schemathesis::Depth::Long, &[])
    });
    step("drills", &mut || drill::drill(&["all"]));
    step("soak", &mut || drill::soak(SOAK_MINUTES));
    step("the bundle of it", &mut || evidence::make(false));
    if failures.is_empty() {
        Ok(())
    } else {
        Err(format!("failed: {}", failures.join(", ")))
    }
}
