//! The only place that reads the clocks: wall time once, at the start, and monotonic time ever after, so time never goes back.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A clock that was set once. Its clones agree.
#[derive(Clone, Debug)]
pub struct Clock {
    set: Arc<(Instant, u64)>,
}

impl Clock {
    /// A clock that is set by the system's.
    #[must_use]
    pub fn start() -> Clock {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let at_ms = since.map_or(0, millis);
        Clock {
            set: Arc::new((Instant::now(), at_ms)),
        }
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.set.1.saturating_add(millis(self.set.0.elapsed()))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
