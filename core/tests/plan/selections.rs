//! A selection names assets, and one that cannot be read is refused.

use arcoflow_core::plan;
use arcoflow_core::wire::trigger::Trigger;

use super::{ASSETS, catalog, keys};

/// The assets that a selection names, each once; `time` and `store` are given where they are needed.
fn selected(selection: &str) -> Vec<String> {
    let trigger = Trigger {
        selection: serde_json::from_str(selection).unwrap(),
        ..Trigger::default()
    };
    let catalog = catalog();
    let assets = plan::selection::select(&catalog, &trigger.selection).unwrap();
    assets
        .into_iter()
        .map(|asset| catalog.asset(asset).key.to_string())
        .collect()
}

#[test]
fn a_selection_names_assets() {
    let all: Vec<&str> = {
        let mut keys: Vec<&str> = ASSETS.iter().map(|row| row.0).collect();
        keys.sort_unstable();
        keys
    };
    let pipeline = [
        "mart/monthly",
        "mart/report",
        "raw/events",
        "raw/stores",
        "staging/daily",
    ];
    let rows: &[(&str, &[&str])] = &[
        (r#""*""#, &all),
        (r#"[]"#, &[]),
        (r#""mart/report""#, &["mart/report"]),
        (
            r#"["mart/report","raw/stores","mart/report"]"#,
            &["mart/report", "raw/stores"],
        ),
        (
            r#""mart/report raw/stores""#,
            &["mart/report", "raw/stores"],
        ),
        (
            r#"" mart/report\n\traw/stores ""#,
            &["mart/report", "raw/stores"],
        ),
        (r#""mart/*""#, &["mart/monthly", "mart/report"]),
        (r#""mart/m*""#, &["mart/monthly"]),
        (r#""tag:small""#, &["mart/monthly", "raw/stores"]),
        (r#""tag:small & tag:source""#, &["raw/stores"]),
        (r#""tag:small&tag:source""#, &["raw/stores"]),
        (r#""+mart/report""#, &pipeline),
        (
            r#""raw/events+""#,
            &["mart/monthly", "mart/report", "raw/events", "staging/daily"],
        ),
        (
            r#""1+mart/report""#,
            &["mart/monthly", "mart/report", "raw/stores"],
        ),
        (
            r#""2+mart/report""#,
            &["mart/monthly", "mart/report", "raw/stores", "staging/daily"],
        ),
        (r#""0+mart/report""#, &["mart/report"]),
        (r#""raw/events+1""#, &["raw/events", "staging/daily"]),
        (
            r#""1+staging/daily+1""#,
            &["mart/monthly", "raw/events", "raw/stores", "staging/daily"],
        ),
        (r#""+staging/daily+""#, &pipeline),
        (
            r#""+tag:small""#,
            &["mart/monthly", "raw/events", "raw/stores", "staging/daily"],
        ),
        (
            r#""+mart/report - raw/*""#,
            &["mart/monthly", "mart/report", "staging/daily"],
        ),
        (
            r#""+mart/report !raw/*""#,
            &["mart/monthly", "mart/report", "staging/daily"],
        ),
        (
            r#""+mart/report - raw/* raw/stores""#,
            &["mart/monthly", "mart/report", "raw/stores", "staging/daily"],
        ),
        (
            r#""+mart/report - (raw/* raw/stores)""#,
            &["mart/monthly", "mart/report", "staging/daily"],
        ),
        (r#""mart/* & (tag:small raw/*)""#, &["mart/monthly"]),
        (
            r#""mart/report raw/* & tag:small""#,
            &["mart/report", "raw/stores"],
        ),
        (r#""(mart/report raw/*) & tag:small""#, &["raw/stores"]),
        (
            r#""!other/* !mart/*""#,
            &["raw/events", "raw/stores", "staging/daily"],
        ),
        (
            r#""1+(mart/report raw/stores)""#,
            &["mart/monthly", "mart/report", "raw/stores"],
        ),
        (r#""mart/report - mart/report""#, &[]),
    ];
    for (selection, expected) in rows {
        assert_eq!(selected(selection), *expected, "{selection}");
    }
}

#[test]
fn a_selection_that_cannot_be_read_is_refused() {
    let rows: &[(&str, &str, &str)] = &[
        (r#""""#, "plan.selection_syntax", "/selection"),
        (
            r#"["*","mart/report &"]"#,
            "plan.selection_syntax",
            "/selection/1",
        ),
        (r#""(mart/report""#, "plan.selection_syntax", "/selection"),
        (r#""mart/report)""#, "plan.selection_syntax", "/selection"),
        (r#""mart/report +""#, "plan.selection_syntax", "/selection"),
        (r#""++mart/report""#, "plan.selection_syntax", "/selection"),
        (
            r#""mart/report | raw/*""#,
            "plan.selection_syntax",
            "/selection",
        ),
        (r#""mart/*/x*""#, "plan.selection_syntax", "/selection"),
        (
            r#""99999999999+mart/report""#,
            "plan.selection_syntax",
            "/selection",
        ),
        (r#""mart/rapport""#, "plan.unknown_asset", "/selection"),
        (r#""-""#, "plan.unknown_asset", "/selection"),
        (r#""mart/report*x""#, "plan.unknown_asset", "/selection"),
        (r#""marts/*""#, "plan.no_match", "/selection"),
        (r#""tag:smal""#, "plan.unknown_tag", "/selection"),
    ];
    for (selection, code, pointer) in rows {
        let refused = keys(&format!(
            r#"{{"selection":{selection},"allPartitions":true}}"#
        ))
        .unwrap_err();
        assert_eq!(
            (&*refused.finding.code, &*refused.finding.pointer),
            (*code, *pointer),
            "{selection}"
        );
    }
    let deep = format!("{}mart/report{}", "(".repeat(33), ")".repeat(33));
    let walks = "+raw/stores ".repeat(257);
    let members = "* ".repeat(20_001);
    for text in [deep, walks, members] {
        let refused = keys(&format!(r#"{{"selection":"{text}"}}"#)).unwrap_err();
        assert_eq!(refused.finding.code, "plan.selection_limit");
    }
}
