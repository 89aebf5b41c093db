//! A partition space is refused where a dimension of it cannot be told apart, counted or written in a key.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::place::Place;
use super::{Report, bound, name};
use crate::identity::partition_key::{MAX_BYTES, Value};
use crate::plan::calendar::Grain;
use crate::plan::space::{Space, SpaceDimension, StaticValues, TimeValues, Values};
use crate::plan::typed;
use crate::plan::zone::Zone;
use crate::wire::literal::Literal;
use crate::wire::manifest::partition::{Dimension, DimensionKind, ValueType};
use crate::wire::manifest::{Asset, Manifest, limit};

/// What dimensions that declare the same have in common.
#[derive(Default)]
struct Shared<'a> {
    lists: BTreeMap<&'a [Literal], Arc<StaticValues>>,
    zones: BTreeMap<&'a str, Zone>,
}

/// The spaces of assets: those that declare the same have one.
pub(super) struct Spaces {
    pub(super) distinct: Vec<Space>,
    /// In the order of the assets; absent where the space is refused.
    pub(super) of_asset: Vec<Option<u32>>,
}

impl Spaces {
    /// The space of an asset, unless it is refused.
    pub(super) fn get(&self, asset: u32) -> Option<&Space> {
        let place = (*self.of_asset.get(asset as usize)?)?;
        self.distinct.get(place as usize)
    }
}

/// The space of each asset, in the order of `declared`.
pub(super) fn spaces(manifest: &Manifest, declared: &[u32], report: &mut Report) -> Spaces {
    let mut shared = Shared::default();
    let mut known: BTreeMap<&[Dimension], u32> = BTreeMap::new();
    let mut spaces = Spaces {
        distinct: Vec::new(),
        of_asset: Vec::with_capacity(declared.len()),
    };
    let assets = Place::top("assets");
    for &place in declared {
        let asset = &manifest.assets[place as usize];
        let mut found = known.get(asset.partitions.as_slice()).copied();
        if found.is_none() {
            let declaration = assets.at(place as usize);
            let pointer = declaration.member("partitions");
            if let Some(space) = space(asset, &pointer, &mut shared, report) {
                let place = u32::try_from(spaces.distinct.len()).unwrap_or(u32::MAX);
                spaces.distinct.push(space);
                known.insert(&asset.partitions, place);
                found = Some(place);
            }
        }
        spaces.of_asset.push(found);
    }
    spaces
}

fn space<'a>(
    asset: &'a Asset,
    place: &Place<'_>,
    shared: &mut Shared<'a>,
    report: &mut Report,
) -> Option<Space> {
    let before = report.findings.len();
    bound(
        report,
        place,
        "dimensions",
        asset.partitions.len(),
        limit::MAX_DIMENSIONS,
    );
    let mut dimensions: Vec<SpaceDimension> = Vec::with_capacity(asset.partitions.len());
    for (index, dimension) in asset.partitions.iter().enumerate() {
        let pointer = place.at(index);
        check_name(dimension, &pointer, &dimensions, report);
        check_members(dimension, &pointer, report);
        if let Some(values) = values(dimension, &pointer, shared, report) {
            dimensions.push(SpaceDimension {
                name: dimension.name.clone(),
                declared: index,
                values,
            });
        }
    }
    check_open_ends(&dimensions, place, report);
    if report.findings.len() > before {
        return None;
    }
    let space = Space::new(dimensions);
    match &space {
        None => report.add(
            "manifest.partition_count",
            place,
            "the dimensions make more partitions than 64 bits can count",
            "use fewer values",
        ),
        Some(space) if space.fixed_key_bytes() > MAX_BYTES => report.add(
            "manifest.partition_key_length",
            place,
            format!(
                "the longest partition key has {} bytes",
                space.fixed_key_bytes()
            ),
            format!("a partition key has at most {MAX_BYTES}; use shorter names or values"),
        ),
        Some(_) => {}
    }
    space
}

fn check_name(
    dimension: &Dimension,
    pointer: &Place<'_>,
    before: &[SpaceDimension],
    report: &mut Report,
) {
    if !name::is_dimension(&dimension.name) {
        report.add(
            "manifest.dimension_name",
            pointer.member("name"),
            format!("`{}` cannot be the name of a dimension", dimension.name),
            "use lower-case letters, digits and `_`, starting with a letter, at most 64",
        );
    }
    if before.iter().any(|other| other.name == dimension.name) {
        report.add(
            "manifest.duplicate_dimension",
            pointer.member("name"),
            format!("the dimension `{}` is there already", dimension.name),
            "give each dimension of an asset its own name",
        );
    }
}

/// Reports members that do not belong to the kind, and those that are missing.
fn check_members(dimension: &Dimension, pointer: &Place<'_>, report: &mut Report) {
    let time = grain(dimension.kind).is_some();
    let fixed = dimension.kind == DimensionKind::Static;
    let rows = [
        ("start", dimension.start.is_some(), time, time),
        ("end", dimension.end.is_some(), time, false),
        ("timeZone", dimension.time_zone.is_some(), time, false),
        ("values", dimension.values.is_some(), fixed, fixed),
        (
            "valueType",
            dimension.value_type.is_some(),
            dimension.kind == DimensionKind::Dynamic,
            false,
        ),
    ];
    for (member, given, allowed, needed) in rows {
        if given && !allowed {
            report.add(
                "manifest.dimension_member",
                pointer.member(member),
                format!(
                    "the dimension `{}` is of a kind without `{member}`",
                    dimension.name
                ),
                "remove it, or choose another kind",
            );
        }
        if needed && !given {
            report.add(
                "manifest.dimension_member",
                pointer,
                format!("the dimension `{}` has no `{member}`", dimension.name),
                format!("add `{member}`"),
            );
        }
    }
}

fn grain(kind: DimensionKind) -> Option<Grain> {
    match kind {
        DimensionKind::Hourly => Some(Grain::Hour),
        DimensionKind::Daily => Some(Grain::Day),
        DimensionKind::Weekly => Some(Grain::Week),
        DimensionKind::Monthly => Some(Grain::Month),
        DimensionKind::Static | DimensionKind::Dynamic => None,
    }
}

fn values<'a>(
    dimension: &'a Dimension,
    pointer: &Place<'_>,
    shared: &mut Shared<'a>,
    report: &mut Report,
) -> Option<Values> {
    if let Some(grain) = grain(dimension.kind) {
        return time_values(dimension, grain, pointer, shared, report).map(Values::Time);
    }
    if dimension.kind == DimensionKind::Dynamic {
        return Some(Values::Dynamic(
            dimension.value_type.unwrap_or(ValueType::String),
        ));
    }
    let literals = dimension.values.as_deref()?;
    if let Some(values) = shared.lists.get(literals) {
        return Some(Values::Static(values.clone()));
    }
    let values = Arc::new(static_values(literals, &pointer.member("values"), report)?);
    shared.lists.insert(literals, values.clone());
    Some(Values::Static(values))
}

fn time_values<'a>(
    dimension: &'a Dimension,
    grain: Grain,
    pointer: &Place<'_>,
    shared: &mut Shared<'a>,
    report: &mut Report,
) -> Option<TimeValues> {
    let zone = match dimension.time_zone.as_deref() {
        None => Some(Zone::Utc),
        Some(name) => {
            let cached = shared.zones.get(name).cloned();
            cached.or_else(|| zone(name, &pointer.member("timeZone"), report))
        }
    };
    if let (Some(name), Some(zone)) = (dimension.time_zone.as_deref(), &zone) {
        shared.zones.entry(name).or_insert_with(|| zone.clone());
    }
    let start = dimension.start.as_deref()?;
    let first = boundary(grain, start, &pointer.member("start"), report);
    let end = match dimension.end.as_deref() {
        None => None,
        Some(text) => Some(boundary(grain, text, &pointer.member("end"), report)?),
    };
    let (zone, first) = (zone?, first?);
    if end.is_some_and(|end| end <= first) {
        report.add(
            "manifest.partition_order",
            pointer.member("end"),
            format!(
                "the dimension `{}` ends before its first partition is over",
                dimension.name
            ),
            "the end is excluded; put it after the start",
        );
        return None;
    }
    Some(TimeValues {
        grain,
        first,
        end,
        zone,
    })
}

/// The zone with this name, or a report that there is none.
pub(super) fn zone(name: &str, pointer: &Place<'_>, report: &mut Report) -> Option<Zone> {
    let zone = Zone::find(name);
    if zone.is_none() {
        report.add(
            "manifest.time_zone",
            pointer,
            format!("the time zone `{name}` is not known"),
            "use a name of the IANA database, such as `Europe/Paris`",
        );
    }
    zone
}

/// The index of the partition that starts at a text; a day stands for its first hour.
fn boundary(grain: Grain, text: &str, pointer: &Place<'_>, report: &mut Report) -> Option<i64> {
    let value = typed::time(&Literal::Text(text.into()));
    let index = match (&value, grain) {
        (Some(Value::Date(date)), Grain::Hour) => Some(grain.index_of_day(date.days().into())),
        (Some(value), _) => grain.index_of(value),
        (None, _) => None,
    };
    if index.is_none() {
        let hint = match (&value, grain) {
            (Some(Value::Date(date)), Grain::Week | Grain::Month) => {
                let first = grain.first_day(grain.index_of_day(date.days().into()));
                format!(
                    "the partition that holds it starts at `{}`",
                    crate::plan::calendar::bounded(first)
                )
            }
            (_, Grain::Hour) => {
                "write a day, or a whole hour such as `2012-01-01T05:00:00Z`".into()
            }
            _ => "write a day, such as `2012-01-01`".into(),
        };
        report.add(
            "manifest.partition_boundary",
            pointer,
            format!("none of the {} starts at `{text}`", grain.plural()),
            hint,
        );
    }
    index
}

fn static_values(
    literals: &[Literal],
    pointer: &Place<'_>,
    report: &mut Report,
) -> Option<StaticValues> {
    let before = report.findings.len();
    bound(report, pointer, "values", literals.len(), limit::MAX_VALUES);
    let Some(first) = literals.first() else {
        report.add(
            "manifest.values_empty",
            pointer,
            "the dimension has no values",
            "list at least one",
        );
        return None;
    };
    let mut seen = BTreeMap::new();
    let mut values = Vec::with_capacity(literals.len());
    for (index, literal) in literals.iter().enumerate() {
        let pointer = pointer.at(index);
        if core::mem::discriminant(literal) != core::mem::discriminant(first) {
            report.add(
                "manifest.values_mixed",
                pointer,
                format!("`{literal}` is of another type than the first value"),
                "the values of a dimension are all strings, all integers or all booleans",
            );
        }
        if seen.insert(literal, index).is_some() {
            report.add(
                "manifest.duplicate_value",
                pointer,
                format!("the value `{literal}` is there already"),
                "list each value once",
            );
        }
        match value(literal) {
            Some(value) => values.push(value),
            None => report.add(
                "manifest.value_length",
                pointer,
                "the value has more than 256 bytes",
                format!(
                    "a partition value has at most {} bytes",
                    limit::MAX_VALUE_BYTES
                ),
            ),
        }
    }
    if report.findings.len() > before {
        return None;
    }
    StaticValues::new(&values)
}

fn value(literal: &Literal) -> Option<Value> {
    match literal {
        Literal::Boolean(value) => Some(Value::Bool(*value)),
        Literal::Integer(value) => Some(Value::Int(*value)),
        Literal::Text(text) => Value::text(text).ok(),
    }
}

/// Reports a second dimension without an end: ordinals grow in one direction only.
fn check_open_ends(dimensions: &[SpaceDimension], place: &Place<'_>, report: &mut Report) {
    let open = |dimension: &&SpaceDimension| matches!(&dimension.values, Values::Time(time) if time.end.is_none());
    for dimension in dimensions.iter().filter(open).skip(1) {
        report.add(
            "manifest.partition_open",
            place.at(dimension.declared),
            format!(
                "the dimension `{}` is the second one without an end",
                dimension.name
            ),
            "give it an `end`; one dimension of an asset may be open",
        );
    }
}
