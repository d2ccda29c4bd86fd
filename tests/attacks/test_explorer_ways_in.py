"""Who gets in, and by which way: what cannot be a way is refused in a line, and pages of other sites get nothing."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from phasescope.cli import main
from phasescope.views.explorer.guard import Guard

PAINT = "/api/runs/small-01234567/paint?label=2,3"


def visitor() -> TestClient:
    inner = Starlette(routes=[Route("/{path:path}", lambda request: PlainTextResponse("data"))])
    return TestClient(Guard(inner), base_url="http://127.0.0.1:8421", follow_redirects=False)


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


def test_no_page_may_frame_this_one():
    policy = visitor().get("/").headers["Content-Security-Policy"]
    assert {"frame-ancestors 'none'", "default-src 'none'", "script-src 'self'"} <= set(policy.split("; "))


def test_runs_that_are_no_folder_are_named(tmp_path: Path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["explore", "--runs", str(tmp_path / "file")]) == 2
    assert "`--runs`" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["70000", "-1", "9" * 30])
def test_a_port_that_cannot_be_is_the_users_mistake(port, tmp_path, capsys):
    assert main(["explore", "--runs", str(tmp_path), f"--port={port}"]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert "--port" in err
