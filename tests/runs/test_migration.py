"""Runs and records of former times, carried over: as they were, under the identity of what they learnt, once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from tiny import contents

from phasescope.cli import main
from phasescope.errors import UserError
from phasescope.runs.config import RunConfig
from phasescope.store import Run, hold, list_runs
from phasescope.store.records import merge_records, read_estimators, read_records
from phasescope.store.tables import safetensors_bytes, write_parquet
from phasescope.studies.core.records import RECORDS
from tools import migrate
from tools.migrate import migrate_records, migrate_runs, recorded_trees, todays_tree

FORMER = Path(__file__).with_name("former") / "small-04619e3a"
RESULTS = Path(__file__).parents[2] / "results"
TREE = yaml.safe_load((FORMER / "config.yaml").read_text())
LABELS = np.array([[3.0, 31.0], [7.5, 8.25], [1.0, 2.0]], np.float32)
ON_GRID = np.array([True, False, True])
WEIGHTS = {"stem.weight": np.arange(6, dtype=np.float32)}


@pytest.fixture
def runs(tmp_path):
    """A folder with the former run, a snapshot and a checkpoint in it."""
    path = tmp_path / "runs" / FORMER.name
    shutil.copytree(FORMER, path)
    snapshot = path / "snapshots" / "00003500"
    snapshot.mkdir(parents=True)
    images = np.zeros((3, 32, 32), np.float16)
    np.savez(snapshot / "samples.npz", images=images, labels=LABELS, on_grid=ON_GRID)
    np.savez(snapshot / "latents.npz", **{"labels": LABELS, "latents/mid/600": np.ones((3, 4), np.float16)})
    read = {"x": np.array([3.25, np.nan, 1.0]), "y": np.array([30.0, np.nan, 2.0])}
    columns = {
        "label_x": LABELS[:, 0], "label_y": LABELS[:, 1], "on_grid": ON_GRID,
        "outcome": np.array(["correct", "none", "correct"]), "bumps": np.array([1, 0, 1]), **read,
        "error_px": np.array([1.03, np.nan, 0.0]),
    }  # fmt: skip
    write_parquet(snapshot / "reading.parquet", columns)
    (snapshot / "weights.safetensors").write_bytes(safetensors_bytes(WEIGHTS))
    with hold(path, TREE) as writer:
        writer.write_checkpoint(
            WEIGHTS, {"run": "04619e3a", "step": 3500, "losses": [0.5], "spent": {}, "started": "then"}
        )
    return tmp_path / "runs"


def the_run(runs: Path) -> Run:
    (run,) = list_runs(runs)
    return run


def whole_of(runs: Path) -> dict[str, object]:
    """Every file by its bytes, the checkpoint by what it says: the order of its header is chance."""
    run = the_run(runs)
    with hold(run.path, run.config) as writer:
        tensors, state = writer.read_checkpoint() or ({}, {})
    files = {name: told for name, told in contents(run.path).items() if not name.startswith("checkpoint/")}
    return {**files, "tensors": {name: array.tobytes() for name, array in tensors.items()}, "state": state}


def test_fields_are_said_in_todays_words_and_what_came_later_has_its_default():
    config = RunConfig.of(todays_tree(TREE))
    assert config.probing.images == {"grid": 128, "off_grid": 128}
    assert (config.training.compile, config.network.tree()["coordinates"]) == (False, False)
    assert todays_tree(config.tree()) == config.tree()


def test_a_run_is_carried_over_as_it_was(runs, capsys):
    told: list[tuple[str, str]] = []
    assert migrate_runs(runs, lambda *names: told.append(names)) == 1
    run, config = the_run(runs), RunConfig.of(todays_tree(TREE))
    assert told == [(FORMER.name, config.folder)]
    assert run.name == config.folder != FORMER.name
    assert RunConfig.of(run.config) == config
    former = [json.loads(line) for line in (FORMER / "metrics.jsonl").read_text().splitlines()]
    for now, before in zip(run.metrics, former, strict=True):
        for measure in (
            "order",
            "label_share",
            "label_dimension",
            "trustworthiness",
            "participation_ratio",
            "p1_order",
        ):
            told_before = {
                f"{tap}.{t}": score for tap, by_t in before[measure].items() for t, score in by_t.items()
            }
            assert now[measure] == told_before
        assert now["accuracy"]["grid"]["joint"] == before["accuracy"]["grid"]["xy"]
        assert now["denoising"] == before["denoising"]
        assert now["loss"] == before["loss"]
    references = json.loads((FORMER / "references.json").read_text())
    assert run.references is not None
    assert run.references["family"]["unconditional"] == references["unconditional"]
    for tap in ("down3", "mid"):
        assert (
            run.references["scores"]["order"]["pixels"][f"{tap}.50"]
            == references["scores"]["order"]["pixels"]["50"]
        )
    assert run.status["summary"]["places"] == {"representation": "mid.600", "representation_p1": "down3.600"}
    assert run.about["factors"][0]["name"] == "x"
    assert main(["show", str(run.path)]) == 0
    assert "step 3,500/3,500" in capsys.readouterr().out


def test_its_snapshots_and_its_checkpoint_go_with_it(runs):
    migrate_runs(runs)
    run = the_run(runs)
    (snapshot,) = run.snapshots
    samples, readings = snapshot.samples(), snapshot.readings()
    assert samples["images"].shape == (3, 1, 32, 32)
    assert samples["split"].tolist() == readings["split"].tolist() == ["grid", "off_grid", "grid"]
    np.testing.assert_allclose(readings["error_x"], [0.25, np.nan, 0.0])
    np.testing.assert_allclose(readings["error_y"], [-1.0, np.nan, 0.0])
    assert readings["outcome"].tolist() == ["correct", "none", "correct"]
    assert snapshot.latents("mid", 600).tolist() == np.ones((3, 4)).tolist()
    assert snapshot.weights()["stem.weight"].tobytes() == WEIGHTS["stem.weight"].tobytes()
    with hold(run.path, run.config) as writer:
        found = writer.read_checkpoint()
    assert found is not None
    assert found[1]["run"] == run.identity
    assert found[1]["step"] == 3500


def test_what_is_carried_over_stays_as_it_is(runs):
    assert migrate_runs(runs) == 1
    before = contents(runs)
    assert migrate_runs(runs) == 0
    assert contents(runs) == before


POINTS = ("write_aside", "about", "_snapshot", "_checkpoint", "_remove", "rename", "rmtree")


@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_nothing_is_lost_and_it_goes_on(point, runs, monkeypatch, tmp_path):
    whole = tmp_path / "whole"
    shutil.copytree(runs, whole)
    migrate_runs(whole)

    def killed(*arguments, **keywords):
        raise KeyboardInterrupt

    where = {"rename": Path, "rmtree": migrate.shutil}.get(point, migrate)
    with monkeypatch.context() as patch:
        patch.setattr(where, point, killed)
        with pytest.raises(KeyboardInterrupt):
            migrate_runs(runs)
    names = {run.name for run in list_runs(runs)}
    assert names <= {FORMER.name, the_run(whole).name}
    assert names
    migrate_runs(runs)
    assert whole_of(runs) == whole_of(whole)
    assert [path.name for path in runs.iterdir()] == [the_run(whole).name]


def test_two_runs_that_learnt_the_same_are_both_kept(runs):
    twin = runs / "small-twin"
    shutil.copytree(runs / FORMER.name, twin)
    lines = (twin / "metrics.jsonl").read_text().splitlines(keepends=True)
    (twin / "metrics.jsonl").write_text(lines[0])
    with pytest.raises(UserError, match=r"must not be there: `.*small-twin` is to have that name"):
        migrate_runs(runs)
    assert len(list_runs(runs)) == 2
    assert (twin / "metrics.jsonl").read_text() == lines[0]


def test_a_run_that_is_being_written_is_left_alone(runs):
    before = contents(runs)
    with (
        hold(runs / FORMER.name, TREE),
        pytest.raises(UserError, match="is being written by another process"),
    ):
        migrate_runs(runs)
    assert contents(runs) == before


def leaves(tree, path="config"):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}.{name}")
        else:
            yield f"{path}.{name}", json.dumps(value) if isinstance(value, list) else value


@pytest.fixture
def records(tmp_path):
    """Records of two former runs that differ in their seed."""
    path = tmp_path / "results" / "made" / RECORDS
    rows = [
        {
            "digest": f"0000000{seed}", "name": "small", "seed": seed, "step": step, "images_seen": 64 * step,
            **dict(leaves({**TREE, "seed": seed})), "cells": '["eps"]', "accuracy.grid.xy": 0.1 + seed + step,
            "order.mid.600.value": 1 / (3 + seed + step), "order.mid.600.estimator": "ridge", "phase.behaviour": "A",
        }
        for seed in (0, 1)
        for step in (0, 100)
    ]  # fmt: skip
    merge_records(path, rows)
    return path


def test_records_get_the_identities_of_their_runs_and_keep_all_else(records):
    before = read_records(records).set_index(["seed", "step"]).sort_index()
    assert migrate_records(records) == 2
    now = read_records(records).set_index(["seed", "step"]).sort_index()
    for seed in (0, 1):
        digest = RunConfig.of(todays_tree({**TREE, "seed": seed})).digest()
        assert set(now.loc[seed]["digest"]) == {digest}
    assert (now["accuracy.grid.joint"] == before["accuracy.grid.xy"]).all()
    assert (now["order.mid.600.value"] == before["order.mid.600.value"]).all()
    assert (now["config.probing.images.grid"] == 128).all()
    renamed = {"accuracy.grid.xy", "config.probing.grid_labels", "config.probing.off_grid_labels", "digest"}
    for name in set(before.columns) - renamed:
        assert now[name].equals(before[name]), name
    assert len(now.columns) == len(before.columns)
    assert read_estimators(records) == {"order.mid.600": ["ridge"]}
    content = records.read_bytes()
    assert migrate_records(records) == 0
    assert records.read_bytes() == content
    assert not list(records.parent.glob(".*"))


def test_records_of_which_the_writing_was_killed_are_whole(records, monkeypatch):
    from phasescope.store import records as store

    before = records.read_bytes()

    def killed(path, content):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_aside", killed)
        with pytest.raises(KeyboardInterrupt):
            migrate_records(records)
    assert records.read_bytes() == before
    assert migrate_records(records) == 2


def test_records_of_two_runs_that_learnt_the_same_are_refused(records):
    first = read_records(records).to_dict("records")[0]
    row = {str(name): value for name, value in first.items() if value == value}
    merge_records(records, [{**row, "digest": "another0"}])
    before = records.read_bytes()
    with pytest.raises(UserError, match="must hold each run once"):
        migrate_records(records)
    assert records.read_bytes() == before


@pytest.mark.some(5)
@pytest.mark.parametrize("path", sorted(RESULTS.glob(f"*/{RECORDS}")), ids=lambda path: path.parent.name)
def test_shipped_records_have_the_identities_of_their_runs(path):
    for digest, tree in recorded_trees(path).items():
        assert RunConfig.of(tree).digest() == digest


@pytest.mark.parametrize("folder", sorted(RESULTS.glob("small/small-*")), ids=lambda folder: folder.name)
def test_shipped_runs_are_shown(folder, capsys):
    assert RunConfig.of(Run(folder).config).folder == folder.name
    assert main(["show", str(folder), "--json"]) == 0
    assert folder.name in capsys.readouterr().out
