import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from phasescope.views.explorer.guard import HEADERS, Guard


def client() -> TestClient:
    inner = Starlette(routes=[Route("/{path:path}", lambda request: PlainTextResponse("data"))])
    return TestClient(Guard(inner), base_url="http://127.0.0.1:8421", follow_redirects=False)


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
    ):
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
