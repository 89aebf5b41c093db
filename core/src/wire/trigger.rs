//! A trigger says which assets to run and for which partitions, in one strict shape.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::identity::canonical_json;
use crate::identity::digest::Sha256Digest;
use crate::identity::keys::RunKey;
use crate::identity::partition_key::PartitionKey;
use crate::wire::finding::Finding;
use crate::wire::literal::Literal;
use crate::wire::pointer;
use crate::wire::reader::{self, Decode, Misfit};

/// What starts a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Trigger {
    /// Which assets; a list is the union of its members.
    pub selection: Selection,
    /// One canonical partition key, taken apart by dimension name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<PartitionKey>,
    /// One value for each named dimension, typed by the declaration of the assets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partitions: Option<Vec<PartitionValue>>,
    /// From one value to another for each named dimension, both included, in typed order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<BTreeMap<String, PartitionRange>>,
    /// Every partition that is complete when the run is triggered.
    #[serde(skip_serializing_if = "is_false")]
    pub all_partitions: bool,
    /// Of each dimension of time the last partition that is complete when the run is triggered.
    #[serde(skip_serializing_if = "is_false")]
    pub latest_partition: bool,
    /// A second trigger with the same key answers with the first run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_key: Option<RunKey>,
    /// Higher goes first among runs; -1,000 to 1,000.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(range(min = -1000, max = 1000))]
    pub priority: i32,
    /// How old the run may get before it is cancelled, in milliseconds, 1 s to 30 days; what the manifest says when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1_000, max = 2_592_000_000_u64))]
    pub run_timeout_ms: Option<u64>,
    /// Shown and searched, never interpreted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The manifest to plan with; the deployed one when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Sha256Digest>,
    /// `false` leaves check tasks out.
    #[serde(skip_serializing_if = "is_true")]
    pub checks: bool,
}

/// One selection expression or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Selection {
    /// One expression.
    One(String),
    /// The union of several.
    Many(Vec<String>),
}

/// One dimension's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PartitionValue {
    /// The dimension's name.
    pub key: String,
    /// Its value, as a plain string, integer or boolean.
    pub value: Literal,
}

/// One dimension's values from `from` to `to`, both included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PartitionRange {
    /// The first value.
    pub from: Literal,
    /// The last value.
    pub to: Literal,
}

impl Default for Selection {
    fn default() -> Selection {
        Selection::One("*".to_string())
    }
}

impl Default for Trigger {
    fn default() -> Trigger {
        Trigger {
            selection: Selection::default(),
            partition_key: None,
            partitions: None,
            range: None,
            all_partitions: false,
            latest_partition: false,
            run_key: None,
            priority: 0,
            run_timeout_ms: None,
            labels: BTreeMap::new(),
            manifest: None,
            checks: true,
        }
    }
}

impl Selection {
    /// The expressions with the pointer of each.
    pub fn expressions(&self) -> Vec<(Cow<'static, str>, &str)> {
        match self {
            Selection::One(text) => vec![(Cow::Borrowed("/selection"), text.as_str())],
            Selection::Many(texts) => texts
                .iter()
                .enumerate()
                .map(|(index, text)| {
                    let pointer = pointer::join("/selection", &index.to_string());
                    (Cow::Owned(pointer), text.as_str())
                })
                .collect(),
        }
    }
}

/// At most this many labels.
pub const MAX_LABELS: usize = 64;
/// At most this many bytes in the name or the text of a label.
pub const MAX_LABEL_BYTES: usize = 256;
/// At most this many bytes of selection text in all.
pub const MAX_SELECTION_BYTES: usize = 256 * 1024;
/// How old a run may be allowed to get, in milliseconds.
pub const RUN_TIMEOUT_MS: core::ops::RangeInclusive<u64> = 1_000..=2_592_000_000;
/// Priorities run from minus this to plus this.
pub const MAX_PRIORITY: i32 = 1000;

impl Trigger {
    /// Reads a trigger from a JSON text; the whole of it is optional, so `{}` runs everything.
    pub fn parse(text: &[u8]) -> Result<Trigger, Finding> {
        let canonical =
            canonical_json::canonicalize(text).map_err(|error| syntax_finding(text, &error))?;
        let trigger: Trigger =
            reader::read(&canonical).map_err(|misfit| shape_finding(&canonical, misfit))?;
        trigger.validate()?;
        Ok(trigger)
    }

    /// Whether it says which partitions to run.
    #[must_use]
    pub fn names_partitions(&self) -> bool {
        self.partition_forms().iter().any(|(given, _)| *given)
    }

    fn partition_forms(&self) -> [(bool, &'static str); 5] {
        [
            (self.partition_key.is_some(), "partitionKey"),
            (self.partitions.is_some(), "partitions"),
            (self.range.is_some(), "range"),
            (self.all_partitions, "allPartitions"),
            (self.latest_partition, "latestPartition"),
        ]
    }

    /// Checks what the shape alone cannot say: one partition form, bounded labels.
    pub fn validate(&self) -> Result<(), Finding> {
        self.check_partition_forms()?;
        self.check_partition_names()?;
        self.check_bounds()
    }

    fn check_partition_forms(&self) -> Result<(), Finding> {
        let forms = self.partition_forms();
        let mut given = forms.iter().filter(|(given, _)| *given);
        let (Some((_, first)), Some((_, second))) = (given.next(), given.next()) else {
            return Ok(());
        };
        Err(Finding::new(
            "trigger.partition_conflict",
            pointer::join("", second),
            alloc::format!("`{first}` and `{second}` both say which partitions to run"),
            "keep one of `partitionKey`, `partitions`, `range`, `allPartitions` and `latestPartition`",
        ))
    }

    fn check_partition_names(&self) -> Result<(), Finding> {
        let Some(partitions) = &self.partitions else {
            return Ok(());
        };
        let mut seen = BTreeMap::new();
        for (index, partition) in partitions.iter().enumerate() {
            if seen.insert(partition.key.as_str(), index).is_some() {
                return Err(Finding::new(
                    "trigger.partition_duplicate",
                    alloc::format!("/partitions/{index}/key"),
                    alloc::format!("the dimension `{}` is given twice", partition.key),
                    "give each dimension one value, or use `range` for several",
                ));
            }
        }
        Ok(())
    }

    fn check_bounds(&self) -> Result<(), Finding> {
        if self.labels.len() > MAX_LABELS {
            return Err(limit_finding("/labels", "labels", MAX_LABELS));
        }
        for (name, text) in &self.labels {
            if name.is_empty() || name.len() > MAX_LABEL_BYTES || text.len() > MAX_LABEL_BYTES {
                let pointer = pointer::join("/labels", name);
                return Err(limit_finding(&pointer, "bytes in a label", MAX_LABEL_BYTES));
            }
        }
        if !(-MAX_PRIORITY..=MAX_PRIORITY).contains(&self.priority) {
            return Err(Finding::new(
                "trigger.limit",
                "/priority",
                alloc::format!("the priority `{}` is out of bounds", self.priority),
                alloc::format!("use a priority from -{MAX_PRIORITY} to {MAX_PRIORITY}"),
            ));
        }
        if let Some(timeout_ms) = self.run_timeout_ms
            && !RUN_TIMEOUT_MS.contains(&timeout_ms)
        {
            return Err(Finding::new(
                "trigger.limit",
                "/runTimeoutMs",
                alloc::format!("the time-out `{timeout_ms}` is out of bounds"),
                "use 1,000 to 2,592,000,000 milliseconds: a second to 30 days",
            ));
        }
        let selection_bytes: usize = self
            .selection
            .expressions()
            .iter()
            .map(|(_, text)| text.len())
            .sum();
        if selection_bytes > MAX_SELECTION_BYTES {
            return Err(limit_finding(
                "/selection",
                "bytes of selection",
                MAX_SELECTION_BYTES,
            ));
        }
        Ok(())
    }
}

fn limit_finding(pointer: &str, what: &str, limit: usize) -> Finding {
    Finding::new(
        "trigger.limit",
        pointer,
        alloc::format!("there are too many {what}"),
        alloc::format!("stay within {limit}"),
    )
}

fn syntax_finding(text: &[u8], error: &crate::identity::error::Error) -> Finding {
    let offset = error.offset.map_or(0, |offset| offset as usize);
    Finding {
        code: Cow::Borrowed(error.code.as_str()),
        pointer: pointer::of_offset(text, offset),
        message: error.to_string(),
        hint: "send one JSON object of the trigger's shape".to_string(),
    }
}

fn shape_finding(canonical: &[u8], misfit: Misfit) -> Finding {
    Finding::new(
        "trigger.shape",
        pointer::of_offset(canonical, misfit.at as usize),
        misfit.sentence,
        "see the trigger's shape in the reference",
    )
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_true(value: &bool) -> bool {
    *value
}

fn is_zero(value: &i32) -> bool {
    *value == 0
}
