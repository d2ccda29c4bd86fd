"""A study of one's own: copy this file, change its cells and its claim, and run

phasescope claims --controls --study my_study.py    whether its claim can be won and lost, before any run
phasescope study my_study.py                        runs what is missing, judges, draws (--dry-run: what it costs)
phasescope report my_study.py                       its page, from what it declared and found: results/<name>
"""

from __future__ import annotations

import numpy as np

from phasescope.studies.core import Cell, Claim, Controls, Figure, NotEnough, Panel, Study
from phasescope.studies.core.criteria import accurate, onsets, runs_of
from phasescope.studies.core.curves import mean_curve
from phasescope.studies.core.made import flat, jitter, made_records, rise
from phasescope.studies.core.statistics import mean_of_runs

NARROW = Cell("sigma = 1", {"world": {"sigma_px": 1.0}})  # a point of the design: fields of a run
WIDE = Cell("sigma = 2", {"world": {"sigma_px": 2.0}})


def sooner(frame):
    """From records (a row a run and snapshot) to an `Estimate`: one number a run, as its snapshots are not independent."""
    narrow, wide = (onsets(runs_of(frame, [c.name]), accurate("grid")).restricted for c in (NARROW, WIDE))
    if len(narrow) != len(wide):
        raise NotEnough("a cell lacks a seed")  # then the claim is undecided, and this is why
    return mean_of_runs(np.log2(narrow / wide))


def made(times):
    """Runs made up, in which a bump twice as wide is painted rightly so many times as soon."""

    def courses(cell, config, generator):
        at = jitter(200 / (times if cell == WIDE else 1), generator, spread=0.2)
        return {"formed": rise(at), "x": flat(1.0), "y": flat(1.0)}

    return lambda generator: made_records(STUDY, courses, generator, reads=["accuracy.", "outcomes."])


CLAIM = Claim(
    name="wider_sooner",
    sentence="A bump twice as wide is painted rightly sooner.",
    source="me",
    statistic="log2 of the onset of accuracy at sigma = 1 over that at sigma = 2, mean over seeds",
    threshold=0.0,  # fixed before the data, as all else here; supported where the whole interval lies above
    estimate=sooner,
    figure="accuracy",
    does_not_show="That overlap is the reason: a wider bump is also more pixels that are not background.",
    controls=Controls(positive=made(times=2), negative=made(times=0.5), borderline=made(times=1)),
)


def accuracy(frame):
    cells = enumerate([NARROW.name, WIDE.name])
    lines = [mean_curve(runs_of(frame, [name]), "accuracy.grid.joint", name, i) for i, name in cells]
    return [Panel("Accuracy", "gradient steps", "share of images right", lines, ylim=(0, 1))]


CURVES = Figure("accuracy", "Accuracy by width", accuracy, lambda frame: f"{len(runs_of(frame))} runs.")
STUDY = Study("my_study", "Are wide bumps learnt sooner?", "fast", (NARROW, WIDE), 8, (CLAIM,), (CURVES,))
