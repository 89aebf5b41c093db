//! A simulator that cannot catch a planted bug proves nothing, so bugs are planted: one line of a copy of the core at a time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::process::{cargo, root, target};

/// The seeds that a mutant has to die within, and the hours of each.
const SEEDS: &str = "200";
const HOURS: &str = "24";
/// What the copy is made of.
const PARTS: [&str; 4] = ["core", "tests/simulator", "Cargo.toml", "Cargo.lock"];

struct Mutant {
    name: String,
    file: String,
    line: String,
    instead: String,
}

enum End {
    /// After so many seeds, by this rule.
    Caught(u64, String),
    Survived,
    /// It does not even build.
    Broken(String),
}

/// Plants each bug in turn, or those whose name holds a word, and prints who caught it.
pub(crate) fn hunt(words: &[&str]) -> Result<(), String> {
    let copy = copy()?;
    let mutants: Vec<Mutant> = read()?
        .into_iter()
        .filter(|mutant| words.is_empty() || words.iter().any(|word| mutant.name.contains(word)))
        .collect();
    println!("{:<44} {:>6}  caught by", "mutant", "seeds");
    let mut alive = 0;
    for mutant in &mutants {
        match one(&copy, mutant)? {
            End::Caught(seeds, rule) => println!("{:<44} {seeds:>6}  {rule}", mutant.name),
            End::Survived => {
                alive += 1;
                println!("{:<44} {:>6}  SURVIVED", mutant.name, "");
            }
            End::Broken(problem) => {
                alive += 1;
                println!("{:<44} {:>6}  {problem}", mutant.name, "");
            }
        }
    }
    match alive {
        0 => Ok(()),
        alive => Err(format!(
            "{alive} of {} mutants were not caught: a rule is missing, or what would break it never happens",
            mutants.len()
        )),
    }
}

fn read() -> Result<Vec<Mutant>, String> {
    let path = root().join("tests/mutants/mutants.json");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let list: Vec<Value> =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let member = |mutant: &Value, name: &str| {
        let text = mutant[name].as_str();
        text.map(str::to_owned)
            .ok_or_else(|| format!("{}: a mutant has no `{name}`", path.display()))
    };
    list.iter()
        .map(|mutant| {
            Ok(Mutant {
                name: member(mutant, "name")?,
                file: member(mutant, "file")?,
                line: member(mutant, "line")?,
                instead: member(mutant, "instead")?,
            })
        })
        .collect()
}

/// A copy of the core and the simulator, with a workspace of its own: no build of the product can contain what is planted there.
fn copy() -> Result<PathBuf, String> {
    let place = target().join("mutants/source");
    if place.exists() {
        fs::remove_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    }
    for part in PARTS {
        copy_all(&root().join(part), &place.join(part))?;
    }
    let manifest = place.join("Cargo.toml");
    let text = fs::read_to_string(&manifest)
        .map_err(|error| format!("{}: {error}", manifest.display()))?;
    let lines = text.lines().map(|line| match line {
        line if line.starts_with("members") => "members = [\"core\", \"tests/simulator\"]",
        line if line.starts_with("default-members") || line.starts_with("arcoflow-stories") => "",
        line => line,
    });
    let text: Vec<&str> = lines.collect();
    fs::write(&manifest, text.join("\n"))
        .map_err(|error| format!("{}: {error}", manifest.display()))?;
    Ok(place)
}

fn copy_all(from: &Path, to: &Path) -> Result<(), String> {
    let say = |error: std::io::Error| format!("{}: {error}", from.display());
    if from.is_file() {
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(say)?;
        }
        return fs::copy(from, to).map(drop).map_err(say);
    }
    for entry in fs::read_dir(from).map_err(say)? {
        let path = entry.map_err(say)?.path();
        let name = path.file_name().unwrap_or_default();
        if name != "target" {
            copy_all(&path, &to.join(name))?;
        }
    }
    Ok(())
}

fn one(copy: &Path, mutant: &Mutant) -> Result<End, String> {
    let path = copy.join(&mutant.file);
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    if text.matches(&mutant.line).count() != 1 {
        return Ok(End::Broken(format!(
            "its line stands {} times in {}",
            text.matches(&mutant.line).count(),
            mutant.file
        )));
    }
    let planted = text.replace(&mutant.line, &mutant.instead);
    fs::write(&path, planted).map_err(|error| format!("{}: {error}", path.display()))?;
    let end = live(copy);
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    end
}

/// Builds the copy and lives through seeds until one breaks.
fn live(copy: &Path) -> Result<End, String> {
    let build = target().join("mutants/build");
    let built = cargo()
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", &build)
        .args(["build", "--quiet", "--package", "arcoflow-simulator"])
        .output()
        .map_err(|error| error.to_string())?;
    if !built.status.success() {
        let said = String::from_utf8_lossy(&built.stderr);
        let first = said.lines().find(|line| line.starts_with("error"));
        return Ok(End::Broken(first.unwrap_or("it does not build").to_owned()));
    }
    let lived = Command::new(build.join("debug/arcoflow-simulator"))
        .args([SEEDS, HOURS, "--from", "1", "--until-broken"])
        .output()
        .map_err(|error| error.to_string())?;
    if lived.status.success() {
        return Ok(End::Survived);
    }
    let said = String::from_utf8_lossy(&lived.stdout);
    let line = said.lines().find(|line| line.starts_with("seed "));
    let seed = line.and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let rule = line.and_then(|line| line.split(": ").nth(1));
    Ok(End::Caught(
        seed.unwrap_or(0),
        rule.unwrap_or("the simulator ended").to_owned(),
    ))
}
