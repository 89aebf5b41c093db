//! The questions about identity.

use alloc::format;
use alloc::string::{String, ToString};

use super::{Answer, Outcome, Question, Refusal};
use crate::identity::canonical_json;
use crate::identity::derived;
use crate::identity::digest;
use crate::identity::error::{Code, Error};
use crate::identity::ids::ulid::Ulid;
use crate::identity::ids::{AssetId, Generator, RunId, normalize_ulid, normalize_uuid};
use crate::identity::keys::{AssetKey, RunKey, TaskKey, TenantId, WorkspaceId};
use crate::identity::partition_id::partition_id;
use crate::identity::partition_key::PartitionKey;
use crate::identity::spelling;

/// Answers an operation on identity; none when the operation is of another room.
pub(super) fn ask(operation: &str, question: &Question<'_>) -> Option<Outcome> {
    Some(match operation {
        "canonical_json" => canonical(question),
        "fingerprint" => fingerprint(question),
        "asset_id.parse" => text(question, |text| {
            AssetId::parse(text).map(|id| id.to_string())
        }),
        "asset_id.normalize" => text(question, normalize_uuid),
        "asset_id.timestamp_ms" => integer(question, |text| {
            AssetId::parse(text).map(AssetId::timestamp_ms)
        }),
        "ulid.parse" => text(question, |text| Ulid::parse(text).map(|id| id.to_string())),
        "ulid.normalize" => text(question, normalize_ulid),
        "ulid.timestamp_ms" => integer(question, |text| Ulid::parse(text).map(Ulid::timestamp_ms)),
        "ulid.generate" => generate_ulid(question),
        "uuid7.generate" => generate_uuid7(question),
        "partition_key.parse" => json(question, |text| {
            PartitionKey::parse(text).map(|key| key.to_json())
        }),
        "partition_key.format" => format_partition_key(question),
        "partition_key.normalize" => text(question, |text| {
            PartitionKey::normalize(text).map(|key| key.to_string())
        }),
        "partition_key.compare" => compare_partition_keys(question),
        "partition_id" => name_partition(question),
        "asset_key.parse" => json(question, |text| {
            AssetKey::parse(text).map(|key| asset_key_json(&key))
        }),
        "asset_key.normalize" => text(question, |text| {
            AssetKey::normalize(text).map(|key| key.to_string())
        }),
        "task_key.parse" => json(question, |text| {
            TaskKey::parse(text).map(|key| task_key_json(&key))
        }),
        "tenant_id.parse" => text(question, |text| {
            TenantId::parse(text).map(|id| id.to_string())
        }),
        "workspace_id.parse" => text(question, |text| {
            WorkspaceId::parse(text).map(|id| id.to_string())
        }),
        "run_key.parse" => run_key(question),
        "task_id" => name_task(question),
        "attempt_id" => name_attempt(question, |run, task, attempt| {
            derived::attempt_id(run, task, attempt).to_string()
        }),
        "materialization_id" => name_attempt(question, |run, task, attempt| {
            derived::materialization_id(run, task, attempt).to_string()
        }),
        "dispatch_id" => name_dispatch(question),
        "dispatch_id.parse" => json(question, |text| {
            derived::parse_dispatch_id(text).map(|id| dispatch_json(&id))
        }),
        "queue_name" => queue_name(question),
        "run_home" => run_home(question),
        _ => return None,
    })
}

fn text(question: &Question<'_>, read: impl Fn(&str) -> Result<String, Error>) -> Outcome {
    Ok(Answer::Text(read(&question.text()?)?))
}

fn json(question: &Question<'_>, read: impl Fn(&str) -> Result<String, Error>) -> Outcome {
    Ok(Answer::Json(read(&question.text()?)?))
}

fn integer(question: &Question<'_>, read: impl Fn(&str) -> Result<u64, Error>) -> Outcome {
    Ok(Answer::Integer(read(&question.text()?)? as i64))
}

fn canonical(question: &Question<'_>) -> Outcome {
    let canonical = canonical_json::canonicalize(&question.bytes()?)?;
    Ok(Answer::Text(
        String::from_utf8(canonical).map_err(|_| Refusal::INPUT)?,
    ))
}

fn fingerprint(question: &Question<'_>) -> Outcome {
    Ok(Answer::Text(
        digest::fingerprint(&question.bytes()?)?.to_string(),
    ))
}

fn generate_ulid(question: &Question<'_>) -> Outcome {
    let (ms, random) = time_and_random(question)?;
    let mut generator = match question.optional_text_member("previous")? {
        Some(previous) => Generator::after(Ulid::parse(&previous)?),
        None => Generator::new(),
    };
    Ok(Answer::Text(generator.generate(ms, random)?.to_string()))
}

fn generate_uuid7(question: &Question<'_>) -> Outcome {
    let (ms, random) = time_and_random(question)?;
    Ok(Answer::Text(AssetId::from_parts(ms, random)?.to_string()))
}

fn time_and_random(question: &Question<'_>) -> Result<(u64, [u8; 10]), Refusal> {
    let ms = u64::try_from(question.integer_member("ms")?).map_err(|_| Error::new(Code::IdTime))?;
    let bytes = spelling::of_hex(&question.text_member("random_hex")?).ok_or(Refusal::INPUT)?;
    Ok((ms, bytes.try_into().map_err(|_| Refusal::INPUT)?))
}

fn format_partition_key(question: &Question<'_>) -> Outcome {
    Ok(Answer::Text(
        PartitionKey::from_json(&question.document()?)?.to_string(),
    ))
}

fn compare_partition_keys(question: &Question<'_>) -> Outcome {
    let left = PartitionKey::parse(&question.text_member("left")?)?;
    let right = PartitionKey::parse(&question.text_member("right")?)?;
    Ok(Answer::Integer(left.typed_cmp(&right) as i64))
}

fn name_partition(question: &Question<'_>) -> Outcome {
    let asset = AssetId::parse(&question.text_member("asset_id")?)?;
    let key = question.optional_text_member("partition_key")?;
    let key = key.map(|key| PartitionKey::parse(&key)).transpose()?;
    Ok(Answer::Text(partition_id(&asset, key.as_ref()).to_string()))
}

fn asset_key_json(key: &AssetKey) -> String {
    format!(
        r#"{{"name":"{}","namespace":"{}"}}"#,
        key.name(),
        key.namespace()
    )
}

fn task_key_json(key: &TaskKey) -> String {
    let (asset, operation) = (key.asset_str(), key.operation());
    match key.partition_str() {
        Some(partition) => {
            format!(
                r#"{{"asset_key":"{asset}","operation":"{operation}","partition_key":"{partition}"}}"#
            )
        }
        None => format!(r#"{{"asset_key":"{asset}","operation":"{operation}"}}"#),
    }
}

fn dispatch_json(dispatch: &derived::Dispatch) -> String {
    let derived::Dispatch {
        run_id,
        task_key,
        attempt,
    } = dispatch;
    format!(r#"{{"attempt":{attempt},"run_id":"{run_id}","task_key":"{task_key}"}}"#)
}

fn run_key(question: &Question<'_>) -> Outcome {
    Ok(Answer::Text(
        RunKey::parse_bytes(&question.bytes()?)?.to_string(),
    ))
}

fn name_task(question: &Question<'_>) -> Outcome {
    let (run, task) = run_and_task(question)?;
    Ok(Answer::Text(derived::task_id(&run, &task).to_string()))
}

fn name_attempt(
    question: &Question<'_>,
    name: impl Fn(&RunId, &TaskKey, u32) -> String,
) -> Outcome {
    let (run, task) = run_and_task(question)?;
    Ok(Answer::Text(name(&run, &task, attempt(question)?)))
}

fn name_dispatch(question: &Question<'_>) -> Outcome {
    let (run, task) = run_and_task(question)?;
    Ok(Answer::Text(derived::dispatch_id(
        &run,
        &task,
        attempt(question)?,
    )?))
}

fn run_and_task(question: &Question<'_>) -> Result<(RunId, TaskKey), Refusal> {
    let run = RunId::parse(&question.text_member("run_id")?)?;
    Ok((run, TaskKey::parse(&question.text_member("task_key")?)?))
}

fn attempt(question: &Question<'_>) -> Result<u32, Refusal> {
    match u32::try_from(question.integer_member("attempt")?) {
        Ok(attempt) if attempt > 0 => Ok(attempt),
        _ => Err(Error::new(Code::AttemptRange).into()),
    }
}

fn queue_name(question: &Question<'_>) -> Outcome {
    Ok(Answer::Text(derived::queue_name(
        &question.text_member("kind")?,
        &question.text_member("id")?,
    )?))
}

fn run_home(question: &Question<'_>) -> Outcome {
    let home = match (
        question.optional_text_member("run_id")?,
        question.optional_text_member("run_key")?,
    ) {
        (Some(run), None) => derived::home(&RunId::parse(&run)?),
        (None, Some(key)) => derived::home_of_run_key(&RunKey::parse(&key)?),
        _ => return Err(Refusal::INPUT),
    };
    Ok(Answer::Integer(i64::from(home)))
}
