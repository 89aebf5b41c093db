"""`staging/daily` gives the published text types: dates that exist, and integers in tenths of the published units.

GHCN-Daily itself counts in tenths, so nothing is lost and every sum downstream is exact.
"""

import datetime

import arcoflow_task

COLUMNS = ["station", "date", "temp_min_tenths_c", "temp_max_tenths_c", "precipitation_tenths_mm", "wind_tenths_ms", "weather"]
SKIES = {"drizzle", "fog", "rain", "snow", "sun"}


def tenths(text):
    """`12.8` as 128; anything finer than a tenth is refused."""
    value = round(float(text) * 10)
    if abs(float(text) * 10 - value) > 1e-6:
        raise ValueError(f"`{text}` is finer than a tenth")
    return value


def typed(station, row):
    """One published row as one row of this asset."""
    if row["weather"] not in SKIES:
        raise ValueError(f"`{row['weather']}` is no known weather")
    return {
        "station": station,
        "date": datetime.date.fromisoformat(row["date"]).isoformat(),
        "temp_min_tenths_c": tenths(row["temp_min"]),
        "temp_max_tenths_c": tenths(row["temp_max"]),
        "precipitation_tenths_mm": tenths(row["precipitation"]),
        "wind_tenths_ms": tenths(row["wind"]),
        "weather": row["weather"],
    }


def main(task):
    rows = []
    for observations in task.inputs("raw/observations"):
        station = observations.partition["station"]
        for number, row in enumerate(observations.rows("observations.csv"), start=2):
            try:
                rows.append(typed(station, row))
            except (ValueError, OverflowError) as wrong:
                raise arcoflow_task.TaskFailed("DATA_QUALITY", f"line {number} of `{station}`: {wrong}") from wrong
    rows.sort(key=lambda row: (row["station"], row["date"]))
    task.write_rows("daily.csv", COLUMNS, rows)


if __name__ == "__main__":
    arcoflow_task.run(main)
