//! A mapping fits two spaces when every dimension of the upstream follows from the downstream partition.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Report;
use super::partition::Spaces;
use super::place::Place;
use crate::plan::catalog::{AssetIndex, DimensionLink, DimensionLinks, Link};
use crate::plan::lookup::Lookup;
use crate::plan::order::sort_by;
use crate::plan::space::{Space, SpaceDimension, Values};
use crate::plan::{suggestion, typed};
use crate::wire::manifest::partition::{DimensionMapping, Mapping};
use crate::wire::manifest::{Asset, Manifest, Upstream, limit};

/// The links of all assets.
pub(super) struct Links {
    /// For each asset its links, by upstream.
    pub(super) rows: Vec<Vec<Link>>,
    /// What they say of dimensions, each list once.
    pub(super) said: Vec<DimensionLinks>,
}

/// The links of each asset, in the order of `declared`.
pub(super) fn links(
    manifest: &Manifest,
    declared: &[u32],
    lookup: &Lookup,
    spaces: &Spaces,
    report: &mut Report,
) -> Links {
    let asset = |&place: &u32| &manifest.assets[place as usize];
    let assets = Assets {
        manifest,
        lookup,
        keys: declared
            .iter()
            .map(|place| asset(place).key.as_str())
            .collect(),
    };
    let mut said = Said::default();
    let rows = (0u32..).zip(declared).map(|(index, &place)| {
        let space = spaces.get(index);
        assets.links(place, space, spaces, &mut said, report)
    });
    Links {
        rows: rows.collect(),
        said: said.distinct,
    }
}

/// What links say of dimensions: few things, many times.
#[derive(Default)]
struct Said {
    distinct: Vec<DimensionLinks>,
    places: BTreeMap<DimensionLinks, u32>,
}

impl Said {
    fn place(&mut self, links: DimensionLinks) -> u32 {
        let next = u32::try_from(self.distinct.len()).unwrap_or(u32::MAX);
        *self.places.entry(links).or_insert_with(|| {
            self.distinct.push(links);
            next
        })
    }
}

struct Assets<'a> {
    manifest: &'a Manifest,
    lookup: &'a Lookup,
    /// In order.
    keys: Vec<&'a str>,
}

impl Assets<'_> {
    fn asset(&self, place: u32) -> &Asset {
        &self.manifest.assets[place as usize]
    }

    fn find(&self, key: &str) -> Option<u32> {
        self.lookup.find(key, |index| self.keys[index as usize])
    }

    fn links(
        &self,
        place: u32,
        space: Option<&Space>,
        spaces: &Spaces,
        said: &mut Said,
        report: &mut Report,
    ) -> Vec<Link> {
        let asset = self.asset(place);
        let assets = Place::top("assets");
        let declaration = assets.at(place as usize);
        let pointer = declaration.member("upstreams");
        super::bound(
            report,
            &pointer,
            "upstreams",
            asset.upstreams.len(),
            limit::MAX_UPSTREAMS,
        );
        let mut seen = BTreeSet::new();
        let mut links = Vec::with_capacity(asset.upstreams.len());
        for (number, upstream) in asset.upstreams.iter().enumerate() {
            let pointer = pointer.at(number);
            let Some(index) = self.find(upstream.asset.as_str()) else {
                self.report_unknown(upstream, &pointer, report);
                continue;
            };
            if !seen.insert(index) {
                report_duplicate(upstream, &pointer, report);
                continue;
            }
            // A space that was refused has its own findings.
            let (Some(own), Some(other)) = (space, spaces.get(index)) else {
                continue;
            };
            links.push(Link {
                upstream: AssetIndex(index),
                said: said.place(fit(own, other, upstream, &pointer, report)),
            });
        }
        sort_by(&mut links, |one, other| one.upstream.cmp(&other.upstream));
        links
    }

    fn report_unknown(&self, upstream: &Upstream, pointer: &Place<'_>, report: &mut Report) {
        report.add(
            "manifest.unknown_upstream",
            pointer.member("asset"),
            format!("there is no asset `{}`", upstream.asset),
            suggestion::hint(
                upstream.asset.as_str(),
                self.keys.iter().copied(),
                "declare it in `assets`",
            ),
        );
    }
}

fn report_duplicate(upstream: &Upstream, pointer: &Place<'_>, report: &mut Report) {
    report.add(
        "manifest.duplicate_upstream",
        pointer.member("asset"),
        format!("the upstream `{}` is there already", upstream.asset),
        "name each upstream once",
    );
}

/// How each dimension of the upstream space follows.
fn fit(
    own: &Space,
    other: &Space,
    upstream: &Upstream,
    pointer: &Place<'_>,
    report: &mut Report,
) -> DimensionLinks {
    let mapping = pointer.member("mapping");
    check_whole(other, upstream, &mapping, report);
    let mut links = DimensionLinks::default();
    for dimension in other.dimensions() {
        let asked = asked(upstream, dimension);
        let shared = own
            .find(&dimension.name)
            .map(|from| (from, &own.dimensions()[from]));
        links.push(follow(asked, dimension, shared).unwrap_or_else(|reason| {
            let place = match &upstream.mapping {
                None => pointer.pointer(),
                Some(Mapping::Dimensions(named)) if named.contains_key(&dimension.name) => mapping
                    .member("dimensions")
                    .member(&dimension.name)
                    .pointer(),
                Some(_) => mapping.pointer(),
            };
            report_unfit(upstream, place, reason, report);
            DimensionLink::All
        }));
    }
    links
}

fn report_unfit(upstream: &Upstream, place: String, reason: Unfit, report: &mut Report) {
    let message = format!(
        "the partitions of `{}` do not follow: {}",
        upstream.asset, reason.message
    );
    report.add("manifest.mapping_unfit", place, message, reason.hint);
}

/// What a mapping says of one dimension; nothing where it leaves it to the default.
fn asked(upstream: &Upstream, dimension: &SpaceDimension) -> Option<DimensionMapping> {
    let time = matches!(dimension.values, Values::Time(_));
    match &upstream.mapping {
        Some(Mapping::Identity) => Some(DimensionMapping::Identity),
        Some(Mapping::All) => Some(DimensionMapping::All),
        Some(Mapping::Latest) if time => Some(DimensionMapping::Latest),
        Some(Mapping::Window(count)) if time => Some(DimensionMapping::Window(*count)),
        Some(Mapping::Dimensions(dimensions)) => dimensions.get(&dimension.name).copied(),
        _ => None,
    }
}

/// Reports mappings that speak of nothing the upstream has.
fn check_whole(other: &Space, upstream: &Upstream, pointer: &Place<'_>, report: &mut Report) {
    let time = other
        .dimensions()
        .iter()
        .any(|dimension| matches!(dimension.values, Values::Time(_)));
    match &upstream.mapping {
        Some(Mapping::Latest | Mapping::Window(_)) if !time => report.add(
            "manifest.mapping_unfit",
            pointer,
            format!("`{}` has no dimension of time", upstream.asset),
            "use `identity` or `all`",
        ),
        Some(Mapping::Dimensions(dimensions)) => {
            for name in dimensions.keys().filter(|name| other.find(name).is_none()) {
                report.add(
                    "manifest.mapping_unfit",
                    pointer.member("dimensions").member(name),
                    format!("`{}` has no dimension `{name}`", upstream.asset),
                    "name dimensions of the upstream",
                );
            }
        }
        _ => {}
    }
}

struct Unfit {
    message: String,
    hint: &'static str,
}

fn unfit(message: String, hint: &'static str) -> Unfit {
    Unfit { message, hint }
}

fn follow(
    asked: Option<DimensionMapping>,
    dimension: &SpaceDimension,
    shared: Option<(usize, &SpaceDimension)>,
) -> Result<DimensionLink, Unfit> {
    match asked {
        Some(DimensionMapping::All) => everything(dimension),
        Some(DimensionMapping::Latest) => latest(dimension),
        Some(DimensionMapping::Identity) => same(dimension, shared),
        Some(DimensionMapping::Window(count)) => window(count, dimension, shared),
        None if shared.is_some() => {
            same(dimension, shared).or_else(|reason| match dimension.values {
                Values::Dynamic(_) => Err(reason),
                _ => everything(dimension),
            })
        }
        None => everything(dimension),
    }
}

fn everything(dimension: &SpaceDimension) -> Result<DimensionLink, Unfit> {
    match dimension.values {
        Values::Dynamic(_) => Err(unfit(
            format!(
                "the values of the dynamic dimension `{}` are not listed",
                dimension.name
            ),
            "give this asset the same dynamic dimension and map it with `identity`",
        )),
        _ => Ok(DimensionLink::All),
    }
}

fn latest(dimension: &SpaceDimension) -> Result<DimensionLink, Unfit> {
    match dimension.values {
        Values::Time(_) => Ok(DimensionLink::Latest),
        _ => Err(unfit(
            format!(
                "the dimension `{}` is not one of time and has no latest value",
                dimension.name
            ),
            "use `identity` or `all`",
        )),
    }
}

fn same(
    dimension: &SpaceDimension,
    shared: Option<(usize, &SpaceDimension)>,
) -> Result<DimensionLink, Unfit> {
    let Some((from, own)) = shared else {
        return Err(unfit(
            format!("this asset has no dimension `{}`", dimension.name),
            "use `all` or `latest`, or give this asset the dimension",
        ));
    };
    let fits = match (&own.values, &dimension.values) {
        (Values::Time(_), Values::Time(_)) => true,
        (Values::Dynamic(a), Values::Dynamic(b)) => a == b,
        (Values::Static(a), Values::Static(b)) => match (a.value(0), b.value(0)) {
            (Some(a), Some(b)) => typed::same_type(a, b),
            _ => false,
        },
        _ => false,
    };
    if !fits {
        return Err(unfit(
            format!(
                "the dimension `{}` is of another kind or type in this asset",
                dimension.name
            ),
            "declare it alike in both, or use `all`",
        ));
    }
    if let (Values::Static(a), Values::Static(b)) = (&own.values, &dimension.values)
        && !a.meets(b)
    {
        return Err(unfit(
            format!(
                "no value of the dimension `{}` is in both assets",
                dimension.name
            ),
            "declare common values, or use `all`",
        ));
    }
    Ok(DimensionLink::Identity {
        from: u32::try_from(from).unwrap_or(u32::MAX),
    })
}

fn window(
    count: u32,
    dimension: &SpaceDimension,
    shared: Option<(usize, &SpaceDimension)>,
) -> Result<DimensionLink, Unfit> {
    if !matches!(dimension.values, Values::Time(_)) {
        return Err(unfit(
            format!(
                "the dimension `{}` is not one of time and has no window",
                dimension.name
            ),
            "use `identity` or `all`",
        ));
    }
    if count == 0 || count > limit::MAX_WINDOW {
        return Err(unfit(
            format!("a window of {count} partitions is out of bounds"),
            "use a window of 1 to 100000",
        ));
    }
    match same(dimension, shared)? {
        DimensionLink::Identity { from } => Ok(DimensionLink::Window {
            from,
            before: count - 1,
        }),
        other => Ok(other),
    }
}
