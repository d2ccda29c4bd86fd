"""What `ls` says of a folder of runs."""

import json
import re
from pathlib import Path

import pytest

from helpers.made_runs import make_run
from helpers.written_run import ALL_STEPS, write_run
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


def test_runs_of_one_name_are_told_apart_by_what_differs(folder, tmp_path, capsys):
    main(["ls", "--runs", str(folder)])
    heads, *rows = capsys.readouterr().out.splitlines()
    assert heads.split()[:4] == ["run", "differs", "in", "state"]
    assert sorted(re.findall(r"seed=\d", "\n".join(rows))) == ["seed=0", "seed=1", "seed=2"]
    assert all(row.split()[1].startswith("seed=") for row in rows)

    make_run(tmp_path, "preset=small", "name=alone")
    main(["ls", "--runs", str(tmp_path)])
    assert "differs" not in capsys.readouterr().out, "nothing is to be told apart"
    fields = ["training.batch=8", "training.steps=99", "world.sigma_px=2"]
    make_run(tmp_path, "preset=small", "name=alone", "seed=4", *fields)
    main(["ls", "--runs", str(tmp_path)])
    assert re.search(r"seed=4( \S+=\S+){2} \.\.\.", capsys.readouterr().out)


def test_shares_have_their_unit_in_the_table_of_snapshots(tmp_path, capsys):
    write_run(tmp_path / "written-00000001", ALL_STEPS[:4])
    assert main(["show", str(tmp_path / "written-00000001")]) == 0
    (heads,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("step ")]
    assert "  correct %  correct %, " in heads
