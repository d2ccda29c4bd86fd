"""A study of one's own: copy this file, change its cells and its claim, and run

    phasescope study my_study.py --dry-run         its runs, and what they cost
    phasescope study my_study.py                   runs what is missing, judges, draws; killed and called again, it goes on

Its records, verdicts and figures lie in results/<name>; `phasescope report my_study.py` writes its page.
"""

from __future__ import annotations

import numpy as np

from phasescope.studies.core import Cell, Claim, Figure, NotEnough, Panel, Study
from phasescope.studies.core.criteria import accurate, onsets, runs_of
from phasescope.studies.core.curves import mean_curve
from phasescope.studies.core.statistics import mean_of_runs

# A cell is a point of the design: fields of a run's configuration, as a tree (or words: ("world.sigma_px=2",)). Any kind of
# your own is named as everywhere: {"world": {"kind": "my_worlds.py:Rings"}}.
NARROW = Cell("sigma = 1", {"world": {"sigma_px": 1.0}})
WIDE = Cell("sigma = 2", {"world": {"sigma_px": 2.0}})


def sooner(frame):
    """From records (a row a run and snapshot) to an `Estimate`: one number a run, as its snapshots are not independent."""
    narrow, wide = (onsets(runs_of(frame, [cell.name]), accurate("grid")).onset for cell in (NARROW, WIDE))
    if len(narrow) != len(wide):
        raise NotEnough("a cell lacks a seed")  # then the claim is undecided, and this is why
    return mean_of_runs(np.log2(narrow / wide))


CLAIM = Claim(
    name="wider_sooner",
    sentence="A bump twice as wide is painted rightly sooner.",
    source="me",
    statistic="log2 of the onset of accuracy at sigma = 1 over that at sigma = 2, mean over seeds",
    threshold=0.0,  # fixed before the data, as all else here; supported where the whole interval lies above
    estimate=sooner,
    figure="accuracy",
    does_not_show="That overlap is the reason: a wider bump is also more pixels that are not background.",
    minimum_n=5,
)


def accuracy(frame):
    cells = (NARROW, WIDE)
    lines = [
        mean_curve(runs_of(frame, [c.name]), "accuracy.grid.joint", c.name, i) for i, c in enumerate(cells)
    ]
    return [Panel("Accuracy", "gradient steps", "share of images right", lines, ylim=(0, 1))]


CURVES = Figure(
    "accuracy",
    "Accuracy by width",
    accuracy,
    lambda frame: f"{len(runs_of(frame))} runs; bands: least to most.",
)
STUDY = Study("my_study", "Are wide bumps learnt sooner?", "fast", (NARROW, WIDE), 5, (CLAIM,), (CURVES,))
