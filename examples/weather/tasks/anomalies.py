"""`mart/anomalies` measures each month against the normal of its calendar month."""

import arcoflow_task

COLUMNS = ["station", "month", "temp_anomaly_c", "precipitation_percent"]


def main(task):
    normals = {
        (row["station"], int(row["calendar_month"])): row
        for row in task.input("mart/climate_normals").rows("climate_normals.csv")
    }
    anomalies = []
    for summary in task.inputs("mart/monthly_summary"):
        for row in summary.rows("monthly_summary.csv"):
            normal = normals[row["station"], int(row["month"][5:])]
            wetness = 100 * float(row["precipitation_mm"]) / max(float(normal["precipitation_mm"]), 0.1)
            anomalies.append({
                "station": row["station"],
                "month": row["month"],
                "temp_anomaly_c": f"{float(row['temp_mean_c']) - float(normal['temp_mean_c']):+.2f}",
                "precipitation_percent": round(wetness),
            })
    anomalies.sort(key=lambda row: (row["station"], row["month"]))
    task.write_rows("anomalies.csv", COLUMNS, anomalies)


if __name__ == "__main__":
    arcoflow_task.run(main)
