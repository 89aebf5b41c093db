//! Inside WebAssembly, JavaScript sees one memory: what it writes is read, what it reads was written, also after the memory grew.
#![cfg(target_arch = "wasm32")]

use arcoflow_core::identity::canonical_json;
use arcoflow_core::identity::error::{Code, Error};
use arcoflow_npm::{
    call, canonicalize, describe, output, refusal_code, refusal_offset, release, reserve,
};
use js_sys::{ArrayBuffer, Uint8Array, WebAssembly};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;

const REFUSED: u32 = u32::MAX;
const NOWHERE: u32 = u32::MAX;
const MIB: usize = 1 << 20;
/// The number of `PartitionKey.normalize` in `src/operations.js`.
const NORMALIZE: u32 = 10;

fn buffer() -> ArrayBuffer {
    let memory: WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    memory.buffer().unchecked_into()
}

fn view(start: usize, length: usize) -> Uint8Array {
    Uint8Array::new_with_byte_offset_and_length(&buffer(), start as u32, length as u32)
}

/// Writes an input as the glue does.
fn put(bytes: &[u8]) -> usize {
    let start = reserve(bytes.len());
    view(start, bytes.len()).copy_from(bytes);
    bytes.len()
}

/// Reads an output as the glue does.
fn take(length: u32) -> Vec<u8> {
    // Room first: an allocation may grow the memory, and a view does not outlive that.
    let mut bytes = vec![0; length as usize];
    view(output(), bytes.len()).copy_to(&mut bytes);
    bytes
}

fn through_memory(bytes: &[u8]) -> Result<Vec<u8>, (u32, u32)> {
    match canonicalize(put(bytes)) {
        REFUSED => Err((refusal_code(), refusal_offset())),
        length => Ok(take(length)),
    }
}

fn numbers(error: Error) -> (u32, u32) {
    (error.code as u32, error.offset.unwrap_or(NOWHERE))
}

#[wasm_bindgen_test]
fn what_goes_through_the_memory_is_what_the_core_says() {
    let texts = [
        r#"{ "b": 1, "a": [true, null, "\u0041"] }"#,
        "[18446744073709551615,-9223372036854775808]",
        "{\"\u{ffff}\":1,\"\u{1f389}\":2}",
        "[1,]",
        "\u{feff}1",
        r#"{"a":1,"\u0061":2}"#,
        "",
    ];
    // Every text, cut at each byte, with each byte turned, and with each byte taken away.
    for text in texts {
        for place in 0..=text.len() {
            for change in 0..3 {
                let mut bytes = text.as_bytes().to_vec();
                match (change, bytes.get_mut(place)) {
                    (0, _) => bytes.truncate(place),
                    (1, Some(byte)) => *byte ^= 0x81,
                    (2, Some(_)) => drop(bytes.remove(place)),
                    _ => {}
                }
                let wanted = canonical_json::canonicalize(&bytes).map_err(numbers);
                assert_eq!(through_memory(&bytes), wanted, "{bytes:?}");
            }
        }
    }
}

#[wasm_bindgen_test]
fn a_memory_that_grows_keeps_what_is_asked_for() {
    let text = format!("[\"{}\"]", "x".repeat(12 * MIB));
    // Whatever room other tests left is taken first, so that the text needs new memory.
    let mut taken = Vec::new();
    let full = buffer().byte_length();
    while buffer().byte_length() == full {
        taken.push(vec![1_u8; MIB]);
    }
    let before = buffer();
    let canonical = through_memory(text.as_bytes());
    assert_eq!(
        before.byte_length(),
        0,
        "the old view is gone: the memory grew"
    );
    assert!(canonical == Ok(text.into_bytes()));
    release();
    assert_eq!(through_memory(b" [ 1 ] ").as_deref(), Ok(b"[1]".as_slice()));
}

#[wasm_bindgen_test]
fn large_inputs_again_and_again_take_no_more_memory() {
    let text = format!("{{\"b\":\"{}\",\"a\":1}}", "x".repeat(4 * MIB));
    let round = || {
        through_memory(text.as_bytes()).expect("good");
        release();
        buffer().byte_length()
    };
    let after_three = (0..3).map(|_| round()).max();
    let after_more = (0..20).map(|_| round()).max();
    assert_eq!(after_three, after_more);
}

#[wasm_bindgen_test]
fn an_input_above_the_limit_is_refused_and_not_a_trap() {
    let text = vec![b' '; 16 * MIB + 1];
    assert_eq!(
        through_memory(&text),
        Err((Code::JsonTooLong as u32, NOWHERE))
    );
    release();
}

#[wasm_bindgen_test]
fn operations_and_refusals_come_through_numbers() {
    let length = call(NORMALIZE, put(b"b=i:1,a=b:true"));
    assert_eq!(take(length), b"a=b:true,b=i:1");
    assert_eq!(call(NORMALIZE, put(b"a=i:01")), REFUSED);
    assert_eq!(refusal_code(), Code::PartitionInteger as u32);
    assert_eq!(refusal_offset(), 4);
    assert_eq!(
        call(u32::MAX, put(b"")),
        REFUSED,
        "no operation has this number"
    );
}

#[wasm_bindgen_test]
fn every_code_has_its_sentence_and_the_list_has_an_end() {
    for (place, code) in Code::ALL.iter().enumerate() {
        let wanted = format!("{}\n{}", code.as_str(), code.sentence());
        assert_eq!(take(describe(place)), wanted.as_bytes());
    }
    assert_eq!(describe(Code::ALL.len()), 0);
}
