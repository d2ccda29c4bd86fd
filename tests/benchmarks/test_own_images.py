"""Readers of one's own images against checks that know nothing of them: the comparison, and what the page says of it."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from benchmarks import own_images
from benchmarks.own_images import (
    CHECKS,
    COUNT,
    PAGE,
    RESULTS,
    agreement,
    digit_is_right,
    in_page,
    seen_squares,
    table,
)
from examples import squares
from phasescope import UserError, load_config, train
from phasescope.runs.config import RunConfig
from phasescope.worlds import ImageWorld


def test_images_of_squares_are_seen_as_what_they_are():
    """The check itself: it finds squares, and nothing in what is none."""
    xy, words = np.array([[10.25, 20.5], [8.0, 9.0]]), np.array(["red", "blue"])
    images = squares.square_images(xy, words).transpose(0, 3, 1, 2) / 127.5 - 1
    seen, colours = seen_squares(images)
    np.testing.assert_allclose(seen, xy, atol=0.05)
    assert colours.tolist() == ["red", "blue"]
    wrong = np.stack([np.ones_like(images[0]), images.min(axis=0), (1 + images[0]) / 2])
    assert seen_squares(wrong)[1].tolist() == ["", "", ""]


@pytest.fixture
def world(tmp_path, monkeypatch) -> ImageWorld:
    monkeypatch.chdir(tmp_path)
    squares.write(tmp_path / "squares", n=200)
    fields = yaml.safe_load((own_images.ROOT / "examples" / "squares.yaml").read_text())["world"]
    return ImageWorld.from_tree(fields)


@pytest.mark.some(1)
@pytest.mark.parametrize(("off_px", "both"), [(0.0, 0.9), (3.0, 0.0)])
def test_agreement_counts_each_image_once(world, monkeypatch, off_px, both):
    """A network that generates what it is asked for, or that and some px beside it."""

    def sample(labels, seed):
        words = np.array(world.factors[2].classes)[labels[:, 2].astype(int)]
        moved = labels[:, :2] + [off_px, 0]
        return (squares.square_images(moved, words).transpose(0, 3, 1, 2) / 127.5 - 1).astype(np.float32)

    monkeypatch.setattr(own_images, "config_of", lambda run: SimpleNamespace(world=world))
    found = agreement(SimpleNamespace(sample=sample), CHECKS["squares"])
    assert list(found) == ["trained", "between"]
    for counts, n in zip(found.values(), (200, COUNT), strict=True):
        assert counts["n"] == n
        assert counts["both"] + counts["reader_alone"] + counts["check_alone"] + counts["neither"] == n
        assert counts["both"] >= both * n
        if off_px:
            assert counts["neither"] > 0.95 * n


def test_the_check_of_digits_is_another_classifier():
    rng = np.random.default_rng(0)
    means = rng.uniform(-1, 1, (3, 1, 8, 8))
    classes = np.repeat([0, 1, 2], 20)
    images = np.clip(means[classes] + 0.1 * rng.normal(size=(60, 1, 8, 8)), -1, 1)
    world = ImageWorld.from_arrays(images, classes, names=["digit"], categorical=["digit"])
    seen = digit_is_right(world, means.astype(np.float32), np.array([[0.0], [1.0], [1.0]]))
    assert seen.tolist() == [True, True, False]


@pytest.mark.parametrize("name", list(CHECKS))
def test_the_page_has_the_table_of_the_record(name):
    found = json.loads((RESULTS / f"{name}.json").read_text())
    text = PAGE.read_text()
    assert in_page(text, name, table(found)) == text
    assert found["sentence"]


def test_a_page_without_the_block_is_refused():
    with pytest.raises(
        UserError, match=r"must have the line <!-- python -m benchmarks.own_images: squares -->"
    ):
        in_page("nothing", "squares", "table")


@pytest.mark.slow
def test_a_network_that_learned_squares_is_called_correct_where_it_is(world, tmp_path):
    tree = yaml.safe_load((own_images.ROOT / "examples" / "squares.yaml").read_text())
    config: RunConfig = load_config(overrides=[f"preset={tree.pop('preset')}"])
    run = train(RunConfig.from_tree({**config.tree(), **tree}), tmp_path / "runs", progress=False)
    for counts in agreement(run, CHECKS["squares"]).values():
        assert counts["both"] > 0.5 * counts["n"]
        assert counts["reader_alone"] < 0.05 * counts["n"]
