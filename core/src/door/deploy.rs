//! A manifest is content: deploying it stores the content once and records that it is the current one.

use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde_json::Value as Json;

use crate::door::admit::Admitted;
use crate::door::answer::{Answered, Fault, Reply};
use crate::door::append::refused;
use crate::door::http::Response;
use crate::door::session::{Session, beyond_time};
use crate::door::sql::{StoreError, first};
use crate::identity::digest::{Sha256Digest, sha256};
use crate::identity::ids::ManifestId;
use crate::plan::catalog::Catalog;
use crate::wire::body;
use crate::wire::event::{Event, ManifestDeployed};
use crate::wire::finding::Finding;
use crate::wire::ledger::AppendResult;
use crate::wire::manifest::Manifest;
use crate::wire::problem::{Problem, Slug};
use crate::wire::record::Record;
use crate::wire::shard::Origin;
use crate::wire::view::DeployAnswer;

/// `POST /v1/manifests`
pub(crate) fn deploy(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    let (canonical, manifest) = body::parse::<Manifest>(body, body::LARGE)?;
    let address = sha256(&canonical);
    let catalog = Catalog::new(manifest).map_err(|findings| refuse(&findings))?;
    if !session.config.shard.leads() {
        keep(session, address, &canonical, catalog)?;
        return follow(session, admitted.told.as_ref());
    }
    let current = session.current_manifest()?;
    if let Some(previous) = current
        && let Some(previous) = session.catalog(&previous)?
    {
        let findings = changed_ids(&catalog, &previous);
        if !findings.is_empty() {
            return Err(Fault::Refused(refuse(&findings)));
        }
    }
    let assets = catalog.len();
    if current == Some(address) {
        let stored = deployment(session, &address)?;
        if let Some((seq, manifest_id)) = stored {
            return Ok(reply(
                200,
                &DeployAnswer {
                    manifest_id,
                    manifest: address,
                    assets,
                    changed: false,
                    seq,
                },
            ));
        }
    }
    keep(session, address, &canonical, catalog)?;
    let manifest_id =
        ManifestId::from_parts(session.now_ms()?, session.moment.random()).map_err(beyond_time)?;
    let record = session.append(
        &Event::ManifestDeployed(ManifestDeployed {
            manifest_id,
            manifest: address,
            assets,
        }),
        None,
    )?;
    Ok(reply(
        201,
        &DeployAnswer {
            manifest_id,
            manifest: address,
            assets,
            changed: true,
            seq: record.seq,
        },
    ))
}

/// Keeps the content of a manifest.
fn keep(
    session: &mut Session<'_>,
    address: Sha256Digest,
    canonical: &[u8],
    catalog: Catalog,
) -> Result<(), StoreError> {
    session.sql.execute(
        "INSERT INTO manifest (digest, content) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        &[address.to_bytes().as_slice().into(), canonical.into()],
    )?;
    session.catalogs.deploy(address, Arc::new(catalog));
    Ok(())
}

/// Another ledger than the first keeps what is to be deployed, and repeats the deployment once it is told of it.
fn follow(session: &mut Session<'_>, told: Option<&DeployAnswer>) -> Answered {
    if let Some(told) = told {
        let body = ManifestDeployed {
            manifest_id: told.manifest_id,
            manifest: told.manifest,
            assets: told.assets,
        };
        let origin = Origin {
            shard: 0,
            seq: told.seq,
            known: 0,
        };
        hear(session, &body, &origin)?;
    }
    Ok(Response::json(200, b"{}".to_vec()).into())
}

/// Repeats a deployment of the first ledger, unless it or a later one is known: whoever deploys tells every ledger at once, and whoever
/// repeats for a ledger comes by once more.
pub(crate) fn hear(
    session: &mut Session<'_>,
    body: &ManifestDeployed,
    origin: &Origin,
) -> Result<AppendResult, StoreError> {
    if let Some(current) = session.current_manifest()?
        && let Some(record) = deployed(session, &current)?
        && Origin::of_actor(&record.actor).is_some_and(|newest| newest.seq >= origin.seq)
    {
        return Ok(AppendResult::Duplicate);
    }
    if session.catalog(&body.manifest)?.is_none() {
        return Ok(refused("manifest-not-found"));
    }
    let record = session.repeat(&Event::ManifestDeployed(body.clone()), origin)?;
    Ok(AppendResult::Appended(record.seq))
}

/// An asset keeps its id for ever: what was made under it is found by it.
fn changed_ids(catalog: &Catalog, previous: &Catalog) -> Vec<Finding> {
    let changed = catalog
        .manifest()
        .assets
        .iter()
        .enumerate()
        .filter_map(|(index, asset)| {
            let before = previous.asset(previous.find(&asset.key)?).id;
            (before != asset.id).then(|| {
                Finding::new(
                    "manifest.asset_id_changed",
                    alloc::format!("/assets/{index}/id"),
                    alloc::format!("the id of `{}` was `{before}`", asset.key),
                    "keep the id; a new id needs a new key, because it is another asset",
                )
            })
        });
    changed.collect()
}

/// The place and the name of a manifest's newest deployment.
fn deployment(
    session: &mut Session<'_>,
    address: &Sha256Digest,
) -> Result<Option<(u64, ManifestId)>, StoreError> {
    let record = deployed(session, address)?;
    Ok(record.and_then(|record| match record.event() {
        Some(Event::ManifestDeployed(body)) => Some((record.seq, body.manifest_id)),
        _ => None,
    }))
}

/// The record of a manifest's newest deployment.
fn deployed(
    session: &mut Session<'_>,
    address: &Sha256Digest,
) -> Result<Option<Record>, StoreError> {
    let seq = first(
        session.sql,
        "SELECT seq FROM manifest WHERE digest = ?1",
        &[address.to_bytes().as_slice().into()],
        |row| row.optional(0),
    )?;
    match seq.flatten() {
        Some(seq) => session.record(seq),
        None => Ok(None),
    }
}

fn reply(status: u16, answer: &DeployAnswer) -> Reply {
    Response::json(status, serde_json::to_vec(answer).unwrap_or_default()).into()
}

/// The refusal of a manifest, with every finding.
fn refuse(findings: &[Finding]) -> Problem {
    let errors: Json = findings.iter().map(Finding::to_json).collect();
    let sentence = match findings {
        [one] => one.message.to_string(),
        many => alloc::format!("the manifest has {} faults", many.len()),
    };
    Problem::new(Slug::ManifestInvalid, sentence).with("errors", errors)
}

/// `GET /v1/manifests/current`
pub(crate) fn current(session: &mut Session<'_>, _: &Admitted, _: &[u8]) -> Answered {
    match session.current_manifest()? {
        Some(address) => content(session, &address),
        None => Err(Fault::Refused(Problem::new(
            Slug::ManifestNotFound,
            "no manifest was deployed yet",
        ))),
    }
}

/// `GET /v1/manifests/{manifest}`
pub(crate) fn get(session: &mut Session<'_>, admitted: &Admitted, _: &[u8]) -> Answered {
    match admitted.params.manifest {
        Some(address) => content(session, &address),
        None => Err(Fault::Refused(Problem::bare(Slug::ManifestNotFound))),
    }
}

fn content(session: &mut Session<'_>, address: &Sha256Digest) -> Answered {
    let content = first(
        session.sql,
        "SELECT content FROM manifest WHERE digest = ?1",
        &[address.to_bytes().as_slice().into()],
        |row| row.blob(0).to_vec(),
    )?;
    match content {
        Some(content) => Ok(Response::json(200, content)
            .header("etag", alloc::format!("\"{address}\""))
            .into()),
        None => Err(Fault::Refused(Problem::new(
            Slug::ManifestNotFound,
            "no manifest with this address was deployed",
        ))),
    }
}
