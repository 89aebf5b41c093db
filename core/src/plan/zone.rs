//! A time zone is a name and an offset at every instant; here only where a day begins matters.

/// A time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Universal time.
    Utc,
}

impl Zone {
    /// The zone with this IANA name, if it is known.
    pub fn find(name: &str) -> Option<Zone> {
        matches!(name, "UTC" | "Etc/UTC").then_some(Zone::Utc)
    }

    /// Seconds to add to universal time for the zone's clock time at `utc_s`.
    pub fn offset_at(&self, _utc_s: i64) -> i64 {
        0
    }

    /// The first second, in universal time, of the zone's day that is `day` days after 1970-01-01.
    pub fn start_of_day(&self, day: i64) -> i64 {
        day * 86_400
    }
}
