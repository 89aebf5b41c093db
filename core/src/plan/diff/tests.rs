//! Manifests and plans that differ in one thing, and what is said of it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::task::{self, Reason};
use super::{Fate, Subject, manifests};
use crate::plan::catalog::Catalog;
use crate::plan::tests::{manifest_text, plan};
use crate::wire::manifest::Manifest;

type Assets<'a> = &'a [(&'a str, &'a str)];
/// What differs in the third of three assets, and each place before and after.
type PlaceRow<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);
/// Assets and trigger of the second plan, and each task that differs.
type TaskRow<'a> = (Assets<'a>, &'a str, &'a [(&'a str, Fate, Reason)]);

fn manifest(assets: Assets<'_>, rest: &str) -> Manifest {
    Manifest::parse(manifest_text(assets, rest).as_bytes()).unwrap()
}

const DAY: &str = r#","partitions":[{"name":"day","kind":"daily","start":"2012-04-13"}]"#;

#[test]
fn each_difference_has_its_places_and_its_meaning() {
    let up = |list: &str| format!(r#","upstreams":[{list}]"#);
    let (one, two) = (r#"{"asset":"a/x"}"#, r#"{"asset":"a/y","mapping":"all"}"#);
    let rows: &[PlaceRow<'_>] = &[
        ("", "", &[]),
        (r#","tags":["p","q"]"#, r#","tags":["q","p"]"#, &[]),
        (
            &up(&format!("{one},{two}")),
            &up(&format!("{two},{one}")),
            &[],
        ),
        (r#","retry":{"maxAttempts":3}"#, "", &[]),
        (
            "",
            r#","priority":4"#,
            &[("/assets/2/priority 0", "/assets/2/priority 4")],
        ),
        (
            r#","tags":["p"]"#,
            r#","tags":["q","p"]"#,
            &[("", r#"/assets/2/tags/0 "q""#)],
        ),
        (
            &up(one),
            &up(two),
            &[
                (r#"/assets/2/upstreams/0 {"asset":"a/x"}"#, ""),
                ("", &format!("/assets/2/upstreams/0 {two}")),
            ],
        ),
        (
            &up(&format!("{one},{two}")),
            &up(r#"{"asset":"a/y","mapping":"latest"},{"asset":"a/x"}"#),
            &[(
                r#"/assets/2/upstreams/1/mapping "all""#,
                r#"/assets/2/upstreams/0/mapping "latest""#,
            )],
        ),
        (
            r#","retry":{"maxAttempts":3}"#,
            r#","retry":{"maxAttempts":4}"#,
            &[(
                "/assets/2/retry/maxAttempts 3",
                "/assets/2/retry/maxAttempts 4",
            )],
        ),
        (
            r#","partitions":[{"name":"s","kind":"static","values":[1,2]}]"#,
            r#","partitions":[{"name":"s","kind":"static","values":[2,1]}]"#,
            &[(
                "/assets/2/partitions/0/values [1,2]",
                "/assets/2/partitions/0/values [2,1]",
            )],
        ),
        (r#","pool":"p""#, "", &[(r#"/assets/2/pool "p""#, "")]),
    ];
    for (before, after, expected) in rows {
        let of = |members| manifest(&[("a/x", ""), ("a/y", ""), ("a/z", members)], "");
        let changes = manifests(&of(before), &of(after));
        let side = |side: &Option<super::Side>| {
            side.as_ref().map_or_else(String::new, |side| {
                format!("{} {}", side.pointer, side.value)
            })
        };
        let found: Vec<(String, String)> = changes
            .iter()
            .flat_map(|change| &change.differences)
            .map(|difference| (side(&difference.before), side(&difference.after)))
            .collect();
        let expected: Vec<(String, String)> = expected
            .iter()
            .map(|(before, after)| (before.to_string(), after.to_string()))
            .collect();
        assert_eq!(found, expected, "{before} → {after}");
        assert_eq!(changes.len(), usize::from(!expected.is_empty()));
        assert!(
            changes
                .iter()
                .all(|change| change.key == "a/z" && change.fate == Fate::Changed)
        );
    }
}

#[test]
fn things_come_go_and_are_renamed() {
    // Ids follow the place in the list: the second asset keeps its id under another key.
    let before = manifest(
        &[("a/x", ""), ("a/y", ""), ("a/z", "")],
        r#","pools":{"p":{"limit":1}},"schedules":[{"name":"s","cron":"0 0 * * *"}]"#,
    );
    let after = manifest(
        &[("a/x", ""), ("b/y", r#","priority":1"#)],
        r#","queues":{"q":{"limit":1}},"pools":{"p":{"limit":2}},"sensors":[{"name":"t","kind":"push"}]"#,
    );
    let found: Vec<(Subject, String, Fate, Option<String>, usize)> = manifests(&before, &after)
        .into_iter()
        .map(|change| {
            (
                change.subject,
                change.key,
                change.fate,
                change.key_before,
                change.differences.len(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (Subject::Asset, "a/z".into(), Fate::Removed, None, 0),
            (
                Subject::Asset,
                "b/y".into(),
                Fate::Renamed,
                Some("a/y".into()),
                2
            ),
            (Subject::Pool, "p".into(), Fate::Changed, None, 1),
            (Subject::Queue, "q".into(), Fate::Added, None, 0),
            (Subject::Schedule, "s".into(), Fate::Removed, None, 0),
            (Subject::Sensor, "t".into(), Fate::Added, None, 0),
        ]
    );
}

#[test]
fn tasks_differ_for_a_reason() {
    let base: Assets<'_> = &[("a/x", ""), ("a/y", r#","upstreams":[{"asset":"a/x"}]"#)];
    let all = r#"{"allPartitions":true}"#;
    let rows: &[TaskRow<'_>] = &[
        (base, all, &[]),
        (
            base,
            r#"{"selection":"a/x"}"#,
            &[("a/y:materialize", Fate::Removed, Reason::Selection)],
        ),
        (
            &base[..1],
            all,
            &[("a/y:materialize", Fate::Removed, Reason::Asset)],
        ),
        (
            &[base[0], base[1], ("a/z", "")],
            all,
            &[("a/z:materialize", Fate::Added, Reason::Asset)],
        ),
        (
            &[
                (
                    "a/x",
                    r#","check":{"run":{"command":["x"]},"severity":"warn"}"#,
                ),
                base[1],
            ],
            all,
            &[("a/x:check", Fate::Added, Reason::Check)],
        ),
        (
            &[("a/x", r#","check":{"run":{"command":["x"]}}"#), base[1]],
            all,
            &[
                ("a/x:check", Fate::Added, Reason::Check),
                ("a/y:materialize", Fate::Changed, Reason::Upstreams),
            ],
        ),
        (
            &[
                base[0],
                ("a/y", r#","priority":1,"upstreams":[{"asset":"a/x"}]"#),
            ],
            all,
            &[("a/y:materialize", Fate::Changed, Reason::Handing)],
        ),
        (
            &[("a/x", DAY), base[1]],
            all,
            &[
                ("a/x:materialize", Fate::Removed, Reason::Partition),
                (
                    "a/x[day=d:2012-04-13]:materialize",
                    Fate::Added,
                    Reason::Partition,
                ),
                (
                    "a/x[day=d:2012-04-14]:materialize",
                    Fate::Added,
                    Reason::Partition,
                ),
                ("a/y:materialize", Fate::Changed, Reason::Upstreams),
            ],
        ),
    ];
    let catalog = |assets| Catalog::new(manifest(assets, "")).unwrap();
    let before = plan(&catalog(base), all).unwrap();
    for (assets, trigger, expected) in rows {
        let after = plan(&catalog(assets), trigger).unwrap();
        let found = task::plans(&before, &after, 100);
        let rows: Vec<(String, Fate, Reason)> = found
            .changes
            .iter()
            .map(|change| (change.key.to_string(), change.fate, change.reason))
            .collect();
        let expected: Vec<(String, Fate, Reason)> = expected
            .iter()
            .map(|(key, fate, reason)| (key.to_string(), *fate, *reason))
            .collect();
        assert_eq!(rows, expected, "{assets:?} {trigger}");
        assert_eq!(found.added + found.changed + found.same, after.len());
        assert_eq!(found.removed + found.changed + found.same, before.len());
        assert_eq!(task::plans(&before, &after, 0).changes, []);
    }
}
