//! Every refusal is a stable code, a sentence for a person, and the offset of the byte that broke the rule.

use core::fmt;

/// Why an input was refused.
///
/// When several rules are broken, the one at the smallest byte offset is reported; at the same offset, the one
/// that stands first in [`Code`]. Limits on the whole input are checked before everything else and carry no offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Error {
    /// The rule, for programs.
    pub code: Code,
    /// The offset in bytes from the start of the input, where the rule has a place.
    pub offset: Option<u32>,
}

impl Error {
    pub(crate) const fn new(code: Code) -> Self {
        Self { code, offset: None }
    }

    pub(crate) const fn at(code: Code, offset: usize) -> Self {
        Self {
            code,
            offset: Some(offset as u32),
        }
    }

    /// Moves an error of a part to the whole: a limit of a part stands at the part's first byte.
    pub(crate) const fn shifted(self, start: usize) -> Self {
        let offset = match self.offset {
            Some(offset) => offset,
            None => 0,
        };
        Self {
            code: self.code,
            offset: Some(offset + start as u32),
        }
    }

    /// Drops the offset, for interfaces whose input is not text.
    pub(crate) const fn placeless(self) -> Self {
        Self {
            code: self.code,
            offset: None,
        }
    }

    /// The sentence for a person, without the offset.
    pub const fn sentence(&self) -> &'static str {
        self.code.sentence()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code.sentence())?;
        match self.offset {
            Some(offset) => write!(formatter, " (at byte {offset})"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Error {}

impl serde::ser::Error for Error {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::new(Code::JsonValue)
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident $code:literal $sentence:literal;)*) => {
        /// The rules, in the order in which they are reported at one offset.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $sentence] $variant,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &[Code] = &[$(Code::$variant,)*];

            /// The stable code, for programs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $code,)* }
            }

            /// The sentence for a person.
            pub const fn sentence(self) -> &'static str {
                match self { $(Code::$variant => $sentence,)* }
            }
        }
    };
}

codes! {
    UuidLength "uuid.length" "a uuid has 36 characters: 32 lower-case hex digits and 4 hyphens";
    UuidSyntax "uuid.syntax" "a uuid is written in lower-case hex digits with hyphens after the 8th, 12th, 16th and 20th";
    UuidVersion "uuid.version" "the uuid is not of version 7";
    UuidVariant "uuid.variant" "the uuid is not of the variant of RFC 9562";
    UlidLength "ulid.length" "a ulid has 26 characters";
    UlidCharacter "ulid.character" "a ulid is written in digits and upper-case letters without `I`, `L`, `O` and `U`";
    UlidOverflow "ulid.overflow" "a ulid has 128 bits, so its first character is at most `7`";
    IdTime "id.time" "the time of an identifier has 48 bits of milliseconds";
    IdExhausted "id.exhausted" "the random part of this millisecond is used up; wait for the next millisecond";

    JsonTooLong "json.too_long" "the JSON text is longer than the limit";
    JsonSyntax "json.syntax" "the text is not JSON";
    JsonUtf8 "json.utf8" "the text is not valid UTF-8";
    JsonBom "json.bom" "the text starts with a byte order mark; remove it";
    JsonSurrogate "json.surrogate" "a surrogate escape stands alone; write both halves of the pair";
    JsonFloat "json.float" "a number has a fraction or an exponent; write an integer, or the number as a string";
    JsonNegativeZero "json.negative_zero" "`-0` has two spellings; write `0`";
    JsonRange "json.range" "an integer is outside -9223372036854775808 ..= 18446744073709551615; write it as a string";
    JsonDuplicateKey "json.duplicate_key" "a key stands twice in one object";
    JsonDepth "json.depth" "arrays and objects are nested deeper than the limit";
    JsonTrailing "json.trailing" "something other than whitespace follows the value";
    JsonUnsafeInteger "json.unsafe_integer" "a number is beyond ±(2^53 - 1) and may have lost digits; use a bigint";
    JsonKey "json.key" "a key of an object is not a string";
    JsonCycle "json.cycle" "the value contains itself";
    JsonValue "json.value" "the value has no JSON form";

    PartitionTooLong "partition.too_long" "a partition key has at most 1,024 bytes";
    PartitionEmpty "partition.empty" "a partition key has at least one dimension; leave the key of an unpartitioned asset out";
    PartitionTooManyDimensions "partition.too_many_dimensions" "a partition key has at most 16 dimensions";
    PartitionMissingEquals "partition.missing_equals" "a dimension is written `name=value`";
    PartitionName "partition.name" "a dimension name is a lower-case letter followed by lower-case letters, digits and `_`, at most 64 in all";
    PartitionMissingType "partition.missing_type" "a dimension value starts with its type: `s:`, `i:`, `b:`, `d:`, `t:` or `n:`";
    PartitionUnknownType "partition.unknown_type" "the type of a dimension value is one of `s`, `i`, `b`, `d`, `t` and `n`";
    PartitionString "partition.string" "a string value is written in base64url without padding";
    PartitionUtf8 "partition.utf8" "a string value is not valid UTF-8";
    PartitionValueTooLong "partition.value_too_long" "a string value has at most 256 bytes";
    PartitionInteger "partition.integer" "an integer value is a signed 64-bit decimal without leading zeros or `+`";
    PartitionBoolean "partition.boolean" "a boolean value is `true` or `false`";
    PartitionDate "partition.date" "a date value is a day that exists, written `YYYY-MM-DD`";
    PartitionTimestamp "partition.timestamp" "a timestamp value is a moment that exists, written `YYYY-MM-DDTHH:MM:SS.ffffffZ`";
    PartitionNull "partition.null" "the null value is written `n:null`";
    PartitionDuplicate "partition.duplicate" "a dimension stands twice";
    PartitionUnsorted "partition.unsorted" "dimensions are sorted by name";
    PartitionJson "partition.json" "the JSON form is an object of `{\"type\": …, \"value\": …}` objects";
    PartitionRange "partition.range" "a range runs from a value to a later one of the same type, in steps of at least one";
    PartitionRangeTooLarge "partition.range_too_large" "the range has more partitions than the limit";
    PartitionIdSyntax "partition_id.syntax" "a partition id is `part_` and 32 lower-case hex digits";

    AssetKeyTooLong "asset_key.too_long" "an asset key has at most 200 bytes";
    AssetKeyEmpty "asset_key.empty" "an asset key is not empty";
    AssetKeyMissingSlash "asset_key.missing_slash" "an asset key is written `namespace/name`";
    AssetKeyNamespace "asset_key.namespace" "a namespace is a lower-case letter followed by lower-case letters, digits and `_`";
    AssetKeyName "asset_key.name" "a name is one or more words joined by `.`, each a lower-case letter followed by lower-case letters, digits and `_`";
    TaskKeyTooLong "task_key.too_long" "a task key has at most 1,238 bytes";
    TaskKeyEmpty "task_key.empty" "a task key is not empty";
    TaskKeyUnclosed "task_key.unclosed" "the partition key of a task key ends with `]`";
    TaskKeyMissingOperation "task_key.missing_operation" "a task key ends with `:` and an operation";
    TaskKeyOperation "task_key.operation" "the operation is `materialize`, `check` or `backfill`";
    TenantIdLength "tenant_id.length" "a tenant id has 3 to 63 characters";
    TenantIdCharacter "tenant_id.character" "a tenant id has lower-case letters, digits and inner `-`";
    WorkspaceIdLength "workspace_id.length" "a workspace id has 3 to 63 characters";
    WorkspaceIdCharacter "workspace_id.character" "a workspace id has lower-case letters, digits and inner `-`";
    RunKeyTooLong "run_key.too_long" "a run key has at most 256 bytes";
    RunKeyEmpty "run_key.empty" "a run key is not empty";
    RunKeyUtf8 "run_key.utf8" "a run key is not valid UTF-8";
    RunKeyControl "run_key.control" "a run key has no control characters";

    DigestSyntax "digest.syntax" "a digest is `sha256:` and 64 lower-case hex digits";
    AttemptRange "attempt.range" "attempts are counted from 1 to 4294967295";
    DispatchIdSyntax "dispatch_id.syntax" "a dispatch id is written `dispatch:{run id}:{task key}:{attempt}`";
    TimerIdSyntax "timer_id.syntax" "a timer id is written `timer:{kind}:…:{epoch second}`";
    QueueKind "queue.kind" "the kind of a queue name has 1 to 16 characters of `A-Z`, `a-z`, `0-9`, `_` and `-`";
}
