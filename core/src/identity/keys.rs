//! A key is text that somebody chose, held to one grammar.

mod asset;
mod task;
mod labels;

use alloc::string::String;

use super::schema::string_on_the_wire;

/// Names an asset for people: `namespace/name`, at most 200 bytes, ordered by its bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssetKey(String);

/// Names a task of a run: an asset key, the partition key in brackets when there is one, and the operation.
///
/// Ordered by the bytes of the asset key, then of the partition key (none first), then by the operation.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TaskKey {
    text: String,
    asset_end: u16,
    /// After the partition key; 0 when there is none.
    partition_end: u16,
    operation: Operation,
}

/// What a task does to its asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Makes the asset's data.
    Materialize,
    /// Asks whether the data is good.
    Check,
    /// Makes data of the past.
    Backfill,
}

/// Names a tenant: 3 to 63 lower-case letters, digits and inner hyphens.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(String);

/// Names a workspace of a tenant: 3 to 63 lower-case letters, digits and inner hyphens.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkspaceId(String);

/// Names the one run that a caller means: 1 to 256 bytes of UTF-8 without control characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunKey(String);

/// `Display`, `Debug`, `FromStr`, `AsRef<str>` and serde for a key that has `parse` and `as_str`.
macro_rules! text_key {
    ($type:ident, $expected:literal, $pattern:expr) => {
        impl core::fmt::Display for $type {
            fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                formatter.pad(self.as_str())
            }
        }

        impl core::fmt::Debug for $type {
            fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Debug::fmt(self.as_str(), formatter)
            }
        }

        impl core::str::FromStr for $type {
            type Err = crate::identity::error::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        crate::identity::schema::string_on_the_wire!($type, $expected, $pattern);
    };
}

text_key!(
    AssetKey,
    "an asset key",
    r"^[a-z][a-z0-9_]*/[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$"
);
text_key!(
    TaskKey,
    "a task key",
    r"^[a-z][a-z0-9_]*/[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*(\[[^\]]+\])?:(materialize|check|backfill)$"
);
text_key!(TenantId, "a tenant id", "^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$");
text_key!(
    WorkspaceId,
    "a workspace id",
    "^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$"
);
text_key!(
    RunKey,
    "a run key",
    r"^[^\u0000-\u001f\u007f-\u009f]{1,256}$"
);
string_on_the_wire!(Operation, "an operation", "^(materialize|check|backfill)$");

pub(super) use text_key;
