"""Each sample of a benchmark is a line of JSON for whoever computes its figures again."""

import json
import os
import pathlib

FILE = os.environ.get("ARCOFLOW_SAMPLES")


def keep(measure, subject, unit, values):
    """Keeps the samples of what was measured of somebody, in a unit; without a file they are only printed."""
    if FILE:
        with open(FILE, "a", encoding="utf-8") as file:
            for value in values:
                line = {"bench": pathlib.Path(FILE).stem, "measure": measure, "subject": subject, "unit": unit, "value": value}
                file.write(json.dumps(line) + "\n")
