//! However a program ends, the ledger says so, and for a failure why.

use arcoflow_core::wire::event::{AttemptOutcome, CheckResult, ErrorCategory, Figure};
use arcoflow_core::wire::view::RunState;
use serde_json::json;

use crate::house::{House, asset, asset_of, with};

#[tokio::test(flavor = "multi_thread")]
async fn every_failure_has_its_category_and_its_sentence() {
    let result = |json: &str| format!("echo '{json}' > \"$ARCOFLOW_RESULT\"");
    let rows = [
        (
            "code",
            "echo the cause; echo again >&2; exit 7".to_owned(),
            ErrorCategory::UserCode,
            "exit code 7; the log ends with:\nthe cause\nagain",
        ),
        (
            "silent",
            "exit 1".to_owned(),
            ErrorCategory::UserCode,
            "exit code 1",
        ),
        (
            "signal",
            "kill -SEGV $$".to_owned(),
            ErrorCategory::UserCode,
            "killed by signal 11",
        ),
        (
            "memory",
            "kill -KILL $$".to_owned(),
            ErrorCategory::UserCode,
            "killed by signal 9 (the system",
        ),
        (
            "judged",
            format!(
                "{}; exit 1",
                result(r#"{"error": {"category": "DATA_QUALITY", "message": "two rows are bad"}}"#)
            ),
            ErrorCategory::DataQuality,
            "two rows are bad",
        ),
        (
            "asked",
            format!(
                "{}; exit 1",
                result(
                    r#"{"error": {"category": "INFRASTRUCTURE", "message": "come back", "retryAfterMs": 5}}"#
                )
            ),
            ErrorCategory::Infrastructure,
            "come back",
        ),
        (
            "malformed",
            result("{\"rowCount\": 1,"),
            ErrorCategory::UserCode,
            "`result.json` is no JSON: ",
        ),
        (
            "fraction",
            result("{\"metrics\": {\"mean\": 1.5}}"),
            ErrorCategory::UserCode,
            "`result.json` is wrong at `/metrics/mean`",
        ),
        (
            "both",
            format!("{}; exit 2", result("[]")),
            ErrorCategory::UserCode,
            "exit code 2; `result.json` is wrong: expected an object",
        ),
        (
            "directory",
            "mkdir \"$ARCOFLOW_RESULT\"".to_owned(),
            ErrorCategory::UserCode,
            "`result.json` is not a file",
        ),
        (
            "whatever_it_printed",
            "echo done; echo '{\"rowCount\": 1}' > \"$ARCOFLOW_RESULT\"; exit 1".to_owned(),
            ErrorCategory::UserCode,
            "exit code 1; the log ends with:\ndone",
        ),
    ];
    let mut assets: Vec<_> = rows
        .iter()
        .map(|(name, script, ..)| asset(&format!("fails/{name}"), script))
        .collect();
    assets.push(asset_of("fails/absent", &["no-such-program-anywhere"]));
    let house = House::new(assets, 4).await;
    let (run, view) = house.run().await;
    assert_eq!(view.line.state, RunState::Failed);
    for (name, _, category, sentence) in &rows {
        let report = house
            .report(run, &format!("fails/{name}:materialize"))
            .await;
        let error = report.error.unwrap();
        assert_eq!(report.outcome, AttemptOutcome::Failed, "{name}");
        assert_eq!(error.category, *category, "{name}");
        assert!(
            error.message.starts_with(sentence),
            "{name}: {}",
            error.message
        );
        assert_eq!(error.retry_after_ms, (*name == "asked").then_some(5));
        assert!(report.output.is_none(), "{name}");
    }
    let absent = house.report(run, "fails/absent:materialize").await;
    let error = absent.error.unwrap();
    assert_eq!(error.category, ErrorCategory::Configuration);
    assert!(
        error
            .message
            .contains("`no-such-program-anywhere` was not found")
    );
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_carries_what_the_program_says_and_what_the_worker_measures() {
    let full = r#"printf 12345 > "$ARCOFLOW_OUTPUT/five"; mkdir "$ARCOFLOW_OUTPUT/d"; printf 678 > "$ARCOFLOW_OUTPUT/d/three"
        echo '{"rowCount": 2, "metrics": {"mean": "1.5", "max": 9}, "rowcount": 3, "error": {"category": "USER_CODE"},
               "checks": [{"name": "unique", "passed": true, "detail": "2 rows"}]}' > "$ARCOFLOW_RESULT""#;
    let own = r#"echo '{"byteSize": 77, "outputPath": "s3://bucket/key"}' > "$ARCOFLOW_RESULT""#;
    let assets = vec![
        asset("made/full", full),
        asset("made/bare", "exit 0"),
        asset("made/elsewhere", own),
    ];
    let house = House::new(assets, 2).await;
    let (run, view) = house.run().await;
    assert_eq!(view.line.state, RunState::Succeeded);
    let out = house.data().canonicalize().unwrap().join("out");

    let report = house.report(run, "made/full:materialize").await;
    let output = report.output.unwrap();
    assert_eq!((output.row_count, output.byte_size), (Some(2), Some(8)));
    let path = output.output_path.unwrap();
    assert!(path.starts_with(&format!("{}/made/full/all/", out.display())));
    assert_eq!(output.metrics["mean"], Figure::Text("1.5".to_owned()));
    assert_eq!(output.metrics["max"], Figure::Integer(9));
    let check = CheckResult {
        name: "unique".to_owned(),
        passed: true,
        detail: "2 rows".to_owned(),
    };
    assert_eq!(output.checks, [check]);
    let log = house.log(run, "made/full:materialize").await;
    assert_eq!(
        log,
        "[arcoflow] nobody reads the member `rowcount` of `result.json`\n\
         [arcoflow] `result.json` has an error, but exit code 0 is a success\n"
    );

    let bare = house.report(run, "made/bare:materialize").await;
    let output = bare.output.unwrap();
    assert_eq!((output.row_count, output.byte_size), (None, Some(0)));

    let elsewhere = house.report(run, "made/elsewhere:materialize").await;
    let output = elsewhere.output.unwrap();
    assert_eq!(output.byte_size, Some(77));
    assert_eq!(output.output_path.as_deref(), Some("s3://bucket/key"));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_judges_the_output_and_what_is_downstream_waits_for_it() {
    let judge = r#"test "$(cat "$(sed -n 's/.*"outputPath": "\(.*\)".*/\1/p' "$ARCOFLOW_ENVELOPE")/value")" = good && exit 0
        echo '{"checks": [{"name": "value", "passed": false}], "error": {"category": "DATA_QUALITY", "message": "the value is bad"}}' > "$ARCOFLOW_RESULT"
        exit 1"#;
    let check = json!({ "check": { "run": { "command": ["sh", "-c", judge] } } });
    let make = |key: &str, value: &str| {
        let script = format!("echo {value} > \"$ARCOFLOW_OUTPUT/value\"");
        with(asset(key, &script), check.clone())
    };
    let after = |key: &str, upstream: &str| {
        with(
            asset(key, "exit 0"),
            json!({ "upstreams": [{ "asset": upstream }] }),
        )
    };
    let assets = vec![
        make("raw/good", "good"),
        make("raw/bad", "bad"),
        after("mart/good", "raw/good"),
        after("mart/bad", "raw/bad"),
    ];
    let house = House::new(assets, 4).await;
    let (run, view) = house.run().await;
    assert_eq!(view.line.state, RunState::Failed);
    for (task, state) in [
        ("raw/good:check", "succeeded"),
        ("raw/bad:check", "failed"),
        ("mart/good:materialize", "succeeded"),
        ("mart/bad:materialize", "skipped"),
    ] {
        assert_eq!(
            house.task(run, task).await.line.state.as_str(),
            state,
            "{task}"
        );
    }
    let report = house.report(run, "raw/bad:check").await;
    assert_eq!(report.error.unwrap().category, ErrorCategory::DataQuality);
    let output = report.output.unwrap();
    assert!(!output.checks[0].passed);
    assert_eq!(output.output_path, None);
    let good = house.report(run, "raw/good:check").await;
    assert_eq!(good.output, None, "a check that wrote nothing made nothing");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_tried_again_in_a_clean_directory() {
    let script = r#"test -z "$(ls -A "$ARCOFLOW_OUTPUT")" || exit 9
        echo half > "$ARCOFLOW_OUTPUT/half"; test "$ARCOFLOW_ATTEMPT" = 3"#;
    let retry = json!({ "retry": { "maxAttempts": 3, "baseDelayMs": 0 } });
    let house = House::new(vec![with(asset("raw/a", script), retry)], 1).await;
    let (run, view) = house.run().await;
    assert_eq!(view.line.state, RunState::Succeeded);
    let reports = house.reports(run, "raw/a:materialize").await;
    let messages: Vec<_> = reports
        .iter()
        .map(|report| report.error.as_ref().map(|error| error.message.as_str()))
        .collect();
    assert_eq!(messages, [Some("exit code 1"), Some("exit code 1"), None]);
    house.close().await;
}
