"""A sweep's words, read: which cells and seeds they make, which are refused; its runs are those that others share."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest

from phasescope.config import UserError
from phasescope.runs.config import load_config
from phasescope.runs.presets import PRESETS
from phasescope.studies.core.running import Standing, Survey
from phasescope.studies.core.study import Cell
from phasescope.studies.core.sweeping import Point, sweep_of, with_costs


def values(word: str) -> list:
    """What a swept field is, cell by cell."""
    *parents, leaf = word.partition("=")[0].split(".")
    found = []
    for cell in sweep_of([word]).cells:
        tree = cell.tree
        for key in parents:
            tree = tree[key]
        found.append(tree[leaf])
    return found


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("world.design.dx=0.5,1,2", [0.5, 1, 2]),
        ("training.batch=8..11", [8, 9, 10, 11]),
        ("training.batch=8..10,32", [8, 9, 10, 32]),
        ("world.sigma_px=0.5..2:4", [0.5, 1, 1.5, 2]),
        ("training.optimiser.lr=1e-3..1e-1:3:log", [0.001, 0.01, 0.1]),
        ("training.ema=0.1..0.5:5", [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("probing.taps=[up1],[down3, mid]", [["up1"], ["down3", "mid"]]),
        ("world.design.hold_out={kind: cross, x: [13, 19], y: [13, 19]},null",
         [{"kind": "cross", "x": [13, 19], "y": [13, 19]}, None]),
        ("network.kind=unet,convnet", ["unet", "convnet"]),
        ("""network.kind='a,b',"c,d" """, ["a,b", "c,d"]),
        ("training.decay=1..2, constant", [1, 2, "constant"]),
    ],
)  # fmt: skip
def test_values_of_a_word(word, expected):
    assert values(word) == expected


def test_a_range_with_a_logarithm_has_equal_ratios():
    found = values("training.optimiser.lr=1e-4..1e-1:7:log")
    ratios = [b / a for a, b in pairwise(found)]
    assert ratios == pytest.approx([math.sqrt(10)] * 6, rel=1e-8)


def test_every_combination_the_first_word_slowest_and_in_step():
    words = ["training.batch=8,16", "seed=0..2", "world.sigma_px=1,2", "training.steps=200"]
    every, in_step = sweep_of(words), sweep_of(words, zip_=True)
    assert [cell.name for cell in every.cells] == [
        f"training.batch={batch}, world.sigma_px={sigma}" for batch in (8, 16) for sigma in (1, 2)
    ]
    assert [cell.name for cell in in_step.cells] == [
        "training.batch=8, world.sigma_px=1",
        "training.batch=16, world.sigma_px=2",
    ]
    assert every.seeds == in_step.seeds == 3
    assert len(list(every.members())) == 12
    assert {member.config.training.steps for member in every.members()} == {200}
    assert every.claims == ()
    assert every.name != in_step.name
    assert sweep_of(words).name == every.name  # the same words go on


def test_a_point_is_the_run_that_train_and_a_study_would_have():
    study = sweep_of(["preset=fast,small", "training.batch=32"])
    for member, preset in zip(study.members(), ("fast", "small"), strict=True):
        assert member.config == Cell("one", ("training.batch=32",)).config(0, preset)
        trained = load_config(words=[f"preset={preset}", "training.batch=32"])
        assert member.config.digest() == trained.digest()
    (member, _) = sweep_of(["training.batch=32,64"]).members()
    assert member.config.folder == load_config(words=["training.batch=32"]).folder


def test_another_kind_takes_its_own_fields(tmp_path):
    file = tmp_path / "base.yaml"
    file.write_text("network: {kind: unet, widths: [8, 8], groups: 4}\ntraining: {steps: 50, warmup: 10}\n")
    unet, convnet = sweep_of([str(file), "network.kind=unet,convnet"]).members()
    assert unet.config.network.tree()["widths"] == [8, 8]
    assert convnet.config.network.kind == "convnet"
    assert unet.config.training.steps == convnet.config.training.steps == 50


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["training.batch=32"], "`WORD` (=no list, no range) must have several values"),
        ([], "`WORD` (=no list, no range) must have several values"),
        (["probing.taps=[up1,mid]"], "`WORD` (=no list, no range) must have several values"),
        (["training.batch=8,,16"], "`training.batch` (=8,,16) must have a value on either side of each comma"),
        (["training.batch=8,16,"], "`training.batch` (=8,16,) must have a value"),
        (["training.batch=8..4"], "`training.batch` (=8..4) must rise"),
        (["training.batch=1e400..1e500"], "`training.batch` (=1e400..1e500) must rise"),
        (["training.batch=0..99999999"], "`training.batch` (=0..99999999) must be whole numbers, 1000 at most"),
        (["world.sigma_px=0.5..2"], "`world.sigma_px` (=0.5..2) must be whole numbers"),
        (["world.sigma_px=1..2:1"], "`world.sigma_px` (=1..2:1) must have from 2 to 1000 values"),
        (["world.sigma_px=1..2:1001"], "`world.sigma_px` (=1..2:1001) must have from 2 to 1000 values"),
        (["world.sigma_px=0..2:3:log"], "`world.sigma_px` (=0..2:3:log) must be above 0"),
        (["training.batch=8,16", "seed=3"], "`seed` (=3) must be 0, or 0..7 for eight runs a cell"),
        (["training.batch=8,16", "seed=1..4"], "`seed` (=1,2,3,4) must be 0, or 0..7"),
        (["training.batch=8,16", "seed=true"], "`seed` (=True) must be 0"),
        (["training.batch=1..100", "training.steps=1..100"], "`WORD` (=10000 combinations) must make at most 4096"),
        (["training.batch=8,8"], "`cells` (=['training.batch=8'])"),
        (["training.batch=8,16", "training.batch=4"], "`training.batch` (=2 times) must be given once"),
        (["training.batch=8,[", "x"], "`x` must be FILE.yaml or key=value"),
        (["training.batch=8,]"], "`training.batch` (=]) must be a YAML value"),
    ],
)  # fmt: skip
def test_bad_words_are_told_in_a_line(words, told):
    with pytest.raises(UserError) as error:
        sweep_of(words)
    assert str(error.value).startswith(told), error.value


def test_values_in_step_must_be_equally_many():
    with pytest.raises(UserError, match=r"`--zip` \(=training.batch 2, training.steps 3\) must have as many"):
        sweep_of(["training.batch=8,16", "training.steps=1..3"], zip_=True)


@pytest.mark.parametrize("name", ["", "../up", "a/b", "-x", "x" * 65])
def test_a_name_is_one_of_a_folder(name):
    with pytest.raises(UserError, match="`--name`"):
        sweep_of(["training.batch=8,16"], name=name)


def test_a_run_costs_by_the_images_that_it_takes(tmp_path):
    study = sweep_of(["preset=fast", "training.steps=630,1260", "training.batch=16,32"])
    standings = [Standing(member.config, (member.cell.name,), "absent") for member in study.members()]
    found = Survey(study, None, 1, tmp_path, tmp_path, tuple(standings), (), (), {"fast": 30.0})
    costs = [with_costs(found).cost_of(one) for one in standings]
    assert costs == pytest.approx([30, 60, 60, 120])
    assert with_costs(found).cost_s(standings) == pytest.approx(270)
    assert PRESETS["fast"].fields["training"]["steps"] == 630


def test_what_nobody_knows_costs_an_unknown_number_of_seconds(tmp_path):
    study = sweep_of(["training.batch=16,32"])
    standings = [Standing(member.config, (member.cell.name,), "absent") for member in study.members()]
    found = Survey(study, None, 1, tmp_path, tmp_path, tuple(standings), (), (), {"fast": 30.0})
    assert with_costs(found).cost_s(standings) is None


def test_a_point_is_a_cell_of_its_preset():
    point = Point("one", {"training": {"batch": 8}}, "fast")
    assert point.config(2, "fast") == Cell("one", {"training": {"batch": 8}}).config(2, "fast")
    assert replace(point, preset=None).config(2, "defaults").seed == 2
