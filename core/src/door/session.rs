//! A session is one request at work: the transaction, the door's time, and the only way to append.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::door::config::{Config, Moment};
use crate::door::index;
use crate::door::sql::{Row, Sql, StoreError, first};
use crate::identity::digest::Sha256Digest;
use crate::identity::ids::EventId;
use crate::plan::catalog::Catalog;
use crate::wire::event::Event;
use crate::wire::manifest::Manifest;
use crate::wire::record::{Chain, Record};
use crate::wire::shard::Origin;

/// What happened in a request, for those who wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wake {
    /// Records were appended.
    pub records: bool,
    /// The queues in which an attempt can be leased that could not be before, or will be at its time.
    pub work: BTreeSet<String>,
    /// A piece of log came.
    pub logs: bool,
    /// Something is to be closed at a time that was not known before; without it, the next deadline is the one that was, or later.
    pub deadline: bool,
}

impl Wake {
    /// What happened in either.
    pub fn merge(&mut self, other: &Wake) {
        self.records |= other.records;
        self.work.extend(other.work.iter().cloned());
        self.logs |= other.logs;
        self.deadline |= other.deadline;
    }
}

/// Indexed manifests by their address. What an address stands for never changes, so this is no state: it can be dropped at any moment.
#[derive(Debug, Default)]
pub struct Catalogs {
    /// The one that came last at the end.
    known: Vec<(Sha256Digest, Arc<Catalog>)>,
    /// Those that were deployed by the transaction under way; without it the store may not have them.
    fresh: Vec<Sha256Digest>,
}

/// How many manifests are kept indexed.
const CATALOGS_KEPT: usize = 8;

impl Catalogs {
    /// The indexed manifest, read from the store when it is not at hand.
    ///
    /// # Errors
    /// What the store says.
    pub fn get(
        &mut self,
        sql: &mut dyn Sql,
        manifest: &Sha256Digest,
    ) -> Result<Option<Arc<Catalog>>, StoreError> {
        if let Some((_, catalog)) = self.known.iter().find(|(known, _)| known == manifest) {
            return Ok(Some(catalog.clone()));
        }
        let address = manifest.to_bytes();
        let content = first(
            sql,
            "SELECT content FROM manifest WHERE digest = ?1",
            &[address.as_slice().into()],
            |row| row.blob(0).to_vec(),
        )?;
        let catalog = content
            .and_then(|content| Manifest::parse(&content).ok())
            .and_then(|manifest| Catalog::new(manifest).ok())
            .map(Arc::new);
        if let Some(catalog) = &catalog {
            self.put(*manifest, catalog.clone());
        }
        Ok(catalog)
    }

    /// Ends a transaction. What one that was undone has deployed is at hand no longer.
    pub(crate) fn end(&mut self, is_kept: bool) {
        if !is_kept {
            let fresh = &self.fresh;
            self.known.retain(|(known, _)| !fresh.contains(known));
        }
        self.fresh.clear();
    }

    /// Keeps the indexed manifest of a deployment at hand.
    pub(crate) fn deploy(&mut self, manifest: Sha256Digest, catalog: Arc<Catalog>) {
        self.fresh.push(manifest);
        self.put(manifest, catalog);
    }

    fn put(&mut self, manifest: Sha256Digest, catalog: Arc<Catalog>) {
        self.known.retain(|(known, _)| *known != manifest);
        if self.known.len() >= CATALOGS_KEPT {
            self.known.remove(0);
        }
        self.known.push((manifest, catalog));
    }
}

/// The end of the ledger; that of an empty one is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// The newest record; 0 in an empty ledger.
    pub seq: u64,
    /// Its time.
    pub at_ms: u64,
    /// Its chain value.
    pub chain: Chain,
}

impl End {
    /// Reads the end of a ledger.
    ///
    /// # Errors
    /// What the store says.
    pub fn of(sql: &mut dyn Sql) -> Result<End, StoreError> {
        let end = first(
            sql,
            "SELECT seq, at_ms, chain FROM record ORDER BY seq DESC LIMIT 1",
            &[],
            end_of,
        )?;
        Ok(end.unwrap_or_default())
    }
}

fn end_of(row: &dyn Row) -> End {
    End {
        seq: row.unsigned(0),
        at_ms: row.unsigned(1),
        chain: chain_of(row.blob(2)),
    }
}

/// One request at work.
pub struct Session<'a> {
    /// What the door was told.
    pub config: &'a Config,
    /// Indexed manifests.
    pub catalogs: &'a mut Catalogs,
    /// The transaction.
    pub sql: &'a mut dyn Sql,
    /// What the host lent.
    pub moment: Moment,
    /// What happened so far.
    pub wake: Wake,
    actor: String,
    stand: Option<Stand>,
    /// What was heard of other ledgers, as far as this request has asked for it or changed it.
    heard: BTreeMap<u32, Heard>,
}

/// The newest record of another ledger that was repeated, and whether its row does not say so yet.
#[derive(Clone, Copy)]
struct Heard {
    origin: Origin,
    is_new: bool,
}

/// Where the ledger stands; nearly every request asks for both, so they are read together.
#[derive(Clone, Copy, Default)]
struct Stand {
    end: End,
    /// The address of the current manifest.
    manifest: Option<Sha256Digest>,
}

impl<'a> Session<'a> {
    /// A session over a transaction.
    pub fn new(
        config: &'a Config,
        catalogs: &'a mut Catalogs,
        sql: &'a mut dyn Sql,
        moment: Moment,
        actor: String,
    ) -> Session<'a> {
        Session {
            config,
            catalogs,
            sql,
            moment,
            wake: Wake::default(),
            actor,
            stand: None,
            heard: BTreeMap::new(),
        }
    }

    /// The end of the ledger.
    ///
    /// # Errors
    /// What the store says.
    pub fn end(&mut self) -> Result<End, StoreError> {
        Ok(self.stand()?.end)
    }

    fn stand(&mut self) -> Result<Stand, StoreError> {
        if let Some(stand) = self.stand {
            return Ok(stand);
        }
        let stand = first(
            self.sql,
            "SELECT seq, at_ms, chain, (SELECT value FROM meta WHERE name = 'manifest') FROM record ORDER BY seq DESC LIMIT 1",
            &[],
            |row| Stand {
                end: end_of(row),
                manifest: (!row.is_null(3)).then(|| digest_of(row.blob(3))),
            },
        )?
        .unwrap_or_default();
        self.stand = Some(stand);
        Ok(stand)
    }

    /// The door's time in milliseconds since 1970: the host's clock, but never before the newest record.
    ///
    /// # Errors
    /// What the store says.
    pub fn now_ms(&mut self) -> Result<u64, StoreError> {
        Ok(self.end()?.at_ms.max(self.moment.now_ms))
    }

    /// Says on whose word the facts of this request stand.
    pub fn act_as(&mut self, actor: String) {
        self.actor = actor;
    }

    /// Appends an event: numbers it, chains it, writes it, and brings the indexes up to it. The answer is its place.
    ///
    /// # Errors
    /// What the store says.
    pub fn append(&mut self, event: &Event, cause: Option<EventId>) -> Result<Record, StoreError> {
        let stand = self.stand()?;
        let end = stand.end;
        let body = event.body().map_err(|error| {
            StoreError::new(alloc::format!("an event has no canonical form: {error}"))
        })?;
        let mut record = Record {
            seq: end.seq + 1,
            at_ms: end.at_ms.max(self.moment.now_ms),
            event_id: event.id(),
            kind: String::from(event.kind()),
            actor: self.actor.clone(),
            cause,
            body,
            chain: end.chain,
        };
        record.chain = end.chain.next(&record.canonical());
        self.write(&record)?;
        self.stand = Some(Stand {
            end: End {
                seq: record.seq,
                at_ms: record.at_ms,
                chain: record.chain,
            },
            ..stand
        });
        self.wake.records = true;
        index::apply(self, &record, event)?;
        Ok(record)
    }

    /// Appends an event that another ledger of the workspace has: on its word, and with its place there.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) fn repeat(&mut self, event: &Event, origin: &Origin) -> Result<Record, StoreError> {
        let own = core::mem::replace(&mut self.actor, origin.actor());
        let record = self.append(event, None);
        self.actor = own;
        record
    }

    /// Takes a record as it stands in another copy of the ledger.
    ///
    /// # Errors
    /// What the store says.
    pub fn restore(&mut self, record: &Record) -> Result<(), StoreError> {
        self.write(record)?;
        if let Some(event) = record.event() {
            index::apply(self, record, &event)?;
        }
        self.keep_heard()
    }

    /// The newest record of another ledger that this one has repeated; 0 when none was. A row that is not there is written anew from the
    /// records.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) fn heard(&mut self, shard: u32) -> Result<Origin, StoreError> {
        if let Some(heard) = self.heard.get(&shard) {
            return Ok(heard.origin);
        }
        let kept = first(
            self.sql,
            "SELECT value FROM meta WHERE name = ?1",
            &[heard_name(shard).as_str().into()],
            |row| String::from(row.text(0)),
        )?;
        let is_new = kept.is_none();
        let actor = match kept {
            Some(actor) => Some(actor),
            None => last_actor(self.sql, shard)?,
        };
        let nothing = Origin {
            shard,
            seq: 0,
            known: 0,
        };
        let origin = actor.and_then(|actor| Origin::of_actor(&actor));
        let origin = origin.unwrap_or(nothing);
        self.heard.insert(shard, Heard { origin, is_new });
        Ok(origin)
    }

    /// Notes that a record was repeated, until [`Session::keep_heard`].
    pub(crate) fn note_heard(&mut self, origin: &Origin) {
        let heard = Heard {
            origin: *origin,
            is_new: true,
        };
        self.heard.insert(origin.shard, heard);
    }

    /// Keeps what was repeated, with a row for each ledger that was heard.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) fn keep_heard(&mut self) -> Result<(), StoreError> {
        for (shard, heard) in self.heard.iter_mut().filter(|(_, heard)| heard.is_new) {
            heard.is_new = false;
            self.sql.execute(
                "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                &[heard_name(*shard).as_str().into(), heard.origin.actor().as_str().into()],
            )?;
        }
        Ok(())
    }

    fn write(&mut self, record: &Record) -> Result<(), StoreError> {
        let event_id = record.event_id.to_bytes();
        let cause = record.cause.map(|cause| cause.to_bytes());
        self.sql.execute(
            "INSERT INTO record (seq, at_ms, event_id, kind, actor, cause, body, chain) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            &[
                record.seq.into(),
                record.at_ms.into(),
                event_id.as_slice().into(),
                record.kind.as_str().into(),
                record.actor.as_str().into(),
                cause.as_ref().map(|cause| cause.as_slice()).into(),
                record.body.as_str().into(),
                record.chain.0.as_slice().into(),
            ],
        )?;
        Ok(())
    }

    /// A record by its number.
    ///
    /// # Errors
    /// What the store says.
    pub fn record(&mut self, seq: u64) -> Result<Option<Record>, StoreError> {
        first(
            self.sql,
            "SELECT seq, at_ms, event_id, kind, actor, cause, body, chain FROM record WHERE seq = ?1",
            &[seq.into()],
            record_of,
        )
    }

    /// Records after a number, in order.
    ///
    /// # Errors
    /// What the store says.
    pub fn records_after(&mut self, after: u64, limit: u64) -> Result<Vec<Record>, StoreError> {
        records_after(self.sql, after, limit)
    }

    /// The indexed manifest of an address.
    ///
    /// # Errors
    /// What the store says.
    pub fn catalog(&mut self, manifest: &Sha256Digest) -> Result<Option<Arc<Catalog>>, StoreError> {
        self.catalogs.get(self.sql, manifest)
    }

    /// The address of the current manifest.
    ///
    /// # Errors
    /// What the store says.
    pub fn current_manifest(&mut self) -> Result<Option<Sha256Digest>, StoreError> {
        Ok(self.stand()?.manifest)
    }

    /// Makes a manifest the current one.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) fn set_manifest(&mut self, manifest: &Sha256Digest) -> Result<(), StoreError> {
        let stand = self.stand()?;
        self.sql.execute(
            "INSERT INTO meta (name, value) VALUES ('manifest', ?1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            &[manifest.as_bytes().as_slice().into()],
        )?;
        self.stand = Some(Stand {
            manifest: Some(*manifest),
            ..stand
        });
        Ok(())
    }
}

/// The row of `meta` that says what was heard of a ledger.
fn heard_name(shard: u32) -> String {
    alloc::format!("heard-{shard}")
}

/// The actor of the last record that repeats another ledger. A deployment may have come before its turn, so it is passed over.
fn last_actor(sql: &mut dyn Sql, shard: u32) -> Result<Option<String>, StoreError> {
    let from = alloc::format!("shard:{shard}#");
    let to = alloc::format!("shard:{shard}$");
    first(
        sql,
        "SELECT actor FROM record WHERE actor > ?1 AND actor < ?2 AND kind <> 'manifest_deployed' ORDER BY seq DESC LIMIT 1",
        &[from.as_str().into(), to.as_str().into()],
        |row| String::from(row.text(0)),
    )
}

/// Records after a number, in order.
///
/// # Errors
/// What the store says.
pub fn records_after(sql: &mut dyn Sql, after: u64, limit: u64) -> Result<Vec<Record>, StoreError> {
    let mut records = Vec::new();
    sql.query(
        "SELECT seq, at_ms, event_id, kind, actor, cause, body, chain FROM record WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        &[after.into(), limit.into()],
        &mut |row| records.push(record_of(row)),
    )?;
    Ok(records)
}

fn record_of(row: &dyn Row) -> Record {
    Record {
        seq: row.unsigned(0),
        at_ms: row.unsigned(1),
        event_id: EventId::from_bytes(bytes_16(row.blob(2))),
        kind: String::from(row.text(3)),
        actor: String::from(row.text(4)),
        cause: (!row.is_null(5)).then(|| EventId::from_bytes(bytes_16(row.blob(5)))),
        body: String::from(row.text(6)),
        chain: chain_of(row.blob(7)),
    }
}

/// Sixteen bytes of a column; zeros when there are others, which no id of ours is.
#[must_use]
pub fn bytes_16(bytes: &[u8]) -> [u8; 16] {
    bytes.try_into().unwrap_or([0; 16])
}

/// A digest of a column.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> Sha256Digest {
    Sha256Digest::from_bytes(bytes.try_into().unwrap_or([0; 32]))
}

fn chain_of(bytes: &[u8]) -> Chain {
    Chain(bytes.try_into().unwrap_or([0; 32]))
}

/// The failure of a host whose clock stands after the last millisecond that an id can name, in the year 10889.
#[must_use]
pub fn beyond_time(_: crate::identity::error::Error) -> StoreError {
    StoreError::new(String::from(
        "the clock is beyond the time that ids can name",
    ))
}
