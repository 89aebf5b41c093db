//! Drills run the real binary, break it on purpose, and let a judge that shares no code with it look at what is left.

use std::process::Command;

use crate::edge;
use crate::process::{cargo, root, run, target};

/// Kills the process `times` times over the example.
pub(crate) fn kill(times: &str) -> Result<(), String> {
    drill("kill.py", &["examples/weather", "--kills", times])
}

/// Watches the system calls of the process: no acknowledgement without a sync.
pub(crate) fn durable() -> Result<(), String> {
    drill("durable.py", &[])
}

/// Takes the scheduler away from the edge, kills its workerd, and lets two schedulers want it.
pub(crate) fn edge() -> Result<(), String> {
    edge::build()?;
    let root = root();
    drill("edge.py", &[&root.to_string_lossy()])
}

/// Walks ten years of partitions, with a pause and a kill, and counts what came of it.
pub(crate) fn backfill() -> Result<(), String> {
    drill("backfill.py", &[])
}

fn drill(program: &str, arguments: &[&str]) -> Result<(), String> {
    run(
        cargo().args(["build", "--release", "--locked", "--package", "arcoflow"]),
        "the binary has to build",
    )?;
    let mut drill = Command::new("python3");
    drill
        .current_dir(root())
        .arg(format!("tests/drills/{program}"))
        .arg(target().join("release/arcoflow"))
        .args(arguments);
    run(&mut drill, "the report above names what is wrong")
}
