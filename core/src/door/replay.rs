//! What a ledger comes to, from its records and the manifests that they name alone: the chain, and the state of every run.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::door::verify::{Break, Verifier};
use crate::identity::digest::{Sha256Digest, sha256};
use crate::identity::ids::RunId;
use crate::plan::MAX_TASKS;
use crate::plan::catalog::Catalog;
use crate::run::fold::Catalogs;
use crate::run::state::Run;
use crate::wire::finding::Finding;
use crate::wire::manifest::Manifest;
use crate::wire::record::Record;

/// Verifies records one after another, and folds the runs that they are about.
#[derive(Clone, Debug)]
pub struct Replay {
    verifier: Verifier,
    manifests: Known,
    runs: BTreeMap<RunId, Run>,
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
        }
    }
}

impl Replay {
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

    /// The manifest that has to be learned before a record is taken, so that its run can be folded.
    #[must_use]
    pub fn lacks(&self, record: &Record) -> Option<Sha256Digest> {
        let event = record.event()?;
        let manifest = event.begins()?.manifest;
        (!self.manifests.0.contains_key(&manifest)).then_some(manifest)
    }

    /// Takes the next record. A run that begins under a manifest that was not learned has no state, now or later.
    ///
    /// # Errors
    /// What is wrong with the record; the replay stays before it.
    pub fn take(&mut self, record: &Record) -> Result<(), Break> {
        self.verifier.take(record)?;
        let Some(event) = record.event() else {
            return Ok(());
        };
        if let Some(body) = event.begins() {
            let run = Run::begin(record, body.clone(), &self.manifests, MAX_TASKS);
            self.runs.insert(body.run, run);
        } else if let Some(run) = event.run().and_then(|id| self.runs.get_mut(&id)) {
            run.apply(record, &event);
        }
        Ok(())
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
        self.take(&record)
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

    /// The runs in the order in which they were triggered, each with whether its manifest was known.
    pub fn runs(&self) -> impl Iterator<Item = (&Run, bool)> {
        self.runs.values().map(|run| (run, run.catalog.is_some()))
    }
}
