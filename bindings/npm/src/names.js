// Names are values: made by a parser, a normalizer or a generator, never by hand.

import { ArcoflowError, call, callForByte, check, jsonText, number, pack, refuse, whole } from "./glue.js";
import * as operations from "./operations.js";
import { placeless, textOf } from "./value.js";

const MADE = Symbol("made by a parser");

class Name {
  #text;

  constructor(made, text) {
    if (made !== MADE) throw new TypeError(`use ${new.target.name}.parse`);
    this.#text = text;
  }

  toString() {
    return this.#text;
  }

  toJSON() {
    return this.#text;
  }

  equals(other) {
    return other?.constructor === this.constructor && other.toString() === this.#text;
  }
}

/** The text of a name, or a text that is one. */
function textOfName(type, name) {
  return name instanceof type ? name.toString() : type.parse(name).toString();
}

function randomBytes() {
  return globalThis.crypto.getRandomValues(new Uint8Array(10));
}

function tenBytes(random) {
  if (!(random instanceof Uint8Array) || random.length !== 10) throw new TypeError("random takes 10 bytes");
  return random;
}

export class Ulid extends Name {
  static parse(text) {
    check(operations.ULID_PARSE, text);
    return new this(MADE, text);
  }

  static normalize(text) {
    return new this(MADE, call(operations.ULID_NORMALIZE, text));
  }

  static #last = new WeakMap();

  /** A new id, greater than the last one that this class made, or than none for `null`; time and randomness are the host's unless given. */
  static generate({ ms = Date.now(), random = randomBytes(), previous = Ulid.#last.get(this) ?? null } = {}) {
    const after = previous === null ? "" : `>${previous}`;
    const text = call(operations.ULID_GENERATE, pack(number(ms), tenBytes(random), after));
    const id = new this(MADE, text);
    Ulid.#last.set(this, id);
    return id;
  }

  get timestampMs() {
    return timeOf(this.toString());
  }
}

// The text is canonical: ten characters of five bits each.
function timeOf(text) {
  let ms = 0;
  for (const character of text.slice(0, 10)) ms = ms * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".indexOf(character);
  return ms;
}

export class EventId extends Ulid {}
export class MaterializationId extends Ulid {}
export class ManifestId extends Ulid {}
export class BackfillId extends Ulid {}
export class ScheduleId extends Ulid {}
export class SensorId extends Ulid {}
export class TaskId extends Ulid {}
export class AttemptId extends Ulid {}

export class RunId extends Ulid {
  get home() {
    return callForByte(operations.HOME_OF_RUN, this.toString());
  }
}

export class AssetId extends Name {
  static parse(text) {
    check(operations.ASSET_ID_PARSE, text);
    return new AssetId(MADE, text);
  }

  static normalize(text) {
    return new AssetId(MADE, call(operations.ASSET_ID_NORMALIZE, text));
  }

  static generate({ ms = Date.now(), random = randomBytes() } = {}) {
    return new AssetId(MADE, call(operations.UUID7_GENERATE, pack(number(ms), tenBytes(random))));
  }

  get timestampMs() {
    return Number.parseInt(this.toString().slice(0, 8) + this.toString().slice(9, 13), 16);
  }
}

export class AssetKey extends Name {
  static parse(text) {
    check(operations.ASSET_KEY_PARSE, text);
    return new AssetKey(MADE, text);
  }

  static normalize(text) {
    return new AssetKey(MADE, call(operations.ASSET_KEY_NORMALIZE, text));
  }

  get namespace() {
    return this.toString().split("/")[0];
  }

  get name() {
    return this.toString().split("/")[1];
  }
}

export class PartitionKey extends Name {
  static parse(text) {
    check(operations.PARTITION_KEY_PARSE, text);
    return new PartitionKey(MADE, text);
  }

  static normalize(text) {
    return new PartitionKey(MADE, call(operations.PARTITION_KEY_NORMALIZE, text));
  }

  /** The key of typed values, `{ date: { type: "date", value: "2025-01-15" } }`. */
  static from(dimensions) {
    return placeless(() => PartitionKey.fromJSON(textOf(dimensions)));
  }

  /** The key of the JSON form, as text or bytes. */
  static fromJSON(json) {
    const input = typeof json === "string" ? jsonText(json) : json;
    return new PartitionKey(MADE, call(operations.PARTITION_KEY_FORMAT, input));
  }

  /** The typed values by name. */
  dimensions() {
    return JSON.parse(call(operations.PARTITION_KEY_FORM, this.toString()));
  }

  /** The typed value of one dimension. */
  get(name) {
    const dimensions = this.dimensions();
    return Object.hasOwn(dimensions, name) ? dimensions[name] : undefined;
  }

  /** Orders by the typed values, never by the bytes. */
  static compare(left, right) {
    const texts = [textOfName(PartitionKey, left), textOfName(PartitionKey, right)];
    return Number(call(operations.PARTITION_KEY_COMPARE, pack(...texts)));
  }
}

export class TaskKey extends Name {
  static parse(text) {
    check(operations.TASK_KEY_PARSE, text);
    return new TaskKey(MADE, text);
  }

  static of(asset, partition, operation) {
    const key = partition == null ? "" : `[${textOfName(PartitionKey, partition)}]`;
    return TaskKey.parse(`${textOfName(AssetKey, asset)}${key}:${operation}`);
  }

  get asset() {
    return new AssetKey(MADE, /^[^[:]*/.exec(this.toString())[0]);
  }

  get partition() {
    const found = /\[([^\]]*)\]/.exec(this.toString());
    return found ? new PartitionKey(MADE, found[1]) : undefined;
  }

  get operation() {
    return this.toString().slice(this.toString().lastIndexOf(":") + 1);
  }
}

export class TenantId extends Name {
  static parse(text) {
    check(operations.TENANT_ID_PARSE, text);
    return new TenantId(MADE, text);
  }
}

export class WorkspaceId extends Name {
  static parse(text) {
    check(operations.WORKSPACE_ID_PARSE, text);
    return new WorkspaceId(MADE, text);
  }
}

export class RunKey extends Name {
  /** Takes text, or the UTF-8 bytes of one. */
  static parse(input) {
    const checked = typeof input === "string" ? earlierControl(input) : input;
    return new RunKey(MADE, call(operations.RUN_KEY_PARSE, checked));
  }

  get home() {
    return callForByte(operations.HOME_OF_RUN_KEY, this.toString());
  }
}

// A lone surrogate is no UTF-8; what stands before it is refused first.
function earlierControl(text) {
  try {
    return whole(text, "run_key.utf8");
  } catch (error) {
    const [, before] = /^([^]*?)(?:[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff])/.exec(text);
    if (before !== "" || text.length > 256) check(operations.RUN_KEY_PARSE, text.length > 256 ? text : before);
    throw error;
  }
}

function runAndTask(runId, taskKey) {
  return [textOfName(RunId, runId), textOfName(TaskKey, taskKey)];
}

export function partitionId(assetId, partitionKey) {
  const present = partitionKey == null ? "" : "1";
  const key = partitionKey == null ? "" : String(partitionKey);
  return call(operations.PARTITION_ID, pack(String(assetId), key, present));
}

export function taskId(runId, taskKey) {
  return new TaskId(MADE, call(operations.TASK_ID, pack(...runAndTask(runId, taskKey))));
}

export function attemptId(runId, taskKey, attempt) {
  return new AttemptId(MADE, call(operations.ATTEMPT_ID, counted(runId, taskKey, attempt)));
}

export function materializationId(runId, taskKey, attempt) {
  return new MaterializationId(MADE, call(operations.MATERIALIZATION_ID, counted(runId, taskKey, attempt)));
}

export function dispatchId(runId, taskKey, attempt) {
  return call(operations.DISPATCH_ID, counted(runId, taskKey, attempt));
}

function counted(runId, taskKey, attempt) {
  const parts = runAndTask(runId, taskKey);
  if (!Number.isInteger(attempt) || attempt < 1 || attempt > 0xffffffff) throw refuse("attempt.range");
  return pack(...parts, number(attempt));
}

export function parseDispatchId(text) {
  const [runId, taskKey, attempt] = call(operations.DISPATCH_ID_PARSE, text).split("\n");
  return { runId: new RunId(MADE, runId), taskKey: new TaskKey(MADE, taskKey), attempt: Number(attempt) };
}

export function queueName(kind, internalId) {
  return call(operations.QUEUE_NAME, pack(String(kind), whole(internalId, "json.surrogate")));
}

/** `sha256:` and the digest of the canonical form of a JSON text, given as text or bytes. */
export function fingerprint(json) {
  const input = typeof json === "string" ? jsonText(json) : json;
  return call(operations.FINGERPRINT, input);
}

export { ArcoflowError };
