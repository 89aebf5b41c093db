//! A figure is the shortest of several times, in the processor's time: what else the machine does only adds.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The shortest time of so many rounds.
pub(crate) fn shortest<T>(rounds: usize, mut work: impl FnMut() -> T) -> Duration {
    let times = (0..rounds).map(|_| {
        let began = processor_time();
        let made = black_box(work());
        let took = processor_time().saturating_sub(began);
        drop(made);
        took
    });
    times.min().unwrap_or_default()
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// What is said of a figure with an aim.
pub(crate) fn verdict(holds: bool) -> &'static str {
    if holds { "met" } else { "MISSED" }
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
