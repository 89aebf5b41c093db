//! Everything that has to pass, in the order in which it fails soonest.

use std::process::Command;
use std::time::Instant;

use crate::process::{cargo, read, root, run};
use crate::{contract, docs, drill, fixtures, install, schemathesis, simulate, stories, wasm};

const WASM: &str = "wasm32-unknown-unknown";
/// Kills in the short form of the drill.
const KILLS: &str = "16";

/// Installs what is missing, and tests everything.
pub(crate) fn run_all() -> Result<(), String> {
    install_all()?;
    step("formatting", || {
        run(
            cargo().args(["fmt", "--all", "--check"]),
            "`cargo fmt --all` mends it",
        )
    })?;
    // In the profile of what runs inside WebAssembly, so that nothing is built for this alone.
    step("core without a world", || {
        run(
            cargo().args([
                "build",
                "--locked",
                "--profile",
                "checked",
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
    step("the evidence, doubted", || {
        run(
            Command::new("python3")
                .current_dir(root())
                .arg("tests/evidence/test_evidence.py"),
            "see docs/evidence/README.md",
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
    step("lives in which everything breaks", || {
        simulate::simulate(&[])
    })?;
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
    for (what, name) in DRILLS {
        step(what, || drill::drill(&[name]))?;
    }
    step("killed at every commit point", || {
        drill::drill(&["kill", KILLS])
    })?;
    step("whatever the document of the doors allows", || {
        schemathesis::run_all(schemathesis::Depth::Short, &[])
    })
}

/// The drills that are short enough for every change; the others are for the night.
const DRILLS: [(&str, &str); 7] = [
    ("acknowledged means on disk", "durable"),
    ("the edge, broken on purpose", "edge"),
    ("a workspace of several ledgers, broken on purpose", "split"),
    ("a disk without room", "disk"),
    ("a disk that does not sync", "sync"),
    ("a clock that jumps", "clock"),
    ("workers that were stopped", "pause"),
];

fn step(what: &str, work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    println!("\n── {what}");
    let start = Instant::now();
    work().map_err(|problem| format!("{what}: {problem}"))?;
    println!("── {what}: {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// What a fresh machine with Rust, Node and Python still lacks.
fn install_all() -> Result<(), String> {
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
    install::packages(&["chromium", "strace", "fiu-utils", "faketime"])
}
