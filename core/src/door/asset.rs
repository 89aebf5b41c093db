//! Assets and their partitions are answered from the sets of the index: counted, listed by state, and explained one by one.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use roaring::RoaringBitmap;

use crate::automation::status::Partitions;
use crate::door::admit::Admitted;
use crate::door::answer::{Answered, Fault};
use crate::door::http::Response;
use crate::door::inputs;
use crate::door::partition::{current_catalog, find_ordinal, known, newer, partition_at};
use crate::door::session::Session;
use crate::identity::digest::Sha256Digest;
use crate::identity::keys::AssetKey;
use crate::identity::partition_key::PartitionKey;
use crate::plan::catalog::{AssetIndex, Catalog};
use crate::plan::order::sort_by;
use crate::wire::asset::{
    AssetPage, AssetSummary, DimensionLine, PartitionLine, PartitionPage, PartitionState,
    PartitionView,
};
use crate::wire::problem::{Problem, Slug};

/// The current manifest, indexed.
fn catalog(session: &mut Session<'_>) -> Result<(Sha256Digest, Arc<Catalog>), Fault> {
    let found = current_catalog(session)?;
    found.ok_or_else(|| Problem::new(Slug::ManifestNotFound, "no manifest was deployed yet").into())
}

/// The asset that the query names.
fn asset(admitted: &Admitted, catalog: &Catalog) -> Result<AssetIndex, Problem> {
    let key = admitted
        .query("asset")
        .ok_or_else(|| Problem::validation("?asset", "expected an asset key"))?;
    catalog.find_text(key).ok_or_else(|| {
        Problem::new(
            Slug::AssetNotFound,
            alloc::format!("the current manifest has no asset `{key}`"),
        )
    })
}

fn json_of<T: serde::Serialize>(value: &T) -> Response {
    Response::json(200, serde_json::to_vec(value).unwrap_or_default())
}

/// `GET /v1/assets`
pub(crate) fn list(session: &mut Session<'_>, admitted: &Admitted, _: &[u8]) -> Answered {
    let limit = admitted.number("limit", 100, 1_000)?;
    let (manifest, catalog) = catalog(session)?;
    let after = admitted.query("after").unwrap_or("");
    let now_ms = session.now_ms()?;
    let stale = newer::stale(session, &catalog, None, now_ms)?;
    let open = known::open(session, &catalog, None)?;
    let mut rest = catalog
        .indexes()
        .filter(|asset| catalog.asset(*asset).key.as_str() > after);
    let shown: Vec<AssetIndex> = rest
        .by_ref()
        .take(usize::try_from(limit).unwrap_or(usize::MAX))
        .collect();
    let next = match (rest.next(), shown.last()) {
        (Some(_), Some(last)) => Some(catalog.asset(*last).key.clone()),
        _ => None,
    };
    let mut assets = Vec::with_capacity(shown.len());
    for asset in shown {
        assets.push(look(session, &catalog, asset, &stale, &open)?.summary);
    }
    let page = AssetPage {
        assets,
        next,
        manifest,
        as_of: session.end()?.seq,
    };
    Ok(json_of(&page).into())
}

/// An asset's partitions, looked at.
struct Look {
    partitions: Partitions,
    summary: AssetSummary,
    /// How many ordinals there are.
    total: u32,
}

fn look(
    session: &mut Session<'_>,
    catalog: &Catalog,
    asset: AssetIndex,
    stale: &BTreeMap<AssetIndex, RoaringBitmap>,
    open: &known::Open,
) -> Result<Look, Fault> {
    let declared = catalog.asset(asset);
    let key = declared.key.as_str();
    let partitions = known::partitions(session, key, stale.get(&asset), open.get(&asset))?;
    let now_ms = session.now_ms()?;
    let count = match catalog.space(asset).count(now_ms) {
        Some(count) => count,
        None => known::count_names(session, key)?,
    };
    let total = u32::try_from(count).unwrap_or(u32::MAX);
    let mut dimensions: Vec<DimensionLine> = declared
        .partitions
        .iter()
        .map(|dimension| DimensionLine {
            name: dimension.name.clone(),
            kind: dimension.kind,
        })
        .collect();
    sort_by(&mut dimensions, |one, other| one.name.cmp(&other.name));
    let upstreams = catalog.links(asset).iter();
    let summary = AssetSummary {
        asset_key: declared.key.clone(),
        dimensions,
        partitions: count,
        counts: partitions.counts(total),
        upstreams: upstreams
            .map(|link| catalog.asset(link.upstream).key.clone())
            .collect(),
    };
    Ok(Look {
        partitions,
        summary,
        total,
    })
}

fn look_at(session: &mut Session<'_>, catalog: &Catalog, asset: AssetIndex) -> Result<Look, Fault> {
    let now_ms = session.now_ms()?;
    let stale = newer::stale(session, catalog, Some(asset), now_ms)?;
    let open = known::open(session, catalog, Some(asset))?;
    look(session, catalog, asset, &stale, &open)
}

/// A partition key of the query, with its ordinal.
fn partition_in(
    session: &mut Session<'_>,
    catalog: &Catalog,
    asset: AssetIndex,
    (name, text): (&str, &str),
) -> Result<(Option<PartitionKey>, u32), Fault> {
    let partition = match text {
        "" => None,
        text => Some(
            PartitionKey::parse(text)
                .map_err(|_| Problem::validation(name, "expected a partition key"))?,
        ),
    };
    let ordinal = find_ordinal(session, catalog, asset, partition.as_ref())?;
    match ordinal {
        Some(ordinal) => Ok((partition, ordinal)),
        None => Err(Problem::new(
            Slug::PartitionNotFound,
            alloc::format!("the asset has no partition `{text}`"),
        )
        .into()),
    }
}

/// `GET /v1/partitions`
pub(crate) fn partitions(session: &mut Session<'_>, admitted: &Admitted, _: &[u8]) -> Answered {
    let limit = admitted.number("limit", 1_000, 10_000)?.max(1);
    let (_, catalog) = catalog(session)?;
    let asset = asset(admitted, &catalog)?;
    let wanted = match admitted.query("state") {
        None => None,
        Some(name) => {
            let mut states = PartitionState::ALL.into_iter();
            let state = states.find(|state| state.as_str() == name);
            Some(state.ok_or_else(|| {
                Problem::validation("?state", "expected the name of a partition state")
            })?)
        }
    };
    let from = match admitted.query("after") {
        None => 0,
        Some(text) => {
            let (_, ordinal) = partition_in(session, &catalog, asset, ("?after", text))?;
            ordinal.saturating_add(1)
        }
    };
    let look = look_at(session, &catalog, asset)?;
    let most = u32::try_from(limit + 1).unwrap_or(u32::MAX);
    let mut found = match wanted {
        Some(state) => look.partitions.page(state, from, look.total, most),
        None => (from..look.total).take(most as usize).collect(),
    };
    let more = found.len() as u64 > limit;
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let mut page = Vec::with_capacity(found.len());
    for ordinal in found {
        page.push(PartitionLine {
            partition_key: partition_at(session, &catalog, asset, ordinal)?,
            state: wanted.unwrap_or_else(|| look.partitions.state(ordinal)),
        });
    }
    let next = page.last().filter(|_| more);
    let answer = PartitionPage {
        asset: look.summary,
        next: next.and_then(|line| line.partition_key.clone()),
        page,
        as_of: session.end()?.seq,
    };
    Ok(json_of(&answer).into())
}

/// `GET /v1/partitions/one`
pub(crate) fn partition(session: &mut Session<'_>, admitted: &Admitted, _: &[u8]) -> Answered {
    let (_, catalog) = catalog(session)?;
    let asset = asset(admitted, &catalog)?;
    let text = admitted.query("partition").unwrap_or("");
    let (partition, ordinal) = partition_in(session, &catalog, asset, ("?partition", text))?;
    let state = look_at(session, &catalog, asset)?.partitions.state(ordinal);
    let asset_key: AssetKey = catalog.asset(asset).key.clone();
    let made = match inputs::newest(session, &asset_key, partition.as_ref())? {
        Some(seq) => newer::made_at(session, seq)?.map(|(_, made)| made),
        None => None,
    };
    let now_ms = session.now_ms()?;
    let stale_because = if state == PartitionState::Stale {
        newer::reasons(session, &catalog, (asset, partition.as_ref()), now_ms)?
    } else {
        Vec::new()
    };
    let view = PartitionView {
        asset_key,
        line: PartitionLine {
            partition_key: partition,
            state,
        },
        made,
        stale_because,
        as_of: session.end()?.seq,
    };
    Ok(json_of(&view).into())
}
