//! Against a door of its own, each verb says what is so, and ends with the code that it promises.

use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::binary::{Place, wait_for};

/// Three assets in a row; the check of the second one fails while the file `broken` is there.
const PIPELINE: &str = r#"
version = 1
name = "tiny"

[[assets]]
key = "raw/letters"
id = "01a2051a-22e4-7b63-848f-eb440fcc7a3c"
partitions = [{ name = "letter", kind = "static", values = ["a", "b"] }]
run = { command = ["sh", "-c", "echo made a letter; echo x > $ARCOFLOW_OUTPUT/letter"] }

[[assets]]
key = "staging/words"
id = "01a2051a-2456-7874-8ad7-9352e1523a11"
upstreams = [{ asset = "raw/letters" }]
run = { command = ["sh", "-c", "echo made words"] }
check = { run = { command = ["sh", "check.sh"] } }

[[assets]]
key = "mart/book"
id = "01a2051a-25c9-7f23-b5de-c7b2a1ddf370"
upstreams = [{ asset = "staging/words" }]
run = { command = ["sh", "-c", "while [ -e slow ]; do sleep 0.05; done; echo made a book; echo '<p>' > $ARCOFLOW_OUTPUT/book.html"] }
"#;

const CHECK: &str = r#"
if [ -e broken ]; then
  echo "FAILED a word is misspelt"
  echo '{"error":{"category":"DATA_QUALITY","message":"a word is misspelt"}}' > "$ARCOFLOW_RESULT"
  exit 1
fi
"#;

/// A door with a worker, over the tiny pipeline.
pub(crate) struct House {
    pub(crate) place: Place,
    process: Child,
}

impl House {
    fn open(name: &str) -> House {
        let place = Place::new(name);
        place.write("arcoflow.toml", PIPELINE);
        place.write("check.sh", CHECK);
        House::over(place)
    }

    /// A door with a worker, over a pipeline.
    pub(crate) fn with(name: &str, pipeline: &str) -> House {
        let place = Place::new(name);
        place.write("arcoflow.toml", pipeline);
        House::over(place)
    }

    fn over(place: Place) -> House {
        let process = place.start(&["dev", ".", "--no-run", "--listen", "127.0.0.1:0"]);
        wait_for("the door", || {
            let health = place.run(&["--json", "doctor", "."]);
            let checks = health
                .json_lines()
                .first()?
                .get("checks")?
                .as_array()?
                .clone();
            let decides = |check: &Value| check["check"] == "scheduler" && check["result"] == "ok";
            checks.iter().any(decides).then_some(())
        });
        wait_for("the deployment", || {
            (place.run(&["--json", "deploy"]).code == 0).then_some(())
        });
        House { place, process }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> super::binary::Ended {
        self.place.run(arguments)
    }

    /// Where its door listens.
    fn url(&self) -> String {
        let client = self.place.path(".arcoflow/client.json");
        let client = std::fs::read(client).expect("the door wrote it");
        let client: Value = serde_json::from_slice(&client).expect("it is JSON");
        client["url"].as_str().expect("it has a URL").to_owned()
    }

    /// Ends the house as a service manager would.
    pub(crate) fn close(mut self) -> Place {
        self.end();
        let place = Place::empty();
        std::mem::replace(&mut self.place, place)
    }

    fn end(&mut self) {
        if let Some(pid) = i32::try_from(self.process.id())
            .ok()
            .and_then(Pid::from_raw)
        {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.process.wait();
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.end();
    }
}

#[test]
fn a_run_that_succeeds_is_told_and_can_be_looked_at_when_the_door_is_closed() {
    let house = House::open("good");
    let ended = house.run(&["run", "--all", "--wait"]).code(0);
    assert!(ended.out.contains("succeeded in"), "{}", ended.out);
    assert!(
        ended
            .out
            .contains(".arcoflow/latest/mart/book/all/book.html"),
        "{}",
        ended.out
    );
    assert!(
        ended.err.contains("raw/letters: 2 of 2 tasks succeeded"),
        "{}",
        ended.err
    );

    let view = house
        .run(&["--json", "run", "--all", "--wait"])
        .code(0)
        .json();
    assert_eq!(view["state"], "succeeded");
    assert_eq!(view["counts"]["succeeded"], 5);

    let lines = house.run(&["--json", "runs"]).code(0).json_lines();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["runId"], view["runId"]);

    let place = house.close();
    for arguments in [
        &["status"][..],
        &["runs"],
        &["events", "--run", "latest"],
        &["logs", "latest", "mart/book"],
        &["explain", "latest", "letters", "a"],
        &["ledger", "verify"],
    ] {
        let ended = place.run(arguments).code(0);
        assert!(!ended.out.is_empty(), "{arguments:?}");
    }
    let refused = place.run(&["run", "--all"]).code(3);
    assert!(refused.err.contains("arcoflow dev"), "{}", refused.err);
}

#[test]
fn a_run_that_fails_ends_with_1_and_says_why() {
    let house = House::open("bad");
    house.place.write("broken", "");
    let ended = house.run(&["run", "--all", "--wait"]).code(1);
    assert!(
        ended.out.contains("staging/words:check failed"),
        "{}",
        ended.out
    );
    assert!(
        ended.out.contains("DATA_QUALITY: a word is misspelt"),
        "{}",
        ended.out
    );
    assert!(ended.err.contains("arcoflow rerun"), "{}", ended.err);

    let told = house.run(&["explain", "latest", "mart/book"]).code(0).out;
    assert!(
        told.contains("`mart/book` was skipped, because `staging/words:check` failed"),
        "{told}"
    );
    let view = house
        .run(&["--json", "explain", "latest", "words", "check"])
        .code(0)
        .json();
    assert_eq!(view["state"], "failed");
    assert_eq!(view["attemptsMade"][0]["error"]["category"], "DATA_QUALITY");
    let log = house
        .run(&["logs", "latest", "staging/words:check"])
        .code(0);
    assert_eq!(log.out, "FAILED a word is misspelt\n");

    std::fs::remove_file(house.place.path("broken")).expect("the file is there");
    let again = house
        .run(&["--json", "rerun", "latest", "--wait"])
        .code(0)
        .json();
    assert_eq!(
        again["counts"]["succeeded"], 2,
        "only what did not succeed is repeated: {again}"
    );
}

#[test]
fn names_may_be_short_and_are_never_guessed_from() {
    let house = House::open("names");
    let run = house
        .run(&["--json", "run", "--all", "--wait"])
        .code(0)
        .json();
    let id = run["runId"].as_str().expect("a run has an id").to_string();
    for name in [
        &id[..],
        &id[..20],
        &id[16..],
        &id[16..].to_lowercase(),
        "latest",
    ] {
        let view = house.run(&["--json", "status", name]).code(0).json();
        assert_eq!(view["runId"].as_str(), Some(id.as_str()), "{name}");
    }
    let rows: &[(&[&str], &str)] = &[
        (
            &["status", "01ZZZZZZ"],
            "no run begins or ends with `01ZZZZZZ`",
        ),
        (&["status", "01"], "is no run id"),
        (
            &["explain", "latest", "letters"],
            "`letters` could be any of 2 tasks",
        ),
        (&["explain", "latest", "sausages"], "matches `sausages`"),
        (
            &["status", "01ZZZZZZZZZZZZZZZZZZZZZZZZ"],
            "no run of this workspace has that id",
        ),
    ];
    for (arguments, expected) in rows {
        let ended = house.run(arguments).code(2);
        assert!(
            ended.err.contains(expected),
            "{arguments:?}:\n{}",
            ended.err
        );
    }
    let view = house
        .run(&["--json", "explain", "latest", "raw/letters[letter=b]"])
        .code(0)
        .json();
    assert_eq!(view["taskKey"], "raw/letters[letter=s:Yg]:materialize");
    let asset = house
        .run(&["--json", "explain", "latest", "staging/words"])
        .code(0)
        .json();
    assert_eq!(
        asset["taskKey"], "staging/words:materialize",
        "an exact name goes before a part of one"
    );
}

#[test]
fn what_is_refused_has_its_code_and_its_place() {
    let house = House::open("refused");
    let problem = house
        .run(&["--json", "run", "mart/bok", "--all"])
        .code(2)
        .problem();
    assert_eq!(
        problem["type"],
        "https://arcoflow.dev/problems/plan-invalid"
    );
    assert_eq!(problem["errors"][0]["pointer"], "/selection");
    assert_eq!(problem["exitCode"], 2);

    house
        .run(&["run", "mart/book", "--run-key", "k1", "--wait"])
        .code(0);
    house
        .run(&["run", "mart/book", "--run-key", "k1", "--wait"])
        .code(0);
    let conflict = house
        .run(&["run", "staging/words", "--run-key", "k1"])
        .code(4);
    assert!(
        conflict.err.contains("arcoflow status 01"),
        "{}",
        conflict.err
    );
    let ended = house.run(&["cancel", "latest"]).code(4);
    assert!(ended.err.contains("rerun"), "{}", ended.err);
    let connection =
        std::fs::read(house.place.path(".arcoflow/client.json")).expect("the door wrote it");
    let connection: Value = serde_json::from_slice(&connection).expect("it is JSON");
    let url = connection["url"].as_str().expect("it has a URL");
    let ended = house
        .run(&["runs", "--url", url, "--token", "arco_a_wrong"])
        .code(2);
    assert!(ended.err.contains("ARCOFLOW_TOKEN"), "{}", ended.err);
    house.run(&["runs", "--url", url]).code(0);

    house.place.write(
        "arcoflow.toml",
        &PIPELINE.replace("01a2051a-25c9", "01a2051a-25ca"),
    );
    let ended = house.run(&["deploy"]).code(2);
    assert!(ended.err.contains("arcoflow.toml:20:6"), "{}", ended.err);
    assert!(
        ended.err.contains("the id of `mart/book` was"),
        "{}",
        ended.err
    );
}

#[test]
fn waiting_has_an_end_and_a_cancel_has_an_effect() {
    let house = House::open("waits");
    house.place.write("slow", "");
    let ended = house
        .run(&["run", "--all", "--wait", "--timeout", "1s"])
        .code(5);
    assert!(
        ended.err.contains("the run has not ended within 1.0 s"),
        "{}",
        ended.err
    );
    let refused = house.run(&["rerun", "latest"]).code(4);
    assert!(refused.err.contains("arcoflow cancel"), "{}", refused.err);
    let view = house
        .run(&["--json", "cancel", "latest", "--reason", "a test", "--wait"])
        .code(0)
        .json();
    assert_eq!(view["state"], "cancelled");
    let told = house.run(&["explain", "latest", "mart/book"]).code(0).out;
    assert!(told.contains("a test"), "{told}");
}

#[test]
fn a_ledger_that_was_touched_is_found_at_the_record() {
    let house = House::open("verify");
    house.run(&["run", "--all", "--wait"]).code(0);
    let over_http = house
        .run(&["--json", "ledger", "verify", "--url", &house.url()])
        .code(0)
        .json();
    let in_place = house.run(&["--json", "ledger", "verify"]).code(0).json();
    assert_eq!(over_http["chain"], in_place["chain"]);
    let exported = house.run(&["ledger", "export"]).code(0).json_lines();
    assert_eq!(
        exported.len() as u64,
        in_place["head"].as_u64().unwrap_or(0)
    );
    let of_first = house.run(&["ledger", "export", "--shard", "0"]).code(0);
    assert_eq!(of_first.json_lines(), exported);
    for verb in [&["events"][..], &["ledger", "export"]] {
        let refused = house.run(&[verb, &["--shard", "1"]].concat()).code(2).err;
        assert!(refused.contains("the workspace has one"), "{refused}");
    }
    let to_files = [
        "ledger",
        "export",
        "--out",
        "ledger.jsonl",
        "--manifests",
        "kept",
    ];
    let told = house.run(&to_files).code(0).err;
    assert!(told.contains("1 manifest in kept"), "{told}");
    let place = house.close();
    let mut replay = arcoflow_core::door::replay::Replay::default();
    for entry in std::fs::read_dir(place.path("kept")).expect("the manifests were written") {
        let content = std::fs::read(entry.expect("a manifest").path()).expect("it can be read");
        replay.learn(&content).expect("it is a manifest");
    }
    let lines = std::fs::read_to_string(place.path("ledger.jsonl")).expect("it was written");
    for line in lines.lines() {
        replay.take_line(line.as_bytes()).expect("it holds");
    }
    let result = replay.result();
    assert!(result.runs.iter().all(|run| run.state.is_some()));
    assert_eq!(result.head.to_hex(), in_place["chain"]);

    let rows: &[(&str, &str)] = &[
        (
            "UPDATE record SET body = replace(body, '\"attempt\":1', '\"attempt\":2') WHERE seq = 4",
            "record 4 is broken",
        ),
        (
            "DELETE FROM record WHERE seq = 3",
            "record 4 is broken: record 4 follows record 2",
        ),
        (
            "UPDATE attempt SET state = 4 WHERE task_key = 'mart/book:materialize'",
            "the attempts differ from what the records say",
        ),
        (
            "DELETE FROM materialization WHERE asset = 'mart/book'",
            "the materializations differ",
        ),
    ];
    for (index, (statement, expected)) in rows.iter().enumerate() {
        let copy = place.path(&format!("copy-{index}.db"));
        for suffix in ["", "-wal"] {
            let name = format!(".arcoflow/ledger.db{suffix}");
            if place.path(&name).is_file() {
                let copy = place.path(&format!("copy-{index}.db{suffix}"));
                std::fs::copy(place.path(&name), copy).expect("the ledger can be copied");
            }
        }
        let connection = rusqlite::Connection::open(&copy).expect("the copy can be opened");
        assert!(
            connection
                .execute(statement, [])
                .expect("the copy can be changed")
                > 0
        );
        drop(connection);
        let name = copy.to_string_lossy().into_owned();
        let ended = place.run(&["ledger", "verify", "--file", &name]).code(1);
        assert!(ended.out.contains(expected), "{statement}:\n{}", ended.out);
    }

    // Over HTTP a record is checked before anything that it names is asked for.
    let ledger = place.path(".arcoflow/ledger.db");
    let connection = rusqlite::Connection::open(ledger).expect("the ledger can be opened");
    let touched = "UPDATE record SET body = replace(body, substr(body, instr(body, 'sha256:') + 7, 8), '00000000') WHERE kind = 'run_triggered'";
    assert_eq!(connection.execute(touched, []), Ok(1));
    drop(connection);
    let house = House::over(place);
    let ended = house
        .run(&["ledger", "verify", "--url", &house.url()])
        .code(1);
    assert!(ended.out.contains("record 2 is broken"), "{}", ended.out);
}

#[test]
fn a_second_house_over_the_same_directory_is_refused() {
    let house = House::open("second");
    let ended = house.run(&["dev", ".", "--listen", "127.0.0.1:0"]).code(4);
    assert!(ended.err.contains("another arcoflow"), "{}", ended.err);
    let events = house
        .run(&["--json", "events", "--after", "0"])
        .code(0)
        .json_lines();
    assert_eq!(events[0]["kind"], "manifest_deployed");
    assert_eq!(events[0]["seq"], 1);
}
