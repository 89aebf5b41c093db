//! Two JSON values are compared member by member, and lists with names in them by name.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::{Difference, Side, Subject};
use crate::plan::order::map_of;
use crate::wire::pointer;

/// Every place at which two sides differ, in the order of the members.
pub(super) fn differences(subject: Subject, before: &Side, after: &Side) -> Vec<Difference> {
    let mut walk = Walk {
        subject,
        found: Vec::new(),
    };
    let (old, new) = (At::new(before), At::new(after));
    walk.compare("", &old, &new);
    walk.found
}

struct Walk {
    subject: Subject,
    found: Vec<Difference>,
}

/// A value and its place.
struct At<'a> {
    pointer: String,
    value: &'a Value,
}

impl<'a> At<'a> {
    fn new(side: &'a Side) -> At<'a> {
        At {
            pointer: side.pointer.clone(),
            value: &side.value,
        }
    }

    fn side(&self) -> Side {
        Side {
            pointer: self.pointer.clone(),
            value: self.value.clone(),
        }
    }

    fn members(&self) -> BTreeMap<String, At<'a>> {
        let rows = self.value.as_object().into_iter().flatten();
        map_of(rows.map(|(name, value)| {
            let pointer = pointer::join(&self.pointer, name);
            (name.clone(), At { pointer, value })
        }))
    }

    /// The elements of a list by what tells them apart: a member of each, or the text itself.
    fn elements(&self, name: &str) -> BTreeMap<String, At<'a>> {
        let rows = self.value.as_array().into_iter().flatten().enumerate();
        map_of(rows.map(|(index, value)| {
            let pointer = pointer::join(&self.pointer, &index.to_string());
            let named = value.get(name).unwrap_or(value);
            let key = named
                .as_str()
                .map_or_else(|| named.to_string(), String::from);
            (key, At { pointer, value })
        }))
    }
}

impl Walk {
    /// Compares two values; `member` is the member of the subject that they are in.
    fn compare(&mut self, member: &str, before: &At<'_>, after: &At<'_>) {
        if before.value == after.value {
            return;
        }
        match (before.value, after.value, list_name(member)) {
            (Value::Object(_), Value::Object(_), _) => {
                self.rows(member, before.members(), after.members())
            }
            (Value::Array(old), Value::Array(new), Some(name))
                if old
                    .iter()
                    .chain(new)
                    .all(|element| element.is_object() || name.is_empty()) =>
            {
                self.rows(member, before.elements(name), after.elements(name));
            }
            _ => self.report(member, Some(before), Some(after)),
        }
    }

    fn rows(
        &mut self,
        member: &str,
        before: BTreeMap<String, At<'_>>,
        after: BTreeMap<String, At<'_>>,
    ) {
        let mut names = BTreeSet::new();
        names.extend(before.keys().chain(after.keys()));
        for name in names {
            let within = if member.is_empty() { name } else { member };
            match (before.get(name), after.get(name)) {
                (Some(before), Some(after)) => self.compare(within, before, after),
                (before, after) => self.report(within, before, after),
            }
        }
    }

    fn report(&mut self, member: &str, before: Option<&At<'_>>, after: Option<&At<'_>>) {
        self.found.push(Difference {
            before: before.map(At::side),
            after: after.map(At::side),
            meaning: meaning(self.subject, member),
        });
    }
}

/// The member that tells the elements of a list apart, for lists whose order means nothing.
fn list_name(member: &str) -> Option<&'static str> {
    match member {
        "upstreams" => Some("asset"),
        "partitions" => Some("name"),
        "tags" => Some(""),
        _ => None,
    }
}

/// What a difference in a member means for runs.
fn meaning(subject: Subject, member: &str) -> &'static str {
    match (subject, member) {
        (Subject::Asset, "key") => "tasks are called by another key",
        (Subject::Asset, "id") => {
            "it is another asset, and what was made before belongs to the old one"
        }
        (Subject::Asset, "description" | "tags") => {
            "tasks run as before; selections and pages may show it elsewhere"
        }
        (Subject::Asset, "upstreams") => "tasks wait for other tasks and read other partitions",
        (Subject::Asset, "partitions") => "the asset has other partitions",
        (Subject::Asset, "run") => {
            "tasks are made in another way; what was made before is not made again by itself"
        }
        (Subject::Asset, "check") => "what is made is judged in another way",
        (Subject::Asset, "retry" | "timeouts") => "attempts are repeated or cut off differently",
        (Subject::Asset, "queue" | "pool" | "resources" | "priority") => {
            "tasks are handed out differently"
        }
        (Subject::Pool | Subject::Queue, _) => "more or fewer attempts are open at once",
        (Subject::Schedule, "cron" | "timeZone" | "catchUp") => "runs start at other times",
        (Subject::Sensor, "kind" | "intervalMs" | "run") => "it is looked for differently",
        (Subject::Automation, "concurrency") => "more or fewer of its runs are open at once",
        (Subject::Automation, _) => "it keeps other assets up to date, or in another way",
        (Subject::Schedule | Subject::Sensor, _) => "what it starts differs",
        (Subject::Asset, _) => "the declaration differs",
    }
}
