"""What documents take over from claims: figures in the texts of links, and the states of the gap tracker."""

import re

from claim import HOLDS, MEASURED

# A link to a claim; when its text begins with a digit it quotes the figure.
LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<path>[^)#]*)verdict\.md#(?P<id>[a-z0-9-]+)\)")
SHOWN, PARTLY, NOT_SHOWN = "shown", "partly", "not shown"


def quoted(claim):
    """A figure as documents print it; none when it is unknown."""
    return None if claim["figure"] is None else f"{claim['figure']:,} {claim['unit']}"


def with_figures(text, claims):
    """The text with each quoted figure written anew. What is no longer known is left to the test of the documents."""
    figures = {claim["id"]: quoted(claim) for claim in claims}

    def anew(link):
        figure = figures.get(link["id"])
        return f"[{figure}]({link['path']}verdict.md#{link['id']})" if link["text"][:1].isdigit() and figure else link[0]

    return LINK.sub(anew, text)


def with_states(page, claims):
    """The page with the last cell of each row of claims written anew."""
    verdicts = {claim["id"]: claim["verdict"] for claim in claims}
    return "\n".join(with_state(line, verdicts) for line in page.split("\n"))


def with_state(line, verdicts):
    ids = [link["id"] for link in LINK.finditer(line)]
    if not line.startswith("| ") or not ids:
        return line
    good = sum(verdicts.get(id) in (HOLDS, MEASURED) for id in ids)
    state = SHOWN if good == len(ids) else PARTLY if good else NOT_SHOWN
    return line.rsplit("|", 2)[0] + f"| {state} |"
