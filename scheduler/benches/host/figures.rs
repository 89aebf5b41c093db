//! Every figure is printed when it is known, with its unit, its aim where it has one, and its ratio to the sync rate of the machine.

use std::time::Duration;

use crate::samples;

/// What is printed.
pub(crate) struct Figures {
    syncs_per_second: f64,
    missed: Vec<String>,
}

/// What the samples are of.
const SUBJECT: &str = "arcoflow";

impl Figures {
    pub(crate) fn begin(syncs_per_second: f64) -> Figures {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        println!("machine: {cores} cores, load {}", load.trim());
        println!("fdatasync of 4 KiB, one at a time: {syncs_per_second:.0} a second\n");
        samples::keep("fdatasync of 4 KiB", "machine", "/s", &[syncs_per_second]);
        Figures {
            syncs_per_second,
            missed: Vec::new(),
        }
    }

    /// A headline.
    pub(crate) fn section(&self, title: &str) {
        println!("{title}");
    }

    /// A rate, with its ratio to the sync rate.
    pub(crate) fn rate(&mut self, what: &str, per_second: f64, at_least: Option<f64>) {
        samples::keep(what, SUBJECT, "/s", &[per_second]);
        let ratio = per_second / self.syncs_per_second;
        let met = self.met(what, at_least.is_none_or(|aim| per_second >= aim));
        let aim = at_least.map_or(String::new(), |aim| format!("   aim ≥ {aim:.0} {met}"));
        println!("  {what:<52} {per_second:>10.0} /s   {ratio:>6.2} × fdatasync{aim}");
    }

    /// Times: median and 99th percentile.
    pub(crate) fn times(
        &mut self,
        what: &str,
        times: &mut [Duration],
        median_below: Option<Duration>,
    ) {
        let taken: Vec<f64> = times.iter().copied().map(millis).collect();
        samples::keep(what, SUBJECT, "ms", &taken);
        times.sort_unstable();
        let (median, p99) = (at(times, 50), at(times, 99));
        let met = self.met(what, median_below.is_none_or(|aim| median < aim));
        let aim = median_below.map_or(String::new(), |aim| {
            format!("   aim < {} ms {met}", aim.as_millis())
        });
        println!(
            "  {what:<52} {:>10.2} ms  p99 {:>7.2} ms  n {}{aim}",
            millis(median),
            millis(p99),
            times.len()
        );
    }

    /// Any other figure.
    pub(crate) fn number(&mut self, what: &str, value: f64, unit: &str, below: Option<f64>) {
        samples::keep(what, SUBJECT, unit, &[value]);
        let met = self.met(what, below.is_none_or(|aim| value < aim));
        let aim = below.map_or(String::new(), |aim| format!("   aim < {aim} {met}"));
        println!("  {what:<52} {value:>10.2} {unit}{aim}");
    }

    fn met(&mut self, what: &str, is_met: bool) -> &'static str {
        if is_met {
            return "met";
        }
        self.missed.push(what.to_owned());
        "MISSED"
    }

    pub(crate) fn end(self) {
        if self.missed.is_empty() {
            println!("\nevery aim was met");
        } else {
            println!("\nmissed: {}", self.missed.join("; "));
        }
    }
}

fn at(sorted: &[Duration], percent: usize) -> Duration {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or_default()
}

/// The median.
pub(crate) fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    at(times, 50)
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
