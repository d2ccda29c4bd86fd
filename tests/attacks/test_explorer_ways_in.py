"""Who gets in, and by which way: what cannot be a way is refused in a line, and pages of other sites get nothing."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from helpers.explored import explorer
from phasescope.cli import main

GENERATE = "/api/runs/small-01234567/generate?label=2,3"


REFUSED = (403, 421)


@pytest.fixture(scope="module")
def visitor(tmp_path_factory) -> Iterator[TestClient]:
    with explorer(tmp_path_factory.mktemp("runs")) as client:
        yield client


DESTINATIONS = (
    "document", "iframe", "frame", "fencedframe", "embed", "object", "image", "script", "style", "font", "audio", "video",
    "track", "worker", "sharedworker", "serviceworker", "manifest", "report", "empty", "",
)  # fmt: skip


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_of_another_sites_page_a_link_to_the_page_leads_here_and_nothing_else(site, visitor):
    let_in = [
        (mode, to, path)
        for mode, to, path in product(
            ("navigate", "nested-navigate", "no-cors", "cors", "same-origin", "websocket", ""),
            DESTINATIONS,
            ("/", GENERATE, "/api/runs", "/static/app.js"),
        )
        if visitor.get(
            path, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": to}
        ).status_code != 403
    ]  # fmt: skip
    assert let_in == [("navigate", "document", "/")]


@pytest.mark.parametrize("path", ["/", GENERATE, "/api/runs", "/static/app.js"])
@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
     {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
     {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}],
)  # fmt: skip
def test_the_address_bar_the_page_itself_and_who_sends_no_such_headers_get_everything(path, headers, visitor):
    assert visitor.get(path, headers=headers).status_code not in REFUSED


@pytest.mark.parametrize(
    "name", ["localhost", "127.0.0.1", "localhost:9", "127.0.0.1:8421", "[::1]:8421", "LOCALHOST:1"]
)
def test_this_machine_is_known_at_any_port(name, visitor):
    assert visitor.get("/", headers={"Host": name}).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["evil.example", "evil.example:8421", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::1", "192.168.1.4",
     "127.0.0.1@evil.example", "evil.example#localhost", "127.0.0.1:1@evil.example", "localhost:a",
     "[::1]:1@evil.example", "[::1].evil.example", "0.0.0.0"],
)  # fmt: skip
def test_a_name_that_was_rebound_gets_nothing(name, visitor):
    answer = visitor.get("/", headers={"Host": name})
    assert (answer.status_code, answer.text) == (421, "`Host` must name this machine\n")


def test_every_answer_forbids_what_is_loaded_from_elsewhere_and_frames(visitor):
    for answer in (visitor.get("/"), visitor.get("/", headers={"Host": "evil.example"})):
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        policy = set(answer.headers["Content-Security-Policy"].split("; "))
        assert {"frame-ancestors 'none'", "default-src 'none'", "script-src 'self'"} <= policy


def test_runs_that_are_no_folder_are_named(tmp_path: Path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["explore", "--runs", str(tmp_path / "file")]) == 2
    assert "for --runs" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["70000", "-1", "9" * 30])
def test_a_port_that_cannot_be_is_the_users_mistake(port, tmp_path, capsys):
    assert main(["explore", "--runs", str(tmp_path), f"--port={port}"]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert "--port" in err
