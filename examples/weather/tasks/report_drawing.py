"""A drawing is a list of SVG elements, and a scale is a straight line from data to page.

Colours are names of CSS classes, never values: the page decides what they look like in light and in dark.
"""

import html


class Scale:
    """Maps the data interval `start..end` to the page interval `first..last`."""

    def __init__(self, start, end, first, last):
        self.start = start
        self.first = first
        self.factor = (last - first) / (end - start)

    def __call__(self, value):
        return self.first + (value - self.start) * self.factor


def number(value):
    """A coordinate with at most two decimals and no trailing zeros, so that pages are small and equal each time."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))


class Drawing:
    """An SVG drawing of a fixed size in its own units; it grows and shrinks with the page."""

    def __init__(self, width, height, label):
        self.width = width
        self.height = height
        self.label = label
        self.parts = []

    def raw(self, text):
        self.parts.append(text)

    def text(self, x, y, words, classes="", anchor="start"):
        """Words whose baseline starts, centres or ends at a point."""
        side = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self.raw(f'<text class="{classes}" x="{number(x)}" y="{number(y)}"{side}>{html.escape(words)}</text>')

    def line(self, x1, y1, x2, y2, classes):
        points = f'x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"'
        self.raw(f'<line class="{classes}" {points}/>')

    def path(self, classes, steps):
        self.raw(f'<path class="{classes}" d="{steps}"/>')

    def dot(self, x, y, radius, classes):
        self.raw(f'<circle class="{classes}" cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"/>')

    def box(self, x, y, width, height, classes, title="", radius=0):
        """A rectangle; `title` is what a pointer that rests on it reads."""
        corner = f' rx="{number(radius)}"' if radius else ""
        place = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"{corner}'
        inner = f"<title>{html.escape(title)}</title>" if title else ""
        self.raw(f'<rect class="{classes}" {place}>{inner}</rect>')

    def bar(self, x, base, width, height, classes):
        """A column that stands on `base` with a rounded top."""
        radius = min(2, width / 2, height)
        self.path(classes, (
            f"M{number(x)} {number(base)}v{number(-(height - radius))}q0 {number(-radius)} {number(radius)} {number(-radius)}"
            f"h{number(width - 2 * radius)}q{number(radius)} 0 {number(radius)} {number(radius)}v{number(height - radius)}z"
        ))

    def svg(self):
        """The drawing as one element that can stand in a page."""
        head = f'<svg viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{html.escape(self.label)}">'
        return head + "".join(self.parts) + "</svg>"


def polyline(points):
    """Straight lines through the points, as path steps."""
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)


def smooth(points):
    """A curve through the points that never leaves the range of two neighbours by much (Catmull-Rom, tension one half)."""
    steps = [f"M{number(points[0][0])} {number(points[0][1])}"]
    for index in range(len(points) - 1):
        before = points[max(index - 1, 0)]
        here, there = points[index], points[index + 1]
        after = points[min(index + 2, len(points) - 1)]
        near = here[0] + (there[0] - before[0]) / 6, here[1] + (there[1] - before[1]) / 6
        far = there[0] - (after[0] - here[0]) / 6, there[1] - (after[1] - here[1]) / 6
        steps.append("C" + " ".join(f"{number(x)} {number(y)}" for x, y in (near, far, there)))
    return "".join(steps)
