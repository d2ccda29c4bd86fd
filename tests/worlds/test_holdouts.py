"""What is held out of a design, by which name, and what cannot be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phasescope import UserError
from phasescope.worlds import GaussianBump, Mixed, Stripes, check_world

BAND = {"x": [13, 19], "y": [13, 19]}


def bumps(hold_out: dict | None = None, boundary: str = "open", **design) -> GaussianBump:
    return GaussianBump.from_tree({"boundary": boundary, "design": {**design, "hold_out": hold_out}})


def held(world) -> dict[str, np.ndarray]:
    return dict(world.design.held(world.factors))


def as_set(labels: np.ndarray) -> set[tuple]:
    return {tuple(row) for row in labels.tolist()}


@pytest.mark.parametrize(
    ("hold_out", "counts"),
    [
        ({"kind": "cross", **BAND}, {"x_arm": 7 * 25, "y_arm": 7 * 25, "intersection": 49}),
        ({"kind": "square", **BAND}, {"square": 49}),
        ({"kind": "lesion", "axis": "x", "width": 8}, {"lesion": 7 * 32}),
        ({"kind": "lesion", "axis": "y", "width": 3, "middle": 5}, {"lesion": 3 * 32}),
        ({"kind": "rim", "width": 4}, {"inside": 23 * 23}),
        ({"kind": "subset", "share": 0.25}, {"left_out": 768}),
        ({"kind": "subset", "count": 100}, {"left_out": 924}),
    ],
)
def test_as_many_labels_are_held_out_as_there_must_be(hold_out: dict, counts: dict):
    world = bumps(hold_out)
    found = held(world)
    assert {name: len(labels) for name, labels in found.items()} == counts
    trained = as_set(world.training_labels())
    every = [trained, *map(as_set, found.values())]
    assert sum(map(len, every)) == 1024
    assert set().union(*every) == as_set(bumps().training_labels())
    assert list(world.splits()) == ["grid", *counts, "off_grid"]
    check_world(world)


@given(st.floats(0.5, 31), st.floats(2, 30), st.sampled_from(["open", "periodic"]))
def test_a_lesion_trains_on_its_edges_and_holds_out_what_lies_within(width, middle, boundary):
    try:
        world = bumps({"kind": "lesion", "axis": "x", "width": width, "middle": middle}, boundary, dx=0.5)
    except UserError as error:
        assert "holds out none" in str(error)  # noqa: PT017
        return
    away = np.abs(world.factors.difference(held(world)["lesion"], np.array([middle, 0.0])))[:, 0]
    assert (away < width / 2).all()
    left = np.abs(world.factors.difference(world.training_labels(), np.array([middle, 0.0])))[:, 0]
    assert (left >= width / 2 - 1e-4).all()


def test_a_larger_subset_of_one_order_holds_a_smaller_one():
    small, large = (bumps({"kind": "subset", "count": n, "shuffle": 3}).training_labels() for n in (50, 200))
    other = bumps({"kind": "subset", "count": 50, "shuffle": 4}).training_labels()
    assert as_set(small) < as_set(large)
    assert as_set(small) != as_set(other)


def test_a_range_of_a_torus_comes_round():
    world = bumps({"kind": "square", "x": [30, 34], "y": [3, 4]}, "periodic")
    assert set(held(world)["square"][:, 0].tolist()) == {30.0, 31.0, 32.0, 1.0, 2.0}


FRAME = {"within": {"x": [0, 32], "y": [0, 32]}}
ALONE = [{"at": {"y": -6}, "within": {"x": [0, 32]}}, {"at": {"x": -6}, "within": {"y": [0, 32]}}]
CROSS = {**FRAME, "hold_out": {"kind": "cross", **BAND}}


@pytest.mark.parametrize(
    "world", [Stripes(margin_px=6), Mixed.from_tree({"together": {"kind": "gaussian_bump"}})]
)
def test_a_union_trains_on_combinations_and_single_factors(world):
    world = type(world).from_tree({**world.tree(), "design": {"kind": "union", "parts": [CROSS, *ALONE]}})
    labels = world.training_labels()
    assert len(labels) == 25 * 25 + 64
    assert set(held(world)) == {"x_arm", "y_arm", "intersection"}
    single = labels[(labels == -6).any(axis=1)]
    assert {13.0, 16.0, 19.0} < set(single[:, 0].tolist())  # alone, the whole range is seen
    check_world(world)
    only = type(world).from_tree(
        {**world.tree(), "design": {"kind": "union", "parts": ALONE, "tested": [CROSS]}}
    )
    assert len(only.training_labels()) == 64
    assert as_set(held(only)["intersection"]) == as_set(held(world)["intersection"])


def test_what_a_union_trains_on_is_not_held_out():
    design = {"kind": "union", "parts": [CROSS, {"at": {"x": 13}, "within": {"y": [0, 32]}}]}
    world = Stripes.from_tree({"margin_px": 6, "design": design})
    assert 13.0 not in set(held(world)["x_arm"][:, 0].tolist())
    assert len(world.training_labels()) == 25 * 25 + 32


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"hold_out": {"kind": "square", "x": [1, 32], "y": [1, 32]}}, "must leave"),
        ({"hold_out": {"kind": "square", "x": [0, 32], "y": [3, 4]}}, "must be narrower than x's range"),
        ({"hold_out": {"kind": "square"}}, "must have the ranges of at least 1 factor"),
        ({"hold_out": {"kind": "square", "z": [3, 4]}}, "(=z) must be one of the factors: x, y"),
        ({"hold_out": {"kind": "square", "x": [4, 3]}}, "two numbers, low and high"),
        ({"hold_out": {"kind": "square", "x": 4}}, "two numbers, low and high"),
        ({"hold_out": {"kind": "cross", "x": [3, 4]}}, "must have the ranges of at least 2 factors"),
        (
            {"hold_out": {"kind": "lesion", "axis": "x", "width": 33}},
            "must be narrower than x's range (=32 px)",
        ),
        ({"hold_out": {"kind": "lesion", "axis": "x", "width": 1, "middle": 3.5}}, "holds out none"),
        ({"hold_out": {"kind": "lesion", "axis": "z", "width": 1}}, "(=z) must be one of the factors: x, y"),
        ({"hold_out": {"kind": "rim", "width": 16}}, "there is nothing inside such a rim"),
        ({"hold_out": {"kind": "subset", "share": 0}}, "must be greater than 0"),
        ({"hold_out": {"kind": "subset"}}, "must be given, and not both"),
        ({"hold_out": {"kind": "subset", "share": 0.5, "count": 3}}, "must be given, and not both"),
        ({"hold_out": {"kind": "subset", "count": 2000}}, "holds out none"),
        ({"within": {"x": [0, 40]}}, "must lie in x's range, from 0 to 32 px"),
        ({"at": {"y": -3}}, "must lie in y's range, from 0 to 32 px"),
        ({"kind": "union", "parts": [{"dx": 2}], "tested": [{"dx": 2}]}, "must hold out what is tested"),
        ({"kind": "union", "parts": []}, "parts"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(fields: dict, rule: str):
    with pytest.raises(UserError, match=r".*") as caught:
        GaussianBump.from_tree({"design": fields})
    assert rule in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_torus_has_no_rim():
    with pytest.raises(UserError, match="of factors with two ends, and x has none"):
        bumps({"kind": "rim", "width": 3}, "periodic")


def test_worlds_that_do_not_fit_are_not_mixed():
    with pytest.raises(UserError, match=r"must be of x and y, and of `alone`'s shape"):
        Mixed.from_tree({"together": {"kind": "gaussian_bump", "canvas": 16}})
    with pytest.raises(UserError, match="neither world periodic"):
        Mixed.from_tree({"together": {"kind": "gaussian_bump", "boundary": "periodic"}})


def test_a_mixed_image_is_read_by_what_its_label_shows():
    import torch

    world = Mixed.from_tree({"together": {"kind": "gaussian_bump"}})
    reader = world.reader()
    labels = np.array([[5, 6], [-6, 7], [8, -6], [-6, -6], [20.3, 17.2]], dtype=np.float32)
    columns = reader.read(world.render(torch.from_numpy(labels)).numpy())
    assert reader.outcome(columns, labels).tolist() == ["correct"] * 5
    assert reader.correct(columns, labels).all()
    others = ["misplaced", "multiple", "correct", "none", "misplaced"]
    assert reader.outcome(columns, labels[::-1]).tolist() == others
