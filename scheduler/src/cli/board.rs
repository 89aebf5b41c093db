//! The board of a run has a bar for each asset on a terminal, and a line for each thing worth a line elsewhere.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use arcoflow_core::identity::keys::AssetKey;
use arcoflow_core::wire::view::AssetLine;
use console::{Alignment, Term, pad_str};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::bar::Tally;
use crate::cli::fold::{Folded, News};
use crate::cli::screen::{Screen, Tone};
use crate::cli::words;

/// The widest name that is shown whole.
const NAME: usize = 36;
/// Columns for what stands right of a bar.
const NOTES: usize = 30;
/// Lines that a board leaves to what stands above it.
const MARGIN: usize = 6;
/// Failures that are told one by one.
const TOLD: usize = 10;
/// The pieces of a wheel that turns while the run goes on.
const WHEEL: [&str; 8] = ["⠋", "⠙", "⠸", "⢰", "⣠", "⣄", "⡆", "⠇"];
/// How long a piece of it stands.
const TURN: Duration = Duration::from_millis(100);

/// How a run is shown while it goes on.
pub(crate) struct Board {
    screen: Screen,
    began: Instant,
    told: usize,
    done: BTreeSet<AssetKey>,
    shown: Option<Rows>,
}

/// The rows of a terminal.
struct Rows {
    group: MultiProgress,
    assets: Vec<ProgressBar>,
    foot: ProgressBar,
}

impl Board {
    /// The board of a run.
    pub(crate) fn new(screen: &Screen, folded: &Folded) -> Board {
        let mut board = Board {
            screen: screen.clone(),
            began: Instant::now(),
            told: 0,
            done: BTreeSet::new(),
            shown: None,
        };
        if screen.is_live {
            board.shown = Some(Rows::new(folded.assets().len()));
        }
        board
    }

    /// Draws what changed.
    pub(crate) fn show(&mut self, folded: &Folded) {
        let assets = folded.assets();
        match &self.shown {
            Some(rows) => self.draw(rows, folded, &assets),
            None => self.say_completions(folded, &assets),
        }
    }

    /// Tells what happened to a task.
    pub(crate) fn tell(&mut self, folded: &Folded, news: &News) {
        let Some(plan) = folded.plan() else { return };
        let (index, tone, word) = match news {
            News::Failed(index) if plan.is_warning(*index) => (*index, Tone::Careful, "warns"),
            News::Failed(index) => (*index, Tone::Bad, "failed"),
            News::Retried(index) => (*index, Tone::Careful, "is tried again"),
        };
        self.told += 1;
        if self.told > TOLD {
            return;
        }
        let name = words::task(&plan.key(index));
        let reasons = folded.reasons(index);
        let why = reasons.iter().find(|reason| reason.starts_with("attempt "));
        let mark = self.screen.paint_note(format!("{name} {word}"), tone);
        let why = why
            .map(|why| format!(": {}", words::sentence(why)))
            .unwrap_or_default();
        self.say(&format!("{mark}{why}"));
    }

    /// Draws the end and leaves it on the screen.
    pub(crate) fn finish(mut self, folded: &Folded) {
        self.show(folded);
        if self.told > TOLD {
            self.say(&format!(
                "and {} more",
                words::count((self.told - TOLD) as u64)
            ));
        }
        if let Some(rows) = &self.shown {
            for bar in &rows.assets {
                bar.abandon();
            }
            rows.foot.finish_and_clear();
        }
    }

    fn say(&self, line: &str) {
        match &self.shown {
            Some(rows) => drop(rows.group.println(line)),
            None => self.screen.note(line),
        }
    }

    fn draw(&self, rows: &Rows, folded: &Folded, assets: &[AssetLine]) {
        let name = assets
            .iter()
            .map(|line| line.asset_key.as_str().len())
            .max();
        let name = name.unwrap_or(0).clamp(8, NAME);
        for (bar, line) in rows.assets.iter().zip(visible(assets, rows.assets.len())) {
            bar.set_message(self.row(folded, line, name));
        }
        let tally = Tally::of(&folded.run.counts());
        let passed = self.began.elapsed();
        let turn = passed.as_millis() / TURN.as_millis() % WHEEL.len() as u128;
        let wheel = WHEEL[usize::try_from(turn).unwrap_or(0)];
        let mut foot = format!(
            "{} {} of {}",
            self.screen.paint_note(wheel, Tone::Busy),
            words::count(u64::from(tally.ended())),
            words::of(u64::from(tally.total()), "task"),
        );
        for (text, tone) in tally.words() {
            foot.push_str(&format!(" · {}", self.screen.paint_note(text, tone)));
        }
        let passed_ms = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        foot.push_str(&format!(" · {}", words::duration(passed_ms)));
        if assets.len() > rows.assets.len() {
            foot.push_str(&format!(" · {}", words::of(assets.len() as u64, "asset")));
        }
        rows.foot.set_message(foot);
    }

    fn row(&self, folded: &Folded, line: &AssetLine, name: usize) -> String {
        let tally = Tally::of(&line.counts);
        let key = pad_str(line.asset_key.as_str(), name, Alignment::Left, Some("…"));
        let digits = tally.total().to_string().len().max(3);
        let numbers = format!("{:>digits$}/{:<digits$}", tally.ended(), tally.total());
        let width = self
            .screen
            .width
            .saturating_sub(name + NOTES + 2 * digits)
            .clamp(8, 40);
        let cells: String = tally
            .cells(width)
            .into_iter()
            .map(|(cells, tone)| self.screen.paint_note(cells, tone))
            .collect();
        format!(
            "  {key}  {cells} {numbers} {}",
            self.notes(folded, line, &tally)
        )
    }

    /// What stands right of a bar: how long it took, or what is going on.
    fn notes(&self, folded: &Folded, line: &AssetLine, tally: &Tally) -> String {
        let span = folded.spans.get(&line.asset_key);
        let took = span.map(|(start, end)| words::duration(end - start));
        let words = tally.words();
        if tally.succeeded == tally.total() {
            let took = took.unwrap_or_default();
            return format!(
                "{} {}",
                self.screen.paint_note("✓", Tone::Good),
                self.screen.paint_note(took, Tone::Quiet)
            );
        }
        let said: Vec<String> = words
            .into_iter()
            .take(2)
            .map(|(text, tone)| self.screen.paint_note(text, tone))
            .collect();
        said.join(", ")
    }

    /// A line when an asset has no task left to do.
    fn say_completions(&mut self, folded: &Folded, assets: &[AssetLine]) {
        for line in assets {
            let tally = Tally::of(&line.counts);
            if tally.ended() < tally.total() || !self.done.insert(line.asset_key.clone()) {
                continue;
            }
            let span = folded.spans.get(&line.asset_key);
            let took = span.map(|(start, end)| format!(" in {}", words::duration(end - start)));
            let bad: Vec<String> = tally.words().into_iter().map(|(text, _)| text).collect();
            let bad = if bad.is_empty() {
                String::new()
            } else {
                format!(", {}", bad.join(", "))
            };
            self.screen.note(format!(
                "{}: {} of {} succeeded{bad}{}",
                line.asset_key,
                words::count(u64::from(tally.succeeded)),
                words::of(u64::from(tally.total()), "task"),
                took.unwrap_or_default(),
            ));
        }
    }
}

impl Rows {
    fn new(assets: usize) -> Rows {
        let group = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let (height, _) = Term::stderr().size();
        let room = usize::from(height).saturating_sub(MARGIN).max(1);
        let style = ProgressStyle::with_template("{wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let row = || group.add(ProgressBar::new_spinner().with_style(style.clone()));
        let assets = (0..assets.min(room)).map(|_| row()).collect();
        let foot = row();
        Rows {
            group,
            assets,
            foot,
        }
    }
}

/// The assets that fit: all of them, or those where something happens or comes next.
fn visible(assets: &[AssetLine], room: usize) -> impl Iterator<Item = &AssetLine> {
    let is_over = |line: &&AssetLine| {
        let tally = Tally::of(&line.counts);
        tally.ended() == tally.total() && tally.failed == 0
    };
    let mut over = assets.len().saturating_sub(room);
    assets
        .iter()
        .filter(move |line| {
            let hidden = over > 0 && is_over(line);
            over -= usize::from(hidden);
            !hidden
        })
        .take(room)
}
