"""The table and the pictures of docs/theory.md, from what `phasescope predict` tells of each objective.

python -m docs.figures.theory
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from phasescope.runs.config import load_arguments
from phasescope.runs.trained.predict import predict
from phasescope.views.figures.axes import write_figure
from phasescope.views.figures.results import reference_errors

PAGE = Path(__file__).parents[1] / "theory.md"
PICTURES = PAGE.with_suffix("")
BEGIN, END = "<!-- measured -->\n", "<!-- /measured -->"
FLOW = ("family.schedule=flow", "family.predict=velocity")
OBJECTIVES: dict[str, tuple[str, ...]] = {
    "eps, plain, linear": ("family.predict=eps",),
    "eps, plain, cosine": ("family.predict=eps", "family.schedule=cosine"),
    "eps, min-SNR of 1, linear": ("family.predict=eps", "family.weighting={kind: min_snr, gamma: 1}"),
    "eps, min-SNR, linear": ("family.predict=eps", "family.weighting=min_snr"),
    "v, plain, linear": ("family.predict=v",),
    "v, plain, cosine": ("family.predict=v", "family.schedule=cosine"),
    "v, min-SNR, linear": ("family.predict=v", "family.weighting=min_snr"),
    "x, plain, linear": ("family.predict=x",),
    "x, min-SNR, linear": ("family.predict=x", "family.weighting=min_snr"),
    "x, plain, cosine": ("family.predict=x", "family.schedule=cosine"),
    "flow matching, x": ("family.schedule=flow", "family.predict=x"),
    "flow matching, uniform": FLOW,
    "flow matching, logit-normal": (*FLOW, "family.density=logit_normal"),
}
"""words by objective, all on preset lean"""


def prediction_of(objective: str) -> dict[str, Any]:
    """Return what `predict` computes for an objective."""
    return predict(load_arguments(["preset=lean", *OBJECTIVES[objective]])).values


def row(objective: str, prediction: dict[str, Any]) -> str:
    """A line of the table."""
    events = (prediction["t_condensation"], prediction["t_instability"])
    times = " | ".join("-" if t is None else f"{t:.0f}" for t in events)
    return f"| {objective} | {prediction['r_prime']:.3g} | {times} | {prediction['phases']} |"


def table() -> str:
    """All objectives, by ascending R'."""
    found = sorted(((prediction_of(name), name) for name in OBJECTIVES), key=lambda one: one[0]["r_prime"])
    head = "| objective | R' | one image stands out at t | widest mode unstable at t | expected of images |"
    return (
        "\n".join([head, "|---|---|---|---|---|", *(row(name, prediction) for prediction, name in found)])
        + "\n"
    )


def main() -> int:
    """Write the table into the page, and draw the references' errors of two objectives."""
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2])
    PICTURES.mkdir(exist_ok=True)
    for objective, name in (("eps, plain, linear", "ladder"), ("flow matching, uniform", "ladder_flow")):
        predicted = predict(load_arguments(["preset=lean", *OBJECTIVES[objective]]))
        write_figure(
            reference_errors(predicted.values, f"{objective}: {predicted.sentence}"), PICTURES / f"{name}.png"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
