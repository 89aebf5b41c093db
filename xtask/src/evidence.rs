//! Commands leave raw files behind, each with the tree that it was made from; a bundle of them is made here and published from here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use arcoflow_core::identity::digest::sha256;
use serde_json::{Map, Value, json};

use crate::process::{cargo, read, root, run, target};
use crate::{drill, edge, fixtures, npm, python, simulate, stories};

/// Which raw file was made by what, from which tree, under which load.
const ORIGIN: &str = "origin.json";
/// The tree, without what can change no figure.
const SOURCE: [&str; 6] = [
    ".",
    ":(exclude)docs",
    ":(exclude)*.md",
    ":(exclude)tests/evidence",
    ":(exclude)tests/documents",
    ":(exclude)tests/tests",
];
/// Kills in the short form of the drill.
const KILLS: &str = "16";
/// Seeds in the short form of the simulator, some of them twice.
const SEEDS: [&str; 6] = ["20", "24", "--from", "1", "--twice", "10"];

/// Where raw files are until a bundle takes them.
pub(crate) fn place() -> PathBuf {
    target().join("evidence")
}

fn bundle() -> PathBuf {
    target().join("bundle/arcoflow-evidence.tar")
}

/// A raw file that a command is about to write: what stood there is gone, and its origin is noted.
pub(crate) fn begin(name: &str, command: &str) -> Result<PathBuf, String> {
    let path = place().join(name);
    let fault = |error: std::io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(fault)?;
    if path.exists() {
        fs::remove_file(&path).map_err(fault)?;
    }
    note(name, command)?;
    Ok(path)
}

/// Notes from which tree a raw file is made, and under which load.
pub(crate) fn note(name: &str, command: &str) -> Result<(), String> {
    let mut origins = origins();
    let tree = tree();
    origins.insert(
        name.to_owned(),
        json!({
            "command": command, "tree": tree["tree"], "source": tree["source"], "changed": tree["changed"], "load": load(),
        }),
    );
    write(&place().join(ORIGIN), &Value::Object(origins))
}

/// Writes a whole raw file.
pub(crate) fn keep(name: &str, command: &str, facts: &Value) -> Result<(), String> {
    write(&begin(name, command)?, facts)
}

fn write(path: &Path, value: &Value) -> Result<(), String> {
    fs::write(path, format!("{value:#}\n")).map_err(|error| format!("{}: {error}", path.display()))
}

fn origins() -> Map<String, Value> {
    let text = fs::read(place().join(ORIGIN)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Makes the bundle of what there is; the short form runs a quick form of what is missing first.
pub(crate) fn make(is_short: bool) -> Result<(), String> {
    if is_short {
        run_what_is_missing()?;
    }
    let facts =
        json!({ "tree": tree(), "artefacts": artefacts(is_short)?, "environment": environment() });
    let mut make = python("make.py");
    make.arg(place()).arg(bundle()).stdin(Stdio::piped());
    let mut child = make
        .spawn()
        .map_err(|error| format!("python3 does not start: {error}"))?;
    let input = child.stdin.take().ok_or("make.py takes no input")?;
    serde_json::to_writer(input, &facts).map_err(|error| error.to_string())?;
    let status = child.wait().map_err(|error| error.to_string())?;
    if !status.success() {
        return Err("no bundle was made; the line above says why".to_owned());
    }
    println!(
        "\npython3 tests/evidence/verify.py --self-test {}",
        bundle().display()
    );
    Ok(())
}

/// Writes what the repository keeps of a bundle.
pub(crate) fn publish(path: Option<&str>) -> Result<(), String> {
    let path = path.map_or_else(bundle, PathBuf::from);
    run(
        python("publish.py").arg(path).arg(root()),
        "only an authentic bundle is published",
    )
}

fn python(program: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg(root().join("tests/evidence").join(program));
    command
}

/// Quick forms, so that a fresh checkout has something to judge.
fn run_what_is_missing() -> Result<(), String> {
    let is_missing = |name: &str| !place().join(name).exists();
    if is_missing("parity/fixtures.json") {
        fixtures::run_all(&["native", "node"])?;
    }
    if is_missing("parity/stories.json") {
        stories::run_all(&["native", "wasm"])?;
    }
    if is_missing("simulate.json") {
        let report = begin("simulate.json", "cargo xtask evidence make --short")?;
        let report = report.to_string_lossy();
        let arguments = [SEEDS.as_slice(), &["--report", &report]].concat();
        simulate::simulate(&arguments)?;
    }
    if is_missing("drills/kill.json") {
        drill::drill(&["kill", KILLS])?;
    }
    Ok(())
}

/// The digests of what is delivered. The short form builds the binary only.
fn artefacts(is_short: bool) -> Result<Value, String> {
    run(
        cargo().args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--package",
            "arcoflow",
        ]),
        "the binary has to build",
    )?;
    let built = |work: fn() -> Result<PathBuf, String>| {
        if is_short {
            Err("the short form does not build it".to_owned())
        } else {
            work()
        }
    };
    Ok(json!({
        "binary": artefact(Ok(target().join("release/arcoflow"))),
        "edge module": artefact(built(|| Ok(edge::build()?.join("arcoflow_edge_bg.wasm")))),
        "npm package": artefact(built(npm::pack)),
        "Python wheel": artefact(built(python::wheel)),
    }))
}

fn artefact(path: Result<PathBuf, String>) -> Value {
    let bytes = path.and_then(|path| fs::read(path).map_err(|error| error.to_string()));
    match bytes {
        Ok(bytes) => {
            let digest = sha256(&bytes).to_string();
            json!({ "sha256": digest.trim_start_matches("sha256:"), "bytes": bytes.len() })
        }
        Err(problem) => json!({ "sha256": null, "reason": sentence(&problem) }),
    }
}

/// The first line of a problem, without places of this machine.
pub(crate) fn sentence(problem: &str) -> String {
    let line = problem.lines().next().unwrap_or_default();
    line.replace(&*root().to_string_lossy(), "the checkout")
}

/// What git knows of this checkout.
fn tree() -> Value {
    let git = |words: &[&str]| {
        let said = read(
            Command::new("git").args(words).current_dir(root()),
            "this is no clone",
        );
        said.map(|text| text.trim().to_owned()).ok()
    };
    let listed = git(&[&["ls-files", "--stage", "--"], SOURCE.as_slice()].concat());
    let changed = git(&[&["status", "--porcelain", "--"], SOURCE.as_slice()].concat());
    match (git(&["rev-parse", "HEAD^{tree}"]), listed) {
        (Some(tree), Some(listed)) => json!({
            "tree": tree,
            "commit": git(&["rev-parse", "HEAD"]),
            "source": sha256(listed.as_bytes()).to_string(),
            "changed": changed.map(|changed| changed.lines().count()),
        }),
        _ => json!({ "tree": null, "reason": "this is no clone, or git is not installed" }),
    }
}

/// The machine and its tools, as far as a figure may depend on them.
fn environment() -> Value {
    let file = |path: &str| fs::read_to_string(path).map_err(|error| error.to_string());
    let first = |program: &str, word: &str| {
        let said = read(
            Command::new(program).arg(word).current_dir(root()),
            "it is not installed",
        );
        said.map(|text| text.lines().next().unwrap_or_default().trim().to_owned())
    };
    let memory = file("/proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
        line.map(|line| line.trim().to_owned())
            .ok_or_else(|| "the kernel does not say".to_owned())
    });
    let cores = std::thread::available_parallelism().map(std::num::NonZero::get);
    let processor = file("/proc/cpuinfo").and_then(|text| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("model name"));
        line.map(|line| line.trim_start_matches([' ', '\t', ':']).to_owned())
            .ok_or_else(|| "the kernel does not say".to_owned())
    });
    json!({
        "kernel": known(first("uname", "-srm")),
        "processor": known(processor),
        "cores": known(cores.map_err(|error| error.to_string())),
        "memory": known(memory),
        "rustc": known(first("rustc", "--version")),
        "node": known(first("node", "--version")),
        "python": known(first("python3", "--version")),
        "workerd": known(locked("workerd")),
    })
}

fn known<T: Into<Value>>(value: Result<T, String>) -> Value {
    match value {
        Ok(value) => json!({ "value": value.into() }),
        Err(problem) => json!({ "value": null, "reason": sentence(&problem) }),
    }
}

/// The version of a package that the edge is pinned to.
fn locked(package: &str) -> Result<String, String> {
    let path = root().join("edge/package-lock.json");
    let text = fs::read(&path).map_err(|error| error.to_string())?;
    let lock: Value = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    let version = lock["packages"][format!("node_modules/{package}")]["version"].as_str();
    version
        .map(str::to_owned)
        .ok_or_else(|| "no version is locked".to_owned())
}

/// The load of the last minute.
fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}
