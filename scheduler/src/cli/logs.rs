//! A log is text on its way from a task to a screen: it is printed as it came.

use clap::Args;

use crate::cli::connection::Context;
use crate::cli::failure::{Exit, Outcome};
use crate::cli::reference;
use crate::cli::screen::Tone;
use crate::cli::words;
use crate::client::LogQuery;

/// How long one request waits for more, in seconds.
const WAIT_S: u32 = 30;

/// Print what a task printed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  arcoflow logs latest mart/report\n  arcoflow logs latest staging/daily 2013-07 check --follow"
)]
pub(crate) struct Logs {
    /// The run: an id, the beginning or end of one, or `latest`.
    run: String,
    /// The task: its key, its name, or words that only its name holds.
    #[arg(required = true)]
    task: Vec<String>,
    /// Go on until the attempt has ended.
    #[arg(long, short)]
    follow: bool,
    /// Which attempt; the newest when absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    attempt: Option<u32>,
}

/// `arcoflow logs`
pub(crate) async fn logs(context: &Context, verb: &Logs) -> Outcome {
    let client = context.reader()?;
    let screen = &context.screen;
    let run = reference::run(&client, &verb.run).await?;
    let line = reference::task(&client, &run, &verb.task).await?;
    if line.attempts == 0 {
        let name = words::task(&line.task_key);
        screen.note(format!(
            "`{name}` has not run: `arcoflow explain {run} '{name}'`"
        ));
        if !verb.follow || line.state.is_terminal() {
            return Ok(Exit::Ok);
        }
    }
    let mut query = LogQuery {
        attempt: verb.attempt,
        offset: 0,
        wait_s: 0,
    };
    let mut is_first = true;
    loop {
        let page = client.log(&run, &line.task_id, &query).await?;
        if is_first && page.attempt > 0 {
            let name = format!("{}, attempt {}", words::task(&line.task_key), page.attempt);
            screen.note(screen.paint_note(name, Tone::Quiet));
        }
        is_first = is_first && page.attempt == 0;
        if screen.json {
            screen.json_line(&page);
        } else {
            screen.data(&page.text);
        }
        let is_whole = page.text.is_empty();
        query.offset = page.next;
        query.wait_s = if verb.follow { WAIT_S } else { 0 };
        if is_whole && (page.end || !verb.follow) {
            return Ok(Exit::Ok);
        }
    }
}
