//! The store of a Durable Object is lent to core as its `Sql`: a statement crosses in one call, with its values and its rows as bytes.
//!
//! ```text
//! value = tag (1 byte), length, that many bytes: 0 NULL · 1 f64 · 2 UTF-8 · 3 bytes
//! rows  = count, columns, count × columns × value
//! ```
//!
//! Lengths and counts are four bytes, little-endian as everything here. The other end is `shim/storage.js`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use arcoflow_core::door::sql::{Row, Sql, StoreError, Value, Verdict};
use js_sys::JsString;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

#[wasm_bindgen]
extern "C" {
    /// The shim's hold of an object's storage.
    pub type Store;

    /// Runs a statement; the answer is how many rows it wrote.
    #[wasm_bindgen(method, catch)]
    fn run(this: &Store, sql: &JsString, values: &[u8]) -> Result<f64, JsValue>;

    /// Runs a query; the answer is its rows.
    #[wasm_bindgen(method, catch)]
    fn rows(this: &Store, sql: &JsString, values: &[u8]) -> Result<Vec<u8>, JsValue>;

    /// Runs the work in a transaction that stays when the work says so.
    #[wasm_bindgen(method, catch)]
    fn transaction(this: &Store, work: &mut dyn FnMut() -> bool) -> Result<(), JsValue>;
}

/// Statements that have crossed, in the order of their addresses: core holds each as a constant.
#[derive(Default)]
pub(crate) struct Crossed(RefCell<Vec<((usize, usize), JsString)>>);

impl Crossed {
    fn text(&self, sql: &'static str) -> JsString {
        let at = (sql.as_ptr() as usize, sql.len());
        let mut known = self.0.borrow_mut();
        match known.binary_search_by_key(&at, |(at, _)| *at) {
            Ok(place) => known[place].1.clone(),
            Err(place) => {
                let text = JsString::from(sql);
                known.insert(place, (at, text.clone()));
                text
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
        let written = self.store.run(&self.crossed.text(sql), &bound(parameters));
        Ok(written.map_err(failed)? as u64)
    }

    fn query(
        &mut self,
        sql: &'static str,
        parameters: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row),
    ) -> Result<(), StoreError> {
        let rows = self.store.rows(&self.crossed.text(sql), &bound(parameters));
        let rows = rows.map_err(failed)?;
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
            _ => ended.map_err(failed),
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

fn failed(error: JsValue) -> StoreError {
    let detail = match error.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => format!("{error:?}"),
    };
    let is_full = detail.contains("SQLITE_FULL") || detail.contains("storage limit");
    StoreError::new(detail).full(is_full)
}
