//! Any bytes are a manifest or a list of findings, and a manifest that passes can be planned and compared.

#![no_main]

use arcoflow_core::plan;
use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::wire::manifest::Manifest;
use arcoflow_core::wire::trigger::Trigger;
use libfuzzer_sys::fuzz_target;

const AS_OF_MS: u64 = 1_700_000_000_000;

fuzz_target!(|data: &[u8]| {
    // A manifest, a line feed, and a trigger.
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (manifest, trigger) = (parts.next().unwrap_or_default(), parts.next());
    let manifest = match Manifest::parse(manifest) {
        Ok(manifest) => manifest,
        Err(findings) => {
            assert!(!findings.is_empty());
            return;
        }
    };
    let catalog = match Catalog::new(manifest) {
        Ok(catalog) => catalog,
        Err(findings) => {
            assert!(!findings.is_empty());
            return;
        }
    };
    assert!(catalog.check_after(&catalog).is_empty());
    let trigger = trigger.map_or_else(
        || Trigger::parse(b"{\"allPartitions\":true}"),
        Trigger::parse,
    );
    let Ok(trigger) = trigger else { return };
    let Ok(plan) = plan::compile(&catalog, &trigger, AS_OF_MS, 2_000) else {
        return;
    };
    for task in 0..plan.len() {
        assert_eq!(plan.find(&plan.key(task)), Some(task));
        assert!(
            plan.upstreams(task)
                .iter()
                .all(|upstream| plan.downstreams(*upstream).contains(&task))
        );
    }
});
