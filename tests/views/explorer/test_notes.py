"""Notes and tags are read by everybody, and written by this page alone, where the explorer was started to write."""

from __future__ import annotations

import json

import pytest
from small_run import write_small_run
from starlette.testclient import TestClient

from phasescope.errors import UserError
from phasescope.store import Run
from phasescope.store.archive import KEPT
from phasescope.store.notes import FILE, MOST_BYTES, Notes, read_notes, write_notes
from phasescope.views.explorer.server import create_app

OWN = {"Origin": "http://127.0.0.1", "Content-Type": "application/json"}
TOKEN = "correct-horse-battery-staple"


@pytest.fixture
def run(tmp_path) -> Run:
    return write_small_run(tmp_path / "runs")


def client(run: Run, writes: bool = True, token: str | None = None) -> TestClient:
    app = create_app(run.path.parent, run.path.parent.parent, token=token, writes=writes)
    return TestClient(app, base_url="http://127.0.0.1")


def sent(run: Run, **told) -> dict:
    return {"text": "It learns late.", "tags": ["late"], "seen": read_notes(run.path).mark, **told}


def put(asking: TestClient, run: Run, body, **headers):
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    return asking.put(f"/api/runs/{run.name}/notes", content=content, headers={**OWN, **headers})


def test_what_is_written_is_read_again_and_is_no_part_of_the_run(run):
    with client(run) as asking:
        before = asking.get(f"/api/runs/{run.name}").json()
        nothing = asking.get(f"/api/runs/{run.name}/notes").json()
        answer = put(asking, run, sent(run, tags=["Late", "late", "p1.x"]))
        assert answer.status_code == 200, answer.text
        found = asking.get(f"/api/runs/{run.name}/notes").json()
        after = asking.get(f"/api/runs/{run.name}").json()
    assert (nothing["text"], nothing["tags"], nothing["writes"]) == ("", [], True)
    assert (found["text"], found["tags"]) == ("It learns late.", ["late", "p1.x"])
    assert (before["row"]["tags"], after["row"]["tags"]) == ([], ["late", "p1.x"])
    for told in (before, after):
        del told["row"]
    assert before == after
    assert run.path.name == Run(run.path).name
    assert FILE in KEPT, "they go with the run into an archive"
    assert not list(run.path.glob(".*.aside"))


def test_who_has_not_seen_the_last_notes_overwrites_none(run):
    with client(run) as asking:
        first = sent(run)
        assert put(asking, run, first).status_code == 200
        late = put(asking, run, {**first, "text": "Another hand's."})
    assert late.status_code == 400
    assert "changed since" in late.json()["error"]
    assert read_notes(run.path).text == "It learns late."


def test_without_the_write_mode_they_are_read_alone(run):
    write_notes(run.path, Notes(text="Read me."), Notes().mark)
    with client(run, writes=False) as asking:
        answer = put(asking, run, sent(run))
        found = asking.get(f"/api/runs/{run.name}/notes").json()
    assert answer.status_code == 403
    assert "--write" in answer.json()["error"]
    assert (found["text"], found["writes"]) == ("Read me.", False)


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": ""}, {"Origin": "http://127.0.0.1:9"},
     {"Origin": "http://127.0.0.1.evil.example"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "cross-site"},
     {"Sec-Fetch-Site": "none"}, {"Content-Type": "text/plain"}, {"Content-Type": ""}, {"Host": "evil.example"}],
)  # fmt: skip
def test_another_sites_page_and_a_form_write_nothing(run, headers):
    with client(run) as asking:
        answer = put(asking, run, sent(run), **headers)
    assert answer.status_code in (403, 415, 421)
    assert not (run.path / FILE).exists()


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_but_put_writes_and_put_writes_nothing_but_notes(run, method):
    with client(run) as asking:
        assert asking.request(method, f"/api/runs/{run.name}/notes", headers=OWN).status_code == 405
        for path in (
            "/",
            "/api/runs",
            f"/api/runs/{run.name}",
            f"/api/runs/{run.name}/paint",
            "/static/app.js",
        ):
            assert asking.put(path, content="{}", headers=OWN).status_code == 405


def test_the_token_is_asked_for_as_everywhere(run):
    with client(run, token=TOKEN) as asking:
        assert put(asking, run, sent(run)).status_code == 401
        assert put(asking, run, sent(run), Authorization=f"Bearer {TOKEN}").status_code == 200


@pytest.mark.some(8)
@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", "1", "nan", '{"text": NaN}', b"\xff\xfe", "[" * 20_000, '{"text": 1}', '{"tags": "late"}',
     '{"tags": [1]}', '{"tags": ["two words"]}', '{"tags": ["<script>"]}', '{"tags": [""]}', '{"tags": ["../x"]}',
     '{"path": "/etc/passwd"}', '{"text": "\\u0000"}', '{"text": "\\u202e"}', '{"text": "\\ud800"}', '{"seen": {}}',
     json.dumps({"text": "a" * 20_001}), json.dumps({"tags": [f"t{i}" for i in range(17)]}),
     json.dumps({"tags": ["a" * 41]}), json.dumps({"text": "a" * MOST_BYTES})],
)  # fmt: skip
def test_what_are_no_notes_is_refused_in_a_line_and_changes_nothing(run, body):
    write_notes(run.path, Notes(text="There."), Notes().mark)
    with client(run) as asking:
        answer = put(asking, run, body)
    assert answer.status_code == 400
    told = answer.json()["error"]
    assert told
    assert "\n" not in told
    assert len(told) < 600
    assert read_notes(run.path) == Notes(text="There.")


@pytest.mark.parametrize("damage", [b"{", b"[]", b'{"text": 3}', b"x" * (MOST_BYTES + 1)])
def test_a_file_that_holds_no_notes_is_told_and_not_overwritten(run, damage):
    (run.path / FILE).write_bytes(damage)
    with client(run) as asking:
        row = asking.get(f"/api/runs/{run.name}").json()["row"]
        read = asking.get(f"/api/runs/{run.name}/notes")
        answer = put(asking, run, {"text": "", "seen": Notes().mark})
    assert row["state"] == "done"
    assert row["tags"] == []
    for told in (read, answer):
        assert told.status_code == 400
        assert FILE in told.json()["error"]
        assert str(run.path.parent) not in told.json()["error"]
    assert (run.path / FILE).read_bytes() == damage


def test_a_link_out_of_the_folder_is_neither_read_nor_written_through(run, tmp_path):
    outside = tmp_path / "outside.json"
    outside.write_text('{"text": "secret"}')
    (run.path / FILE).symlink_to(outside)
    with client(run) as asking:
        for answer in (asking.get(f"/api/runs/{run.name}/notes"), put(asking, run, {"seen": Notes().mark})):
            assert answer.status_code == 400
            assert "secret" not in answer.text
    assert outside.read_text() == '{"text": "secret"}'


def test_a_folder_that_cannot_be_written_says_so(run, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("phasescope.store.notes.write_aside", full)
    with pytest.raises(UserError, match=r"cannot be written: No space left"):
        write_notes(run.path, Notes(text="x"), Notes().mark)
