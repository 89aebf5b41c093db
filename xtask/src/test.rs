//! Everything that has to pass, in the order in which it fails soonest.

use crate::command::{self, Outcome, cargo, output};
use crate::docs;

const WASM: &str = "wasm32-unknown-unknown";

/// `cargo xtask test`
pub(crate) fn run(arguments: &[&str]) -> Outcome {
    if !arguments.is_empty() {
        return Err(format!(
            "`test` takes no arguments, and got `{}`",
            arguments.join(" ")
        ));
    }
    install()?;
    command::run("formatting", cargo(&["fmt", "--all", "--check"]))?;
    command::run(
        "core without a world",
        cargo(&["check", "--locked", "-p", "arcoflow-core", "--target", WASM]),
    )?;
    command::run(
        "lints",
        cargo(&[
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]),
    )?;
    docs::run(&["--check"])?;
    command::run(
        "the example's programs",
        command::command("python3", &["examples/weather/test_tasks.py"]),
    )?;
    command::run("tests", cargo(&["test", "--locked", "--workspace"]))?;
    Ok(())
}

/// What a fresh machine with Rust, Node and Python still lacks.
fn install() -> Outcome {
    let targets = output(command::command(
        "rustup",
        &["target", "list", "--installed"],
    ))
    .unwrap_or_default();
    if !targets.lines().any(|target| target == WASM) {
        run_rustup()?;
    }
    match output(command::command("python3", &["-c", "import sys; print(sys.version_info >= (3, 9))"])).as_deref() {
        Some("True") => Ok(()),
        _ => Err("python3 of version 3.9 or later is needed for the example and the oracle; install the package `python3`".to_string()),
    }
}

fn run_rustup() -> Outcome {
    command::run(
        "the wasm target",
        command::command("rustup", &["target", "add", WASM]),
    )
}
