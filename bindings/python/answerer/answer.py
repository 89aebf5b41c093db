"""Answers the questions of the protocol through the public interface of the installed package."""

import base64
import json
import sys

import arcoflow


def canonical(data):
    output = arcoflow.canonicalize(data)
    return output if isinstance(output, str) else output.decode()


def partition_format(data):
    if isinstance(data, (str, bytes)):
        return arcoflow.PartitionKey.from_json(data)
    return arcoflow.PartitionKey.of(data)


def asset_key(data):
    key = arcoflow.AssetKey(data)
    return {"namespace": key.namespace, "name": key.name}


def task_key(data):
    key = arcoflow.TaskKey(data)
    parts = {"asset_key": key.asset, "operation": key.operation}
    return parts if key.partition is None else parts | {"partition_key": key.partition}


def run_home(question):
    if "run_id" in question:
        return arcoflow.RunId(question["run_id"]).home
    return arcoflow.RunKey(question["run_key"]).home


def generate_ulid(question):
    # A class of its own has made nothing yet, so only the question's previous id counts.
    fresh = type("Fresh", (arcoflow.Ulid,), {})
    random = bytes.fromhex(question["random_hex"])
    return fresh.generate(question["ms"], random, question.get("previous"))


OPERATIONS = {
    "canonical_json": canonical,
    "fingerprint": arcoflow.fingerprint,
    "asset_id.parse": arcoflow.AssetId,
    "asset_id.normalize": arcoflow.AssetId.normalize,
    "asset_id.timestamp_ms": lambda data: arcoflow.AssetId(data).timestamp_ms,
    "ulid.parse": arcoflow.Ulid,
    "ulid.normalize": arcoflow.Ulid.normalize,
    "ulid.timestamp_ms": lambda data: arcoflow.Ulid(data).timestamp_ms,
    "ulid.generate": generate_ulid,
    "uuid7.generate": lambda question: arcoflow.AssetId.generate(question["ms"], bytes.fromhex(question["random_hex"])),
    "partition_key.parse": lambda data: arcoflow.PartitionKey(data).dimensions(),
    "partition_key.format": partition_format,
    "partition_key.normalize": arcoflow.PartitionKey.normalize,
    "partition_key.compare": lambda question: arcoflow.PartitionKey.compare(**question),
    "partition_id": lambda question: arcoflow.partition_id(**question),
    "asset_key.parse": asset_key,
    "asset_key.normalize": arcoflow.AssetKey.normalize,
    "task_key.parse": task_key,
    "tenant_id.parse": arcoflow.TenantId,
    "workspace_id.parse": arcoflow.WorkspaceId,
    "run_key.parse": arcoflow.RunKey,
    "task_id": lambda question: arcoflow.task_id(**question),
    "attempt_id": lambda question: arcoflow.attempt_id(**question),
    "materialization_id": lambda question: arcoflow.materialization_id(**question),
    "dispatch_id": lambda question: arcoflow.dispatch_id(**question),
    "dispatch_id.parse": lambda data: arcoflow.parse_dispatch_id(data)._asdict(),
    "queue_name": lambda question: arcoflow.queue_name(question["kind"], question["id"]),
    "run_home": run_home,
}


def answer(line):
    question = json.loads(line)
    encoded = question.get("input_base64")
    data = question.get("input") if encoded is None else base64.b64decode(encoded)
    operation = OPERATIONS.get(question["op"])
    if operation is None:
        return {"id": question["id"], "error": {"code": "op.unknown"}}
    try:
        return {"id": question["id"], "ok": operation(data)}
    except arcoflow.ArcoflowError as refusal:
        error = {"code": refusal.code}
        if refusal.offset is not None:
            error["offset"] = refusal.offset
        return {"id": question["id"], "error": error}
    except TypeError:
        return {"id": question["id"], "error": {"code": "op.input"}}


for line in sys.stdin.buffer:
    sys.stdout.buffer.write(json.dumps(answer(line)).encode() + b"\n")
