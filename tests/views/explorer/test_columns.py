"""What can be a column of the table of runs: any field, and any number of the last snapshot."""

from __future__ import annotations

import json

import pytest
from small_run import write_small_run
from starlette.testclient import TestClient

from phasescope.runs.store.metrics import FIRST_READ, read_last
from phasescope.views.explorer.server import MOST_COLUMNS, create_app


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    for seed in (1, 2):
        write_small_run(runs, seed=seed)
    return runs


@pytest.fixture(scope="module")
def client(runs):
    with TestClient(create_app(runs, runs), base_url="http://127.0.0.1") as client:
        while client.get("/api/runs").json()["pending"] or not client.get("/api/runs").json()["rows"]:
            pass
        yield client


def test_fields_come_with_their_defaults_and_metrics_as_the_last_snapshot_has_them(client, runs):
    found = client.get("/api/columns?metric=loss&metric=outcomes.grid.correct&metric=nowhere").json()
    assert found["fields"]["training.batch"] == 64
    assert {"name", "seed"}.isdisjoint(found["fields"])
    assert {"step", "loss", "order.mid.10.value", "order.mid.10.nulls.permuted"} <= set(found["metrics"])
    assert not any(name.endswith((".low", ".high", ".n")) for name in found["metrics"])
    assert found["values"] == {path.name: [0.1, 0.25, None] for path in runs.iterdir()}
    assert client.get("/api/columns").json()["values"] == {}


def test_no_more_are_told_than_a_table_shows(client):
    many = "&".join(["metric=loss"] * (MOST_COLUMNS + 1))
    assert client.get(f"/api/columns?{many}").status_code == 400


@pytest.mark.parametrize("end", [b"", b'{"step": 9, "ima', b"null", b'{"step": 1e9999}'])
def test_the_last_whole_line_is_read_and_a_torn_one_is_none(tmp_path, end):
    path, lines = (
        tmp_path / "metrics.jsonl",
        [{"step": step, "images_seen": step, "loss": 0.5} for step in (0, 4)],
    )
    path.write_bytes("".join(json.dumps(line) + "\n" for line in lines).encode() + end)
    assert read_last(path) == lines[-1]


def test_a_long_last_line_is_read_whole(tmp_path):
    path = tmp_path / "metrics.jsonl"
    for size in (100, FIRST_READ - 40, FIRST_READ, 5 * FIRST_READ):
        lines = [{"step": step, "text": "x" * size} for step in (0, 1)]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        assert read_last(path) == lines[-1]


def test_a_file_without_a_whole_line_has_no_last_one(tmp_path):
    assert read_last(tmp_path / "none.jsonl") is None
    (tmp_path / "metrics.jsonl").write_bytes(b'{"step": 1')
    assert read_last(tmp_path / "metrics.jsonl") is None
