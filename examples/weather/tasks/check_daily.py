"""The check of `staging/daily` lets a month through when it is complete, without repetition, and physically possible.

It blocks: while it has not passed, nothing downstream is computed from this month.
"""

import collections
import datetime

import arcoflow_task

# Records of weather stations bound what is believed: air between -56.7 °C (Rogers Pass, Montana, 1954) and 56.7 °C
# (Death Valley, California, 1913), 1,262 mm in a day (Kauai, Hawaii, 2018), and a day's mean wind below 75 m/s.
TEMPERATURE_TENTHS_C = (-567, 567)
PRECIPITATION_TENTHS_MM = (0, 12620)
WIND_TENTHS_MS = (0, 750)


def days_of(month):
    """The days of the month that starts on the date `month`, as text."""
    days, day = [], month
    while day.month == month.month:
        days.append(day.isoformat())
        day += datetime.timedelta(days=1)
    return days


def outside(rows, column, bounds, unit):
    """A sentence for each row whose tenths in `column` are outside the bounds."""
    lowest, highest = bounds
    return [
        f"{row['station']} {row['date']} has {int(row[column]) / 10} {unit}"
        for row in rows
        if not lowest <= int(row[column]) <= highest
    ]


def main(task):
    rows = task.input("staging/daily").rows("daily.csv")
    stations = [row["station"] for row in arcoflow_task.read_rows("data/stations.csv")]
    days = days_of(task.partition["month"])
    seen = collections.Counter((row["station"], row["date"]) for row in rows)
    expected = {(station, day) for station in stations for day in days}

    missing = [f"{station} has no {day}" for station, day in sorted(expected - set(seen))]
    task.check("no_missing_days", missing, f"{len(days)} days at {len(stations)} stations")
    strangers = [f"{station} has {day}, which is not of this month" for station, day in sorted(set(seen) - expected)]
    task.check("no_foreign_days", strangers, "every row belongs to this month and to a known station")
    repeated = [f"{station} has {day} {count} times" for (station, day), count in sorted(seen.items()) if count > 1]
    task.check("no_repeated_days", repeated, f"{len(rows)} different rows")

    temperatures = outside(rows, "temp_min_tenths_c", TEMPERATURE_TENTHS_C, "°C")
    temperatures += outside(rows, "temp_max_tenths_c", TEMPERATURE_TENTHS_C, "°C")
    task.check("plausible_temperatures", temperatures, "all between -56.7 and 56.7 °C")
    crossed = [
        f"{row['station']} {row['date']} has its lowest above its highest"
        for row in rows
        if int(row["temp_min_tenths_c"]) > int(row["temp_max_tenths_c"])
    ]
    task.check("lowest_below_highest", crossed, "no day's lowest is above its highest")
    amounts = outside(rows, "precipitation_tenths_mm", PRECIPITATION_TENTHS_MM, "mm")
    amounts += outside(rows, "wind_tenths_ms", WIND_TENTHS_MS, "m/s")
    task.check("plausible_rain_and_wind", amounts, "rain at most 1,262 mm a day, wind at most 75 m/s")

    task.row_count = len(rows)
    task.raise_failed_checks()


if __name__ == "__main__":
    arcoflow_task.run(main)
