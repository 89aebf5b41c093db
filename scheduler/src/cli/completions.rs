//! Completions come from the same declaration as the arguments, so they cannot be out of date.

use clap::Args;
use clap_complete::Shell;

use crate::cli::connection::Context;
use crate::cli::failure::{Exit, Outcome};

/// Print completions for a shell.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  arcoflow completions bash > ~/.local/share/bash-completion/completions/arcoflow\n  arcoflow completions zsh > \"${fpath[1]}/_arcoflow\""
)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

/// `arcoflow completions`
pub(crate) fn completions(context: &Context, verb: &Completions) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(
        verb.shell,
        &mut crate::cli::command(),
        "arcoflow",
        &mut text,
    );
    context.screen.data(String::from_utf8_lossy(&text));
    Ok(Exit::Ok)
}
