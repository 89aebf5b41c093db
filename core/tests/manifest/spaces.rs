//! Partition spaces and the mappings between them are refused where they do not fit.

use super::{Row, asset, check, check_one, manifest};

#[test]
fn partition_spaces_are_checked() {
    let rows: &[Row] = &[
        (
            "no start",
            r#"{"name":"d","kind":"daily"}"#,
            &[("manifest.dimension_member", "/assets/0/partitions/0")],
        ),
        (
            "a start that is no day",
            r#"{"name":"d","kind":"daily","start":"2012-02-30"}"#,
            &[(
                "manifest.partition_boundary",
                "/assets/0/partitions/0/start",
            )],
        ),
        (
            "a month from its middle",
            r#"{"name":"d","kind":"monthly","start":"2012-01-15"}"#,
            &[(
                "manifest.partition_boundary",
                "/assets/0/partitions/0/start",
            )],
        ),
        (
            "a week from a Tuesday",
            r#"{"name":"d","kind":"weekly","start":"2012-01-03"}"#,
            &[(
                "manifest.partition_boundary",
                "/assets/0/partitions/0/start",
            )],
        ),
        (
            "an hour from its middle",
            r#"{"name":"d","kind":"hourly","start":"2012-01-01T05:30:00Z"}"#,
            &[(
                "manifest.partition_boundary",
                "/assets/0/partitions/0/start",
            )],
        ),
        (
            "a day from an hour",
            r#"{"name":"d","kind":"daily","start":"2012-01-01T05:00:00Z"}"#,
            &[(
                "manifest.partition_boundary",
                "/assets/0/partitions/0/start",
            )],
        ),
        (
            "an end at the start",
            r#"{"name":"d","kind":"daily","start":"2012-01-01","end":"2012-01-01"}"#,
            &[("manifest.partition_order", "/assets/0/partitions/0/end")],
        ),
        (
            "an unknown zone",
            r#"{"name":"d","kind":"daily","start":"2012-01-01","timeZone":"Europe/Pari"}"#,
            &[("manifest.time_zone", "/assets/0/partitions/0/timeZone")],
        ),
        (
            "no values",
            r#"{"name":"s","kind":"static","values":[]}"#,
            &[("manifest.values_empty", "/assets/0/partitions/0/values")],
        ),
        (
            "values of two types",
            r#"{"name":"s","kind":"static","values":["1",1]}"#,
            &[("manifest.values_mixed", "/assets/0/partitions/0/values/1")],
        ),
        (
            "a value twice",
            r#"{"name":"s","kind":"static","values":[true,true]}"#,
            &[(
                "manifest.duplicate_value",
                "/assets/0/partitions/0/values/1",
            )],
        ),
        (
            "a start of a static dimension",
            r#"{"name":"s","kind":"static","values":[1],"start":"2012-01-01"}"#,
            &[("manifest.dimension_member", "/assets/0/partitions/0/start")],
        ),
        (
            "values of a dynamic dimension",
            r#"{"name":"s","kind":"dynamic","values":[1]}"#,
            &[("manifest.dimension_member", "/assets/0/partitions/0/values")],
        ),
        (
            "a name in capitals",
            r#"{"name":"Day","kind":"dynamic"}"#,
            &[("manifest.dimension_name", "/assets/0/partitions/0/name")],
        ),
        (
            "a name twice",
            r#"{"name":"a","kind":"dynamic"},{"name":"a","kind":"dynamic"}"#,
            &[(
                "manifest.duplicate_dimension",
                "/assets/0/partitions/1/name",
            )],
        ),
        (
            "two open ends",
            r#"{"name":"a","kind":"daily","start":"2012-01-01"},{"name":"b","kind":"daily","start":"2012-01-01"}"#,
            &[("manifest.partition_open", "/assets/0/partitions/1")],
        ),
        (
            "five dimensions",
            r#"{"name":"a","kind":"dynamic"},{"name":"b","kind":"dynamic"},{"name":"c","kind":"dynamic"},{"name":"d","kind":"dynamic"},{"name":"e","kind":"dynamic"}"#,
            &[("manifest.limit", "/assets/0/partitions")],
        ),
    ];
    for (name, dimensions, expected) in rows {
        check_one(name, &format!(r#","partitions":[{dimensions}]"#), expected);
    }
    let long: Vec<String> = (0..4)
        .map(|index| {
            format!(
                r#"{{"name":"d{index}","kind":"static","values":["{}"]}}"#,
                "v".repeat(256)
            )
        })
        .collect();
    check_one(
        "a key too long to write",
        &format!(r#","partitions":[{}]"#, long.join(",")),
        &[("manifest.partition_key_length", "/assets/0/partitions")],
    );
    check_one(
        "a value too long",
        &format!(
            r#","partitions":[{{"name":"s","kind":"static","values":["{}"]}}]"#,
            "v".repeat(257)
        ),
        &[("manifest.value_length", "/assets/0/partitions/0/values/0")],
    );
}

const DAY: &str = r#"{"name":"day","kind":"daily","start":"2012-01-01"}"#;
const MONTH: &str = r#"{"name":"day","kind":"monthly","start":"2012-01-01"}"#;
const STORE: &str = r#"{"name":"store","kind":"static","values":["a","b"]}"#;
const OTHER: &str = r#"{"name":"store","kind":"static","values":["c"]}"#;
const NUMBER: &str = r#"{"name":"store","kind":"static","values":[1]}"#;
const ANY: &str = r#"{"name":"store","kind":"dynamic"}"#;

/// Dimensions of the downstream and of the upstream, the mapping, and where it does not fit.
type MappingRow = (
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
    Option<&'static str>,
);

#[test]
fn a_mapping_fits_the_two_spaces_or_is_refused() {
    let place = "/assets/0/upstreams/0";
    let mapping = "/assets/0/upstreams/0/mapping";
    let rows: &[MappingRow] = &[
        (&[DAY], &[DAY], r#""identity""#, None),
        (&[DAY], &[MONTH], r#""identity""#, None),
        (&[MONTH], &[DAY], r#""identity""#, None),
        (&[DAY, STORE], &[DAY], r#""identity""#, None),
        (&[DAY], &[], r#""identity""#, None),
        (&[], &[DAY], r#""identity""#, Some(mapping)),
        (&[DAY], &[DAY, STORE], r#""identity""#, Some(mapping)),
        (&[DAY], &[STORE], r#""identity""#, Some(mapping)),
        (&[STORE], &[OTHER], r#""identity""#, Some(mapping)),
        (&[STORE], &[NUMBER], r#""identity""#, Some(mapping)),
        (&[STORE], &[ANY], r#""identity""#, Some(mapping)),
        (&[ANY], &[STORE], r#""identity""#, Some(mapping)),
        (&[ANY], &[ANY], r#""identity""#, None),
        (&[], &[DAY, STORE], r#""all""#, None),
        (&[], &[ANY], r#""all""#, Some(mapping)),
        (&[ANY], &[ANY], r#""all""#, Some(mapping)),
        (&[], &[DAY], r#""latest""#, None),
        (&[STORE], &[DAY, STORE], r#""latest""#, None),
        (&[], &[STORE], r#""latest""#, Some(mapping)),
        (&[DAY], &[], r#""latest""#, Some(mapping)),
        (&[DAY], &[DAY], r#"{"window":3}"#, None),
        (&[DAY], &[MONTH, STORE], r#"{"window":3}"#, None),
        (&[DAY], &[DAY], r#"{"window":0}"#, Some(mapping)),
        (&[DAY], &[DAY], r#"{"window":100001}"#, Some(mapping)),
        (&[STORE], &[STORE], r#"{"window":2}"#, Some(mapping)),
        (&[], &[DAY], r#"{"window":2}"#, Some(mapping)),
        (
            &[DAY],
            &[DAY, STORE],
            r#"{"dimensions":{"store":"all"}}"#,
            None,
        ),
        (
            &[DAY],
            &[DAY, STORE],
            r#"{"dimensions":{"day":{"window":2}}}"#,
            None,
        ),
        (
            &[DAY],
            &[DAY],
            r#"{"dimensions":{"hour":"all"}}"#,
            Some("/assets/0/upstreams/0/mapping/dimensions/hour"),
        ),
        (
            &[DAY],
            &[DAY, STORE],
            r#"{"dimensions":{"store":"latest"}}"#,
            Some("/assets/0/upstreams/0/mapping/dimensions/store"),
        ),
        (
            &[DAY],
            &[DAY, STORE],
            r#"{"dimensions":{"store":"identity"}}"#,
            Some("/assets/0/upstreams/0/mapping/dimensions/store"),
        ),
        // Nothing is said: what both have follows, the rest is needed whole.
        (&[DAY], &[DAY, STORE], "null", None),
        (&[], &[DAY], "null", None),
        (&[STORE], &[OTHER], "null", None),
        (&[ANY], &[ANY, DAY], "null", None),
        (&[DAY], &[ANY], "null", Some(place)),
    ];
    for (own, other, mapping, expected) in rows {
        let member = match *mapping {
            "null" => String::new(),
            mapping => format!(r#","mapping":{mapping}"#),
        };
        let downstream = format!(
            r#","partitions":[{}],"upstreams":[{{"asset":"raw/b"{member}}}]"#,
            own.join(",")
        );
        let upstream = format!(r#","partitions":[{}]"#, other.join(","));
        let text = manifest(
            &[asset("raw/a", 1, &downstream), asset("raw/b", 2, &upstream)],
            "",
        );
        let expected: Vec<_> = expected
            .iter()
            .map(|place| ("manifest.mapping_unfit", *place))
            .collect();
        check(
            &format!("{own:?} of {other:?} by {mapping}"),
            &text,
            &expected,
        );
    }
}
