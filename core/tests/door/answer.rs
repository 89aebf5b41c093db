//! An answer of the door is looked at by its status, its kind and its body.

use arcoflow_core::door::answer::Then;
use serde_json::Value;

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) json: Value,
    pub(crate) then: Then,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| *header == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn slug(&self) -> &str {
        self.json["type"]
            .as_str()
            .unwrap_or("")
            .rsplit('/')
            .next()
            .unwrap_or("")
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Answer {
        assert_eq!(
            self.status,
            status,
            "{}",
            String::from_utf8_lossy(&self.bytes)
        );
        self
    }

    #[track_caller]
    pub(crate) fn refused(self, status: u16, slug: &str) -> Answer {
        assert_eq!(
            (self.status, self.slug()),
            (status, slug),
            "{}",
            String::from_utf8_lossy(&self.bytes)
        );
        self
    }
}
