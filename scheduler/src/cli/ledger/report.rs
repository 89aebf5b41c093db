//! A report lists what was checked and what came of it, so that silence is never taken for health.

use arcoflow_core::door::verify::Break;
use serde_json::{Map, Value, json};

use crate::cli::failure::Exit;
use crate::cli::screen::{Screen, Tone};
use crate::cli::table::Table;

/// What was checked, in order.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    facts: Map<String, Value>,
    /// Which ledger of several is looked at.
    ledger: Option<u32>,
}

#[derive(Debug)]
struct Row {
    mark: Mark,
    name: String,
    ledger: Option<u32>,
    said: String,
    hint: Option<String>,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Ok,
    Warn,
    Fail,
}

impl Mark {
    fn word(self) -> (&'static str, Tone) {
        match self {
            Mark::Ok => ("ok", Tone::Good),
            Mark::Warn => ("warn", Tone::Careful),
            Mark::Fail => ("fail", Tone::Bad),
        }
    }
}

impl Row {
    fn told(&self) -> String {
        match self.ledger {
            Some(ledger) => format!("ledger {ledger}: {}", self.said),
            None => self.said.clone(),
        }
    }
}

impl Report {
    /// It holds.
    pub(crate) fn good(&mut self, name: &str, said: impl Into<String>) {
        self.push(Mark::Ok, name, said.into());
    }

    /// It holds, but wants a look.
    pub(crate) fn careful(&mut self, name: &str, said: impl Into<String>) {
        self.push(Mark::Warn, name, said.into());
    }

    /// It does not hold.
    pub(crate) fn bad(&mut self, name: &str, said: impl Into<String>) {
        self.push(Mark::Fail, name, said.into());
    }

    /// What follows is about one ledger of several, or about no certain one.
    pub(crate) fn about(&mut self, ledger: Option<u32>) {
        self.ledger = ledger;
    }

    /// What to do about the check before.
    pub(crate) fn hint(&mut self, hint: impl Into<String>) {
        if let Some(row) = self.rows.last_mut() {
            row.hint = Some(hint.into());
        }
    }

    /// Where a ledger stops being one.
    pub(crate) fn broken(&mut self, found: &Break) {
        if found.seq > 1 {
            self.good("records", format!("1 to {} are whole", found.seq - 1));
        }
        self.bad(
            "records",
            format!("record {} is broken: {}", found.seq, found.sentence),
        );
        self.hint(
            "everything from this record on cannot be trusted; restore the ledger from a copy",
        );
        let mut place = json!({ "seq": found.seq, "detail": found.sentence });
        if let Some(ledger) = self.ledger {
            place["ledger"] = ledger.into();
        }
        self.fact("break", place);
    }

    /// A figure for programs.
    pub(crate) fn fact(&mut self, name: &str, value: Value) {
        self.facts.insert(name.to_string(), value);
    }

    /// Shows the report; the code is 1 when something does not hold.
    pub(crate) fn show(&self, screen: &Screen) -> Exit {
        let holds = self.rows.iter().all(|row| row.mark != Mark::Fail);
        if screen.json {
            screen.json_line(&self.to_json(holds));
        } else {
            screen.data(self.to_text(screen));
        }
        if holds { Exit::Ok } else { Exit::RunFailed }
    }

    fn to_text(&self, screen: &Screen) -> String {
        let mut table = Table::new(&[]).folded();
        for row in &self.rows {
            let (word, tone) = row.mark.word();
            table.row([
                screen.paint(format!("{word:<4}"), tone),
                row.name.clone(),
                row.told(),
            ]);
            if let Some(hint) = &row.hint {
                table.row([String::new(), String::new(), format!("→ {hint}")]);
            }
        }
        table.to_text(screen.width)
    }

    fn to_json(&self, holds: bool) -> Value {
        let checks: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                let mut check =
                    json!({ "check": row.name, "result": row.mark.word().0, "detail": row.said });
                if let Some(hint) = &row.hint {
                    check["hint"] = json!(hint);
                }
                if let Some(ledger) = row.ledger {
                    check["ledger"] = json!(ledger);
                }
                check
            })
            .collect();
        let mut object = self.facts.clone();
        object.insert("ok".into(), json!(holds));
        object.insert("checks".into(), json!(checks));
        Value::Object(object)
    }

    fn push(&mut self, mark: Mark, name: &str, said: String) {
        self.rows.push(Row {
            mark,
            name: name.to_string(),
            ledger: self.ledger,
            said,
            hint: None,
        });
    }
}
