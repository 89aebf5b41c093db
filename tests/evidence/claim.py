"""A claim is a sentence with a figure that follows from raw files by a rule; its verdict follows from the figure and the bound."""

import dataclasses
import math
import statistics
from collections.abc import Callable

from bundle import RAW, Broken
from raw import Unknown

BOUNDS = {
    "exactly": lambda figure, bound: figure == bound,
    "at most": lambda figure, bound: figure <= bound,
    "at least": lambda figure, bound: figure >= bound,
    "below": lambda figure, bound: figure < bound,
}
HOLDS, FAILS, MEASURED, UNKNOWN = "holds", "fails", "measured", "unknown"


@dataclasses.dataclass(frozen=True)
class Claim:
    id: str
    says: str
    unit: str
    figure: Callable
    files: tuple
    command: str
    bound: tuple | None = None

    def judge(self, raw):
        """What claims.json says of it."""
        entry = {
            "id": self.id, "claim": self.says, "unit": self.unit, "command": self.command,
            "bound": None if self.bound is None else {"is": self.bound[0], "value": self.bound[1]},
            "figure": None, "reason": None, "verdict": UNKNOWN,
            "files": [RAW + name for name in self.files if name in raw.files],
        }
        try:
            figure = self.figure(raw)
        except Unknown as unknown:
            return {**entry, "reason": f"{unknown}; `{self.command}` makes it"}
        if not isinstance(figure, (int, float)) or not math.isfinite(figure):
            raise Broken(f"{self.id}: {figure} is no figure")
        entry["figure"] = rounded(figure)
        if self.bound is None:
            return {**entry, "verdict": MEASURED}
        holds = BOUNDS[self.bound[0]](entry["figure"], self.bound[1])
        return {**entry, "verdict": HOLDS if holds else FAILS}


def rounded(figure):
    """Four digits that mean something; a count keeps all of its own."""
    return figure if isinstance(figure, int) else float(f"{figure:.4g}")


# Rules over samples. Each takes what is sampled as (bench, measure, subject).


def median(*of):
    return lambda raw: statistics.median(raw.samples(*of))


def least(*of):
    return lambda raw: min(raw.samples(*of))


def percentile(share, *of):
    def rule(raw):
        values = sorted(raw.samples(*of))
        return values[min(len(values) - 1, int(len(values) * share))]

    return rule


def ratio(over, under):
    """One figure by another, both of the same run."""

    def rule(raw):
        divisor = under(raw)
        if divisor == 0:
            raise Unknown("its divisor is 0")
        return over(raw) / divisor

    return rule
