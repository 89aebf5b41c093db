//! An identifier is sixteen bytes with exactly one spelling.

pub mod ulid;
pub mod uuid;
mod generator;

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use self::ulid::Ulid;
use self::uuid::Uuid7;
use super::error::Error;
use super::schema::string_on_the_wire;

/// The first millisecond that an identifier cannot carry: 48 bits, in the year 10889.
pub const TIME_END_MS: u64 = 1 << 48;

macro_rules! ulid_ids {
    ($($(#[$doc:meta])* $name:ident $expected:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// A ULID: 26 characters of upper-case Crockford base32, the first of them `0` to `7`.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Ulid);

        impl $name {
            /// Reads the canonical text.
            ///
            /// # Errors
            /// `ulid.length`, `ulid.character`, `ulid.overflow`.
            pub fn parse(text: &str) -> Result<Self, Error> {
                Ulid::parse(text).map(Self)
            }

            /// The id with these bytes; every 16 bytes are a ULID.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Ulid::from_bytes(bytes))
            }

            /// The 16 bytes, most significant first.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.to_bytes()
            }

            /// The id of a millisecond since 1970 and 80 random bits.
            ///
            /// # Errors
            /// `id.time` from 2^48 milliseconds on.
            pub const fn from_parts(ms: u64, random: [u8; 10]) -> Result<Self, Error> {
                match Ulid::from_parts(ms, random) {
                    Ok(ulid) => Ok(Self(ulid)),
                    Err(error) => Err(error),
                }
            }

            /// The time in the id, in milliseconds since 1970.
            pub const fn timestamp_ms(self) -> u64 {
                self.0.timestamp_ms()
            }

            /// The 80 random bits.
            pub const fn random(self) -> [u8; 10] {
                self.0.random()
            }

            /// The id as a plain ULID.
            pub const fn ulid(self) -> Ulid {
                self.0
            }

            /// The text, without allocating.
            pub fn encode(self, buffer: &mut [u8; 26]) -> &str {
                self.0.encode(buffer)
            }
        }

        impl From<Ulid> for $name {
            fn from(ulid: Ulid) -> Self {
                Self(ulid)
            }
        }

        impl From<$name> for Ulid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, formatter)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, formatter)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Self::parse(text)
            }
        }

        string_on_the_wire!($name, $expected, ulid::PATTERN);
    )*};
}

ulid_ids! {
    /// Names a run.
    RunId "a run id";
    /// Names a record of the ledger by what it says.
    EventId "an event id";
    /// Names what one attempt wrote.
    MaterializationId "a materialization id";
    /// Names a deployed manifest.
    ManifestId "a manifest id";
    /// Names a backfill.
    BackfillId "a backfill id";
    /// Names a schedule.
    ScheduleId "a schedule id";
    /// Names a sensor.
    SensorId "a sensor id";
    /// Names a task of a run; it follows from the run id and the task key.
    TaskId "a task id";
    /// Names an attempt of a task; it follows from the run id, the task key and the attempt's number.
    AttemptId "an attempt id";
}

impl RunId {
    /// The same id with another home, for a run that is started under a run key.
    #[must_use]
    pub const fn with_home(self, home: u8) -> Self {
        let mut bytes = self.to_bytes();
        bytes[6] = home;
        Self::from_bytes(bytes)
    }
}

/// Names an asset, for ever.
///
/// A UUID of version 7: 36 characters of lower-case hex with hyphens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssetId(Uuid7);

impl AssetId {
    /// Reads the canonical text.
    ///
    /// # Errors
    /// `uuid.length`, `uuid.syntax`, `uuid.version`, `uuid.variant`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Uuid7::parse(text).map(Self)
    }

    /// The id with these bytes.
    ///
    /// # Errors
    /// `uuid.version` and `uuid.variant`.
    pub const fn from_bytes(bytes: [u8; 16]) -> Result<Self, Error> {
        match Uuid7::from_bytes(bytes) {
            Ok(uuid) => Ok(Self(uuid)),
            Err(error) => Err(error),
        }
    }

    /// The 16 bytes, most significant first.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_bytes()
    }

    /// The id of a millisecond since 1970 and 74 of 80 random bits.
    ///
    /// # Errors
    /// `id.time` from 2^48 milliseconds on.
    pub const fn from_parts(ms: u64, random: [u8; 10]) -> Result<Self, Error> {
        match Uuid7::from_parts(ms, random) {
            Ok(uuid) => Ok(Self(uuid)),
            Err(error) => Err(error),
        }
    }

    /// The time in the id, in milliseconds since 1970.
    pub const fn timestamp_ms(self) -> u64 {
        self.0.timestamp_ms()
    }

    /// The text, without allocating.
    pub fn encode(self, buffer: &mut [u8; 36]) -> &str {
        self.0.encode(buffer)
    }
}

impl fmt::Display for AssetId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl fmt::Debug for AssetId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl FromStr for AssetId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

string_on_the_wire!(AssetId, "an asset id", uuid::PATTERN);

/// Makes ULIDs from a time and random bytes that the caller brings, each greater than the one before.
///
/// Within a millisecond, or when the clock goes back, the random part of the last ULID is incremented by one.
#[derive(Clone, Debug, Default)]
pub struct Generator {
    last: Option<Ulid>,
}

/// The canonical text of a ULID in lower case or with Crockford's aliases (`I` and `L` for `1`, `O` for `0`).
///
/// # Errors
/// Those of [`Ulid::parse`].
pub fn normalize_ulid(text: &str) -> Result<String, Error> {
    ulid::normalize(text)
}

/// The canonical text of a UUID in upper case, in braces, after `urn:uuid:` or in the form of 32 digits.
///
/// # Errors
/// Those of [`AssetId::parse`]; offsets count in the input.
pub fn normalize_uuid(text: &str) -> Result<String, Error> {
    uuid::normalize(text)
}
