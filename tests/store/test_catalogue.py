"""Which runs a condition holds of: an answer that an index can speed up and never change."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from made_runs import STEPS, make_run, metrics_at

from phasescope.errors import UserError
from phasescope.store import Run, hold, index, list_runs
from phasescope.store.catalogue import open_views, runs_frame, snapshots_frame
from phasescope.store.index import INDEX
from phasescope.store.records import condense
from phasescope.store.tables import write_parquet


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of each of two sigmas, one of them not done; a run with another optimiser; a broken one; no run."""
    runs = tmp_path_factory.mktemp("made")
    for sigma in (1, 2):
        for seed in (0, 1):
            state = "stopped" if (sigma, seed) == (2, 1) else "done"
            make_run(runs, f"world.sigma_px={sigma}", f"seed={seed}", f"name=sigma{sigma}", state=state)
    make_run(runs, "training.optimiser.kind=muon", "name=it.is")
    make_run(runs, "seed=7", "name=begun", state="running", steps=())
    (runs / "broken-00000000").mkdir()
    (runs / "broken-00000000" / "config.yaml").write_text("name: [")
    (runs / "notes").mkdir()
    return runs


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "runs")
    return tmp_path / "runs"


def names(runs: Path, where: str) -> list[str]:
    return [run.name.rpartition("-")[0] for run in list_runs(runs, where)]


@pytest.mark.some(6)
@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("world.sigma_px = 2 and state = 'done'", ["sigma2"]),
        ("config.world.sigma_px = 2", ["sigma2", "sigma2"]),
        ("world.sigma_px=2 AND seed in (1, 5)", ["sigma2"]),
        ("state = 'broken'", ["broken"]),
        ("state = 'killed'", ["begun"]),
        ("training.optimiser.kind = 'muon'", ["it.is"]),
        ("training.optimiser.rest.lr > 1e-3", ["it.is"]),
        ("name = 'it.is'", ["it.is"]),
        ("run like 'sigma1-%' and not seed = 0", ["sigma1"]),
        ("training.clip is null and state <> 'broken'", []),
        ("outcomes.grid.correct is null", ["begun", "broken"]),
        ("step = 20 and order.mid.600.n = 64 and name = 'sigma1'", ["sigma1", "sigma1"]),
        ("world.sigma_px = 2 -- and seed.none = 3", ["sigma2", "sigma2"]),
        ("name in ('a.b', e'c.d', $$e.f$$) or world.sigma_px=2", ["sigma2", "sigma2"]),
        ("round(world.sigma_px * 0.5, 1) = 1.0", ["sigma2", "sigma2"]),
        ('"config.world.sigma_px" = 2', ["sigma2", "sigma2"]),
        ("name = 'world.sigma_px = 2'", []),
        ("true", ["begun", "broken", "it.is", "sigma1", "sigma1", "sigma2", "sigma2"]),
        ("seed = 0 -- of the first\n", ["it.is", "sigma1", "sigma2"]),
    ],
)
def test_a_condition_chooses(where: str, found: list[str], made: Path):
    assert names(made, where) == found


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("world.sigm_px = 2", "no run has `world.sigm_px`; `world.sigma_px` is near"),
        ("sigma = 2", "sigma"),
        ("state = done", "done"),
        ("world.sigma_px =", "syntax error"),
        ("world.sigma_px = 'wide'", "wide"),
        ("world.sigma_px", "it is DOUBLE, not true or false"),
        ("", "it is empty"),
        ("true) as met from runs); drop view runs; select * from (select (true", "more than one statement"),
        ("true) from runs; drop view runs; select (true", "syntax error"),
        ("exists (select * from read_csv('/etc/passwd'))", "disabled"),
        ("exists (select * from made)", "made"),
        ("(select count(*) from glob('/*')) > 0", "disabled"),
        ("max(step) > 3", "run"),
    ],
)
def test_bad_conditions_are_told_in_a_line_and_touch_nothing(where: str, told: str, made: Path):
    with pytest.raises(UserError) as caught:
        list_runs(made, where)
    message = str(caught.value)
    assert message.startswith(f"`--where` (={where}) must be a condition")
    assert told in message.partition("must be a condition")[2]
    assert "\n" not in message


def test_a_condition_cannot_write(made: Path, tmp_path: Path):
    target = tmp_path / "written.csv"
    with pytest.raises(UserError):
        list_runs(made, f"true) from runs; copy runs to '{target}'; select (true")
    assert not target.exists()


def test_where_there_are_no_runs_none_is_found(tmp_path: Path):
    assert list_runs(tmp_path / "none", "world.sigma_px = 2") == []
    assert list_runs(tmp_path, "world.sigma_px = 2") == []
    assert len(runs_frame(tmp_path, "world.sigma_px = 2")) == 0


def test_frames_say_what_the_folders_say(made: Path):
    frame = runs_frame(made).set_index("run")
    assert list(frame.index) == [run.name for run in list_runs(made)]
    snapshots = snapshots_frame(made, "state = 'done'")
    for run in list_runs(made, "state = 'done'"):
        row = frame.loc[run.name]
        assert row["path"] == str(run.path)
        assert row["config.world.sigma_px"] == run.config["world"]["sigma_px"]
        assert row["outcomes.grid.correct"] == run.metrics[-1]["outcomes"]["grid"]["correct"]
        mine = snapshots[snapshots["run"] == run.name]
        assert mine["step"].tolist() == list(STEPS)
        for recorded, (_, found) in zip(condense(run), mine.iterrows(), strict=True):
            for column, value in recorded.items():
                assert found[column] == value or (value is None and found[column] != found[column])
    assert set(frame["state"]) == {"done", "stopped", "killed", "broken"}


def test_views_are_queried_in_sql(runs: Path):
    run = list_runs(runs, "name = 'it.is'")[0]
    with hold(run.path, run.config) as writer, writer.new_snapshot(20) as folder:
        write_parquet(folder / "reading.parquet", {"x": np.array([1.0, 3.0]), "y": np.array([2.0, 2.0])})
    with open_views(runs) as connection:
        best = dict(
            connection.execute(
                'SELECT run, max("outcomes.grid.correct") FROM snapshots GROUP BY run'
            ).fetchall()
        )
        for run in list_runs(runs, "step = 20"):
            assert best[run.name] == max(entry["outcomes"]["grid"]["correct"] for entry in run.metrics)
        joined = (
            'SELECT r."config.training.optimiser.kind", x, step FROM readings JOIN runs r USING (run, step)'
        )
        assert sorted(connection.execute(joined).fetchall()) == [("muon", 1.0, 20), ("muon", 3.0, 20)]


def everything(runs: Path) -> list:
    frames = [runs_frame(runs).drop(columns="path"), snapshots_frame(runs)]
    answers = [names(runs, where) for where in ("state = 'done'", "world.sigma_px > 1", "true")]
    return [frame.to_json(double_precision=15) for frame in frames] + answers


def delete(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def fill_with_garbage(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)


def put_a_folder_there(path: Path) -> None:
    delete(path)
    path.mkdir()


def another_layout(path: Path) -> None:
    with closing(sqlite3.connect(path)) as there:
        there.execute("DROP TABLE runs")
        there.execute("CREATE TABLE runs (name TEXT, size INTEGER)")
        there.execute("PRAGMA user_version = 999")


@pytest.mark.some(2)
@pytest.mark.parametrize("harm", [delete, tear, fill_with_garbage, put_a_folder_there, another_layout])
def test_no_harm_to_the_index_changes_an_answer(harm, runs: Path):
    before = everything(runs)
    assert (runs / INDEX).is_file()
    harm(runs / INDEX)
    assert everything(runs) == before
    assert everything(runs) == before


def test_without_an_index_that_can_be_written_the_answers_are_the_same(runs: Path, monkeypatch):
    before = everything(runs)
    delete(runs / INDEX)

    def refuse(*_, **__):
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(index.sqlite3, "connect", refuse)
    assert everything(runs) == before
    assert not (runs / INDEX).exists()


def test_what_did_not_change_is_not_read_again(runs: Path, monkeypatch):
    before = everything(runs)
    read = []
    monkeypatch.setattr(index, "_read", lambda run, part: read.append(run.name) or original(run, part))
    assert everything(runs) == before
    assert read == []
    run = list_runs(runs, "name = 'it.is'")[0]
    with hold(run.path, run.config) as writer:
        writer.append_metrics(metrics_at(30, 0))
    assert len(snapshots_frame(runs)) == len(STEPS) * 5 + 1
    assert read == [run.name]


original = index._read


def test_every_change_of_a_folder_is_seen(runs: Path):
    everything(runs)
    stopped = list_runs(runs, "state = 'stopped'")[0]
    with hold(stopped.path, stopped.config) as writer:
        writer.write_status({**stopped.status, "state": "done"})
    assert names(runs, "state = 'stopped'") == []
    assert names(runs, "name = 'sigma2' and state = 'done'") == ["sigma2", "sigma2"]
    shutil.rmtree(stopped.path)
    assert names(runs, "name = 'sigma2'") == ["sigma2"]
    make_run(runs, "world.sigma_px=0.5", "name=later")
    assert names(runs, "world.sigma_px = 0.5") == ["later"]
    begun = list_runs(runs, "name = 'begun'")[0]
    with hold(begun.path, begun.config):
        assert names(runs, "state = 'running'") == ["begun"]
    assert names(runs, "state = 'running'") == []


def test_a_folder_of_runs_that_moved_says_where_it_is(runs: Path, tmp_path: Path, monkeypatch):
    everything(runs)
    runs.rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    assert set(runs_frame(Path("moved"))["path"]) == {str(run.path) for run in list_runs(Path("moved"))}


def index_for_ever(runs: Path, told: Path, writer: int) -> None:
    """Make run after run, and have each indexed."""
    number = 0
    while True:
        run = make_run(runs, f"name=w{writer}", f"seed={number}")
        index.run_rows(runs, list_runs(runs))
        with open(told, "a") as file:
            file.write(f"{run.name}\n")
        number += 1


def test_of_four_indexing_processes_two_killed_the_index_stays_whole(tmp_path: Path):
    runs = tmp_path / "runs"
    told = [tmp_path / f"told-{writer}" for writer in range(4)]
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=index_for_ever, args=(runs, told[writer], writer)) for writer in range(4)
    ]
    for process in writers:
        process.start()

    def wait_for(count: int, of: list[Path]) -> None:
        deadline = time.monotonic() + 120
        while any(not file.exists() or len(file.read_text().splitlines()) < count for file in of):
            assert time.monotonic() < deadline, "no writer gets on"
            time.sleep(0.01)

    try:
        wait_for(2, told)
        for victim in (1, 3):
            os.kill(writers[victim].pid, signal.SIGKILL)
        alive = [told[0], told[2]]
        wait_for(1 + max(len(file.read_text().splitlines()) for file in alive), alive)
    finally:
        for process in writers:
            process.kill()
            process.join()
    with closing(sqlite3.connect(runs / INDEX)) as there:
        assert there.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        indexed = {name for (name,) in there.execute("SELECT name FROM runs")}
    finished = {line for file in told for line in file.read_text().splitlines()}
    assert finished <= {run.name for run in list_runs(runs, "state = 'done'")}
    assert finished <= indexed
    before = everything(runs)
    delete(runs / INDEX)
    assert everything(runs) == before
    assert all(isinstance(run, Run) for run in list_runs(runs))
