//! Drills run the real binary, break it on purpose, and let a judge that shares no code with it look at what is left.

use std::process::Command;

use crate::process::{cargo, root, run, target};

/// Kills the process `times` times over the example.
pub(crate) fn kill(times: &str) -> Result<(), String> {
    run(
        cargo().args(["build", "--release", "--locked", "--package", "arcoflow"]),
        "the binary has to build",
    )?;
    let mut drill = Command::new("python3");
    drill
        .current_dir(root())
        .arg("tests/drills/kill.py")
        .arg(target().join("release/arcoflow"));
    drill.args(["examples/weather", "--kills", times]);
    run(&mut drill, "the report above names what is wrong")
}
