//! Someone reads along: every record is named, folded and compared with what a replay of the ledger says.

use std::collections::BTreeMap;
use std::sync::Arc;

use arcoflow_core::door::compare;
use arcoflow_core::door::config::Config;
use arcoflow_core::door::session::records_after;
use arcoflow_core::door::verify::{Verifier, rebuild};
use arcoflow_core::identity::digest::Sha256Digest;
use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::run::decide::outstanding;
use arcoflow_core::run::fold::Catalogs;
use arcoflow_core::run::world::World;
use arcoflow_core::wire::ledger::LedgerPage;
use arcoflow_core::wire::manifest::Manifest;
use arcoflow_core::wire::record::Record;

use super::{Came, Player, wording};
use crate::door::config;
use crate::story::clock::duration;

/// The manifests that were read from the door.
#[derive(Debug, Default)]
pub(crate) struct Manifests(BTreeMap<Sha256Digest, Arc<Catalog>>);

impl Catalogs for Manifests {
    fn catalog(&self, manifest: &Sha256Digest) -> Option<Arc<Catalog>> {
        self.0.get(manifest).cloned()
    }
}

impl Player<'_> {
    /// The records after a number, as they come over the wire, with the manifests that they name.
    pub(super) fn read_after(&mut self, after: u64) -> Result<Vec<Record>, String> {
        let page = self.get(&format!("/v1/ledger?after={after}&limit=10000"))?;
        let page: LedgerPage = serde_json::from_str(&page.to_string())
            .map_err(|error| format!("a page of the ledger: {error}"))?;
        let records: Vec<Record> = page.records.into_iter().map(Record::from).collect();
        for record in &records {
            let event = record.event();
            let named = event.as_ref().and_then(|event| event.manifest().copied());
            if let Some(digest) = named
                && !self.manifests.0.contains_key(&digest)
            {
                let content = self.get(&format!("/v1/manifests/{digest}"))?;
                let catalog = Manifest::parse(content.to_string().as_bytes())
                    .and_then(Catalog::new)
                    .map_err(|findings| format!("manifest {digest}: {findings:?}"))?;
                self.manifests.0.insert(digest, Arc::new(catalog));
            }
        }
        Ok(records)
    }

    /// Reads what is new, and puts it into words.
    pub(super) fn observe(&mut self) -> Result<Vec<String>, String> {
        let records = self.read_after(self.observer.seq)?;
        let times = self.times();
        let mut words = Vec::new();
        for record in &records {
            words.push(wording::record(&mut self.names, record, times));
            self.observer.fold(record, &self.manifests, &self.limits);
        }
        Ok(words)
    }

    /// The state after a step: the folded runs, and the indexes of the door with its leases.
    pub(super) fn fingerprint(&mut self) -> Result<String, String> {
        let mut door = None;
        self.place.look(&mut |sql| {
            door = Some(compare::fingerprint(sql)?);
            Ok(())
        })?;
        let door = door.ok_or("the store was not looked at")?;
        Ok(format!("{} {door}", self.observer.fingerprint()))
    }

    /// Verifies the ledger and builds everything from nothing: the chain, the door's indexes, the folded runs, the views of the door.
    pub(super) fn replay(&mut self) -> Result<(), String> {
        let records = self.read_after(0)?;
        self.compare_indexes(&records, &config()?)?;
        let mut world = World::default();
        for record in &records {
            world.fold(record, &self.manifests, &self.limits);
        }
        if world.fingerprint() != self.observer.fingerprint() {
            return Err("the runs folded from nothing differ from the live ones".to_owned());
        }
        for (id, run) in &world.runs {
            let view = self.get(&format!("/v1/runs/{id}"))?;
            if view["stateFingerprint"] != run.fingerprint().to_string() {
                return Err(format!(
                    "the door sees run {} in another state",
                    self.names.run_name(id)
                ));
            }
        }
        Ok(())
    }

    fn compare_indexes(&mut self, records: &[Record], config: &Config) -> Result<(), String> {
        let mut verifier = Verifier::new();
        for record in records {
            verifier
                .take(record)
                .map_err(|broken| format!("record {}: {}", broken.seq, broken.sentence))?;
        }
        let mut copy = self.place.empty_store()?;
        let mut difference = None;
        self.place.look(&mut |live| {
            let stored = records_after(live, 0, u64::MAX >> 1)?;
            let manifests = compare::manifests(live)?;
            rebuild(config, &mut *copy, &manifests, &mut stored.into_iter())?;
            difference = compare::compare(live, &mut *copy)?.1;
            Ok(())
        })?;
        match difference {
            None => Ok(()),
            Some(difference) => Err(format!("live and replayed indexes differ: {difference:?}")),
        }
    }

    /// What is next to be done without anyone asking, and when.
    pub(super) fn wakes(&mut self) -> Result<Vec<(&'static str, u64)>, String> {
        let mut wakes = Vec::new();
        self.place.look(&mut |sql| {
            for (what, statement) in [
                (
                    "deadline",
                    "SELECT min(due_ms) FROM attempt WHERE state IN (1, 2)",
                ),
                ("time-out", "SELECT min(due_ms) FROM run"),
                ("work", "SELECT min(due_ms) FROM attempt WHERE state = 0"),
            ] {
                sql.query(statement, &[], &mut |row| {
                    wakes.extend(row.optional(0).map(|due_ms| (what, due_ms)));
                })?;
            }
            Ok(())
        })?;
        let tick_ms = outstanding(&self.observer).wake_ms;
        wakes.extend(tick_ms.map(|tick_ms| ("tick", tick_ms)));
        let now_ms = self.now_ms;
        for (_, at_ms) in &mut wakes {
            *at_ms = now_ms.max(*at_ms);
        }
        Ok(wakes)
    }

    pub(super) fn wake(&mut self) -> Result<Came, String> {
        let now_ms = self.now_ms;
        let words: Vec<String> = self
            .wakes()?
            .into_iter()
            .map(|(what, at_ms)| match at_ms - now_ms {
                0 => format!("{what} now"),
                ms => format!("{what} in {}", duration(ms)),
            })
            .collect();
        Ok(Came::said(if words.is_empty() {
            "nothing".to_owned()
        } else {
            words.join(", ")
        }))
    }
}
