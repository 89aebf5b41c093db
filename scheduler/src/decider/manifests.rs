//! Manifests are fetched by their content address, so what was fetched once is right for ever.

use std::collections::BTreeMap;
use std::sync::Arc;

use arcoflow_core::identity::digest::Sha256Digest;
use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::run::fold::Catalogs;
use arcoflow_core::wire::event::Event;
use arcoflow_core::wire::manifest::Manifest;
use arcoflow_core::wire::problem::Slug;
use arcoflow_core::wire::record::Record;

use crate::client::Client;
use crate::client::refusal::ClientError;

/// How many manifests are kept; runs keep those that they need.
const KEPT: usize = 16;

/// The manifests that were fetched.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    known: BTreeMap<Sha256Digest, Arc<Catalog>>,
}

impl Manifests {
    /// Fetches the manifest that a record names, when it starts a run or a backfill, or deploys.
    ///
    /// # Errors
    /// What the client says. A manifest that the door does not have is no error: its runs stand still.
    pub(super) async fn fetch(
        &mut self,
        client: &Client,
        record: &Record,
    ) -> Result<(), ClientError> {
        if !matches!(
            record.kind.as_str(),
            "run_triggered" | "run_requested" | "backfill_requested" | "manifest_deployed"
        ) {
            return Ok(());
        }
        match record.event().as_ref().and_then(Event::manifest) {
            Some(manifest) => self.fetch_content(client, manifest).await,
            None => Ok(()),
        }
    }

    /// Fetches a manifest.
    ///
    /// # Errors
    /// As [`Manifests::fetch`].
    pub(super) async fn fetch_content(
        &mut self,
        client: &Client,
        manifest: &Sha256Digest,
    ) -> Result<(), ClientError> {
        let manifest = *manifest;
        if self.known.contains_key(&manifest) {
            return Ok(());
        }
        let content = match client.manifest(&manifest).await {
            Ok(content) => content,
            Err(error) if error.slug() == Some(Slug::ManifestNotFound) => return Ok(()),
            Err(error) => return Err(error),
        };
        let catalog = Manifest::parse(&content)
            .ok()
            .and_then(|manifest| Catalog::new(manifest).ok());
        if let Some(catalog) = catalog {
            if self.known.len() >= KEPT {
                self.known.pop_first();
            }
            self.known.insert(manifest, Arc::new(catalog));
        }
        Ok(())
    }
}

impl Catalogs for Manifests {
    fn catalog(&self, manifest: &Sha256Digest) -> Option<Arc<Catalog>> {
        self.known.get(manifest).cloned()
    }
}
