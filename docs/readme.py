"""The parts of README.md that come from records: the run of the picture, and the five lines of the findings.

python -m docs.readme        from the repository's root
"""

from __future__ import annotations

import tomllib
from pathlib import Path

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
    "S7": "Combinations never seen",
}
"""the statements of which README has a line, each with what it is about: the row that the page of findings has"""
BELOW = (
    "Brackets: intervals of {fixed: 97.5 %} over runs. A claim's *bar* was set before its runs; a diamond is no effect. "
    "*P1's ingredients*: what P1 states, and what its likely code base has, in a network of {fixed: 0.28} M parameters; "
    "P1's is probably {fixed: 80} times larger. `lean` was chosen because its samples pass A, B and C. In all these runs "
    "labels enter as encodings alone: the study [`entry`](studies/entry/study.py) is running, and may change what is said "
    "of S1, S2 and S4. [All findings](studies/README.md), with the ten questions that P1 leaves open."
)


def caption() -> str:
    """Return of what run the picture is: data, network, seed, length, hardware."""
    (run,) = PICTURE.read_text().splitlines()
    return (
        "*Images are generated from the same noise at every snapshot. Activations: first principal components. Curves: "
        "share of samples within 1 px of their label; share of the activations' variance that the label explains; "
        "whether neighbours among activations are neighbours among labels (0.5 by chance). Bands: phases A, B, C, "
        "as below. One run of preset `lean`, which was chosen because its samples pass B "
        "(no run on P1's ingredients does so by this sampler), of the "
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
    return "\n".join([f"[![{shows}]({figure})](studies/README.md)", "", *lines, "", prose.filled(BELOW)])


PARTS = {"caption": caption, "findings": findings}


def filled(text: str) -> str:
    """Return the README with its marked parts as the records have them."""
    for name, part in PARTS.items():
        begin, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
        before, _, rest = text.partition(begin)
        text = before + begin + part() + end + rest.partition(f"<!-- /{name} -->")[2]
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text()))
