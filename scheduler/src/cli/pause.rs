//! Schedules, sensors and automations are paused and resumed with the same words.

use arcoflow_core::wire::pause::Pause;
use clap::Args;
use serde::Serialize;

use crate::cli::screen::Screen;
use crate::cli::words;

/// What is paused or goes on.
#[derive(Debug, Args)]
pub(crate) struct Pausing {
    /// Which one, by its name in the manifest.
    pub(crate) name: String,
    /// Why; it is kept.
    #[arg(long)]
    pub(crate) reason: Option<String>,
}

/// Says that it is paused or goes on, and what follows from it.
pub(crate) fn say(screen: &Screen, name: &str, paused: bool, more: &str, view: &impl Serialize) {
    if screen.json {
        screen.json_line(view);
        return;
    }
    let word = if paused { "is paused" } else { "goes on" };
    screen.line(format!("{name} {word}{more}"));
}

/// Since when, by whom, and why.
pub(crate) fn since(pause: &Pause, now_ms: u64) -> String {
    let since = words::ago(pause.since, now_ms);
    match &pause.reason {
        Some(reason) => format!("{since} by {}: {reason}", pause.actor),
        None => format!("{since} by {}", pause.actor),
    }
}
