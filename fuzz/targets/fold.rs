//! Folding is total: any records in any order give a world, a decision, and the same ones again.

#![no_main]

use std::sync::Arc;

use arcoflow_core::identity::digest::Sha256Digest;
use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::run::decide::decide;
use arcoflow_core::run::fold::Catalogs;
use arcoflow_core::run::world::{Limits, World};
use arcoflow_core::wire::manifest::Manifest;
use arcoflow_core::wire::record::Record;
use arcoflow_core::wire::scope::Scope;
use libfuzzer_sys::fuzz_target;

/// Every address is that of one small pipeline.
struct One(Arc<Catalog>);

impl Catalogs for One {
    fn catalog(&self, _: &Sha256Digest) -> Option<Arc<Catalog>> {
        Some(self.0.clone())
    }
}

const PIPELINE: &[u8] = br#"{"version":1,"assets":[
    {"key":"a/one","id":"01930a0b-1234-7abc-9def-0123456789ab","run":{"command":["x"]},"check":{"run":{"command":["x"]},"severity":"block"}},
    {"key":"a/two","id":"01930a0b-1234-7abc-9def-0123456789ac","run":{"command":["x"]},"upstreams":[{"asset":"a/one"}]}]}"#;

thread_local! {
    static CATALOG: One = One(Arc::new(Catalog::new(Manifest::parse(PIPELINE).expect("good")).expect("good")));
}

fuzz_target!(|data: &[u8]| {
    let records: Vec<Record> = data
        .split(|byte| *byte == b'\n')
        .filter_map(Record::from_json)
        .take(64)
        .collect();
    let limits = Limits::default();
    let scope: Scope =
        serde_json::from_str(r#"{"tenant":"acme","workspace":"main"}"#).expect("a scope");
    CATALOG.with(|catalog| {
        let fold = || {
            let mut world = World::default();
            for record in &records {
                world.fold(record, catalog, &limits);
            }
            decide(&world, &scope, &limits)
        };
        assert_eq!(fold(), fold());
    });
});
