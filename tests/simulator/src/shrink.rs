//! A life that breaks a rule is made smaller while it breaks the same one: fewer hours, fewer kinds of faults, fewer wishes.

use crate::report::Report;
use crate::settings::Settings;

const HOUR_MS: u64 = 3_600_000;

/// The smallest life that was found to break the rule of `report`, by living `live` again and again, and how often that was.
///
/// It is a local minimum: nothing of it can be left out alone.
pub fn shrink(report: &Report, mut live: impl FnMut(&Settings) -> Report) -> (Report, u32) {
    let mut smallest = report.clone();
    let mut lives = 0;
    let mut better = |smallest: &mut Report, settings: Settings| {
        lives += 1;
        let report = live(&settings);
        let same = report.rule().is_some() && report.rule() == smallest.rule();
        if same {
            *smallest = report;
        }
        same
    };
    loop {
        let before = smallest.settings.clone();
        // It broke in this hour, so what was planned for later did not matter, but for when the faults end.
        let broke_in = smallest.at_ms.div_ceil(HOUR_MS).max(1);
        for hours in [1, broke_in / 4, broke_in / 2, broke_in - 1, broke_in] {
            let settings = Settings {
                hours,
                ..smallest.settings.clone()
            };
            if (1..smallest.settings.hours).contains(&hours) && better(&mut smallest, settings) {
                break;
            }
        }
        for kind in Settings::kinds() {
            if !smallest.settings.without.contains(kind) {
                let settings = smallest.settings.but_without(kind);
                better(&mut smallest, settings);
            }
        }
        if smallest.settings == before {
            return (smallest, lives);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::shrink;
    use crate::judge::Broken;
    use crate::report::Report;
    use crate::settings::Settings;

    /// Breaks in the third hour, when messages are lost and somebody cancels.
    fn live(settings: &Settings) -> Report {
        let breaks = settings.hours >= 3 && settings.has("loss") && settings.has("cancels");
        let mut report = Report::of_panic(settings, String::new());
        report.broken = breaks.then(|| Broken {
            rule: "a rule",
            detail: String::new(),
        });
        report.at_ms = if breaks { 9_000_000 } else { 90_000_000 };
        report
    }

    #[test]
    fn what_does_not_matter_is_left_out() {
        let (smallest, _) = shrink(&live(&Settings::new(7, 24)), live);
        assert_eq!((smallest.settings.seed, smallest.settings.hours), (7, 3));
        let left: BTreeSet<&str> = Settings::kinds()
            .filter(|kind| smallest.settings.has(kind))
            .collect();
        assert_eq!(left, BTreeSet::from(["loss", "cancels"]));
    }

    #[test]
    fn another_rule_is_no_smaller_life() {
        let report = live(&Settings::new(7, 24));
        let (smallest, _) = shrink(&report, |settings| {
            let mut other = live(settings);
            if let Some(broken) = &mut other.broken {
                broken.rule = "another rule";
            }
            other
        });
        assert_eq!(smallest.settings, report.settings);
    }
}
