//! The store of a Durable Object is lent to core as its `Sql`: a statement crosses in one call, with its values and its rows as bytes.
//!
//! ```text
//! value = tag (1 byte), length, that many bytes: 0 NULL · 1 f64 · 2 UTF-8 · 3 bytes
//! rows  = count, columns, count × columns × value; no bytes at all when the query failed
//! ```
//!
//! Lengths and counts are four bytes, little-endian as everything here. A statement is named by its number; its text crosses once.
//! The other end is `shim/storage.js`.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use arcoflow_core::door::sql::{Row, Sql, StoreError, Value, Verdict};
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// The shim's hold of an object's storage. It throws nothing that a statement does: what failed is asked for with `fault`.
    pub type Store;

    /// Says what a statement's number stands for.
    #[wasm_bindgen(method)]
    fn learn(this: &Store, statement: usize, sql: &str);

    /// Runs a statement; the answer is how many rows it wrote, and below zero when it failed.
    #[wasm_bindgen(method)]
    fn run(this: &Store, statement: usize, values: &[u8]) -> f64;

    /// Runs a query; the answer is its rows.
    #[wasm_bindgen(method)]
    fn rows(this: &Store, statement: usize, values: &[u8]) -> Vec<u8>;

    /// Runs the work in a transaction that stays when the work says so. The answer is whether the transaction ended as it should.
    #[wasm_bindgen(method)]
    fn transaction(this: &Store, work: &mut dyn FnMut() -> bool) -> bool;

    /// What the store said of the call that failed last.
    #[wasm_bindgen(method)]
    fn fault(this: &Store) -> String;
}

/// The numbers of the statements that have crossed, in the order of their addresses: core holds each as a constant.
#[derive(Default)]
pub(crate) struct Crossed(RefCell<Vec<((usize, usize), usize)>>);

impl Crossed {
    fn number(&self, store: &Store, sql: &'static str) -> usize {
        let at = (sql.as_ptr() as usize, sql.len());
        let mut known = self.0.borrow_mut();
        match known.binary_search_by_key(&at, |(at, _)| *at) {
            Ok(place) => known[place].1,
            Err(place) => {
                let number = known.len();
                known.insert(place, (at, number));
                store.learn(number, sql);
                number
            }
        }
    }
}

/// The SQL of one object for the time of a call.
pub(crate) struct ObjectSql<'a> {
    pub(crate) store: &'a Store,
    pub(crate) crossed: &'a Crossed,
}

impl Sql for ObjectSql<'_> {
    fn execute(&mut self, sql: &'static str, parameters: &[Value<'_>]) -> Result<u64, StoreError> {
        let statement = self.crossed.number(self.store, sql);
        let written = self.store.run(statement, &bound(parameters));
        if written < 0.0 {
            return Err(failed(self.store));
        }
        Ok(written as u64)
    }

    fn query(
        &mut self,
        sql: &'static str,
        parameters: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row),
    ) -> Result<(), StoreError> {
        let statement = self.crossed.number(self.store, sql);
        let rows = self.store.rows(statement, &bound(parameters));
        if rows.is_empty() {
            return Err(failed(self.store));
        }
        let mut reader = Reader { rest: &rows };
        let (count, columns) = (reader.length(), reader.length());
        for _ in 0..count {
            each(
                &(0..columns)
                    .map(|_| reader.cell())
                    .collect::<Vec<Value<'_>>>(),
            );
        }
        Ok(())
    }

    fn transaction(
        &mut self,
        work: &mut dyn FnMut(&mut dyn Sql) -> Result<Verdict, StoreError>,
    ) -> Result<(), StoreError> {
        let (store, crossed) = (self.store, self.crossed);
        let mut verdict = None;
        let ended = store.transaction(&mut || {
            let said = work(&mut ObjectSql { store, crossed });
            let keep = matches!(said, Ok(Verdict::Keep));
            verdict = Some(said);
            keep
        });
        match verdict {
            Some(Err(error)) => Err(error),
            _ if ended => Ok(()),
            _ => Err(failed(store)),
        }
    }
}

/// The largest integer that crosses exactly. Nothing that is stored is larger, so a bound beyond it may as well be it; SQLite takes no
/// larger one where it wants an integer.
const LARGEST: i64 = (1 << 53) - 1;

fn bound(parameters: &[Value<'_>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parameters.len() * 24);
    let mut put = |tag: u8, value: &[u8]| {
        bytes.push(tag);
        bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
        bytes.extend_from_slice(value);
    };
    for parameter in parameters {
        match *parameter {
            Value::Null => put(0, &[]),
            Value::Integer(integer) => {
                put(1, &(integer.clamp(-LARGEST, LARGEST) as f64).to_le_bytes());
            }
            Value::Text(text) => put(2, text.as_bytes()),
            Value::Blob(blob) => put(3, blob),
        }
    }
    bytes
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    fn length(&mut self) -> usize {
        let bytes = self.take(4).try_into().unwrap_or_default();
        u32::from_le_bytes(bytes) as usize
    }

    fn cell(&mut self) -> Value<'a> {
        let tag = self.take(1).first().copied();
        let length = self.length();
        let value = self.take(length);
        match tag {
            Some(1) => {
                Value::Integer(f64::from_le_bytes(value.try_into().unwrap_or_default()) as i64)
            }
            Some(2) => Value::Text(core::str::from_utf8(value).unwrap_or_default()),
            Some(3) => Value::Blob(value),
            _ => Value::Null,
        }
    }
}

fn failed(store: &Store) -> StoreError {
    let detail = store.fault();
    let is_full = detail.contains("SQLITE_FULL") || detail.contains("storage limit");
    StoreError::new(detail).full(is_full)
}
