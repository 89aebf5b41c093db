//! `simulate SEEDS HOURS [--from SEED]`: lives through so many seeds and says what was broken, or that nothing was.

mod dice;
mod faults;
mod post;
mod store;
mod pipeline;
mod door;
mod scheduler;
mod worker;
mod client;
mod judge;
mod replay;
mod life;
mod report;
mod marks;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use life::Life;
use marks::Marks;
use report::Report;

const USAGE: &str = "simulate SEEDS HOURS [--from SEED] [--sometimes] [--until-broken] [--tell]";

struct Options {
    seeds: u64,
    hours: u64,
    from: u64,
    /// Whether it is a failure when something rare never happened.
    sometimes: bool,
    /// Whether each record is printed.
    tell: bool,
    /// Whether no seed is begun after one that broke.
    until_broken: bool,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some(options) = options(&words) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let began = Instant::now();
    let reports = live_all(&options);
    let broken: Vec<&Report> = reports
        .iter()
        .filter(|report| report.broken.is_some())
        .collect();
    let mut marks = Marks::default();
    for report in &reports {
        marks.add(&report.marks);
    }
    for report in broken.iter().take(10) {
        if let Some(broken) = &report.broken {
            println!(
                "seed {} broke after {} ms: {}",
                report.seed, report.at_ms, broken.rule
            );
            println!("  {}", broken.detail);
            println!(
                "  again: simulate 1 {} --from {}",
                options.hours, report.seed
            );
        }
    }
    let sum = |of: fn(&Report) -> u64| reports.iter().map(of).sum::<u64>();
    let seconds = began.elapsed().as_secs_f64();
    let hours = sum(|report| report.at_ms) as f64 / 3_600_000.0;
    println!(
        "{} seeds, {hours:.0} hours, {} steps, {} runs, {} records in {seconds:.1} s; {} seeds broken",
        reports.len(),
        sum(|report| report.steps),
        sum(|report| report.runs as u64),
        sum(|report| report.records),
        broken.len()
    );
    println!("happened:");
    for (mark, count) in &marks.0 {
        println!("  {count:>8}  {mark}");
    }
    let missing = marks.missing();
    if !missing.is_empty() {
        println!("never happened: {}", missing.join(", "));
    }
    if let [report] = reports.as_slice() {
        println!("digest {}", report.digest);
    }
    if broken.is_empty() && (missing.is_empty() || !options.sometimes) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn options(words: &[String]) -> Option<Options> {
    let mut options = Options {
        seeds: 0,
        hours: 0,
        from: 0,
        sometimes: false,
        tell: false,
        until_broken: false,
    };
    let mut numbers = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--from" => options.from = words.next()?.parse().ok()?,
            "--until-broken" => options.until_broken = true,
            "--tell" => options.tell = true,
            "--sometimes" => options.sometimes = true,
            number => numbers.push(number.parse().ok()?),
        }
    }
    let [seeds, hours] = numbers.as_slice() else {
        return None;
    };
    (options.seeds, options.hours) = (*seeds, *hours);
    Some(options)
}

/// One life after another on every core; each knows only its own seed.
fn live_all(options: &Options) -> Vec<Report> {
    let next = AtomicU64::new(options.from);
    let end = options.from + options.seeds;
    let reports = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    // An assertion that fails breaks its seed, and no other.
                    let life = || Life::new(seed).run(options.hours, options.tell);
                    let report =
                        std::panic::catch_unwind(life).unwrap_or_else(|_| Report::of_panic(seed));
                    if options.until_broken && report.broken.is_some() {
                        next.store(end, Ordering::Relaxed);
                    }
                    if let Ok(mut reports) = reports.lock() {
                        reports.push(report);
                    }
                }
            });
        }
    });
    let mut reports = reports.into_inner().unwrap_or_default();
    reports.sort_by_key(|report| report.seed);
    reports
}
