//! Anyone can replay a ledger: each record is checked against the one before, and the indexes are built again from nothing.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;

use serde::Serialize;

use crate::door::config::{Config, Moment};
use crate::door::schema;
use crate::door::session::{Catalogs, Session};
use crate::door::sql::{Sql, StoreError, Verdict};
use crate::identity::canonical_json;
use crate::identity::digest::{Sha256Digest, sha256};
use crate::identity::ids::EventId;
use crate::wire::event::Event;
use crate::wire::record::{Chain, GENESIS, Record};

/// The place where a ledger stops being one, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Break {
    /// The record.
    pub seq: u64,
    /// What is wrong with it.
    pub sentence: String,
}

/// Checks records one by one, in order.
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    seq: u64,
    at_ms: u64,
    chain: Chain,
    seen: BTreeSet<EventId>,
    /// Records whose kind this version does not know; they are whole, but cannot be understood.
    pub unknown: u64,
}

impl Verifier {
    /// A verifier at the beginning of a ledger.
    #[must_use]
    pub fn new() -> Verifier {
        Verifier {
            chain: GENESIS,
            ..Verifier::default()
        }
    }

    /// The records that were taken.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The chain value of the newest record that was taken.
    #[must_use]
    pub fn chain(&self) -> Chain {
        self.chain
    }

    /// Takes the next record, and gives what it says.
    ///
    /// # Errors
    /// What is wrong with it; the verifier stays before it.
    pub fn take(&mut self, record: &Record) -> Result<Event, Break> {
        let fault = |sentence: String| {
            Err(Break {
                seq: record.seq,
                sentence,
            })
        };
        if record.seq != self.seq + 1 {
            return fault(format!("record {} follows record {}", record.seq, self.seq));
        }
        if record.at_ms < self.at_ms {
            return fault(format!(
                "its time {} is before {}, that of the record before",
                record.at_ms, self.at_ms
            ));
        }
        if canonical_json::canonicalize(record.body.as_bytes())
            .ok()
            .as_deref()
            != Some(record.body.as_bytes())
        {
            return fault(String::from("its body is not canonical JSON"));
        }
        if self.chain.next(&record.canonical()) != record.chain {
            return fault(String::from(
                "its chain value does not follow from the records up to it",
            ));
        }
        let Some(event) = record.event() else {
            return fault(format!("its body does not fit the kind `{}`", record.kind));
        };
        let is_unknown = matches!(event, Event::Unknown);
        if !is_unknown && event.id() != record.event_id {
            return fault(String::from(
                "its event id does not follow from what it says",
            ));
        }
        if !self.seen.insert(record.event_id) {
            return fault(format!(
                "its event {} stands in an earlier record",
                record.event_id
            ));
        }
        self.unknown += u64::from(is_unknown);
        self.seq = record.seq;
        self.at_ms = record.at_ms;
        self.chain = record.chain;
        Ok(event)
    }
}

/// Builds a ledger and its indexes in an empty store from records and the manifests that they name.
///
/// # Errors
/// What the store says.
pub fn rebuild(
    config: &Config,
    sql: &mut dyn Sql,
    manifests: &[alloc::vec::Vec<u8>],
    records: &mut dyn Iterator<Item = Record>,
) -> Result<u64, StoreError> {
    schema::install(sql)?;
    extend(config, sql, manifests, records)
}

/// Goes on with a ledger that was built so, from the records that follow.
///
/// # Errors
/// What the store says.
pub fn extend(
    config: &Config,
    sql: &mut dyn Sql,
    manifests: &[alloc::vec::Vec<u8>],
    records: &mut dyn Iterator<Item = Record>,
) -> Result<u64, StoreError> {
    let mut catalogs = Catalogs::default();
    let mut count = 0;
    sql.transaction(&mut |sql| {
        for content in manifests {
            let address: Sha256Digest = sha256(content);
            sql.execute(
                "INSERT INTO manifest (digest, content) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                &[
                    address.to_bytes().as_slice().into(),
                    content.as_slice().into(),
                ],
            )?;
        }
        for record in &mut *records {
            let moment = Moment {
                now_ms: record.at_ms,
                entropy: [0; 32],
            };
            let mut session =
                Session::new(config, &mut catalogs, sql, moment, record.actor.clone());
            session.restore(&record)?;
            count += 1;
        }
        Ok(Verdict::Keep)
    })?;
    Ok(count)
}
