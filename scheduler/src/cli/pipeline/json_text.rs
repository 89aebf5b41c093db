//! JSON is the manifest itself; its places are looked up only when something is wrong.

use arcoflow_core::identity::canonical_json::{self, Limits};
use arcoflow_core::wire::manifest::limit;
use arcoflow_core::wire::pointer;

use super::place::{Places, Span};
use super::{Refusal, Source};

/// Reads a JSON text as the JSON of a manifest.
pub(super) fn read(text: &[u8]) -> Result<Source, Vec<Refusal>> {
    let limits = Limits {
        max_bytes: limit::MAX_BYTES as _,
        ..Limits::default()
    };
    canonical_json::canonicalize_with(text, &limits).map_err(|error| {
        let at = error.offset.map_or(0, |offset| offset as usize);
        let hint = "a pipeline file is one JSON object of at most 10 MiB, with integers and without repeated keys";
        vec![Refusal::new(error.code.as_str(), at..at + 1, error.sentence(), hint)]
    })?;
    let mut walker = Walker {
        text,
        at: 0,
        places: Places::default(),
    };
    walker.value("");
    Ok(Source {
        json: text.to_vec(),
        places: walker.places,
    })
}

/// Walks a JSON text that is known to be well formed.
struct Walker<'a> {
    text: &'a [u8],
    at: usize,
    places: Places,
}

impl Walker<'_> {
    fn value(&mut self, pointer: &str) {
        self.space();
        let start = self.at;
        match self.text.get(self.at) {
            Some(b'{') => self.members(pointer),
            Some(b'[') => self.elements(pointer),
            Some(b'"') => drop(self.string()),
            _ => self.scalar(),
        }
        self.places.note(pointer, start..self.at);
    }

    fn members(&mut self, pointer: &str) {
        self.at += 1;
        loop {
            self.space();
            match self.text.get(self.at) {
                Some(b'"') => {
                    let key = self.string();
                    let name: String = serde_json::from_slice(&self.text[key]).unwrap_or_default();
                    self.space();
                    self.at += 1;
                    self.value(&pointer::join(pointer, &name));
                }
                Some(b',') => self.at += 1,
                _ => break,
            }
        }
        self.at += 1;
    }

    fn elements(&mut self, pointer: &str) {
        self.at += 1;
        let mut index: u64 = 0;
        loop {
            self.space();
            match self.text.get(self.at) {
                Some(b',') => self.at += 1,
                None | Some(b']') => break,
                Some(_) => {
                    self.value(&pointer::join(pointer, &index.to_string()));
                    index += 1;
                }
            }
        }
        self.at += 1;
    }

    /// Goes past a string and gives its span, quotes included.
    fn string(&mut self) -> Span {
        let start = self.at;
        self.at += 1;
        while let Some(&byte) = self.text.get(self.at) {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                break;
            }
        }
        self.at = self.at.min(self.text.len());
        start..self.at
    }

    fn scalar(&mut self) {
        while self
            .text
            .get(self.at)
            .is_some_and(|byte| !matches!(byte, b',' | b']' | b'}') && !byte.is_ascii_whitespace())
        {
            self.at += 1;
        }
    }

    fn space(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }
}
