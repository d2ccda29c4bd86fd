"""What `ls` says of a folder of runs."""

import json
from pathlib import Path

import pytest

from helpers.made_runs import make_run
from phasescope.cli import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for seed in range(3):
        make_run(folder, "preset=small", f"seed={seed}")
    return folder


def test_a_condition_that_no_run_meets_says_how_many_there_are(folder, tmp_path, capsys):
    where = ["--where", "seed = 7"]
    assert main(["ls", "--runs", str(folder), *where]) == 0
    assert capsys.readouterr().out == "of 3 runs here, none meets --where\n"
    assert main(["ls", "--runs", str(folder), *where, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []

    for words in ([], where):
        assert main(["ls", "--runs", str(tmp_path), *words]) == 0
        assert capsys.readouterr().out == "no runs here\n"


def test_a_condition_that_some_runs_meet_lists_these(folder, capsys):
    main(["ls", "--runs", str(folder), "--where", "seed < 2"])
    assert len(capsys.readouterr().out.splitlines()) == 1 + 2
