//! A set of places in a plan crosses the wire as a bitmap, because a hundred thousand task keys would not.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::identity::spelling;
use crate::wire::reader::{self, Decode, Fault, Reader};

/// Places in a plan: bit `i % 8` of byte `i / 8` stands for task `i`; the last byte is not zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskSet(Vec<u8>);

impl TaskSet {
    /// Whether a place is in the set.
    #[must_use]
    pub fn contains(&self, index: u32) -> bool {
        self.0
            .get(index as usize / 8)
            .is_some_and(|byte| byte & (1 << (index % 8)) != 0)
    }

    /// Adds a place.
    pub fn insert(&mut self, index: u32) {
        let byte = index as usize / 8;
        if self.0.len() <= byte {
            self.0.resize(byte + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(byte) {
            *bits |= 1 << (index % 8);
        }
    }

    /// The places in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.0.len() as u32 * 8).filter(|index| self.contains(*index))
    }
}

impl FromIterator<u32> for TaskSet {
    fn from_iter<I: IntoIterator<Item = u32>>(places: I) -> Self {
        let mut set = TaskSet::default();
        places.into_iter().for_each(|index| set.insert(index));
        set
    }
}

impl Serialize for TaskSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&spelling::base64url(&self.0))
    }
}

impl TaskSet {
    fn parse(text: &str) -> Result<TaskSet, String> {
        match spelling::of_base64url(text) {
            Some(bytes) if bytes.last() != Some(&0) => Ok(TaskSet(bytes)),
            _ => Err(
                "expected a bitmap in base64url without padding and without a zero byte at the end"
                    .to_string(),
            ),
        }
    }
}

impl<'de> Deserialize<'de> for TaskSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        TaskSet::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl Decode for TaskSet {
    fn decode(reader: &mut Reader<'_>) -> Result<TaskSet, Fault> {
        reader::parsed(reader, "a string", TaskSet::parse)
    }
}

impl JsonSchema for TaskSet {
    fn schema_name() -> Cow<'static, str> {
        "TaskSet".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9_-]*$" })
    }
}
