//! Every list and text of a manifest has a bound, so no manifest costs more than its bytes allow.

/// Bytes of a manifest's JSON text.
pub const MAX_BYTES: u32 = 10 * 1024 * 1024;
/// Assets of a manifest.
pub const MAX_ASSETS: usize = 100_000;
/// Upstreams of one asset.
pub const MAX_UPSTREAMS: usize = 10_000;
/// Dimensions of one asset's partitions.
pub const MAX_DIMENSIONS: usize = 4;
/// Values of one static dimension.
pub const MAX_VALUES: usize = 100_000;
/// Bytes of a string value of a partition.
pub const MAX_VALUE_BYTES: usize = 256;
/// Partitions of a window mapping.
pub const MAX_WINDOW: u32 = 100_000;
/// Bytes of a name: pipeline, queue, pool, tag, resource, schedule or sensor.
pub const MAX_NAME_BYTES: usize = 64;
/// Bytes of a description.
pub const MAX_DESCRIPTION_BYTES: usize = 4_096;
/// Words of a command.
pub const MAX_COMMAND_WORDS: usize = 256;
/// Bytes of one word of a command, or of one environment value.
pub const MAX_WORD_BYTES: usize = 8_192;
/// Variables of an environment.
pub const MAX_ENVIRONMENT: usize = 256;
/// Tags of one asset.
pub const MAX_TAGS: usize = 64;
/// Resources of one asset.
pub const MAX_RESOURCES: usize = 16;
/// Units of one resource.
pub const MAX_RESOURCE_UNITS: u64 = 1_000_000_000;
/// Pools and queues, each.
pub const MAX_LIMITS: usize = 1_000;
/// Attempts that one queue or pool may hold open.
pub const MAX_OPEN: u32 = 1_000_000;
/// Schedules and sensors, each.
pub const MAX_AUTOMATIONS: usize = 10_000;
/// Attempts of one task.
pub const MAX_ATTEMPTS: u32 = 100;
/// The factor of a retry delay.
pub const MAX_FACTOR: u32 = 10;
/// The shortest deadline, 1 s.
pub const MIN_DEADLINE_MS: u64 = 1_000;
/// A day.
pub const DAY_MS: u64 = 86_400_000;
/// The longest attempt, 30 days.
pub const MAX_ATTEMPT_MS: u64 = 30 * DAY_MS;
/// The longest grace after a cancel, an hour.
pub const MAX_GRACE_MS: u64 = 3_600_000;
/// Priorities run from minus this to plus this.
pub const MAX_PRIORITY: i32 = 1_000;
/// Findings that one validation reports; the last says when there are more.
pub const MAX_FINDINGS: usize = 1_000;
