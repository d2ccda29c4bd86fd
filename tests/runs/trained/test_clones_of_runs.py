"""`phasescope clones`: of a run that was trained without labels too, and what it refuses."""

import json
import shutil

import pytest

from helpers.training_runs import TINY, run_config
from phasescope import train
from phasescope.cli import main

CHANGES = {
    "name": "some",
    "training": {"steps": 10, "batch": 8, "warmup": 2, "label_dropout": 0.2},
    "probing": {"snapshots": {"every": 5}, "t": [5, 30], "observe": []},
}


@pytest.fixture(scope="module")
def runs(golden, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    train(run_config(TINY, CHANGES), folder)
    shutil.copytree(golden.path, folder / f"never-{golden.identity}")
    return folder


def test_a_table_and_its_json(runs, capsys):
    words = ["clones", "some", "--runs", str(runs), "--at", "1,20,49", "--images", "8", "--each", "2"]
    assert main(words) == 0
    told = capsys.readouterr()
    assert "half come back at t =" in told.out
    assert main([*words, "--step", "5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["t"] == [1, 20, 49]
    assert all(0 <= share <= 1 for share in (*found["share"], *found["exact"]))
    assert found["exact"][0] == 1
    assert (found["images"], found["each"]) == (8, 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["never"], "must be trained with labels left out"),
        (["some", "--at", "50"], "`t` (=50) must be from 0 to 49"),
        (["some", "--at", "1.5"], "`t` (=1.5) must be a whole number"),
        (["some", "--at", "nan"], "`t` (=nan) must be a whole number"),
        (["some", "--at", "1,inf"], "`t` (=inf) must be a whole number"),
        (["some", "--at", "x"], "Invalid value for --at: x must be numbers"),
        (["some", "--images", "4"], "`images` (=4) must be from 8 on"),
        (["some", "--images", "4096", "--each", "2"], "their product at most 4096"),
        (["some", "--each", "0"], "`each` (=0) must be an integer of at least 1"),
        (["some", "--step", "3"], "`--step` (=3) must be one of the snapshots: 0, 5, 10"),
        (["nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_painted_again_is_one_line(runs, words, message, capsys):
    assert main(["clones", *words, "--runs", str(runs)]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
