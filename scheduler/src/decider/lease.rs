//! The right to decide for a ledger is a lease: it is taken, renewed in time, and left to whoever waits for it.

use std::time::{Duration, Instant};

use arcoflow_core::run::world::World;
use arcoflow_core::wire::ledger::SchedulerLeaseRequest;
use arcoflow_core::wire::scope::Scope;
use arcoflow_core::wire::shard::Shard;

use super::Decider;
use super::ears::Ears;
use crate::client::refusal::ClientError;

/// The shortest lease that a door gives, in milliseconds.
const SHORTEST_LEASE_MS: u64 = 1_000;
/// How long a scheduler that ends waits for the door to hear of it.
const FAREWELL: Duration = Duration::from_secs(2);

#[derive(Clone, Copy)]
pub(super) struct Lease {
    pub(super) epoch: u64,
    renew_at: Instant,
}

impl Decider {
    /// Takes or renews the lease when it is time.
    pub(super) async fn keep_lease(&mut self) -> Result<(), ClientError> {
        if self.until_renewal() > Duration::ZERO {
            return Ok(());
        }
        let ttl = self.options.lease;
        let asked_at = Instant::now();
        let request = SchedulerLeaseRequest {
            holder: self.options.holder.clone(),
            ttl_ms: u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX),
            take_over: self.options.take_over && self.lease.is_none(),
        };
        let answer = self.client.lease_scheduler(&request).await?;
        self.time.hear(answer.server_time);
        self.learn(answer.shards);
        self.scope = Some(Scope {
            tenant: answer.tenant_id,
            workspace: answer.workspace_id,
        });
        let held = self.lease.map(|lease| lease.epoch);
        self.lease = answer.granted.then(|| Lease {
            epoch: answer.epoch,
            renew_at: asked_at + ttl / 3,
        });
        if held != self.lease.map(|lease| lease.epoch) {
            self.ears = self
                .lease
                .and_then(|lease| Ears::open(&self.client, self.shard, lease.epoch, &answer.heard));
            tracing::info!(shard = self.shard.index(), epoch = answer.epoch, granted = answer.granted, holder = %answer.holder, "lease");
        }
        Ok(())
    }

    /// How long the lease is left alone; a lease that is not held is asked for at once.
    pub(super) fn until_renewal(&self) -> Duration {
        self.lease.map_or(Duration::ZERO, |lease| {
            lease.renew_at.saturating_duration_since(Instant::now())
        })
    }

    /// Learns which ledger this is, and of how many. It is the first one that asks, and it has read nothing yet.
    fn learn(&mut self, shards: u32) {
        let Some(asks) = self.asks.take() else {
            return;
        };
        if let Some(first) = Shard::new(0, shards).filter(|first| !first.is_only()) {
            self.shard = first;
            self.client = self.client.clone().at_shard(first.index());
            self.world = World::default().in_shard(first);
        }
        // Nobody listens any more when the scheduler ends.
        let _ = asks.send(self.shard);
    }

    /// Leaves the lease to whoever waits for it, a second from now.
    pub(super) async fn let_go(&mut self) {
        self.ears = None;
        if self.lease.take().is_none() || self.options.take_over {
            return;
        }
        let request = SchedulerLeaseRequest {
            holder: self.options.holder.clone(),
            ttl_ms: SHORTEST_LEASE_MS,
            take_over: false,
        };
        let answer = self.client.lease_scheduler(&request);
        if tokio::time::timeout(FAREWELL, answer).await.is_err() {
            tracing::debug!("the lease runs out by itself");
        }
    }

    /// Goes on under nobody's epoch: another scheduler decides.
    pub(super) fn lose_lease(&mut self) {
        tracing::warn!(
            shard = self.shard.index(),
            "another scheduler decides; this one follows"
        );
        self.lease = None;
        self.ears = None;
        // From here on somebody else decides, and it may be the one that was asked for.
        self.options.take_over = false;
    }
}
