//! Candidates run in turn, many times, in the processor's time: what else the machine does is not counted.

use rustix::time::{ClockId, clock_gettime};

use crate::samples;

const ROUNDS: usize = 31;
/// How long one candidate runs in one round, about.
const ROUND_NS: f64 = 3_000_000.0;

/// Somebody who does the work, by name.
pub(crate) type Candidate<'a> = (&'a str, &'a mut dyn FnMut());

/// The lower quartile of each candidate's times, in nanoseconds: caches that others emptied only add. All are kept as samples.
pub(crate) fn compare(what: &str, bytes: usize, candidates: &mut [Candidate]) -> Vec<f64> {
    let repeats: Vec<u32> = candidates
        .iter_mut()
        .map(|(_, work)| {
            let warm = if bytes > 100_000 { 1 } else { 200 };
            (ROUND_NS / measure(work, warm)).clamp(1.0, 200_000.0) as u32
        })
        .collect();
    let mut times = vec![Vec::with_capacity(ROUNDS); candidates.len()];
    for _ in 0..ROUNDS {
        for (((_, work), repeats), times) in candidates.iter_mut().zip(&repeats).zip(&mut times) {
            times.push(measure(work, *repeats));
        }
    }
    for ((subject, _), times) in candidates.iter().zip(&times) {
        samples::keep(what, subject, "ns", times);
    }
    times.iter_mut().map(|times| quartile(times)).collect()
}

fn measure(work: &mut dyn FnMut(), repeats: u32) -> f64 {
    let start = processor_ns();
    for _ in 0..repeats {
        work();
    }
    (processor_ns() - start) / f64::from(repeats)
}

fn processor_ns() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn quartile(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 4]
}

/// A time for people.
pub(crate) fn nanoseconds(time: f64) -> String {
    match time {
        time if time < 1_000.0 => format!("{time:.1} ns"),
        time if time < 1_000_000.0 => format!("{:.2} µs", time / 1_000.0),
        time => format!("{:.2} ms", time / 1_000_000.0),
    }
}
