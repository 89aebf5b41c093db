//! A cron expression is five sets of numbers, and a time on the clocks either is in them or is not.

use alloc::format;
use alloc::string::String;

use crate::identity::partition_key::Date;

/// Minute, hour, day of the month, month and day of the week, as in POSIX `crontab`.
///
/// Beside `*`, numbers, ranges and lists there are steps (`*/15`, `8-18/2`), `7` for Sunday, and the first three
/// letters of months and weekdays. When both days are restricted, either will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    /// Sunday is 0.
    weekdays: u64,
    any_day: bool,
    any_weekday: bool,
}

struct Field {
    name: &'static str,
    first: u32,
    last: u32,
    words: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        first: 0,
        last: 59,
        words: &[],
    },
    Field {
        name: "hour",
        first: 0,
        last: 23,
        words: &[],
    },
    Field {
        name: "day of the month",
        first: 1,
        last: 31,
        words: &[],
    },
    Field {
        name: "month",
        first: 1,
        last: 12,
        words: &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    },
    Field {
        name: "day of the week",
        first: 0,
        last: 7,
        words: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];

impl Cron {
    /// Reads five fields, or says what is wrong with them.
    ///
    /// # Errors
    /// A sentence for a person. Also for an expression without any tick, such as February 30th.
    pub fn parse(text: &str) -> Result<Cron, String> {
        let parts = || text.split([' ', '\t']).filter(|part| !part.is_empty());
        let count = parts().count();
        if count != FIELDS.len() {
            return Err(format!(
                "there are {count} fields instead of five: minute, hour, day of the month, month, day of the week"
            ));
        }
        let mut sets = [0; 5];
        for ((set, field), part) in sets.iter_mut().zip(&FIELDS).zip(parts()) {
            *set = field.set(part)?;
        }
        let [minutes, hours, days, months, weekdays] = sets;
        let mut parts = parts();
        let cron = Cron {
            minutes,
            hours,
            days,
            months,
            weekdays: (weekdays | weekdays >> 7) & 0x7f,
            any_day: parts.nth(2).is_some_and(|part| part.starts_with('*')),
            any_weekday: parts.nth(1).is_some_and(|part| part.starts_with('*')),
        };
        if !cron.has_any_day() {
            return Err(String::from("no day of any year is in all of the fields"));
        }
        Ok(cron)
    }

    /// The first minute of a day, from a given one on.
    pub fn next_minute(&self, from: u32) -> Option<u32> {
        let hour = next_bit(self.hours, from / 60)?;
        if hour == from / 60 {
            if let Some(minute) = next_bit(self.minutes, from % 60) {
                return Some(hour * 60 + minute);
            }
            let hour = next_bit(self.hours, hour + 1)?;
            return Some(hour * 60 + next_bit(self.minutes, 0)?);
        }
        Some(hour * 60 + next_bit(self.minutes, 0)?)
    }

    /// Whether any day of any year is in the fields; four years from a leap year on hold every date.
    fn has_any_day(&self) -> bool {
        let first = Date::from_civil(2000, 1, 1);
        let mut days = (0..1_461).filter_map(|later| first.ok()?.add_days(later));
        days.any(|date| self.has_day(date))
    }

    /// Whether a day is in the fields.
    pub fn has_day(&self, date: Date) -> bool {
        let (_, month, day) = date.civil();
        let has = |set: u64, number: u8| set >> number & 1 == 1;
        let day = has(self.days, day);
        let weekday = has(self.weekdays, date.weekday() % 7);
        has(self.months, month)
            && match (self.any_day, self.any_weekday) {
                (false, false) => day || weekday,
                _ => day && weekday,
            }
    }
}

/// The lowest number of a set from a given one on.
fn next_bit(set: u64, from: u32) -> Option<u32> {
    let rest = set.checked_shr(from)?;
    (rest != 0).then(|| from + rest.trailing_zeros())
}

impl Field {
    /// The numbers of a list.
    fn set(&self, list: &str) -> Result<u64, String> {
        let mut set = 0;
        for item in list.split(',') {
            set |= self.item(item)?;
        }
        Ok(set)
    }

    /// The numbers of `*`, `a`, `a-b`, and of these with a step.
    fn item(&self, item: &str) -> Result<u64, String> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, self.step(item, step)?),
            None => (item, 1),
        };
        let (first, last) = if range == "*" {
            (self.first, self.last.min(self.first + self.size() - 1))
        } else {
            match range.split_once('-') {
                Some((first, last)) => (self.number(item, first)?, self.number(item, last)?),
                // A step without a range would go on from a number to nobody knows where.
                None if step != 1 => return Err(self.refusal(item)),
                None => (self.number(item, range)?, self.number(item, range)?),
            }
        };
        if first > last {
            return Err(self.refusal(item));
        }
        Ok((first..=last)
            .step_by(step)
            .fold(0, |set, number| set | 1 << number))
    }

    /// How many different values there are: Sunday is both 0 and 7.
    fn size(&self) -> u32 {
        if self.last == 7 {
            7
        } else {
            self.last - self.first + 1
        }
    }

    fn step(&self, item: &str, text: &str) -> Result<usize, String> {
        match digits(text) {
            Some(step) if step > 0 && step <= self.last => Ok(step as usize),
            _ => Err(self.refusal(item)),
        }
    }

    fn number(&self, item: &str, text: &str) -> Result<u32, String> {
        let word = self
            .words
            .iter()
            .position(|word| word.eq_ignore_ascii_case(text));
        let named = word
            .and_then(|place| u32::try_from(place).ok())
            .map(|place| place + self.first);
        match named.or_else(|| digits(text)) {
            Some(number) if (self.first..=self.last).contains(&number) => Ok(number),
            _ => Err(self.refusal(item)),
        }
    }

    fn refusal(&self, item: &str) -> String {
        format!(
            "`{item}` is no {}: use `*`, a number from {} to {}, a range, a list or a step",
            self.name, self.first, self.last
        )
    }
}

/// One or two digits.
fn digits(text: &str) -> Option<u32> {
    let fits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}
