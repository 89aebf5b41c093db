//! Candidates run in turn, many times, and the median of each counts: what disturbs one disturbs all.

use std::time::Instant;

const ROUNDS: usize = 31;
/// How long one candidate runs in one round, about.
const ROUND_NS: f64 = 3_000_000.0;

/// The median time of each candidate, in nanoseconds.
pub(crate) fn compare(bytes: usize, candidates: &mut [&mut dyn FnMut()]) -> Vec<f64> {
    let repeats: Vec<u32> = candidates
        .iter_mut()
        .map(|work| {
            let warm = if bytes > 100_000 { 1 } else { 200 };
            (ROUND_NS / measure(work, warm)).clamp(1.0, 200_000.0) as u32
        })
        .collect();
    let mut times = vec![Vec::with_capacity(ROUNDS); candidates.len()];
    for _ in 0..ROUNDS {
        for ((work, repeats), times) in candidates.iter_mut().zip(&repeats).zip(&mut times) {
            times.push(measure(work, *repeats));
        }
    }
    times.iter_mut().map(|times| median(times)).collect()
}

fn measure(work: &mut dyn FnMut(), repeats: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..repeats {
        work();
    }
    start.elapsed().as_nanos() as f64 / f64::from(repeats)
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// A time for people.
pub(crate) fn nanoseconds(time: f64) -> String {
    match time {
        time if time < 1_000.0 => format!("{time:.1} ns"),
        time if time < 1_000_000.0 => format!("{:.2} µs", time / 1_000.0),
        time => format!("{:.2} ms", time / 1_000_000.0),
    }
}
