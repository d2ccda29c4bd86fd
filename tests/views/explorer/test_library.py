from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from small_run import config, line, many_runs, status, write_small_run

from phasescope.errors import UserError
from phasescope.store import Run, hold
from phasescope.views.explorer.library import Library, Unknown
from phasescope.views.explorer.rows import MOST_POINTS, leaves, row_of, settings


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def names(answer: dict) -> list[str]:
    return sorted(row["name"] for row in answer["rows"])


def test_runs_appear_change_and_go_each_as_a_version(runs):
    library = Library(runs)
    assert not library.refresh()
    run = write_small_run(runs)
    assert library.refresh()
    first = library.rows()
    assert names(first) == [run.name]
    assert not library.refresh()
    assert library.rows(first["version"])["rows"] == []

    with hold(run.path, run.config) as folder:
        folder.append_metrics(line(60))
    assert library.refresh()
    second = library.rows(first["version"])
    assert second["rows"][0]["timeline"]["images_seen"] == [0, 320, 640, 960]

    shutil.rmtree(run.path)
    assert library.refresh()
    assert library.rows(second["version"])["gone"] == [run.name]
    with pytest.raises(Unknown):
        library.entry(run.name)


def test_reading_in_portions_comes_to_the_same_as_reading_at_once(runs, run):
    many_runs(runs, run, 12)
    patient, hasty = Library(runs), Library(runs)
    patient.refresh()
    portions = 0
    while hasty.refresh(0.0):
        portions += 1
    assert portions == 12
    assert hasty.pending == 0
    assert names(hasty.rows()) == names(patient.rows())


def test_the_runs_that_changed_last_are_read_first(runs, run):
    many_runs(runs, run, 4)
    for age, path in enumerate(sorted(runs.iterdir())):
        for file in path.iterdir():
            os.utime(file, (1_000_000 - age, 1_000_000 - age))
    library = Library(runs)
    library.refresh(0.0)
    assert names(library.rows()) == [sorted(path.name for path in runs.iterdir())[0]]
    assert library.pending == 3


def test_a_run_that_is_held_is_running_and_one_that_was_let_go_was_killed(runs):
    library = Library(runs)
    described = config()
    path = runs / described.folder
    with hold(path, described.tree()) as folder:
        folder.write_status(status("running", step=10))
        folder.append_metrics(line(0))
        library.refresh()
        row = library.rows()["rows"][0]
        assert (row["state"], row["step"], row["steps"]) == ("running", 10, 40)
    assert library.refresh()
    assert library.rows()["rows"][0]["state"] == "killed"


def test_what_is_left_of_a_run_takes_as_long_as_it_took_so_far(runs):
    described = config()
    updated = datetime.now(UTC) - timedelta(seconds=3)
    with hold(runs / described.folder, described.tree()) as folder:
        folder.write_status({**status("running", step=10), "wall_s": 20.0, "updated": updated.isoformat()})
        assert row_of(folder)["eta_s"] == pytest.approx(20.0 / 10 * 30 - 3, abs=1)


BROKEN = {
    "config.yaml is empty": {"config.yaml": ""},
    "config.yaml is no YAML": {"config.yaml": "{a: ["},
    "config.yaml is a list": {"config.yaml": "- 1\n"},
    "no status": {"status.json": None},
    "status torn": {"status.json": '{"state": "do'},
    "status of another form": {"status.json": "[1]"},
    "metrics of another form": {"metrics.jsonl": '{"step": 0}\n'},
    "metrics without numbers": {"metrics.jsonl": '{"step": 0, "images_seen": "many"}\n'},
    "no config": {"config.yaml": None},
}


@pytest.mark.some(3)
@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_run_shows_as_such_and_the_others_are_there(runs, fault):
    broken, whole = write_small_run(runs, seed=1), write_small_run(runs, seed=2)
    for name, text in BROKEN[fault].items():
        if text is None:
            (broken.path / name).unlink()
        else:
            (broken.path / name).write_text(text)
    library = Library(runs)
    library.refresh()
    rows = {row["name"]: row for row in library.rows()["rows"]}
    assert rows[broken.name]["state"] == "broken"
    assert rows[broken.name]["error"]
    assert rows[whole.name]["state"] == "done"
    json.dumps(library.rows())


@pytest.mark.parametrize("torn", ['{"step": 60, "images', "\x00\x00"])
def test_a_torn_last_line_is_left_out(runs, torn):
    run = write_small_run(runs)
    with open(run.path / "metrics.jsonl", "a") as file:
        file.write(torn)
    row = row_of(run)
    assert row["state"] == "done"
    assert row["timeline"]["images_seen"] == [0, 320, 640]


@pytest.mark.parametrize("line", ["null\n", '{"loss": 1}\n', '{"step": 0, "images_seen": 0}\n'])
def test_a_whole_line_that_is_none_is_told(runs, line):
    run = write_small_run(runs)
    with open(run.path / "metrics.jsonl", "a") as file:
        file.write(line)
    row = row_of(run)
    assert row["state"] == "broken"
    assert row["error"].startswith("line 4 of metrics.jsonl is none: ")


def test_what_leads_out_of_the_folder_is_not_read(runs, tmp_path):
    outside = write_small_run(tmp_path / "elsewhere")
    inside = write_small_run(runs, seed=5)
    (runs / "linked").symlink_to(outside.path)
    for number, file in enumerate(("config.yaml", "metrics.jsonl", "snapshots")):
        copy = runs / f"copy-{number}"
        shutil.copytree(inside.path, copy)
        target = copy / file
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink()
        target.symlink_to(outside.path / file)
    deep = runs / "deep"
    shutil.copytree(inside.path, deep)
    weights = deep / "snapshots" / "00000020" / "weights.safetensors"
    weights.unlink()
    weights.symlink_to("/etc/passwd")
    (runs / "within").symlink_to(inside.path)
    library = Library(runs)
    library.refresh()
    states = {row["name"]: row["state"] for row in library.rows()["rows"]}
    leading = {"linked", "copy-0", "copy-1", "copy-2", "deep"}
    assert {name for name, state in states.items() if state == "broken"} == leading
    for name in leading:
        with pytest.raises(UserError, match="leads out"):
            library.entry(name)
    assert library.entry("within").row["state"] == "done"


def test_a_link_that_is_laid_later_is_noticed(runs, tmp_path):
    run = write_small_run(runs)
    library = Library(runs)
    library.refresh()
    library.entry(run.name)
    samples = run.path / "snapshots" / "00000020" / "samples.npz"
    samples.unlink()
    samples.symlink_to("/etc/passwd")
    with pytest.raises(UserError, match="leads out"):
        library.entry(run.name)


def test_a_long_run_has_a_small_timeline_with_both_ends(runs):
    run = write_small_run(runs)
    text = "".join(json.dumps(line(step)) + "\n" for step in range(0, 5000, 10))
    (run.path / "metrics.jsonl").write_text(text)
    timeline = row_of(Run(run.path))["timeline"]
    assert len(timeline["images_seen"]) == MOST_POINTS
    assert (timeline["images_seen"][0], timeline["images_seen"][-1]) == (0, 16 * 4990)
    assert {len(column) for column in timeline.values()} == {MOST_POINTS}


def test_settings_are_the_leaves_that_are_not_the_default():
    tree = config().tree()
    found = settings(tree)
    assert found["world.canvas"] == 8
    assert "world.sigma_px" not in found
    assert not {"name", "seed"} & found.keys()
    assert {**leaves(tree), **found} == leaves(tree)
