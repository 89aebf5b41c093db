//! What every node could fetch by its address.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use arcoflow_core::identity::canonical_json;
use arcoflow_core::identity::digest::{Sha256Digest, sha256};
use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::run::fold::Catalogs;
use arcoflow_core::wire::manifest::Manifest;
use serde_json::Value;

/// The manifests of a life.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf(Rc<RefCell<BTreeMap<Sha256Digest, Arc<Catalog>>>>);

impl Shelf {
    /// Puts a manifest there; the answer is its address.
    pub(crate) fn put(&self, manifest: &Value) -> Sha256Digest {
        let text = canonical_json::to_vec(manifest).expect("JSON");
        let manifest = Manifest::parse(&text).expect("a good manifest");
        let catalog = Catalog::new(manifest).expect("a good manifest");
        let address = sha256(&text);
        self.0.borrow_mut().insert(address, Arc::new(catalog));
        address
    }

    /// The manifest of an address, if there is one.
    pub(crate) fn find(&self, address: Option<Sha256Digest>) -> Option<Arc<Catalog>> {
        self.0.borrow().get(&address?).cloned()
    }
}

impl Catalogs for Shelf {
    fn catalog(&self, manifest: &Sha256Digest) -> Option<Arc<Catalog>> {
        self.find(Some(*manifest))
    }
}
