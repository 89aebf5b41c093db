"""Four figures answer four questions: how hot and wet was each day, which months were odd, what is usual, how do the cities differ."""

import datetime

from report_drawing import Drawing, Scale, number, smooth

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
WIDTH = 1080
MARGIN = 62
# The distances from normal, in degrees, at which an anomaly takes a stronger colour: four on each side of normal.
ANOMALY_EDGES = (0.3, 1.0, 2.0, 3.5)


def spoken_date(day):
    """`2013-07-18` as `18 Jul 2013`."""
    date = datetime.date.fromisoformat(day)
    return f"{date.day} {MONTHS[date.month - 1]} {date.year}"


def signed(value, digits):
    """A number with its sign, with a true minus; what rounds to zero has none."""
    words = f"{value:+.{digits}f}"
    return words.replace("-", "\N{MINUS SIGN}") if float(words) else words[1:]


def plain(value, digits):
    """A number with a true minus."""
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def gradient(identifier, y):
    """The colours of temperature as one vertical gradient, hung at the places that the scale `y` gives them."""
    stops = ((40, "t40"), (32, "t32"), (24, "t24"), (16, "t16"), (8, "t8"), (0, "t0"), (-8, "t-8"), (-18, "t-18"))
    top, bottom = y(stops[0][0]), y(stops[-1][0])
    inner = "".join(
        f'<stop offset="{(y(degrees) - top) / (bottom - top):.4f}" style="stop-color:var(--{name})"/>'
        for degrees, name in stops
    )
    place = f'gradientUnits="userSpaceOnUse" x1="0" x2="0" y1="{number(top)}" y2="{number(bottom)}"'
    return f'<defs><linearGradient id="{identifier}" {place}>{inner}</linearGradient></defs>'


def days_figure(city, days, summaries, normals, anomalies):
    """Each day's range of temperature, and below it each month's precipitation, on one time axis."""
    left, right = MARGIN, WIDTH - 8
    first = datetime.date.fromisoformat(days[0]["date"]).toordinal()
    x = Scale(first, first + len(days), left, right)
    y = Scale(40, -20, 16, 286)
    rain = Scale(0, 300, 386, 310)
    drawing = Drawing(WIDTH, 414, f"Daily temperatures and monthly precipitation in {city}")
    identifier = "heat-" + city.lower().replace(" ", "-")
    drawing.raw(gradient(identifier, y))

    for degrees in (-20, -10, 0, 10, 20, 30, 40):
        drawing.line(left, y(degrees), right, y(degrees), "zero" if degrees == 0 else "grid")
        drawing.text(left - 8, y(degrees) + 4, plain(degrees, 0) + ("°" if degrees < 40 else " °C"), "tick", "end")
    for amount in (0, 100, 200, 300):
        drawing.line(left, rain(amount), right, rain(amount), "zero" if amount == 0 else "grid")
        drawing.text(left - 8, rain(amount) + 4, f"{amount}" + (" mm" if amount == 300 else ""), "tick", "end")

    starts = []
    for summary in summaries:
        start = datetime.date.fromisoformat(summary["month"] + "-01").toordinal()
        starts.append((x(start), x(start + int(summary["days"])), summary))
        if summary["month"].endswith("-01"):
            drawing.line(x(start), 16, x(start), 400, "year")
            drawing.text(x(start) + 6, 407, summary["month"][:4], "year-label")
        elif summary["month"][5:] in ("04", "07", "10"):
            drawing.text(x(start), 406, MONTHS[int(summary["month"][5:]) - 1], "tick")

    bars = []
    for day in days:
        middle = x(datetime.date.fromisoformat(day["date"]).toordinal() + 0.5)
        high, low = int(day["temp_max_tenths_c"]) / 10, int(day["temp_min_tenths_c"]) / 10
        bars.append(f"M{number(middle)} {number(y(high) - 0.4)}V{number(y(low) + 0.4)}")
    drawing.raw(f'<path class="days" stroke="url(#{identifier})" d="{"".join(bars)}"/>')
    for column in ("temp_max_mean_c", "temp_min_mean_c"):
        usual = [((a + b) / 2, y(float(normals[int(one["month"][5:])][column]))) for a, b, one in starts]
        drawing.path("usual-halo", smooth(usual))
        drawing.path("usual", smooth(usual))

    wettest = max(summaries, key=lambda one: float(one["precipitation_mm"]))
    for a, b, summary in starts:
        amount = float(summary["precipitation_mm"])
        if amount:
            drawing.bar(a + 2, rain(0), b - a - 4, rain(0) - rain(amount), "rain")
        if summary is wettest:
            near_end = b > right - 20
            drawing.text(b - 2 if near_end else (a + b) / 2, rain(amount) - 5, f"{amount:.0f} mm", "note halo", "end" if near_end else "middle")

    mark_extremes(drawing, days, x, y)
    for a, b, summary in starts:
        drawing.box(a, 16, b - a, 384, "hover", month_words(city, summary, anomalies[summary["month"]]))
    return drawing.svg()


def mark_extremes(drawing, days, x, y):
    """Names the hottest and the coldest day."""
    hottest = max(days, key=lambda day: int(day["temp_max_tenths_c"]))
    coldest = min(days, key=lambda day: int(day["temp_min_tenths_c"]))
    for day, column, away in ((hottest, "temp_max_tenths_c", -1), (coldest, "temp_min_tenths_c", 1)):
        degrees = int(day[column]) / 10
        middle = x(datetime.date.fromisoformat(day["date"]).toordinal() + 0.5)
        drawing.dot(middle, y(degrees), 3.2, "extreme")
        end = middle > drawing.width - 160
        words = f"{plain(degrees, 1)} °C, {spoken_date(day['date'])}"
        drawing.text(middle + (-8 if end else 8), y(degrees) + (2 if away < 0 else 8), words, "note halo", "end" if end else "start")


def month_words(city, summary, anomaly):
    """What a pointer that rests on a month reads."""
    year, month = summary["month"].split("-")
    return "\n".join((
        f"{city}, {MONTHS[int(month) - 1]} {year}",
        f"mean {plain(float(summary['temp_mean_c']), 1)} °C ({signed(float(anomaly['temp_anomaly_c']), 1)} from normal)",
        f"from {plain(float(summary['coldest_c']), 1)} to {plain(float(summary['warmest_c']), 1)} °C",
        f"{float(summary['precipitation_mm']):.1f} mm on {summary['wet_days']} wet days",
    ))


def anomaly_class(value):
    """The colour class of a distance from normal as it is shown: `a0` is the coldest, `a4` normal, `a8` the warmest."""
    strength = sum(round(abs(value), 1) >= edge for edge in ANOMALY_EDGES)
    return f"a{4 + strength if value > 0 else 4 - strength}"


def anomalies_figure(cities, anomalies):
    """A row for each year, a column for each calendar month, coloured by the distance from the normal of that month."""
    cell, gap, side, top = 37, 2, 44, 42
    years = sorted({month[:4] for months in anomalies.values() for month in months})
    half = WIDTH // 2 + 14
    drawing = Drawing(WIDTH, top + len(years) * (cell + gap) + 58, "How far each month was from its normal")
    for place, (station, city) in enumerate(cities.items()):
        origin = place * half + side
        drawing.text(origin, 12, city, "figure-label")
        for column, name in enumerate(MONTHS):
            drawing.text(origin + column * (cell + gap) + cell / 2, 35, name[0], "tick", "middle")
        for row, year in enumerate(years):
            y = top + row * (cell + gap)
            drawing.text(origin - 8, y + cell / 2 + 4, year, "tick", "end")
            for column in range(12):
                found = anomalies[station].get(f"{year}-{column + 1:02}")
                if found is None:
                    continue
                value, x = float(found["temp_anomaly_c"]), origin + column * (cell + gap)
                words = f"{city}, {MONTHS[column]} {year}: {signed(value, 1)} °C, {found['precipitation_percent']}% of the usual precipitation"
                colour = anomaly_class(value)
                drawing.box(x, y, cell, cell, f"cell {colour}", words, 3)
                drawing.text(x + cell / 2, y + cell / 2 + 4, signed(value, 1), f"value on-{colour}", "middle")
    legend(drawing, top + len(years) * (cell + gap) + 22)
    return drawing.svg()


def legend(drawing, y):
    """The nine colours with the degrees between them."""
    width, origin = 44, 44
    edges = [-edge for edge in reversed(ANOMALY_EDGES)] + list(ANOMALY_EDGES)
    for index in range(len(edges) + 1):
        drawing.box(origin + index * width, y, width - 2, 9, f"cell a{index}", radius=2)
    for index, edge in enumerate(edges, start=1):
        drawing.text(origin + index * width - 1, y + 24, signed(edge, 1), "tick", "middle")
    drawing.text(origin + 9 * width + 10, y + 9, "°C from the four-year mean of that calendar month", "tick")


def year_figure(cities, normals):
    """The usual year of both cities side by side: the range between mean low and mean high, and the precipitation."""
    drawing = Drawing(WIDTH, 318, "The usual year in both cities")
    left, middle, end, top, bottom = MARGIN, 600, 520, 40, 290
    x = Scale(0, 12, left, end)
    y = Scale(32, -8, top, bottom)
    drawing.text(left, 12, "Mean low to mean high", "figure-label")
    for degrees in (0, 10, 20, 30):
        drawing.line(left, y(degrees), end, y(degrees), "zero" if degrees == 0 else "grid")
        drawing.text(left - 8, y(degrees) + 4, f"{degrees}" + ("°" if degrees < 30 else " °C"), "tick", "end")
    for station in cities:
        highs = [(x(month - 0.5), y(float(one["temp_max_mean_c"]))) for month, one in sorted(normals[station].items())]
        lows = [(x(month - 0.5), y(float(one["temp_min_mean_c"]))) for month, one in sorted(normals[station].items())]
        drawing.path(f"band {station}", smooth(highs) + "L" + smooth(lows[::-1])[1:] + "z")
        for edge in (highs, lows):
            drawing.path(f"edge {station}", smooth(edge))

    columns = Scale(0, 12, middle, WIDTH - 8)
    rain = Scale(0, 200, bottom, top)
    drawing.text(middle, 12, "Mean precipitation of the month", "figure-label")
    for amount in (0, 50, 100, 150, 200):
        drawing.line(middle, rain(amount), WIDTH - 8, rain(amount), "zero" if amount == 0 else "grid")
        drawing.text(middle - 8, rain(amount) + 4, f"{amount}" + (" mm" if amount == 200 else ""), "tick", "end")
    for place, (station, city) in enumerate(cities.items()):
        for month, one in normals[station].items():
            amount = float(one["precipitation_mm"])
            at = columns(month - 1) + 4 + place * 16
            drawing.bar(at, rain(0), 14, rain(0) - rain(amount), f"column {station}")
            words = f"{city}, {MONTHS[month - 1]}: {amount:.0f} mm on {float(one['wet_days']):.1f} wet days"
            drawing.box(at, top, 14, bottom - top, "hover", words)
        for origin in (end - 146, WIDTH - 8 - 146):
            drawing.box(origin + place * 76 - 14, 3, 10, 10, f"column {station}", radius=2)
            drawing.text(origin + place * 76, 12, city, "tick strong")
    for month, name in enumerate(MONTHS):
        drawing.text(x(month + 0.5), bottom + 20, name, "tick", "middle")
        drawing.text(columns(month + 0.5), bottom + 20, name, "tick", "middle")
    return drawing.svg()
