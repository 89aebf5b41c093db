//! `simulate SEEDS HOURS`: lives through so many seeds and says what was broken, or that nothing was.

mod lives;
mod options;
mod regressions;
mod written;

use std::process::ExitCode;

use arcoflow_simulator::marks::Marks;
use arcoflow_simulator::report::Report;
use arcoflow_simulator::settings::Settings;
use arcoflow_simulator::shrink::shrink;

use lives::{Lived, live, live_all};
use options::{Command, Options};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    lives::keep_panics();
    let result = match options::read(&words) {
        Ok(Command::Live(options)) => simulate(&options),
        Ok(Command::Shrink(settings)) => shrink_one(&settings),
        Ok(Command::Regressions) => regressions::live_all(),
        Err(problem) => {
            eprintln!("{problem}\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn simulate(options: &Options) -> Result<(), String> {
    if options.is_fresh {
        println!("seeds from {}", options.from);
    }
    let lived = live_all(options);
    for report in lived.broken().take(10) {
        tell_broken(report);
    }
    println!("{}", lived.summary());
    let marks = lived.marks();
    tell_marks(&marks);
    if let [report] = lived.reports.as_slice() {
        println!("digest {}", report.digest);
    }
    if let Some(path) = &options.report {
        written::write(path, &written::of(options, &lived))?;
    }
    verdict(options, &lived, &marks)
}

fn tell_marks(marks: &Marks) {
    println!("happened:");
    for (mark, count) in &marks.0 {
        println!("  {count:>8}  {mark}");
    }
    let missing = marks.missing();
    if !missing.is_empty() {
        println!("never happened: {}", missing.join(", "));
    }
}

fn verdict(options: &Options, lived: &Lived, marks: &Marks) -> Result<(), String> {
    let broken = lived.broken().count();
    let unlike = lived.unlike();
    let missing = marks.missing();
    if broken > 0 {
        return Err(format!("{broken} seeds broke a rule"));
    }
    if !unlike.is_empty() {
        return Err(format!("lived twice, and not the same: {unlike:?}"));
    }
    if options.sometimes && !missing.is_empty() {
        return Err(format!("never happened: {}", missing.join(", ")));
    }
    Ok(())
}

fn tell_broken(report: &Report) {
    let Some(broken) = &report.broken else {
        return;
    };
    let Settings { seed, hours, .. } = report.settings;
    let without = options::without(&report.settings);
    println!(
        "seed {seed} broke after {} ms: {}",
        report.at_ms, broken.rule
    );
    println!("  {}", broken.detail);
    println!("  again: simulate 1 {hours} --from {seed}{without} --tell");
    println!("  smaller: simulate --shrink {seed} {hours}{without}");
}

/// Prints the smallest life that breaks the same rule, as a file of a regression.
fn shrink_one(settings: &Settings) -> Result<(), String> {
    let first = live(settings, false);
    if first.broken.is_none() {
        return Err(format!("seed {} breaks nothing", settings.seed));
    }
    let (smallest, lives) = shrink(&first, |settings| live(settings, false));
    tell_broken(&smallest);
    let left: Vec<&str> = Settings::kinds()
        .filter(|kind| !smallest.settings.without.contains(*kind))
        .collect();
    println!("  what is left after {lives} lives: {}", left.join(", "));
    println!("{}", regressions::file_of(&smallest));
    Ok(())
}
