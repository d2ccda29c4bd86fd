from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from example_study import claim, write_claims
from small_run import write_small_run

from phasescope.core.errors import UserError
from phasescope.runs.store.records import condense, merge_records
from phasescope.views.explorer.library import Unknown
from phasescope.views.explorer.studies import Studies, axes_of, runs_of, usual_settings


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """A study of four run folders: two settings, two seeds."""
    home = tmp_path_factory.mktemp("home")
    rows = []
    for dropout in (0.1, 0.3):
        for seed in (1, 2):
            cells = json.dumps([f"dropout={dropout}", "all"])
            found = condense(write_small_run(home / "runs", dropout, seed))
            rows += [{**row, "cells": cells} for row in found]
    merge_records(home / "results" / "example" / "records.parquet", rows)
    return home


@pytest.fixture
def results(written, tmp_path) -> Path:
    return Path(shutil.copytree(written / "results", tmp_path / "results"))


def test_records_become_each_runs_settings_and_history(results, written):
    study = Studies(results).study("example")
    assert len(study["runs"]) == 4
    assert {run["digest"] for run in study["runs"]} == {
        p.name.rpartition("-")[2] for p in (written / "runs").iterdir()
    }
    for run in study["runs"]:
        assert run["step"] == [0, 20, 40]
        assert run["behaviour"] == ["A", "A", "C"]
        assert run["onsets"]["behaviour"] == {"B": 640, "C": 640}
        assert run["onsets"]["representation"] == {"B": None, "C": None}


def test_axes_are_the_settings_that_differ_and_not_the_seed(results):
    axes = Studies(results).study("example")["axes"]
    # the cell divides the runs as the dropout does, so it is no axis of its own
    assert axes == [{"field": "training.label_dropout", "values": [0.1, 0.3]}]


def test_axes_of_fields_that_go_together_are_one_and_numbers_come_in_their_order():
    runs = [
        {
            "settings": {
                "world.design.dx": d,
                "world.design.dy": d,
                "world.sigma_px": sigma,
                "network.kind": "unet",
            }
        }
        for d in (10, 0.5, 2)
        for sigma in (2, 1)
    ]
    assert axes_of(runs) == [
        {"field": "world.design.dx", "values": [0.5, 2, 10]},
        {"field": "world.sigma_px", "values": [1, 2]},
    ]


def test_rows_in_any_order_give_the_same_histories():
    n = 12
    columns = {
        "digest": np.repeat(["a", "b"], n // 2).astype(object),
        "step": np.tile(np.arange(n // 2), 2),
        "images_seen": np.tile(np.arange(n // 2) * 10, 2),
        "phase.behaviour": np.array(["A", "B", None, "C", "C", "C"] * 2, dtype=object),
    }
    shuffled = np.random.default_rng(0).permutation(n)
    found = {
        run["digest"]: run for run in runs_of({name: column[shuffled] for name, column in columns.items()})
    }
    assert found == {run["digest"]: run for run in runs_of(columns)}
    assert found["a"]["behaviour"] == ["A", "B", None, "C", "C", "C"]
    assert found["a"]["onsets"]["behaviour"] == {"B": 10, "C": 30}


def claims(folder: Path, digest: str | None = None) -> None:
    write_claims(folder, [claim("one", "It is so.", "supported", 0.0, (0.4, 0.2, 0.6))], 4, digest)


def test_verdicts_that_rest_on_other_records_are_stale(results):
    folder, studies = results / "example", Studies(results)
    claims(folder)
    fresh = studies.study("example")
    assert fresh["claims"][0]["verdict"] == "supported"
    assert not fresh["stale"]
    assert fresh["amended"] == [
        {"told": "2030-01-02: A slip. (`threshold` was 0.4)", "changed": ["`threshold` was 0.4"]}
    ]
    assert studies.all()[0]["verdicts"] == {"supported": 1, "refuted": 0, "undecided": 0, "not reached": 0}
    claims(folder, "0" * 64)
    assert studies.study("example")["stale"]


def test_a_study_is_read_again_when_its_records_grow(results, tmp_path):
    studies = Studies(results)
    first = studies.study("example")
    assert studies.study("example") is first
    rows = [{**row, "cells": '["more"]'} for row in condense(write_small_run(tmp_path / "more", 0.2, 9))]
    merge_records(results / "example" / "records.parquet", rows)
    assert len(studies.study("example")["runs"]) == 5


@pytest.mark.parametrize(
    "content",
    [
        {"records.parquet": b"no parquet"},
        {"claims.json": b"{"},
        {"claims.json": b"\xff"},
        {"records.parquet": b""},
    ],
)
def test_results_that_cannot_be_read_are_told_and_the_others_shown(results, content):
    broken = results / "broken"
    broken.mkdir()
    for name, body in content.items():
        (broken / name).write_bytes(body)
    studies = Studies(results)
    with pytest.raises(UserError, match="broken"):
        studies.study("broken")
    told = {study["name"]: study for study in studies.all()}
    assert "error" in told["broken"]
    assert told["example"]["runs"] == 4


@pytest.mark.parametrize("name", ["none", "../results/example", "example/"])
def test_a_study_is_looked_up_by_its_name_alone(results, name):
    with pytest.raises(Unknown):
        Studies(results).study(name)


def test_a_field_that_earlier_records_lack_is_no_axis_where_it_is_as_usual():
    columns = {
        "digest": np.array(["a", "b", "c", "d"], dtype=object),
        "step": np.zeros(4, int),
        "images_seen": np.zeros(4, int),
        "config.world.design.kind": np.array(["grid", "grid", "union", "grid"], dtype=object),
        "config.world.design.shuffle": np.array([np.nan, 0.0, np.nan, 3.0]),
    }
    usual = {"config.world.design.kind": "grid", "config.world.design.shuffle": 0}
    told = {run["digest"]: run["settings"]["world.design.shuffle"] for run in runs_of(columns, usual)}
    assert told == {"a": 0, "b": 0, "c": None, "d": 3}
    two = {name: column[:2] for name, column in columns.items()}
    assert all(run["settings"] == {} for run in runs_of(two, usual))
    assert usual_settings()["config.world.design.shuffle"] == 0


def test_a_recorded_run_is_known_by_its_study_and_its_cell(results, written):
    members = Studies(results).members()
    assert {member["study"] for member in members.values()} == {"example"}
    for path in (written / "runs").iterdir():
        digest = path.name.rpartition("-")[2]
        assert members[digest]["cell"] in {f"dropout={dropout} and all" for dropout in (0.1, 0.3)}
    (results / "example" / "records.parquet").write_bytes(b"no parquet")
    assert Studies(results).members() == {}


def test_studies_are_listed_from_their_claims_without_reading_records(results, monkeypatch):
    claims(results / "example")
    monkeypatch.setattr("phasescope.views.explorer.studies._read", lambda _: 1 / 0)
    (listed,) = Studies(results).all()
    assert (listed["name"], listed["runs"], listed["verdicts"]["supported"]) == ("example", 4, 1)
