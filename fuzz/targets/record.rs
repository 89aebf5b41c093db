//! A record that was read is written as it stood, and its event has the body that it was decoded from or none.

#![no_main]

use arcoflow_core::wire::event::Event;
use arcoflow_core::wire::record::Record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    let Some(record) = Record::from_json(line) else {
        return;
    };
    let again = Record::from_json(&record.to_json()).expect("what was written is read");
    assert_eq!(again.canonical(), record.canonical());
    assert_eq!(again.chain, record.chain);
    let Some(event) = record.event() else { return };
    if event == Event::Unknown {
        return;
    }
    let _ = (event.id(), event.run(), event.manifest().copied());
    // A body that was never ours may have numbers or keys without a canonical form; what has one is read back the same.
    if let Ok(body) = event.body() {
        assert_eq!(Event::decode(event.kind(), &body), Some(event));
    }
});
