"""What the study `seeds` brings along: a design in which each two seeds meet in all levels, kinds, shares of variance."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import torch

from phasescope import load_config
from phasescope.core.randomness import torch_generator
from phasescope.models.training.data import Batches
from phasescope.studies.readings.explained import Explained, ExplainedBeyond

kinds = pytest.importorskip("studies.seeds.kinds")
shares = pytest.importorskip("studies.seeds.shares")
study = pytest.importorskip("studies.seeds.study")


def test_each_two_seeds_meet_in_all_their_levels_once():
    axes = [cell.axes for cell in study.STUDY.cells]
    for one, other in combinations(study.SEEDS, 2):
        assert len({(levels[one], levels[other]) for levels in axes}) == len(axes) == 64


def test_a_run_is_of_the_preset_but_for_its_seeds():
    own, lean = (
        study.STUDY.config(study.STUDY.cells[0], 0).tree(),
        load_config(overrides=["preset=lean"]).tree(),
    )
    for part, seeds in (("world", ["order"]), ("network", ["initial"]), ("family", ["noise", "sampling"])):
        rest = {name: value for name, value in own[part].items() if name not in ("kind", *seeds)}
        assert rest == {name: value for name, value in lean[part].items() if name != "kind"}


def small(**kinds_of):
    config = load_config(overrides=["preset=lean", "network.widths=[8,8]", "network.groups=4"])
    world, network, family = (
        kind(**part.model_dump(exclude={"kind"}), **kinds_of.get(name, {}))
        for name, kind, part in (
            ("world", kinds.OrderedBump, config.world),
            ("network", kinds.InitialisedUNet, config.network),
            ("family", kinds.SeededDiffusion, config.family),
        )
    )
    return config, world, network, family


def drawn(**kinds_of):
    """Return what each seed may change: labels of a batch, noise in training, initial weights, a sample's first noise."""
    config, world, network, family = small(**kinds_of)
    built = family.build()
    batch = Batches(world, built, config.training, 5, torch.device("cpu")).at(3)
    weights = torch.cat([w.flatten() for w in network.build(world.shape, world.factors).parameters()])
    first = next(
        iter(built.trajectory(lambda x, t, y: x, batch.labels, world.shape, torch_generator(5, "sample")))
    )
    return {"order": batch.labels, "noise": batch.drawn[1], "initial": weights, "sampling": first.x_t}


@pytest.mark.parametrize("seed", list(study.SEEDS))
def test_each_seed_changes_what_it_is_named_for_and_nothing_else(seed):
    part = {"order": "world", "initial": "network"}.get(seed, "family")
    plain, other = drawn(), drawn(**{part: {seed: 1}})
    changed = {name for name in plain if not torch.equal(plain[name], other[name])}
    assert changed == {seed}
    again = drawn(**{part: {seed: 1}})
    assert all(torch.equal(again[name], other[name]) for name in again)


def test_initial_weights_leave_the_global_stream_alone():
    _, world, network, _ = small()
    torch.manual_seed(1)
    before = torch.get_rng_state()
    network.build(world.shape, world.factors)
    assert torch.equal(before, torch.get_rng_state())


SEEDS = tuple(study.SEEDS)


def design(**columns):
    table = pd.DataFrame([cell.axes for cell in study.STUDY.cells])
    return table.assign(cell="lean", **columns)


def test_a_share_is_that_of_the_seed_and_none_of_another():
    rng = np.random.default_rng(0)
    table = design()
    table["y"] = np.exp(table["initial"] * 0.1 + 0.01 * rng.standard_normal(64))
    assert shares.SeedShare("initial", SEEDS).estimate(table).low > 0.9
    for name in ("order", "noise", "sampling"):
        estimate = shares.SeedShare(name, SEEDS).estimate(table)
        assert estimate.low < 0.001
        assert estimate.high < 0.01
    assert shares.Unexplained(SEEDS).estimate(table).high < 0.1


def test_what_no_seed_decides_by_itself_is_unexplained():
    table = design()
    values = []
    for draw in range(20):
        together = np.random.default_rng(draw).standard_normal((8, 8))
        table["y"] = np.exp(7 + 0.1 * together[table["initial"], table["order"]])
        values.append(shares.Unexplained(SEEDS).estimate(table).value)
    assert np.mean(values) > 0.8


@pytest.mark.some(1)
@pytest.mark.parametrize("other", [0.0, 0.25])
def test_an_interval_covers_the_share_as_often_as_it_says_beside_another_seed(other):
    rng = np.random.default_rng(2)
    covered = []
    for _ in range(300):
        table = shares.crossed(design(), ("noise",), 0.5 / (1 - other), rng)
        beside = shares.crossed(design(), ("order",), 1.0, rng)
        y = np.sqrt(1 - other) * np.log(table["y"]) + np.sqrt(other) * np.log(beside["y"])
        estimate = shares.SeedShare("noise", SEEDS).estimate(table.assign(y=np.exp(y)))
        covered.append(estimate.low <= 0.5 <= estimate.high)
    assert np.mean(covered) > 0.95


def test_explained_variance_is_that_of_a_regression_on_ranks():
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((2, 64))
    table = design(y=np.exp(a + b + 0.5 * rng.standard_normal(64)), a=np.exp(a), b=np.exp(b))
    ranks = table[["y", "a", "b"]].rank().to_numpy()

    def left(columns: int) -> float:
        given = np.column_stack([np.ones(64), ranks[:, 1 : columns + 1]])
        rest = ranks[:, 0] - given @ np.linalg.lstsq(given, ranks[:, 0], rcond=None)[0]
        return rest.var() / ranks[:, 0].var() * 63 / (63 - columns)

    both, beyond = Explained(("a", "b")), ExplainedBeyond(("b",), ("a",))
    assert both.estimate(table).value == pytest.approx(1 - left(2), abs=1e-9)
    assert beyond.estimate(table).value == pytest.approx(left(1) - left(2), abs=1e-9)
    shuffled = table.assign(y=rng.permutation(table["y"]))
    assert abs(Explained(("a", "b")).estimate(shuffled).value) < 0.15
