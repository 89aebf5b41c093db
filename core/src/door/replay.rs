//! What a ledger comes to, from its records and the manifests that they name alone: the chain, and the state of every run.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::Serialize;

use crate::door::verify::{Break, Verifier};
use crate::identity::digest::{Sha256Digest, sha256};
use crate::identity::ids::RunId;
use crate::plan::MAX_TASKS;
use crate::plan::catalog::Catalog;
use crate::run::fold::Catalogs;
use crate::run::state::Run;
use crate::wire::event::Event;
use crate::wire::finding::Finding;
use crate::wire::manifest::Manifest;
use crate::wire::record::{Chain, Record};
use crate::wire::shard::Shard;
use crate::wire::view::RunState;

/// Verifies records one after another, and folds the runs that they are about.
#[derive(Clone, Debug)]
pub struct Replay {
    verifier: Verifier,
    manifests: Known,
    runs: BTreeMap<RunId, Run>,
    shard: Shard,
}

#[derive(Clone, Debug, Default)]
struct Known(BTreeMap<Sha256Digest, Arc<Catalog>>);

impl Catalogs for Known {
    fn catalog(&self, manifest: &Sha256Digest) -> Option<Arc<Catalog>> {
        self.0.get(manifest).cloned()
    }
}

impl Default for Replay {
    fn default() -> Replay {
        Replay {
            verifier: Verifier::new(),
            manifests: Known::default(),
            runs: BTreeMap::new(),
            shard: Shard::default(),
        }
    }
}

impl Replay {
    /// A replay of one ledger of several: of the runs that another one keeps it has no state.
    #[must_use]
    pub fn of(shard: Shard) -> Replay {
        Replay {
            shard,
            ..Replay::default()
        }
    }

    /// Takes a manifest, and gives the address of its content.
    ///
    /// # Errors
    /// What makes it no manifest.
    pub fn learn(&mut self, content: &[u8]) -> Result<Sha256Digest, Vec<Finding>> {
        let catalog = Manifest::parse(content).and_then(Catalog::new)?;
        let address = sha256(content);
        self.manifests.0.insert(address, Arc::new(catalog));
        Ok(address)
    }

    /// Verifies the next record, and gives what it says, which is to be folded next.
    ///
    /// # Errors
    /// What is wrong with the record; the replay stays before it.
    pub fn verify(&mut self, record: &Record) -> Result<Event, Break> {
        self.verifier.take(record)
    }

    /// The manifest that has to be learned before an event is folded, so that its run has a state.
    #[must_use]
    pub fn lacks(&self, event: &Event) -> Option<Sha256Digest> {
        let manifest = event
            .begins()
            .filter(|body| self.shard.keeps(&body.run))?
            .manifest;
        (!self.manifests.0.contains_key(&manifest)).then_some(manifest)
    }

    /// Folds what a record says. A run that begins under a manifest that was not learned has no state, now or later.
    pub fn fold(&mut self, record: &Record, event: &Event) {
        if let Some(body) = event.begins() {
            if !self.shard.keeps(&body.run) {
                return;
            }
            let run = Run::begin(record, body.clone(), &self.manifests, MAX_TASKS);
            self.runs.insert(body.run, run);
        } else if let Some(run) = event.run().and_then(|id| self.runs.get_mut(&id)) {
            run.apply(record, event);
        }
    }

    /// Takes the next record as a line of an export, in exactly the bytes that an export has.
    ///
    /// # Errors
    /// What is wrong with the line; the replay stays before it.
    pub fn take_line(&mut self, line: &[u8]) -> Result<(), Break> {
        let broken = |sentence| Break {
            seq: self.verifier.seq() + 1,
            sentence: String::from(sentence),
        };
        let record = Record::from_json(line).ok_or_else(|| broken("it is no record"))?;
        if record.to_json() != line {
            return Err(broken("it is not in the bytes that an export has"));
        }
        let event = self.verify(&record)?;
        self.fold(&record, &event);
        Ok(())
    }

    /// How far the chain holds.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// How many manifests were learned.
    #[must_use]
    pub fn manifests(&self) -> usize {
        self.manifests.0.len()
    }

    /// The runs in the order in which they were triggered.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.values()
    }

    /// What the ledger comes to.
    #[must_use]
    pub fn result(&self) -> Replayed {
        Replayed {
            records: self.verifier.seq(),
            head: self.verifier.chain(),
            unknown_kinds: self.verifier.unknown,
            runs: self.runs().map(ReplayedRun::of).collect(),
        }
    }
}

/// What a ledger comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replayed {
    /// How many records hold.
    pub records: u64,
    /// The chain value after them.
    pub head: Chain,
    /// Records of a kind that this version does not know: they hold, and change no state.
    pub unknown_kinds: u64,
    /// The runs in the order in which they were triggered.
    pub runs: Vec<ReplayedRun>,
}

/// A run as its records leave it; without a state when its manifest was not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayedRun {
    /// The run.
    pub run_id: RunId,
    /// The manifest that it is planned from.
    pub manifest: Sha256Digest,
    /// Where it is in its life.
    pub state: Option<RunState>,
    /// Equal to the one that a door shows after the same records.
    pub state_fingerprint: Option<Sha256Digest>,
}

impl ReplayedRun {
    fn of(run: &Run) -> ReplayedRun {
        let known = run.catalog.as_ref().map(|_| run);
        ReplayedRun {
            run_id: run.id,
            manifest: run.triggered.manifest,
            state: known.map(Run::state),
            state_fingerprint: known.map(Run::fingerprint),
        }
    }
}
