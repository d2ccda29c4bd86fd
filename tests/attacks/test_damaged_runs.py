"""Every file that a run stores, crossed with every damage: told in a line, and nothing sound is changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attacked_run import config_of
from damage import DAMAGES, fingerprint, restore, stored_files

from phasescope.core.errors import UserError
from phasescope.runs.execution import train
from phasescope.runs.store import Run
from phasescope.runs.store.writer import CHECKPOINT
from phasescope.runs.whole import faults

NO_RUN_THEN = ("gone", "a_link_to_nothing", "a_folder")
"""damages of config.yaml that leave no run's folder"""
COSTS = ("wall_s", "cpu_s", "observing_s")


def learnt(run: Run) -> list[dict]:
    return [{key: value for key, value in entry.items() if key not in COSTS} for entry in run.metrics]


@pytest.mark.some(3)
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
    """Of each file of a run's record all damages lie side by side, each in a copy of its own."""
    count = 0
    for file in stored_files(whole.path):
        if len(file.parts) > 1:
            continue
        runs = tmp_path / file.name
        restore(runs / "sound", whole.path)
        names = [
            damage.__name__
            for damage in DAMAGES
            if file.name != "config.yaml" or damage.__name__ not in NO_RUN_THEN
        ]
        for damage in DAMAGES:
            if damage.__name__ in names:
                restore(runs / damage.__name__, whole.path)
                damage(runs / damage.__name__ / file)
        outcome = command("ls", "--json", "--runs", runs)
        assert (outcome.code, outcome.err) == (0, ""), file
        rows = {row["run"]: row for row in json.loads(outcome.out)}
        assert rows.keys() == {"sound", *names}, file
        assert rows["sound"]["state"] == "done", file
        chosen = command("ls", "--json", "--runs", runs, "--where", "state = 'done' and run = 'sound'")
        assert (chosen.code, chosen.err) == (0, ""), file
        assert [row["run"] for row in json.loads(chosen.out)] == ["sound"], file
        for name in names:
            assert rows[name]["state"] in ("done", "broken"), (file, name)
            if rows[name]["state"] == "broken":
                assert rows[name]["error"], (file, name)
            shown = command("show", runs / name)
            assert shown.code in (0, 1, 2), (file, name)
            assert len(shown.err.splitlines()) == (shown.code > 0), (file, name, shown.err)
        count += len(names)
    assert count >= 40


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
