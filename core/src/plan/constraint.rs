//! A trigger constrains dimensions by name; what a value means is what the selected assets declare.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::identity::partition_key::Value;
use crate::plan::PlanError;
use crate::plan::axis::Axis;
use crate::plan::calendar::{Grain, Span};
use crate::plan::catalog::{AssetIndex, Catalog};
use crate::plan::space::{SpaceDimension, StaticValues, TimeValues, Values};
use crate::plan::typed;
use crate::wire::finding::Finding;
use crate::wire::literal::Literal;
use crate::wire::pointer;
use crate::wire::trigger::Trigger;

mod refusal;

/// The constraints of a trigger on the dimensions of the assets that it selects.
pub(super) struct Constraints {
    by_name: BTreeMap<String, Constraint>,
    /// What dimensions of time without a constraint are.
    otherwise: Otherwise,
    as_of_ms: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Otherwise {
    Refused,
    Whole,
    Latest,
}

struct Constraint {
    pointer: String,
    wanted: Wanted,
    /// The stretch of time that is meant, for dimensions of time.
    span: Option<Span>,
    /// The ranks that are meant in a static list, by the address of the shared list.
    ranks: BTreeMap<usize, Arc<[u32]>>,
    /// Whether any asset has a partition that is meant.
    matched: bool,
}

enum Wanted {
    /// A typed value of a partition key.
    Value(Value),
    /// A value that a declaration is to type.
    Literal(Literal),
    /// From one to another, both included.
    Range(Literal, Literal),
}

impl Constraints {
    /// Reads the trigger's constraints and checks that they speak of the selected assets.
    pub(super) fn resolve(
        catalog: &Catalog,
        selected: &[AssetIndex],
        trigger: &Trigger,
        as_of_ms: u64,
    ) -> Result<Constraints, PlanError> {
        let mut by_name = read(trigger);
        if !by_name.is_empty() {
            let declared = declared_times(catalog, selected);
            for (name, constraint) in &mut by_name {
                let Some(times) = declared.get(name.as_str()) else {
                    return Err(
                        refusal::unknown_dimension(name, &constraint.pointer, &declared).into(),
                    );
                };
                if !times.is_empty() {
                    constraint.span = Some(constraint.resolve_span(name, times)?);
                }
            }
        }
        Ok(Constraints {
            by_name,
            otherwise: match (trigger.all_partitions, trigger.latest_partition) {
                (true, _) => Otherwise::Whole,
                (_, true) => Otherwise::Latest,
                _ => Otherwise::Refused,
            },
            as_of_ms,
        })
    }

    /// The part of a dimension that the trigger means; empty when it means none of this asset's.
    pub(super) fn axis(
        &mut self,
        catalog: &Catalog,
        asset: AssetIndex,
        dimension: &SpaceDimension,
    ) -> Result<Axis, PlanError> {
        let Some(constraint) = self.by_name.get_mut(&dimension.name) else {
            return self.unconstrained(catalog, asset, dimension);
        };
        let axis = match &dimension.values {
            Values::Time(time) => constraint.time_axis(time, self.as_of_ms),
            Values::Static(values) => constraint.static_axis(&dimension.name, values)?,
            Values::Dynamic(value_type) => constraint.dynamic_axis(&dimension.name, *value_type)?,
        };
        let axis = axis.ok_or_else(|| refusal::too_long(catalog, asset, dimension))?;
        constraint.matched |= axis.len() > 0;
        Ok(axis)
    }

    fn unconstrained(
        &self,
        catalog: &Catalog,
        asset: AssetIndex,
        dimension: &SpaceDimension,
    ) -> Result<Axis, PlanError> {
        let axis = match (&dimension.values, self.otherwise) {
            (Values::Static(_), _) | (Values::Time(_), Otherwise::Whole) => {
                Axis::whole(&dimension.values, self.as_of_ms)
            }
            (Values::Time(time), Otherwise::Latest) => {
                let end = time.end_at(self.as_of_ms);
                Axis::time(time, (end - 1).max(time.first), end)
            }
            _ => return Err(refusal::required(catalog, asset, dimension).into()),
        };
        axis.ok_or_else(|| refusal::too_long(catalog, asset, dimension))
    }

    /// Refuses constraints that no selected asset has a partition for.
    pub(super) fn finish(&self) -> Result<(), PlanError> {
        match self
            .by_name
            .iter()
            .find(|(_, constraint)| !constraint.matched)
        {
            Some((name, constraint)) => Err(constraint.unmatched(name).into()),
            None => Ok(()),
        }
    }
}

fn read(trigger: &Trigger) -> BTreeMap<String, Constraint> {
    let mut by_name = BTreeMap::new();
    let mut add = |name: &str, pointer: String, wanted| {
        let constraint = Constraint {
            pointer,
            wanted,
            span: None,
            ranks: BTreeMap::new(),
            matched: false,
        };
        by_name.insert(name.to_string(), constraint);
    };
    if let Some(key) = &trigger.partition_key {
        for (name, value) in key.dimensions() {
            add(name, "/partitionKey".to_string(), Wanted::Value(value));
        }
    }
    for (index, partition) in trigger.partitions.iter().flatten().enumerate() {
        let pointer = format!("/partitions/{index}/value");
        add(
            &partition.key,
            pointer,
            Wanted::Literal(partition.value.clone()),
        );
    }
    for (name, range) in trigger.range.iter().flatten() {
        let wanted = Wanted::Range(range.from.clone(), range.to.clone());
        add(name, pointer::join("/range", name), wanted);
    }
    by_name
}

/// Every dimension name of the selected assets, with its kinds of time.
fn declared_times<'a>(
    catalog: &'a Catalog,
    selected: &[AssetIndex],
) -> BTreeMap<&'a str, BTreeMap<Grain, &'a TimeValues>> {
    let mut declared: BTreeMap<&str, BTreeMap<Grain, &TimeValues>> = BTreeMap::new();
    for &asset in selected {
        for dimension in catalog.space(asset).dimensions() {
            let times = declared.entry(&dimension.name).or_default();
            if let Values::Time(time) = &dimension.values {
                times.entry(time.grain).or_insert(time);
            }
        }
    }
    declared
}

impl Constraint {
    /// The stretch of time that is meant: a value is a partition of the finest grain that has it.
    fn resolve_span(
        &self,
        name: &str,
        times: &BTreeMap<Grain, &TimeValues>,
    ) -> Result<Span, PlanError> {
        match &self.wanted {
            Wanted::Value(value) => self.span_of(name, value, &self.pointer, times),
            Wanted::Literal(literal) => {
                let value = self.time_value(name, literal, &self.pointer)?;
                self.span_of(name, &value, &self.pointer, times)
            }
            Wanted::Range(from, to) => {
                let (from_place, to_place) =
                    (join(&self.pointer, "from"), join(&self.pointer, "to"));
                let from = self.time_value(name, from, &from_place)?;
                let to = self.time_value(name, to, &to_place)?;
                let start = self.span_of(name, &from, &from_place, times)?;
                let end = self.span_of(name, &to, &to_place, times)?;
                match (start, end) {
                    (Span::Days(start, _), Span::Days(_, end)) if start < end => {
                        Ok(Span::Days(start, end))
                    }
                    (Span::Hours(start, _), Span::Hours(_, end)) if start < end => {
                        Ok(Span::Hours(start, end))
                    }
                    _ => Err(typed::disordered(name, &self.pointer).into()),
                }
            }
        }
    }

    fn time_value(&self, name: &str, literal: &Literal, pointer: &str) -> Result<Value, PlanError> {
        typed::time(literal)
            .ok_or_else(|| typed::unfit(name, pointer, literal, "a date or a timestamp").into())
    }

    fn span_of(
        &self,
        name: &str,
        value: &Value,
        pointer: &str,
        times: &BTreeMap<Grain, &TimeValues>,
    ) -> Result<Span, PlanError> {
        let found = times
            .keys()
            .find_map(|grain| grain.index_of(value).map(|index| grain.span(index)));
        if let Some(span) = found {
            return Ok(span);
        }
        let hours = matches!(value, Value::Timestamp(_));
        let days = matches!(value, Value::Date(_));
        let coarsest = times.keys().next_back().copied().unwrap_or(Grain::Day);
        let fits = times
            .keys()
            .any(|&grain| (hours && grain == Grain::Hour) || (days && grain != Grain::Hour));
        Err(if fits {
            typed::not_a_start(name, pointer, value, coarsest).into()
        } else {
            let expected = if coarsest == Grain::Hour {
                "a timestamp"
            } else {
                "a date"
            };
            typed::unfit_value(name, pointer, value, expected).into()
        })
    }

    fn time_axis(&self, time: &TimeValues, as_of_ms: u64) -> Option<Axis> {
        let span = self.span?;
        let covering = time.grain.covering(span, &time.zone);
        let from = covering.start.max(time.first);
        let to = covering.end.min(time.end_at(as_of_ms));
        Axis::time(time, from, to)
    }

    fn static_axis(
        &mut self,
        name: &str,
        values: &Arc<StaticValues>,
    ) -> Result<Option<Axis>, PlanError> {
        let address = Arc::as_ptr(values) as usize;
        let ranks = match self.ranks.get(&address) {
            Some(ranks) => ranks.clone(),
            None => {
                let ranks = self.ranks_of(name, values)?;
                self.ranks.insert(address, ranks.clone());
                ranks
            }
        };
        Ok(Some(Axis::Static {
            values: values.clone(),
            ranks: Some(ranks),
        }))
    }

    fn ranks_of(&self, name: &str, values: &StaticValues) -> Result<Arc<[u32]>, PlanError> {
        let Some(example) = values.value(0) else {
            return Ok(Arc::from([]));
        };
        let typed = |literal: &Literal, pointer: &str| typed::like(name, pointer, literal, example);
        match &self.wanted {
            Wanted::Value(value) if !typed::same_type(value, example) => {
                let expected = typed::type_name(example);
                Err(typed::unfit_value(name, &self.pointer, value, expected).into())
            }
            Wanted::Value(value) => Ok(values.rank_of(value).into_iter().collect()),
            Wanted::Literal(literal) => {
                let value = typed(literal, &self.pointer)?;
                Ok(values.rank_of(&value).into_iter().collect())
            }
            Wanted::Range(from, to) => {
                let from = typed(from, &join(&self.pointer, "from"))?;
                let to = typed(to, &join(&self.pointer, "to"))?;
                if from > to {
                    return Err(typed::disordered(name, &self.pointer).into());
                }
                let within = |row: &(u32, &Value)| from <= *row.1 && *row.1 <= to;
                let ranks: Vec<u32> = (0u32..)
                    .zip(values.values())
                    .filter(within)
                    .map(|row| row.0)
                    .collect();
                Ok(Arc::from(ranks))
            }
        }
    }

    fn dynamic_axis(
        &self,
        name: &str,
        value_type: crate::wire::manifest::partition::ValueType,
    ) -> Result<Option<Axis>, PlanError> {
        let example = typed::example(value_type);
        let value = match &self.wanted {
            Wanted::Value(value) if typed::same_type(value, &example) => value.clone(),
            Wanted::Value(value) => {
                let expected = typed::type_name(&example);
                return Err(typed::unfit_value(name, &self.pointer, value, expected).into());
            }
            Wanted::Literal(literal) => typed::like(name, &self.pointer, literal, &example)?,
            Wanted::Range(..) => return Err(typed::no_range(name, &self.pointer).into()),
        };
        Ok(Some(Axis::dynamic(&value)))
    }

    fn unmatched(&self, name: &str) -> Finding {
        let hint = match self.span {
            Some(_) => {
                "see the dimension's start and end; without an end it stops at the last partition that is complete"
            }
            None => "see the values that the manifest declares for the dimension",
        };
        let wanted = match &self.wanted {
            Wanted::Value(value) => format!("the partition `{}`", typed::plain(value)),
            Wanted::Literal(literal) => format!("the partition `{literal}`"),
            Wanted::Range(from, to) => format!("a partition from `{from}` to `{to}`"),
        };
        Finding::new(
            "plan.partition_unknown",
            self.pointer.as_str(),
            format!("no selected asset has {wanted} in the dimension `{name}`"),
            hint,
        )
    }
}

fn join(pointer: &str, token: &str) -> String {
    pointer::join(pointer, token)
}
