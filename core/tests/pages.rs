//! What the pages for users show is so: their manifests deploy, their triggers compile, their plans are those.

use std::path::Path;

use arcoflow_core::automation::tick;
use arcoflow_core::identity::ids::AttemptId;
use arcoflow_core::identity::partition_key::Timestamp;
use arcoflow_core::plan::catalog::Catalog;
use arcoflow_core::plan::zone::Zone;
use arcoflow_core::plan::{self, MAX_TASKS, Plan, PlanError, selection};
use arcoflow_core::run::retry;
use arcoflow_core::wire::backfill::BackfillRequest;
use arcoflow_core::wire::event::{ErrorCategory, TaskError};
use arcoflow_core::wire::manifest::cron::Cron;
use arcoflow_core::wire::manifest::{Manifest, schema};
use arcoflow_core::wire::sensor::{SensorFindings, SensorMessage};
use arcoflow_core::wire::trigger::{Selection, Trigger};
use serde_json::Value;

/// 2024-02-02T12:00:00Z, as the pages say.
const AS_OF_MS: u64 = 1_706_875_200_000;

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The fenced blocks of a page: what stands behind the fence, and what is inside.
fn blocks(page: &str) -> Vec<(&str, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            let inside: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((kind, inside.join("\n")));
        }
    }
    blocks
}

fn json(kind: &str, text: &str) -> Value {
    if kind.starts_with("toml") {
        let table: toml::Table = text.parse().unwrap();
        serde_json::to_value(table).unwrap()
    } else {
        serde_json::from_str(text).unwrap()
    }
}

fn catalog(value: &Value) -> Catalog {
    let manifest = Manifest::parse(value.to_string().as_bytes()).unwrap();
    Catalog::new(manifest).unwrap_or_else(|findings| panic!("{findings:#?}"))
}

fn check_selections(catalog: &Catalog, text: &str) -> usize {
    for line in text.lines() {
        let (expression, expected) = line.split_once("=>").unwrap();
        let found = match selection::select(catalog, &Selection::One(expression.trim().into())) {
            Ok(assets) => {
                let keys: Vec<&str> = assets
                    .iter()
                    .map(|asset| catalog.asset(*asset).key.as_str())
                    .collect();
                keys.join(" ")
            }
            Err(refused) => refused.code.to_string(),
        };
        assert_eq!(found, expected.trim(), "{line}");
    }
    text.lines().count()
}

/// Tasks and what they need, as the pages write them.
fn lines(plan: &Result<Plan, PlanError>) -> Vec<String> {
    let plan = match plan {
        Ok(plan) => plan,
        Err(refused) => {
            let finding = &refused.finding;
            return vec![
                format!("{} {}", finding.code, finding.pointer)
                    .trim()
                    .to_string(),
            ];
        }
    };
    let task = |task: u32| {
        let needs = plan
            .upstreams(task)
            .iter()
            .map(|upstream| format!("  needs {}", plan.key(*upstream)));
        std::iter::once(plan.key(task).to_string()).chain(needs)
    };
    (0..plan.len()).flat_map(task).collect()
}

fn check_plan(catalog: &Catalog, text: &str) {
    let (trigger, expected) = text.split_once('\n').unwrap();
    let trigger = Trigger::parse(trigger.as_bytes()).unwrap();
    let found = lines(&plan::compile(catalog, &trigger, AS_OF_MS, MAX_TASKS));
    assert_eq!(found, expected.lines().collect::<Vec<_>>(), "{text}");
}

/// A message that a sensor takes, and the plan of its trigger.
fn check_message(catalog: &Catalog, text: &str) {
    let message: SensorMessage = serde_json::from_str(text).unwrap();
    let trigger = message.trigger.unwrap();
    plan::compile(catalog, &trigger, AS_OF_MS, MAX_TASKS).unwrap();
}

/// What a program may find, and the plans of what it wants.
fn check_findings(catalog: &Catalog, text: &str) {
    let findings: SensorFindings = serde_json::from_str(text).unwrap();
    for wanted in findings.runs {
        let declared = &catalog.manifest().sensors[1].trigger;
        let trigger = wanted.trigger.as_ref().unwrap_or(declared);
        plan::compile(catalog, trigger, AS_OF_MS, MAX_TASKS).unwrap();
    }
}

/// Expression, zone and time, and the ticks after it.
fn check_ticks(text: &str) -> usize {
    let minutes = |text: &str| {
        let at = Timestamp::parse(&format!("{text}:00.000000Z")).unwrap();
        at.micros() / 1_000_000
    };
    for line in text.lines() {
        let (question, expected) = line.split_once("=>").unwrap();
        let parts: Vec<&str> = question.split('|').map(str::trim).collect();
        let (cron, zone) = (
            Cron::parse(parts[0]).unwrap(),
            Zone::find(parts[1]).unwrap(),
        );
        let mut after = minutes(parts[2]);
        for tick in expected.split_whitespace() {
            let found = tick::next_after(&cron, &zone, after).unwrap();
            assert_eq!(found, minutes(tick), "{line}");
            after = found;
        }
    }
    text.lines().count()
}

/// An asset, and the shortest and the longest delay after each attempt.
fn check_delays(catalog: &Catalog, text: &str) -> usize {
    let failed = TaskError {
        category: ErrorCategory::UserCode,
        message: String::new(),
        retryable: None,
        retry_after_ms: None,
        truncated: false,
    };
    for line in text.lines() {
        let (asset, expected) = line.split_once(" | ").unwrap();
        let policy = &catalog.asset(catalog.find_text(asset).unwrap()).retry;
        let mut said = Vec::new();
        for attempt in 1..policy.max_attempts {
            // The jitter follows from the end of the id: none of it, and all of it.
            let delay = |fill| {
                retry::delay_ms(policy, attempt, &AttemptId::from_bytes([fill; 16]), &failed)
            };
            said.push(format!("{}..{}", delay(0), delay(0xff)));
        }
        said.push("end".to_string());
        assert_eq!(said.join(" "), expected, "{line}");
    }
    text.lines().count()
}

/// Commands name verbs and options that the reference of the command line has.
fn check_verbs(text: &str) {
    let reference = page("cli.md");
    for line in text.lines() {
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some("arcoflow"), "{line}");
        let verb = words.next().unwrap();
        assert!(
            reference.contains(&format!("## `arcoflow {verb}")),
            "{line}"
        );
        for option in words.filter(|word| word.starts_with("--")) {
            assert!(reference.contains(option), "{option} in {line}");
        }
    }
}

#[test]
fn every_block_of_the_pages_is_so() {
    let schema = jsonschema::validator_for(&schema::json_schema()).unwrap();
    let mut checked = 0;
    for name in [
        "manifest.md",
        "selection.md",
        "partitions.md",
        "schedules.md",
        "concepts.md",
        "backfills.md",
        "retries.md",
        "sensors.md",
        "automations.md",
    ] {
        let page = page(name);
        let mut known = None;
        for (kind, text) in blocks(&page) {
            match (kind, &known) {
                ("toml manifest" | "json manifest", _) => {
                    let value = json(kind, &text);
                    assert_eq!(
                        schema.validate(&value).map_err(|error| error.to_string()),
                        Ok(())
                    );
                    known = Some(catalog(&value));
                }
                ("json trigger", _) => drop(Trigger::parse(text.as_bytes()).unwrap()),
                ("json message", Some(catalog)) => check_message(catalog, &text),
                ("json findings", Some(catalog)) => check_findings(catalog, &text),
                ("selection", Some(catalog)) => checked += check_selections(catalog, &text),
                ("ticks", _) => checked += check_ticks(&text),
                ("plan", Some(catalog)) => check_plan(catalog, &text),
                ("json backfill", _) => {
                    drop(serde_json::from_str::<BackfillRequest>(&text).unwrap())
                }
                ("delays", Some(catalog)) => checked += check_delays(catalog, &text),
                ("sh", _) => check_verbs(&text),
                // What a program prints is held to the program, in its own tests.
                ("" | "text", _) => continue,
                (kind, _) => panic!("{name}: a block of `{kind}` is not understood"),
            }
            checked += 1;
        }
    }
    assert!(checked > 20, "{checked} examples were checked");
}

#[test]
fn the_schema_in_the_repository_is_that_of_the_code() {
    let stored: Value = serde_json::from_str(&page("manifest.schema.json")).unwrap();
    assert!(
        stored == schema::json_schema(),
        "`cargo xtask docs` writes the schema"
    );
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let schema = jsonschema::validator_for(&schema::json_schema()).unwrap();
    let asset =
        r#""key":"a/b","id":"01930a0b-1234-7abc-9def-000000000001","run":{"command":["x"]}"#;
    let rows = [
        (format!(r#"{{"version":1,"assets":[{{{asset}}}]}}"#), true),
        (format!(r#"{{"version":1,"assets":[{{{asset},"upstreams":[{{"asset":"a/c","mapping":{{"window":3}}}}]}}]}}"#), true),
        (format!(r#"{{"version":1,"assets":[{{{asset},"upstreams":[{{"asset":"a/c","mapping":"latest"}}]}}]}}"#), true),
        (r#"{"version":1,"schedules":[{"name":"n","cron":"* * * * *","trigger":{"selection":["a"]}}]}"#.into(), true),
        ("[]".into(), false),
        ("{}".into(), false),
        (r#"{"version":1,"asset":[]}"#.into(), false),
        (r#"{"version":1,"assets":[{"key":"a/b"}]}"#.into(), false),
        (format!(r#"{{"version":1,"assets":[{{{asset},"key":"A"}}]}}"#), false),
        (format!(r#"{{"version":1,"assets":[{{{asset},"upstreams":[{{"asset":"a/c","mapping":"some"}}]}}]}}"#), false),
        (format!(r#"{{"version":1,"assets":[{{{asset},"partitions":[{{"name":"d","kind":"yearly"}}]}}]}}"#), false),
        (format!(r#"{{"version":1,"assets":[{{{asset},"retry":{{"attempts":1}}}}]}}"#), false),
        (r#"{"version":1,"schedules":[{"name":"n","cron":"* * * * *","trigger":{"select":"a"}}]}"#.into(), false),
    ];
    for (text, fits) in rows {
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(schema.is_valid(&value), fits, "{text}");
        let read = serde_json::from_value::<Manifest>(value);
        assert_eq!(read.is_ok(), fits, "{text}: {read:?}");
    }
}
