//! The end of a run is told with what failed, where the results are, and what to type next.

use std::path::{Path, PathBuf};

use arcoflow_core::wire::view::TaskState;

use crate::cli::bar::Tally;
use crate::cli::connection::Context;
use crate::cli::fold::Folded;
use crate::cli::local::short;
use crate::cli::screen::{Screen, Tone};
use crate::cli::table::{Table, wrap};
use crate::cli::tell;
use crate::cli::words;

/// Failures that are shown with their reasons.
const SHOWN: usize = 5;
/// Results that are shown.
const RESULTS: usize = 5;

/// Shows how a run ended.
pub(crate) fn show(context: &Context, folded: &Folded) {
    let screen = &context.screen;
    if screen.json {
        return;
    }
    screen.line("");
    screen.line(headline(screen, folded));
    let failed: Vec<u32> = folded.in_state(TaskState::Failed).collect();
    for index in failed.iter().take(SHOWN) {
        show_failure(screen, folded, *index);
    }
    if failed.len() > SHOWN {
        let rest = words::count((failed.len() - SHOWN) as u64);
        screen.line(format!(
            "  and {rest} more: `arcoflow status {}`",
            folded.id()
        ));
    }
    show_results(screen, folded);
}

/// Where what the run was for can be looked at.
fn show_results(screen: &Screen, folded: &Folded) {
    let mut table = Table::new(&[]).indent(2);
    for (task, output) in folded.results.iter().rev().take(RESULTS) {
        for place in output.output_path.iter().flat_map(|path| places(path)) {
            table.row([words::task(task), screen.paint(place, Tone::Strong)]);
        }
    }
    let text = table.to_text(usize::MAX);
    if !text.is_empty() {
        screen.line("");
        screen.data(text);
    }
    if folded.results.len() > RESULTS {
        let rest = words::of((folded.results.len() - RESULTS) as u64, "more result");
        screen.line(screen.paint(format!("  and {rest}"), Tone::Quiet));
    }
}

/// The pages and pictures in an output, or the output itself when it holds none; a place that is not here stays as it is.
fn places(output: &str) -> Vec<String> {
    let directory = latest(Path::new(output));
    let entries = std::fs::read_dir(&directory)
        .into_iter()
        .flatten()
        .flatten();
    let is_page = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "html" || extension == "svg")
    };
    let mut pages: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_page).collect();
    pages.sort();
    if pages.is_empty() {
        pages.push(directory);
    }
    pages.iter().map(|page| short(page)).collect()
}

/// The name under which a worker keeps the newest output of a partition, when it is this one: it is shorter, and stays.
fn latest(output: &Path) -> PathBuf {
    let link = output.ancestors().skip(1).find_map(|out| {
        let place = output.parent()?.strip_prefix(out).ok()?;
        let link = out.parent()?.join("latest").join(place);
        let is_same = link.canonicalize().ok()? == output.canonicalize().ok()?;
        is_same.then_some(link)
    });
    link.unwrap_or_else(|| output.to_path_buf())
}

/// `✓ run 01K… succeeded in 4.8 s · 245 tasks`
fn headline(screen: &Screen, folded: &Folded) -> String {
    let Some(finished) = &folded.run.finished else {
        return format!("run {} goes on", folded.id());
    };
    let (word, tone) = tell::outcome(finished.outcome);
    let mark = if tone == Tone::Good { "✓" } else { "✗" };
    let took = folded.run.finished_at.unwrap_or(folded.at_ms) - folded.run.triggered_at;
    let tally = Tally::of(&folded.run.counts());
    let mut said = vec![words::of(u64::from(tally.total()), "task")];
    if tally.succeeded < tally.total() {
        said.push(format!(
            "{} succeeded",
            words::count(u64::from(tally.succeeded))
        ));
        said.extend(tally.words().into_iter().map(|(text, _)| text));
    }
    let head = screen.paint(format!("{mark} run {} {word}", folded.id()), tone);
    format!("{head} in {} · {}", words::duration(took), said.join(", "))
}

fn show_failure(screen: &Screen, folded: &Folded, index: u32) {
    let Some(plan) = folded.plan() else { return };
    let (word, tone) = if plan.is_warning(index) {
        ("warns", Tone::Careful)
    } else {
        ("failed", Tone::Bad)
    };
    let name = words::task(&plan.key(index));
    screen.line(format!("\n  {} {word}", screen.paint(name, tone)));
    for reason in folded.reasons(index).iter().skip(1) {
        for piece in wrap(&words::sentence(reason), screen.width.saturating_sub(4)) {
            screen.line(format!("    {piece}"));
        }
    }
}

/// What to type next, in the order in which it is wanted.
pub(crate) fn next_steps(folded: &Folded) -> Vec<(String, &'static str)> {
    let run = folded.id();
    let failed = folded.in_state(TaskState::Failed).next();
    let skipped = folded.in_state(TaskState::Skipped).next();
    let mut steps = Vec::new();
    let Some(plan) = folded.plan() else {
        return steps;
    };
    let name = |index: u32| quote(&words::task(&plan.key(index)));
    match failed {
        Some(index) => {
            steps.push((
                format!("arcoflow logs latest {}", name(index)),
                "what it printed",
            ));
            let asked = skipped.unwrap_or(index);
            let why = if skipped.is_some() {
                "why this one was skipped"
            } else {
                "why it failed"
            };
            steps.push((format!("arcoflow explain latest {}", name(asked)), why));
            steps.push((
                format!("arcoflow rerun {run} --wait"),
                "again, what did not succeed",
            ));
        }
        None => {
            steps.push(("arcoflow status".to_string(), "the run, asset by asset"));
            if let Some((task, _)) = folded.results.last() {
                let task = quote(&words::task(task));
                steps.push((
                    format!("arcoflow explain latest {task}"),
                    "the records of a task",
                ));
            }
            steps.push((
                "arcoflow ledger verify".to_string(),
                "check every record, replay every state",
            ));
        }
    }
    steps
}

/// Shows what to type next.
pub(crate) fn show_next(screen: &Screen, steps: &[(String, &str)]) {
    let width = steps
        .iter()
        .map(|(command, _)| command.chars().count())
        .max()
        .unwrap_or(0);
    screen.note(format!("\n{}", screen.paint_note("next", Tone::Strong)));
    for (command, what) in steps {
        let fits = width + what.chars().count() + 6 <= screen.width;
        let pad = if fits {
            width - command.chars().count() + 2
        } else {
            2
        };
        let what = screen.paint_note(what, Tone::Quiet);
        screen.note(format!(
            "  {}{}{what}",
            screen.paint_note(command, Tone::Busy),
            " ".repeat(pad)
        ));
    }
}

/// A word that a shell takes as one.
fn quote(text: &str) -> String {
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '.' | ':' | '=' | ',');
    if text.chars().all(is_plain) {
        text.to_string()
    } else {
        format!("'{text}'")
    }
}
