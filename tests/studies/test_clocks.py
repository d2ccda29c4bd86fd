"""The two clocks: places that are known, exponents of onsets that are made, and onsets that never come."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from test_local import TINY

from phasescope.factors import Factors
from phasescope.runs.config import over_defaults
from phasescope.runs.execution import train
from phasescope.studies.core.claim import NotEnough
from phasescope.studies.core.comparing import median_exponent
from phasescope.studies.core.controls import try_controls
from phasescope.studies.found import clocks as study

CLAIMS = {claim.name: claim for claim in study.STUDY.claims}
RNG = np.random.default_rng
FACTORS = Factors.named(["x", "y"], [32.0, 32.0], periodic=["x", "y"])


def test_places_on_training_labels_are_known_and_others_are_as_chance_has_it():
    training = study.CELLS[64].config(0, "fast").world.training_labels()
    near = training + RNG(0).uniform(-0.49, 0.49, training.shape)
    assert study.share_known(near % 32, training, FACTORS) == 1
    assert study.share_known(np.tile(training[:1] + np.array([0.6, 0.0]), (8, 1)), training[:1], FACTORS) == 0
    anywhere = RNG(1).uniform(0, 32, (20_000, 2))
    assert study.share_known(anywhere, training, FACTORS) == pytest.approx(64 / 1024, abs=0.006)
    assert math.isnan(study.share_known(training[: study.FEWEST - 1], training, FACTORS))


def test_a_training_place_is_near_round_the_edge():
    assert study.share_known(np.tile([[31.8, 0.1]], (8, 1)), np.array([[0.2, 32.0]]), FACTORS) == 1


def test_a_reading_of_a_run_is_of_every_snapshot(tmp_path):
    run = train(over_defaults(TINY, {"world": {"design": {"keep": 36}}}), tmp_path)
    rows = study.read_places(run)
    assert [row["step"] for row in rows] == [0, 4]
    assert {row["chance"] for row in rows} == {36 / 144}
    assert all(0 <= row["formed"] <= 1 for row in rows)


def test_cells_differ_in_the_number_of_images_alone():
    trees = {}
    for n, cell in study.CELLS.items():
        config = cell.config(0, "fast")
        assert len(config.world.training_labels()) == n
        assert config.training.unheard is True
        assert config.training.decay == "constant"
        tree = config.tree()
        assert {"keep", "shuffle"} <= tree["world"]["design"].keys()
        del tree["world"]["design"]["keep"], tree["world"]["design"]["shuffle"]
        trees[n] = tree
    assert all(tree == trees[8] for tree in trees.values())


def run_of(n: int, seed: int, at: float, steps: np.ndarray) -> pd.DataFrame:
    head = {"cell": f"{n}", "seed": seed, "digest": f"{n} {seed}", "images": n}
    return pd.DataFrame({**head, "step": steps, "passed": steps >= at})


@pytest.mark.parametrize("power", [-0.5, 0.0, 1.0])
def test_an_exponent_is_what_onsets_were_made_with(power):
    steps = np.arange(0, 20_000, 2)
    runs = [
        run_of(n, seed, 400 * (n / 8) ** power * 1.05**seed, steps) for n in (8, 32, 128) for seed in range(3)
    ]
    found = median_exponent(runs, lambda run: run["passed"].to_numpy(), np.repeat([8.0, 32.0, 128.0], 3))
    assert found.value == pytest.approx(power, abs=0.01)
    assert found.low < power < found.high
    less = median_exponent(runs, lambda run: run["passed"].to_numpy(), np.repeat([8.0, 32.0, 128.0], 3), 1.0)
    assert less.value == pytest.approx(found.value - 1)


def exponent_where(without: dict[int, int]):
    """Of three runs each of three sizes, of some of which the onset never comes."""
    steps = np.arange(0, 8000, 10)
    sizes = np.repeat([8, 32, 128], 3)
    late = [i % 3 < without.get(int(n), 0) for i, n in enumerate(sizes)]
    runs = [
        run_of(int(n), i, math.inf if never else 5000.0, steps)
        for i, (n, never) in enumerate(zip(sizes, late, strict=True))
    ]
    return median_exponent(runs, lambda run: run["passed"].to_numpy(), sizes.astype(float))


@pytest.mark.parametrize(("never", "low", "high"), [(128, True, False), (8, False, True), (32, True, True)])
def test_a_median_that_never_comes_leaves_no_end_on_its_side(never, low, high):
    found = exponent_where({never: 3})
    assert (math.isfinite(found.low), math.isfinite(found.high)) == (low, high)
    assert math.isnan(found.value) == (never != 32)
    with pytest.raises(NotEnough, match="it set in in no run"):
        exponent_where({8: 3, 32: 3, 128: 3})


def test_a_late_run_moves_no_median():
    assert exponent_where({128: 1}).value == pytest.approx(0, abs=1e-9)
    assert math.isnan(exponent_where({128: 2}).value)


def test_sets_that_are_never_memorized_support_nothing():
    """Not even where all that come before them would fit."""
    frame = study.made(0.0, 1.0, 16.0, RNG(0))
    assert CLAIMS["memorizing_proportional"].judge(frame).outcome == "supported"
    assert CLAIMS["generalizing_first"].judge(frame).outcome == "supported"
    largest = frame["cell"] == study.MOST
    never = frame.assign(**{"clocks.known": np.where(largest, frame["clocks.chance"], frame["clocks.known"])})
    assert CLAIMS["memorizing_proportional"].judge(never).outcome != "supported"
    assert CLAIMS["generalizing_first"].judge(never).outcome == "supported", "later than the run's end"
    nothing = frame.assign(**{"clocks.formed": np.where(largest, 0.0, frame["clocks.formed"])})
    assert CLAIMS["generalizing_flat"].judge(nothing).outcome != "supported"
    assert CLAIMS["generalizing_first"].judge(nothing).outcome != "supported"


@pytest.mark.parametrize(("generalize", "memorize"), [(0.0, 1.0), (0.3, 0.5)])
def test_exponents_are_what_runs_were_made_with(generalize, memorize):
    frame = study.made(generalize, memorize, 16.0, RNG(0))
    assert study.exponent("generalize", frame).value == pytest.approx(generalize, abs=0.15)
    assert study.exponent("memorize", frame).value == pytest.approx(memorize, abs=0.15)
    assert study.later(frame).value == pytest.approx(16, rel=0.3)


def test_where_no_object_is_formed_nothing_is_memorized():
    run = pd.DataFrame(
        {"clocks.chance": 0.125, "clocks.known": [math.nan, 0.5, 0.57], "clocks.formed": [0.0, 0.4, 0.5]}
    )
    assert study.memorizes(run).tolist() == [False, False, True]
    assert study.generalizes(run).tolist() == [False, False, True]


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=list(CLAIMS))
def test_controls_reach_their_power_with_few_tries(claim):
    found = try_controls(claim, 10, study="clocks")
    assert found.power_supported >= 0.8
    assert found.power_refuted >= 0.8
    assert found.wrong <= 0.3
