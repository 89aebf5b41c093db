//! The database of a ledger is verified where it lies: its indexes are built again from its records alone, and must be the same.

use std::path::Path;

use arcoflow_core::door::compare::{self, compare};
use arcoflow_core::door::config::Config;
use arcoflow_core::door::schema;
use arcoflow_core::door::session::records_after;
use arcoflow_core::door::sql::{Sql, StoreError, Verdict};
use arcoflow_core::door::verify::{Break, Verifier, rebuild};
use arcoflow_core::identity::keys::{TenantId, WorkspaceId};
use arcoflow_core::wire::record::Record;
use arcoflow_core::wire::scope::Scope;

use super::report::Report;
use super::tell;
use crate::cli::connection::Context;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::words;
use crate::host::store::Store;

/// The index that has one row at most, which is not worth a word.
const CURRENT: &str = "current manifest";
/// Records that are read at once.
const PAGE: u64 = 5_000;

/// `arcoflow ledger verify --file DB`
pub(super) fn verify(context: &Context, path: &Path) -> Outcome {
    if !path.is_file() {
        return Err(Failure::usage("there is no such ledger").at(path.display()));
    }
    let fault = |detail: String| {
        Failure::new(
            Exit::RunFailed,
            format!("the ledger cannot be read: {detail}"),
        )
        .at(path.display())
        .hint("restore the ledger from a copy")
    };
    let mut live = Store::open_reader(path).map_err(|error| fault(error.to_string()))?;
    let mut replayed =
        Store::open(Path::new(":memory:")).map_err(|error| fault(error.to_string()))?;
    let mut report = Report::default();
    context.screen.note(format!("verifying {}", path.display()));
    // One transaction, so that the ledger stands still for the reader while the door goes on.
    live.transaction(&mut |live| {
        check(live, &mut replayed, &mut report)?;
        Ok(Verdict::Keep)
    })
    .map_err(|error| fault(error.into_detail()))?;
    Ok(report.show(&context.screen))
}

fn check(live: &mut dyn Sql, replayed: &mut Store, report: &mut Report) -> Result<(), StoreError> {
    let manifests = compare::manifests(live)?;
    // Whose ledger it is and where its door stands says nothing about what follows from its records; which of several it is does.
    let mut config = Config::new(scope()?, "http://localhost");
    config.shard = schema::shard(live)?.unwrap_or_default();
    let mut records = Records::new(live);
    rebuild(&config, replayed, &manifests, &mut records)?;
    let Records {
        verifier,
        broken,
        failed,
        ..
    } = records;
    if let Some(error) = failed {
        return Err(error);
    }
    if let Some(found) = broken {
        report.broken(&found);
        return Ok(());
    }
    tell(&verifier, report);
    let (agreed, difference) = compare(live, replayed)?;
    let rows: u64 = agreed.iter().map(|index| index.rows).sum();
    let said: Vec<String> = agreed
        .iter()
        .filter(|index| index.index != CURRENT)
        .map(|index| format!("{} {}", index.index, words::count(index.rows)))
        .collect();
    match difference {
        None => {
            let said = format!(
                "{} built again from the records are the same: {}",
                words::of(rows, "row"),
                said.join(", ")
            );
            report.good("indexes", said);
        }
        Some(found) => {
            let row = |row: Option<String>| row.unwrap_or_else(|| "no row".to_string());
            report.bad(
                "indexes",
                format!("the {} differ from what the records say", found.index),
            );
            report.hint(format!("the ledger has   {}", row(found.left)));
            report.careful("replayed", row(found.right));
        }
    }
    Ok(())
}

fn scope() -> Result<Scope, StoreError> {
    let fault = |error: arcoflow_core::identity::error::Error| StoreError::new(error.to_string());
    Ok(Scope {
        tenant: TenantId::parse("local").map_err(fault)?,
        workspace: WorkspaceId::parse("default").map_err(fault)?,
    })
}

/// The records of a store in order, each verified on its way; what is wrong ends them.
struct Records<'a> {
    sql: &'a mut dyn Sql,
    verifier: Verifier,
    page: std::vec::IntoIter<Record>,
    broken: Option<Break>,
    failed: Option<StoreError>,
}

impl<'a> Records<'a> {
    fn new(sql: &'a mut dyn Sql) -> Records<'a> {
        Records {
            sql,
            verifier: Verifier::new(),
            page: Vec::new().into_iter(),
            broken: None,
            failed: None,
        }
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        if self.page.len() == 0 {
            match records_after(self.sql, self.verifier.seq(), PAGE) {
                Ok(page) => self.page = page.into_iter(),
                Err(error) => {
                    self.failed = Some(error);
                    return None;
                }
            }
        }
        let record = self.page.next()?;
        match self.verifier.take(&record) {
            Ok(_) => Some(record),
            Err(found) => {
                self.broken = Some(found);
                None
            }
        }
    }
}
