//! Whatever the OpenAPI document allows is asked of both doors, and what it does not allow as well; an answer that it does not name is a fault.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::doors::Started;
use crate::edge;
use crate::process::{cargo, root, run, target};

const VERSION: &str = "schemathesis==4.32.5";
const DOORS: [&str; 2] = ["native", "workerd"];
/// How long a scheduler may take to decide first.
const START: Duration = Duration::from_secs(30);

/// How much is asked.
#[derive(Clone, Copy)]
pub(crate) enum Depth {
    /// For every change: few examples, always the same.
    Short,
    /// What somebody waits for who works on it.
    Usual,
    /// For the night: many examples, fresh every time, and in sequences.
    Long,
}

impl Depth {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Depth::Short => &[
                "--max-examples",
                "3",
                "--seed",
                "1",
                "--phases",
                "coverage,fuzzing",
            ],
            Depth::Usual => &["--max-examples", "25", "--seed", "1"],
            Depth::Long => &["--max-examples", "200"],
        }
    }
}

/// Asks the doors that are named, or both.
pub(crate) fn run_all(depth: Depth, doors: &[&str]) -> Result<(), String> {
    if let Some(unknown) = doors.iter().find(|door| !DOORS.contains(door)) {
        return Err(format!(
            "`{unknown}` is no door; the doors are {}",
            DOORS.join(", ")
        ));
    }
    let program = program()?;
    run(
        cargo().args(["build", "--quiet", "--locked", "--package", "arcoflow"]),
        "the binary has to build",
    )?;
    for door in DOORS {
        if doors.is_empty() || doors.contains(&door) {
            println!("\n── {door}");
            ask(&program, door, depth)?;
        }
    }
    Ok(())
}

fn ask(program: &Path, door: &str, depth: Depth) -> Result<(), String> {
    let place = target().join("schemathesis").join(door);
    let fault = |error: std::io::Error| format!("{}: {error}", place.display());
    if place.exists() {
        fs::remove_dir_all(&place).map_err(fault)?;
    }
    fs::create_dir_all(&place).map_err(fault)?;
    let started = if door == "workerd" {
        edge::build()?;
        Started::edge(&place)?
    } else {
        Started::native(&place)?
    };
    let key = key_in(&place)?;
    let url = format!("http://{}", started.address);
    let _scheduler = Scheduler::start(&url, &key)?;
    run(
        Command::new(program)
            // What it finds and remembers stays beside what is built.
            .current_dir(&place)
            .arg("--config-file")
            .arg(root().join("tests/schemathesis/schemathesis.toml"))
            .args(["run", &format!("{url}/openapi.json")])
            .args(["--header", &format!("Authorization: Bearer {key}")])
            .args([
                "--checks",
                "all",
                "--continue-on-failure",
                "--request-timeout",
                "70",
            ])
            .args(["--report", "junit", "--report-junit-path"])
            .arg(place.join("junit.xml"))
            .args(depth.arguments()),
        "the report above shows each request; the door or the document has to change",
    )
}

/// A scheduler beside a door that has none, so that the door is ready.
struct Scheduler(Child);

impl Scheduler {
    fn start(url: &str, key: &str) -> Result<Scheduler, String> {
        let child = Command::new(target().join("debug/arcoflow"))
            .args(["scheduler", "--door", url])
            .env("ARCOFLOW_TOKEN", key)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("the scheduler does not start: {error}"))?;
        let scheduler = Scheduler(child);
        let end = Instant::now() + START;
        while Instant::now() < end {
            let ready = Command::new("python3")
                .args([
                    "-c",
                    "import sys, urllib.request; urllib.request.urlopen(sys.argv[1])",
                ])
                .arg(format!("{url}/ready"))
                .stderr(Stdio::null())
                .status();
            if ready.is_ok_and(|status| status.success()) {
                return Ok(scheduler);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(format!("the door at {url} is not ready"))
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn key_in(place: &Path) -> Result<String, String> {
    let path = place.join("client.json");
    let text = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let client: Value = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    let key = client["key"].as_str().map(str::to_owned);
    key.ok_or_else(|| format!("{} names no key", path.display()))
}

/// Schemathesis in an environment of its own; the first call installs it.
fn program() -> Result<PathBuf, String> {
    let place = target().join("python/schemathesis");
    let program = place.join("bin/schemathesis");
    if !program.exists() {
        run(
            Command::new("python3").args(["-m", "venv"]).arg(&place),
            "install Python 3.11 or later with venv",
        )?;
        run(
            Command::new(place.join("bin/python")).args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                VERSION,
            ]),
            "pip has to reach an index once, for schemathesis",
        )?;
    }
    Ok(program)
}
