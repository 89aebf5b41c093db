//! A record is an event with its place in the ledger, chained to everything before it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::identity::canonical_json;
use crate::identity::ids::EventId;
use crate::identity::spelling;
use crate::wire::event::Event;
use crate::wire::reader::{self, Decode, Fault, Reader};

/// The chain value before the first record.
pub const GENESIS: Chain = Chain([0; 32]);

/// SHA-256 over everything that the ledger held up to a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chain(pub [u8; 32]);

impl Chain {
    /// The chain value of the record that follows, from the canonical JSON of its members without the chain itself.
    #[must_use]
    pub fn next(&self, canonical: &[u8]) -> Chain {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(canonical);
        Chain(hash.finalize().into())
    }

    /// 64 lower-case hex digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        spelling::hex(&self.0)
    }

    /// Reads 64 lower-case hex digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Chain> {
        Some(Chain(spelling::of_hex(text)?.try_into().ok()?))
    }
}

impl Serialize for Chain {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for Chain {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = alloc::borrow::Cow::<str>::deserialize(deserializer)?;
        Chain::from_hex(&text)
            .ok_or_else(|| serde::de::Error::custom("expected 64 lower-case hex digits"))
    }
}

impl Decode for Chain {
    fn decode(reader: &mut Reader<'_>) -> Result<Chain, Fault> {
        reader::parsed(reader, "a string", |text| {
            Chain::from_hex(text).ok_or_else(|| "expected 64 lower-case hex digits".to_string())
        })
    }
}

impl JsonSchema for Chain {
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        "Chain".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
    }
}

/// One entry of the ledger, in the form in which it is stored and hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The number of the record: 1, 2, 3 … without gaps.
    pub seq: u64,
    /// The door's time in milliseconds since 1970, never smaller than that of the record before.
    pub at_ms: u64,
    /// The id of the event.
    pub event_id: EventId,
    /// The kind of the event.
    pub kind: String,
    /// On whose word it stands here.
    pub actor: String,
    /// The event that led to this one.
    pub cause: Option<EventId>,
    /// Canonical JSON.
    pub body: String,
    /// The chain up to and including this record.
    pub chain: Chain,
}

impl Record {
    /// The canonical JSON that the chain is computed over: every member but the chain.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let mut out =
            Vec::with_capacity(self.body.len() + self.actor.len() + self.kind.len() + 256);
        out.extend_from_slice(b"{\"actor\":");
        canonical_json::write_string(&mut out, &self.actor);
        out.extend_from_slice(b",\"at_ms\":");
        canonical_json::write_magnitude(&mut out, self.at_ms);
        out.extend_from_slice(b",\"body\":");
        out.extend_from_slice(self.body.as_bytes());
        if let Some(cause) = &self.cause {
            out.extend_from_slice(b",\"cause\":\"");
            out.extend_from_slice(cause.to_string().as_bytes());
            out.push(b'"');
        }
        out.extend_from_slice(b",\"event_id\":\"");
        out.extend_from_slice(self.event_id.to_string().as_bytes());
        out.extend_from_slice(b"\",\"kind\":");
        canonical_json::write_string(&mut out, &self.kind);
        out.extend_from_slice(b",\"seq\":");
        canonical_json::write_magnitude(&mut out, self.seq);
        out.push(b'}');
        out
    }

    /// The JSON object that leaves the door.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = self.canonical();
        out.pop();
        out.extend_from_slice(b",\"chain\":\"");
        out.extend_from_slice(self.chain.to_hex().as_bytes());
        out.extend_from_slice(b"\"}");
        out
    }

    /// Reads the JSON object that left a door.
    #[must_use]
    pub fn from_json(json: &[u8]) -> Option<Record> {
        let line: RecordLine = serde_json::from_slice(json).ok()?;
        Some(line.into())
    }

    /// The event, or `None` for a record that must be quarantined.
    #[must_use]
    pub fn event(&self) -> Option<Event> {
        Event::decode(&self.kind, &self.body)
    }
}

/// The JSON form of a record.
#[derive(Clone, Debug, Serialize, Decode, Deserialize, JsonSchema)]
pub struct RecordLine {
    /// The number of the record.
    pub seq: u64,
    /// The door's time in milliseconds since 1970.
    pub at_ms: u64,
    /// The id of the event.
    pub event_id: EventId,
    /// The kind of the event.
    pub kind: String,
    /// On whose word it stands here.
    pub actor: String,
    /// The event that led to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
    /// What happened, by kind.
    #[schemars(with = "serde_json::Value")]
    pub body: alloc::boxed::Box<RawValue>,
    /// The chain up to and including this record.
    pub chain: Chain,
}

impl From<RecordLine> for Record {
    fn from(line: RecordLine) -> Record {
        Record {
            seq: line.seq,
            at_ms: line.at_ms,
            event_id: line.event_id,
            kind: line.kind,
            actor: line.actor,
            cause: line.cause,
            body: String::from(alloc::boxed::Box::<str>::from(line.body)),
            chain: line.chain,
        }
    }
}
