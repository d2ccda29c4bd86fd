"""Records: whole, exact, keyed, merged in any order to the same file, and neither lost nor torn by whoever dies."""

import json
import math
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from helpers.made_runs import STEPS, make_run, metrics_at
from phasescope import UserError, load_config
from phasescope.runs.store.records import COST_COLUMNS, condense, is_result, merge_records, read_records


def test_every_leaf_of_configuration_and_metrics_comes_back_exactly(tmp_path: Path):
    run = make_run(tmp_path, "seed=3", "world.sigma_px=2")
    merge_records(tmp_path / "r.parquet", condense(run))
    frame = read_records(tmp_path / "r.parquet")
    config = load_config(overrides=["seed=3", "world.sigma_px=2"])
    assert frame["step"].tolist() == list(STEPS)
    assert set(frame["digest"]) == {config.digest()}
    assert set(frame["config.world.sigma_px"]) == {2.0}
    assert [json.loads(text) for text in frame["config.network.widths"]] == [
        list(config.network.widths)
    ] * len(STEPS)
    assert frame["config.training.threads"].isna().all()
    for row, step in zip(frame.to_dict("records"), STEPS, strict=True):
        whole = metrics_at(step, 3)
        assert row["outcomes.grid.correct"] == whole["outcomes"]["grid"]["correct"]
        order = whole["probe_r2"]["mid.600"]
        for name in ("value", "low", "high", "n"):
            assert row[f"probe_r2.mid.600.{name}"] == order[name]
        assert row["probe_r2.mid.600.baselines.untrained"] == order["baselines"]["untrained"]
        assert row["probe_r2.mid.600.detail.x"] == order["detail"]["x"]
        assert math.isnan(row["error_px.grid"])
        assert row["denoising.11.network"] == whole["denoising"][11]["network"]
        assert row["phase.behaviour"] == whole["phase"]["behaviour"]
        assert row["wall_s"] == whole["wall_s"]
    assert frame["loss"].isna().tolist() == [True, False, False]
    assert not [name for name in frame.columns if name.endswith("estimator")]


@pytest.mark.parametrize(
    "words",
    [(), ("preset=fast",), ("preset=paper", "training.optimiser.kind=muon", "training.optimiser.lr=1e-5")],
)
def test_the_digest_is_the_identity_of_what_is_learnt(words: tuple[str, ...], tmp_path):
    observed = load_config(overrides=[*words, "name=other", "probing.bands=3", "training.threads=2"])
    rows = condense(make_run(tmp_path, *words))
    assert {row["digest"] for row in rows} == {observed.digest()}


def test_merged_in_any_order_and_again_the_bytes_are_the_same(tmp_path: Path):
    runs = [make_run(tmp_path, f"seed={seed}") for seed in range(3)]
    runs.append(make_run(tmp_path, "training.optimiser.kind=muon", "training.threads=2"))
    chance = random.Random(0)
    contents = set()
    for trial in range(4):
        path = tmp_path / f"{trial}.parquet"
        chance.shuffle(runs)
        for run in [*runs, runs[0]]:
            merge_records(path, condense(run))
        contents.add(path.read_bytes())
    assert len(contents) == 1
    frame = read_records(tmp_path / "0.parquet")
    assert len(frame) == len(runs) * len(STEPS)
    assert not frame.duplicated(["digest", "step"]).any()
    assert list(zip(frame["digest"], frame["step"], strict=True)) == sorted(
        zip(frame["digest"], frame["step"], strict=True)
    )
    threads = frame.groupby("digest")["config.training.threads"].first()
    assert sorted(threads.dropna()) == [2.0]
    assert set(frame["digest"]) == {run.identity for run in runs}


def test_a_further_reading_is_merged_beside_what_is_there(tmp_path: Path):
    path = tmp_path / "r.parquet"
    run, other = (make_run(tmp_path, f"seed={seed}") for seed in (0, 1))
    digest = run.name.rpartition("-")[2]
    merge_records(path, condense(run))
    before = read_records(path)
    merge_records(path, [{"digest": digest, "step": 10, "torus.loops": 2, "torus.estimator": "ripser"}])
    merge_records(path, condense(other))
    merge_records(path, condense(run))
    frame = read_records(path)
    loops = frame.set_index(["digest", "step"])["torus.loops"]
    assert loops[digest, 10] == 2
    assert loops.isna().sum() == 2 * len(STEPS) - 1
    mine = frame[frame["digest"] == digest].reset_index(drop=True)
    assert mine[before.columns].equals(before)


def test_a_column_that_holds_more_kinds_of_values_loses_none(tmp_path: Path):
    path = tmp_path / "r.parquet"
    key = {"digest": "d", "images_seen": 1}
    merge_records(path, [{**key, "step": 0, "a": 1, "b": None, "c": True}])
    merge_records(path, [{**key, "step": 1, "a": 0.5, "b": "word", "c": "neither"}])
    frame = read_records(path)
    assert frame["a"].tolist() == [1.0, 0.5]
    assert frame["b"].isna().tolist() == [True, False]
    assert frame["b"][1] == "word"
    assert [str(value).lower() for value in frame["c"]] == ["true", "neither"]


def test_what_differs_between_machines_is_no_result(tmp_path: Path):
    columns = set(condense(make_run(tmp_path))[0])
    differing = {name for name in columns if not is_result(name)}
    assert differing == {
        *COST_COLUMNS, "host.name", "host.cpu", "host.cores", "threads", "device", "git_commit", "versions",
        "started", "updated",
    }  # fmt: skip
    assert not is_result("torus.wall_s")
    assert is_result("config.training.threads")
    assert is_result("torus.wall")


def test_a_done_run_without_its_last_metrics_is_not_recorded(tmp_path: Path):
    run = make_run(tmp_path)
    lines = (run.path / "metrics.jsonl").read_text().splitlines()
    (run.path / "metrics.jsonl").write_text("\n".join(lines[:-1]))
    with pytest.raises(UserError, match="metrics of all its snapshots"):
        condense(run)


def test_bad_input_is_refused_and_the_file_stays(tmp_path: Path):
    path = tmp_path / "r.parquet"
    rows = condense(make_run(tmp_path))
    merge_records(path, rows)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="must have `digest` and `step`"):
        merge_records(path, [{"digest": "a", "images_seen": 3}])
    with pytest.raises(ValueError, match=r"\(=a, step 5\) must be of a recorded run"):
        merge_records(path, [{"digest": "a", "step": 5, "torus.loops": 2}])
    assert path.read_bytes() == before
    garbage = tmp_path / "garbage.parquet"
    garbage.write_bytes(b"PAR1 and nothing more")
    for read in (read_records, lambda file: merge_records(file, rows)):
        with pytest.raises(UserError, match="must be a Parquet file of records"):
            read(garbage)
    assert garbage.read_bytes() == b"PAR1 and nothing more"


def rows_of(writer: int, batch: int) -> list[dict]:
    value = float(np.random.default_rng([writer, batch]).uniform())
    return [
        {"digest": f"{writer:04x}{batch:04x}", "step": step, "images_seen": step, "value": value + step}
        for step in range(3)
    ]


def write_for_ever(path: Path, told: Path, writer: int) -> None:
    """Merge batch after batch, telling each once it is merged."""
    batch = 0
    while True:
        merge_records(path, rows_of(writer, batch))
        with open(told, "a") as file:
            file.write(f"{batch}\n")
        batch += 1


@pytest.mark.slow
def test_of_four_writers_two_killed_nothing_is_lost_and_nothing_torn(tmp_path: Path):
    path = tmp_path / "records.parquet"
    context = multiprocessing.get_context("spawn")
    told = [tmp_path / f"told-{writer}" for writer in range(4)]
    writers = [
        context.Process(target=write_for_ever, args=(path, told[writer], writer)) for writer in range(4)
    ]
    for process in writers:
        process.start()
    chance = random.Random(1)

    def wait_for(count: int, of: list[Path]) -> None:
        deadline = time.monotonic() + 120
        while any(not file.exists() or len(file.read_text().splitlines()) < count for file in of):
            assert time.monotonic() < deadline, "no writer gets on"
            time.sleep(0.01)

    try:
        wait_for(2, told)
        for victim in (0, 2):
            time.sleep(chance.uniform(0, 0.1))
            os.kill(writers[victim].pid, signal.SIGKILL)
        alive = [told[1], told[3]]
        wait_for(2 + max(len(file.read_text().splitlines()) for file in alive), alive)
    finally:
        for process in writers:
            process.kill()
            process.join()
    merge_records(path, rows_of(9, 0))
    frame = read_records(path).set_index(["digest", "step"])["value"]
    for writer, file in enumerate(told):
        for batch in range(len(file.read_text().splitlines())):
            for row in rows_of(writer, batch):
                assert frame[row["digest"], row["step"]] == row["value"]
    assert frame.groupby("digest").count().eq(3).all()
    assert not list(tmp_path.glob(".*.aside"))
