from __future__ import annotations

import hmac

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from phasescope.views.explorer import guard
from phasescope.views.explorer.guard import HEADERS, Guard, is_loopback

TOKEN = "correct-horse-battery-staple"


def client(host: str = "127.0.0.1", token: str | None = None, asks_as: str = "127.0.0.1:8421") -> TestClient:
    inner = Starlette(routes=[Route("/{path:path}", lambda request: PlainTextResponse("data"))])
    return TestClient(Guard(inner, host, token), base_url=f"http://{asks_as}", follow_redirects=False)


@pytest.mark.parametrize(
    "name", ["localhost", "127.0.0.1", "localhost:9", "127.0.0.1:8421", "[::1]:8421", "LOCALHOST:1"]
)
def test_this_machine_is_known_at_any_port(name):
    assert client().get("/", headers={"Host": name}).text == "data"


@pytest.mark.parametrize(
    "name",
    ["evil.example", "evil.example:8421", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::1", "192.168.1.4",
     "127.0.0.1@evil.example", "evil.example#localhost", "[::1].evil.example", "0.0.0.0"],
)  # fmt: skip
def test_a_name_that_was_rebound_gets_nothing(name):
    answer = client().get("/", headers={"Host": name})
    assert answer.status_code == 421
    assert "data" not in answer.text


def test_beyond_the_loopback_an_address_is_known_and_a_strange_name_is_not():
    assert client("0.0.0.0").get("/", headers={"Host": "192.168.1.4:8421"}).text == "data"
    assert client("0.0.0.0").get("/", headers={"Host": "evil.example"}).status_code == 421


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_gets_no_data_but_a_link_may_lead_here(site):
    fetched = client().get("/api/runs", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"})
    assert fetched.status_code == 403
    led = client().get("/", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"})
    assert led.text == "data"


def test_every_answer_forbids_what_is_loaded_from_elsewhere():
    for answer in (
        client().get("/"),
        client().get("/", headers={"Host": "evil.example"}),
        client(token=TOKEN).get("/"),
    ):
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": f"Bearer {TOKEN}"}, {"Cookie": "phasescope=" + TOKEN}, {"Cookie": ";;;=;"}],
)  # fmt: skip
def test_without_the_token_there_is_nothing(headers):
    for path in ("/", "/api/runs", "/static/app.js", "/?token=", "/?token=wrong", f"/?Token={TOKEN}"):
        answer = client(token=TOKEN).get(path, headers=headers)
        assert answer.status_code == 401
        assert TOKEN not in answer.text


def test_the_token_in_the_address_becomes_a_cookie_and_leaves_the_address():
    visitor = client(token=TOKEN)
    answer = visitor.get(f"/?a=1&token={TOKEN}")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?a=1")
    assert {"HttpOnly", "SameSite=lax"} <= set(answer.headers["Set-Cookie"].split("; "))
    assert visitor.get("/api/runs").text == "data"


def test_the_way_back_leads_to_no_other_machine():
    for path in ("//evil.example/", "/%5C%5Cevil.example/", "/\\evil.example"):
        location = client(token=TOKEN).get(f"http://127.0.0.1:8421{path}?token={TOKEN}").headers["Location"]
        assert location.startswith("/")
        assert not location.startswith(("//", "/\\"))


def test_tokens_are_compared_in_constant_time(monkeypatch):
    genuine, compared = hmac.compare_digest, []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(other)
        return genuine(one, other)

    monkeypatch.setattr(guard.hmac, "compare_digest", compare)
    assert client(token=TOKEN).get("/?token=wrong").status_code == 401
    assert set(compared) == {TOKEN.encode()}


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("192.168.0.1", False), ("example.org", False)],
)  # fmt: skip
def test_what_is_the_loopback(host, loopback):
    assert is_loopback(host) == loopback
