"""A few dozen lines are enough to run this pipeline once, in order, in one process, with nothing remembered.

`python3 small_runner.py DIRECTORY` writes each task's output below DIRECTORY. It exists to test the tasks apart from the
orchestrator, and it shows what the orchestrator adds: this one keeps no ledger, retries nothing and cannot be resumed.
It reads the same `arcoflow.toml` and needs Python 3.11 for that; the tasks themselves need 3.9.
"""

import base64
import contextlib
import datetime
import importlib
import itertools
import json
import os
import pathlib
import sys
import tomllib

PIPELINE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(PIPELINE / "tasks"))

import arcoflow_task  # noqa: E402  (it lives in the directory that was just named)


@contextlib.contextmanager
def environment(**values):
    """Sets environment variables for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def months(start, end):
    """The first days of the months from `start` up to, not including, `end`."""
    day, last = datetime.date.fromisoformat(start), datetime.date.fromisoformat(end)
    while day < last:
        yield f"d:{day.isoformat()}"
        day = (day.replace(day=1) + datetime.timedelta(days=32)).replace(day=1)


def dimension_values(dimension):
    """The encoded values of one partition dimension, in order."""
    if dimension["kind"] == "monthly":
        return list(months(dimension["start"], dimension["end"]))
    return ["s:" + base64.urlsafe_b64encode(value.encode()).decode().rstrip("=") for value in dimension["values"]]


def partition_key(partition):
    """The canonical key of `{"month": "d:2012-01-01", …}`, or nothing for an unpartitioned asset."""
    return ",".join(f"{name}={value}" for name, value in sorted(partition.items())) or None


class Asset:
    """One asset of the manifest with its partitions spelled out."""

    def __init__(self, described):
        self.key = described["key"]
        self.described = described
        self.values = {one["name"]: dimension_values(one) for one in described.get("partitions", [])}
        names = list(self.values)
        self.partitions = [dict(zip(names, values)) for values in itertools.product(*self.values.values())]


def mapped(upstream, mapping, partition):
    """The partitions of `upstream` that the partition of a downstream asset reads."""
    choices = {}
    for name, values in upstream.values.items():
        rule = mapping["dimensions"][name] if isinstance(mapping, dict) and "dimensions" in mapping else mapping
        if rule == "all":
            choices[name] = values
        elif rule == "identity":
            choices[name] = [partition[name]]
        else:
            last = values.index(partition[name])
            choices[name] = values[max(0, last + 1 - rule["window"]):last + 1]
    return [dict(zip(choices, values)) for values in itertools.product(*choices.values())]


def run_task(asset, partition, operation, described, inputs, directory, attempt):
    """Runs one program on a hand-made envelope; returns its result, with `error` when it failed."""
    key = partition_key(partition)
    home = directory / asset.key / (key or "whole") / operation / str(attempt)
    (home / "output").mkdir(parents=True)
    envelope = {"assetKey": asset.key, "attempt": attempt, "payload": {"run": described, "inputs": inputs}}
    if key:
        envelope["partitionKey"] = key
    (home / "envelope.json").write_text(json.dumps(envelope), encoding="utf-8")
    task = arcoflow_task.Task({
        "ARCOFLOW_ENVELOPE": str(home / "envelope.json"),
        "ARCOFLOW_OUTPUT": str(home / "output"),
        "ARCOFLOW_RESULT": str(home / "result.json"),
    })
    program = importlib.import_module(pathlib.Path(described["command"][1]).stem)
    error = None
    with environment(**described.get("env", {})), open(home / "log.txt", "w", encoding="utf-8") as log:
        try:
            with contextlib.redirect_stdout(log):
                program.main(task)
        except arcoflow_task.TaskFailed as failed:
            error = {"category": failed.category, "message": failed.message}
    task.write_result(error)
    result = json.loads((home / "result.json").read_text(encoding="utf-8"))
    return {**result, "outputPath": str(home / "output"), "operation": operation}


def run_pipeline(directory):
    """Runs every task once, upstream first; returns `{(asset key, partition key, operation): result}`."""
    directory = pathlib.Path(directory).resolve()
    manifest = tomllib.loads((PIPELINE / "arcoflow.toml").read_text(encoding="utf-8"))
    assets = {described["key"]: Asset(described) for described in manifest["assets"]}
    before, results = os.getcwd(), {}
    os.chdir(PIPELINE)
    try:
        for asset in assets.values():
            for partition in asset.partitions or [{}]:
                run_partition(assets, asset, partition, results, directory)
    finally:
        os.chdir(before)
    return results


def run_partition(assets, asset, partition, results, directory):
    """Materializes one partition and checks it; a blocking check that fails leaves out what reads it."""
    key, inputs = partition_key(partition), []
    for edge in asset.described.get("upstreams", []):
        for read in mapped(assets[edge["asset"]], edge.get("mapping", "identity"), partition):
            upstream_key = partition_key(read)
            done = results.get((edge["asset"], upstream_key, "materialize"), {"error": "left out"})
            check = results.get((edge["asset"], upstream_key, "check"), {})
            blocks = assets[edge["asset"]].described.get("check", {}).get("severity") == "block"
            if "error" in done or (blocks and "error" in check):
                return
            inputs.append({"assetKey": edge["asset"], "outputPath": done["outputPath"], "rowCount": done["rowCount"]})
            if upstream_key:
                inputs[-1]["partitionKey"] = upstream_key

    result = run_task(asset, partition, "materialize", asset.described["run"], inputs, directory, 1)
    results[asset.key, key, "materialize"] = result
    if "check" in asset.described and "error" not in result:
        own = {"assetKey": asset.key, "outputPath": result["outputPath"], "rowCount": result["rowCount"]}
        own.update({"partitionKey": key} if key else {})
        described = asset.described["check"]["run"]
        results[asset.key, key, "check"] = run_task(asset, partition, "check", described, [own], directory, 1)


if __name__ == "__main__":
    for (asset_key, key, operation), result in run_pipeline(sys.argv[1]).items():
        state = "failed " if "error" in result else "ok     "
        print(state, f"{asset_key}{f'[{key}]' if key else ''}:{operation}", result["rowCount"])
