//! The suite decides with the code of the scheduler, and proposes over HTTP like one.

use std::sync::Arc;

use arcoflow_core::identity::digest::Sha256Digest;
use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::run::decide::{decide, settle};
use arcoflow_core::run::fold::Catalogs;
use arcoflow_core::run::world::{Limits, World};
use arcoflow_core::wire::ledger::LedgerPage;
use arcoflow_core::wire::manifest::Manifest;
use arcoflow_core::wire::record::Record;
use serde_json::{Value, json};

use crate::contract::script::Script;

/// A scheduler of the suite.
pub(super) struct Decider {
    world: World,
    catalog: Known,
    epoch: u64,
}

struct Known(Arc<Catalog>);

impl Catalogs for Known {
    fn catalog(&self, _: &Sha256Digest) -> Option<Arc<Catalog>> {
        Some(self.0.clone())
    }
}

impl Decider {
    /// A scheduler under an epoch, for runs of one manifest.
    pub(super) fn new(manifest: &Value, epoch: u64) -> Result<Decider, String> {
        let manifest = Manifest::parse(manifest.to_string().as_bytes())
            .map_err(|findings| format!("{findings:?}"))?;
        let catalog = Catalog::new(manifest).map_err(|findings| format!("{findings:?}"))?;
        Ok(Decider {
            world: World::default(),
            catalog: Known(Arc::new(catalog)),
            epoch,
        })
    }

    /// Reads, decides and proposes until nothing follows.
    pub(super) fn rest(&mut self, script: &mut Script<'_>) -> Result<(), String> {
        let limits = Limits::default();
        for _ in 0..20 {
            let target = format!("/v1/ledger?after={}", self.world.seq);
            let said = script.get("the scheduler reads", &target, (200, ""))?;
            let page: LedgerPage =
                serde_json::from_value(said.json).map_err(|error| error.to_string())?;
            for line in page.records {
                self.world.fold(&Record::from(line), &self.catalog, &limits);
            }
            let scope = script.door.keys.keyring.scope();
            let decisions = decide(&self.world, self.world.at_ms, &scope, &limits);
            if decisions.is_empty() {
                settle(&mut self.world);
                return Ok(());
            }
            let events: Result<Vec<Value>, String> = decisions
                .iter()
                .map(|event| {
                    let body = event.body().map_err(|error| error.to_string())?;
                    let body: Value =
                        serde_json::from_str(&body).map_err(|error| error.to_string())?;
                    Ok(json!({ "kind": event.kind(), "body": body }))
                })
                .collect();
            let request =
                json!({ "epoch": self.epoch, "after": self.world.seq, "events": events? });
            let key = script.door.keys.owner.clone();
            let body = request.to_string();
            script.post(
                "the scheduler proposes",
                "/v1/ledger",
                &key,
                body.as_bytes(),
                (200, ""),
            )?;
        }
        Err("the scheduler does not come to rest".to_owned())
    }
}
