//! A run or a task is named by as much of its name as is unique; several matches are listed, never guessed from.

use arcoflow_core::identity::ids::{RunId, TaskId};
use arcoflow_core::wire::view::TaskLine;

use crate::cli::failure::{Failure, Outcome};
use crate::cli::words;
use crate::client::{Client, RunsQuery, TasksQuery};

/// The name of the newest run.
pub(crate) const LATEST: &str = "latest";
/// Runs that are looked through for a part of an id.
const RUNS: usize = 20_000;
/// The shortest part of an id.
const SHORTEST: usize = 4;
/// Candidates that are listed.
const LISTED: usize = 10;

/// The run that a text names: `latest`, a full id, or the beginning or the end of one.
pub(crate) async fn run(client: &Client, text: &str) -> Outcome<RunId> {
    if text == LATEST {
        let query = RunsQuery {
            limit: Some(1),
            ..RunsQuery::default()
        };
        let page = client.runs(&query).await?;
        return page.runs.first().map(|line| line.run_id).ok_or_else(|| {
            Failure::usage("there is no run yet").hint("start one: `arcoflow run --all --wait`")
        });
    }
    if let Ok(id) = RunId::parse(text) {
        return Ok(id);
    }
    let part = text.to_ascii_uppercase();
    if part.len() < SHORTEST || !part.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(
            Failure::usage(format!("`{text}` is no run id")).hint(format!(
                "give a full id, {SHORTEST} or more characters of its beginning or end, or `latest`"
            )),
        );
    }
    let found = runs_like(client, &part).await?;
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(
            Failure::usage(format!("no run begins or ends with `{text}`"))
                .hint("`arcoflow runs` lists them"),
        ),
        several => Err(list(
            Failure::usage(format!("`{text}` could be any of {} runs", several.len())),
            several.iter().map(ToString::to_string),
            several.len(),
        )),
    }
}

async fn runs_like(client: &Client, part: &str) -> Outcome<Vec<RunId>> {
    let mut found = Vec::new();
    let mut seen = 0;
    let mut before = None;
    loop {
        let query = RunsQuery {
            limit: Some(1_000),
            before,
            open: false,
        };
        let page = client.runs(&query).await?;
        seen += page.runs.len();
        found.extend(page.runs.iter().map(|line| line.run_id).filter(|run| {
            let id = run.to_string();
            id.starts_with(part) || id.ends_with(part)
        }));
        match page.next {
            Some(next) if seen < RUNS => before = Some(next),
            _ => return Ok(found),
        }
    }
}

/// The task of a run that words name: an id, a key, a name as it is shown, or words that only one task's name holds.
pub(crate) async fn task(client: &Client, run: &RunId, words: &[String]) -> Outcome<TaskLine> {
    let tasks = tasks(client, run).await?;
    let text = words.join(" ");
    let id = TaskId::parse(&text).ok();
    let exact = tasks.iter().find(|line| {
        Some(line.task_id) == id
            || line.task_key.as_str() == text
            || words::task(&line.task_key) == text
    });
    if let Some(line) = exact {
        return Ok(line.clone());
    }
    // A name without its asset key in front would match inside another name, so whole words go first.
    let matching: Vec<&TaskLine> = tasks.iter().filter(|line| holds(line, words)).collect();
    match matching.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(
            Failure::usage(format!("no task of run {run} matches `{text}`"))
                .hint("`arcoflow status --tasks` lists them"),
        ),
        several => Err(list(
            Failure::usage(format!("`{text}` could be any of {} tasks", several.len())),
            several
                .iter()
                .map(|line| format!("{}  {}", words::task(&line.task_key), line.state.as_str())),
            several.len(),
        )
        .hint("add a word of the one that is meant, for instance a partition or `:check`")),
    }
}

fn holds(line: &TaskLine, parts: &[String]) -> bool {
    let name = words::task(&line.task_key);
    let key = line.task_key.as_str();
    parts
        .iter()
        .flat_map(|part| part.split_whitespace())
        .all(|part| name.contains(part) || key.contains(part))
}

/// Every task of a run.
pub(crate) async fn tasks(client: &Client, run: &RunId) -> Outcome<Vec<TaskLine>> {
    let mut tasks = Vec::new();
    let mut after = None;
    loop {
        let query = TasksQuery {
            limit: Some(10_000),
            after,
            state: None,
        };
        let page = client.tasks(run, &query).await?;
        tasks.extend(page.tasks);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(tasks),
        }
    }
}

fn list(failure: Failure, candidates: impl Iterator<Item = String>, count: usize) -> Failure {
    let mut failure = candidates.take(LISTED).fold(failure, Failure::at);
    if count > LISTED {
        failure = failure.at(format!("and {} more", count - LISTED));
    }
    failure
}
