"""`raw/stations` is the table of the places where the thermometers stand."""

import arcoflow_task

COLUMNS = ["station", "location", "name", "ghcn_id", "latitude", "longitude", "elevation_m", "time_zone"]


def main(task):
    rows = arcoflow_task.read_rows("data/stations.csv")
    for row in rows:
        if not (-90 <= float(row["latitude"]) <= 90 and -180 <= float(row["longitude"]) <= 180):
            raise arcoflow_task.TaskFailed("DATA_QUALITY", f"`{row['station']}` is not on Earth")
    task.write_rows("stations.csv", COLUMNS, rows)


if __name__ == "__main__":
    arcoflow_task.run(main)
