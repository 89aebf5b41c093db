//! A manifest is addressed by what it says: the digest of its canonical bytes.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde_json::Value;

use crate::identity::canonical_json::{self, Limits};
use crate::identity::digest::{self, Sha256Digest};
use crate::identity::error::Error;
use crate::wire::finding::Finding;
use crate::wire::manifest::{Asset, Manifest, limit};
use crate::wire::pointer;
use crate::wire::reader::{self, Decode};

/// A manifest beside the bytes that it was read from.
#[derive(Clone, Debug)]
pub struct Document {
    /// What the text says.
    pub manifest: Manifest,
    /// The canonical bytes of the text.
    pub canonical: Vec<u8>,
    /// The content address: SHA-256 over the canonical bytes.
    pub digest: Sha256Digest,
}

impl Document {
    /// Reads a manifest from a JSON text of at most 10 MiB.
    ///
    /// Syntax ends at the first refusal; otherwise each asset that does not have the shape is reported.
    pub fn parse(text: &[u8]) -> Result<Document, Vec<Finding>> {
        let limits = Limits {
            max_bytes: limit::MAX_BYTES as _,
            ..Limits::default()
        };
        let canonical = canonical_json::canonicalize_with(text, &limits)
            .map_err(|error| vec![syntax_finding(text, &error)])?;
        let manifest = match read_at::<Manifest>(&canonical, "") {
            Ok(manifest) => manifest,
            Err(first) => return Err(shape_findings(&canonical, first)),
        };
        let digest = digest::sha256(&canonical);
        Ok(Document {
            manifest,
            canonical,
            digest,
        })
    }
}

impl Manifest {
    /// Reads a manifest from a JSON text of at most 10 MiB; see [`Document::parse`].
    pub fn parse(text: &[u8]) -> Result<Manifest, Vec<Finding>> {
        Document::parse(text).map(|document| document.manifest)
    }
}

fn read_at<T: Decode>(text: &[u8], base: &str) -> Result<T, Finding> {
    reader::read(text).map_err(|misfit| {
        let mut place = String::from(base);
        place.push_str(&pointer::of_offset(text, misfit.at as usize));
        Finding::new(
            "manifest.shape",
            place,
            misfit.sentence,
            "see the manifest reference for the members and their types",
        )
    })
}

fn syntax_finding(text: &[u8], error: &Error) -> Finding {
    let offset = error.offset.map_or(0, |offset| offset as usize);
    Finding {
        code: Cow::Borrowed(error.code.as_str()),
        pointer: pointer::of_offset(text, offset),
        message: error.to_string(),
        hint: match error.offset {
            Some(offset) => alloc::format!("look at byte {offset} of the text"),
            None => "a manifest is one JSON object of at most 10 MiB".to_string(),
        },
    }
}

/// Every asset's first shape error, and what is wrong outside the assets.
fn shape_findings(canonical: &[u8], first: Finding) -> Vec<Finding> {
    let Ok(Value::Object(mut members)) = reader::read::<Value>(canonical) else {
        return vec![first];
    };
    let mut findings = Vec::new();
    if let Some(Value::Array(assets)) = members.get_mut("assets") {
        for (index, asset) in core::mem::take(assets).into_iter().enumerate() {
            let base = alloc::format!("/assets/{index}");
            findings.extend(read_at::<Asset>(&text_of(&asset), &base).err());
            if findings.len() == limit::MAX_FINDINGS {
                return findings;
            }
        }
    }
    findings.extend(read_at::<Manifest>(&text_of(&Value::Object(members)), "").err());
    if findings.is_empty() {
        findings.push(first);
    }
    findings
}

fn text_of(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
