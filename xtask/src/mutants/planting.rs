//! All bugs are planted in one copy, each asleep behind a number, so that one build serves them all and no build of the product can hold one.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use arcoflow_core::identity::digest::sha256;

use super::Mutant;
use crate::process::{root, target};

/// The environment variable that says which bug is let loose, by its number in the list from 1.
pub(crate) const VARIABLE: &str = "PLANTED_BUG";
/// What the copy is made of.
const PARTS: [&str; 4] = ["core", "tests/simulator", "Cargo.toml", "Cargo.lock"];
/// What the copy's core has more than the core: the number of the bug that is awake.
const SWITCH: &str = "
/// The bug that is awake; none while it is 0.
pub static AWAKE: core::sync::atomic::AtomicU32 = core::sync::atomic::AtomicU32::new(0);

/// Whether a bug is awake.
pub fn planted(bug: u32) -> bool {
    AWAKE.load(core::sync::atomic::Ordering::Relaxed) == bug
}
";
/// Where the simulator begins, and what it does there first.
const MAIN: &str = "fn main() -> ExitCode {";
const WAKE: &str = "
    let bug = std::env::var(\"PLANTED_BUG\").ok().and_then(|bug| bug.parse().ok());
    arcoflow_core::AWAKE.store(bug.unwrap_or(0), std::sync::atomic::Ordering::Relaxed);";

/// A copy that holds every bug.
pub(crate) struct Planted {
    pub(crate) copy: PathBuf,
    /// The digest of what it was copied from.
    pub(crate) source: String,
}

/// What is wrong with the places of bugs; empty when every one of them can be planted.
#[cfg(test)]
pub(crate) fn misplaced(mutants: &[Mutant]) -> Vec<String> {
    let wrong = |mutant: &Mutant| {
        let text = fs::read_to_string(root().join(&mutant.file));
        let text = text.map_err(|error| format!("{}: {error}", mutant.file));
        text.and_then(|text| place_of(&text, mutant)).err()
    };
    mutants.iter().filter_map(wrong).collect()
}

/// Copies the core and the simulator, with a workspace of their own, and plants every bug.
pub(crate) fn plant(mutants: &[Mutant]) -> Result<Planted, String> {
    let copy = target().join("mutants/source");
    if copy.exists() {
        fs::remove_dir_all(&copy).map_err(|error| format!("{}: {error}", copy.display()))?;
    }
    for part in PARTS {
        copy_all(&root().join(part), &copy.join(part))?;
    }
    let source = digest_of(&copy)?;
    edit(&copy.join("Cargo.toml"), |text| Ok(alone(text)))?;
    edit(&copy.join("core/src/lib.rs"), |text| {
        Ok(format!("{text}{SWITCH}"))
    })?;
    edit(&copy.join("tests/simulator/src/main.rs"), |text| {
        Ok(text.replacen(MAIN, &format!("{MAIN}{WAKE}"), 1))
    })?;
    let mut by_file: BTreeMap<&str, Vec<(u32, &Mutant)>> = BTreeMap::new();
    for (number, mutant) in (1..).zip(mutants) {
        by_file
            .entry(&mutant.file)
            .or_default()
            .push((number, mutant));
    }
    for (file, mutants) in by_file {
        edit(&copy.join(file), |text| plant_in(text, file, &mutants))?;
    }
    Ok(Planted { copy, source })
}

fn edit(path: &Path, change: impl FnOnce(&str) -> Result<String, String>) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let text = fs::read_to_string(path).map_err(failed)?;
    fs::write(path, change(&text)?).map_err(failed)
}

/// The manifest of a workspace that has the core and the simulator alone.
fn alone(text: &str) -> String {
    let others = ["default-members", "arcoflow-stories"];
    let lines = text.lines().map(|line| match line {
        line if line.starts_with("members") => "members = [\"core\", \"tests/simulator\"]",
        line if others.iter().any(|other| line.starts_with(other)) => "",
        line => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A stretch of a file, and the bugs that are planted there, by number.
type Place<'a> = (Range<usize>, Vec<(u32, &'a Mutant)>);

/// Plants the bugs of a file. Those of one place stand there together.
fn plant_in(text: &str, file: &str, mutants: &[(u32, &Mutant)]) -> Result<String, String> {
    let switch = match file.starts_with("core/") {
        true => "crate::planted",
        false => "arcoflow_core::planted",
    };
    let mut places: BTreeMap<usize, Place<'_>> = BTreeMap::new();
    for &(number, mutant) in mutants {
        let place = place_of(text, mutant)?;
        let here = places
            .entry(place.start)
            .or_insert((place.clone(), Vec::new()));
        if here.0 != place {
            return Err(format!("`{}` and another bug overlap", mutant.name));
        }
        here.1.push((number, mutant));
    }
    let (mut planted, mut at) = (String::new(), 0);
    for (place, bugs) in places.into_values() {
        let whole = text.get(place.clone()).unwrap_or("");
        if place.start < at {
            return Err(format!("two bugs overlap at `{whole}`"));
        }
        planted.push_str(text.get(at..place.start).unwrap_or(""));
        let choices: Vec<String> = bugs
            .iter()
            .map(|(number, bug)| format!("if {switch}({number}) {{ {} }} else ", bug.instead))
            .collect();
        let choice = format!("{}{{ {whole} }}", choices.concat());
        let is_statement = whole.ends_with([';', '}']);
        planted.push_str(&if is_statement {
            choice
        } else {
            format!("({choice})")
        });
        at = place.end;
    }
    planted.push_str(text.get(at..).unwrap_or(""));
    Ok(planted)
}

/// Where a bug is planted: its text stands once in its context, and that once in the file.
fn place_of(text: &str, mutant: &Mutant) -> Result<Range<usize>, String> {
    let once = |text: &str, part: &str| match text.matches(part).count() {
        1 => Ok(text.find(part).unwrap_or(0)),
        count => Err(format!("`{}`: its text stands {count} times", mutant.name)),
    };
    let start = once(text, &mutant.within)? + once(&mutant.within, &mutant.find)?;
    Ok(start..start + mutant.find.len())
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

/// What the files of a folder are, in one digest.
fn digest_of(folder: &Path) -> Result<String, String> {
    let mut paths = Vec::new();
    list(folder, &mut paths)?;
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let name = path.strip_prefix(folder).unwrap_or(&path);
        all.extend(name.to_string_lossy().as_bytes());
        all.extend(sha256(&bytes).to_bytes());
    }
    Ok(sha256(&all).to_string())
}

fn list(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), String> {
    let say = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(say)? {
        let path = entry.map_err(say)?.path();
        if path.is_dir() {
            list(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}
