//! A pipeline file that cannot be deployed is shown with its line, for people and for programs.

use super::binary::Place;

const ASSET: &str = "[[assets]]\nkey = \"a/b\"\nid = \"01a2051a-22e4-7b63-848f-eb440fcc7a3c\"\nrun = { command = [\"true\"] }\n";

#[test]
fn a_line_is_shown_with_a_mark_under_the_place() {
    let place = Place::new("caret");
    place.write(
        "arcoflow.toml",
        &format!("version = 1\n{ASSET}upstreams = [{{ asset = \"a/c\" }}]\n"),
    );
    let ended = place.run(&["deploy", "--check"]).code(2);
    assert_eq!(ended.out, "");
    let expected = "  ╭─ ./arcoflow.toml:6:24\n6 │ upstreams = [{ asset = \"a/c\" }]\n  │                        ^^^^^\n";
    assert!(ended.err.contains(expected), "{}", ended.err);
    assert!(
        ended
            .err
            .contains("the pipeline cannot be deployed: 1 finding"),
        "{}",
        ended.err
    );
}

#[test]
fn a_program_gets_file_line_and_column() {
    let place = Place::new("caret-json");
    place.write(
        "arcoflow.toml",
        &format!("version = 1\n{ASSET}priority = 1.5\nretry = {{ factor = 2.5 }}\n"),
    );
    let problem = place
        .run(&["--json", "deploy", "--check", "arcoflow.toml"])
        .code(2)
        .problem();
    let errors = problem["errors"].as_array().expect("there are errors");
    let places: Vec<(&str, u64, u64)> = errors
        .iter()
        .map(|error| {
            let text = error["code"].as_str().unwrap_or("");
            (
                text,
                error["line"].as_u64().unwrap_or(0),
                error["column"].as_u64().unwrap_or(0),
            )
        })
        .collect();
    assert_eq!(
        places,
        [("toml.float", 6, 12), ("toml.float", 7, 20)],
        "{problem}"
    );
    assert_eq!(errors[0]["file"], "arcoflow.toml");
    assert_eq!(problem["exitCode"], 2);
}

#[test]
fn toml_and_json_of_the_same_manifest_have_one_address() {
    let place = Place::new("address");
    place.write("arcoflow.toml", &format!("version = 1\n{ASSET}"));
    place.write(
        "other/arcoflow.json",
        r#"{"assets":[{"run":{"command":["true"]},"key":"a/b","id":"01a2051a-22e4-7b63-848f-eb440fcc7a3c"}],"version":1}"#,
    );
    let toml = place.run(&["--json", "deploy", "--check"]).code(0).json();
    let json = place
        .run(&["--json", "deploy", "--check", "other"])
        .code(0)
        .json();
    assert_eq!(toml["manifest"], json["manifest"]);
    assert_eq!(toml["assets"], 1);
}

#[test]
fn a_file_that_is_not_there_is_a_usage_error() {
    let place = Place::new("missing");
    let ended = place.run(&["deploy"]).code(2);
    assert!(
        ended.err.contains("there is no `arcoflow.toml` here"),
        "{}",
        ended.err
    );
    let ended = place.run(&["deploy", "nowhere"]).code(2);
    assert!(
        ended.err.contains("there is no such file or directory"),
        "{}",
        ended.err
    );
}
