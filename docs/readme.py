"""The parts of README.md that come from records: what came out, in a paragraph and in five lines, and the picture's run.

python -m docs.readme        from the repository's root
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from phasescope.views.web.findings import AGAINST, AGREES, SILENT, UNASKED
from phasescope.views.web.prose import Prose

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "pictures" / "learning.txt"
"""which run `python -m docs.figures.story docs/pictures/learning.png RUN` drew"""
ASKED = ROOT / "studies" / "asked.toml"
LINES = {
    "S1": "Samples",
    "S2": "Activations",
    "S4": "Order and accuracy",
    "S5": "Denser data",
    "S6": "x and y",
}
"""the statements of which README has a line, each with what it is about: the row that the page of findings has"""
IN_WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven")


def caption() -> str:
    """Return of what run the picture is: data, network, seed, length, hardware."""
    (run,) = PICTURE.read_text().splitlines()
    return (
        "*Images are generated from the same noise at every snapshot. Activations: first principal components. Curves: "
        "share of samples within 1 px of their label; share of the activations' variance that the label explains; "
        "whether neighbours among activations are neighbours among labels (0.5 by chance). Bands: phases A, B, C, "
        "as above. One run of preset `lean`, which was chosen because its samples pass B "
        "(by DPM-Solver, which draws the samples here, no run on P1's ingredients does so), of the "
        f"study [`sheet`](studies/sheet): {run}.*"
    )


def findings() -> str:
    """Return what came out in five lines, below the figure of P1's statements.

    Raises:
        UserError: a line names a number that no study has, or has one that is typed by hand.
    """
    figure = "docs/pictures/statements.svg"
    shows = "P1's seven statements: estimates and intervals of the claims that test them, beside bar and no effect"
    prose, said = Prose(ASKED.parent), tomllib.loads(ASKED.read_text())
    lines = [f"- **{about} ({key})**: {prose.filled(said[key]['row'])}" for key, about in LINES.items()]
    return "\n".join(
        [f"[![{shows}]({figure})](studies/README.md)", "", *lines, "", prose.filled(said["below"])]
    )


def minute() -> str:
    """Return what was asked and what came out, in the lines of a paragraph.

    Raises:
        UserError: as of `findings`.
    """
    said = tomllib.loads(ASKED.read_text())
    by_word: dict[str, list[str]] = {word: [] for word in (AGREES, AGAINST, SILENT, UNASKED)}
    for key in (key for key in said if re.fullmatch(r"S\d", key)):
        by_word[said[key]["word"]].append(f"[{key}](studies/README.md#{key.lower()})")

    agrees, against, silent, unasked = (f"{IN_WORDS[len(keys)]}{_listed(keys)}" for keys in by_word.values())
    counts = f"agree with {agrees} and contradict {against}; they do not settle {silent}, and did not ask {unasked}"
    lines = said["minute"].replace("%s", counts).splitlines()
    return Prose(ASKED.parent).filled("<br>".join(lines))  # lines of one paragraph


def _listed(links: list[str]) -> str:
    """Return links of few statements in parentheses; of many, or none, nothing."""
    return f" ({', '.join(links)})" if 0 < len(links) < 3 else ""


PARTS = {"minute": minute, "caption": caption, "findings": findings}


def filled(text: str) -> str:
    """Return the README with its marked parts as the records have them."""
    for name, part in PARTS.items():
        begin, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
        before, _, rest = text.partition(begin)
        text = before + begin + part() + end + rest.partition(f"<!-- /{name} -->")[2]
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text()))
