//! Every line has an answer, and the answer is a JSON object in canonical form.

#![no_main]

use arcoflow_core::answer::answer_line;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    let answer = answer_line(line);
    let read: serde_json::Value = serde_json::from_slice(&answer).expect("an answer is JSON");
    assert!(read.get("ok").is_some() != read.get("error").is_some());
});
