//! The words of the command line are read here, and nowhere else.

use std::path::PathBuf;
use std::time::SystemTime;

use arcoflow_simulator::settings::Settings;

/// How it is called.
pub(crate) const USAGE: &str = "\
simulate SEEDS HOURS [--from SEED | --fresh] [--without KIND,…] [--twice N] [--sometimes] [--until-broken] [--minutes M] [--report FILE] [--tell]
simulate --shrink SEED HOURS [--without KIND,…]
simulate --regressions";

/// What is asked for.
pub(crate) enum Command {
    Live(Options),
    Shrink(Settings),
    Regressions,
}

/// How seeds are lived through.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) seeds: u64,
    pub(crate) from: u64,
    /// Whether the first seed was chosen by the clock.
    pub(crate) is_fresh: bool,
    /// What every life has, but for its seed.
    pub(crate) settings: Settings,
    /// Whether it is a failure when something rare never happened.
    pub(crate) sometimes: bool,
    /// Whether each record is printed.
    pub(crate) tell: bool,
    /// Whether no seed is begun after one that broke.
    pub(crate) until_broken: bool,
    /// Every so many seeds one is lived twice; 0 for none.
    pub(crate) twice: u64,
    /// No seed is begun after so many minutes of the processor.
    pub(crate) minutes: Option<u64>,
    /// Where the facts are written.
    pub(crate) report: Option<PathBuf>,
}

impl Options {
    /// The settings of a seed.
    pub(crate) fn of(&self, seed: u64) -> Settings {
        Settings {
            seed,
            ..self.settings.clone()
        }
    }
}

/// Reads the words.
pub(crate) fn read(words: &[String]) -> Result<Command, String> {
    let mut options = Options {
        seeds: 0,
        from: 0,
        is_fresh: false,
        settings: Settings::new(0, 0),
        sometimes: false,
        tell: false,
        until_broken: false,
        twice: 0,
        minutes: None,
        report: None,
    };
    let (mut numbers, mut shrinks) = (Vec::new(), false);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("`{word}` needs a value"));
        match word.as_str() {
            "--regressions" => return Ok(Command::Regressions),
            "--shrink" => shrinks = true,
            "--from" => options.from = number(value()?)?,
            "--fresh" => (options.from, options.is_fresh) = (fresh(), true),
            "--until-broken" => options.until_broken = true,
            "--tell" => options.tell = true,
            "--sometimes" => options.sometimes = true,
            "--twice" => options.twice = number(value()?)?,
            "--minutes" => options.minutes = Some(number(value()?)?),
            "--report" => options.report = Some(value()?.into()),
            "--without" => {
                for kind in value()?.split(',') {
                    options.settings.leave_out(kind)?;
                }
            }
            _ => numbers.push(number(word)?),
        }
    }
    let [first, hours] = numbers.as_slice() else {
        return Err("two numbers are needed".to_owned());
    };
    options.settings.hours = *hours;
    if shrinks {
        return Ok(Command::Shrink(options.of(*first)));
    }
    options.seeds = *first;
    Ok(Command::Live(options))
}

fn number(word: &str) -> Result<u64, String> {
    word.parse().map_err(|_| format!("`{word}` is no number"))
}

/// A seed that was most likely never lived.
fn fresh() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as u64)
}

/// What is left out, as it is said on the command line.
pub(crate) fn without(settings: &Settings) -> String {
    if settings.without.is_empty() {
        return String::new();
    }
    let kinds: Vec<&str> = settings.without.iter().map(String::as_str).collect();
    format!(" --without {}", kinds.join(","))
}
