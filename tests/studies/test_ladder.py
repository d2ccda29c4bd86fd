"""The ladder's study: how rungs are read, and what hand-made courses must say."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from phasescope.families.diffusion.ladder import Ladder
from phasescope.probing.task import task_of
from phasescope.studies.core.claim import NotEnough
from phasescope.studies.core.criteria import runs_of
from phasescope.studies.found import _standing as reading
from phasescope.studies.found import ladder as study
from phasescope.worlds import GaussianBump


def test_every_rung_that_there_is_has_its_place():
    """In the order of what they know, as the ladder itself has them."""
    world = GaussianBump(canvas=8, boundary="periodic", sigma_px=1.0)
    family = study.BASE.config(0, "lean").family.build()
    ranks = [reading.knows(rung.name) for rung in Ladder.of(family, task_of(world, shift_px=4)).rungs]
    told = ranks[4:6]
    assert ranks[:4] == [0, 1, 2, 3]
    assert told == [reading.SOME] * 2
    assert ranks[-1] == 5
    assert set(study.LETTER) == {*ranks}


def run_of(ranks: dict[int, list[float]], phases: list[str], digest: str = "a") -> pd.DataFrame:
    n = len(phases)
    columns = {f"{study.GROUP}.{t}": values for t, values in ranks.items()}
    head = {
        "cell": study.BASE.name,
        "seed": 0,
        "digest": digest,
        "step": np.arange(n),
        "phase.behaviour": phases,
    }
    return pd.DataFrame({**head, **columns})


def test_changes_are_counted_over_levels_and_steps_that_are_trained():
    run = run_of({100: [5, 0, 1, 1, 3], 300: [0, 2, 1, 5, 5]}, list("AAABC"))
    assert study.upwards(run) == pytest.approx(
        3 / 4
    )  # 0-1, 1-3, 1-5 up, 2-1 down; the untrained one does not count
    assert math.isnan(study.upwards(run_of({100: [0, 1, 1]}, list("AAA"))))
    nan = math.nan  # on none: neither to it nor from it, nor over it
    assert study.upwards(run_of({100: [0, 1, nan, 0, 5], 300: [0, nan, 4, 3, nan]}, list("AAABC"))) == 0.5
    with pytest.raises(NotEnough, match="no rung was read"):
        study.upwards(run_of({}, list("AB")))


def test_the_deciding_level_is_the_least_above_condensation():
    run = run_of({t: [0.0] for t in (41, 208, 291, 375)}, ["A"])
    assert 208 < study.condensation() < 291
    assert study.deciding(run) == f"{study.GROUP}.291"


@pytest.mark.parametrize(("slips", "low", "high"), [(0.0, 0.99, 1.01), (1.0, -0.2, 0.2)])
def test_rungs_that_are_the_phases_agree_with_them(slips, low, high):
    made = study.made(study.BASE.name, study.climbing(slips), 0.5, np.random.default_rng(0))
    assert low < study.same_phase(study.BASE.name, made).value < high
    ups = [study.upwards(run) for run in runs_of(made, [study.BASE.name])]
    assert np.mean(ups) == pytest.approx(1.0 if slips == 0 else 0.5, abs=0.06)


def test_a_run_is_read_from_what_its_snapshots_tell():
    line = {
        "step": 3,
        "ladder": [
            {"t": 41, "rung": "local machine, 7 px", "r2": 0.9},
            {"t": 291, "rung": "x told", "r2": 0.001},
            {"t": 875, "rung": "Wiener", "r2": 0.0},
        ],
        "nats": {"label": {"value": 3.0, "low": 2.0, "high": 4.0}},
    }
    bare = {"step": 4}
    references = {"family": {"ladder": {"nats": {"label": 6.0}}}}
    run = SimpleNamespace(references=references, metrics=[line, bare])
    first, second = reading.read_standing(run)
    assert math.isnan(first.pop("875")), "as far from every rung as images are from their mean: on none"
    assert (first, second) == ({"step": 3, "41": 2, "291": 4, "nats.label": 0.5}, {"step": 4})
    assert (
        json.dumps(reading.read_standing(SimpleNamespace(references=None, metrics=[bare]))) == '[{"step": 4}]'
    )


def test_the_order_of_rungs_is_judged_by_runs_that_were_not_looked_at():
    """Runs that climb down before seed 8 change nothing; from there on they do."""
    name, cell = study.BASE.name, study.FURTHER[study.BASE.name].name
    up = study.made(cell, study.climbing(0.0), 0.5, np.random.default_rng(0))
    ranks = [
        column for column in up if str(column).startswith(f"{study.GROUP}.") and "nats" not in str(column)
    ]
    for seeds, expected in ((up["seed"] < study.FROM_SEED, 1.0), (up["seed"] >= study.FROM_SEED, 0.0)):
        turned = up.copy()
        turned.loc[seeds, ranks] = 5 - turned.loc[seeds, ranks]
        assert study.climbed(name, turned).value == expected
    assert {run["seed"].iloc[0] for run in runs_of(up)} == set(range(2 * study.FROM_SEED))


def test_a_rung_is_drawn_where_half_of_the_runs_stand_on_one():
    cell = study.FURTHER[study.BASE.name].name
    frame = study.made(cell, study.climbing(0.0), 0.5, np.random.default_rng(0))
    level = reading.levels_of(frame)[-1]
    frame.loc[frame["seed"] < 9, level] = math.nan
    (panel,) = study.rungs(frame)
    assert panel.rows[0] == str(reading.level_of(level))
    assert np.isnan(panel.grid[0]).all()
    assert np.isfinite(panel.grid[1:]).all()
