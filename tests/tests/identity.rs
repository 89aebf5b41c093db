//! What must hold of identity for every input, not only for the ones that somebody thought of.

use arcoflow_core::identity::canonical_json::{Canonicalizer, canonicalize, to_vec};
use arcoflow_core::identity::digest::fingerprint;
use arcoflow_core::identity::ids::ulid::Ulid;
use arcoflow_core::identity::ids::{AssetId, Generator, normalize_ulid, normalize_uuid};
use arcoflow_core::identity::keys::{AssetKey, RunKey, TaskKey};
use arcoflow_core::identity::partition_key::{Date, PartitionKey, Timestamp, Value};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value as Json;

fn json() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<String>().prop_map(Json::from),
    ];
    scalar.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Json::from),
            btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

/// Writes a value in one of its spellings: members rotated, gaps and escapes as the seed says.
fn spell(value: &Json, seed: &mut u64, out: &mut String) {
    match value {
        Json::String(text) => spell_text(text, seed, out),
        Json::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                gap(seed, out);
                spell(element, seed, out);
                gap(seed, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            let turn = draw(seed, members.len().max(1) as u64) as usize;
            members.rotate_left(turn);
            out.push('{');
            for (index, (key, member)) in members.into_iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                gap(seed, out);
                spell_text(key, seed, out);
                gap(seed, out);
                out.push(':');
                gap(seed, out);
                spell(member, seed, out);
                gap(seed, out);
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

fn spell_text(text: &str, seed: &mut u64, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        if draw(seed, 4) == 0 {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04X}"));
            }
        } else {
            let quoted = Json::from(character.to_string()).to_string();
            out.push_str(&quoted[1..quoted.len() - 1]);
        }
    }
    out.push('"');
}

fn gap(seed: &mut u64, out: &mut String) {
    out.push_str(["", "", " ", "\n\t", "\r\n  "][draw(seed, 5) as usize]);
}

fn draw(seed: &mut u64, bound: u64) -> u64 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % bound
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        "\\PC{0,40}".prop_map(|text| Value::text(&text).expect("at most 160 bytes")),
        (Date::MIN.days()..=Date::MAX.days())
            .prop_map(|days| Value::Date(Date::from_days(days).expect("in range"))),
        (Timestamp::MIN.micros()..=Timestamp::MAX.micros())
            .prop_map(|micros| Value::Timestamp(Timestamp::from_micros(micros).expect("in range"))),
    ]
}

fn key() -> impl Strategy<Value = PartitionKey> {
    btree_map("[a-z][a-z0-9_]{0,10}", value(), 1..4)
        .prop_map(|dimensions| PartitionKey::from_dimensions(dimensions).expect("short enough"))
}

proptest! {
    #[test]
    fn every_spelling_has_one_canonical_form(value in json(), mut seed in any::<u64>()) {
        let mut text = String::new();
        spell(&value, &mut seed, &mut text);
        let canonical = canonicalize(text.as_bytes()).expect("a good text");
        prop_assert_eq!(&canonicalize(&canonical).expect("idempotent"), &canonical);
        prop_assert_eq!(&to_vec(&value).expect("a good value"), &canonical);
        // A peer with ordered maps writes the same, but for a character that it escapes and we do not: none is left.
        prop_assert_eq!(&serde_json::to_vec(&value).expect("good"), &canonical);
        prop_assert_eq!(fingerprint(text.as_bytes()), fingerprint(&canonical));
    }

    #[test]
    fn what_is_accepted_means_what_the_peer_reads(text in "[\\[\\]{}\",:0-9a-c\\\\u \\-]{0,24}") {
        if let Ok(canonical) = canonicalize(text.as_bytes()) {
            let ours: Json = serde_json::from_slice(&canonical).expect("JSON");
            prop_assert_eq!(serde_json::from_str::<Json>(&text).expect("JSON"), ours);
        }
    }

    #[test]
    fn any_inserted_byte_changes_or_refuses(value in json(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let canonical = to_vec(&value).expect("a good value");
        let mut other = canonical.clone();
        other.insert(place.index(canonical.len() + 1), byte);
        if let Ok(read) = canonicalize(&other) {
            let space_outside = matches!(byte, b' ' | b'\t' | b'\n' | b'\r') && read == canonical;
            prop_assert!(space_outside || read != canonical);
        }
    }

    #[test]
    fn a_used_context_answers_as_a_fresh_one(texts in vec(vec(any::<u8>(), 0..40), 1..6), values in vec(json(), 1..4)) {
        let mut context = Canonicalizer::new();
        let good = values.iter().map(|value| value.to_string().into_bytes());
        for text in texts.into_iter().chain(good) {
            prop_assert_eq!(context.canonicalize(&text).map(<[u8]>::to_vec), canonicalize(&text));
        }
    }

    #[test]
    fn keys_read_back(key in key(), other in key()) {
        prop_assert_eq!(PartitionKey::parse(key.as_str()), Ok(key.clone()));
        prop_assert_eq!(PartitionKey::normalize(key.as_str()), Ok(key.clone()));
        prop_assert_eq!(PartitionKey::from_json(key.to_json().as_bytes()), Ok(key.clone()));
        prop_assert_eq!(PartitionKey::from_dimensions(key.dimensions()), Ok(key.clone()));
        prop_assert_eq!(key.typed_cmp(&other), other.typed_cmp(&key).reverse());
        prop_assert_eq!(key.typed_cmp(&other).is_eq(), key == other);
    }

    #[test]
    fn parsers_take_exactly_what_formatters_print(text in "[0-9a-zA-Z_=:,./\\[\\]{}-]{0,40}") {
        if let Ok(key) = PartitionKey::parse(&text) { prop_assert_eq!(key.to_string(), text.clone()); }
        if let Ok(key) = AssetKey::parse(&text) { prop_assert_eq!(key.to_string(), text.clone()); }
        if let Ok(key) = TaskKey::parse(&text) { prop_assert_eq!(key.to_string(), text.clone()); }
        if let Ok(key) = RunKey::parse(&text) { prop_assert_eq!(key.to_string(), text.clone()); }
    }

    #[test]
    fn ulids_agree_with_the_ulid_crate(bits in any::<u128>()) {
        let ours = Ulid::from_bytes(bits.to_be_bytes());
        let peer = ::ulid::Ulid(bits);
        prop_assert_eq!(ours.to_string(), peer.to_string());
        prop_assert_eq!(Ulid::parse(&peer.to_string()), Ok(ours));
        prop_assert_eq!(normalize_ulid(&peer.to_string().to_lowercase()).expect("good"), peer.to_string());
        prop_assert_eq!(ours.timestamp_ms(), peer.timestamp_ms());
    }

    #[test]
    fn uuids_agree_with_the_uuid_crate(ms in 0_u64..1 << 48, random in any::<[u8; 10]>()) {
        let ours = AssetId::from_parts(ms, random).expect("48 bits");
        let peer = uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid();
        prop_assert_eq!(ours.to_string(), peer.to_string());
        prop_assert_eq!(AssetId::from_bytes(peer.into_bytes()), Ok(ours));
        prop_assert_eq!(normalize_uuid(&peer.braced().to_string().to_uppercase()).expect("good"), ours.to_string());
        prop_assert_eq!(normalize_uuid(&peer.simple().to_string()).expect("good"), ours.to_string());
    }

    #[test]
    fn a_generator_only_goes_up(times in vec(0_u64..4, 2..20), random in vec(any::<[u8; 10]>(), 20)) {
        let mut generator = Generator::new();
        let mut last = None;
        for (ms, random) in times.into_iter().zip(random) {
            if let Ok(next) = generator.generate(ms, random) {
                prop_assert!(last < Some(next));
                last = Some(next);
            }
        }
    }
}
