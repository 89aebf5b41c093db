//! A scheduler begins where everything before has ended.

use std::time::Instant;

use arcoflow_core::automation::schedules::Schedules;
use arcoflow_core::run::fold::Catalogs;
use arcoflow_core::run::owed::begin_after;
use arcoflow_core::run::world::World;

use super::Decider;
use crate::client::RunsQuery;
use crate::client::refusal::ClientError;

impl Decider {
    /// Begins at the oldest run or backfill that is open: what ended before that has no future. The rows of the door may have lost one,
    /// so it begins no later than where a sweep saw that everything before had ended.
    pub(super) async fn begin(&mut self) -> Result<(), ClientError> {
        let (oldest, as_of) = self.oldest_run().await?;
        let world = if self.shard.leads() {
            self.begin_first(oldest, as_of).await?
        } else {
            let mut world = World::default();
            world.seq = begin_after(oldest, as_of, self.swept_floor().await?);
            self.head = as_of;
            world
        };
        self.world = world.in_shard(self.shard);
        self.began = Instant::now();
        self.publish_places();
        Ok(())
    }

    /// The record that began the oldest run that is open, and the record up to which that is so.
    async fn oldest_run(&self) -> Result<(Option<u64>, u64), ClientError> {
        let mut query = RunsQuery {
            limit: Some(1_000),
            before: None,
            open: true,
        };
        let mut oldest: Option<u64> = None;
        let mut as_of = None;
        loop {
            let page = self.client.runs(&query).await?;
            as_of = as_of.or(Some(page.as_of));
            let seqs = page.runs.iter().map(|run| run.seq);
            oldest = seqs.chain(oldest).min();
            match page.next {
                Some(next) => query.before = Some(next),
                None => return Ok((oldest, as_of.unwrap_or(0))),
            }
        }
    }

    /// The first ledger has the backfills, schedules and automations of the workspace too.
    async fn begin_first(
        &mut self,
        oldest_run: Option<u64>,
        as_of: u64,
    ) -> Result<World, ClientError> {
        let backfills = self.client.backfills(true).await?;
        let oldest = backfills
            .backfills
            .iter()
            .map(|backfill| backfill.seq)
            .chain(oldest_run)
            .min();
        let page = self.client.schedules().await?;
        // All of them are declared by the current manifest.
        let declaring = page.schedules.first().map(|schedule| schedule.manifest);
        if let Some(manifest) = &declaring {
            self.manifests.fetch_content(&self.client, manifest).await?;
        }
        let catalog = declaring.and_then(|manifest| self.manifests.catalog(&manifest));
        let schedules = Schedules::adopted(&page, catalog);
        let floor = self.swept_floor().await?;
        self.head = page.as_of;
        Ok(World::beginning_after(
            begin_after(oldest, as_of, floor),
            schedules,
        ))
    }
}
