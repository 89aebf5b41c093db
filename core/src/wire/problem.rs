//! A refusal leaves the door as an RFC 9457 problem, and every kind of refusal is one row of this registry.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Deref;

use serde_json::{Map, Value};

/// Where the page of a problem lives; the slug is appended.
pub const PROBLEM_BASE: &str = "https://arcoflow.dev/problems/";

macro_rules! problems {
    ($($name:ident $status:literal $slug:literal $title:literal $help:literal;)*) => {
        /// The kind of a refusal: its slug, its HTTP status and its title never change once released.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Slug { $(#[doc = $title] $name,)* }

        impl Slug {
            /// Every kind, in the order of the registry.
            pub const ALL: &'static [Slug] = &[$(Slug::$name,)*];

            /// The last segment of the problem's `type`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Slug::$name => $slug,)* }
            }

            /// The HTTP status that this kind is always answered with.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Slug::$name => $status,)* }
            }

            /// The constant title of the kind.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Slug::$name => $title,)* }
            }

            /// What the caller can do about it, for the problem's page.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $(Slug::$name => $help,)* }
            }
        }
    };
}

problems! {
    BadRequest 400 "bad-request" "Bad request"
        "The request line or the headers contradict themselves, for instance two `Authorization` headers or two lengths. Send one of each.";
    MalformedJson 400 "malformed-json" "Malformed JSON"
        "The body is not one JSON text in UTF-8. `offset` is the byte where reading stopped.";
    JsonLimitExceeded 400 "json-limit-exceeded" "JSON limit exceeded"
        "The body is nested deeper, holds more values, or a longer string or key than `limit` allows. Split it.";
    DuplicateKey 400 "duplicate-key" "Duplicate key"
        "An object of the body names the member at `pointer` twice. Parsers disagree about which one counts, so neither does.";
    IdempotencyKeyMissing 400 "idempotency-key-missing" "Idempotency key missing"
        "This route wants an `Idempotency-Key` header, so that a repetition after a lost answer is recognised.";
    Unauthorized 401 "unauthorized" "Unauthorized"
        "Send `Authorization: Bearer …` with an API key, or with the task token from the envelope on task routes.";
    InvalidToken 401 "invalid-token" "Invalid token"
        "The credential was not accepted. The answer is the same for every reason.";
    InvalidSignature 401 "invalid-signature" "Invalid signature"
        "The delivery is not signed by a sender that this door knows. The answer is the same for every reason.";
    TimestampOutOfWindow 401 "timestamp-out-of-window" "Timestamp out of window"
        "The signature is good, and older or newer than five minutes. Look at the clock of the sender, and sign again.";
    TokenExpired 401 "token-expired" "Token expired"
        "The task token was good once. Renew it before `renewBefore` the next time; a heartbeat answer carries a fresh one.";
    InsufficientScope 403 "insufficient-scope" "Insufficient scope"
        "The credential is good, but not for this route. Task tokens open task routes only; API keys need the scope named in the OpenAPI document.";
    TokenScopeMismatch 403 "token-scope-mismatch" "Token scope mismatch"
        "The task token belongs to another task or attempt than the path or the body names.";
    NotFound 404 "not-found" "Not found"
        "There is no such path. The OpenAPI document at `/openapi.json` lists the ones that exist.";
    RunNotFound 404 "run-not-found" "Run not found"
        "No run of this workspace has that id.";
    TaskNotFound 404 "task-not-found" "Task not found"
        "No task with that id belongs to this run.";
    ManifestNotFound 404 "manifest-not-found" "Manifest not found"
        "No manifest with that fingerprint was deployed, or none was deployed yet: `arcoflow deploy`.";
    AssetNotFound 404 "asset-not-found" "Asset not found"
        "The current manifest declares no asset with that key. `GET /v1/assets` lists those that it declares.";
    PartitionNotFound 404 "partition-not-found" "Partition not found"
        "The declaration of the asset has no such partition. `GET /v1/partitions` lists those that it has.";
    BackfillNotFound 404 "backfill-not-found" "Backfill not found"
        "No backfill of this workspace has that id.";
    AutomationNotFound 404 "automation-not-found" "Automation not found"
        "The deployed manifest declares no automation of that name. `arcoflow automations` lists those that it declares.";
    ScheduleNotFound 404 "schedule-not-found" "Schedule not found"
        "The deployed manifest declares no schedule of that name. `arcoflow schedules` lists those that it declares.";
    SensorNotFound 404 "sensor-not-found" "Sensor not found"
        "The deployed manifest declares no sensor of that name. `arcoflow sensors` lists those that it declares.";
    MethodNotAllowed 405 "method-not-allowed" "Method not allowed"
        "The path exists for other methods; `Allow` lists them.";
    RequestTimeout 408 "request-timeout" "Request timeout"
        "The headers or the body did not arrive in time. Send them without pauses.";
    AttemptSuperseded 409 "attempt-superseded" "Attempt superseded"
        "A later attempt of the task exists, so this one has no say any more. Stop the work and throw its output away.";
    AttemptClaimed 409 "attempt-claimed" "Attempt claimed"
        "Another worker has started this attempt. Stop.";
    TaskAlreadyTerminal 409 "task-already-terminal" "Task already terminal"
        "The task has ended or was cancelled before it started. Stop.";
    CompletionConflict 409 "completion-conflict" "Completion conflict"
        "The attempt was completed with another outcome before; the first one stands, in `recordedOutcome`.";
    IdempotencyInFlight 409 "idempotency-in-flight" "Idempotency key in flight"
        "The first request with this key has not been answered yet. Repeat after `Retry-After` seconds.";
    RunKeyConflict 409 "run-key-conflict" "Run key conflict"
        "A run with this run key exists and was triggered with something else. Its id is in `runId`.";
    RunAlreadyFinished 409 "run-already-finished" "Run already finished"
        "The run has ended; `outcome` says how. Start a new one with `rerun`.";
    RunNotFinished 409 "run-not-finished" "Run not finished"
        "A rerun starts from a run that has ended. Wait for it or cancel it first.";
    BackfillEnded 409 "backfill-ended" "Backfill ended"
        "The backfill was cancelled; start a new one.";
    SensorPolls 409 "sensor-polls" "Sensor polls"
        "The sensor is sent to look and takes no messages; declare it with the kind `push` to tell it something.";
    TaskNotActive 410 "task-not-active" "Task not active"
        "The attempt is closed. Stop the work; its token is dead.";
    EpochFenced 412 "epoch-fenced" "Epoch fenced"
        "Another scheduler holds the lease with the higher epoch `currentEpoch`. Stop deciding.";
    BodyTooLarge 413 "body-too-large" "Body too large"
        "The body is larger than `limit` bytes, the cap of this route.";
    UriTooLong 414 "uri-too-long" "URI too long"
        "The request target is longer than 2,048 bytes.";
    UnsupportedMediaType 415 "unsupported-media-type" "Unsupported media type"
        "Bodies are `application/json` without a content encoding.";
    ValidationFailed 422 "validation-failed" "Validation failed"
        "The JSON is well formed, but does not say what this route needs; `errors` lists each place and what is wrong with it.";
    IdempotencyKeyReused 422 "idempotency-key-reused" "Idempotency key reused"
        "This idempotency key came with another body before. Use a new key for a new request.";
    ManifestInvalid 422 "manifest-invalid" "Manifest invalid"
        "The manifest cannot be deployed; `errors` lists every finding with its place and a hint.";
    PlanInvalid 422 "plan-invalid" "Plan invalid"
        "The selection or the partitions do not fit the deployed manifest; `errors` says where.";
    PlanTooLarge 422 "plan-too-large" "Plan too large"
        "The selection names more than `limit` tasks. Use a smaller range, or a backfill, which works in chunks.";
    RateLimited 429 "rate-limited" "Rate limited"
        "Too many requests of this class. Wait for `Retry-After` seconds.";
    HeadersTooLarge 431 "headers-too-large" "Headers too large"
        "The headers are larger than 16 KiB together.";
    Internal 500 "internal" "Internal error"
        "A bug, recorded under the `instance` of this answer. Nothing was committed.";
    Unavailable 503 "unavailable" "Unavailable"
        "The door cannot commit. Repeat after `Retry-After` seconds; nothing was lost, nothing was accepted.";
    UpgradeRequiredServer 503 "upgrade-required-server" "Server upgrade required"
        "The ledger was written by a later version of arcoflow. Start that version.";
    StorageExhausted 507 "storage-exhausted" "Storage exhausted"
        "The ledger's storage has only its reserve left, which is kept for completions. Free space, then trigger again.";
}

/// A refusal on its way out. Boxed, because every step of a request may carry one back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(Box<Refusal>);

/// What a refusal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind.
    pub slug: Slug,
    /// A sentence for a person, safe to show; absent for 5xx.
    pub detail: Option<String>,
    /// Typed members beside the standard ones.
    pub extensions: Map<String, Value>,
    /// Headers that belong to the refusal, such as `Allow` or `WWW-Authenticate`.
    pub headers: Vec<(&'static str, String)>,
}

impl Deref for Problem {
    type Target = Refusal;

    fn deref(&self) -> &Refusal {
        &self.0
    }
}

impl Problem {
    #[inline(never)]
    fn made(slug: Slug, detail: Option<String>) -> Self {
        Self(Box::new(Refusal {
            slug,
            detail,
            extensions: Map::new(),
            headers: Vec::new(),
        }))
    }

    /// A problem with a sentence about this occurrence.
    #[must_use]
    pub fn new(slug: Slug, detail: impl Into<String>) -> Self {
        Self::made(slug, Some(detail.into()))
    }

    /// A problem that says nothing but its kind.
    #[must_use]
    pub fn bare(slug: Slug) -> Self {
        Self::made(slug, None)
    }

    /// Adds a member.
    #[must_use]
    pub fn with(self, name: &str, value: impl Into<Value>) -> Self {
        self.extended(name, value.into())
    }

    #[inline(never)]
    fn extended(mut self, name: &str, value: Value) -> Self {
        self.0.extensions.insert(name.to_string(), value);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.headers.push((name, value.into()));
        self
    }

    /// A 422 about one place of the body.
    #[must_use]
    pub fn validation(pointer: &str, detail: &str) -> Self {
        let error = serde_json::json!({ "pointer": pointer, "detail": detail });
        Self::new(
            Slug::ValidationFailed,
            "the request does not fit this route",
        )
        .with("errors", Value::Array([error].into()))
    }

    /// The body of the answer. `instance` is `urn:uuid:` and the id of the request.
    #[must_use]
    pub fn to_json(&self, instance: &str) -> Vec<u8> {
        let mut object = self.extensions.clone();
        object.insert(
            "type".into(),
            Value::String([PROBLEM_BASE, self.slug.as_str()].concat()),
        );
        object.insert("title".into(), Value::String(self.slug.title().into()));
        object.insert("status".into(), Value::Number(self.slug.status().into()));
        object.insert("instance".into(), Value::String(instance.into()));
        if let (Some(detail), true) = (&self.detail, self.slug.status() < 500) {
            object.insert("detail".into(), Value::String(detail.clone()));
        }
        Value::Object(object).to_string().into_bytes()
    }
}
