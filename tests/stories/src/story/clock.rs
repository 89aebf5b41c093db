//! Times of a story are written as people say them: `1m30s` after the beginning, or a moment in UTC.

const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// The milliseconds of a duration such as `90s`, `1h30m` or `250ms`; `0` stands alone.
#[must_use]
pub fn duration_ms(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut total: u64 = 0;
    let mut last = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let letters = rest[digits..].len()
            - rest[digits..]
                .trim_start_matches(|c: char| c.is_ascii_alphabetic())
                .len();
        let count: u64 = rest[..digits].parse().ok()?;
        let unit = &rest[digits..digits + letters];
        let size = UNITS.iter().find(|(name, _)| *name == unit)?.1;
        // Units go from the largest to the smallest, each once.
        if size >= last {
            return None;
        }
        last = size;
        total = total.checked_add(count.checked_mul(size)?)?;
        rest = &rest[digits + letters..];
    }
    (!text.is_empty()).then_some(total)
}

/// A duration in words that [`duration_ms`] reads.
#[must_use]
pub fn duration(ms: u64) -> String {
    let mut left = ms;
    let mut text = String::new();
    for (name, size) in UNITS {
        if left >= size {
            text.push_str(&format!("{}{name}", left / size));
            left %= size;
        }
    }
    if text.is_empty() {
        text.push('0');
    }
    text
}

/// The milliseconds since 1970 of a moment such as `2026-03-29T01:00:00Z`.
#[must_use]
pub fn moment_ms(text: &str) -> Option<u64> {
    let text = text.strip_suffix('Z')?;
    let (date, time) = text.split_once('T')?;
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days since 1970 by counting from March, so that the leap day is the last of its year.
    let (y, m) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719_468;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    u64::try_from(seconds).ok()?.checked_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, ms) in [
            ("0", 0),
            ("1ms", 1),
            ("90s", 90_000),
            ("1m30s", 90_000),
            ("1d2h3m4s5ms", 93_784_005),
        ] {
            assert_eq!(duration_ms(text), Some(ms), "{text}");
            assert_eq!(duration_ms(&duration(ms)), Some(ms), "{text}");
        }
        for text in ["", "s", "1", "1s1m", "1s1s", "-1s", "1.5s", "1y"] {
            assert_eq!(duration_ms(text), None, "{text}");
        }
        assert_eq!(duration(93_784_005), "1d2h3m4s5ms");
    }

    #[test]
    fn moments_are_read() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600_000),
            ("2026-01-01T00:00:00Z", 1_767_225_600_000),
        ] {
            assert_eq!(moment_ms(text), Some(ms), "{text}");
        }
        for text in ["2026-01-01", "2026-13-01T00:00:00Z", "x"] {
            assert_eq!(moment_ms(text), None, "{text}");
        }
    }
}
