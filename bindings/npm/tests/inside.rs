//! Inside WebAssembly, JavaScript sees one memory: what it writes is read, what it reads was written, also after the memory grew.
#![cfg(target_arch = "wasm32")]

use arcoflow_core::identity::canonical_json;
use arcoflow_core::identity::error::{Code, Error};
use arcoflow_npm::Core;
use js_sys::{ArrayBuffer, Uint8Array, Uint32Array, WebAssembly};
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
fn put(core: &mut Core, bytes: &[u8]) -> usize {
    let start = core.reserve(bytes.len());
    view(start, bytes.len()).copy_from(bytes);
    bytes.len()
}

/// Where the output starts, and the code and the offset of a refusal, read as the glue does.
fn said(core: &Core) -> [u32; 3] {
    let place = core.said() as u32;
    let mut numbers = [0; 3];
    Uint32Array::new_with_byte_offset_and_length(&buffer(), place, 3).copy_to(&mut numbers);
    numbers
}

/// Reads an output as the glue does.
fn take(core: &Core, length: u32) -> Vec<u8> {
    // Room first: an allocation may grow the memory, and a view does not outlive that.
    let mut bytes = vec![0; length as usize];
    let [start, ..] = said(core);
    view(start as usize, bytes.len()).copy_to(&mut bytes);
    bytes
}

fn through_memory(core: &mut Core, bytes: &[u8]) -> Result<Vec<u8>, (u32, u32)> {
    let length = put(core, bytes);
    match core.canonicalize(length) {
        REFUSED => {
            let [_, code, offset] = said(core);
            Err((code, offset))
        }
        length => Ok(take(core, length)),
    }
}

fn numbers(error: Error) -> (u32, u32) {
    (error.code as u32, error.offset.unwrap_or(NOWHERE))
}

#[wasm_bindgen_test]
fn what_goes_through_the_memory_is_what_the_core_says() {
    let mut core = Core::new();
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
                assert_eq!(through_memory(&mut core, &bytes), wanted, "{bytes:?}");
            }
        }
    }
}

#[wasm_bindgen_test]
fn a_memory_that_grows_keeps_what_is_asked_for() {
    let mut core = Core::new();
    let text = format!("[\"{}\"]", "x".repeat(12 * MIB));
    // Whatever room other tests left is taken first, so that the text needs new memory.
    let mut taken = Vec::new();
    let full = buffer().byte_length();
    while buffer().byte_length() == full {
        taken.push(vec![1_u8; MIB]);
    }
    let before = buffer();
    let canonical = through_memory(&mut core, text.as_bytes());
    assert_eq!(
        before.byte_length(),
        0,
        "the old view is gone: the memory grew"
    );
    assert!(canonical == Ok(text.into_bytes()));
    core.release();
    assert_eq!(
        through_memory(&mut core, b" [ 1 ] ").as_deref(),
        Ok(b"[1]".as_slice())
    );
}

#[wasm_bindgen_test]
fn large_inputs_again_and_again_take_no_more_memory() {
    let mut core = Core::new();
    let text = format!("{{\"b\":\"{}\",\"a\":1}}", "x".repeat(4 * MIB));
    let mut round = || {
        through_memory(&mut core, text.as_bytes()).expect("good");
        core.release();
        buffer().byte_length()
    };
    let after_three = (0..3).map(|_| round()).max();
    let after_more = (0..20).map(|_| round()).max();
    assert_eq!(after_three, after_more);
}

#[wasm_bindgen_test]
fn an_input_above_the_limit_is_refused_and_not_a_trap() {
    let mut core = Core::new();
    let text = vec![b' '; 16 * MIB + 1];
    assert_eq!(
        through_memory(&mut core, &text),
        Err((Code::JsonTooLong as u32, NOWHERE))
    );
    core.release();
}

#[wasm_bindgen_test]
fn operations_and_refusals_come_through_numbers() {
    let mut core = Core::new();
    let length = put(&mut core, b"b=i:1,a=b:true");
    let length = core.call(NORMALIZE, length);
    assert_eq!(take(&core, length), b"a=b:true,b=i:1");
    let length = put(&mut core, b"a=i:01");
    assert_eq!(core.call(NORMALIZE, length), REFUSED);
    let [_, code, offset] = said(&core);
    assert_eq!((code, offset), (Code::PartitionInteger as u32, 4));
    assert_eq!(
        core.call(u32::MAX, 0),
        REFUSED,
        "no operation has this number"
    );
}

#[wasm_bindgen_test]
fn every_code_has_its_sentence_and_the_list_has_an_end() {
    let mut core = Core::new();
    for (place, code) in Code::ALL.iter().enumerate() {
        let wanted = format!("{}\n{}", code.as_str(), code.sentence());
        let length = core.describe(place);
        assert_eq!(take(&core, length), wanted.as_bytes());
    }
    assert_eq!(core.describe(Code::ALL.len()), 0);
}
