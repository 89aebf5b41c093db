//! The documents are drawn from a fixed seed, so every run and every target sees the same bytes.

use serde_json::{Map, Value, json};

/// A small generator of numbers (SplitMix64): only the same numbers matter, not their quality.
struct Source(u64);

impl Source {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ bits >> 31) % bound
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

/// Every document by name.
pub(crate) fn documents() -> Vec<(&'static str, Vec<u8>)> {
    let mut source = Source(1);
    let small = shuffled(&event(&mut source, 0), &mut source);
    let medium = shuffled(&batch(&mut source, 17), &mut source);
    let large_value = batch(&mut source, 4_300);
    let large = shuffled(&large_value, &mut source);
    vec![
        ("shuffled-220b", small),
        ("shuffled-4kb", medium.clone()),
        ("shuffled-1mb", large),
        (
            "canonical-4kb",
            serde_json::to_vec(&serde_json::from_slice::<Value>(&medium).expect("good"))
                .expect("good"),
        ),
        (
            "canonical-1mb",
            serde_json::to_vec(&large_value).expect("good"),
        ),
        (
            "pretty-1mb",
            serde_json::to_vec_pretty(&batch(&mut source, 3_000)).expect("good"),
        ),
        ("deep-unsorted", deep(true)),
        ("wide-20000", wide(&mut source)),
        ("integers-1mb", integers(&mut source)),
        ("cjk-1mb", cjk(&mut source)),
        ("escapes-100kb", escapes()),
    ]
}

/// One event of about 220 bytes.
fn event(source: &mut Source, index: u64) -> Value {
    json!({
        "run_id": format!("01ARZ3NDEKTSV4RRFFQ69G{:04}", source.below(10_000)),
        "asset": "mart/sales.daily",
        "partition": {"date": format!("2025-01-{:02}", source.below(28) + 1), "region": "us-east"},
        "attempt": source.below(4),
        "rows": source.below(1_000_000_000),
        "ok": source.below(2) == 0,
        "tags": ["daily", "sales", index],
        "note": null,
    })
}

fn batch(source: &mut Source, length: u64) -> Value {
    let events: Vec<Value> = (0..length).map(|index| event(source, index)).collect();
    json!({"version": 1, "events": events})
}

/// Writes a value with the members of every object in random order.
fn shuffled(value: &Value, source: &mut Source) -> Vec<u8> {
    match value {
        Value::Array(elements) => {
            let elements: Vec<Vec<u8>> = elements
                .iter()
                .map(|element| shuffled(element, source))
                .collect();
            [b"[".as_slice(), &elements.join(&b','), b"]"].concat()
        }
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            source.shuffle(&mut members);
            let members: Vec<Vec<u8>> = members
                .iter()
                .map(|(key, value)| {
                    let key = serde_json::to_vec(key).expect("good");
                    [key.as_slice(), b":", &shuffled(value, source)].concat()
                })
                .collect();
            [b"{".as_slice(), &members.join(&b','), b"}"].concat()
        }
        scalar => serde_json::to_vec(scalar).expect("good"),
    }
}

/// 115 levels with a text at each, 1 MB in all, the members of each level in order or not.
pub(crate) fn deep(unsorted: bool) -> Vec<u8> {
    let (before, after) = if unsorted { ("b", "a") } else { ("a", "b") };
    let text = "x".repeat(9_000);
    let open = format!("{{\"{before}\":\"{text}\",\"{after}\":").repeat(115);
    format!("{open}0{}", "}".repeat(115)).into_bytes()
}

fn wide(source: &mut Source) -> Vec<u8> {
    let members: Map<String, Value> = (0..20_000)
        .map(|index| (format!("member_{index:06}"), json!(source.below(1_000))))
        .collect();
    shuffled(&Value::Object(members), source)
}

fn integers(source: &mut Source) -> Vec<u8> {
    let rows: Vec<Vec<u64>> = (0..10_000)
        .map(|_| {
            (0..10)
                .map(|digits| source.below(10_u64.pow(2 * (digits % 10)) + 1))
                .collect()
        })
        .collect();
    serde_json::to_vec(&rows).expect("good")
}

fn cjk(source: &mut Source) -> Vec<u8> {
    let mut text = || -> String {
        (0..12)
            .filter_map(|_| char::from_u32(0x4e00 + source.below(0x5000) as u32))
            .collect()
    };
    let rows: Vec<Value> = (0..7_000)
        .map(|_| json!({"名前": text(), "住所": text(), "備考": text()}))
        .collect();
    shuffled(&Value::Array(rows), &mut Source(7))
}

fn escapes() -> Vec<u8> {
    let piece = r#"{"z\n":"tab\tquote\"back\\slash\/\u0041\u00e9\ud83d\ude00","a\u0041":"\b\f\r"}"#;
    format!("[{}]", vec![piece; 1_200].join(",")).into_bytes()
}
