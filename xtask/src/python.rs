//! The Python package is built as a wheel; whoever tests it installs the wheel into a fresh environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{license, root, run, target};

/// Builds the wheel, and returns its path.
pub(crate) fn wheel() -> Result<PathBuf, String> {
    let maturin = maturin()?;
    let package = root().join("bindings/python");
    license(&package)?;
    let wheels = target().join("wheels/arcoflow");
    if wheels.exists() {
        fs::remove_dir_all(&wheels).map_err(|error| format!("{}: {error}", wheels.display()))?;
    }
    run(
        Command::new(maturin)
            .args([
                "build",
                "--quiet",
                "--release",
                "--interpreter",
                "python3",
                "--out",
            ])
            .arg(&wheels)
            .current_dir(&package),
        "install Python 3.10 or later with its headers",
    )?;
    let entries =
        fs::read_dir(&wheels).map_err(|error| format!("{}: {error}", wheels.display()))?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| format!("maturin wrote no wheel to {}", wheels.display()))
}

/// A fresh environment with the wheel in it, and returns its interpreter.
pub(crate) fn environment() -> Result<PathBuf, String> {
    let wheel = wheel()?;
    let place = target().join("python/fresh");
    if place.exists() {
        fs::remove_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    }
    create(&place)?;
    let python = place.join("bin/python");
    run(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-index",
            ])
            .arg(wheel),
        "the wheel has to install without an index: it has no dependencies",
    )?;
    Ok(python)
}

/// Installs what the benchmark and the pages compare with, into an environment that has the wheel.
pub(crate) fn install_peers(python: &Path) -> Result<(), String> {
    run(
        Command::new(python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(["rfc8785==0.1.4", "canonicaljson==2.0.0", "orjson==3.13.0"]),
        "pip has to reach an index once, for the peers",
    )
}

fn create(place: &PathBuf) -> Result<(), String> {
    run(
        Command::new("python3").args(["-m", "venv"]).arg(place),
        "install Python 3.10 or later with venv",
    )
}

fn maturin() -> Result<PathBuf, String> {
    let place = target().join("python/maturin");
    let program = place.join("bin/maturin");
    if !program.exists() {
        create(&place)?;
        run(
            Command::new(place.join("bin/python")).args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "maturin==1.16.0",
            ]),
            "pip has to reach an index once, for maturin",
        )?;
    }
    Ok(program)
}
