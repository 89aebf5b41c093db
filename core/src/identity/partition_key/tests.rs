//! The rules of partition keys, one row each; the fixtures hold the rest.

use super::range::{Range, Step, expand};
use super::*;
use alloc::format;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

#[test]
fn keys_print_as_they_parse() {
    for text in [
        "a=s:",
        "date=d:2025-01-15,region=s:dXMtZWFzdA",
        "a=i:0,b=i:-9223372036854775808,c=i:9223372036854775807,d=b:true,e=b:false,f=n:null",
        "a=d:0001-01-01,b=d:9999-12-31,c=d:2024-02-29,d=d:2000-02-29",
        "a=t:0001-01-01T00:00:00.000000Z,b=t:9999-12-31T23:59:59.999999Z",
    ] {
        let key = PartitionKey::parse(text).unwrap();
        assert_eq!(key.as_str(), text);
        assert_eq!(
            PartitionKey::from_dimensions(key.dimensions()),
            Ok(key.clone())
        );
        assert_eq!(
            PartitionKey::from_json(key.to_json().as_bytes()),
            Ok(key.clone())
        );
        assert_eq!(PartitionKey::normalize(text), Ok(key));
    }
}

#[test]
fn refusals_stand_at_the_first_broken_rule() {
    let long = "a".repeat(1_025);
    let name = format!("{}=n:null", "a".repeat(65));
    let many: Vec<String> = (0..17).map(|index| format!("d{index:02}=n:null")).collect();
    let many = many.join(",");
    let text = format!("a=s:{}", "YWFh".repeat(86));
    for (text, code, offset) in [
        (long.as_str(), Code::PartitionTooLong, None),
        ("", Code::PartitionEmpty, Some(0)),
        (many.as_str(), Code::PartitionTooManyDimensions, Some(176)),
        ("date", Code::PartitionMissingEquals, Some(4)),
        ("a=n:null,", Code::PartitionMissingEquals, Some(9)),
        (",a=n:null", Code::PartitionMissingEquals, Some(0)),
        ("=n:null", Code::PartitionName, Some(0)),
        ("Date=n:null", Code::PartitionName, Some(0)),
        ("da-te=n:null", Code::PartitionName, Some(2)),
        (name.as_str(), Code::PartitionName, Some(64)),
        ("a=2025-01-15", Code::PartitionMissingType, Some(2)),
        ("a=", Code::PartitionMissingType, Some(2)),
        ("a=:x", Code::PartitionMissingType, Some(2)),
        ("a=x:1", Code::PartitionUnknownType, Some(2)),
        ("a=S:YQ", Code::PartitionUnknownType, Some(2)),
        ("a=str:YQ", Code::PartitionUnknownType, Some(2)),
        ("a=s:YQ=", Code::PartitionString, Some(4)),
        ("a=s:YR", Code::PartitionString, Some(4)),
        ("a=s:Y", Code::PartitionString, Some(4)),
        ("a=s:_w", Code::PartitionUtf8, Some(4)),
        (text.as_str(), Code::PartitionValueTooLong, Some(4)),
        ("a=i:01", Code::PartitionInteger, Some(4)),
        ("a=i:-0", Code::PartitionInteger, Some(4)),
        ("a=i:9223372036854775808", Code::PartitionInteger, Some(4)),
        ("a=i:٣", Code::PartitionInteger, Some(4)),
        ("a=b:True", Code::PartitionBoolean, Some(4)),
        ("a=d:2025-02-29", Code::PartitionDate, Some(4)),
        ("a=d:1900-02-29", Code::PartitionDate, Some(4)),
        ("a=d:0000-01-01", Code::PartitionDate, Some(4)),
        (
            "a=t:2025-01-15T24:00:00.000000Z",
            Code::PartitionTimestamp,
            Some(4),
        ),
        (
            "a=t:2025-01-15T23:59:60.000000Z",
            Code::PartitionTimestamp,
            Some(4),
        ),
        (
            "a=t:2025-01-15T00:00:00Z",
            Code::PartitionTimestamp,
            Some(4),
        ),
        ("a=n:", Code::PartitionNull, Some(4)),
        ("a=n:null,a=n:null", Code::PartitionDuplicate, Some(9)),
        ("a=n:null,b=n:null,a=x", Code::PartitionDuplicate, Some(18)),
        ("b=n:null,a=n:null", Code::PartitionUnsorted, Some(9)),
        ("b=x,a=n:null", Code::PartitionMissingType, Some(2)),
        ("a=n:null,é", Code::PartitionName, Some(9)),
    ] {
        assert_eq!(
            PartitionKey::parse(text),
            Err(Error { code, offset }),
            "{text}"
        );
    }
}

#[test]
fn normalize_sorts_and_moves_timestamps_to_utc() {
    for (text, wanted) in [
        ("b=i:1,a=i:2", "a=i:2,b=i:1"),
        (
            "a=t:2025-01-15T10:00:00Z",
            "a=t:2025-01-15T10:00:00.000000Z",
        ),
        (
            "a=t:2025-01-15T10:00:00.5+05:30",
            "a=t:2025-01-15T04:30:00.500000Z",
        ),
        (
            "a=t:2025-01-01T00:00:00.123456-00:30",
            "a=t:2025-01-01T00:30:00.123456Z",
        ),
        (
            "a=t:2025-01-01T00:00:00+23:59",
            "a=t:2024-12-31T00:01:00.000000Z",
        ),
    ] {
        assert_eq!(
            PartitionKey::normalize(text)
                .map(|key| key.to_string())
                .as_deref(),
            Ok(wanted),
            "{text}"
        );
    }
    for (text, code, offset) in [
        ("a=t:0001-01-01T00:00:00+00:01", Code::PartitionTimestamp, 4),
        (
            "a=t:2025-01-15T10:00:00.+00:00",
            Code::PartitionTimestamp,
            4,
        ),
        (
            "a=t:2025-01-15T10:00:00.1234567Z",
            Code::PartitionTimestamp,
            4,
        ),
        ("a=t:2025-01-15T10:00:00", Code::PartitionTimestamp, 4),
        ("a=t:2025-01-15T10:00:00+24:00", Code::PartitionTimestamp, 4),
        ("b=i:1,a=i:2,b=i:3", Code::PartitionDuplicate, 12),
    ] {
        assert_eq!(
            PartitionKey::normalize(text),
            Err(Error::at(code, offset)),
            "{text}"
        );
    }
}

#[test]
fn the_json_form_has_its_refusals() {
    for (json, code, offset) in [
        ("[]", Code::PartitionJson, None),
        ("{}", Code::PartitionEmpty, None),
        ("{", Code::JsonSyntax, Some(1)),
        (r#"{"a":1}"#, Code::PartitionJson, None),
        (r#"{"a":{}}"#, Code::PartitionMissingType, None),
        (r#"{"a":{"type":1}}"#, Code::PartitionUnknownType, None),
        (
            r#"{"a":{"type":"int32","value":1}}"#,
            Code::PartitionUnknownType,
            None,
        ),
        (
            r#"{"a":{"type":"int64","value":"01"}}"#,
            Code::PartitionInteger,
            None,
        ),
        (
            r#"{"a":{"type":"int64","value":9223372036854775808}}"#,
            Code::PartitionInteger,
            None,
        ),
        (r#"{"a":{"type":"int64"}}"#, Code::PartitionInteger, None),
        (
            r#"{"a":{"type":"null","value":null}}"#,
            Code::PartitionNull,
            None,
        ),
        (
            r#"{"a":{"type":"bool","value":"true"}}"#,
            Code::PartitionBoolean,
            None,
        ),
        (
            r#"{"a":{"type":"null","more":1}}"#,
            Code::PartitionJson,
            None,
        ),
        (r#"{"A":{"type":"null"}}"#, Code::PartitionName, None),
        (
            r#"{"a":{"type":"null"},"a":{"type":"null"}}"#,
            Code::JsonDuplicateKey,
            Some(21),
        ),
    ] {
        assert_eq!(
            PartitionKey::from_json(json.as_bytes()),
            Err(Error { code, offset }),
            "{json}"
        );
    }
    let key = PartitionKey::from_json(
        br#"{"n":{"value":42,"type":"int64"},"d":{"type":"date","value":"2025-01-15"}}"#,
    );
    let key = key.unwrap();
    assert_eq!(key.as_str(), "d=d:2025-01-15,n=i:42");
    assert_eq!(
        key.to_json(),
        r#"{"d":{"type":"date","value":"2025-01-15"},"n":{"type":"int64","value":"42"}}"#
    );
}

#[test]
fn checked_constructors_refuse() {
    assert_eq!(
        PartitionKey::from_dimensions([] as [(&str, Value); 0]),
        Err(Error::new(Code::PartitionEmpty))
    );
    assert_eq!(
        PartitionKey::from_dimensions([("A", Value::Null)]),
        Err(Error::new(Code::PartitionName))
    );
    let twice = [("a", Value::Null), ("a", Value::Null)];
    assert_eq!(
        PartitionKey::from_dimensions(twice),
        Err(Error::new(Code::PartitionDuplicate))
    );
    assert_eq!(
        Value::text(&"a".repeat(257)),
        Err(Error::new(Code::PartitionValueTooLong))
    );
    let wide = (0..16).map(|index| (format!("d{index}"), Value::text(&"a".repeat(256)).unwrap()));
    assert_eq!(
        PartitionKey::from_dimensions(wide),
        Err(Error::new(Code::PartitionTooLong))
    );
    let key = PartitionKey::from_dimensions([
        ("b", Value::Int(-7)),
        ("a", Value::text("us-east").unwrap()),
    ])
    .unwrap();
    assert_eq!(key.as_str(), "a=s:dXMtZWFzdA,b=i:-7");
    assert_eq!(key.get("b"), Some(Value::Int(-7)));
    assert_eq!(key.get("c"), None);
}

#[test]
fn the_typed_order_is_not_the_order_of_the_bytes() {
    let ordered = [
        "n:null",
        "b:false",
        "b:true",
        "i:-10",
        "i:-9",
        "i:9",
        "i:10",
        "s:",
        "s:YQ",
        "d:2024-12-31",
        "t:2024-12-31T00:00:00.000000Z",
    ];
    let values: Vec<Value> = ordered
        .iter()
        .map(|text| Value::parse(text).unwrap())
        .collect();
    assert!(values.is_sorted());
    let keys: Vec<PartitionKey> = ordered
        .iter()
        .map(|text| PartitionKey::parse(&format!("a={text}")).unwrap())
        .collect();
    assert!(keys.is_sorted_by(|left, right| left.typed_cmp(right).is_lt()));
    assert!(!keys.is_sorted());
}

#[test]
fn days_are_counted_as_a_calendar_does() {
    let mut previous = None;
    for days in (Date::MIN.days()..=Date::MAX.days())
        .step_by(97)
        .chain([Date::MAX.days()])
    {
        let date = Date::from_days(days).unwrap();
        let (year, month, day) = date.civil();
        assert_eq!(Date::from_civil(year, month, day), Ok(date));
        assert!(previous < Some((year, month, day)));
        previous = Some((year, month, day));
    }
    let date = Date::parse("2025-01-15").unwrap();
    assert_eq!((date.days(), date.weekday()), (20_103, 3));
    assert_eq!(
        Date::parse("2024-01-31").unwrap().add_months(1),
        Date::parse("2024-02-29").ok()
    );
    assert_eq!(
        Date::parse("2024-03-31").unwrap().add_months(-13),
        Date::parse("2023-02-28").ok()
    );
    assert_eq!(Date::MAX.add_days(1), None);
    assert_eq!(Date::MAX.add_months(1), None);
    assert!(
        Date::from_days(Date::MAX.days() + 1).is_err()
            && Date::from_days(Date::MIN.days() - 1).is_err()
    );
    assert!(Timestamp::from_micros(Timestamp::MAX.micros() + 1).is_err());
    assert_eq!(
        Timestamp::parse("1969-12-31T23:59:59.999999Z")
            .unwrap()
            .micros(),
        -1
    );
}

#[test]
fn ranges_expand_in_the_typed_order() {
    let day = |text: &str| Value::Date(Date::parse(text).unwrap());
    let days = Range::new(day("2025-01-30"), day("2025-02-01"), Step::Days(1)).unwrap();
    let hours = Range::new(Value::Int(9), Value::Int(11), Step::By(2)).unwrap();
    let keys = expand(&[("day", days.clone()), ("hour", hours)], 6).unwrap();
    assert_eq!(
        keys.iter().map(PartitionKey::as_str).collect::<Vec<_>>(),
        [
            "day=d:2025-01-30,hour=i:9",
            "day=d:2025-01-30,hour=i:11",
            "day=d:2025-01-31,hour=i:9",
            "day=d:2025-01-31,hour=i:11",
            "day=d:2025-02-01,hour=i:9",
            "day=d:2025-02-01,hour=i:11",
        ]
    );
    assert_eq!(
        expand(&[("day", days)], 2),
        Err(Error::new(Code::PartitionRangeTooLarge))
    );
    let months = Range::new(day("2025-01-31"), day("2025-04-01"), Step::Months(1)).unwrap();
    assert_eq!(
        months.values().collect::<Vec<_>>(),
        vec![day("2025-01-31"), day("2025-02-28"), day("2025-03-31")]
    );
    for (first, last, step) in [
        (day("2025-01-02"), day("2025-01-01"), Step::Days(1)),
        (day("2025-01-01"), day("2025-01-02"), Step::Days(0)),
        (day("2025-01-01"), Value::Int(1), Step::Days(1)),
        (Value::Int(0), Value::Int(1), Step::Days(1)),
    ] {
        assert_eq!(
            Range::new(first, last, step),
            Err(Error::new(Code::PartitionRange))
        );
    }
    let all = Range::new(
        Value::Int(i64::MIN),
        Value::Int(i64::MAX),
        Step::By(u64::MAX),
    )
    .unwrap();
    assert_eq!(
        all.values().collect::<Vec<_>>(),
        vec![Value::Int(i64::MIN), Value::Int(i64::MAX)]
    );
}
