//! A stretch is the values of one dimension that a trigger means, in order: what a backfill walks along.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};

use crate::identity::partition_key::Value;
use crate::plan::PlanError;
use crate::plan::axis::Axis;
use crate::plan::catalog::{AssetIndex, Catalog};
use crate::plan::constraint::Constraints;
use crate::plan::selection;
use crate::plan::space::Values;
use crate::wire::finding::Finding;
use crate::wire::literal::Literal;
use crate::wire::trigger::{PartitionRange, Trigger};

/// Some values of one dimension, in order.
#[derive(Clone, Debug)]
pub struct Stretch {
    dimension: String,
    axis: Axis,
    base: Trigger,
}

/// The values of a dimension that a trigger means; of the only dimension of time when none is named.
///
/// # Errors
/// Those of the plan, and `backfill.dimension` when the selected assets have no such dimension or several to choose from.
pub fn stretch(
    catalog: &Catalog,
    trigger: &Trigger,
    dimension: Option<&str>,
    as_of_ms: u64,
) -> Result<Stretch, PlanError> {
    trigger.validate()?;
    let selected = selection::select(catalog, &trigger.selection)?;
    let name = match dimension {
        Some(name) => name.to_string(),
        None => only_time(catalog, &selected)?,
    };
    let mut constraints = Constraints::resolve(catalog, &selected, trigger, as_of_ms)?;
    let mut widest: Option<Axis> = None;
    for &asset in &selected {
        for declared in catalog.space(asset).dimensions() {
            let axis = constraints.axis(catalog, asset, declared)?;
            let longer = widest.as_ref().is_none_or(|known| axis.len() > known.len());
            if declared.name == name && longer {
                widest = Some(axis);
            }
        }
    }
    constraints.finish()?;
    let axis = widest.ok_or_else(|| no_dimension(&name))?;
    Ok(Stretch {
        dimension: name,
        axis,
        base: by_range(trigger),
    })
}

/// The name of the one dimension of time that the assets have.
fn only_time(catalog: &Catalog, selected: &[AssetIndex]) -> Result<String, PlanError> {
    let dimensions = selected
        .iter()
        .flat_map(|asset| catalog.space(*asset).dimensions());
    let mut names: BTreeMap<&str, ()> = BTreeMap::new();
    for dimension in dimensions {
        if matches!(dimension.values, Values::Time(_)) {
            names.insert(&dimension.name, ());
        }
    }
    match names.len() {
        1 => Ok(names
            .keys()
            .next()
            .map_or_else(String::new, |name| (*name).to_string())),
        0 => Err(no_dimension("").into()),
        _ => Err(Finding::new(
            "backfill.dimension",
            "/dimension",
            format!(
                "the selected assets have {} dimensions of time",
                names.len()
            ),
            "name the one to walk along in `dimension`",
        )
        .into()),
    }
}

fn no_dimension(name: &str) -> Finding {
    let sentence = if name.is_empty() {
        "no selected asset has a dimension of time".to_string()
    } else {
        format!("no selected asset has the dimension `{name}`")
    };
    Finding::new(
        "backfill.dimension",
        "/dimension",
        sentence,
        "name a dimension of the selected assets in `dimension`",
    )
}

/// The same trigger with every constraint written as a range.
fn by_range(trigger: &Trigger) -> Trigger {
    let mut range = trigger.range.clone().unwrap_or_default();
    if let Some(key) = &trigger.partition_key {
        for (name, value) in key.dimensions() {
            range.insert(name.to_string(), single(literal(&value)));
        }
    }
    for partition in trigger.partitions.iter().flatten() {
        range.insert(partition.key.clone(), single(partition.value.clone()));
    }
    Trigger {
        partition_key: None,
        partitions: None,
        all_partitions: false,
        latest_partition: false,
        range: Some(range),
        run_key: None,
        ..trigger.clone()
    }
}

fn single(value: Literal) -> PartitionRange {
    PartitionRange {
        from: value.clone(),
        to: value,
    }
}

/// A value as a person writes it in a trigger.
fn literal(value: &Value) -> Literal {
    match value {
        Value::Bool(value) => Literal::Boolean(*value),
        Value::Int(value) => Literal::Integer(*value),
        other => {
            let text = other.to_string();
            Literal::Text(match other {
                Value::Str(text) => text.as_str().to_string(),
                _ => text
                    .split_once(':')
                    .map_or(text.clone(), |(_, value)| value.to_string()),
            })
        }
    }
}

impl Stretch {
    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.axis.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of the dimension.
    #[must_use]
    pub fn dimension(&self) -> &str {
        &self.dimension
    }

    /// Whether neighbours make a range; the values of a list stand alone.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        matches!(self.axis, Axis::Time { .. })
    }

    /// The trigger of the values from a place on, at most `count` of them, and its first and last value as text.
    #[must_use]
    pub fn part(&self, start: u32, count: u32) -> Option<(Trigger, String, String)> {
        let last = start
            .saturating_add(count.max(1))
            .min(self.len())
            .checked_sub(1)?;
        let (from, to) = (
            literal(&self.axis.value(start)?),
            literal(&self.axis.value(last)?),
        );
        let (first, end) = (from.to_string(), to.to_string());
        let mut trigger = self.base.clone();
        trigger
            .range
            .get_or_insert_default()
            .insert(self.dimension.clone(), PartitionRange { from, to });
        Some((trigger, first, end))
    }
}
