"""A task is a function of its envelope: it reads inputs, writes files into its output directory, and says what it did.

The worker hands over three paths in the environment: `ARCOFLOW_ENVELOPE` (what to do), `ARCOFLOW_OUTPUT` (an empty
directory for the files of this attempt) and `ARCOFLOW_RESULT` (where to say how it went). Exit code 0 means success.
"""

import base64
import csv
import datetime
import json
import os
import sys


class TaskFailed(Exception):
    """The task cannot succeed; `category` decides whether another attempt makes sense."""

    def __init__(self, category, message):
        super().__init__(message)
        self.category = category
        self.message = message


def decode_partition_key(key):
    """`month=d:2012-01-01,station=s:c2VhdHRsZQ` as `{"month": date(2012, 1, 1), "station": "seattle"}`."""
    read = {
        "s": lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("utf-8"),
        "i": int,
        "b": lambda text: text == "true",
        "d": datetime.date.fromisoformat,
        "t": lambda text: datetime.datetime.fromisoformat(text.replace("Z", "+00:00")),
        "n": lambda text: None,
    }
    dimensions = (dimension.partition("=") for dimension in key.split(","))
    typed = ((name, value.partition(":")) for name, _, value in dimensions)
    return {name: read[kind](text) for name, (kind, _, text) in typed}


class Input:
    """The output directory of one upstream task, with the partition that it belongs to."""

    def __init__(self, described):
        self.asset_key = described["assetKey"]
        self.partition_key = described.get("partitionKey")
        self.partition = decode_partition_key(self.partition_key) if self.partition_key else {}
        self.path = described["outputPath"]

    def rows(self, name):
        """The rows of the CSV file `name`, each a dictionary of strings."""
        return read_rows(os.path.join(self.path, name))


class Task:
    """What the worker asked for, and what this attempt has to say at its end."""

    def __init__(self, environment):
        with open(environment["ARCOFLOW_ENVELOPE"], encoding="utf-8") as file:
            envelope = json.load(file)
        self.asset_key = envelope["assetKey"]
        self.attempt = envelope["attempt"]
        key = envelope.get("partitionKey")
        self.partition = decode_partition_key(key) if key else {}
        described = envelope["payload"].get("inputs", [])
        self._inputs = sorted((Input(one) for one in described), key=lambda one: one.partition_key or "")
        self._output = environment["ARCOFLOW_OUTPUT"]
        self._result = environment["ARCOFLOW_RESULT"]
        self.row_count = 0
        self.metrics = {}
        self.checks = []

    def inputs(self, asset_key):
        """The inputs from one upstream asset, in the order of their partition keys; there is at least one."""
        found = [one for one in self._inputs if one.asset_key == asset_key]
        if not found:
            raise TaskFailed("CONFIGURATION", f"`{self.asset_key}` got no input from `{asset_key}`")
        return found

    def input(self, asset_key):
        """The only input from one upstream asset."""
        found = self.inputs(asset_key)
        if len(found) > 1:
            raise TaskFailed("CONFIGURATION", f"`{self.asset_key}` got {len(found)} inputs from `{asset_key}`, not one")
        return found[0]

    def write_rows(self, name, columns, rows):
        """Writes the rows as a CSV file of the output and counts them as the rows of this asset."""
        with open(os.path.join(self._output, name), "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        self.row_count += len(rows)

    def write_text(self, name, text):
        """Writes a text file of the output."""
        with open(os.path.join(self._output, name), "w", encoding="utf-8", newline="\n") as file:
            file.write(text)

    def check(self, name, problems, passed_detail):
        """Notes one named check: it passed when `problems` is empty, else the first three are its detail."""
        detail = passed_detail
        if problems:
            more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
            detail = "; ".join(problems[:3]) + more
        self.checks.append({"name": name, "passed": not problems, "detail": detail})
        print(f"{'passed' if not problems else 'FAILED'}  {name}: {detail}")

    def raise_failed_checks(self):
        """Fails the task when a noted check failed."""
        failed = [f"{one['name']}: {one['detail']}" for one in self.checks if not one["passed"]]
        if failed:
            raise TaskFailed("DATA_QUALITY", " | ".join(failed))

    def write_result(self, error=None):
        """Writes the result file; integers and strings only."""
        sizes = (entry.stat().st_size for entry in os.scandir(self._output) if entry.is_file())
        result = {"rowCount": self.row_count, "byteSize": sum(sizes), "metrics": self.metrics, "checks": self.checks}
        if error:
            result["error"] = error
        with open(self._result, "w", encoding="utf-8") as file:
            json.dump(result, file)


def read_rows(path):
    """The rows of a CSV file, each a dictionary of strings."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def run(program):
    """Runs `program(task)` and turns what happened into a result file and an exit code."""
    task = Task(os.environ)
    try:
        program(task)
    except TaskFailed as failed:
        error = {"category": failed.category, "message": failed.message}
    except OSError as failed:
        error = {"category": "INFRASTRUCTURE", "message": str(failed)}
    else:
        task.write_result()
        print(f"{task.asset_key}: {task.row_count} rows")
        sys.exit(0)
    task.write_result(error)
    print(f"{error['category']}: {error['message']}", file=sys.stderr)
    sys.exit(1)
