//! Every half minute the scheduler asks the door for everything that has to move on, and decides again whatever was left behind.

use std::time::{Duration, Instant};

use arcoflow_core::run::owed::{SWEEP_MS, floor, is_quiet, owed, undecided};
use arcoflow_core::wire::problem::Slug;

use super::{Decider, FAR};
use crate::client::refusal::ClientError;
use crate::host::crash;

/// How long it is from one sweep to the next.
const PERIOD: Duration = Duration::from_millis(SWEEP_MS);

/// When the next sweep is due.
#[derive(Debug, Default)]
pub(super) struct Sweeper {
    /// The last one, and the floor that it told the door.
    last: Option<(Instant, u64)>,
}

impl Decider {
    /// How long it is until the next sweep; with nothing open and nothing new there is none.
    pub(super) fn until_sweep(&self) -> Duration {
        if self.lease.is_none() || self.world.seq < self.head {
            return FAR;
        }
        let Some((at, told)) = self.sweeper.last else {
            return Duration::ZERO;
        };
        if is_quiet(&self.world, Some(told)) {
            FAR
        } else {
            PERIOD.saturating_sub(at.elapsed())
        }
    }

    /// Sweeps once. It is called at rest, so whatever is decided after a second look at everything had been left behind.
    pub(super) async fn sweep(&mut self) -> Result<(), ClientError> {
        let (Some(lease), Some(scope)) = (self.lease, self.scope.clone()) else {
            return Ok(());
        };
        let now_ms = self.time.now_ms();
        let decisions = undecided(&mut self.world, now_ms, &scope, &self.options.limits);
        let told = floor(&self.world);
        for part in owed(&self.world, lease.epoch, decisions) {
            let seen = match self.client.sweep(&part).await {
                Ok(seen) => seen,
                Err(error) if is_for_later(&error) => {
                    tracing::warn!(%error, "the door was not swept");
                    break;
                }
                Err(error) => return Err(error),
            };
            crash::point("C12");
            if seen.left_behind > 0 {
                tracing::warn!(
                    left_behind = seen.left_behind,
                    repaired = seen.repaired,
                    newest = ?seen.found.first(),
                    "something was left behind"
                );
            }
        }
        self.sweeper.last = Some((Instant::now(), told));
        self.decide_to_rest().await
    }

    /// The record from which on everything matters; the beginning before the first sweep, and no limit at a door that has none.
    pub(super) async fn swept_floor(&self) -> Result<u64, ClientError> {
        match self.client.swept().await {
            Ok(seen) => Ok(seen.floor),
            Err(error) if error.slug() == Some(Slug::NotFound) => Ok(u64::MAX),
            Err(error) => Err(error),
        }
    }
}

/// Whether a sweep that failed so is tried again in its time: the door cannot write, or is older than sweeps.
fn is_for_later(error: &ClientError) -> bool {
    !matches!(error, ClientError::Unreachable { .. }) && error.slug() != Some(Slug::EpochFenced)
}
