// Answers the questions of the protocol through the public interface of the package.

import * as arcoflow from "arcoflow";

const bytesOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

function partitionKeyOf(input) {
  const written = typeof input === "string" || input instanceof Uint8Array;
  return written ? arcoflow.PartitionKey.fromJSON(input) : arcoflow.PartitionKey.from(input);
}

function canonical(input) {
  const output = arcoflow.canonicalize(input);
  return typeof output === "string" ? output : new TextDecoder("utf-8", { fatal: true }).decode(output);
}

function taskParts(key) {
  const parts = { asset_key: key.asset.toString(), operation: key.operation };
  return key.partition ? { ...parts, partition_key: key.partition.toString() } : parts;
}

function generate(type, { ms, random_hex, previous = null }) {
  const random = Uint8Array.from(random_hex.match(/../g), (pair) => Number.parseInt(pair, 16));
  return type.generate({ ms, random, previous }).toString();
}

const operations = {
  canonical_json: canonical,
  fingerprint: (input) => arcoflow.fingerprint(input),
  "asset_id.parse": (input) => arcoflow.AssetId.parse(input).toString(),
  "asset_id.normalize": (input) => arcoflow.AssetId.normalize(input).toString(),
  "asset_id.timestamp_ms": (input) => arcoflow.AssetId.parse(input).timestampMs,
  "ulid.parse": (input) => arcoflow.Ulid.parse(input).toString(),
  "ulid.normalize": (input) => arcoflow.Ulid.normalize(input).toString(),
  "ulid.timestamp_ms": (input) => arcoflow.Ulid.parse(input).timestampMs,
  "ulid.generate": (input) => generate(arcoflow.Ulid, input),
  "uuid7.generate": (input) => generate(arcoflow.AssetId, input),
  "partition_key.parse": (input) => arcoflow.PartitionKey.parse(input).dimensions(),
  "partition_key.format": (input) => partitionKeyOf(input).toString(),
  "partition_key.normalize": (input) => arcoflow.PartitionKey.normalize(input).toString(),
  "partition_key.compare": ({ left, right }) => arcoflow.PartitionKey.compare(left, right),
  partition_id: ({ asset_id, partition_key }) => arcoflow.partitionId(asset_id, partition_key),
  "asset_key.parse": (input) => {
    const { namespace, name } = arcoflow.AssetKey.parse(input);
    return { namespace, name };
  },
  "asset_key.normalize": (input) => arcoflow.AssetKey.normalize(input).toString(),
  "task_key.parse": (input) => taskParts(arcoflow.TaskKey.parse(input)),
  "tenant_id.parse": (input) => arcoflow.TenantId.parse(input).toString(),
  "workspace_id.parse": (input) => arcoflow.WorkspaceId.parse(input).toString(),
  "run_key.parse": (input) => arcoflow.RunKey.parse(input).toString(),
  task_id: ({ run_id, task_key }) => arcoflow.taskId(run_id, task_key).toString(),
  attempt_id: ({ run_id, task_key, attempt }) => arcoflow.attemptId(run_id, task_key, attempt).toString(),
  materialization_id: ({ run_id, task_key, attempt }) => arcoflow.materializationId(run_id, task_key, attempt).toString(),
  dispatch_id: ({ run_id, task_key, attempt }) => arcoflow.dispatchId(run_id, task_key, attempt),
  "dispatch_id.parse": (input) => {
    const { runId, taskKey, attempt } = arcoflow.parseDispatchId(input);
    return { run_id: runId.toString(), task_key: taskKey.toString(), attempt };
  },
  queue_name: ({ kind, id }) => arcoflow.queueName(kind, id),
  run_home: ({ run_id, run_key }) =>
    run_id === undefined ? arcoflow.RunKey.parse(run_key).home : arcoflow.RunId.parse(run_id).home,
};

/** The answer to one line. */
export function answer(line) {
  const { id, op, input, input_base64 } = JSON.parse(line);
  return JSON.stringify({ id, ...ask(op, input_base64 === undefined ? input : bytesOf(input_base64)) });
}

function ask(op, input) {
  if (!Object.hasOwn(operations, op)) return { error: { code: "op.unknown" } };
  try {
    return { ok: operations[op](input) };
  } catch (error) {
    if (error instanceof arcoflow.ArcoflowError) return { error: { code: error.code, offset: error.offset } };
    if (error instanceof TypeError) return { error: { code: "op.input" } };
    throw error;
  }
}

/** The answers to all lines. */
export function answerAll(text) {
  return text.split("\n").filter((line) => line !== "").map(answer).join("\n") + "\n";
}
