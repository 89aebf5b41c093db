//! Days are counted, not looked up: the proleptic Gregorian calendar in integers.

use core::fmt;
use core::str::FromStr;

use super::{Date, Timestamp};
use crate::identity::error::{Code, Error};
use crate::identity::schema::string_on_the_wire;

const DAY_SECONDS: i64 = 86_400;
const SECOND_US: i64 = 1_000_000;
const DAY_US: i64 = DAY_SECONDS * SECOND_US;
/// From 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: i32 = 719_468;
const ERA_DAYS: i32 = 146_097;

impl Date {
    /// 0001-01-01.
    pub const MIN: Self = Self(-719_162);
    /// 9999-12-31.
    pub const MAX: Self = Self(2_932_896);

    /// The day with this number of days since 1970-01-01.
    ///
    /// # Errors
    /// `partition.date` outside the years 0001 to 9999.
    pub const fn from_days(days: i32) -> Result<Self, Error> {
        if days < Self::MIN.0 || days > Self::MAX.0 {
            return Err(Error::new(Code::PartitionDate));
        }
        Ok(Self(days))
    }

    /// The day of a year, a month from 1 and a day from 1.
    ///
    /// # Errors
    /// `partition.date` when there is no such day.
    #[inline]
    pub const fn from_civil(year: i32, month: u8, day: u8) -> Result<Self, Error> {
        if year < 1
            || year > 9_999
            || month < 1
            || month > 12
            || day < 1
            || day > days_of_month(year, month)
        {
            return Err(Error::new(Code::PartitionDate));
        }
        // Years start in March here, so that the day that comes and goes is the last one.
        let shifted = if month <= 2 { year - 1 } else { year };
        let era = shifted / 400;
        let year_of_era = shifted % 400;
        let month_index = (month as i32 + 9) % 12;
        let day_of_year = (153 * month_index + 2) / 5 + day as i32 - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Ok(Self(era * ERA_DAYS + day_of_era - EPOCH_DAYS))
    }

    /// Year, month from 1 and day from 1.
    #[inline]
    pub const fn civil(self) -> (i32, u8, u8) {
        let shifted = self.0 + EPOCH_DAYS;
        let era = shifted / ERA_DAYS;
        let day_of_era = shifted % ERA_DAYS;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_index = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_index + 2) / 5 + 1;
        let month = if month_index < 10 {
            month_index + 3
        } else {
            month_index - 9
        };
        let year = era * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
        (year, month as u8, day as u8)
    }

    /// Days since 1970-01-01.
    pub const fn days(self) -> i32 {
        self.0
    }

    /// The day of the week, from 1 for Monday to 7 for Sunday.
    pub const fn weekday(self) -> u8 {
        (self.0 + 3).rem_euclid(7) as u8 + 1
    }

    /// The day so many days later; none outside the years 0001 to 9999.
    pub const fn add_days(self, days: i32) -> Option<Self> {
        match self.0.checked_add(days) {
            Some(days) if Self::MIN.0 <= days && days <= Self::MAX.0 => Some(Self(days)),
            _ => None,
        }
    }

    /// The same day so many months later, or the last day of that month; none outside the years 0001 to 9999.
    pub const fn add_months(self, months: i32) -> Option<Self> {
        let (year, month, day) = self.civil();
        let index = year as i64 * 12 + (month as i64 - 1) + months as i64;
        let (year, month) = (index.div_euclid(12), index.rem_euclid(12) as u8 + 1);
        if year < 1 || year > 9_999 {
            return None;
        }
        let last = days_of_month(year as i32, month);
        match Self::from_civil(year as i32, month, if day < last { day } else { last }) {
            Ok(date) => Some(date),
            Err(_) => None,
        }
    }

    /// Midnight at the start of the day.
    pub const fn midnight(self) -> Timestamp {
        Timestamp(self.0 as i64 * DAY_US)
    }

    /// Reads `YYYY-MM-DD`.
    ///
    /// # Errors
    /// `partition.date`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::read(text.as_bytes()).ok_or(Error::at(Code::PartitionDate, 0))
    }

    #[inline]
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let &[a, b, c, d, b'-', e, f, b'-', g, h] = text else {
            return None;
        };
        let year = two(a, b)? * 100 + two(c, d)?;
        Self::from_civil(year, two(e, f)? as u8, two(g, h)? as u8).ok()
    }

    #[inline]
    pub(super) fn write(self) -> [u8; 10] {
        let (year, month, day) = self.civil();
        let [a, b] = digits((year / 100) as u8);
        let [c, d] = digits((year % 100) as u8);
        let ([e, f], [g, h]) = (digits(month), digits(day));
        [a, b, c, d, b'-', e, f, b'-', g, h]
    }
}

impl Timestamp {
    /// 0001-01-01T00:00:00.000000Z.
    pub const MIN: Self = Date::MIN.midnight();
    /// 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(Date::MAX.midnight().0 + DAY_US - 1);

    /// The moment with this number of microseconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// `partition.timestamp` outside the years 0001 to 9999.
    pub const fn from_micros(micros: i64) -> Result<Self, Error> {
        if micros < Self::MIN.0 || micros > Self::MAX.0 {
            return Err(Error::new(Code::PartitionTimestamp));
        }
        Ok(Self(micros))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The day in UTC.
    pub const fn date(self) -> Date {
        Date(self.0.div_euclid(DAY_US) as i32)
    }

    /// Microseconds since midnight.
    pub const fn micros_of_day(self) -> i64 {
        self.0.rem_euclid(DAY_US)
    }

    /// The moment so many microseconds later; none outside the years 0001 to 9999.
    pub const fn add_micros(self, micros: i64) -> Option<Self> {
        match self.0.checked_add(micros) {
            Some(micros) if Self::MIN.0 <= micros && micros <= Self::MAX.0 => Some(Self(micros)),
            _ => None,
        }
    }

    /// Reads `YYYY-MM-DDTHH:MM:SS.ffffffZ`.
    ///
    /// # Errors
    /// `partition.timestamp`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::read(text.as_bytes()).ok_or(Error::at(Code::PartitionTimestamp, 0))
    }

    #[inline]
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let (start, rest) = text.split_at_checked(19)?;
        let &[b'.', a, b, c, d, e, f, b'Z'] = rest else {
            return None;
        };
        let micros = (two(a, b)? * 100 + two(c, d)?) * 100 + two(e, f)?;
        Some(Self(read_seconds(start)? * SECOND_US + i64::from(micros)))
    }

    /// Reads a timestamp with 0 to 6 fraction digits and any UTC offset.
    pub(super) fn read_friendly(text: &[u8]) -> Option<Self> {
        let (start, mut rest) = text.split_at_checked(19)?;
        let mut micros = 0;
        if let Some((b'.', fraction)) = rest.split_first() {
            let length = fraction
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            if !(1..=6).contains(&length) {
                return None;
            }
            let (fraction, zone) = fraction.split_at_checked(length)?;
            for position in 0..6 {
                micros =
                    micros * 10 + i64::from(fraction.get(position).map_or(0, |digit| digit - b'0'));
            }
            rest = zone;
        }
        let offset_minutes = match *rest {
            [b'Z'] => 0,
            [sign @ (b'+' | b'-'), a, b, b':', c, d] => {
                let (hours, minutes) = (two(a, b)?, two(c, d)?);
                if hours > 23 || minutes > 59 {
                    return None;
                }
                let offset = i64::from(hours * 60 + minutes);
                if sign == b'-' { -offset } else { offset }
            }
            _ => return None,
        };
        let seconds = read_seconds(start)? - offset_minutes * 60;
        Self::from_micros(seconds * SECOND_US + micros).ok()
    }

    #[inline]
    pub(super) fn write(self) -> [u8; 27] {
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let (seconds, micros) = (
            self.micros_of_day() / SECOND_US,
            self.micros_of_day() % SECOND_US,
        );
        let fields = [
            (11, seconds / 3_600),
            (14, seconds / 60 % 60),
            (17, seconds % 60),
            (20, micros / 10_000),
            (22, micros / 100 % 100),
            (24, micros % 100),
        ];
        text[..10].copy_from_slice(&self.date().write());
        for (start, field) in fields {
            text[start..start + 2].copy_from_slice(&digits(field as u8));
        }
        text
    }
}

/// Seconds since 1970 of `YYYY-MM-DDTHH:MM:SS`.
fn read_seconds(text: &[u8]) -> Option<i64> {
    let (date, time) = text.split_at_checked(10)?;
    let &[b'T', a, b, b':', c, d, b':', e, f] = time else {
        return None;
    };
    let (hours, minutes, seconds) = (two(a, b)?, two(c, d)?, two(e, f)?);
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    Some(
        i64::from(Date::read(date)?.0) * DAY_SECONDS
            + i64::from(hours * 3_600 + minutes * 60 + seconds),
    )
}

const fn days_of_month(year: i32, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

const fn two(tens: u8, ones: u8) -> Option<i32> {
    if tens.is_ascii_digit() && ones.is_ascii_digit() {
        Some((tens - b'0') as i32 * 10 + (ones - b'0') as i32)
    } else {
        None
    }
}

const fn digits(number: u8) -> [u8; 2] {
    [b'0' + number / 10, b'0' + number % 10]
}

macro_rules! civil_text {
    ($type:ident, $expected:literal, $pattern:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(core::str::from_utf8(&self.write()).unwrap_or_default())
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, formatter)
            }
        }

        impl FromStr for $type {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Self::parse(text)
            }
        }

        string_on_the_wire!($type, $expected, $pattern);
    };
}

civil_text!(Date, "a date", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$");
civil_text!(
    Timestamp,
    "a timestamp",
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$"
);
