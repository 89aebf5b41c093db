//! Whether and when a failed attempt is followed by another: pure arithmetic over the policy and the attempt's name.

use crate::identity::ids::AttemptId;
use crate::wire::event::{ErrorCategory, TaskError};
use crate::wire::manifest::policy::Retry;

/// Whether repeating can help: the worker's own verdict, else that of the category.
#[must_use]
pub fn is_retryable(error: &TaskError) -> bool {
    error.retryable.unwrap_or(match error.category {
        ErrorCategory::UserCode | ErrorCategory::Infrastructure | ErrorCategory::Timeout => true,
        ErrorCategory::DataQuality | ErrorCategory::Configuration | ErrorCategory::Cancelled => {
            false
        }
    })
}

/// The delay before the attempt after `attempt`, in milliseconds: `base × factor^(attempt-1)`, capped, of which the second half is
/// scaled by the jitter that follows from the id of the failed attempt. A delay that the worker asked for is taken as it is.
#[must_use]
pub fn delay_ms(policy: &Retry, attempt: u32, id: &AttemptId, error: &TaskError) -> u64 {
    if let Some(asked) = error.retry_after_ms {
        return u64::from(asked);
    }
    let mut delay = policy.base_delay_ms;
    for _ in 1..attempt {
        delay = delay
            .saturating_mul(u64::from(policy.factor))
            .min(policy.max_delay_ms);
    }
    let delay = delay.min(policy.max_delay_ms);
    let half = delay / 2;
    half + jitter(id, delay - half)
}

/// A number from 0 to `bound`, spread evenly over attempts and always the same for one.
fn jitter(id: &AttemptId, bound: u64) -> u64 {
    let mut tail = [0; 8];
    tail.copy_from_slice(&id.to_bytes()[8..]);
    ((u128::from(u64::from_be_bytes(tail)) * (u128::from(bound) + 1)) >> 64) as u64
}
