//! Everything that has to pass, in the order in which it fails soonest.

use std::process::Command;
use std::time::Instant;

use crate::process::{cargo, read, root, run};
use crate::{contract, docs, drill, fixtures, simulate, stories, wasm};

const WASM: &str = "wasm32-unknown-unknown";
/// Kills in the short form of the drill.
const KILLS: &str = "16";

/// Installs what is missing, and tests everything.
pub(crate) fn run_all() -> Result<(), String> {
    install()?;
    step("formatting", || {
        run(
            cargo().args(["fmt", "--all", "--check"]),
            "`cargo fmt --all` mends it",
        )
    })?;
    step("core without a world", || {
        run(
            cargo().args([
                "check",
                "--locked",
                "--package",
                "arcoflow-core",
                "--target",
                WASM,
            ]),
            "core must not reach the world",
        )
    })?;
    step("lints", || {
        let lints = [
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--",
            "--deny",
            "warnings",
        ];
        run(cargo().args(lints), "mend what the lint names")
    })?;
    step("documents", docs::check)?;
    step("the example's programs", || {
        run(
            Command::new("python3")
                .current_dir(root())
                .arg("examples/weather/test_tasks.py"),
            "see examples/weather/README.md",
        )
    })?;
    step("tests", || {
        run(
            cargo().args(["test", "--locked", "--workspace"]),
            "see the failures above",
        )
    })?;
    step("inside WebAssembly", wasm::run_tests)?;
    step("fixtures", || fixtures::run_all(&[]))?;
    step("stories", || stories::run_all(&[]))?;
    step("two hundred lives", || simulate::simulate(&[]))?;
    step("lives that broke a rule once", || {
        simulate::simulate(&["--regressions"])
    })?;
    step("lives inside WebAssembly", simulate::inside_wasm)?;
    step("the first command of the README", || {
        run(
            cargo().args(["run", "--quiet", "--release", "--locked", "--", "--version"]),
            "`cargo run` has to mean the binary `arcoflow`",
        )
    })?;
    step("one contract, two doors", contract::run_all)?;
    step("acknowledged means on disk", drill::durable)?;
    step("the edge, broken on purpose", drill::edge)?;
    step("killed at every commit point", || drill::kill(KILLS))
}

fn step(what: &str, work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    println!("\n── {what}");
    let start = Instant::now();
    work().map_err(|problem| format!("{what}: {problem}"))?;
    println!("── {what}: {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// What a fresh machine with Rust, Node and Python still lacks.
fn install() -> Result<(), String> {
    let targets = read(
        Command::new("rustup").args(["target", "list", "--installed"]),
        "rustup manages the toolchain",
    )?;
    if !targets.lines().any(|target| target == WASM) {
        run(
            Command::new("rustup").args(["target", "add", WASM]),
            "the target must be installed",
        )?;
    }
    let version = read(
        Command::new("python3").args(["-c", "import sys; print(sys.version_info >= (3, 11))"]),
        "install the package `python3`",
    )?;
    if version.trim() != "True" {
        return Err("the drills need Python 3.11 or later".to_owned());
    }
    let missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|program| !is_there(program))
        .copied()
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        install_packages(&missing)
    }
}

/// Programs that are the Debian packages of the same name.
const PROGRAMS: &[&str] = &["chromium", "strace"];

fn is_there(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

fn install_packages(packages: &[&str]) -> Result<(), String> {
    let hint = format!("install the packages {}", packages.join(", "));
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
            .args(packages),
        &hint,
    )
}
