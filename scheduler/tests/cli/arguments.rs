//! Arguments that say nothing wrong are understood, and those that do are refused with a code and a next step.

use super::binary::Place;

/// Every verb, in the order of the help.
const VERBS: &[&str] = &[
    "demo",
    "dev",
    "deploy",
    "run",
    "runs",
    "status",
    "logs",
    "explain",
    "cancel",
    "rerun",
    "events",
    "ledger",
    "serve",
    "worker",
    "doctor",
    "completions",
];

#[test]
fn help_lists_every_verb_and_each_has_an_example() {
    let place = Place::new("help");
    let help = place.run(&["--help"]).code(0);
    assert_eq!(help.err, "");
    for verb in VERBS {
        assert!(
            help.out.contains(&format!("\n  {verb} ")),
            "{verb} is missing:\n{}",
            help.out
        );
        let arguments: &[&str] = match *verb {
            "ledger" => &["ledger", "verify", "--help"],
            verb => &[verb, "--help"],
        };
        let help = place.run(arguments).code(0);
        assert!(
            help.out.contains("Example"),
            "{verb} has no example:\n{}",
            help.out
        );
        assert!(
            help.out.contains("Usage: arcoflow"),
            "{verb}:\n{}",
            help.out
        );
    }
}

#[test]
fn what_cannot_be_understood_ends_with_2() {
    let place = Place::new("usage");
    let rows: &[(&[&str], &str)] = &[
        (&[], "Usage"),
        (&["fly"], "unrecognized subcommand 'fly'"),
        (&["run", "--partitions", "month"], "expected `name=value`"),
        (
            &["run", "--range", "month=2012"],
            "expected `dimension=from..to`",
        ),
        (
            &["run", "--all", "--partition", "month=d:2012-01-01"],
            "cannot be used with",
        ),
        (&["run", "--timeout", "10m"], "--wait"),
        (&["run", "--wait", "--timeout", "10"], "as in `90s`"),
        (&["run", "--priority", "high"], "invalid value 'high'"),
        (&["logs", "latest"], "<TASK>..."),
        (&["completions", "klingon"], "invalid value 'klingon'"),
    ];
    for (arguments, expected) in rows {
        let ended = place.run(arguments).code(2);
        assert!(
            ended.err.contains(expected),
            "{arguments:?}:\n{}",
            ended.err
        );
        assert_eq!(ended.out, "", "{arguments:?}");
    }
}

#[test]
fn what_the_trigger_refuses_is_refused_before_a_door_is_asked() {
    let place = Place::new("trigger");
    let rows: &[(&[&str], &str)] = &[
        (
            &["run", "--partition", "month=2012-01-01"],
            "`month=2012-01-01` is no partition key",
        ),
        (
            &["run", "--partitions", "a=1", "a=2"],
            "the dimension `a` is given twice",
        ),
        (
            &["run", "--range", "a=1..2", "a=3..4"],
            "names the dimension `a` twice",
        ),
        (
            &["run", "--priority", "1001"],
            "the priority `1001` is out of bounds",
        ),
    ];
    for (arguments, expected) in rows {
        let ended = place.run(arguments).code(2);
        assert!(
            ended.err.contains(expected),
            "{arguments:?}:\n{}",
            ended.err
        );
    }
}

#[test]
fn a_usage_error_is_a_problem_for_programs() {
    let place = Place::new("usage-json");
    let problem = place.run(&["--json", "run", "--fast"]).code(2).problem();
    assert_eq!(problem["exitCode"], 2);
    assert_eq!(problem["type"], "https://arcoflow.dev/problems/cli-usage");
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("--fast")),
        "{problem}"
    );
}

#[test]
fn a_message_that_finds_no_room_changes_no_exit_code() {
    let place = Place::new("unheard");
    for arguments in [&["status"][..], &["--json", "status"], &["identity"]] {
        let heard = place.run(arguments).code;
        assert_ne!(heard, 0, "{arguments:?}");
        assert_eq!(place.run_unheard(arguments), heard, "{arguments:?}");
    }
}

#[test]
fn without_a_door_a_verb_says_how_to_start_one() {
    let place = Place::new("no-door");
    for arguments in [
        &["runs"][..],
        &["status"],
        &["run", "--all"],
        &["events"],
        &["cancel", "latest"],
    ] {
        let ended = place.run(arguments).code(3);
        assert!(
            ended.err.contains("arcoflow dev PIPELINE_DIR"),
            "{arguments:?}:\n{}",
            ended.err
        );
    }
    let ended = place
        .run(&["runs", "--url", "http://127.0.0.1:9", "--token", "arco_x_y"])
        .code(3);
    assert!(
        ended
            .err
            .contains("no door answers at `http://127.0.0.1:9`"),
        "{}",
        ended.err
    );
    let ended = place.run(&["runs", "--url", "http://127.0.0.1:9"]).code(2);
    assert!(ended.err.contains("there is no API key"), "{}", ended.err);
}

#[test]
fn completions_know_every_verb() {
    let place = Place::new("completions");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&["completions", shell]).code(0).out;
        for verb in VERBS {
            assert!(script.contains(verb), "{shell} does not know {verb}");
        }
    }
}
