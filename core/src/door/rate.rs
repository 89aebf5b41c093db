//! Each tenant has a bucket of requests for each class, so that a flood of triggers never keeps a callback out.

use alloc::collections::BTreeMap;

use crate::identity::keys::TenantId;
use crate::wire::problem::{Problem, Slug};

/// What a request counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Triggers, cancels, reruns and deployments.
    Trigger,
    /// Reads.
    Read,
    /// What workers and schedulers do.
    Callback,
}

/// Requests a second, and how many may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second over time.
    pub per_second: u32,
    /// Requests at once.
    pub burst: u32,
}

/// The buckets of a host. Time comes in as an argument; a host keeps one of these behind its lock.
#[derive(Clone, Debug)]
pub struct Limiter {
    rates: [Rate; 3],
    buckets: BTreeMap<(TenantId, Class), Bucket>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Thousandths of a request.
    left: u64,
    at_ms: u64,
}

impl Default for Limiter {
    fn default() -> Self {
        Limiter::new(
            Rate {
                per_second: 2_000,
                burst: 4_000,
            },
            Rate {
                per_second: 5_000,
                burst: 10_000,
            },
            Rate {
                per_second: 50_000,
                burst: 100_000,
            },
        )
    }
}

impl Limiter {
    /// Buckets for triggers, reads and callbacks.
    #[must_use]
    pub fn new(trigger: Rate, read: Rate, callback: Rate) -> Limiter {
        Limiter {
            rates: [trigger, read, callback],
            buckets: BTreeMap::new(),
        }
    }

    /// Takes one request out of a bucket.
    ///
    /// # Errors
    /// `rate-limited` (429) with the seconds to wait.
    pub fn take(&mut self, tenant: &TenantId, class: Class, now_ms: u64) -> Result<(), Problem> {
        let rate = self.rates[class as usize];
        let full = u64::from(rate.burst) * 1_000;
        let bucket = self
            .buckets
            .entry((tenant.clone(), class))
            .or_insert(Bucket {
                left: full,
                at_ms: now_ms,
            });
        let passed = now_ms.saturating_sub(bucket.at_ms);
        bucket.left = bucket
            .left
            .saturating_add(passed.saturating_mul(u64::from(rate.per_second)))
            .min(full);
        bucket.at_ms = bucket.at_ms.max(now_ms);
        if bucket.left >= 1_000 {
            bucket.left -= 1_000;
            return Ok(());
        }
        let wait_ms = (1_000 - bucket.left).div_ceil(u64::from(rate.per_second).max(1));
        let seconds = wait_ms.div_ceil(1_000).max(1);
        Err(
            Problem::new(Slug::RateLimited, "too many requests of this class")
                .header("retry-after", alloc::format!("{seconds}")),
        )
    }
}
