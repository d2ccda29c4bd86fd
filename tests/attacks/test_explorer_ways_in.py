"""Who gets in, and by which way: what cannot be a way is refused in a line, and pages of other sites get nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import product
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from phasescope.cli import main
from phasescope.core.errors import UserError
from phasescope.views.explorer.guard import Guard
from phasescope.views.explorer.serve import LEAST_TOKEN, bind, token_for

TOKEN = "correct-horse-battery-staple"
PAINT = "/api/runs/small-01234567/paint?label=2,3"


def visitor(token: str | None = None, host: str = "127.0.0.1") -> TestClient:
    inner = Starlette(routes=[Route("/{path:path}", lambda request: PlainTextResponse("data"))])
    return TestClient(Guard(inner, host, token), base_url="http://127.0.0.1:8421", follow_redirects=False)


def why(work: Callable[[], object]) -> str:
    """What a UserError says of it; empty where there is none."""
    try:
        work()
    except UserError as error:
        return str(error)
    return ""


DESTINATIONS = (
    "document", "iframe", "frame", "fencedframe", "embed", "object", "image", "script", "style", "font", "audio", "video",
    "track", "worker", "sharedworker", "serviceworker", "manifest", "report", "empty", "",
)  # fmt: skip


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_of_another_sites_page_a_link_to_the_page_leads_here_and_nothing_else(site):
    with visitor() as asked:
        let_in = [
            (mode, to, path)
            for mode, to, path in product(
                ("navigate", "nested-navigate", "no-cors", "cors", "same-origin", "websocket", ""),
                DESTINATIONS,
                ("/", PAINT, "/api/runs", "/api/events", "/static/app.js"),
            )
            if asked.get(
                path, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": to}
            ).text == "data"
        ]  # fmt: skip
    assert let_in == [("navigate", "document", "/")]


@pytest.mark.parametrize("path", ["/", PAINT, "/api/runs", "/static/app.js"])
@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
     {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
     {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}],
)  # fmt: skip
def test_the_address_bar_the_page_itself_and_who_sends_no_such_headers_get_everything(path, headers):
    assert visitor().get(path, headers=headers).text == "data"


def test_a_link_with_the_token_leads_in_from_anywhere():
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    asked = visitor(TOKEN)
    assert asked.get(f"/?token={TOKEN}", headers=link).status_code == 303
    assert asked.get("/", headers=link).text == "data"
    framed = {**link, "Sec-Fetch-Dest": "iframe"}
    assert asked.get(f"/?token={TOKEN}", headers=framed).status_code == 403


def test_no_page_may_frame_this_one():
    policy = visitor().get("/").headers["Content-Security-Policy"]
    assert {"frame-ancestors 'none'", "default-src 'none'", "script-src 'self'"} <= set(policy.split("; "))


@given(st.one_of(st.text(max_size=60), st.text(st.characters(max_codepoint=127), min_size=LEAST_TOKEN)))
def test_a_token_is_refused_in_a_line_or_leads_in_by_each_way(token):
    refused = why(lambda: token_for("127.0.0.1", token))
    if refused:
        assert refused.startswith("`--token` must")
        assert "\n" not in refused
        return
    asked = visitor(token, "0.0.0.0")
    assert asked.get(f"/?token={quote(token, safe='')}").status_code == 303
    assert asked.get("/").text == "data"
    assert visitor(token, "0.0.0.0").get("/").status_code == 401


@given(st.binary(min_size=1, max_size=60))
def test_nothing_but_the_token_leads_in(given):
    text = given.decode("latin-1")
    with visitor(TOKEN) as asked:
        for name, value in product(
            ("Authorization", "Cookie"), (text, f"Bearer {text}", f"phasescope_0={text}")
        ):
            answer = asked.get("/", headers=[(name.encode(), value.encode("latin-1"))])
            assert answer.status_code == 401
        assert asked.get(f"/?token={quote(given)}").status_code == 401


BAD_ADDRESSES = [
    ("--host", "a..b"), ("--host", ""), ("--host", "x" * 70), ("--host", "no such\nhost"), ("--host", "203.0.113.7"),
    ("--host", "http://127.0.0.1"), ("--port", "70000"), ("--port", "-1"), ("--port", "9" * 30),
    ("--token", "\u043f\u0430\u0440\u043e\u043b\u044c-" * 4), ("--token", "0123456789"),
    ("--token", "with spaces between words"), ("--token", "a\u00e9" * 20),
    ("--token", "line\nbreaks-are-no-token"), ("--token", "\udcff" * 20),
]  # fmt: skip


@pytest.mark.parametrize(("flag", "value"), BAD_ADDRESSES)
def test_an_address_or_a_token_that_cannot_be_is_the_users_mistake(flag, value, tmp_path, capsys):
    assert main(["explore", "--runs", str(tmp_path), f"{flag}={value}"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert flag in told.err
    assert len(told.err.splitlines()) == 1
    if flag == "--token":
        assert value not in told.err, "a secret is not shown"


def test_runs_that_are_no_folder_are_named(tmp_path: Path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["explore", "--runs", str(tmp_path / "file")]) == 2
    assert "`--runs`" in capsys.readouterr().err


@given(st.text(max_size=20), st.integers(-(2**70), 2**70))
def test_a_host_that_is_none_is_refused_in_a_line(host, port):
    assert len(why(lambda: bind(f"{host}\x01..invalid", port).close()).splitlines()) == 1


def test_a_printed_address_is_one(tmp_path, capsys, monkeypatch):
    """With each sign of ASCII that a token may have; what is served is not of interest here."""
    from contextlib import contextmanager

    from phasescope.views.explorer import serve as serving_room

    token = "".join(map(chr, range(33, 127)))

    @contextmanager
    def served(runs, results, host, port, token):
        yield f"http://{host}:1", threading.Thread()  # which never ran, as if the server had ended

    monkeypatch.setattr(serving_room, "serving", served)
    monkeypatch.setattr(serving_room.signal, "signal", lambda *_: None)
    assert main(["explore", "--runs", str(tmp_path), f"--token={token}"]) == 1
    address = capsys.readouterr().out.split()[0]
    assert urlsplit(address).fragment == ""
    assert visitor(token).get(address.removeprefix("http://127.0.0.1:1")).status_code == 303
