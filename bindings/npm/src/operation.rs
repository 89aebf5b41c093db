//! An operation takes texts and writes one text; what it does is the core's.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use arcoflow_core::identity::derived;
use arcoflow_core::identity::digest;
use arcoflow_core::identity::error::{Code, Error};
use arcoflow_core::identity::ids::ulid::Ulid;
use arcoflow_core::identity::ids::{AssetId, Generator, RunId, normalize_ulid, normalize_uuid};
use arcoflow_core::identity::keys::{AssetKey, RunKey, TaskKey, TenantId, WorkspaceId};
use arcoflow_core::identity::partition_id::partition_id;
use arcoflow_core::identity::partition_key::PartitionKey;

/// Runs the operation with this number; the numbers are those of `src/operations.js`.
pub(crate) fn run(operation: u32, input: &[u8], output: &mut Vec<u8>) -> Result<(), Error> {
    let texts = Texts { input };
    let mut write = |text: &str| output.extend_from_slice(text.as_bytes());
    match operation {
        0 => write(digest::fingerprint(input)?.encode(&mut [0; 71])),
        1 => write(AssetId::parse(texts.whole()?)?.encode(&mut [0; 36])),
        2 => write(&normalize_uuid(texts.whole()?)?),
        3 => write(Ulid::parse(texts.whole()?)?.encode(&mut [0; 26])),
        4 => write(&normalize_ulid(texts.whole()?)?),
        5 => write(&generate_ulid(&texts)?),
        6 => write(AssetId::from_parts(texts.number(0)?, texts.random(1)?)?.encode(&mut [0; 36])),
        7 => write(PartitionKey::parse(texts.whole()?)?.as_str()),
        8 => write(&PartitionKey::parse(texts.whole()?)?.to_json()),
        9 => write(PartitionKey::from_json(input)?.as_str()),
        10 => write(PartitionKey::normalize(texts.whole()?)?.as_str()),
        11 => write(compare(&texts)?),
        12 => write(&name_partition(&texts)?),
        13 => write(AssetKey::parse(texts.whole()?)?.as_str()),
        14 => write(AssetKey::normalize(texts.whole()?)?.as_str()),
        15 => write(TaskKey::parse(texts.whole()?)?.as_str()),
        16 => write(TenantId::parse(texts.whole()?)?.as_str()),
        17 => write(WorkspaceId::parse(texts.whole()?)?.as_str()),
        18 => write(RunKey::parse_bytes(input)?.as_str()),
        19 => write(derived::task_id(&texts.run()?, &texts.task()?).encode(&mut [0; 26])),
        20 => {
            let (run, task, attempt) = texts.attempt()?;
            write(derived::attempt_id(&run, &task, attempt).encode(&mut [0; 26]));
        }
        21 => {
            let (run, task, attempt) = texts.attempt()?;
            write(derived::materialization_id(&run, &task, attempt).encode(&mut [0; 26]));
        }
        22 => {
            let (run, task, attempt) = texts.attempt()?;
            write(&derived::dispatch_id(&run, &task, attempt)?);
        }
        23 => write(&parse_dispatch(texts.whole()?)?),
        24 => write(&derived::queue_name(texts.get(0)?, texts.get(1)?)?),
        25 => output.push(derived::home(&RunId::parse(texts.whole()?)?)),
        26 => output.push(derived::home_of_run_key(&RunKey::parse(texts.whole()?)?)),
        _ => {
            return Err(Error {
                code: Code::JsonValue,
                offset: None,
            });
        }
    }
    Ok(())
}

/// Several texts, each after its length in four bytes, least significant first; or one that is the whole input.
struct Texts<'a> {
    input: &'a [u8],
}

impl<'a> Texts<'a> {
    fn whole(&self) -> Result<&'a str, Error> {
        text(self.input)
    }

    fn bytes(&self, index: usize) -> &'a [u8] {
        let mut rest = self.input;
        let mut found: &[u8] = &[];
        for _ in 0..=index {
            let Some((length, after)) = rest.split_first_chunk::<4>() else {
                return &[];
            };
            let length = u32::from_le_bytes(*length) as usize;
            let Some((text, after)) = after.split_at_checked(length) else {
                return &[];
            };
            found = text;
            rest = after;
        }
        found
    }

    fn get(&self, index: usize) -> Result<&'a str, Error> {
        text(self.bytes(index))
    }

    /// A number of milliseconds or of an attempt, in eight bytes; what has no such form is no time.
    fn number(&self, index: usize) -> Result<u64, Error> {
        let bytes = self.bytes(index).try_into().map_err(|_| Error {
            code: Code::IdTime,
            offset: None,
        })?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn random(&self, index: usize) -> Result<[u8; 10], Error> {
        self.bytes(index).try_into().map_err(|_| Error {
            code: Code::IdTime,
            offset: None,
        })
    }

    fn run(&self) -> Result<RunId, Error> {
        RunId::parse(self.get(0)?)
    }

    fn task(&self) -> Result<TaskKey, Error> {
        TaskKey::parse(self.get(1)?)
    }

    fn attempt(&self) -> Result<(RunId, TaskKey, u32), Error> {
        let (run, task) = (self.run()?, self.task()?);
        match u32::try_from(self.number(2)?) {
            Ok(attempt) if attempt > 0 => Ok((run, task, attempt)),
            _ => Err(Error {
                code: Code::AttemptRange,
                offset: None,
            }),
        }
    }
}

/// The glue writes UTF-8 only, and refuses what is none before it comes here.
fn text(bytes: &[u8]) -> Result<&str, Error> {
    core::str::from_utf8(bytes).map_err(|error| Error {
        code: Code::JsonUtf8,
        offset: Some(error.valid_up_to() as u32),
    })
}

fn generate_ulid(texts: &Texts<'_>) -> Result<String, Error> {
    // An empty text is no id; that there is none before is said by the absence of the mark.
    let mut generator = match texts.get(2)?.strip_prefix('>') {
        None => Generator::new(),
        Some(previous) => Generator::after(Ulid::parse(previous)?),
    };
    let ulid = generator.generate(texts.number(0)?, texts.random(1)?)?;
    Ok(ulid.encode(&mut [0; 26]).to_owned())
}

fn compare(texts: &Texts<'_>) -> Result<&'static str, Error> {
    let (left, right) = (
        PartitionKey::parse(texts.get(0)?)?,
        PartitionKey::parse(texts.get(1)?)?,
    );
    Ok(match left.typed_cmp(&right) {
        core::cmp::Ordering::Less => "-1",
        core::cmp::Ordering::Equal => "0",
        core::cmp::Ordering::Greater => "1",
    })
}

/// The third text says whether there is a key, because an empty one is refused and an absent one is not.
fn name_partition(texts: &Texts<'_>) -> Result<String, Error> {
    let asset = AssetId::parse(texts.get(0)?)?;
    let key = if texts.bytes(2).is_empty() {
        None
    } else {
        Some(PartitionKey::parse(texts.get(1)?)?)
    };
    Ok(partition_id(&asset, key.as_ref())
        .encode(&mut [0; 37])
        .to_owned())
}

/// Run id, task key and attempt, one a line: none of them has a line feed.
fn parse_dispatch(text: &str) -> Result<String, Error> {
    let dispatch = derived::parse_dispatch_id(text)?;
    let mut lines = String::new();
    lines.push_str(dispatch.run_id.encode(&mut [0; 26]));
    lines.push('\n');
    lines.push_str(dispatch.task_key.as_str());
    lines.push('\n');
    lines.push_str(text.rsplit_once(':').map_or("", |(_, attempt)| attempt));
    Ok(lines)
}
