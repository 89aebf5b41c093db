//! A task key says which asset, which partition and what is done.

use alloc::string::String;
use core::cmp::Ordering;
use core::fmt;
use core::str::FromStr;

use super::{AssetKey, Operation, TaskKey, asset};
use crate::identity::error::{Code, Error};
use crate::identity::partition_key::PartitionKey;

/// 200 of asset key, 1,024 of partition key in brackets, and `:materialize`.
const MAX_BYTES: usize = 1_238;

impl TaskKey {
    /// The key of a task.
    pub fn new(asset: &AssetKey, partition: Option<&PartitionKey>, operation: Operation) -> Self {
        let (asset, partition) = (asset.as_str(), partition.map_or("", PartitionKey::as_str));
        let mut text = String::with_capacity(asset.len() + partition.len() + 14);
        text.push_str(asset);
        let mut partition_end = 0;
        if !partition.is_empty() {
            text.push('[');
            text.push_str(partition);
            partition_end = text.len() as u16;
            text.push(']');
        }
        text.push(':');
        text.push_str(operation.as_str());
        Self {
            text,
            asset_end: asset.len() as u16,
            partition_end,
            operation,
        }
    }

    /// Reads the canonical text.
    ///
    /// # Errors
    /// `task_key.*` for the frame; an asset key or a partition key in it is refused with its own code, at the offset in
    /// the whole text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_BYTES {
            return Err(Error::new(Code::TaskKeyTooLong));
        }
        if text.is_empty() {
            return Err(Error::at(Code::TaskKeyEmpty, 0));
        }
        // Every mark is one byte, which stands in no longer character.
        let place_of = |text: &str, is_mark: fn(&u8) -> bool| {
            let mut bytes = text.as_bytes().iter();
            bytes.position(is_mark).unwrap_or(text.len())
        };
        let asset_end = place_of(text, |byte| matches!(byte, b'[' | b':'));
        let (asset, rest) = text.split_at_checked(asset_end).unwrap_or((text, ""));
        asset::check(asset).map_err(|error| error.shifted(0))?;
        let mut partition_end = 0;
        let mut operation_start = asset_end;
        if let Some(rest) = rest.strip_prefix('[') {
            let length = place_of(rest, |byte| *byte == b']');
            let partition = rest.get(..length).unwrap_or_default();
            PartitionKey::check(partition).map_err(|error| error.shifted(asset_end + 1))?;
            partition_end = asset_end + 1 + partition.len();
            operation_start = partition_end + 1;
            if partition_end == text.len() {
                return Err(Error::at(Code::TaskKeyUnclosed, partition_end));
            }
        }
        let operation = text
            .get(operation_start..)
            .and_then(|rest| rest.strip_prefix(':'))
            .ok_or(Error::at(Code::TaskKeyMissingOperation, operation_start))?;
        let operation = Operation::find(operation)
            .ok_or(Error::at(Code::TaskKeyOperation, operation_start + 1))?;
        Ok(Self {
            text: String::from(text),
            asset_end: asset_end as u16,
            partition_end: partition_end as u16,
            operation,
        })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The asset key.
    pub fn asset(&self) -> AssetKey {
        AssetKey(String::from(self.asset_str()))
    }

    /// The text of the asset key.
    pub fn asset_str(&self) -> &str {
        self.text
            .get(..usize::from(self.asset_end))
            .unwrap_or_default()
    }

    /// The partition key, when there is one.
    pub fn partition(&self) -> Option<PartitionKey> {
        self.partition_str().map(PartitionKey::checked)
    }

    /// The text of the partition key, when there is one.
    pub fn partition_str(&self) -> Option<&str> {
        self.text
            .get(usize::from(self.asset_end) + 1..usize::from(self.partition_end))
    }

    /// What the task does.
    pub const fn operation(&self) -> Operation {
        self.operation
    }
}

impl PartialOrd for TaskKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TaskKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.asset_str()
            .cmp(other.asset_str())
            .then_with(|| self.partition_str().cmp(&other.partition_str()))
            .then_with(|| self.operation.cmp(&other.operation))
    }
}

impl Operation {
    /// Every operation, in order.
    pub const ALL: [Self; 3] = [Self::Materialize, Self::Check, Self::Backfill];

    /// Reads the operation's word.
    ///
    /// # Errors
    /// `task_key.operation`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::find(text).ok_or(Error::at(Code::TaskKeyOperation, 0))
    }

    fn find(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.as_str() == text)
    }

    /// The operation's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Materialize => "materialize",
            Self::Check => "check",
            Self::Backfill => "backfill",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Operation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn a_task_key_tells_its_parts() {
        let key = TaskKey::parse("mart/report[day=d:2025-01-15]:check").unwrap();
        assert_eq!(key.asset(), AssetKey::parse("mart/report").unwrap());
        assert_eq!(
            key.partition(),
            Some(PartitionKey::parse("day=d:2025-01-15").unwrap())
        );
        assert_eq!(key.operation(), Operation::Check);
        assert_eq!(
            TaskKey::new(&key.asset(), key.partition().as_ref(), key.operation()),
            key
        );
        let whole = TaskKey::parse("mart/report:materialize").unwrap();
        assert_eq!(whole.partition_str(), None);
        assert_eq!(
            TaskKey::new(&whole.asset(), None, Operation::Materialize),
            whole
        );
    }

    #[test]
    fn task_keys_are_ordered_by_asset_then_partition_then_operation() {
        let ordered: Vec<TaskKey> = [
            "a/b:materialize",
            "a/b:check",
            "a/b:backfill",
            "a/b[d=n:null]:materialize",
            "a/b[d=n:null]:check",
            "a/b[e=n:null]:materialize",
            "a/b.c:materialize",
            "a/b0:materialize",
        ]
        .into_iter()
        .map(|text| TaskKey::parse(text).unwrap())
        .collect();
        assert!(ordered.is_sorted());
    }

    #[test]
    fn refusals_stand_at_the_first_broken_part() {
        for (text, code, offset) in [
            ("", Code::TaskKeyEmpty, Some(0)),
            ("a/b", Code::TaskKeyMissingOperation, Some(3)),
            ("a/b:", Code::TaskKeyOperation, Some(4)),
            ("a/b:Check", Code::TaskKeyOperation, Some(4)),
            ("a:check", Code::AssetKeyMissingSlash, Some(1)),
            (":check", Code::AssetKeyEmpty, Some(0)),
            ("a/b[]:check", Code::PartitionEmpty, Some(4)),
            ("a/b[d=n:null:check", Code::PartitionNull, Some(8)),
            ("a/b[d=n:null", Code::TaskKeyUnclosed, Some(12)),
            ("a/b[d=n:null]", Code::TaskKeyMissingOperation, Some(13)),
            (
                "a/b[d=n:null]]:check",
                Code::TaskKeyMissingOperation,
                Some(13),
            ),
            ("a/b[d=n:nil]:nothing", Code::PartitionNull, Some(8)),
        ] {
            assert_eq!(TaskKey::parse(text), Err(Error { code, offset }), "{text}");
        }
    }
}
