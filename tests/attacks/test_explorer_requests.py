"""Whatever is asked: an answer, or a line that says why there is none; no way out, no traceback, no script."""

import logging
from collections import Counter
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from helpers.explorer_requests import headers, parameters, paths
from helpers.small_run import write_home, write_small_run
from phasescope.views.web.server import create_app

SECRET = "nobody outside may read this"
STRANGE = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return write_home(tmp_path_factory.mktemp("home"), SECRET)


@pytest.fixture(scope="module")
def run(home) -> str:
    return next((home / "runs").iterdir()).name


@pytest.fixture(scope="module")
def client(home):
    app = create_app(home / "runs", home / "results")
    with TestClient(app, base_url="http://127.0.0.1", follow_redirects=False) as client:
        yield client


@pytest.fixture
def silent(caplog):
    """Nothing is logged: what a client gets wrong is told to the client."""
    with caplog.at_level(logging.WARNING):
        yield
    assert [record.getMessage() for record in caplog.records if record.name != "httpx"] == []


def judged(answer, home: Path) -> int:
    """The answer's status, once it is seen to give nothing away."""
    assert answer.status_code < 500, (answer.url, answer.text)
    assert SECRET.encode() not in answer.content
    assert b"root:" not in answer.content
    assert b"Traceback" not in answer.content
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "x-told" not in answer.headers
    if "location" in answer.headers:
        assert answer.headers["location"].startswith("http://127.0.0.1/")
    if answer.status_code >= 400:
        kind = answer.headers.get("Content-Type", "")
        told = answer.json()["error"] if kind == "application/json" else answer.text.rstrip("\n")
        assert kind == "application/json" or kind.startswith("text/plain")
        assert told
        assert "\n" not in told
        assert len(told) < 6000
        assert "site-packages" not in told
        assert str(home.parent) not in told.replace(str(home / "runs"), "")
    return answer.status_code


def test_hostile_parameters_are_refused_in_a_line(client, home, run, silent):
    met = Counter(judged(client.get(address), home) for address in parameters(run))
    assert set(met) == {200, 400}
    assert met[400] > 150


def test_hostile_paths_lead_nowhere(client, home, run, silent):
    met = Counter(judged(client.get(address), home) for address in paths(run))
    assert sum(met.values()) > 200
    assert set(met) <= {200, 307, 400, 404}


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_nothing_but_get_and_head_is_answered(client, home, run, silent, method):
    before = sorted(path for path in home.rglob("*") if path.name != "lock")
    own = {"Origin": "http://127.0.0.1", "Content-Type": "application/json"}
    for path in ("/", f"/api/runs/{run}", f"/api/runs/{run}/notes"):
        assert client.request(method, path, content=b"{}", headers=own).status_code in (404, 405)
    assert sorted(path for path in home.rglob("*") if path.name != "lock") == before


@pytest.mark.parametrize("path", ["/", "/api/runs"])
def test_hostile_headers_change_nothing(client, home, silent, path):
    met = Counter(judged(client.get(path, headers=given), home) for given in headers())
    assert set(met) <= {200, 421}


def test_a_name_with_markup_travels_as_text_and_no_page_is_made_of_it(home):
    run = write_small_run(home / "runs", seed=91)
    config = (run.path / "config.yaml").read_text()
    (run.path / "config.yaml").write_text(config.replace("name: small", f"name: '{STRANGE}'"))
    strange = run.path.rename(run.path.with_name("<script>alert(1)<x>-00000091"))
    app = create_app(home / "runs", home / "results")
    with TestClient(app, base_url="http://127.0.0.1") as client:
        told = client.get(f"/api/runs/{quote(strange.name)}")
        page = client.get("/")
    assert told.headers["Content-Type"] == "application/json"
    assert (told.json()["row"]["name"], told.json()["row"]["title"]) == (strange.name, STRANGE)
    assert told.json()["config"]["name"] == STRANGE
    assert STRANGE not in page.text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
