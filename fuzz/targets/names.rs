//! A parser takes exactly what its formatter prints, and what `normalize` gives is taken by the parser.

#![no_main]

use std::fmt::{Debug, Display};

use arcoflow_core::identity::error::Error;
use arcoflow_core::identity::ids::ulid::Ulid;
use arcoflow_core::identity::ids::{AssetId, normalize_ulid, normalize_uuid};
use arcoflow_core::identity::keys::{AssetKey, RunKey, TaskKey, TenantId, WorkspaceId};
use arcoflow_core::identity::partition_key::PartitionKey;
use arcoflow_core::identity::{derived, digest::Sha256Digest};
use libfuzzer_sys::fuzz_target;

fn exact<T: Display>(text: &str, parse: impl Fn(&str) -> Result<T, Error>) {
    match parse(text) {
        Ok(name) => assert_eq!(name.to_string(), text),
        Err(error) => assert!(
            error
                .offset
                .is_none_or(|offset| offset as usize <= text.len())
        ),
    }
}

fn normal<N: Display, T: Debug>(
    text: &str,
    normalize: impl Fn(&str) -> Result<N, Error>,
    parse: impl Fn(&str) -> Result<T, Error>,
) {
    if let Ok(name) = normalize(text) {
        parse(&name.to_string()).expect("what is normal is canonical");
    }
    if parse(text).is_ok() {
        let name = normalize(text).expect("what is canonical is normal");
        assert_eq!(name.to_string(), text);
    }
}

fuzz_target!(|text: &str| {
    exact(text, Ulid::parse);
    exact(text, AssetId::parse);
    exact(text, PartitionKey::parse);
    exact(text, AssetKey::parse);
    exact(text, TaskKey::parse);
    exact(text, RunKey::parse);
    exact(text, TenantId::parse);
    exact(text, WorkspaceId::parse);
    exact(text, Sha256Digest::parse);
    normal(text, normalize_ulid, Ulid::parse);
    normal(text, normalize_uuid, AssetId::parse);
    normal(text, PartitionKey::normalize, PartitionKey::parse);
    normal(text, AssetKey::normalize, AssetKey::parse);
    if let Ok(key) = PartitionKey::parse(text) {
        assert_eq!(PartitionKey::from_json(key.to_json().as_bytes()), Ok(key));
    }
    if let Ok(id) = derived::parse_dispatch_id(text) {
        let again = derived::dispatch_id(&id.run_id, &id.task_key, id.attempt);
        assert_eq!(again.as_deref(), Ok(text));
    }
});
