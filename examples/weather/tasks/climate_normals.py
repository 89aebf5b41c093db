"""`mart/climate_normals` says what each calendar month is like at each station: the mean over all years at hand.

Four years are no climate (the official normals take thirty); they are enough to tell an odd month from an ordinary one.
"""

import collections

import arcoflow_task

MEANS = ["temp_mean_c", "temp_max_mean_c", "temp_min_mean_c", "precipitation_mm", "wet_days", "wind_mean_ms"]


def main(task):
    months = collections.defaultdict(list)
    for summary in task.inputs("mart/monthly_summary"):
        for row in summary.rows("monthly_summary.csv"):
            months[row["station"], int(row["month"][5:])].append(row)

    normals = []
    for (station, calendar_month), rows in sorted(months.items()):
        normal = {"station": station, "calendar_month": calendar_month, "years": len(rows)}
        for column in MEANS:
            normal[column] = f"{sum(float(row[column]) for row in rows) / len(rows):.2f}"
        normals.append(normal)
    task.write_rows("climate_normals.csv", ["station", "calendar_month", "years"] + MEANS, normals)


if __name__ == "__main__":
    arcoflow_task.run(main)
