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
DECIDED = ("above", "below", "short")
"""first words of a verdict that decides a claim"""


def caption() -> str:
    """Return of what run the picture is: data, network, seed, length, hardware."""
    (run,) = PICTURE.read_text().splitlines()
    return (
        "*Images are generated from the same noise at every snapshot. Activations: first principal components. Curves: "
        "share of samples within 1 px of their label; share of the activations' variance that the label explains; "
        "whether neighbours among activations are neighbours among labels (0.5 by chance). Bands: phases A, B, C as "
        "below. One run of preset `lean`, which was chosen because its samples pass B "
        "(no run on P1's ingredients does so by this sampler), of the "
        f"study [`sheet`](studies/sheet): {run}.*"
    )


def findings() -> str:
    """Return what came out, the claims that were judged of S1 to S7, and the open questions with a decided main claim."""
    text = FINDINGS.read_text()
    answer = re.search(r"^\*\*What came out so far.*?\n\n(- .*\n)+", text, flags=re.MULTILINE)
    assert answer, "the page of findings says what came out"
    told = answer[0].strip().replace("](", "](studies/")
    lines = text.splitlines()
    begin = next(
        number for number, line in enumerate(lines) if line.startswith("|  | statement or question |")
    )
    rows = lines[begin : begin + 2]
    rows += [
        line.replace("](", "](studies/")
        for line in lines
        if re.match(r"\| S\d \|", line) and "| not run yet |" not in line
    ]
    asked = re.findall(r"^\| (Q\d+) \|(?:[^|]*\|){5} ([^|]*) \|", text, flags=re.MULTILINE)
    decided = sorted(
        {key for key, verdict in asked if verdict.startswith(DECIDED)}, key=lambda key: int(key[1:])
    )
    end = (
        f"Of the ten questions that P1 leaves open, {len(decided)} have a decided main claim ({', '.join(decided)}). "
        "[All claims](studies/README.md)."
    )
    return "\n".join([told, "", *rows, "", end])


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
