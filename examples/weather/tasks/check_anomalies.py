"""The check of `mart/anomalies` points at months that deserve a second look; it warns and blocks nothing.

`WEATHER_WARN_ABOVE_C` is the distance from normal, in degrees, beyond which a month is reported.
"""

import collections
import os

import arcoflow_task


def main(task):
    rows = task.input("mart/anomalies").rows("anomalies.csv")
    limit = float(os.environ.get("WEATHER_WARN_ABOVE_C", "6"))
    extreme = [
        f"{row['station']} {row['month']} is {row['temp_anomaly_c']} °C from its normal"
        for row in rows
        if abs(float(row["temp_anomaly_c"])) > limit
    ]
    task.check("no_extreme_months", extreme, f"{len(rows)} months within {limit:g} °C of their normals")

    by_calendar_month = collections.defaultdict(list)
    for row in rows:
        by_calendar_month[row["station"], row["month"][5:]].append(float(row["temp_anomaly_c"]))
    unbalanced = [
        f"{station}, calendar month {month}: the anomalies sum to {sum(values):+.2f} °C"
        for (station, month), values in sorted(by_calendar_month.items())
        if abs(sum(values)) > 0.01 * len(values)
    ]
    task.check("anomalies_balance", unbalanced, "around their normal, the years cancel out")

    task.row_count = len(rows)
    task.raise_failed_checks()


if __name__ == "__main__":
    arcoflow_task.run(main)
