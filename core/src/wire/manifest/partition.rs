//! Partition dimensions and mappings are declared, never inferred from the values a run happens to see.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::literal::Literal;
use crate::wire::reader::Decode;

/// One dimension of an asset's partitions.
///
/// `start`, `end` and `timeZone` belong to the time kinds, `values` to `static`, `valueType` to `dynamic`.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Decode, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dimension {
    /// `[a-z][a-z0-9_]*`, at most 64 bytes.
    #[schemars(extend("pattern" = "^[a-z][a-z0-9_]{0,63}$"))]
    pub name: String,
    /// What its values are.
    pub kind: DimensionKind,
    /// The first partition: a day, or for `hourly` also an hour (`2012-01-01T05:00:00Z`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// The first partition that is not there any more; open when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// The IANA zone whose days the dates are; `UTC` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The values of a static dimension, all of one type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Literal>>,
    /// The type of a dynamic dimension's values; `string` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_type: Option<ValueType>,
}

/// What the values of a dimension are.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Decode, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum DimensionKind {
    /// Whole hours of UTC, named by the timestamp of their start.
    Hourly,
    /// Days, named by their date.
    Daily,
    /// Weeks, named by the date of their Monday.
    Weekly,
    /// Months, named by the date of their first day.
    Monthly,
    /// A declared list.
    Static,
    /// Whatever a trigger names.
    Dynamic,
}

/// The type of a dynamic dimension's values.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Decode, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum ValueType {
    /// Text of at most 256 bytes.
    String,
    /// A signed 64-bit integer.
    Int64,
    /// `true` or `false`.
    Bool,
}

/// Which partitions of an upstream one partition needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mapping {
    /// The partition with the same values; between time grains, those that overlap.
    Identity,
    /// Every partition.
    All,
    /// The greatest value of each time dimension; the other dimensions as when nothing is said.
    Latest,
    /// The same time partition and those before it, so many in all; the other dimensions as when nothing is said.
    Window(u32),
    /// A mapping for each of the upstream's dimensions that is named, the others as when nothing is said.
    Dimensions(BTreeMap<String, DimensionMapping>),
}

/// Which values of one upstream dimension one partition needs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Decode, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum DimensionMapping {
    /// The same value; between time grains, those that overlap.
    Identity,
    /// Every value.
    All,
    /// The greatest value.
    Latest,
    /// The same value and those before it, so many in all.
    Window(u32),
}
