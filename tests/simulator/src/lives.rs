//! One life after another on every core; each knows only its own seed, and an assertion that fails breaks no other.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arcoflow_simulator::marks::Marks;
use arcoflow_simulator::report::Report;
use arcoflow_simulator::settings::Settings;
use arcoflow_simulator::{Life, sqlite};
use rustix::time::{ClockId, clock_gettime};

use crate::options::Options;

thread_local! {
    static WORDS: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the words of an assertion that fails, instead of printing them.
pub(crate) fn keep_panics() {
    std::panic::set_hook(Box::new(|info| {
        WORDS.with_borrow_mut(|words| *words = info.to_string().replace('\n', " "));
    }));
}

/// Lives a life to its end.
pub(crate) fn live(settings: &Settings, tell: bool) -> Report {
    let life = || Life::new(settings, sqlite::empty).run(tell);
    std::panic::catch_unwind(life)
        .unwrap_or_else(|_| Report::of_panic(settings, WORDS.with_borrow(Clone::clone)))
}

/// Many lives.
pub(crate) struct Lived {
    /// In the order of their seeds.
    pub(crate) reports: Vec<Report>,
    /// The digest of a second life of some seeds.
    pub(crate) again: BTreeMap<u64, String>,
    /// The time that it took.
    pub(crate) wall: Duration,
    /// The time of the processor that it took, over all threads.
    pub(crate) processor: Duration,
}

impl Lived {
    pub(crate) fn broken(&self) -> impl Iterator<Item = &Report> {
        self.reports.iter().filter(|report| report.broken.is_some())
    }

    pub(crate) fn marks(&self) -> Marks {
        let mut marks = Marks::default();
        for report in &self.reports {
            marks.add(&report.marks);
        }
        marks
    }

    /// The seeds whose second life was another.
    pub(crate) fn unlike(&self) -> Vec<u64> {
        let twice = self.reports.iter().filter_map(|report| {
            let again = self.again.get(&report.settings.seed)?;
            (*again != report.digest).then_some(report.settings.seed)
        });
        twice.collect()
    }

    pub(crate) fn sum(&self, of: fn(&Report) -> u64) -> u64 {
        self.reports.iter().map(of).sum()
    }

    pub(crate) fn summary(&self) -> String {
        let hours = self.sum(|report| report.at_ms) as f64 / 3_600_000.0;
        let steps = self.sum(|report| report.steps);
        let processor = self.processor.as_secs_f64();
        format!(
            "{} seeds, {hours:.0} hours, {steps} steps, {} runs, {} records in {:.1} s; {} seeds broken\n\
             {processor:.1} s of the processor: {:.1} hours and {:.0} steps a second; {} lived twice",
            self.reports.len(),
            self.sum(|report| report.runs as u64),
            self.sum(|report| report.records),
            self.wall.as_secs_f64(),
            self.broken().count(),
            hours / processor,
            steps as f64 / processor,
            self.again.len(),
        )
    }
}

/// Lives through the seeds.
pub(crate) fn live_all(options: &Options) -> Lived {
    let began = Instant::now();
    let next = AtomicU64::new(options.from);
    let end = options.from + options.seeds;
    let lived = Mutex::new((Vec::new(), BTreeMap::new()));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let settings = options.of(seed);
                    let report = live(&settings, options.tell);
                    let is_twice = seed.checked_rem(options.twice) == Some(0);
                    let again = is_twice.then(|| live(&settings, false).digest);
                    let is_late = options
                        .minutes
                        .is_some_and(|minutes| processor() >= Duration::from_secs(60 * minutes));
                    if is_late || (options.until_broken && report.broken.is_some()) {
                        next.store(end, Ordering::Relaxed);
                    }
                    if let Ok(mut lived) = lived.lock() {
                        lived.0.push(report);
                        lived.1.extend(again.map(|again| (seed, again)));
                    }
                }
            });
        }
    });
    let (mut reports, again) = lived.into_inner().unwrap_or_default();
    reports.sort_by_key(|report| report.settings.seed);
    Lived {
        reports,
        again,
        wall: began.elapsed(),
        processor: processor(),
    }
}

/// The time of the processor that this process took.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
