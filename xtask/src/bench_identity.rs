//! One command measures identity on every target, beside the peers of each, on the same documents.

use std::fs;
use std::process::Command;

use crate::process::{cargo, root, run, target};
use crate::{fixtures, python, samples};

/// Runs every benchmark of identity, one after another.
pub(crate) fn run_all() -> Result<(), String> {
    let documents = target().join("bench/documents");
    fs::create_dir_all(&documents).map_err(|error| format!("{}: {error}", documents.display()))?;
    let bench = || {
        let mut command = cargo();
        command.args([
            "bench",
            "--quiet",
            "--package",
            "arcoflow-tests",
            "--bench",
            "identity",
            "--",
        ]);
        command
    };
    let hint = "the benchmark has to build";
    run(bench().arg("--write").arg(&documents), hint)?;
    let file = samples::begin("identity")?;
    run(samples::kept_by(&mut bench(), &file), hint)?;
    let place = fixtures::install_package()?;
    let copied = place.join("benchmark.js");
    for (source, copy) in [
        ("bindings/npm/test/benchmark.js", &copied),
        ("tests/samples/samples.mjs", &place.join("samples.mjs")),
    ] {
        fs::copy(root().join(source), copy).map_err(|error| error.to_string())?;
    }
    run(
        samples::kept_by(
            Command::new("node")
                .arg(&copied)
                .arg(&documents)
                .current_dir(&place),
            &file,
        ),
        "install Node 20 or later",
    )?;
    let module = root().join("bindings/npm/dist/core.wasm");
    println!(
        "wasm: {} bytes",
        fs::metadata(&module)
            .map_err(|error| error.to_string())?
            .len()
    );
    let interpreter = python::environment()?;
    python::install_peers(&interpreter)?;
    let script = root().join("bindings/python/tests/benchmark.py");
    run(
        samples::kept_by(
            Command::new(&interpreter).arg(script).arg(&documents),
            &file,
        ),
        "the wheel has to install",
    )
}
