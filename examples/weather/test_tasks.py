"""The whole pipeline, run by the small runner, agrees with what the published file says when one reads it directly.

`python3 test_tasks.py`, from anywhere; Python 3.11 or newer, nothing to install.
"""

import contextlib
import csv
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest
import uuid
import xml.etree.ElementTree as ElementTree

import small_runner
from small_runner import PIPELINE, environment

import arcoflow_task
import check_anomalies
import check_daily
import report_page

JULY_2013 = "month=d:2013-07-01"


def published():
    """The published rows."""
    with open(PIPELINE / "data" / "weather.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def output_rows(result, name):
    """The rows that a task wrote."""
    return arcoflow_task.read_rows(os.path.join(result["outputPath"], name))


class FullRun(unittest.TestCase):
    """What a run over all partitions leaves behind."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        cls.results = small_runner.run_pipeline(cls.directory.name)
        cls.page = (cls.output("mart/report") / "report.html").read_text(encoding="utf-8")

    @classmethod
    def output(cls, asset, key=None):
        return pathlib.Path(cls.results[asset, key, "materialize"]["outputPath"])

    def rows(self, asset, name):
        """The rows of all partitions of an asset, in order."""
        tasks = sorted((key or "", one) for (of, key, what), one in self.results.items() if (of, what) == (asset, "materialize"))
        return [row for _, one in tasks for row in output_rows(one, name)]

    def test_every_task_succeeds_and_counts_its_rows(self):
        expected = {
            ("raw/stations", "materialize"): (1, 2),
            ("raw/observations", "materialize"): (96, 2922),
            ("staging/daily", "materialize"): (48, 2922),
            ("staging/daily", "check"): (48, 2922),
            ("mart/monthly_summary", "materialize"): (48, 96),
            ("mart/climate_normals", "materialize"): (1, 24),
            ("mart/anomalies", "materialize"): (1, 96),
            ("mart/anomalies", "check"): (1, 96),
            ("mart/report", "materialize"): (1, 2922),
        }
        found = {}
        for (asset, _, operation), result in self.results.items():
            self.assertNotIn("error", result)
            tasks, rows = found.get((asset, operation), (0, 0))
            found[asset, operation] = tasks + 1, rows + result["rowCount"]
        self.assertEqual(found, expected)
        self.assertEqual(len(self.results), 245)

    def test_results_hold_integers_and_strings_only(self):
        def walk(value):
            if isinstance(value, dict):
                for inner in value.values():
                    walk(inner)
            elif isinstance(value, list):
                for inner in value:
                    walk(inner)
            else:
                self.assertIsInstance(value, (int, str))

        for result in self.results.values():
            walk(result)
            size = sum(path.stat().st_size for path in pathlib.Path(result["outputPath"]).iterdir())
            self.assertEqual(result["byteSize"], size)

    def test_staging_loses_nothing(self):
        names = {"New York": "new_york", "Seattle": "seattle"}
        columns = {
            "temp_min": "temp_min_tenths_c", "temp_max": "temp_max_tenths_c",
            "precipitation": "precipitation_tenths_mm", "wind": "wind_tenths_ms",
        }
        staged = {(row["station"], row["date"]): row for row in self.rows("staging/daily", "daily.csv")}
        self.assertEqual(len(staged), 2922)
        for row in published():
            kept = staged[names[row["location"]], row["date"]]
            self.assertEqual(kept["weather"], row["weather"])
            for column, staged_column in columns.items():
                self.assertEqual(f"{int(kept[staged_column]) / 10:.1f}", row[column])

    def test_summaries_agree_with_the_published_file(self):
        summaries = {(row["station"], row["month"]): row for row in self.rows("mart/monthly_summary", "monthly_summary.csv")}
        known = [
            ("seattle", "2015-12", "precipitation_mm", "284.5"),
            ("seattle", "2013-07", "precipitation_mm", "0.0"),
            ("seattle", "2012-10", "dry_spell_days", "81"),
            ("seattle", "2014-08", "warmest_c", "35.6"),
            ("new_york", "2013-06", "precipitation_mm", "202.1"),
            ("new_york", "2014-04", "wettest_day", "2014-04-30"),
            ("new_york", "2013-07", "warmest_day", "2013-07-18"),
            ("new_york", "2014-01", "coldest_c", "-16.0"),
            ("new_york", "2015-02", "frost_days", "27"),
        ]
        for station, month, column, value in known:
            with self.subTest(station=station, month=month, column=column):
                self.assertEqual(summaries[station, month][column], value)
        wettest = max(summaries.values(), key=lambda row: float(row["precipitation_mm"]))
        self.assertEqual((wettest["station"], wettest["month"]), ("seattle", "2015-12"))

    def test_four_months_are_enough_for_every_dry_spell(self):
        longest = {}
        for location, station in (("Seattle", "seattle"), ("New York", "new_york")):
            length = 0
            for row in (row for row in published() if row["location"] == location):
                length = 0 if float(row["precipitation"]) >= 1 else length + 1
                month = station, row["date"][:7]
                longest[month] = max(longest.get(month, 0), length)
        found = self.rows("mart/monthly_summary", "monthly_summary.csv")
        self.assertEqual({(row["station"], row["month"]): int(row["dry_spell_days"]) for row in found}, longest)

    def test_anomalies_are_distances_from_the_normals(self):
        normals = {(row["station"], row["calendar_month"]): row for row in self.rows("mart/climate_normals", "climate_normals.csv")}
        self.assertEqual({row["years"] for row in normals.values()}, {"4"})
        february = [
            (float(row["temp_min"]) + float(row["temp_max"])) / 2
            for row in published()
            if row["location"] == "New York" and row["date"].startswith("2015-02")
        ]
        expected = sum(february) / len(february) - float(normals["new_york", "2"]["temp_mean_c"])
        rows = self.rows("mart/anomalies", "anomalies.csv")
        found = next(row for row in rows if (row["station"], row["month"]) == ("new_york", "2015-02"))
        self.assertAlmostEqual(float(found["temp_anomaly_c"]), expected, delta=0.01)
        self.assertEqual(found["temp_anomaly_c"], "-4.39")

    def test_the_page_is_well_formed_and_complete(self):
        root = ElementTree.fromstring(self.page.partition("\n")[2])
        drawings = list(root.iter("svg"))
        self.assertEqual(len(drawings), 4)
        paths = [path for path in root.iter("path") if path.get("class") == "days"]
        self.assertEqual([path.get("d").count("M") for path in paths], [1461, 1461])
        cells = [box for box in root.iter("rect") if box.find("title") is not None and "cell" in box.get("class")]
        self.assertEqual(len(cells), 96)
        self.assertEqual(len(list(root.iter("tr"))), 97)
        for sentence in ("New York", "81 days", "284 mm", "37.8 °C", "9% of that year's", "public domain", "USW00024233"):
            self.assertIn(sentence, "".join(root.itertext()))

    def test_the_page_loads_nothing_and_knows_its_colours(self):
        self.assertIsNone(re.search(r"https?:|<script|<link|@import|src=|nan|inf\b", self.page))
        self.assertIn("prefers-color-scheme:dark", self.page)
        light, dark = report_page.STYLE.split("@media (prefers-color-scheme:dark)")
        names = set(re.findall(r"(--[\w-]+):", light))
        self.assertEqual(set(re.findall(r"(--[\w-]+):", dark.partition("}}")[0])), names)
        self.assertLessEqual(set(re.findall(r"var\((--[\w-]+)\)", self.page)), names)
        root = ElementTree.fromstring(self.page.partition("\n")[2])
        used = {name for drawing in root.iter("svg") for part in drawing.iter() for name in part.get("class", "").split()}
        known = set(re.findall(r"\.([a-z][\w-]*)", report_page.STYLE))
        self.assertLessEqual(used, known)

    def test_words_stay_inside_their_drawings(self):
        for drawing in ElementTree.fromstring(self.page.partition("\n")[2]).iter("svg"):
            _, _, width, height = map(float, drawing.get("viewBox").split())
            for text in drawing.iter("text"):
                x, y, length = float(text.get("x")), float(text.get("y")), 7 * len(text.text)
                start = x - {"end": length, "middle": length / 2}.get(text.get("text-anchor"), 0)
                with self.subTest(text=text.text):
                    self.assertTrue(0 <= start and start + length <= width + 8 and 8 <= y <= height)

    def test_a_second_run_writes_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as directory:
            again = small_runner.run_pipeline(directory)["mart/report", None, "materialize"]
            page = (pathlib.Path(again["outputPath"]) / "report.html").read_text(encoding="utf-8")
        self.assertEqual(page, self.page)

    def test_the_daily_check_names_what_is_wrong(self):
        rows = output_rows(self.results["staging/daily", JULY_2013, "materialize"], "daily.csv")

        def changed(**values):
            return [{**rows[0], **values}] + rows[1:]

        table = [
            (rows, []),
            (rows[1:], ["no_missing_days"]),
            (rows[:31], ["no_missing_days"]),
            (rows + rows[:1], ["no_repeated_days"]),
            (rows + [{**rows[0], "date": "2013-08-01"}], ["no_foreign_days"]),
            (rows + [{**rows[0], "station": "atlantis"}], ["no_foreign_days"]),
            (changed(temp_max_tenths_c="567"), []),
            (changed(temp_max_tenths_c="568"), ["plausible_temperatures"]),
            (changed(temp_min_tenths_c="-568"), ["plausible_temperatures"]),
            (changed(temp_min_tenths_c="400"), ["lowest_below_highest"]),
            (changed(precipitation_tenths_mm="-1"), ["plausible_rain_and_wind"]),
            (changed(wind_tenths_ms="751"), ["plausible_rain_and_wind"]),
        ]
        for number, (given, failed) in enumerate(table):
            with self.subTest(number=number), tempfile.TemporaryDirectory() as directory:
                self.assertEqual(failed_checks(given, directory), failed)

    def test_the_warning_names_the_extreme_months(self):
        anomalies = {"assetKey": "mart/anomalies", "outputPath": str(self.output("mart/anomalies"))}
        named = ["new_york 2012-02", "new_york 2012-03", "new_york 2015-02", "1 more"]
        for limit, words in (("6", []), ("4.39", []), ("4.38", named[2:3]), ("4", named)):
            with self.subTest(limit=limit), tempfile.TemporaryDirectory() as directory:
                task = arcoflow_task.Task(hand_made_task(directory, "mart/anomalies", None, [anomalies]))
                with environment(WEATHER_WARN_ABOVE_C=limit), contextlib.redirect_stdout(None):
                    try:
                        check_anomalies.main(task)
                    except arcoflow_task.TaskFailed as failed:
                        self.assertEqual(failed.category, "DATA_QUALITY")
                self.assertEqual([one["passed"] for one in task.checks], [not words, True])
                for word in words:
                    self.assertIn(word, task.checks[0]["detail"])


def failed_checks(rows, directory):
    """The names of the checks that fail on these rows for July 2013."""
    with open(os.path.join(directory, "daily.csv"), "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    task = hand_made_task(directory, "staging/daily", JULY_2013, [
        {"assetKey": "staging/daily", "partitionKey": JULY_2013, "outputPath": directory},
    ])
    with contextlib.chdir(PIPELINE), contextlib.redirect_stdout(None):
        try:
            check_daily.main(arcoflow_task.Task(task))
        except arcoflow_task.TaskFailed as failed:
            assert failed.category == "DATA_QUALITY"
            return re.findall(r"(?:^| \| )(\w+):", failed.message)
    return []


def hand_made_task(directory, asset, key, inputs, attempt=1):
    """Writes an envelope and answers the environment that a worker gives."""
    paths = {name: os.path.join(directory, name.lower()) for name in ("ENVELOPE", "OUTPUT", "RESULT")}
    os.makedirs(paths["OUTPUT"], exist_ok=True)
    envelope = {"assetKey": asset, "partitionKey": key, "attempt": attempt, "payload": {"inputs": inputs}}
    pathlib.Path(paths["ENVELOPE"]).write_text(json.dumps(envelope), encoding="utf-8")
    return {f"ARCOFLOW_{name}": path for name, path in paths.items()}


class Refusals(unittest.TestCase):
    """What the pipeline does when something is wrong."""

    def test_a_corrupt_month_stops_what_reads_it_and_nothing_else(self):
        with environment(WEATHER_CORRUPT="2013-07"), tempfile.TemporaryDirectory() as directory:
            results = small_runner.run_pipeline(directory)
        self.assertEqual([task for task, one in results.items() if "error" in one], [("staging/daily", JULY_2013, "check")])
        error = results["staging/daily", JULY_2013, "check"]["error"]
        self.assertEqual(error["category"], "DATA_QUALITY")
        self.assertEqual(
            error["message"], "plausible_temperatures: new_york 2013-07-15 has 99.0 °C; seattle 2013-07-15 has 99.0 °C",
        )
        summaries = {key for asset, key, _ in results if asset == "mart/monthly_summary"}
        left_out = {f"month=d:2013-{month}-01" for month in ("07", "08", "09", "10")}
        self.assertEqual(len(summaries), 44)
        self.assertFalse(summaries & left_out)
        self.assertFalse([asset for asset, _, _ in results if asset in ("mart/climate_normals", "mart/anomalies", "mart/report")])

    def run_program(self, key, attempt, **variables):
        """Runs `observations.py` as a worker does: its exit code, its result, its log."""
        with tempfile.TemporaryDirectory() as directory:
            inputs = [{"assetKey": "raw/stations", "outputPath": str(PIPELINE / "data")}]
            paths = hand_made_task(directory, "raw/observations", key, inputs, attempt)
            done = subprocess.run(
                [sys.executable, "tasks/observations.py"], cwd=PIPELINE, env={**os.environ, **paths, **variables},
                capture_output=True, text=True, check=False,
            )
            result = json.loads(pathlib.Path(paths["ARCOFLOW_RESULT"]).read_text(encoding="utf-8"))
        return done.returncode, result, done.stdout + done.stderr

    def test_a_program_speaks_by_exit_code_result_and_log(self):
        seattle, atlantis = "month=d:2014-02-01,station=s:c2VhdHRsZQ", "month=d:2014-02-01,station=s:YXRsYW50aXM"
        flaky = {"WEATHER_FLAKY": "2014-02"}
        table = [
            (seattle, 1, {}, 0, None, "28 rows"),
            (seattle, 1, flaky, 1, "INFRASTRUCTURE", "did not answer"),
            (seattle, 2, flaky, 0, None, "28 rows"),
            (atlantis, 1, {}, 1, "CONFIGURATION", "`atlantis`"),
        ]
        for key, attempt, variables, exit_code, category, words in table:
            with self.subTest(key=key, attempt=attempt, variables=variables):
                code, result, log = self.run_program(key, attempt, **variables)
                self.assertEqual((code, result.get("error", {}).get("category")), (exit_code, category))
                self.assertIn(words, log)

    def test_partition_keys_decode(self):
        table = [
            ("month=d:2012-01-01,station=s:c2VhdHRsZQ", "{'month': datetime.date(2012, 1, 1), 'station': 'seattle'}"),
            ("region=s:dXMtZWFzdA", "{'region': 'us-east'}"),
            ("a=s:", "{'a': ''}"),
            ("a=s:_-8", "UnicodeDecodeError"),
            ("a=s:w7_Dvw", "{'a': 'ÿÿ'}"),
            ("a=i:-42,b=b:true,c=b:false,d=n:null", "{'a': -42, 'b': True, 'c': False, 'd': None}"),
            ("hour=t:2012-01-01T05:00:00.000000Z", "{'hour': datetime.datetime(2012, 1, 1, 5, 0, tzinfo=datetime.timezone.utc)}"),
            ("a=d:2013-02-29", "ValueError"),
        ]
        for key, expected in table:
            with self.subTest(key=key):
                try:
                    found = repr(arcoflow_task.decode_partition_key(key))
                except ValueError as refused:
                    found = type(refused).__name__
                self.assertEqual(found, expected)


class Declaration(unittest.TestCase):
    """What is written down is true."""

    def test_asset_ids_are_distinct_uuids_of_version_seven(self):
        manifest = tomllib.loads((PIPELINE / "arcoflow.toml").read_text(encoding="utf-8"))
        identifiers = [asset["id"] for asset in manifest["assets"]]
        self.assertEqual(len(set(identifiers)), 7)
        for identifier in identifiers:
            self.assertEqual((str(uuid.UUID(identifier)), uuid.UUID(identifier).version), (identifier, 7))

    def test_the_published_file_is_the_one_that_the_readme_names(self):
        digest = hashlib.sha256((PIPELINE / "data" / "weather.csv").read_bytes()).hexdigest()
        self.assertIn(digest, (PIPELINE / "data" / "README.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
