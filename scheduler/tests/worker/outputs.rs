//! A program finds everything that it needs in its environment, and what it made is found by whoever comes after it.

use arcoflow::worker::Worker;
use arcoflow_core::wire::view::RunState;
use serde_json::{Value, json};

use crate::house::{House, asset, with};

#[tokio::test(flavor = "multi_thread")]
async fn a_program_works_from_its_envelope_and_what_it_made_is_linked() {
    let make = r#"cp "$ARCOFLOW_ENVELOPE" "$ARCOFLOW_OUTPUT/envelope"; env > "$ARCOFLOW_OUTPUT/env"; pwd > "$ARCOFLOW_OUTPUT/cwd"
        stat -c %a "$ARCOFLOW_ENVELOPE" > "$ARCOFLOW_OUTPUT/mode"; echo "$GREETING" > "$ARCOFLOW_OUTPUT/greeting""#;
    let month = json!([{ "name": "month", "kind": "static", "values": ["may", "june"] }]);
    let mut raw = with(asset("raw/a", make), json!({ "partitions": month }));
    raw["run"]["env"] = json!({ "GREETING": "hello" });
    let read = r#"grep -o '"outputPath": "[^"]*"' "$ARCOFLOW_ENVELOPE" | cut -d '"' -f 4 | while read p; do cat "$p/greeting"; done > "$ARCOFLOW_OUTPUT/all""#;
    let mart = with(
        asset("mart/b", read),
        json!({ "upstreams": [{ "asset": "raw/a" }] }),
    );
    let house = House::new(vec![raw, mart], 2).await;
    let (run, view) = house.run().await;
    assert_eq!(view.line.state, RunState::Succeeded);

    let latest = house.data().join("latest");
    let all = std::fs::read_to_string(latest.join("mart/b/all/all")).unwrap();
    assert_eq!(all, "hello\nhello\n");
    let partitions: Vec<_> = std::fs::read_dir(latest.join("raw/a")).unwrap().collect();
    assert_eq!(partitions.len(), 2);
    let made = partitions[0].as_ref().unwrap().path();
    let text = |name: &str| std::fs::read_to_string(made.join(name)).unwrap();
    assert_eq!(text("mode"), "600\n");
    assert_eq!(
        text("cwd").trim(),
        house.pipeline().canonicalize().unwrap().to_str().unwrap()
    );
    let envelope: Value = serde_json::from_str(&text("envelope")).unwrap();
    assert_eq!(envelope["runId"], run.to_string());
    let env = text("env");
    let variable = |name: &str| {
        let begin = format!("{name}=");
        let line = env.lines().find(|line| line.starts_with(&begin));
        line.map(|line| line[begin.len()..].to_owned())
    };
    assert_eq!(variable("ARCOFLOW_RUN_ID"), Some(run.to_string()));
    assert_eq!(variable("ARCOFLOW_ATTEMPT").as_deref(), Some("1"));
    assert_eq!(
        variable("ARCOFLOW_TASK_KEY").as_deref(),
        envelope["taskKey"].as_str()
    );
    let token = envelope["taskToken"].as_str().unwrap();
    assert!(!env.contains(token) && !env.contains(&house.local.api_key));

    // A second run makes new directories, and the links follow.
    let before = std::fs::read_link(latest.join("mart/b/all")).unwrap();
    let (_, view) = house.run().await;
    assert_eq!(view.line.state, RunState::Succeeded);
    let after = std::fs::read_link(latest.join("mart/b/all")).unwrap();
    assert_ne!(before, after);
    let work = std::fs::read_dir(house.data().join("work")).unwrap();
    let mut names: Vec<_> = work.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["done", "lock"], "nothing is left unfinished");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_output_is_never_linked() {
    let script = r#"echo "$ARCOFLOW_ATTEMPT" > "$ARCOFLOW_OUTPUT/n"; test ! -e fail"#;
    let house = House::new(vec![asset("raw/a", script)], 1).await;
    let (_, view) = house.run().await;
    assert_eq!(view.line.state, RunState::Succeeded);
    let link = house.data().join("latest/raw/a/all");
    let good = std::fs::read_link(&link).unwrap();
    std::fs::write(house.pipeline().join("fail"), "").unwrap();
    let (_, view) = house.run().await;
    assert_eq!(view.line.state, RunState::Failed);
    assert_eq!(std::fs::read_link(&link).unwrap(), good);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_inputs_stand_in_the_envelope_and_a_no_op_worker_makes_three_hundred() {
    let values: Vec<String> = (0..300).map(|value| format!("v{value}")).collect();
    let many = json!({
        "queue": "no-op",
        "partitions": [{ "name": "v", "kind": "static", "values": values }],
    });
    let count = r#"grep -c '"materializationId"' "$ARCOFLOW_ENVELOPE" > "$ARCOFLOW_OUTPUT/count""#;
    let mart = with(
        asset("mart/b", count),
        json!({ "upstreams": [{ "asset": "raw/a", "mapping": "all" }] }),
    );
    let house = House::new(vec![with(asset("raw/a", "exit 1"), many), mart], 1).await;
    let queues = vec!["no-op".to_owned()];
    let no_op = Worker::start_no_op(house.local.client.clone(), "no-op".to_owned(), queues, 32);
    let (_, view) = house.run().await;
    assert_eq!(view.line.state, RunState::Succeeded);
    let count = std::fs::read_to_string(house.data().join("latest/mart/b/all/count")).unwrap();
    assert_eq!(count, "300\n");
    no_op.shutdown().await;
    house.close().await;
}
