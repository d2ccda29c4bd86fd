"""The table and the pictures of docs/composition.md, from what `phasescope designs` tells of each design.

python -m docs.figures.composition
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from docs.figures.theory import BEGIN, END
from phasescope.runs.config import load_arguments
from phasescope.runs.trained.design import Designed, designed
from phasescope.views.facts.terms import IMAGE_BASELINES
from phasescope.views.figures.axes import write_figure
from phasescope.views.figures.results import design_figure

PAGE = Path(__file__).parents[1] / "composition.md"
PICTURES = PAGE.with_suffix("")
HOLD_OUT = "world.design.hold_out"
DESIGNS: dict[str, tuple[str, ...]] = {
    "cross": (HOLD_OUT + "={kind: cross, x: [13, 19], y: [13, 19]}",),
    "square": (HOLD_OUT + "={kind: square, x: [13, 19], y: [13, 19]}",),
    "lesion": (HOLD_OUT + "={kind: lesion, axis: x, width: 8}",),
    "rim": (HOLD_OUT + "={kind: rim, width: 2}",),
    "subset": (HOLD_OUT + "={kind: subset, share: 0.1}",),
}
"""words by design, all of preset lean's world"""
FRAME = "within: {x: [0, 32], y: [0, 32]}"
MIXED = (
    "world={kind: mixed, together: {kind: gaussian_bump}, design: {kind: union, parts: ["
    f"{{{FRAME}, hold_out: {{kind: cross, x: [13, 19], y: [13, 19]}}}}, "
    "{within: {x: [0, 32]}, at: {y: -6}}, {within: {y: [0, 32]}, at: {x: -6}}]}}"
)
"""a cross held out of bumps, and stripes of the full range of each factor"""
PICTURED: dict[str, tuple[str, ...]] = {"cross": DESIGNS["cross"], "mixed": (MIXED,)}


def design_of(words: tuple[str, ...]) -> Designed:
    return designed(load_arguments(["preset=lean", *words]))


def rows(name: str, summary: dict[str, Any]) -> list[str]:
    """A line a split that is held out: how many labels, and what each baseline gets right of it."""
    return [
        f"| {name} | {split.replace('_', ' ')} | {summary['splits']['trained']:,} | {n:,} | "
        + " | ".join(f"{shares[split]:.2f}" for shares in summary["accuracies"].values())
        + " |"
        for split, n in summary["splits"].items()
        if split != "trained"
    ]


def table() -> str:
    found = {name: design_of(words).summary for name, words in DESIGNS.items()}
    baselines = [IMAGE_BASELINES[name] for name in next(iter(found.values()))["accuracies"]]
    head = f"| held out | split | trained on | held out | {' | '.join(baselines)} |"
    lines = [line for name, summary in found.items() for line in rows(name, summary)]
    return "\n".join([head, "|---" * (4 + len(baselines)) + "|", *lines]) + "\n"


def main() -> int:
    """Write the table into the page, and draw two designs."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2])
    PICTURES.mkdir(exist_ok=True)
    for name, words in PICTURED.items():
        write_figure(design_figure(design_of(words)), PICTURES / f"{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
