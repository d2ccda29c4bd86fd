"""Every file that a run stores, crossed with every damage: told in a line, and nothing sound is changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attacked_run import config_of
from damage import DAMAGES, damaged_copies, fingerprint, restore, stored_files

from phasescope.errors import UserError
from phasescope.runs.execution import train
from phasescope.runs.whole import faults
from phasescope.store import Run
from phasescope.store.writer import CHECKPOINT

NO_RUN_THEN = ("gone", "a_link_to_nothing", "a_folder", "a_pipe")
"""damages of config.yaml that leave no run's folder"""
COSTS = ("wall_s", "cpu_s", "observing_s")


def learnt(run: Run) -> list[dict]:
    return [{key: value for key, value in entry.items() if key not in COSTS} for entry in run.metrics]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_train_goes_on_to_the_same_end_or_says_what_is_damaged(damage, whole: Run, tmp_path: Path):
    """`train` ends with all that is due and the same numbers, or refuses and changes nothing."""
    runs = tmp_path / "runs"
    folder = runs / whole.name
    for file in stored_files(whole.path)[DAMAGES.index(damage) % 2 :: 2]:
        restore(folder, whole.path)
        damage(folder / file)
        before = fingerprint(runs)
        refused, run = None, Run(folder)
        try:
            train(config_of(), runs)
        except UserError as error:
            refused = str(error)
        if refused is not None:
            assert "\n" not in refused
            assert str(folder) in refused, file
            assert fingerprint(runs) == before, file
        else:
            assert run.status["state"] == "done", file
            assert list(faults(run, 8)) == [], file
            assert learnt(run) == learnt(whole), file


def test_a_damaged_run_is_a_row_that_says_so_and_the_others_are_listed(whole: Run, tmp_path: Path, command):
    runs = tmp_path / "runs"
    restore(runs / "sound", whole.path)
    count = 0
    for file, damage in damaged_copies(whole.path, runs / "damaged"):
        if len(file.parts) > 1 or (file.name == "config.yaml" and damage.__name__ in NO_RUN_THEN):
            continue
        outcome = command("ls", "--json", "--runs", runs)
        assert (outcome.code, outcome.err) == (0, ""), (file, damage)
        rows = {row["run"]: row for row in json.loads(outcome.out)}
        assert rows["sound"]["state"] == "done", (file, damage)
        assert rows["damaged"]["state"] in ("done", "broken"), (file, damage)
        if rows["damaged"]["state"] == "broken":
            assert rows["damaged"]["error"], (file, damage)
        chosen = command("ls", "--json", "--runs", runs, "--where", "state = 'done' and run = 'sound'")
        assert (chosen.code, chosen.err) == (0, ""), (file, damage)
        assert [row["run"] for row in json.loads(chosen.out)] == ["sound"], (file, damage)
        shown = command("show", runs / "damaged")
        assert shown.code in (0, 2), (file, damage)
        assert len(shown.err.splitlines()) == (shown.code == 2), (file, damage, shown.err)
        count += 1
    assert count >= 50


def test_without_its_checkpoint_a_trained_run_is_trained_anew_only_where_asked(
    whole: Run, tmp_path: Path, command
):
    restore(tmp_path / whole.name, whole.path)
    run = Run(tmp_path / whole.name)
    (run.path / CHECKPOINT).unlink()
    before = fingerprint(run.path)
    with pytest.raises(UserError, match="--anew"):
        train(config_of(), tmp_path)
    assert fingerprint(run.path) == before
    train(config_of(), tmp_path, anew=True)
    assert learnt(run) == learnt(whole)
    assert list(faults(run, 8)) == []
