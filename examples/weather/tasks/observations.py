"""`raw/observations` holds the rows of the published file for one station and one month, unchanged.

Two environment variables spoil it on purpose, so that one can watch what the orchestrator does:

- `WEATHER_CORRUPT=2013-07` makes the 15th of that month 99.0 degrees hot, in each city.
- `WEATHER_FLAKY=2014-02` makes the first attempt for that month fail as if the source were out of reach.
"""

import os

import arcoflow_task

COLUMNS = ["location", "date", "precipitation", "temp_max", "temp_min", "wind", "weather"]


def main(task):
    station, month = task.partition["station"], task.partition["month"].strftime("%Y-%m")
    if os.environ.get("WEATHER_FLAKY") == month and task.attempt == 1:
        raise arcoflow_task.TaskFailed("INFRASTRUCTURE", "the source did not answer (WEATHER_FLAKY asked for it)")

    locations = {row["station"]: row["location"] for row in task.input("raw/stations").rows("stations.csv")}
    if station not in locations:
        raise arcoflow_task.TaskFailed("CONFIGURATION", f"the partition names `{station}`, which is no known station")

    published = arcoflow_task.read_rows("data/weather.csv")
    rows = [row for row in published if row["location"] == locations[station] and row["date"].startswith(month)]
    if os.environ.get("WEATHER_CORRUPT") == month:
        for row in rows:
            if row["date"] == f"{month}-15":
                row["temp_max"] = "99.0"
    task.write_rows("observations.csv", COLUMNS, rows)


if __name__ == "__main__":
    arcoflow_task.run(main)
