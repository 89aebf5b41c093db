//! Assets are listed with their partitions counted, and the partitions of one are drawn, listed by state, or explained.

use arcoflow_core::identity::partition_key::PartitionKey;
use arcoflow_core::wire::asset::{
    AssetSummary, Newer, PartitionCounts, PartitionLine, PartitionPage, PartitionState,
    PartitionView,
};
use clap::Args;

use crate::cli::connection::Context;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::grid::{self, Grid};
use crate::cli::screen::{Screen, Tone};
use crate::cli::table::Table;
use crate::cli::words;
use crate::client::{Client, PartitionsQuery};

/// Partitions that a grid draws, at most.
const DRAWN: usize = 20_000;
/// The largest page.
const PAGE: u32 = 10_000;

/// List the assets of the current manifest, with the states of their partitions.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  arcoflow assets\n  arcoflow assets --json | jq -r 'select(.counts.stale > 0) | .assetKey'"
)]
pub(crate) struct Assets {}

/// Draw the partitions of an asset, list those in a state, or say what is known of one.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  arcoflow partitions staging/daily\n  arcoflow partitions staging/daily --state missing\n  arcoflow partitions staging/daily month=2012-07-01,station=seattle"
)]
pub(crate) struct Partitions {
    /// The asset.
    asset: String,
    /// One partition: its key, or the way that lists write it.
    partition: Option<String>,
    /// List the partitions in this state: `missing`, `running`, `succeeded`, `failed` or `stale`.
    #[arg(long, value_parser = state_of, conflicts_with = "partition")]
    state: Option<PartitionState>,
    /// How many to list.
    #[arg(long, short = 'n', default_value_t = 100, requires = "state")]
    limit: u32,
}

fn state_of(text: &str) -> Result<PartitionState, String> {
    let mut states = PartitionState::ALL.into_iter();
    states.find(|state| state.as_str() == text).ok_or_else(|| {
        "expected `missing`, `running`, `succeeded`, `failed` or `stale`".to_string()
    })
}

/// `arcoflow assets`
pub(crate) async fn assets(context: &Context, _: &Assets) -> Outcome {
    let client = context.reader()?;
    let screen = &context.screen;
    let mut found: Vec<AssetSummary> = Vec::new();
    let mut after = None;
    loop {
        let page = client.assets(after.as_deref()).await?;
        found.extend(page.assets);
        match page.next {
            Some(next) => after = Some(next.as_str().to_string()),
            None => break,
        }
    }
    if screen.json {
        found.iter().for_each(|asset| screen.json_line(asset));
        return Ok(Exit::Ok);
    }
    let heading = ["asset", "partitions", "by", "state"];
    let mut table = Table::new(&heading.map(|text| screen.paint(text, Tone::Quiet))).right(&[1]);
    for asset in &found {
        let names: Vec<&str> = asset
            .dimensions
            .iter()
            .map(|dimension| dimension.name.as_str())
            .collect();
        table.row([
            asset.asset_key.as_str().to_string(),
            words::count(asset.partitions),
            names.join(", "),
            tell_counts(screen, &asset.counts),
        ]);
    }
    screen.data(table.to_text(screen.width));
    Ok(Exit::Ok)
}

/// `1 failed, 3 stale, 29 succeeded`, the worst first.
fn tell_counts(screen: &Screen, counts: &PartitionCounts) -> String {
    let rows = [
        (counts.failed, PartitionState::Failed),
        (counts.running, PartitionState::Running),
        (counts.stale, PartitionState::Stale),
        (counts.missing, PartitionState::Missing),
        (counts.succeeded, PartitionState::Succeeded),
    ];
    let said: Vec<String> = rows
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, state)| {
            let text = format!("{} {}", words::count(count), state.as_str());
            screen.paint(text, grid::mark(state).1)
        })
        .collect();
    said.join(", ")
}

/// `arcoflow partitions`
pub(crate) async fn partitions(context: &Context, verb: &Partitions) -> Outcome {
    let client = context.reader()?;
    match (&verb.partition, verb.state) {
        (Some(partition), _) => explain(context, &client, &verb.asset, partition).await,
        (None, Some(state)) => list(context, &client, verb, state).await,
        (None, None) => draw(context, &client, &verb.asset).await,
    }
}

async fn draw(context: &Context, client: &Client, asset: &str) -> Outcome {
    let screen = &context.screen;
    let (page, lines) = pages(client, asset, None, DRAWN).await?;
    if screen.json {
        lines.iter().for_each(|line| screen.json_line(line));
        return Ok(Exit::Ok);
    }
    let summary = &page.asset;
    screen.data(picture(screen, summary, &lines));
    if (lines.len() as u64) < summary.partitions {
        screen.note(format!(
            "these are the first {}; `--state missing` lists what is to be made",
            words::count(lines.len() as u64)
        ));
    }
    if let Some(stale) = lines
        .iter()
        .find(|line| line.state == PartitionState::Stale)
    {
        let name = stale.partition_key.as_ref().map(words::partition);
        screen.note(format!(
            "why stale: `arcoflow partitions {asset} {}`",
            name.map_or("''".to_string(), |name| format!("'{name}'"))
        ));
    }
    Ok(Exit::Ok)
}

/// The name of an asset, its grid, and what the marks mean.
fn picture(screen: &Screen, summary: &AssetSummary, lines: &[PartitionLine]) -> String {
    let legend = PartitionState::ALL.map(|state| {
        let (mark, tone) = grid::mark(state);
        let counted = count_of(&summary.counts, state);
        let mark = screen.paint(mark.to_string(), tone);
        format!("{mark} {} {}", words::count(counted), state.as_str())
    });
    format!(
        "{} · {}\n{}  {}\n",
        screen.paint(summary.asset_key.as_str(), Tone::Strong),
        words::of(summary.partitions, "partition"),
        Grid::of(lines).to_text(screen),
        legend.join("   ")
    )
}

fn count_of(counts: &PartitionCounts, state: PartitionState) -> u64 {
    match state {
        PartitionState::Missing => counts.missing,
        PartitionState::Running => counts.running,
        PartitionState::Succeeded => counts.succeeded,
        PartitionState::Failed => counts.failed,
        PartitionState::Stale => counts.stale,
    }
}

/// The first partitions of an asset, or of a state; with the last page that was read.
async fn pages(
    client: &Client,
    asset: &str,
    state: Option<PartitionState>,
    most: usize,
) -> Outcome<(PartitionPage, Vec<PartitionLine>)> {
    let mut lines = Vec::new();
    let mut after: Option<PartitionKey> = None;
    loop {
        let left = u32::try_from(most - lines.len()).unwrap_or(PAGE);
        let query = PartitionsQuery {
            asset: asset.to_string(),
            state,
            after: after.take(),
            limit: Some(left.clamp(1, PAGE)),
        };
        let mut page = client.partitions(&query).await?;
        lines.append(&mut page.page);
        match page.next.clone().filter(|_| lines.len() < most) {
            Some(next) => after = Some(next),
            None => return Ok((page, lines)),
        }
    }
}

async fn list(
    context: &Context,
    client: &Client,
    verb: &Partitions,
    state: PartitionState,
) -> Outcome {
    let screen = &context.screen;
    let most = usize::try_from(verb.limit.max(1)).unwrap_or(usize::MAX);
    let (page, lines) = pages(client, &verb.asset, Some(state), most).await?;
    for line in &lines {
        if screen.json {
            screen.json_line(line);
        } else {
            let key = line.partition_key.as_ref();
            screen.line(key.map_or(
                "(the asset has no partitions)".to_string(),
                words::partition,
            ));
        }
    }
    let all = count_of(&page.asset.counts, state);
    if (lines.len() as u64) < all {
        screen.note(format!(
            "{} of {}; `--limit` shows more",
            words::count(lines.len() as u64),
            words::count(all)
        ));
    }
    Ok(Exit::Ok)
}

async fn explain(context: &Context, client: &Client, asset: &str, text: &str) -> Outcome {
    let key = named(client, asset, text).await?;
    let view = client.partition(asset, key.as_ref()).await?;
    if context.screen.json {
        context.screen.json_line(&view);
    } else {
        show(&context.screen, &view);
    }
    Ok(Exit::Ok)
}

/// The partition that a text names: a canonical key, or the way that lists write it.
async fn named(client: &Client, asset: &str, text: &str) -> Outcome<Option<PartitionKey>> {
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(key) = PartitionKey::normalize(text) {
        return Ok(Some(key));
    }
    let (page, lines) = pages(client, asset, None, usize::MAX).await?;
    let keys = lines.into_iter().filter_map(|line| line.partition_key);
    let found = keys.into_iter().find(|key| words::partition(key) == text);
    match found {
        Some(key) => Ok(Some(key)),
        None => {
            let names: Vec<&str> = page
                .asset
                .dimensions
                .iter()
                .map(|dimension| dimension.name.as_str())
                .collect();
            Err(
                Failure::usage(format!("`{asset}` has no partition `{text}`")).hint(format!(
                    "name a value of each dimension: {}",
                    names.join(", ")
                )),
            )
        }
    }
}

fn show(screen: &Screen, view: &PartitionView) {
    let (mark, tone) = grid::mark(view.line.state);
    let name = place(view.asset_key.as_str(), view.line.partition_key.as_ref());
    screen.line(format!(
        "{} {} {}",
        screen.paint(mark.to_string(), tone),
        screen.paint(name, Tone::Strong),
        screen.paint(view.line.state.as_str(), tone)
    ));
    let now_ms = words::now_ms();
    if let Some(made) = &view.made {
        screen.line(format!(
            "  made {} by run {}, attempt {} (record {})",
            words::ago(made.at, now_ms),
            made.run_id,
            made.attempt,
            made.seq
        ));
        screen.line(format!("  as {}", made.materialization_id));
    }
    for newer in &view.stale_because {
        screen.line(format!("  {}", because(newer, now_ms)));
    }
}

/// `stale because raw/a[day=2012-01-31] was made again 5 min ago in run …, 2 steps upstream`.
fn because(newer: &Newer, now_ms: u64) -> String {
    let again = if newer.made.replaces.is_some() {
        " again"
    } else {
        ""
    };
    let far = match newer.steps {
        1 => String::new(),
        steps => format!(", {steps} steps upstream"),
    };
    format!(
        "stale because {} was made{again} {} in run {}{far}",
        place(newer.asset_key.as_str(), newer.partition_key.as_ref()),
        words::ago(newer.made.at, now_ms),
        newer.made.run_id
    )
}

fn place(asset: &str, partition: Option<&PartitionKey>) -> String {
    match partition {
        Some(key) => format!("{asset}[{}]", words::partition(key)),
        None => asset.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use arcoflow_core::identity::keys::AssetKey;

    use super::*;

    #[test]
    fn the_picture_on_the_page_is_the_one_that_is_drawn() {
        let page = include_str!("../../../docs/partitions.md");
        let line = |day: u32, state| PartitionLine {
            partition_key: PartitionKey::parse(&format!(
                "day=d:2012-{:02}-{:02}",
                1 + (day - 1) / 31,
                1 + (day - 1) % 31
            ))
            .ok(),
            state,
        };
        let state = |day| match day {
            31 => PartitionState::Stale,
            33 => PartitionState::Failed,
            34.. => PartitionState::Missing,
            _ => PartitionState::Succeeded,
        };
        let lines: Vec<PartitionLine> = (1..=35).map(|day| line(day, state(day))).collect();
        let summary = AssetSummary {
            asset_key: AssetKey::parse("mart/day").expect("a key"),
            dimensions: Vec::new(),
            partitions: 35,
            counts: PartitionCounts {
                missing: 2,
                running: 0,
                succeeded: 31,
                failed: 1,
                stale: 1,
            },
            upstreams: Vec::new(),
        };
        let screen = Screen {
            json: true,
            is_live: false,
            width: 80,
        };
        let drawn = picture(&screen, &summary, &lines);
        let drawn = console::strip_ansi_codes(&drawn);
        assert!(page.contains(&format!("```\n{drawn}```\n")), "{drawn}");
    }
}
