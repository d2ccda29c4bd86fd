"""Runs whose sheet is read at one site, while samples pass the phases, and what studies of them show."""

import phasescope.studies as ps
from phasescope.studies.readings.phases import SHEET, phases_abc

LABEL_VARIANCE = ps.score("label_variance").at("mid", t=600)
ORDER = ps.score("label_trustworthiness").at("mid", t=600)
PROBING = {
    "observe": ["sheet"],
    "snapshots": {"dense_every": 25, "dense_until": 2500, "every": 25},
    "images": {"grid": 64, "off_grid": 0},
    "layers": ["mid"],
    "t": [600],
    "latent_labels": 128,
    "variance_labels": 128,
    "variance_draws": 2,
    "crossed_labels": 0,
    "p1": None,
}
CELLS = (ps.Cell("lean", {"seed": 1000, "probing": PROBING}, seeds=64),)
SELECTED = "On a system chosen because its samples pass the phases, not on P1's own."


def plots_of_phases(
    phase: str, correct: str, outcomes: dict[str, str], more: dict[str, str] | None = None
) -> list[ps.BasePlot]:
    """Return plots of the phases of samples and sheet, of the sheet's readings, and of what is sampled.

    Args:
        phase: column of the samples' phase.
        correct: column of the share of samples that are correct.
        outcomes: label -> column of the share of samples with an outcome.
        more: label -> column of what is drawn beside the sheet's readings.
    """
    readings = {
        "label variance": LABEL_VARIANCE,
        "trustworthiness of single draws": ps.score("sheet_trustworthiness").at("mid", t=600),
        "order of the label means": ORDER,
        "samples correct": correct,
        **(more or {}),
    }

    return [
        ps.PhaseGrid("samples", "Phase of the samples in every run", column=phase),
        ps.PhaseGrid("sheet", "Phase of the sheet in every run", column=SHEET),
        ps.Courses(
            "readings",
            "The sheet's readings and the samples",
            readings,
            panels_by="cell",
            ylabel="share",
            ylim=(-0.05, 1.02),
        ),
        ps.Courses(
            "outcomes",
            "What is sampled while learning",
            outcomes,
            panels_by="cell",
            ylabel="share of samples",
            ylim=(0, 1),
        ),
    ]


def table_of_phases(phase: str, correct: str, more: dict[str, str] | None = None) -> ps.Table:
    """Return the table of what a system passes through; arguments are those of `plots_of_phases`."""
    return ps.Table(
        "What the system passes through",
        {
            "samples pass A, B, C": phases_abc(phase, correct),
            "sheet passes A, B, C": phases_abc(SHEET, LABEL_VARIANCE),
            "label variance above .9 for good (step)": LABEL_VARIANCE.crosses(0.9),
            "half of the samples correct (step)": ps.onset(correct, 0.5),
            "correct at the end": ps.end(correct),
            **{f"{name} at the end": ps.end(column) for name, column in (more or {}).items()},
        },
    )
