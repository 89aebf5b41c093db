//! The figures of the door and the scheduler, beside the rate at which this machine syncs, measured in the same run.
//!
//! The house is a process of its own; callers and workers are in this one and speak HTTP over the loopback address.

#[path = "../../tests/samples/samples.rs"]
mod samples;
#[path = "host/house.rs"]
mod house;
#[path = "host/figures.rs"]
mod figures;
#[path = "host/machine.rs"]
mod machine;
#[path = "host/flow.rs"]
mod flow;
#[path = "host/appends.rs"]
mod appends;
#[path = "host/fan_out.rs"]
mod fan_out;
#[path = "host/chain.rs"]
mod chain;
#[path = "host/million.rs"]
mod million;
#[path = "host/trigger.rs"]
mod trigger;
#[path = "host/restart.rs"]
mod restart;
#[path = "host/idle.rs"]
mod idle;

use std::process::ExitCode;

type Measure = fn(&mut figures::Figures);

/// Name, what it measures, and how.
const MEASURES: &[(&str, Measure)] = &[
    ("appends", appends::measure),
    ("fan-out", fan_out::measure),
    ("chain", chain::measure),
    ("trigger", trigger::measure),
    ("restart", restart::measure),
    ("idle", idle::measure),
    ("million", million::measure),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words == ["stamp"] {
        return trigger::stamp();
    }
    // `cargo bench` adds a word of its own.
    let wanted: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|word| *word != "--bench")
        .collect();
    for word in &wanted {
        if !MEASURES.iter().any(|(name, _)| name == word) {
            let names: Vec<&str> = MEASURES.iter().map(|(name, _)| *name).collect();
            eprintln!("`{word}` is not measured; choose from {}", names.join(", "));
            return ExitCode::from(2);
        }
    }
    let mut figures = figures::Figures::begin(machine::sync_rate());
    for (name, measure) in MEASURES {
        if wanted.is_empty() || wanted.contains(name) {
            measure(&mut figures);
        }
    }
    figures.end();
    ExitCode::SUCCESS
}
