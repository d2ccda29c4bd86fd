"""Tags: appended by one command, shown wherever a run is shown."""

import json
import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from phasescope.cli import main
from phasescope.runs.store.tags import FILE, read_tags
from phasescope.views.explorer.server import create_app


@pytest.fixture
def run(trained, tmp_path) -> Path:
    return Path(shutil.copytree(trained.path, tmp_path / "runs" / trained.name))


def test_a_tag_is_shown_by_every_command_and_page(run, capsys):
    for text in ("learns late", "B & C", "learns late"):
        assert main(["tag", str(run), text]) == 0
    assert main(["ls", "--runs", str(run.parent)]) == 0
    assert "learns late; B & C" in capsys.readouterr().out
    assert main(["ls", "--runs", str(run.parent), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["tags"] == ["learns late", "B & C"]
    assert main(["show", str(run)]) == 0
    assert "tag: B & C" in capsys.readouterr().out
    assert main(["report", str(run)]) == 0
    assert "learns late; B &amp; C" in (run / "report.html").read_text()
    with TestClient(create_app(run.parent, run.parent), base_url="http://127.0.0.1") as client:
        assert client.get(f"/api/runs/{run.name}").json()["row"]["tags"] == ["learns late", "B & C"]


@pytest.mark.parametrize("text", ["  ", "two\nlines", "\x1b[2J", "a" * 201])
def test_a_text_that_is_no_line_is_refused_in_one_line(run, text, capsys):
    assert main(["tag", str(run), text]) == 2
    error = capsys.readouterr().err
    assert error.startswith("phasescope: `TEXT` (=")
    assert len(error.splitlines()) == 1
    assert not (run / FILE).exists()


def test_a_tag_of_no_run_or_in_a_folder_that_cannot_be_written_is_refused_in_one_line(run, capsys):
    (run / FILE).mkdir()
    for target in (run, run.parent / "nothing"):
        assert main(["tag", str(target), "late"]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert read_tags(run) == []
