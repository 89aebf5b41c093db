//! TOML is a way to write a manifest: the same members, and every value keeps its place in the text.

use arcoflow_core::wire::pointer;
use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::place::{Places, Span};
use super::{Refusal, Source};

/// Reads a TOML text as the JSON of a manifest.
pub(super) fn read(text: &[u8]) -> Result<Source, Vec<Refusal>> {
    let text = std::str::from_utf8(text).map_err(|error| {
        let at = error.valid_up_to();
        let message = "the file is not UTF-8";
        vec![Refusal::new(
            "toml.encoding",
            at..at + 1,
            message,
            "save it as UTF-8",
        )]
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(errors.iter().map(refuse).collect());
    }
    let mut reader = Reader::default();
    reader.places.note("", 0..0);
    let value = reader.table("", table.get_ref());
    if reader.refusals.is_empty() {
        Ok(Source {
            json: value.to_string().into_bytes(),
            places: reader.places,
        })
    } else {
        Err(reader.refusals)
    }
}

fn refuse(error: &toml::de::Error) -> Refusal {
    Refusal::new(
        "toml.syntax",
        error.span().unwrap_or(0..0),
        error.message(),
        "see https://toml.io for how TOML is written",
    )
}

#[derive(Default)]
struct Reader {
    places: Places,
    refusals: Vec<Refusal>,
}

impl Reader {
    fn table(&mut self, at: &str, table: &DeTable<'_>) -> Value {
        let mut object = Map::new();
        for (key, value) in table {
            let at = pointer::join(at, key.get_ref());
            // An implicit table (`[a.b]` makes `a`) has no text of its own; its key has.
            let span = if value.span().is_empty() {
                key.span()
            } else {
                value.span()
            };
            self.places.note(&at, span);
            let value = self.value(&at, value);
            object.insert(key.get_ref().to_string(), value);
        }
        Value::Object(object)
    }

    fn array(&mut self, at: &str, array: &DeArray<'_>) -> Value {
        let mut list = Vec::with_capacity(array.len());
        for (index, value) in array.iter().enumerate() {
            let at = pointer::join(at, &index.to_string());
            self.places.note(&at, value.span());
            list.push(self.value(&at, value));
        }
        Value::Array(list)
    }

    fn value(&mut self, at: &str, value: &Spanned<DeValue<'_>>) -> Value {
        match value.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(value) => Value::Bool(*value),
            // A date is text in a manifest, so it may stand without quotes.
            DeValue::Datetime(moment) => Value::String(moment.to_string()),
            DeValue::Integer(integer) => {
                self.integer(integer.as_str(), integer.radix(), value.span())
            }
            DeValue::Float(float) => self.float(float.as_str(), value.span()),
            DeValue::Array(array) => self.array(at, array),
            DeValue::Table(table) => self.table(at, table),
        }
    }

    fn integer(&mut self, digits: &str, radix: u32, span: Span) -> Value {
        match i64::from_str_radix(digits, radix) {
            Ok(integer) => Value::Number(Number::from(integer)),
            Err(_) => {
                let message = format!("the integer `{digits}` does not fit into 64 bits");
                let hint = "use a number from -9223372036854775808 to 9223372036854775807";
                self.refusals
                    .push(Refusal::new("toml.range", span, message, hint));
                Value::Null
            }
        }
    }

    fn float(&mut self, text: &str, span: Span) -> Value {
        let message = format!("`{text}` is not a whole number");
        let hint = "manifests hold integers only: write milliseconds instead of seconds, or put the number in quotes";
        self.refusals
            .push(Refusal::new("toml.float", span, message, hint));
        Value::Null
    }
}
