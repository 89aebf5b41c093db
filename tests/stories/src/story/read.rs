//! The text of a scenario file becomes stories, or a sentence that names the line and says what it should have been.

use std::collections::BTreeSet;

use super::clock::{duration_ms, moment_ms};
use super::command::Command;
use super::words::Words;
use super::{At, Pipeline, Step, Story, pipeline};

/// The beginning of a story that names none.
const BEGINS: &str = "2026-01-01T00:00:00Z";

/// Reads a file. `file` is its name without the ending; it begins the names of its stories.
///
/// # Errors
/// `FILE:LINE: sentence` for the first line that is wrong.
pub fn read(file: &str, text: &str) -> Result<Vec<Story>, String> {
    let mut stories: Vec<Story> = Vec::new();
    let mut names = BTreeSet::new();
    for (number, line) in (1..).zip(text.lines()) {
        let say = |problem: String| format!("{file}.scenario:{number}: {problem}");
        let line = line.trim_end();
        let trimmed = line.trim_start();
        if let Some(name) = trimmed.strip_prefix("story ") {
            let story = begin(file, name.trim()).map_err(say)?;
            if !names.insert(story.name.clone()) {
                return Err(say(format!("`{name}` stands twice")));
            }
            stories.push(story);
        } else if let Some(story) = stories.last_mut() {
            read_line(story, number, trimmed).map_err(say)?;
        } else if !(trimmed.is_empty() || trimmed.starts_with('#')) {
            return Err(say("a file begins with `story NAME`".to_owned()));
        }
    }
    for story in &stories {
        if story.about.is_empty() {
            return Err(format!("{}: say in a comment what it tells", story.name));
        }
        if story.steps.is_empty() {
            return Err(format!("{}: nothing happens", story.name));
        }
    }
    Ok(stories)
}

fn begin(file: &str, name: &str) -> Result<Story, String> {
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !is_name {
        return Err(format!(
            "`{name}` is no name of a story: lower case, digits and hyphens"
        ));
    }
    Ok(Story {
        name: format!("{file}/{name}"),
        about: String::new(),
        begins_ms: moment_ms(BEGINS).unwrap_or(0),
        open_attempts: None,
        manifests: Vec::new(),
        steps: Vec::new(),
    })
}

fn read_line(story: &mut Story, number: u32, line: &str) -> Result<(), String> {
    if line.is_empty() {
        return Ok(());
    }
    if let Some(comment) = line.strip_prefix('#') {
        if story.steps.is_empty() {
            if !story.about.is_empty() {
                story.about.push(' ');
            }
            story.about.push_str(comment.trim());
        }
        return Ok(());
    }
    if line.starts_with("+ ") || line.starts_with("-> ") {
        let step = story.steps.last_mut().ok_or("nothing happened yet")?;
        return expect(step, line);
    }
    let (head, expected) = cut(line);
    let mut words = Words::split(head)?;
    let mut kind = words.clone();
    match kind.next("something")?.as_str() {
        "begins" | "open" | "manifest" | "asset" | "queue" | "pool" | "schedule" | "sensor"
        | "automation" | "timeout" => {
            if !story.steps.is_empty() {
                return Err("pipelines stand before the first step".to_owned());
            }
            read_setting(story, &mut words)
        }
        _ => {
            let at = read_at(&mut words)?;
            let command = Command::read(&mut words)?;
            let mut step = Step {
                line: number,
                text: head.split_whitespace().collect::<Vec<_>>().join(" "),
                at,
                command,
                answer: String::new(),
                records: Vec::new(),
            };
            expect(&mut step, expected)?;
            story.steps.push(step);
            Ok(())
        }
    }
}

/// What happens, and what is expected of it.
fn cut(line: &str) -> (&str, &str) {
    let place = [" -> ", " + "]
        .iter()
        .filter_map(|mark| line.find(mark))
        .min();
    match place {
        Some(place) => (line[..place].trim_end(), line[place..].trim_start()),
        None => (line, ""),
    }
}

/// Reads `-> answer + record + record`, all of it optional.
fn expect(step: &mut Step, text: &str) -> Result<(), String> {
    let mut parts = text.split(" + ").map(str::trim);
    let first = parts.next().unwrap_or("");
    if let Some(answer) = first.strip_prefix("->") {
        if !step.answer.is_empty() {
            return Err("there are two answers".to_owned());
        }
        step.answer = answer.trim().to_owned();
    } else if let Some(record) = first.strip_prefix('+') {
        step.records.push(record.trim().to_owned());
    } else if !first.is_empty() {
        return Err(format!("`{first}` is neither an answer nor a record"));
    }
    step.records.extend(parts.map(str::to_owned));
    Ok(())
}

fn read_at(words: &mut Words) -> Result<At, String> {
    if !words.take("at") {
        return Ok(At::Same);
    }
    let time = words.next("a time")?;
    if time == "wake" {
        return Ok(At::Wake);
    }
    let bad = || format!("`{time}` is no time: `90s`, `+5s`, `back`, `wake` or a moment in UTC");
    if time == "back" {
        let to = words.next("a time")?;
        return duration_ms(&to).map(At::Back).ok_or_else(bad);
    }
    match time.strip_prefix('+') {
        Some(later) => duration_ms(later).map(At::Later),
        None => duration_ms(&time)
            .map(At::Absolute)
            .or_else(|| moment_ms(&time).map(At::Moment)),
    }
    .ok_or_else(bad)
}

fn read_setting(story: &mut Story, words: &mut Words) -> Result<(), String> {
    let kind = words.next("something")?;
    match kind.as_str() {
        "begins" => {
            let moment = words.next("a moment")?;
            story.begins_ms = moment_ms(&moment)
                .ok_or_else(|| format!("`{moment}` is no moment such as `{BEGINS}`"))?;
            words.end()
        }
        "open" => {
            story.open_attempts = Some(words.number("how many attempts may be open")?);
            words.end()
        }
        "manifest" => {
            let name = words.next("the pipeline's name")?;
            let is_deployed = story.manifests.is_empty() && !words.take("later");
            story.manifests.push(Pipeline {
                name,
                manifest: pipeline::empty(),
                is_deployed,
            });
            words.end()
        }
        _ => {
            if story.manifests.is_empty() {
                story.manifests.push(Pipeline {
                    name: "m1".to_owned(),
                    manifest: pipeline::empty(),
                    is_deployed: true,
                });
            }
            match story.manifests.last_mut() {
                Some(pipeline) => pipeline::add(&mut pipeline.manifest, &kind, words),
                None => Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_read_with_its_expectations() {
        let text = "story one\n  # Told.\n  asset a\n  at 5s started a#1 by w1 -> 200 + attempt_started a#1 w1\n    + x y\n";
        let stories = read("f", text).expect("a story");
        let step = &stories[0].steps[0];
        assert_eq!(stories[0].name, "f/one");
        assert_eq!(stories[0].about, "Told.");
        assert_eq!((step.line, step.at), (4, At::Absolute(5_000)));
        assert_eq!(step.answer, "200");
        assert_eq!(step.records, ["attempt_started a#1 w1", "x y"]);
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (text, problem) in [
            (
                "at 0 expire",
                "f.scenario:1: a file begins with `story NAME`",
            ),
            (
                "story A",
                "f.scenario:1: `A` is no name of a story: lower case, digits and hyphens",
            ),
            (
                "story a\n# T.\nexpire\nstory a",
                "f.scenario:4: `a` stands twice",
            ),
            ("story a\n# T.", "f/a: nothing happens"),
            ("story a\nexpire", "f/a: say in a comment what it tells"),
            (
                "story a\n# T.\nfly",
                "f.scenario:3: `fly` is nothing that can happen",
            ),
            (
                "story a\n# T.\nat soon expire",
                "f.scenario:3: `soon` is no time: `90s`, `+5s`, `back`, `wake` or a moment in UTC",
            ),
            (
                "story a\n# T.\nexpire now",
                "f.scenario:3: `now` is one word too many",
            ),
            (
                "story a\n# T.\nexpire\nasset b",
                "f.scenario:4: pipelines stand before the first step",
            ),
            (
                "story a\n# T.\nasset b colour=blue",
                "f.scenario:3: an asset has no `colour=`",
            ),
            (
                "story a\n# T.\nexpire -> x\n-> y",
                "f.scenario:4: there are two answers",
            ),
            (
                "story a\n# T.\ntrigger r reason=\"x",
                "f.scenario:3: a quote is not closed",
            ),
            (
                "story a\n# T.\nrerun r r2",
                "f.scenario:3: `rerun` wants `as` and a name",
            ),
        ] {
            assert_eq!(read("f", text).err().as_deref(), Some(problem), "{text}");
        }
    }
}
