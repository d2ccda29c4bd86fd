"""The parts of README.md that come from records: the run of the picture, and the five lines of the findings.

python -m docs.readme        from the repository's root
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from docs.answer import judged_claim
from phasescope.views.facts.numbers import NOTHING

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "pictures" / "learning.txt"
"""which run `python -m docs.figures.story docs/pictures/learning.png RUN` drew"""
LINES = (
    "**Samples (S1)**: on P1's ingredients {p1/reaches_c} of them are correct at the end. Of {ancestral/samples_abc:n} "
    "runs, {ancestral/samples_abc} pass A, B and C by ancestral sampling.",
    "**Activations (S2)**: no manifold, then an unordered, then an ordered one: {p1/sheet_abc} of {p1/sheet_abc:n} runs "
    "pass this on P1's ingredients, {sheet/sheet_abc_lean} of {sheet/sheet_abc_lean:n} on `lean`.",
    "**Order and accuracy (S4)**: a loss that moves the manifold's onset on `lean` moves that of accuracy by "
    "{dose/accuracy_follows} of the shift ({dose/accuracy_follows:n} runs).",
    "**Denser data (S5)**: fourfold finer increments change the steps to accuracy by a factor of "
    "{density/denser_sooner_grid_eps} on `lean`, {p1_data/dense_accuracy} on P1's ingredients.",
    "**Combinations never seen (S7)**: beside images of one factor alone, `lean` needs {efficiency/stripes_help} times the "
    "images of both.",
)
"""what came out, in a line each; `{STUDY/CLAIM}` is the claim's estimate and interval, `{STUDY/CLAIM:n}` its n"""
BELOW = (
    "Brackets: intervals of 97.5 % over runs. A claim's *bar* was set before its runs; a diamond is no effect. *P1's "
    "ingredients*: what P1 states, and what its likely code base has, in a network of 0.28 M parameters; P1's is probably "
    "80 times larger. `lean` was chosen because its samples pass A, B and C. In all these runs labels enter as encodings "
    "alone: the study [`entry`](studies/entry/study.py) is running, and may change what is said of S1, S2 and S4. "
    "[All findings](studies/README.md), with the ten questions that P1 leaves open."
)
MOST_WORDS = 25
"""of a line, numbers not counted"""
NUMBER = re.compile(r"\{([\w./]+)(:n)?\}")


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
        UserError: a line names what is no judged claim.
    """
    figure = "docs/pictures/statements.svg"
    shows = "P1's seven statements: estimates and intervals of the claims that test them, beside bar and no effect"
    return "\n".join(
        [
            f"[![{shows}]({figure})](studies/README.md)",
            "",
            *(f"- {NUMBER.sub(_number, line)}" for line in LINES),
            "",
            BELOW,
        ]
    )


def _number(name: re.Match[str]) -> str:
    return f"{judged_claim(name[1])[1].n}" if name[2] else short_estimate(name[1])


def short_estimate(name: str) -> str:
    """Return a claim's estimate and interval in two decimals, by ``STUDY/CLAIM``, as in ``.19 [.03, .49]``."""
    _, claim = judged_claim(name)

    def short(value: float | None) -> str:
        if value is None:
            return NOTHING
        shown = math.exp(value) if claim.log else value
        return re.sub(r"^(-?)0\.", r"\1.", f"{shown:z.2f}") if shown else "0"

    return f"{short(claim.value)} [{short(claim.low)}, {short(claim.high)}]"


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
