//! The core answers every fixture, and the fixtures are what the oracle says.

use std::path::Path;
use std::process::Command;

use arcoflow_core::answer::answer_line;
use arcoflow_core::identity::error::Code;
use arcoflow_tests::fixtures::target::compare;
use arcoflow_tests::fixtures::{identity_directory, load};

#[test]
fn the_core_answers_every_fixture() {
    let cases = load(&identity_directory()).unwrap();
    assert!(cases.len() >= 1_500, "{} cases", cases.len());
    let answers: Vec<String> = cases
        .iter()
        .map(|case| String::from_utf8(answer_line(case.line.as_bytes())).unwrap())
        .collect();
    let report = compare("core", &cases, answers.iter().map(String::as_str));
    let shown: Vec<&String> = report.failures.iter().take(20).collect();
    assert!(
        shown.is_empty(),
        "{} of {} failed\n{shown:#?}",
        report.failures.len(),
        report.cases
    );
}

#[test]
fn the_fixtures_are_what_the_oracle_says() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/generate.py");
    let output = Command::new("python3")
        .arg(script)
        .arg("--check")
        .output()
        .expect("install python3");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn every_code_that_a_text_can_have_is_in_the_fixtures() {
    // Ranges and values are asked by tests of their own: no operation of the protocol takes them.
    const ELSEWHERE: [Code; 9] = [
        Code::JsonUnsafeInteger,
        Code::JsonKey,
        Code::JsonCycle,
        Code::JsonValue,
        Code::PartitionRange,
        Code::PartitionRangeTooLarge,
        Code::PartitionIdSyntax,
        Code::DigestSyntax,
        Code::TimerIdSyntax,
    ];
    let mut text = String::new();
    for entry in std::fs::read_dir(identity_directory()).unwrap() {
        text.push_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    for code in Code::ALL {
        let asked = text.contains(&format!("\"error\": {{\"code\": \"{}\"", code.as_str()));
        assert_eq!(
            asked,
            !ELSEWHERE.contains(code),
            "add a case for `{}`, or take it off the list",
            code.as_str()
        );
    }
}
