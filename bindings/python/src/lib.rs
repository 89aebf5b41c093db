//! Python and the core meet in functions over `str` and `bytes`; the classes around them are Python's.

mod object;
mod refusal;

use arcoflow_core::identity::canonical_json::Canonicalizer;
use arcoflow_core::identity::derived;
use arcoflow_core::identity::digest::sha256;
use arcoflow_core::identity::error::{Code, Error};
use arcoflow_core::identity::ids::ulid::Ulid;
use arcoflow_core::identity::ids::{AssetId, Generator, RunId, normalize_ulid, normalize_uuid};
use arcoflow_core::identity::keys::{AssetKey, RunKey, TaskKey, TenantId, WorkspaceId};
use arcoflow_core::identity::partition_id::partition_id;
use arcoflow_core::identity::partition_key::PartitionKey;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::refusal::raise;

thread_local! {
    static CONTEXT: std::cell::RefCell<Canonicalizer> = std::cell::RefCell::default();
}

/// Above this many bytes a context is not kept.
const KEPT_BYTES: usize = 1 << 20;

/// Runs over the canonical bytes of a text.
fn with_canonical<R>(json: &[u8], read: impl FnOnce(&[u8]) -> R) -> Result<R, Error> {
    if json.len() > KEPT_BYTES {
        return Canonicalizer::new().canonicalize(json).map(read);
    }
    CONTEXT.with_borrow_mut(|context| context.canonicalize(json).map(read))
}

/// Runs over the bytes of a `bytes`, `bytearray`, `memoryview` or `str`.
fn with_bytes<R>(input: &Bound<'_, PyAny>, read: impl FnOnce(&[u8]) -> PyResult<R>) -> PyResult<R> {
    if let Ok(bytes) = input.cast::<PyBytes>() {
        return read(bytes.as_bytes());
    }
    if let Ok(text) = input.cast::<PyString>() {
        return match text.to_str() {
            Ok(text) => read(text.as_bytes()),
            Err(_) => read(&refusal::surrogates(text)?),
        };
    }
    let copied = input
        .py()
        .get_type::<PyBytes>()
        .call1((memory_of(input)?,))?;
    read(copied.cast::<PyBytes>()?.as_bytes())
}

fn memory_of<'py>(input: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    input
        .py()
        .import("builtins")?
        .getattr("memoryview")?
        .call1((input,))
        .map_err(|_| PyTypeError::new_err("a str, bytes, bytearray or memoryview is wanted"))
}

/// The canonical bytes of a JSON text in `bytes`, or the canonical text of one in `str`.
#[pyfunction]
fn canonicalize<'py>(json: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = json.py();
    if let Ok(text) = json.cast::<PyString>() {
        let bytes = match text.to_str() {
            Ok(text) => std::borrow::Cow::Borrowed(text.as_bytes()),
            Err(_) => std::borrow::Cow::Owned(refusal::surrogates(text)?),
        };
        let made = with_canonical(&bytes, |canonical| {
            PyString::new(py, core::str::from_utf8(canonical).unwrap_or_default()).into_any()
        });
        return made.map_err(|error| raise(py, refusal::of_text(error, &bytes)));
    }
    with_bytes(json, |bytes| {
        with_canonical(bytes, |canonical| PyBytes::new(py, canonical).into_any())
            .map_err(|error| raise(py, error))
    })
}

/// The canonical bytes of an object.
#[pyfunction]
fn canonicalize_value<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    object::with_text(value, |text| {
        with_canonical(text, |canonical| PyBytes::new(value.py(), canonical)).map_err(|error| {
            raise(
                value.py(),
                Error {
                    offset: None,
                    ..error
                },
            )
        })
    })
}

/// `sha256:` and the digest of the canonical form of a JSON text.
#[pyfunction]
fn fingerprint(json: &Bound<'_, PyAny>) -> PyResult<String> {
    let is_text = json.is_instance_of::<PyString>();
    with_bytes(json, |bytes| {
        with_canonical(bytes, |canonical| sha256(canonical).to_string()).map_err(|error| {
            raise(
                json.py(),
                if is_text {
                    refusal::of_text(error, bytes)
                } else {
                    error
                },
            )
        })
    })
}

/// The fingerprint of an object.
#[pyfunction]
fn fingerprint_value(value: &Bound<'_, PyAny>) -> PyResult<String> {
    object::with_text(value, |text| {
        with_canonical(text, |canonical| sha256(canonical).to_string()).map_err(|error| {
            raise(
                value.py(),
                Error {
                    offset: None,
                    ..error
                },
            )
        })
    })
}

/// Functions from one text to one text, each a name and a body.
macro_rules! over_text {
    ($($(#[$doc:meta])* $name:ident = |$text:ident| $body:expr;)*) => {$(
        $(#[$doc])*
        #[pyfunction]
        fn $name(text: &Bound<'_, PyString>) -> PyResult<String> {
            let py = text.py();
            let spelled = refusal::text(text);
            let $text: &str = &spelled;
            let made: Result<String, Error> = $body;
            made.map_err(|error| raise(py, error))
        }
    )*};
}

over_text! {
    /// Checks an asset id.
    asset_id_parse = |text| AssetId::parse(text).map(|id| id.to_string());
    /// The canonical text of a UUID.
    asset_id_normalize = |text| normalize_uuid(text);
    /// Checks a ULID.
    ulid_parse = |text| Ulid::parse(text).map(|id| id.to_string());
    /// The canonical text of a ULID.
    ulid_normalize = |text| normalize_ulid(text);
    /// Checks a partition key.
    partition_key_parse = |text| PartitionKey::parse(text).map(|key| key.as_str().to_owned());
    /// The canonical text of a partition key.
    partition_key_normalize = |text| PartitionKey::normalize(text).map(|key| key.as_str().to_owned());
    /// The JSON form of a partition key.
    partition_key_form = |text| PartitionKey::parse(text).map(|key| key.to_json());
    /// Checks an asset key.
    asset_key_parse = |text| AssetKey::parse(text).map(|key| key.to_string());
    /// The canonical text of an asset key.
    asset_key_normalize = |text| AssetKey::normalize(text).map(|key| key.to_string());
    /// Checks a task key.
    task_key_parse = |text| TaskKey::parse(text).map(|key| key.to_string());
    /// Checks a tenant id.
    tenant_id_parse = |text| TenantId::parse(text).map(|id| id.to_string());
    /// Checks a workspace id.
    workspace_id_parse = |text| WorkspaceId::parse(text).map(|id| id.to_string());
}

/// The partition key of a JSON form, in text or bytes.
#[pyfunction]
fn partition_key_format(json: &Bound<'_, PyAny>) -> PyResult<String> {
    with_bytes(json, |bytes| {
        PartitionKey::from_json(bytes)
            .map(|key| key.as_str().to_owned())
            .map_err(|error| raise(json.py(), refusal::of_text(error, bytes)))
    })
}

/// The partition key of an object of typed values.
#[pyfunction]
fn partition_key_from(value: &Bound<'_, PyAny>) -> PyResult<String> {
    object::with_text(value, |text| {
        PartitionKey::from_json(text)
            .map(|key| key.as_str().to_owned())
            .map_err(|error| {
                raise(
                    value.py(),
                    Error {
                        offset: None,
                        ..error
                    },
                )
            })
    })
}

/// -1, 0 or 1, in the typed order.
#[pyfunction]
fn partition_key_compare(py: Python<'_>, left: &str, right: &str) -> PyResult<i8> {
    let read = |text| PartitionKey::parse(text).map_err(|error| raise(py, error));
    Ok(read(left)?.typed_cmp(&read(right)?) as i8)
}

/// Checks a run key, in text or UTF-8.
#[pyfunction]
fn run_key_parse(input: &Bound<'_, PyAny>) -> PyResult<String> {
    with_bytes(input, |bytes| {
        RunKey::parse_bytes(bytes)
            .map(|key| key.to_string())
            .map_err(|error| raise(input.py(), error))
    })
}

/// The ULID of a time and ten random bytes, after a previous one.
#[pyfunction]
#[pyo3(signature = (ms, random, previous=None))]
fn ulid_generate(
    py: Python<'_>,
    ms: i128,
    random: [u8; 10],
    previous: Option<&str>,
) -> PyResult<String> {
    let made = || {
        let mut generator = match previous {
            Some(previous) => Generator::after(Ulid::parse(previous)?),
            None => Generator::new(),
        };
        generator
            .generate(time(ms)?, random)
            .map(|id| id.to_string())
    };
    made().map_err(|error| raise(py, error))
}

/// The UUID of version 7 of a time and ten random bytes.
#[pyfunction]
fn uuid7_generate(py: Python<'_>, ms: i128, random: [u8; 10]) -> PyResult<String> {
    let made = time(ms).and_then(|ms| AssetId::from_parts(ms, random));
    made.map(|id| id.to_string())
        .map_err(|error| raise(py, error))
}

fn time(ms: i128) -> Result<u64, Error> {
    u64::try_from(ms).map_err(|_| Error {
        code: Code::IdTime,
        offset: None,
    })
}

/// The id of a partition.
#[pyfunction]
#[pyo3(name = "partition_id", signature = (asset_id, partition_key=None))]
fn name_partition(py: Python<'_>, asset_id: &str, partition_key: Option<&str>) -> PyResult<String> {
    let made = || {
        let asset = AssetId::parse(asset_id)?;
        let key = partition_key.map(PartitionKey::parse).transpose()?;
        Ok(partition_id(&asset, key.as_ref()).to_string())
    };
    made().map_err(|error: Error| raise(py, error))
}

/// The id of a task.
#[pyfunction]
fn task_id(py: Python<'_>, run_id: &str, task_key: &str) -> PyResult<String> {
    let made =
        || Ok(derived::task_id(&RunId::parse(run_id)?, &TaskKey::parse(task_key)?).to_string());
    made().map_err(|error: Error| raise(py, error))
}

/// Functions from a run id, a task key and an attempt to a name.
macro_rules! over_attempt {
    ($($(#[$doc:meta])* $name:ident = $body:expr;)*) => {$(
        $(#[$doc])*
        #[pyfunction]
        fn $name(py: Python<'_>, run_id: &str, task_key: &str, attempt: i128) -> PyResult<String> {
            let name: fn(&RunId, &TaskKey, u32) -> Result<String, Error> = $body;
            let made = || name(&RunId::parse(run_id)?, &TaskKey::parse(task_key)?, counted(attempt)?);
            made().map_err(|error| raise(py, error))
        }
    )*};
}

over_attempt! {
    /// The id of an attempt.
    attempt_id = |run, task, attempt| Ok(derived::attempt_id(run, task, attempt).to_string());
    /// The id of what an attempt wrote.
    materialization_id = |run, task, attempt| Ok(derived::materialization_id(run, task, attempt).to_string());
    /// The id of a dispatch.
    dispatch_id = |run, task, attempt| derived::dispatch_id(run, task, attempt);
}

fn counted(attempt: i128) -> Result<u32, Error> {
    match u32::try_from(attempt) {
        Ok(attempt) if attempt > 0 => Ok(attempt),
        _ => Err(Error {
            code: Code::AttemptRange,
            offset: None,
        }),
    }
}

/// Run id, task key and attempt of a dispatch id.
#[pyfunction]
fn parse_dispatch_id(text: &Bound<'_, PyString>) -> PyResult<(String, String, u32)> {
    let dispatch = derived::parse_dispatch_id(&refusal::text(text))
        .map_err(|error| raise(text.py(), error))?;
    Ok((
        dispatch.run_id.to_string(),
        dispatch.task_key.to_string(),
        dispatch.attempt,
    ))
}

/// A name for queues with a small alphabet.
#[pyfunction]
fn queue_name(py: Python<'_>, kind: &str, internal_id: &str) -> PyResult<String> {
    derived::queue_name(kind, internal_id).map_err(|error| raise(py, error))
}

/// The home of a run.
#[pyfunction]
fn home_of_run(py: Python<'_>, run_id: &str) -> PyResult<u8> {
    RunId::parse(run_id)
        .map(|id| derived::home(&id))
        .map_err(|error| raise(py, error))
}

/// The home of a run that is started under a run key.
#[pyfunction]
fn home_of_run_key(py: Python<'_>, run_key: &str) -> PyResult<u8> {
    RunKey::parse(run_key)
        .map(|key| derived::home_of_run_key(&key))
        .map_err(|error| raise(py, error))
}

/// The functions of `arcoflow._core`.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::{
        asset_id_normalize, asset_id_parse, asset_key_normalize, asset_key_parse, attempt_id,
        canonicalize, canonicalize_value, dispatch_id, fingerprint, fingerprint_value, home_of_run,
        home_of_run_key, materialization_id, name_partition, parse_dispatch_id,
        partition_key_compare, partition_key_form, partition_key_format, partition_key_from,
        partition_key_normalize, partition_key_parse, queue_name, run_key_parse, task_id,
        task_key_parse, tenant_id_parse, ulid_generate, ulid_normalize, ulid_parse, uuid7_generate,
        workspace_id_parse,
    };
}
