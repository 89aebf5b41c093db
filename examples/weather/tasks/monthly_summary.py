"""`mart/monthly_summary` tells what one month was like at each station.

The three months before are inputs too: a dry spell that is still going on did not begin on the 1st. A spell that is longer
than those months is reported as long as they reach.
"""

import arcoflow_task

COLUMNS = [
    "station", "month", "days", "temp_mean_c", "temp_max_mean_c", "temp_min_mean_c", "warmest_c", "warmest_day",
    "coldest_c", "coldest_day", "frost_days", "precipitation_mm", "wet_days", "wettest_mm", "wettest_day",
    "dry_spell_days", "wind_mean_ms", "sunny_days",
]
# A day with less than one millimetre is dry: the convention of the World Meteorological Organization's climate indices.
WET_TENTHS_MM = 10


def longest_dry_spell(rows, month):
    """The longest run of dry days that has a day in `month`, counted from as early as the rows reach."""
    longest = length = 0
    for row in rows:
        length = 0 if int(row["precipitation_tenths_mm"]) >= WET_TENTHS_MM else length + 1
        if row["date"].startswith(month):
            longest = max(longest, length)
    return longest


def summary(station, month, rows, spell_rows):
    """The row of one station; every mean is a sum of integers, divided once."""
    lows = [int(row["temp_min_tenths_c"]) for row in rows]
    highs = [int(row["temp_max_tenths_c"]) for row in rows]
    rain = [int(row["precipitation_tenths_mm"]) for row in rows]
    wind = [int(row["wind_tenths_ms"]) for row in rows]
    days = [row["date"] for row in rows]
    return {
        "station": station,
        "month": month,
        "days": len(rows),
        "temp_mean_c": f"{(sum(lows) + sum(highs)) / (20 * len(rows)):.2f}",
        "temp_max_mean_c": f"{sum(highs) / (10 * len(rows)):.2f}",
        "temp_min_mean_c": f"{sum(lows) / (10 * len(rows)):.2f}",
        "warmest_c": f"{max(highs) / 10:.1f}",
        "warmest_day": days[highs.index(max(highs))],
        "coldest_c": f"{min(lows) / 10:.1f}",
        "coldest_day": days[lows.index(min(lows))],
        "frost_days": sum(low < 0 for low in lows),
        "precipitation_mm": f"{sum(rain) / 10:.1f}",
        "wet_days": sum(amount >= WET_TENTHS_MM for amount in rain),
        "wettest_mm": f"{max(rain) / 10:.1f}",
        "wettest_day": days[rain.index(max(rain))],
        "dry_spell_days": longest_dry_spell(spell_rows, month),
        "wind_mean_ms": f"{sum(wind) / (10 * len(rows)):.2f}",
        "sunny_days": sum(row["weather"] == "sun" for row in rows),
    }


def main(task):
    month = task.partition["month"].strftime("%Y-%m")
    by_station = {}
    for daily in task.inputs("staging/daily"):
        for row in daily.rows("daily.csv"):
            by_station.setdefault(row["station"], []).append(row)

    summaries = []
    for station, rows in sorted(by_station.items()):
        of_month = [row for row in rows if row["date"].startswith(month)]
        if not of_month:
            raise arcoflow_task.TaskFailed("DATA_QUALITY", f"`{station}` has no day in {month}")
        summaries.append(summary(station, month, of_month, rows))
    task.write_rows("monthly_summary.csv", COLUMNS, summaries)


if __name__ == "__main__":
    arcoflow_task.run(main)
