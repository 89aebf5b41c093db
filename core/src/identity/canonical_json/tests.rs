//! The rules of canonical JSON, one row each; the fixtures hold the rest.

use super::*;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec;

fn check(json: &str, wanted: &str) {
    assert_eq!(
        canonicalize(json.as_bytes())
            .map(|bytes| String::from_utf8(bytes).unwrap())
            .as_deref(),
        Ok(wanted),
        "{json}"
    );
}

#[test]
fn canonical_texts() {
    for (json, wanted) in [
        (" null ", "null"),
        ("\t[ ]\n", "[]"),
        ("{ }", "{}"),
        (
            r#"{"b":1,"a":[true,false,{}]}"#,
            r#"{"a":[true,false,{}],"b":1}"#,
        ),
        (
            r#"{ "b" : { "d" : 1 , "c" : 2 } , "a" : [ { "z":1,"y":2 } , 3 ] }"#,
            r#"{"a":[{"y":2,"z":1},3],"b":{"c":2,"d":1}}"#,
        ),
        (
            r#"{"a":{"y":1,"x":2},"b":{"d":{"f":1,"e":2},"c":3}}"#,
            r#"{"a":{"x":2,"y":1},"b":{"c":3,"d":{"e":2,"f":1}}}"#,
        ),
        (r#"{"😀":1,"￿":2}"#, r#"{"￿":2,"😀":1}"#),
        (r#"{"A":1,"\n":2}"#, r#"{"\n":2,"A":1}"#),
        (
            r#"{"aaaaaaaab":1,"aaaaaaaaa":2,"aaaaaaaa":3}"#,
            r#"{"aaaaaaaa":3,"aaaaaaaaa":2,"aaaaaaaab":1}"#,
        ),
        (r#"{"\u0000":1,"":2}"#, r#"{"":2,"\u0000":1}"#),
        (
            r#""\u0041\/\u00e9\ud83d\ude00\u001F\u0008\u007f\u2028""#,
            "\"A/é😀\\u001f\\b\u{7f}\u{2028}\"",
        ),
        (r#""\"\\\b\f\n\r\t""#, r#""\"\\\b\f\n\r\t""#),
        (
            "[-9223372036854775808,18446744073709551615,0]",
            "[-9223372036854775808,18446744073709551615,0]",
        ),
    ] {
        check(json, wanted);
        check(wanted, wanted);
    }
}

#[test]
fn refusals_stand_at_the_first_broken_rule() {
    for (json, code, offset) in [
        (b"".as_slice(), Code::JsonSyntax, 0),
        (b"  ", Code::JsonSyntax, 2),
        (b"[1,]", Code::JsonSyntax, 3),
        (b"{\"a\":1,}", Code::JsonSyntax, 7),
        (b"{\"a\" 1}", Code::JsonSyntax, 5),
        (b"[1 2]", Code::JsonSyntax, 3),
        (b"tru", Code::JsonSyntax, 3),
        (b"\"a\nb\"", Code::JsonSyntax, 2),
        (b"\"\\q\"", Code::JsonSyntax, 2),
        (b"\"\\u00g0\"", Code::JsonSyntax, 5),
        (b"01", Code::JsonSyntax, 1),
        (b"[01]", Code::JsonSyntax, 2),
        (b"-", Code::JsonSyntax, 1),
        (b"\"abc", Code::JsonSyntax, 4),
        (b"\"a\xffb\"", Code::JsonUtf8, 2),
        (b"[\xff]", Code::JsonUtf8, 1),
        (b"[1,x\xff", Code::JsonSyntax, 3),
        (b"\xef\xbb\xbf1", Code::JsonBom, 0),
        (b"\"\\ud800\"", Code::JsonSurrogate, 1),
        (b"\"\\ud800\\u0041\"", Code::JsonSurrogate, 1),
        (b"\"x\\udc00\"", Code::JsonSurrogate, 2),
        (b"[1.0]", Code::JsonFloat, 1),
        (b"1e2", Code::JsonFloat, 0),
        (b"-0.5", Code::JsonFloat, 0),
        (b"[-0]", Code::JsonNegativeZero, 1),
        (b"18446744073709551616", Code::JsonRange, 0),
        (b"-9223372036854775809", Code::JsonRange, 0),
        (b"{\"a\":1,\"b\":2,\"a\":3}", Code::JsonDuplicateKey, 13),
        (b"{\"a\":1,\"\\u0061\":2}", Code::JsonDuplicateKey, 7),
        (
            b"{\"a\":1,\"a\":{\"b\":1,\"b\":2}}",
            Code::JsonDuplicateKey,
            7,
        ),
        (
            b"{\"a\":{\"b\":1,\"b\":2},\"a\":x}",
            Code::JsonDuplicateKey,
            12,
        ),
        (b"{\"a\":1,\"a\":x}", Code::JsonDuplicateKey, 7),
        (b"{\"a\":1,\"a\"x}", Code::JsonDuplicateKey, 7),
        (b"{\"a\":[{\"b\":1,\"b\":\xff", Code::JsonDuplicateKey, 13),
        (b"1 2", Code::JsonTrailing, 2),
        (b"truex", Code::JsonTrailing, 4),
    ] {
        assert_eq!(
            canonicalize(json),
            Err(Error::at(code, offset)),
            "{}",
            String::from_utf8_lossy(json)
        );
    }
}

#[test]
fn limits_hold() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(canonicalize(deep(128).as_bytes()).is_ok());
    assert_eq!(
        canonicalize(deep(129).as_bytes()),
        Err(Error::at(Code::JsonDepth, 128))
    );
    let limits = Limits {
        max_bytes: 4,
        max_depth: 1,
    };
    assert_eq!(
        canonicalize_with(b"[1,\xff2]", &limits),
        Err(Error::new(Code::JsonTooLong))
    );
    assert_eq!(
        canonicalize_with(b"[[]]", &limits),
        Err(Error::at(Code::JsonDepth, 1))
    );
}

#[test]
fn a_context_answers_as_a_fresh_one() {
    let mut context = Canonicalizer::new();
    for json in [
        r#"{"b":1,"a":2}"#,
        "[1,",
        r#"{ "a" : "\u0041" }"#,
        r#"{"a":{"c":1,"b":2}}"#,
        "{\"a\":1,\"a\":2}",
        "3",
        " 4 ",
    ] {
        let wanted = canonicalize(json.as_bytes());
        assert_eq!(
            context.canonicalize(json.as_bytes()).map(<[u8]>::to_vec),
            wanted,
            "{json}"
        );
    }
}

#[test]
fn values_are_written_as_their_text() {
    #[derive(Serialize)]
    struct Shape {
        z: Option<u8>,
        a: BTreeMap<u64, &'static str>,
        m: (i64, u64, char, bool, ()),
    }
    #[derive(Serialize)]
    enum Choice {
        Unit,
        Newtype(u8),
        Tuple(u8, u8),
        Struct { b: u8, a: u8 },
    }
    let shape = Shape {
        z: None,
        a: BTreeMap::new(),
        m: (i64::MIN, u64::MAX, '"', true, ()),
    };
    assert_eq!(
        to_vec(&shape).unwrap(),
        br#"{"a":{},"m":[-9223372036854775808,18446744073709551615,"\"",true,null],"z":null}"#
    );
    let choices = [
        Choice::Unit,
        Choice::Newtype(1),
        Choice::Tuple(1, 2),
        Choice::Struct { b: 1, a: 2 },
    ];
    assert_eq!(
        to_vec(&choices).unwrap(),
        br#"["Unit",{"Newtype":1},{"Tuple":[1,2]},{"Struct":{"a":2,"b":1}}]"#
    );
    assert_eq!(to_vec(&vec![1.5_f64]), Err(Error::new(Code::JsonFloat)));
    assert_eq!(to_vec(&u128::MAX), Err(Error::new(Code::JsonRange)));
    assert_eq!(
        to_vec(&BTreeMap::from([(1, 2)])),
        Err(Error::new(Code::JsonKey))
    );
}
