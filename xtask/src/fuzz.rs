//! Everything that reads bytes from outside is given bytes that nobody meant.

use std::fs;
use std::path::Path;
use std::process::Command;

use arcoflow_tests::fixtures::{Case, identity_directory, load};
use serde_json::Value;

use crate::process::{root, run, target};
use crate::tool::Tool;

const TOOL: Tool = Tool {
    program: "cargo-fuzz",
    package: "cargo-fuzz",
    version: "0.13.2",
    arguments: &[],
};
/// The targets, and where the first bytes of each come from.
const TARGETS: [(&str, Seeds); 7] = [
    ("canonical_json", Seeds::Inputs),
    ("names", Seeds::Inputs),
    ("question", Seeds::Lines),
    ("record", Seeds::None),
    ("manifest", Seeds::None),
    ("token", Seeds::None),
    ("fold", Seeds::None),
];
/// How long each target is fuzzed, in seconds, when nothing is said.
const SECONDS: &str = "60";

/// What a corpus begins with; more of it is kept in `fuzz/seeds`.
#[derive(Clone, Copy)]
enum Seeds {
    /// The inputs of the written questions.
    Inputs,
    /// The written questions as they are sent.
    Lines,
    /// Nothing of those.
    None,
}

/// Fuzzes one target, or all of them in turn.
pub(crate) fn fuzz(arguments: &[&str]) -> Result<(), String> {
    let (wanted, seconds) = match arguments {
        [] => (None, SECONDS),
        [one] if one.parse::<u32>().is_ok() => (None, *one),
        [one] => (Some(*one), SECONDS),
        [one, seconds, ..] => (Some(*one), *seconds),
    };
    if let Some(unknown) = wanted.filter(|name| TARGETS.iter().all(|(known, _)| known != name)) {
        let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        return Err(format!(
            "`{unknown}` is no target; the targets are {}",
            names.join(", ")
        ));
    }
    let tool = TOOL.path()?;
    let cases = load(&identity_directory())?;
    for (name, seeds) in TARGETS {
        if wanted.is_none_or(|wanted| wanted == name) {
            println!("\n── {name}: {seconds} s");
            fuzz_one(&tool, name, seeds, &cases, seconds)?;
        }
    }
    Ok(())
}

fn fuzz_one(
    tool: &Path,
    name: &str,
    seeds: Seeds,
    cases: &[Case],
    seconds: &str,
) -> Result<(), String> {
    let place = target().join("fuzz");
    let corpus = place.join("corpus").join(name);
    fs::create_dir_all(&corpus).map_err(|error| format!("{}: {error}", corpus.display()))?;
    for (index, case) in cases.iter().enumerate() {
        if let Some(bytes) = seed(case, seeds) {
            let path = corpus.join(format!("written-{index}"));
            fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    let mut command = Command::new(tool);
    command
        .current_dir(root())
        // The core has no unsafe code, so there is nothing for a sanitizer to see, and the installed toolchain will do.
        .args(["fuzz", "run", "--sanitizer", "none", "--target-dir"])
        .arg(place.join("build"))
        .arg(name)
        .arg(&corpus);
    let kept = root().join("fuzz/seeds").join(name);
    if kept.is_dir() {
        command.arg(kept);
    }
    command
        .arg("--")
        .arg(format!("-max_total_time={seconds}"))
        .args(["-max_len=4096", "-timeout=10", "-print_final_stats=1"])
        .arg(format!("-artifact_prefix={}/", place.display()));
    run(
        &mut command,
        "the input that broke it stands in target/fuzz; make it a test",
    )
}

/// The bytes that a question gives to a target.
fn seed(case: &Case, seeds: Seeds) -> Option<Vec<u8>> {
    match seeds {
        Seeds::None => None,
        Seeds::Lines => Some(case.line.clone().into_bytes()),
        Seeds::Inputs => {
            let question: Value = serde_json::from_str(&case.line).ok()?;
            match (question.get("input"), question.get("input_base64")) {
                (Some(Value::String(text)), _) => Some(text.clone().into_bytes()),
                (_, Some(Value::String(text))) => {
                    data_encoding::BASE64.decode(text.as_bytes()).ok()
                }
                _ => None,
            }
        }
    }
    .filter(|bytes| bytes.len() <= 4_096)
}
