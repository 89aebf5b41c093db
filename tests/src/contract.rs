//! Two doors are asked the same, and must answer with the same bytes wherever time and chance have no part in them.

pub mod wire;
pub mod keys;
pub mod plain;
pub mod script;
mod decide;
mod strangers;
mod senders;
mod bodies;
mod lives;

use script::{Door, Exchange};

/// What was compared.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// Exchanges of each door.
    pub exchanges: usize,
    /// Refusals among them.
    pub refusals: usize,
}

/// Asks both doors everything, and compares.
///
/// # Errors
/// Each difference, and each answer that is not the one of the table.
pub fn compare(left: &Door, right: &Door) -> Result<Summary, Vec<String>> {
    let (ours, theirs) = (ask(left)?, ask(right)?);
    let mut differences = Vec::new();
    for (one, other) in ours.iter().zip(&theirs) {
        if one.shown != other.shown {
            differences.push(format!(
                "{}\n  {}: {}\n  {}: {}",
                one.what, left.name, one.shown, right.name, other.shown
            ));
        }
    }
    if ours.len() != theirs.len() {
        differences.push(format!(
            "{} has {} exchanges, {} has {}",
            left.name,
            ours.len(),
            right.name,
            theirs.len()
        ));
    }
    if differences.is_empty() {
        Ok(Summary {
            exchanges: ours.len(),
            refusals: ours.iter().filter(|one| one.status >= 400).count(),
        })
    } else {
        Err(differences)
    }
}

/// The whole suite against one door.
fn ask(door: &Door) -> Result<Vec<Exchange>, Vec<String>> {
    let mut script = script::Script::new(door);
    let asked = lives::ask(&mut script)
        .and_then(|place| bodies::ask(&mut script, &place).map(|()| place))
        .and_then(|place| strangers::ask(&mut script, &place))
        .and_then(|()| senders::ask(&mut script))
        .and_then(|()| lives::ask_on(&mut script));
    let mut faults = script.faults;
    if let Err(fault) = asked {
        faults.push(format!("{}: {fault}", door.name));
    }
    if faults.is_empty() {
        Ok(script.exchanges)
    } else {
        Err(faults)
    }
}
