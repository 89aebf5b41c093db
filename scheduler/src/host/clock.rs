//! The only place that reads the clocks: wall time once, at the start, and monotonic time ever after, so time never goes back unless a
//! hand moves it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arcoflow_core::door::config::Moment;

use crate::host::entropy;

/// A clock that was set once. Its clones agree.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    System(Arc<(Instant, u64)>),
    Hand(Arc<Mutex<Moment>>),
}

/// The hand that moves a clock which does not move by itself, and says what is random: for stories that are played over and over. No
/// command gives a door such a clock.
#[derive(Clone, Debug)]
pub struct Hand {
    moment: Arc<Mutex<Moment>>,
}

impl Clock {
    /// A clock that is set by the system's.
    #[must_use]
    pub fn start() -> Clock {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let at_ms = since.map_or(0, millis);
        Clock {
            source: Source::System(Arc::new((Instant::now(), at_ms))),
        }
    }

    /// The same clock, set forward when it stands before a moment that has been: the system's was set back while nobody looked.
    #[must_use]
    pub fn not_before(self, at_ms: u64) -> Clock {
        match &self.source {
            Source::System(set) => {
                let start_ms = set.1.max(at_ms);
                Clock {
                    source: Source::System(Arc::new((set.0, start_ms))),
                }
            }
            Source::Hand(_) => self,
        }
    }

    /// A clock that stands still until its hand moves it.
    #[must_use]
    pub fn by_hand(moment: Moment) -> (Clock, Hand) {
        let moment = Arc::new(Mutex::new(moment));
        let hand = Hand {
            moment: moment.clone(),
        };
        let source = Source::Hand(moment);
        (Clock { source }, hand)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        match &self.source {
            Source::System(set) => set.1.saturating_add(millis(set.0.elapsed())),
            Source::Hand(moment) => held(moment).now_ms,
        }
    }

    /// What the host lends to a request.
    #[must_use]
    pub fn moment(&self) -> Moment {
        match &self.source {
            Source::System(_) => Moment {
                now_ms: self.now_ms(),
                entropy: entropy::bytes(),
            },
            Source::Hand(moment) => held(moment),
        }
    }

    /// Whether a hand moves it, so that no wait of this process brings a time nearer.
    #[must_use]
    pub fn is_by_hand(&self) -> bool {
        matches!(self.source, Source::Hand(_))
    }
}

impl Hand {
    /// Sets the time, and what is random at it.
    pub fn set(&self, moment: Moment) {
        *self.moment.lock().unwrap_or_else(PoisonError::into_inner) = moment;
    }
}

fn held(moment: &Mutex<Moment>) -> Moment {
    *moment.lock().unwrap_or_else(PoisonError::into_inner)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_goes_on_from_what_has_been() {
        let clock = Clock::start();
        let later = clock.now_ms() + 3_600_000;
        let moved = clock.clone().not_before(later);
        assert!(moved.now_ms() >= later);
        std::thread::sleep(Duration::from_millis(2));
        assert!(moved.now_ms() > later, "it does not stand still until then");
        assert!(clock.not_before(1).now_ms() < later);
    }
}
