//! A command of another program either succeeds or says which one did not.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What a command of ours gives: nothing, or a sentence about what went wrong.
pub(crate) type Outcome = Result<(), String>;

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// A program with its arguments, run at the root of the checkout.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Cargo, the one that runs this program.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_string());
    command(&program, arguments)
}

/// Runs a command to its end, with its output on ours.
pub(crate) fn run(what: &str, mut command: Command) -> Outcome {
    println!("\n── {what}");
    let start = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("{what}: {command:?} cannot be run: {error}"))?;
    if !status.success() {
        return Err(format!("{what}: {command:?} ended with {status}"));
    }
    println!("── {what}: done in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// What a command prints, trimmed; `None` when it fails or does not exist.
pub(crate) fn output(mut command: Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_string())
}
