"""Tags: appended by one command, shown wherever a run is shown."""

import json
import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from phasescope.views.web.server import create_app


@pytest.fixture
def run(trained, tmp_path) -> Path:
    return Path(shutil.copytree(trained.path, tmp_path / "runs" / trained.name))


def test_a_tag_is_shown_by_every_command_and_page(run, cli):
    for text in ("learns late", "B & C", "learns late"):
        assert cli("tag", run, text).code == 0
    assert "; learns late; B & C " in cli("ls", "--runs", run.parent).out
    assert json.loads(cli("ls", "--runs", run.parent, "--json").out)[0]["tags"] == ["learns late", "B & C"]
    assert "tag: B & C" in cli("show", run).out
    assert cli("report", run).code == 0
    assert "learns late; B &amp; C" in (run / "report.html").read_text()
    with TestClient(create_app(run.parent, run.parent), base_url="http://127.0.0.1") as client:
        assert client.get(f"/api/runs/{run.name}").json()["row"]["tags"] == ["learns late", "B & C"]


@pytest.mark.parametrize("text", ["  ", "two\nlines", "\x1b[2J", "a" * 201])
def test_a_text_that_is_no_line_is_refused_in_one_line(run, text, cli):
    outcome = cli("tag", run, text)
    assert outcome.code == 2
    assert outcome.err.startswith("phasescope: `TEXT` (=")
    assert len(outcome.err.splitlines()) == 1
    assert not (run / "tags.txt").exists()
