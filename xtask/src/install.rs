//! What a fresh machine with Rust, Node and Python still lacks is installed by the command that needs it.

use std::process::Command;

use crate::process::{read, run};

/// Installs the Debian packages that are missing.
pub(crate) fn packages(wanted: &[&str]) -> Result<(), String> {
    let missing: Vec<&str> = wanted
        .iter()
        .filter(|package| !is_there(package))
        .copied()
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let hint = format!("install the packages {}", missing.join(", "));
    let is_root = read(Command::new("id").arg("-u"), "a POSIX system")?.trim() == "0";
    let apt = || {
        let mut command = Command::new(if is_root { "apt-get" } else { "sudo" });
        if !is_root {
            command.arg("apt-get");
        }
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    run(apt().args(["update", "-qq"]), &hint)?;
    run(
        apt()
            .args(["install", "-y", "-qq", "--no-install-recommends"])
            .args(missing),
        &hint,
    )
}

/// Whether the program of a package starts.
fn is_there(package: &str) -> bool {
    let (program, argument) = match package {
        "fiu-utils" => ("fiu-ctrl", "-h"),
        package => (package, "--version"),
    };
    // Some programs end with an error after their help; that they start is what counts.
    Command::new(program).arg(argument).output().is_ok()
}
