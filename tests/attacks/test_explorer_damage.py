"""A bad run is a row that says so: it stops no look, hides no other run, and is not read again and again."""

import json
import logging
import os
import shutil
import threading
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from helpers.damage import DAMAGES, stored_files
from helpers.small_run import write_small_run
from phasescope import Run, UserError
from phasescope.views.web import library as explored
from phasescope.views.web.library import Library
from phasescope.views.web.server import create_app

HANGS_S = 300.0
HARMS = DAMAGES | {"a list": lambda path: path.write_text("[1]\n")}


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Run:
    return write_small_run(tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory, sound) -> Path:
    """A folder of sound runs, and one for each damage of each file of a run's record."""
    runs = tmp_path_factory.mktemp("runs")
    for file in stored_files(sound.path):
        if len(file.parts) == 1:
            for damage in HARMS:
                path = runs / f"{damage}-{file.name}"
                shutil.copytree(sound.path, path)
                HARMS[damage](path / file)
    shutil.copytree(sound.path, runs / os.fsdecode(b"bad\xff\xfe-01234567"))
    for number in range(5):
        shutil.copytree(sound.path, runs / f"sound{number}-{number:08x}")
    return runs


@pytest.fixture(scope="module")
def library(runs) -> Library:
    """Which has looked at all, within a time that only one that hangs reaches."""
    library = Library(runs)
    looking = threading.Thread(target=library.refresh, daemon=True)
    looking.start()
    looking.join(HANGS_S)
    assert not looking.is_alive()
    return library


def test_each_bad_run_is_a_row_of_its_own_and_the_sound_ones_are_as_they_were(library, runs):
    rows = {row["name"]: row for row in json.loads(json.dumps(library.rows()["rows"]))}
    assert len(rows) >= 4 * len(DAMAGES)
    for number in range(5):
        row = rows[f"sound{number}-{number:08x}"]
        assert (row["state"], row["step"]) == ("done", 40)
    broken = [row for row in rows.values() if row["state"] == "broken"]
    assert len(broken) > 2 * len(DAMAGES)
    lists = {f"a list-{file}" for file in ("config.yaml", "status.json", "metrics.jsonl")}
    assert lists <= {row["name"] for row in broken}
    for row in broken:
        assert row["error"]
        assert "\n" not in row["error"]
        assert "Traceback" not in row["error"]


def test_what_is_bad_is_not_read_again_until_it_changes(library, runs, monkeypatch):
    read = []
    monkeypatch.setattr(explored, "row_of", lambda run: read.append(run))
    for _ in range(3):
        assert not library.refresh()
    assert read == []


def test_every_page_of_every_run_is_answered_in_a_line_and_nothing_floods_the_log(runs, library, caplog):
    with (
        caplog.at_level(logging.WARNING),
        TestClient(create_app(runs, runs / "none"), base_url="http://127.0.0.1") as client,
    ):
        told = client.get("/api/runs").json()
        for row in library.rows()["rows"]:
            answer = client.get("/api/runs/" + quote(row["name"], safe=""))
            assert answer.status_code in (200, 400), (row["name"], answer.text)
            if row["state"] == "broken":
                assert answer.status_code == 400
            if answer.status_code == 400:
                assert "\n" not in answer.json()["error"]
    assert "rows" in told
    assert [record.getMessage() for record in caplog.records if record.name != "httpx"] == []


def test_a_name_that_is_no_text_is_shown_and_found(library):
    (row,) = [row for row in library.rows()["rows"] if row["name"].startswith("bad\\udcff")]
    assert row["name"] == "bad\\udcff\\udcfe-01234567"
    assert library.entry(row["name"]).run.path.name == os.fsdecode(b"bad\xff\xfe-01234567")


def test_what_was_bad_and_is_mended_is_read(tmp_path):
    run = write_small_run(tmp_path)
    good = (run.path / "status.json").read_text()
    (run.path / "status.json").write_text("[" * 200_000)
    library = Library(tmp_path)
    library.refresh()
    assert library.rows()["rows"][0]["state"] == "broken"
    (run.path / "status.json").write_text(good)
    assert library.refresh()
    assert library.rows()["rows"][0]["state"] == "done"


def test_a_folder_that_cannot_be_listed_for_a_moment_loses_no_run(tmp_path, monkeypatch):
    run = write_small_run(tmp_path)
    library = Library(tmp_path)
    library.refresh()
    before = library.rows()

    def out_of_files(path: object) -> object:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(explored.os, "listdir", out_of_files)
        with pytest.raises(UserError, match="cannot be listed"):
            library.refresh()
    assert library.rows() == before
    assert not library.refresh()
    assert library.entry(run.name).row["state"] == "done"


def test_a_look_that_fails_is_reported_once_and_the_rows_stay(tmp_path, monkeypatch, caplog):
    def fails(self: Library, within_s: float) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Library, "refresh", fails)
    with caplog.at_level(logging.WARNING), TestClient(create_app(tmp_path, tmp_path)) as client:
        for _ in range(3):
            assert client.get("/api/runs", headers={"Host": "127.0.0.1"}).status_code == 200
    messages = [record.getMessage() for record in caplog.records]
    assert [text for text in messages if "denied" in text] == [
        "the folder of runs: [Errno 13] Permission denied"
    ]
