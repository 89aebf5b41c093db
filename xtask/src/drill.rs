//! Drills run the real binary, break it on purpose, and let a judge that shares no code with it look at what is left.

use std::process::Command;

use crate::edge;
use crate::evidence;
use crate::install;
use crate::process::{cargo, root, run, target};

/// What a drill is called, the program that it is, and the Debian packages that it needs.
struct Drill {
    name: &'static str,
    packages: &'static [&'static str],
    /// Its arguments after the binary, when it is called without any.
    arguments: &'static [&'static str],
}

const DRILLS: [Drill; 11] = [
    Drill {
        name: "kill",
        packages: &[],
        arguments: &["examples/weather", "--kills", "200"],
    },
    Drill {
        name: "durable",
        packages: &["strace"],
        arguments: &[],
    },
    Drill {
        name: "edge",
        packages: &[],
        arguments: &["."],
    },
    Drill {
        name: "split",
        packages: &[],
        arguments: &["."],
    },
    Drill {
        name: "backfill",
        packages: &[],
        arguments: &[],
    },
    Drill {
        name: "disk",
        packages: &[],
        arguments: &[],
    },
    Drill {
        name: "sync",
        packages: &["fiu-utils"],
        arguments: &[],
    },
    Drill {
        name: "clock",
        packages: &["faketime"],
        arguments: &[],
    },
    Drill {
        name: "pause",
        packages: &[],
        arguments: &[],
    },
    Drill {
        name: "cut",
        packages: &[],
        arguments: &[],
    },
    Drill {
        name: "sweep",
        packages: &[],
        arguments: &[],
    },
];

/// Runs a drill, or all of them.
pub(crate) fn drill(words: &[&str]) -> Result<(), String> {
    match words {
        ["all"] => DRILLS
            .iter()
            .try_for_each(|drill| run_one(drill, drill.arguments)),
        ["kill", times] => {
            let drill = find("kill")?;
            run_one(drill, &["examples/weather", "--kills", times])
        }
        [name] => {
            let drill = find(name)?;
            run_one(drill, drill.arguments)
        }
        _ => Err(format!("say which drill: all, {}", names())),
    }
}

/// Keeps the process under load for so many minutes, and looks for what only time shows.
pub(crate) fn soak(minutes: &str) -> Result<(), String> {
    let out = evidence::begin("soak.json", "cargo xtask soak")?;
    let mut soak = python("soak")?;
    soak.args(["--minutes", minutes, "--out"]).arg(out);
    run(&mut soak, "the report above names what is wrong")
}

fn find(name: &str) -> Result<&'static Drill, String> {
    let found = DRILLS.iter().find(|drill| drill.name == name);
    found.ok_or_else(|| format!("`{name}` is no drill; the drills are {}", names()))
}

fn names() -> String {
    let names: Vec<&str> = DRILLS.iter().map(|drill| drill.name).collect();
    names.join(", ")
}

fn run_one(drill: &Drill, arguments: &[&str]) -> Result<(), String> {
    println!("\n── drill {}", drill.name);
    install::packages(drill.packages)?;
    if ["edge", "split"].contains(&drill.name) {
        edge::build()?;
    }
    let mut command = python(drill.name)?;
    command
        .args(arguments)
        .arg("--evidence")
        .arg(evidence::place().join("drills"));
    let command_line = format!("cargo xtask drill {}", drill.name);
    evidence::begin(&format!("drills/{}.json", drill.name), &command_line)?;
    run(&mut command, "the report above names what is wrong")
}

/// A drill before the released binary.
fn python(name: &str) -> Result<Command, String> {
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
    let mut command = Command::new("python3");
    command
        .current_dir(root())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(format!("tests/drills/{name}.py"))
        .arg(target().join("release/arcoflow"));
    Ok(command)
}
