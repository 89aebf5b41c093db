//! What the repository keeps of a bundle hangs together, and documents say of it what it says.

use std::collections::BTreeMap;
use std::fs;

use arcoflow_core::identity::digest::sha256;
use serde_json::Value;

use crate::pages::{Page, root};

const PLACE: &str = "docs/evidence";

/// The published claims.
pub(crate) struct Published {
    claims: BTreeMap<String, Value>,
}

impl Published {
    pub(crate) fn read() -> Published {
        let listed = json("claims.json");
        let claims = listed.as_array().expect("a list of claims").iter();
        let named = claims.map(|claim| (word(claim, "id").to_owned(), claim.clone()));
        Published {
            claims: named.collect(),
        }
    }

    /// Links of a page to a claim: one that begins with a number says the figure, any other names the claim.
    pub(crate) fn quote_faults(&self, page: &Page) -> Vec<String> {
        let mut faults = Vec::new();
        for (line, text, target) in page.links() {
            let Some((path, id)) = target.split_once("verdict.md#") else {
                continue;
            };
            let place = format!("{}:{line}: [{text}]({target})", page.path);
            let Some(claim) = self.claims.get(id) else {
                faults.push(format!("{place}: there is no such claim"));
                continue;
            };
            if !path.is_empty() && !path.ends_with("evidence/") {
                faults.push(format!("{place}: the verdicts are in {PLACE}"));
            }
            let is_figure = text.starts_with(|c: char| c.is_ascii_digit());
            match figure(claim) {
                _ if !is_figure && text.trim_matches('`') == id => {}
                Some(figure) if figure == text => {}
                Some(figure) => faults.push(format!("{place}: the claim says {figure}")),
                None => faults.push(format!("{place}: the figure is unknown")),
            }
        }
        faults
    }

    /// The manifest holds the digests of the two other files, and no claim is silent about what it does not know.
    pub(crate) fn own_faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let manifest = json("manifest.json");
        for name in ["claims.json", "negative.json"] {
            let bytes = fs::read(root().join(PLACE).join(name)).expect("a published file");
            let digest = sha256(&bytes).to_string();
            let stated = word(&manifest["files"][name], "sha256");
            if digest.strip_prefix("sha256:") != Some(stated) {
                faults.push(format!(
                    "{PLACE}/{name}: its digest is not the one in the manifest"
                ));
            }
        }
        if json("negative.json").as_array().is_none_or(Vec::is_empty) {
            faults.push(format!("{PLACE}/negative.json: it is empty"));
        }
        for (id, claim) in &self.claims {
            if claim["figure"].is_null() == claim["reason"].is_null() {
                faults.push(format!("{id}: a figure is known, or null with a reason"));
            }
        }
        faults
    }

    /// Rows of the gap tracker whose last cell is not what follows from the claims in the row.
    pub(crate) fn state_faults(&self, page: &Page) -> Vec<String> {
        let mut faults = Vec::new();
        for (number, line) in page.lines().filter(|(_, line)| line.starts_with("| ")) {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let ids: Vec<&str> = line
                .match_indices("verdict.md#")
                .filter_map(|(at, mark)| line[at + mark.len()..].split(')').next())
                .collect();
            let shown = ids.iter().filter(|id| self.is_shown(id)).count();
            let state = match shown {
                0 => "not shown",
                shown if shown == ids.len() => "shown",
                _ => "partly",
            };
            let said = cells.last().copied().unwrap_or("").trim_matches(['|', ' ']);
            if !["", "state", state].contains(&said) {
                faults.push(format!(
                    "{}:{number}: it says `{said}`, and is `{state}`",
                    page.path
                ));
            }
        }
        faults
    }

    fn is_shown(&self, id: &str) -> bool {
        let claim = self.claims.get(id);
        claim.is_some_and(|claim| ["holds", "measured"].contains(&word(claim, "verdict")))
    }
}

/// The figure as the page of verdicts prints it.
fn figure(claim: &Value) -> Option<String> {
    let figure = &claim["figure"];
    let number = match figure.as_u64() {
        Some(whole) => grouped(&whole.to_string()),
        None => {
            let text = figure.as_f64()?.to_string();
            let (whole, rest) = text.split_once('.').unwrap_or((&text, "0"));
            format!("{}.{rest}", grouped(whole))
        }
    };
    Some(format!("{number} {}", word(claim, "unit")))
}

/// Digits in threes.
fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn json(name: &str) -> Value {
    let path = root().join(PLACE).join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{PLACE}/{name}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{PLACE}/{name}: {error}"))
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or("")
}
