//! A simulator that cannot catch a planted bug proves nothing, so bugs are planted in a copy of the core, and let loose one at a time.

mod planting;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::process::{cargo, root, target};

use planting::Planted;

/// The seeds that a mutant has to die within, and the hours of each.
const SEEDS: &str = "200";
const HOURS: &str = "24";
/// A bug, as `tests/mutants/mutants.json` describes it.
struct Mutant {
    name: String,
    /// The invariants that it is planted against.
    invariants: String,
    file: String,
    /// A text that stands once in the file.
    within: String,
    /// A piece of it that is an expression, or whole statements.
    find: String,
    /// What stands there when the bug is let loose.
    instead: String,
}

/// How mutants are hunted.
struct Hunt {
    /// The simulator that has every bug, each asleep.
    simulator: PathBuf,
    /// What it was built from.
    source: String,
    seeds: String,
    shrinks: bool,
}

/// Plants each bug in turn, or those whose name holds a word, and prints who caught it.
pub(crate) fn hunt(words: &[&str]) -> Result<(), String> {
    let (mut names, mut seeds, mut shrinks) = (Vec::new(), SEEDS, false);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--seeds" => seeds = words.next().copied().ok_or("`--seeds` needs a number")?,
            "--shrink" => shrinks = true,
            name => names.push(name),
        }
    }
    let all = read()?;
    let Planted { copy, source } = planting::plant(&all)?;
    let hunt = Hunt {
        simulator: build(&copy)?,
        source,
        seeds: seeds.to_owned(),
        shrinks,
    };
    hunt.check_asleep()?;
    let chosen =
        |mutant: &Mutant| names.is_empty() || names.iter().any(|name| mutant.name.contains(name));
    println!("{:<44} {:>6}  caught by", "mutant", "seeds");
    let mut alive = Vec::new();
    for (number, mutant) in (1..).zip(&all).filter(|(_, mutant)| chosen(mutant)) {
        let facts = hunt.one(number, mutant)?;
        println!("{:<44} {}", mutant.name, table::words(&facts));
        if facts["seeds"].is_null() {
            alive.push(mutant.name.clone());
        }
        let names: Vec<&str> = all.iter().map(|mutant| mutant.name.as_str()).collect();
        table::keep(facts, &names, &hunt.source)?;
    }
    match alive.len() {
        0 => Ok(()),
        count => Err(format!(
            "{count} were not caught: {}; a rule is missing, or what would break it never happens",
            alive.join(", ")
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
            .ok_or_else(|| format!("{}: a mutant has no `{name}`: {mutant}", path.display()))
    };
    list.iter()
        .map(|mutant| {
            Ok(Mutant {
                name: member(mutant, "name")?,
                invariants: member(mutant, "for")?,
                file: member(mutant, "file")?,
                within: member(mutant, "in").or_else(|_| member(mutant, "find"))?,
                find: member(mutant, "find")?,
                instead: member(mutant, "instead")?,
            })
        })
        .collect()
}

/// Builds the copy; the answer is its simulator.
fn build(copy: &Path) -> Result<PathBuf, String> {
    let build = target().join("mutants/build");
    let built = cargo()
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", &build)
        .args(["build", "--quiet", "--release"])
        .args(["--package", "arcoflow-simulator"])
        .output()
        .map_err(|error| error.to_string())?;
    if built.status.success() {
        return Ok(build.join("release/arcoflow-simulator"));
    }
    let said = String::from_utf8_lossy(&built.stderr);
    Err(format!("the planted copy does not build:\n{said}"))
}

impl Hunt {
    /// With every bug asleep nothing is broken: what breaks later is the bug's own doing.
    fn check_asleep(&self) -> Result<(), String> {
        let report = self.live(0, "2")?;
        match broken(&report) {
            None => Ok(()),
            Some(life) => Err(format!(
                "a rule is broken without any bug: {}",
                life["broken"]
            )),
        }
    }

    /// Lets a bug loose; the answer is what came of it.
    fn one(&self, number: u32, mutant: &Mutant) -> Result<Value, String> {
        let mut facts = json!({
            "name": mutant.name, "for": mutant.invariants, "file": mutant.file, "find": mutant.find, "instead": mutant.instead,
            "source": self.source, "hours": HOURS, "seeds": null,
        });
        let report = self.live(number, &self.seeds)?;
        facts["lived"] = report["seeds"].clone();
        facts["processorMs"] = report["processorMs"].clone();
        let Some(life) = broken(&report) else {
            return Ok(facts);
        };
        facts["seeds"] = life["seed"].clone();
        facts["simulatedMs"] = life["simulatedMs"].clone();
        facts["rule"] = life["broken"]["rule"].clone();
        facts["detail"] = life["broken"]["detail"].clone();
        if self.shrinks {
            let shrunk = self
                .simulator(number)
                .args(["--shrink", &life["seed"].to_string(), HOURS])
                .output()
                .map_err(|error| error.to_string())?;
            print!("{}", String::from_utf8_lossy(&shrunk.stdout));
        }
        Ok(facts)
    }

    fn simulator(&self, number: u32) -> Command {
        let mut command = Command::new(&self.simulator);
        command.env(planting::VARIABLE, number.to_string());
        command
    }

    /// Lives through seeds until one breaks; the answer is the report.
    fn live(&self, number: u32, seeds: &str) -> Result<Value, String> {
        let path = target().join("mutants/report.json");
        // What a hunt before left there is no report of this one.
        let _ = fs::remove_file(&path);
        let lived = self
            .simulator(number)
            .args([seeds, HOURS, "--from", "1", "--until-broken", "--report"])
            .arg(&path)
            .output()
            .map_err(|error| error.to_string())?;
        let report = fs::read(&path).ok();
        report
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(|| format!("the simulator ended with {}", lived.status))
    }
}

/// The first life of a report that broke a rule.
fn broken(report: &Value) -> Option<&Value> {
    let lives = report["lives"].as_array()?;
    lives.iter().find(|life| !life["broken"].is_null())
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_bug_finds_its_place() {
        let all = super::read().expect("the list of bugs");
        let lost = super::planting::misplaced(&all);
        assert_eq!(lost, [""; 0], "the code has moved on from these bugs");
    }
}
