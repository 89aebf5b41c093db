//! What the reader takes, what it refuses, and where; another decoder has to agree.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;

use super::*;
use crate::wire::pointer;

#[derive(Debug, PartialEq, Decode, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Ship {
    name: String,
    #[serde(default)]
    masts: u8,
    #[serde(default)]
    cargo: Vec<Cargo>,
    #[serde(default)]
    labels: BTreeMap<String, i64>,
    #[serde(default)]
    flag: Option<Flag>,
}

#[derive(Debug, PartialEq, Decode, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Flag {
    White,
    Striped { stripes: u32 },
    Named(String),
}

#[derive(Debug, PartialEq, Decode, Deserialize)]
#[serde(untagged)]
enum Cargo {
    Weight(u32),
    What(String),
}

#[track_caller]
fn check(json: &str) -> Ship {
    let read = read::<Ship>(json.as_bytes()).expect(json);
    let other: Ship = serde_json::from_str(json).expect(json);
    assert_eq!(read, other, "another decoder reads the same from {json}");
    read
}

#[test]
fn what_fits_is_read() {
    let ship = check(
        r#"{"cargo":[7,"salt",0],"flag":{"striped":{"stripes":3}},"labels":{"a":-1,"b":9223372036854775807},"masts":2,"name":"Ada"}"#,
    );
    assert_eq!(ship.cargo.len(), 3);
    check(r#"{"name":"","flag":"white"}"#);
    check(r#"{"name":"a","flag":{"named":"x"}}"#);
    check(r#"{"name":"a","flag":null}"#);
    check(" { \"name\" : \"a\" ,\n\"cargo\" : [ ] , \"labels\" : { } } ");
    for length in 0..40 {
        let text = "é".repeat(length);
        for (written, meant) in [
            (text.clone(), text.clone()),
            (
                alloc::format!("{text}\\\"\\u0041\\\\"),
                alloc::format!("{text}\"A\\"),
            ),
        ] {
            let ship = check(&alloc::format!(r#"{{"name":"{written}"}}"#));
            assert_eq!(ship.name, meant);
        }
    }
}

#[test]
fn what_does_not_fit_has_a_place_and_a_sentence() {
    let rows: &[(&str, &str, &str)] = &[
        ("1", "", "invalid type: integer `1`, expected struct Ship"),
        ("[]", "", "invalid type: sequence, expected struct Ship"),
        ("null", "", "invalid type: null, expected struct Ship"),
        ("{}", "", "missing field `name`"),
        (
            r#"{"name":"a","cargo":[1,true]}"#,
            "/cargo/1",
            "data did not match any variant of untagged enum Cargo",
        ),
        (
            r#"{"cargo":{},"name":"a"}"#,
            "/cargo",
            "invalid type: map, expected a sequence",
        ),
        (
            r#"{"labels":{"x":"y"},"name":"a"}"#,
            "/labels/x",
            "invalid type: string \"y\", expected i64",
        ),
        (
            r#"{"masts":256,"name":"a"}"#,
            "/masts",
            "invalid value: integer `256`, expected u8",
        ),
        (
            r#"{"masts":-1,"name":"a"}"#,
            "/masts",
            "invalid value: integer `-1`, expected u8",
        ),
        (
            r#"{"name":7}"#,
            "/name",
            "invalid type: integer `7`, expected a string",
        ),
        (
            r#"{"hull":1,"name":"a"}"#,
            "/hull",
            "unknown field `hull`, expected one of `name`, `masts`, `cargo`, `labels`, `flag`",
        ),
        (
            r#"{"flag":"black","name":"a"}"#,
            "/flag",
            "unknown variant `black`, expected one of `white`, `striped`, `named`",
        ),
        (
            r#"{"flag":{"striped":{"stripes":"x"}},"name":"a"}"#,
            "/flag/striped/stripes",
            "invalid type: string \"x\", expected u32",
        ),
        (
            r#"{"flag":{"striped":{}},"name":"a"}"#,
            "/flag/striped",
            "missing field `stripes`",
        ),
        (
            r#"{"flag":"named","name":"a"}"#,
            "/flag",
            "invalid type: unit variant, expected newtype variant",
        ),
    ];
    for (json, place, sentence) in rows {
        let misfit = read::<Ship>(json.as_bytes()).expect_err(json);
        assert_eq!(
            pointer::of_offset(json.as_bytes(), misfit.at as usize),
            *place,
            "{json}"
        );
        assert_eq!(misfit.sentence, *sentence, "{json}");
    }
}

#[test]
fn what_is_no_json_is_refused_wherever_it_ends() {
    let whole =
        r#"{"name":"a\n","cargo":[1,"b"],"labels":{"c":-2},"flag":{"striped":{"stripes":3}}}"#;
    for end in 0..whole.len() {
        assert!(
            read::<Ship>(&whole.as_bytes()[..end]).is_err(),
            "{}",
            &whole[..end]
        );
    }
    for json in [
        "{\"name\":\"a\"} x",
        "{\"name\" \"a\"}",
        "{\"name\":\"a\",}",
        "{,\"name\":\"a\"}",
        "{\"name\":\"a\" \"masts\":1}",
        "{\"name\":\"\\q\"}",
        "{\"name\":\"a\",\"masts\":1.0}",
        "{\"name\":\"a\",\"masts\":1e1}",
        "{\"name\":\"a\",\"masts\":-}",
        "{\"name\":\"a\",\"masts\":18446744073709551616}",
        "{\"name\":nul}",
        "{\"name\":\"\u{0}",
    ] {
        assert!(read::<Ship>(json.as_bytes()).is_err(), "{json}");
    }
    assert!(read::<Ship>(b"{\"name\":\"\xff\"}").is_err());
    let deep = "[".repeat(200);
    assert!(read::<serde_json::Value>(deep.as_bytes()).is_err());
}

#[test]
fn what_nobody_asked_for_is_passed_over() {
    #[derive(Debug, Decode)]
    struct Little {
        last: u8,
    }
    let json = r#"{"a":[1,{"b":"]}","c":[true,false,null,-5]}],"d":{},"e":[],"last":4}"#;
    assert_eq!(
        read::<Little>(json.as_bytes())
            .expect("the rest is ignored")
            .last,
        4
    );
}

#[test]
fn what_is_flattened_is_read_from_the_same_object() {
    #[derive(Debug, PartialEq, Decode, Deserialize)]
    struct Fleet {
        #[serde(flatten)]
        flag: Ship,
        ships: u32,
    }
    #[derive(Debug, PartialEq, Decode, Deserialize)]
    struct Freight {
        tons: u32,
        #[serde(flatten)]
        rest: serde_json::Map<String, serde_json::Value>,
    }
    #[derive(Debug, Default, PartialEq, Decode, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Crew {
        sailors: u32,
        cook: Option<String>,
    }
    #[track_caller]
    fn same<T: Decode + serde::de::DeserializeOwned + PartialEq + core::fmt::Debug>(json: &str) {
        let ours = read::<T>(json.as_bytes()).ok();
        assert_eq!(ours, serde_json::from_str::<T>(json).ok(), "{json}");
    }
    same::<Freight>(r#"{"a":[1,{"b":null}],"tons":3,"z":"y"}"#);
    same::<Freight>(r#"{"a":1}"#);
    same::<Crew>("{}");
    same::<Crew>(r#"{"cook":"Ida"}"#);
    same::<Crew>(r#"{"cook":null,"sailors":7}"#);
    same::<Crew>(r#"{"captain":"Ida"}"#);
    let fleet = read::<Fleet>(br#"{"flag":"white","name":"Ada","ships":2}"#);
    assert!(
        fleet.is_err(),
        "a part that is strict takes no member of the whole"
    );
}
