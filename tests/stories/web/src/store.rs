//! A database of Node's own SQLite, behind the face that every store has.

use arcoflow_core::door::sql::{Row, Sql, StoreError, Value, Verdict};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// A database, as `play.mjs` lends it.
    type Database;

    #[wasm_bindgen(js_namespace = globalThis, js_name = openDatabase, catch)]
    fn open_database() -> Result<Database, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn run(this: &Database, sql: &str, parameters: Array) -> Result<f64, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn all(this: &Database, sql: &str, parameters: Array) -> Result<Array, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn exec(this: &Database, sql: &str) -> Result<(), JsValue>;
}

struct Store(Database);

/// An empty database.
pub(crate) fn empty() -> Result<Box<dyn Sql>, String> {
    let database = open_database().map_err(|error| format!("{error:?}"))?;
    Ok(Box::new(Store(database)))
}

fn failed(error: JsValue) -> StoreError {
    StoreError::new(format!("{error:?}"))
}

fn bound(parameters: &[Value<'_>]) -> Array {
    parameters
        .iter()
        .map(|value| match value {
            Value::Null => JsValue::NULL,
            Value::Integer(integer) => JsValue::from(*integer),
            Value::Text(text) => JsValue::from_str(text),
            Value::Blob(bytes) => Uint8Array::from(*bytes).into(),
        })
        .collect()
}

/// A cell, copied out of JavaScript.
enum Cell {
    Null,
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl Cell {
    fn of(cell: JsValue) -> Cell {
        if cell.is_null() || cell.is_undefined() {
            Cell::Null
        } else if let Some(text) = cell.as_string() {
            Cell::Text(text)
        } else if cell.is_bigint() {
            Cell::Integer(i64::try_from(cell).unwrap_or(0))
        } else {
            Cell::Blob(Uint8Array::new(&cell).to_vec())
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Cell::Null => Value::Null,
            Cell::Integer(integer) => Value::Integer(*integer),
            Cell::Text(text) => Value::Text(text),
            Cell::Blob(bytes) => Value::Blob(bytes),
        }
    }
}

impl Sql for Store {
    fn execute(&mut self, sql: &'static str, parameters: &[Value<'_>]) -> Result<u64, StoreError> {
        let changed = self.0.run(sql, bound(parameters)).map_err(failed)?;
        Ok(changed as u64)
    }

    fn query(
        &mut self,
        sql: &'static str,
        parameters: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row),
    ) -> Result<(), StoreError> {
        let rows = self.0.all(sql, bound(parameters)).map_err(failed)?;
        for row in rows.iter() {
            let cells: Vec<Cell> = Array::from(&row).into_iter().map(Cell::of).collect();
            each(&cells.iter().map(Cell::value).collect::<Vec<Value<'_>>>());
        }
        Ok(())
    }

    fn transaction(
        &mut self,
        work: &mut dyn FnMut(&mut dyn Sql) -> Result<Verdict, StoreError>,
    ) -> Result<(), StoreError> {
        self.0.exec("SAVEPOINT request").map_err(failed)?;
        let verdict = work(self);
        let end = match verdict {
            Ok(Verdict::Keep) => "RELEASE request",
            _ => "ROLLBACK TO request; RELEASE request",
        };
        self.0.exec(end).map_err(failed)?;
        verdict.map(|_| ())
    }
}
