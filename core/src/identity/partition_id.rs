//! A partition id names a partition of an asset in sixteen bytes.

use core::fmt;
use core::str::FromStr;

use super::digest::{parse_prefixed_hex, write_hex};
use super::error::{Code, Error};
use super::ids::AssetId;
use super::partition_key::PartitionKey;
use super::schema::string_on_the_wire;
use sha2::{Digest as _, Sha256};

const PREFIX: &[u8; 5] = b"part_";

/// The first 16 bytes of SHA-256 over `{asset_id}:{partition_key}`, written `part_` and 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartitionId([u8; 16]);

/// The id of a partition; the key of an unpartitioned asset is absent.
pub fn partition_id(asset: &AssetId, partition: Option<&PartitionKey>) -> PartitionId {
    let mut hash = Sha256::new();
    hash.update(asset.encode(&mut [0; 36]).as_bytes());
    hash.update(b":");
    hash.update(partition.map_or("", PartitionKey::as_str).as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let [id @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = digest;
    PartitionId(id)
}

impl PartitionId {
    /// Reads the canonical text.
    ///
    /// # Errors
    /// `partition_id.syntax`, at the first byte that differs from that form.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut id = [0; 16];
        parse_prefixed_hex(text.as_bytes(), PREFIX, &mut id)
            .map_err(|offset| Error::at(Code::PartitionIdSyntax, offset))?;
        Ok(Self(id))
    }

    /// The 16 bytes.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The text, without allocating.
    pub fn encode(self, buffer: &mut [u8; 37]) -> &str {
        let (prefix, digits) = buffer.split_at_mut(PREFIX.len());
        prefix.copy_from_slice(PREFIX);
        write_hex(&self.0, digits);
        core::str::from_utf8(buffer).unwrap_or_default()
    }
}

impl fmt::Display for PartitionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.encode(&mut [0; 37]))
    }
}

impl fmt::Debug for PartitionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for PartitionId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

string_on_the_wire!(PartitionId, "a partition id", "^part_[0-9a-f]{32}$");

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn the_known_answer_holds() {
        let asset = AssetId::parse("01930a0b-1234-7abc-9def-0123456789ab").unwrap();
        let key = PartitionKey::parse("date=d:2025-01-15,region=s:dXMtZWFzdA").unwrap();
        let id = partition_id(&asset, Some(&key));
        assert_eq!(id.to_string(), "part_7df84ea9f5f8cedaa48206a286cf33a6");
        assert_eq!(PartitionId::parse(&id.to_string()), Ok(id));
        assert_ne!(partition_id(&asset, None), id);
    }
}
