"""Runs that were recorded by a former rule are told by today's, from their own scores, and once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from phasescope.store import Run
from tools.settle import settle_runs

SHIPPED = sorted(path.parent for path in (Path(__file__).parents[1] / "results").glob("*/*/metrics.jsonl"))


@pytest.fixture
def runs(tmp_path):
    shutil.copytree(SHIPPED[0], tmp_path / SHIPPED[0].name)
    return tmp_path


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda path: path.name)
def test_the_runs_that_are_shipped_are_told_by_todays_rule(folder, tmp_path):
    shutil.copytree(folder, tmp_path / folder.name)
    assert settle_runs(tmp_path) == []


def test_phases_of_a_former_rule_are_told_again_and_nothing_else_is_touched(runs):
    (run,) = (Run(path) for path in runs.iterdir())
    before = {path.name: path.read_bytes() for path in run.path.iterdir()}
    lines = run.metrics
    for line in lines:
        line["phase"]["representation"] = "C"
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert settle_runs(runs) == [run.path.name]
    assert run.metrics == [json.loads(line) for line in before["metrics.jsonl"].splitlines()]
    assert run.status == json.loads(before["status.json"])
    assert all(
        run.path.joinpath(name).read_bytes() == content
        for name, content in before.items()
        if ".json" not in name
    )
    assert settle_runs(runs) == []
