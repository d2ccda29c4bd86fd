import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from helpers.explored import page_of
from helpers.metered_run import line as metered
from helpers.small_run import config, line, many_runs, status, write_small_run
from phasescope import Run
from phasescope.runs.store import hold
from phasescope.views.web.details import details
from phasescope.views.web.library import Library, Unknown


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
    assert names(second) == [run.name]

    shutil.rmtree(run.path)
    with pytest.raises(Unknown):
        library.entry(run.name)
    assert library.refresh()
    gone = {"version": library.version, "unread": 0, "rows": [], "gone": [run.name]}
    assert library.rows(second["version"]) == gone
    write_small_run(runs)
    assert library.refresh()
    assert [row["state"] for row in library.rows(second["version"])["rows"]] == ["done"]


@pytest.mark.parametrize("name", ["scalars", "meter"])
def test_what_is_logged_between_snapshots_is_on_the_page_at_once(runs, name):
    run, library = write_small_run(runs), Library(runs)
    library.refresh()
    known = library.rows()["version"]
    last, images = run.metrics[-1]["step"], run.status["images"]
    lines = [
        metered(step, 0.5, 0.5) if name == "meter" else {"step": step, "images_seen": 16 * step, "grad": 1.0}
        for step in range(last + 1, last + 31)
    ]

    with hold(run.path, run.config) as folder:
        folder.append_lines(f"{name}.jsonl", lines)
    assert library.refresh()
    assert names(library.rows(known)) == [run.name]
    page = json.loads(details(library.entry(run.name).record, library.entry(run.name).row))
    assert [(at["step"], at["images_seen"]) for at in page[name]] == [
        (s["step"], 16 * s["step"]) for s in lines
    ]
    assert page[name][0]["epochs"] == pytest.approx(16 * (last + 1) / images)
    assert any(panel["over"] == name for panel in page["panels"])


def test_a_version_that_is_asked_for_while_a_run_is_read_misses_no_row(runs):
    run, library, versions = write_small_run(runs), Library(runs), []

    class Entries(dict):
        def __setitem__(self, name, entry):
            versions.append(library.rows()["version"])
            super().__setitem__(name, entry)

    library._entries = Entries()
    library.refresh()
    assert names(library.rows(versions[0])) == [run.name]


def test_a_large_folder_is_read_in_parts_that_come_to_all_of_it(runs):
    many_runs(runs, write_small_run(runs.parent), 5)
    library = Library(runs)
    parts = [(library.refresh(0.0), library.rows()["unread"], len(library.rows()["rows"])) for _ in range(6)]
    assert parts == [(True, 4 - n, 1 + n) for n in range(5)] + [(False, 0, 5)]
    shutil.rmtree(runs / "copy0003-00000003")
    assert library.refresh(0.0)
    assert library.rows()["gone"] == ["copy0003-00000003"]


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
        assert page_of(Run(folder.path))["row"]["eta_s"] == pytest.approx(20.0 / 10 * 30 - 3, abs=1)


def test_settings_are_the_leaves_that_are_not_the_default(runs):
    run = write_small_run(runs)
    settings = page_of(run)["row"]["settings"]
    assert settings["world.canvas"] == 8
    assert "world.sigma_px" not in settings
    assert not {"name", "seed"} & settings.keys()
    columns = run.to_frame().filter(like="config.").iloc[0]
    known = columns[columns.notna()]  # what is null in a configuration is missing in a frame
    assert {name: known.get(f"config.{name}") for name in settings} == settings
