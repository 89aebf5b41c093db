//! The identity core beside its peers: in turn, on the same documents, as ratios.

#[path = "../samples/samples.rs"]
mod samples;
#[path = "identity/documents.rs"]
mod documents;
#[path = "identity/stopwatch.rs"]
mod stopwatch;

use std::hint::black_box;

use arcoflow_core::identity::canonical_json::{Canonicalizer, canonicalize};
use arcoflow_core::identity::ids::ulid::Ulid;
use arcoflow_core::identity::partition_key::{Date, PartitionKey, Value};
use documents::documents;
use stopwatch::{compare, nanoseconds};

/// What our own code is called in the samples.
const NATIVE: &str = "native";

fn main() {
    if let Some(place) = std::env::args().skip_while(|word| word != "--write").nth(1) {
        // The other targets are measured on the same bytes.
        for (name, text) in documents() {
            std::fs::write(
                std::path::Path::new(&place).join(format!("{name}.json")),
                text,
            )
            .expect("the directory exists");
        }
        return;
    }
    println!(
        "canonical JSON, bytes in and out; times of ours, then how many times longer the peers take"
    );
    println!(
        "{:<18} {:>9} {:>12} {:>12} {:>14} {:>11}",
        "document", "bytes", "ours", "one-shot", "serde_json map", "serde_jcs"
    );
    for (name, text) in documents() {
        row(name, &text);
    }
    deep();
    names();
}

fn row(name: &str, text: &[u8]) {
    let mut context = Canonicalizer::new();
    let wanted = canonicalize(text).expect("the documents are canonicalizable");
    assert_eq!(ordered(text), wanted, "{name}: the peer agrees");
    let mut reused = || {
        black_box(context.canonicalize(black_box(text)).map(<[u8]>::len)).expect("good");
    };
    let mut one_shot = || {
        black_box(canonicalize(black_box(text))).expect("good");
    };
    let mut maps = || {
        black_box(ordered(black_box(text)));
    };
    let mut jcs = || {
        let value: serde_json::Value = serde_json::from_slice(black_box(text)).expect("good");
        black_box(serde_jcs::to_vec(&value)).expect("good");
    };
    let times = compare(
        name,
        text.len(),
        &mut [
            (NATIVE, &mut reused),
            ("native, one-shot", &mut one_shot),
            ("serde_json", &mut maps),
            ("serde_jcs", &mut jcs),
        ],
    );
    let ours = times[0];
    println!(
        "{name:<18} {:>9} {:>12} {:>11.2}x {:>13.1}x {:>10.1}x",
        text.len(),
        nanoseconds(ours),
        times[1] / ours,
        times[2] / ours,
        times[3] / ours
    );
}

/// What most people write: maps in order, parse and print.
fn ordered(text: &[u8]) -> Vec<u8> {
    let value: serde_json::Value = serde_json::from_slice(text).expect("good");
    serde_json::to_vec(&value).expect("good")
}

fn deep() {
    let (unsorted, sorted) = (documents::deep(true), documents::deep(false));
    let (mut left, mut right) = (Canonicalizer::new(), Canonicalizer::new());
    let mut in_disorder = || {
        black_box(left.canonicalize(black_box(&unsorted)).map(<[u8]>::len)).expect("good");
    };
    let mut in_order = || {
        black_box(right.canonicalize(black_box(&sorted)).map(<[u8]>::len)).expect("good");
    };
    let times = compare(
        "115 levels",
        unsorted.len(),
        &mut [
            ("native, unsorted", &mut in_disorder),
            ("native, sorted", &mut in_order),
        ],
    );
    println!(
        "115 unsorted levels, over the sorted twin: {:.2}x",
        times[0] / times[1]
    );
}

fn names() {
    let ulid = Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").expect("good");
    let text = "date=d:2025-01-15,region=s:dXMtZWFzdA";
    let date = Value::Date(Date::parse("2025-01-15").expect("good"));
    let region = Value::text("us-east").expect("good");
    println!("names");
    let measure = |name: &str, work: &mut dyn FnMut()| {
        println!(
            "{name:<38} {:>10}",
            nanoseconds(compare(name, 1, &mut [(NATIVE, work)])[0])
        );
    };
    measure("ulid parse", &mut || {
        black_box(Ulid::parse(black_box("01ARZ3NDEKTSV4RRFFQ69G5FAV"))).expect("good");
    });
    measure("ulid crate: parse", &mut || {
        black_box(::ulid::Ulid::from_string(black_box(
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        )))
        .expect("good");
    });
    measure("ulid format", &mut || {
        black_box(black_box(ulid).encode(&mut [0; 26]));
    });
    measure("partition key format, two dimensions", &mut || {
        let dimensions = [("date", black_box(&date)), ("region", black_box(&region))];
        black_box(PartitionKey::from_dimensions(dimensions)).expect("good");
    });
    measure("partition key parse, two dimensions", &mut || {
        black_box(PartitionKey::parse(black_box(text))).expect("good");
    });
}
