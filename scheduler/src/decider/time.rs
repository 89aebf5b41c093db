//! The time that decisions are made by is the door's: what it said last, and what has passed since.

use std::time::{Duration, Instant};

/// The door's clock, as far as it can be known from here.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DoorTime {
    heard: Option<(u64, Instant)>,
}

impl DoorTime {
    /// Takes the time of an answer that the door made when it was asked. It was earlier by the way back, so the clock that follows
    /// from it is never ahead of the door's.
    pub(super) fn hear(&mut self, server_time: u64) {
        self.heard = Some((server_time, Instant::now()));
    }

    /// The door's time in milliseconds since 1970; 0 before it was heard.
    pub(super) fn now_ms(&self) -> u64 {
        self.heard.map_or(0, |(then_ms, heard_at)| {
            let passed = u64::try_from(heard_at.elapsed().as_millis()).unwrap_or(u64::MAX);
            then_ms.saturating_add(passed)
        })
    }

    /// How long it is until a time of the door.
    pub(super) fn until(&self, at_ms: u64) -> Duration {
        Duration::from_millis(at_ms.saturating_sub(self.now_ms()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_goes_on_from_what_was_heard_last() {
        let mut time = DoorTime::default();
        assert_eq!(time.now_ms(), 0);
        time.hear(1_000_000);
        assert!(time.now_ms() >= 1_000_000);
        assert_eq!(time.until(5), Duration::ZERO);
        let hour = Duration::from_secs(3_600);
        assert!(time.until(1_000_000 + 3_600_000) <= hour);
        assert!(time.until(1_000_000 + 7_200_000) > hour);
        // A door whose clock was set back is believed.
        time.hear(10);
        assert!(time.until(1_000_000) > Duration::from_millis(900_000));
    }
}
