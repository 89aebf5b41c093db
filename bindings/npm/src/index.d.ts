/** A refusal: a stable code for programs, a sentence for people, and the byte offset where the rule has a place. */
export class ArcoflowError extends Error {
  readonly code: string;
  readonly offset?: number;
}

/** The canonical form of a JSON text, of the kind that came in. */
export function canonicalize(json: Uint8Array): Uint8Array;
export function canonicalize(json: string): string;

/** What has a JSON form without loss: `number` up to ±(2^53 - 1), `bigint` for 64 bits, anything with `toJSON`. */
export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }
  | { toJSON(key?: string): JsonValue };

/** The canonical form of a value. */
export function canonicalizeValue(value: JsonValue): string;

/** `sha256:` and the digest of the canonical form of a JSON text. */
export function fingerprint(json: Uint8Array | string): string;

/** The fingerprint of a value. */
export function fingerprintValue(value: JsonValue): string;

declare class Name {
  protected constructor();
  toString(): string;
  toJSON(): string;
  equals(other: unknown): boolean;
}

/** Time in milliseconds since 1970 and ten random bytes; the host's unless given. */
export interface Seed {
  ms?: number;
  random?: Uint8Array;
}

export interface UlidSeed extends Seed {
  /** The id to be greater than; by default the last one that the class made, and `null` for none. */
  previous?: string | Ulid | null;
}

export class Ulid extends Name {
  static parse<T extends typeof Ulid>(this: T, text: string): InstanceType<T>;
  static normalize<T extends typeof Ulid>(this: T, text: string): InstanceType<T>;
  static generate<T extends typeof Ulid>(this: T, seed?: UlidSeed): InstanceType<T>;
  readonly timestampMs: number;
}

export class RunId extends Ulid {
  /** One of 256. */
  readonly home: number;
}
export class EventId extends Ulid {}
export class MaterializationId extends Ulid {}
export class ManifestId extends Ulid {}
export class BackfillId extends Ulid {}
export class ScheduleId extends Ulid {}
export class SensorId extends Ulid {}
export class TaskId extends Ulid {}
export class AttemptId extends Ulid {}

export class AssetId extends Name {
  static parse(text: string): AssetId;
  static normalize(text: string): AssetId;
  static generate(seed?: Seed): AssetId;
  readonly timestampMs: number;
}

export class AssetKey extends Name {
  static parse(text: string): AssetKey;
  static normalize(text: string): AssetKey;
  readonly namespace: string;
  readonly name: string;
}

export type TypedValue =
  | { type: "string"; value: string }
  | { type: "int64"; value: string | number | bigint }
  | { type: "bool"; value: boolean }
  | { type: "date"; value: string }
  | { type: "timestamp"; value: string }
  | { type: "null" };

export class PartitionKey extends Name {
  static parse(text: string): PartitionKey;
  static normalize(text: string): PartitionKey;
  static from(dimensions: Record<string, TypedValue>): PartitionKey;
  static fromJSON(json: string | Uint8Array): PartitionKey;
  /** Orders by the typed values, never by the bytes. */
  static compare(left: PartitionKey | string, right: PartitionKey | string): -1 | 0 | 1;
  /** The typed values by name; an `int64` is a decimal string. */
  dimensions(): Record<string, TypedValue>;
  get(name: string): TypedValue | undefined;
}

export type Operation = "materialize" | "check" | "backfill";

export class TaskKey extends Name {
  static parse(text: string): TaskKey;
  static of(asset: AssetKey | string, partition: PartitionKey | string | null | undefined, operation: Operation): TaskKey;
  readonly asset: AssetKey;
  readonly partition: PartitionKey | undefined;
  readonly operation: Operation;
}

export class TenantId extends Name {
  static parse(text: string): TenantId;
}

export class WorkspaceId extends Name {
  static parse(text: string): WorkspaceId;
}

export class RunKey extends Name {
  static parse(input: string | Uint8Array): RunKey;
  /** One of 256. */
  readonly home: number;
}

export function partitionId(assetId: AssetId | string, partitionKey?: PartitionKey | string | null): string;
export function taskId(runId: RunId | string, taskKey: TaskKey | string): TaskId;
export function attemptId(runId: RunId | string, taskKey: TaskKey | string, attempt: number): AttemptId;
export function materializationId(runId: RunId | string, taskKey: TaskKey | string, attempt: number): MaterializationId;
export function dispatchId(runId: RunId | string, taskKey: TaskKey | string, attempt: number): string;
export function parseDispatchId(text: string): { runId: RunId; taskKey: TaskKey; attempt: number };
export function queueName(kind: string, internalId: string): string;
