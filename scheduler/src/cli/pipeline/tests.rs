//! A pipeline file is refused at its place, whichever way it is written.

use super::*;

const ID: &str = "01a2051a-22e4-7b63-848f-eb440fcc7a3c";

fn findings_of(name: &str, text: &str) -> Vec<(String, usize, usize, String)> {
    let directory =
        std::env::temp_dir().join(format!("arcoflow-pipeline-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a temporary directory can be made");
    let path = directory.join(name);
    std::fs::write(&path, text).expect("a temporary file can be written");
    let read = Pipeline::open(&path);
    std::fs::remove_dir_all(&directory).expect("a temporary directory can be removed");
    match read {
        Ok(pipeline) => {
            assert_eq!(pipeline.assets, 1);
            Vec::new()
        }
        Err(failure) => failure
            .findings
            .iter()
            .map(|placed| {
                let code = placed.finding.code.to_string();
                (
                    code,
                    placed.line,
                    placed.column,
                    placed.finding.message.clone(),
                )
            })
            .collect(),
    }
}

fn check(name: &str, text: &str, expected: &[(&str, usize, usize)]) {
    let found = findings_of(name, text);
    let places: Vec<(&str, usize, usize)> = found
        .iter()
        .map(|(code, line, column, _)| (code.as_str(), *line, *column))
        .collect();
    assert_eq!(places, expected, "{text}\n{found:?}");
}

#[test]
fn a_toml_file_is_refused_at_line_and_column() {
    let asset =
        format!("[[assets]]\nkey = \"a/b\"\nid = \"{ID}\"\nrun = {{ command = [\"x\"] }}\n");
    let rows: &[(&str, String, &[(&str, usize, usize)])] = &[
        ("good", format!("version = 1\n{asset}"), &[]),
        ("syntax", "version = \n".into(), &[("toml.syntax", 1, 11)]),
        (
            "twice",
            format!("version = 1\nversion = 1\n{asset}"),
            &[("toml.syntax", 2, 1)],
        ),
        (
            "float",
            format!("version = 1\n{asset}retry = {{ factor = 1.5 }}\n"),
            &[("toml.float", 6, 20)],
        ),
        (
            "range",
            format!("version = 99999999999999999999\n{asset}"),
            &[("toml.range", 1, 11)],
        ),
        (
            "version",
            format!("version = 2\n{asset}"),
            &[("manifest.version", 1, 11)],
        ),
        (
            "upstream",
            format!("version = 1\n{asset}upstreams = [{{ asset = \"a/c\" }}]\n"),
            &[("manifest.unknown_upstream", 6, 24)],
        ),
        (
            "type",
            format!("version = 1\n{asset}priority = \"high\"\n"),
            &[("manifest.shape", 6, 12)],
        ),
        (
            "missing",
            "version = 1\n[[assets]]\nkey = \"a/b\"\n".into(),
            &[("manifest.shape", 2, 1)],
        ),
        (
            "unknown",
            format!("version = 1\n{asset}colour = 1\n"),
            &[("manifest.shape", 6, 10)],
        ),
    ];
    for (name, text, expected) in rows {
        check(&format!("{name}.toml"), text, expected);
    }
}

#[test]
fn a_json_file_is_refused_at_line_and_column() {
    let asset =
        format!("{{\"key\": \"a/b\", \"id\": \"{ID}\",\n \"run\": {{\"command\": [\"x\"]}}");
    let rows: &[(&str, String, &[(&str, usize, usize)])] = &[
        (
            "good",
            format!("{{\"version\": 1, \"assets\": [{asset}}}]}}"),
            &[],
        ),
        (
            "syntax",
            "{\"version\":\n  1,,}".into(),
            &[("json.syntax", 2, 5)],
        ),
        (
            "twice",
            "{\"a\": 1,\n \"a\": 2}".into(),
            &[("json.duplicate_key", 2, 2)],
        ),
        (
            "float",
            "{\"version\": 1.5}".into(),
            &[("json.float", 1, 13)],
        ),
        (
            "upstream",
            format!(
                "{{\"version\": 1, \"assets\": [{asset},\n  \"upstreams\": [{{\"asset\": \"a/c\"}}]}}]}}"
            ),
            &[("manifest.unknown_upstream", 3, 27)],
        ),
    ];
    for (name, text, expected) in rows {
        check(&format!("{name}.json"), text, expected);
    }
}

#[test]
fn dates_may_stand_without_quotes() {
    let text = format!(
        "version = 1\n[[assets]]\nkey = \"a/b\"\nid = \"{ID}\"\nrun = {{ command = [\"x\"] }}\n\
         partitions = [{{ name = \"day\", kind = \"daily\", start = 2012-01-01 }}]\n"
    );
    check("dates.toml", &text, &[]);
}

#[test]
fn a_directory_without_a_pipeline_file_says_what_to_do() {
    let failure = find(Path::new("src")).expect_err("there is no pipeline in the source directory");
    assert_eq!(failure.what, "there is no `arcoflow.toml` here");
    assert!(
        failure
            .hints
            .iter()
            .any(|hint| hint.contains("examples/weather"))
    );
}
