"""`mart/report` is the page that a person looks at; every number and every sentence in it follows from the data."""

import html

import arcoflow_task
import report_figures
import report_page
from report_figures import MONTHS, plain, signed, spoken_date

TABLE = ["City", "Month", "Mean °C", "From normal", "Mean low", "Mean high", "Precipitation mm", "% of normal", "Wet days", "Wind m/s"]


class Weather:
    """Everything that the page tells, by station."""

    def __init__(self, task):
        stations = task.input("raw/stations").rows("stations.csv")
        self.stations = {row["station"]: row for row in stations}
        self.cities = {row["station"]: row["location"] for row in sorted(stations, key=lambda row: row["location"], reverse=True)}
        self.days = {station: [] for station in self.cities}
        self.months = {station: [] for station in self.cities}
        self.normals = {station: {} for station in self.cities}
        self.anomalies = {station: {} for station in self.cities}
        for daily in task.inputs("staging/daily"):
            for row in daily.rows("daily.csv"):
                self.days[row["station"]].append(row)
        for summary in task.inputs("mart/monthly_summary"):
            for row in summary.rows("monthly_summary.csv"):
                self.months[row["station"]].append(row)
        for row in task.input("mart/climate_normals").rows("climate_normals.csv"):
            self.normals[row["station"]][int(row["calendar_month"])] = row
        for row in task.input("mart/anomalies").rows("anomalies.csv"):
            self.anomalies[row["station"]][row["month"]] = row
        self.years = sorted({row["month"][:4] for row in self.months[next(iter(self.cities))]})

    def total(self, station, column):
        """The sum of a column of the days."""
        return sum(int(day[column]) for day in self.days[station])

    def mean_temperature(self, station):
        """The mean of all lows and highs, in degrees."""
        both = self.total(station, "temp_min_tenths_c") + self.total(station, "temp_max_tenths_c")
        return both / 20 / len(self.days[station])

    def extreme(self, station, column, choose):
        """The value and the day of an extreme of a column of the days, in the published unit."""
        day = choose(self.days[station], key=lambda row: int(row[column]))
        return int(day[column]) / 10, day["date"]

    def span(self, station):
        """The degrees between the coldest and the hottest moment."""
        return self.extreme(station, "temp_max_tenths_c", max)[0] - self.extreme(station, "temp_min_tenths_c", min)[0]

    def wet_days_a_year(self, station):
        """The mean number of wet days in a year."""
        return sum(int(month["wet_days"]) for month in self.months[station]) / len(self.years)


def month_name(month):
    """`2013-07` as `Jul 2013`."""
    return f"{MONTHS[int(month[5:]) - 1]} {month[:4]}"


def lead(weather):
    """The three sentences at the top: which city swings more, which is wet more often, which had the heaviest day."""
    cities = weather.cities
    wide, narrow = sorted(cities, key=weather.span, reverse=True)
    often, seldom = sorted(cities, key=weather.wet_days_a_year, reverse=True)
    heavy = max(cities, key=lambda station: weather.extreme(station, "precipitation_tenths_mm", max))
    amount, day = weather.extreme(heavy, "precipitation_tenths_mm", max)
    share = amount * 10 / sum(int(row["precipitation_tenths_mm"]) for row in weather.days[heavy] if row["date"][:4] == day[:4])
    sentences = (
        f"In {cities[wide]} the thermometer spans <b>{weather.span(wide):.0f} degrees</b> between the coldest night and the "
        f"hottest afternoon, in {cities[narrow]} {weather.span(narrow):.0f}.",
        f"{cities[often]} is wet on <b>{weather.wet_days_a_year(often):.0f} days</b> of a year, {cities[seldom]} on "
        f"{weather.wet_days_a_year(seldom):.0f}.",
        f"The heaviest day belongs to {cities[heavy]}: <b>{amount:.0f} mm</b> on {html.escape(spoken_date(day))}, "
        f"{share:.0%} of that year's precipitation.",
    )
    return " ".join(sentences)


def fact_lines(weather):
    """What one asks first, for each city."""

    def line(name, answer):
        return name, [answer(station) for station in weather.cities]

    def extreme(column, choose, unit):
        def answer(station):
            value, day = weather.extreme(station, column, choose)
            return f"{plain(value, 1)} {unit}", spoken_date(day)
        return answer

    def month(choose, column, words):
        def answer(station):
            found = choose(weather.months[station], key=lambda row: float(row[column]))
            return words(found), month_name(found["month"])
        return answer

    def oddest(station):
        found = max(weather.anomalies[station].values(), key=lambda row: abs(float(row["temp_anomaly_c"])))
        return f"{signed(float(found['temp_anomaly_c']), 1)} °C from normal", month_name(found["month"])

    def rain(station):
        return f"{weather.total(station, 'precipitation_tenths_mm') / 10 / len(weather.years):,.0f} mm", "a year"

    return [
        line("Mean temperature", lambda station: (f"{plain(weather.mean_temperature(station), 1)} °C", "")),
        line("Hottest day", extreme("temp_max_tenths_c", max, "°C")),
        line("Coldest night", extreme("temp_min_tenths_c", min, "°C")),
        line("Precipitation", rain),
        line("Wettest month", month(max, "precipitation_mm", lambda row: f"{float(row['precipitation_mm']):.0f} mm")),
        line("Longest dry spell", month(max, "dry_spell_days", lambda row: f"{row['dry_spell_days']} days, until")),
        line("Oddest month", oddest),
    ]


def table_rows(weather):
    """The monthly numbers behind the figures."""
    for station, city in weather.cities.items():
        for row in weather.months[station]:
            anomaly = weather.anomalies[station][row["month"]]
            yield (
                city, row["month"], plain(float(row["temp_mean_c"]), 1), signed(float(anomaly["temp_anomaly_c"]), 1),
                plain(float(row["temp_min_mean_c"]), 1), plain(float(row["temp_max_mean_c"]), 1), row["precipitation_mm"],
                anomaly["precipitation_percent"], row["wet_days"], row["wind_mean_ms"],
            )


def main(task):
    weather = Weather(task)
    days = sum(len(rows) for rows in weather.days.values())
    period = f"{weather.years[0]}–{weather.years[-1]}"
    body = [report_page.facts(weather.cities, fact_lines(weather))]
    for index, (station, city) in enumerate(weather.cities.items()):
        words = (
            "Each coloured stroke is one day, from its lowest to its highest temperature; the two lines are the usual low and high "
            "of the season. The blue columns are the precipitation of each month."
        )
        drawing = report_figures.days_figure(
            city, weather.days[station], weather.months[station], weather.normals[station], weather.anomalies[station]
        )
        body.append(report_page.section(city, "" if index else words, drawing, weather.stations[station]["name"]))
    body.append(report_page.section(
        "The odd months", "Red months were warmer than the same month of the other years, blue ones colder.",
        report_figures.anomalies_figure(weather.cities, weather.anomalies),
    ))
    body.append(report_page.section(
        "The usual year", "The means over all years, month by month.", report_figures.year_figure(weather.cities, weather.normals),
    ))
    body.append(report_page.table("All monthly numbers", TABLE, table_rows(weather)))

    places = "; ".join(f"{row['name']} ({row['ghcn_id']}, {row['elevation_m']} m)" for row in weather.stations.values())
    footer = (
        "Source: NOAA National Centers for Environmental Information, Global Historical Climatology Network daily, in the public "
        "domain, by way of vega-datasets 3.2.1.",
        f"Stations: {places}. A wet day has 1 mm or more. Normal means the mean of {period}, not a thirty-year climate normal.",
        f"Drawn by the weather pipeline of arcoflow from {days:,} checked observations.",
    )
    kicker = f"{' and '.join(weather.cities.values())} · {period} · {days:,} days of observations"
    title = "Two coasts, four years, every day"
    task.write_text("report.html", report_page.page(title, kicker, lead(weather), "\n".join(body), footer))
    task.row_count = days
    task.metrics = {"months": sum(len(rows) for rows in weather.months.values()), "figures": len(weather.cities) + 2}


if __name__ == "__main__":
    arcoflow_task.run(main)
