"""Records made up: they have a run's columns, hold what their courses say, and are noisy as a run's reading is."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_study import ONE

from phasescope.runs.execution import train
from phasescope.store.records import condense
from phasescope.studies.core.made import flat, made_records, made_run, rise, together
from phasescope.studies.core.study import Cell, Study
from phasescope.studies.found._cells import SMALL, fast_grid

X, COARSE = Cell("x", {}), fast_grid(4.0, 4.0)
HALF, WHOLE = flat(0.5), flat(1.0)
LEARNING = {"formed": rise(150, 20), "x": rise(300, 20), "y": rise(320, 20)}


def study(*cells: Cell, seeds: int = 8) -> Study:
    return Study("made", "Is it so?", "fast", cells, seeds)


def same(cell, config, generator):
    return LEARNING


def test_every_column_is_one_that_a_run_records(tmp_path):
    """Of a real run of the tiny study, whatever it is read for."""
    rows = condense(train(ONE.config(0, "small"), tmp_path))
    real = {name for row in rows for name in row}
    made = made_run(ONE, 0, "small", generator=np.random.default_rng(0), **LEARNING)
    assert set(made) - {"cell"} <= real
    assert made["step"].tolist() == [row["step"] for row in rows]
    for name in ("digest", "images", "images_seen", "epochs", "outcomes.grid.n", "config.world.canvas"):
        assert made[name].tolist() == [row[name] for row in rows]
    whole = ("accuracy", "outcomes", "order", "learnt_order", "label_share", "share_told", "phase")
    lacking = {name for name in real - set(made) if name.startswith(whole)}
    assert {name for name in lacking if ".detail." not in name and not name.endswith(".estimator")} == set()


def test_without_noise_shares_are_those_of_the_courses():
    steps = made_run(X, 0, "fast", **LEARNING)["step"].to_numpy()
    run = made_run(X, 0, "fast", **LEARNING)
    formed, x, y = (LEARNING[name](steps) for name in ("formed", "x", "y"))
    assert run["accuracy.grid.x"].to_numpy() == pytest.approx(formed * x)
    assert run["accuracy.grid.joint"].to_numpy() == pytest.approx(formed * x * y)
    assert run["accuracy_darkest.grid.y"].to_numpy() == pytest.approx(formed * y + (1 - formed) / 11)
    assert run["together.darkest.off_grid.x,y.excess.value"].to_numpy() == pytest.approx(0, abs=1e-12)


def test_outcomes_are_shares_that_sum_to_one():
    frame = made_records(study(X, COARSE), same, np.random.default_rng(0))
    for split in ("grid", "off_grid"):
        names = [name for name in frame if name.startswith(f"outcomes.{split}.") and not name.endswith(".n")]
        assert frame[names].sum(axis=1).to_numpy() == pytest.approx(1)
        counts = frame[names].mul(frame[f"outcomes.{split}.n"], axis=0).to_numpy()
        assert counts == pytest.approx(counts.round())
    assert set(frame.loc[frame["cell"] == COARSE.name, "outcomes.grid.n"]) == {64}


def test_unformed_images_become_what_is_said():
    run = made_run(X, 0, "fast", formed=flat(0.0), x=HALF, y=HALF, unformed={"multiple": 0.25, "none": 0.75})
    assert set(run["outcomes.grid.multiple"]) == {0.25}
    assert set(run["outcomes.grid.malformed"]) == {0}
    assert set(run["phase.behaviour"]) == {"A"}


def test_counts_are_binomial():
    """Mean and variance of a share of n images."""
    frame = made_records(
        study(X, seeds=400),
        lambda *of: {"formed": WHOLE, "x": flat(0.3), "y": HALF, "seen_x": flat(0.6), "seen_y": HALF},
        np.random.default_rng(1),
        reads=["accuracy"],
    )
    for name, p in (
        ("accuracy.grid.x", 0.3),
        ("accuracy.grid.joint", 0.15),
        ("accuracy_matched.grid.x", 0.6),
    ):
        assert frame[name].mean() == pytest.approx(p, abs=0.005)
        assert frame[name].var() == pytest.approx(p * (1 - p) / 64, rel=0.1)


@pytest.mark.parametrize("phi", [-0.4, 0.0, 0.5])
def test_axes_go_together_as_their_correlation_says(phi):
    joint = together(HALF, flat(0.4), phi)
    frame = made_records(
        study(X, seeds=200),
        lambda *of: {"formed": WHOLE, "x": HALF, "y": HALF, "seen_x": HALF, "seen_y": flat(0.4), "seen_joint": joint},
        np.random.default_rng(2),
        reads=["together.matched"],
    )  # fmt: skip
    assert frame["together.matched.grid.x,y.phi.value"].mean() == pytest.approx(phi, abs=0.01)
    assert "accuracy_matched.grid.x" not in frame


def test_a_joint_share_is_cut_to_what_its_axes_allow():
    run = made_run(X, 0, "fast", formed=WHOLE, x=flat(0.9), y=flat(0.8), joint=flat(0.1))
    assert run["accuracy.grid.joint"].to_numpy() == pytest.approx(0.7)


def test_off_the_grid_has_courses_of_its_own():
    run = made_run(X, 0, "fast", formed=WHOLE, x=WHOLE, y=WHOLE, off_y=flat(0.25))
    assert set(run["accuracy.grid.y"]) == {1}
    assert run["accuracy.off_grid.y"].to_numpy() == pytest.approx(0.25)
    assert run["accuracy_darkest.off_grid.y"].to_numpy() == pytest.approx(0.25)
    assert set(run["accuracy.off_grid.x"]) == {1}


def test_learnt_order_is_the_log_of_what_is_left():
    run = made_run(
        SMALL, 0, "small", **LEARNING, raw=lambda s: np.where(s > 0, 0.99, 0.9), seen_route=rise(1500, 100)
    )
    learnt = run["learnt_order.mid.600.value"].to_numpy()
    assert learnt[0] == 0
    assert learnt[1:] == pytest.approx(np.log(10))
    for route in ("order_told", "order_seen"):
        r2 = run[f"{route}.mid.600.value"].to_numpy()
        expected = np.log((1 - r2[0]) / (1 - r2))
        assert run[f"learnt_{route}.mid.600.value"].to_numpy() == pytest.approx(expected)
        assert set(run[f"{route}.mid.600.nulls.untrained"]) == {r2[0]}
    assert (run["order_seen.mid.600.value"] < run["order_told.mid.600.value"]).any()


@pytest.mark.slow
def test_intervals_of_scores_hold_their_courses_in_95_of_100_cases():
    frame = made_records(
        study(X, seeds=150), lambda *of: {**LEARNING, "told": flat(0.7), "share": flat(0.4)}, np.random.default_rng(3)
    )  # fmt: skip
    for at, truth in (("order_told.mid.600", 0.7), ("label_share.mid.50", 0.4), ("share_told.mid.600", 0.7)):
        held = (frame[f"{at}.low"] <= truth) & (truth <= frame[f"{at}.high"])
        assert held.mean() == pytest.approx(0.95, abs=0.02), at


def test_a_place_has_a_score_of_its_own_where_it_is_told():
    run = made_run(X, 0, "fast", **LEARNING, scores={"order.mid.50": flat(0.3), "further.mid": flat(0.6)})
    assert run["order.mid.50.value"].to_numpy() == pytest.approx(0.3)
    assert run["further.mid.value"].to_numpy() == pytest.approx(0.6)
    assert run["order.mid.600.value"].max() > 0.9


def test_what_is_not_read_is_left_out_and_what_is_stays_the_same():
    whole = made_records(study(X, COARSE), same, np.random.default_rng(0), noise=False)
    for reads in (["accuracy."], ["phase."], ["learnt_order_told.mid.600"], ["config.world.design"]):
        part = made_records(study(X, COARSE), same, np.random.default_rng(0), reads=reads, noise=False)
        named = [name for name in part if not name.startswith("config.")]
        assert part[named].equals(whole[named])
        assert any(name.startswith(reads[0]) for name in part)
        assert len(part.columns) < len(whole.columns)


def test_runs_are_those_of_the_first_look():
    few = study(X, Cell("other", COARSE.fields, "fast", seeds=3))
    frame = made_records(few, same, np.random.default_rng(0), reads=["accuracy."])
    assert frame.groupby("cell")["seed"].nunique().to_dict() == {X.name: 8, "other": 3}
    assert set(frame["digest"]) == {member.config.digest() for member in few.members()}
    assert set(made_records(few, same, np.random.default_rng(0), ["other"], seeds=2)["seed"]) == {0, 1}


def test_the_same_generator_makes_the_same():
    one, other, third = (
        made_records(study(X), same, np.random.default_rng(seed), reads=["accuracy."]) for seed in (0, 0, 1)
    )
    assert one.equals(other)
    assert not one.equals(third)
