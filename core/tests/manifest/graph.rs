//! A circle of assets is found and told as shortly as it can be.

use super::{asset, findings, manifest};

#[test]
fn the_shortest_cycle_is_named() {
    let link = |names: &[&str]| {
        let rows: Vec<String> = names
            .iter()
            .map(|name| format!(r#"{{"asset":"a/{name}"}}"#))
            .collect();
        format!(r#","upstreams":[{}]"#, rows.join(","))
    };
    // Each asset with its upstreams; where the cycle is reported, and how it is told.
    type Row<'a> = (&'a [(&'a str, &'a [&'a str])], &'a str, &'a str);
    let rows: &[Row] = &[
        (
            &[("x", &["x"])],
            "/assets/0/upstreams/0",
            "`a/x` needs `a/x`",
        ),
        (
            &[("x", &["y"]), ("y", &["z", "x"]), ("z", &[])],
            "/assets/0/upstreams/0",
            "`a/x` needs `a/y` needs `a/x`",
        ),
        (
            &[
                ("v", &["w"]),
                ("w", &["x"]),
                ("x", &["y"]),
                ("y", &["z", "v"]),
                ("z", &["y"]),
            ],
            "/assets/3/upstreams/0",
            "`a/y` needs `a/z` needs `a/y`",
        ),
    ];
    for (assets, place, told) in rows {
        let assets: Vec<String> = (1u32..)
            .zip(*assets)
            .map(|(id, (name, upstreams))| asset(&format!("a/{name}"), id, &link(upstreams)))
            .collect();
        let found = findings(&manifest(&assets, ""));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            (&*found[0].code, &*found[0].pointer),
            ("manifest.cycle", *place)
        );
        assert!(found[0].message.contains(told), "{}", found[0].message);
    }
}

#[test]
fn a_large_circle_is_found_and_told_in_short() {
    let assets: Vec<String> = (0..20_000)
        .map(|index| {
            let next = (index + 1) % 20_000;
            asset(
                &format!("a/n{index}"),
                index,
                &format!(r#","upstreams":[{{"asset":"a/n{next}"}}]"#),
            )
        })
        .collect();
    let found = findings(&manifest(&assets, ""));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, "manifest.cycle");
    assert!(
        found[0].message.contains("(19988 more)"),
        "{}",
        found[0].message
    );
}
