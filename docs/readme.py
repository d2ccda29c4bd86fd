"""The parts of README.md that come from records: the run of the picture, and the findings' first rows.

python -m docs.readme        from the repository's root
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README, FINDINGS = ROOT / "README.md", ROOT / "studies" / "README.md"
PICTURE = ROOT / "docs" / "pictures" / "learning.txt"
"""which run `python -m docs.figures.story docs/pictures/learning.png RUN` drew"""


def caption() -> str:
    """Return of what run the picture is: data, network, seed, length, hardware."""
    (run,) = PICTURE.read_text().splitlines()
    return f"*One run of the study [Sheet](studies/sheet): {run}.*"


def findings() -> str:
    """Return the claims that speak for P1's statements S1 to S7, with verdict, number, runs and link."""
    rows = ["| | claim that was tested | verdict | number | runs | study |", "|---|---|---|---|---|---|"]
    for line in FINDINGS.read_text().splitlines():
        if re.match(r"\| S\d \|", line):
            key, _, verdict, claim, number, runs, _, study = line.strip("| ").split(" | ")
            rows.append(
                f"| {key} | {claim} | {verdict} | {number} | {runs} | {study.replace('](', '](studies/')} |"
            )
    return "\n".join(rows)


PARTS = {"caption": caption, "findings": findings}


def filled(text: str) -> str:
    """Return the README with its marked parts written anew from the records."""
    for name, part in PARTS.items():
        begin, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
        before, _, rest = text.partition(begin)
        text = before + begin + part() + end + rest.partition(f"<!-- /{name} -->")[2]
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text()))
