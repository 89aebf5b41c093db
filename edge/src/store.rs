//! The store of a Durable Object is lent to core as its `Sql`: every call that can throw gives an error instead.

use arcoflow_core::door::sql::{Row, Sql, StoreError, Value, Verdict};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

#[wasm_bindgen]
extern "C" {
    /// The shim's hold of an object's storage.
    pub type Store;

    /// Runs a statement; the answer is how many rows it wrote.
    #[wasm_bindgen(method, catch)]
    fn run(this: &Store, sql: &str, parameters: Array) -> Result<f64, JsValue>;

    /// Runs a query; the answer is an array of arrays.
    #[wasm_bindgen(method, catch)]
    fn rows(this: &Store, sql: &str, parameters: Array) -> Result<Array, JsValue>;

    /// Runs the work in a transaction that stays when the work says so.
    #[wasm_bindgen(method, catch)]
    fn transaction(this: &Store, work: &mut dyn FnMut() -> bool) -> Result<(), JsValue>;
}

/// The SQL of one object for the time of a call.
pub(crate) struct ObjectSql<'a>(pub(crate) &'a Store);

impl Sql for ObjectSql<'_> {
    fn execute(&mut self, sql: &'static str, parameters: &[Value<'_>]) -> Result<u64, StoreError> {
        let written = self.0.run(sql, bound(parameters)).map_err(failed)?;
        Ok(written as u64)
    }

    fn query(
        &mut self,
        sql: &'static str,
        parameters: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row),
    ) -> Result<(), StoreError> {
        let rows = self.0.rows(sql, bound(parameters)).map_err(failed)?;
        for row in rows.iter() {
            each(&Cells::of(&row));
        }
        Ok(())
    }

    fn transaction(
        &mut self,
        work: &mut dyn FnMut(&mut dyn Sql) -> Result<Verdict, StoreError>,
    ) -> Result<(), StoreError> {
        let store = self.0;
        let mut verdict = None;
        let ended = store.transaction(&mut || {
            let said = work(&mut ObjectSql(store));
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

fn bound(parameters: &[Value<'_>]) -> Array {
    let array = Array::new();
    for parameter in parameters {
        let value = match *parameter {
            Value::Null => JsValue::NULL,
            Value::Integer(integer) => JsValue::from_f64(integer.clamp(-LARGEST, LARGEST) as f64),
            Value::Text(text) => JsValue::from_str(text),
            Value::Blob(bytes) => Uint8Array::from(bytes).into(),
        };
        array.push(&value);
    }
    array
}

enum Cell {
    Null,
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

/// A row that was copied out of JavaScript.
struct Cells(Vec<Cell>);

impl Cells {
    fn of(row: &JsValue) -> Cells {
        let cells = row.unchecked_ref::<Array>().iter().map(|cell| {
            if cell.is_null() {
                Cell::Null
            } else if let Some(number) = cell.as_f64() {
                Cell::Integer(number as i64)
            } else if let Some(text) = cell.as_string() {
                Cell::Text(text)
            } else {
                Cell::Blob(Uint8Array::new(&cell).to_vec())
            }
        });
        Cells(cells.collect())
    }
}

impl Row for Cells {
    fn integer(&self, column: usize) -> i64 {
        match self.0.get(column) {
            Some(Cell::Integer(integer)) => *integer,
            _ => 0,
        }
    }

    fn text(&self, column: usize) -> &str {
        match self.0.get(column) {
            Some(Cell::Text(text)) => text,
            _ => "",
        }
    }

    fn blob(&self, column: usize) -> &[u8] {
        match self.0.get(column) {
            Some(Cell::Blob(bytes)) => bytes,
            _ => &[],
        }
    }

    fn is_null(&self, column: usize) -> bool {
        matches!(self.0.get(column), None | Some(Cell::Null))
    }
}

fn failed(error: JsValue) -> StoreError {
    let detail = match error.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => format!("{error:?}"),
    };
    StoreError {
        is_full: detail.contains("SQLITE_FULL") || detail.contains("storage limit"),
        detail,
    }
}
