"""The race: real runs of both kinds, and whose turn it is, what is kept, what is said of all."""

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from benchmarks.order import judged, measure, recipe, told_of, trained, turns
from helpers import training_runs
from helpers.training_runs import LEAST
from phasescope import UserError
from phasescope.studies import merge

PROBING = {name: count for name, count in LEAST.items() if name != "p1"}
CHANGES = {
    "name": "tiny",
    "network": {"patch": 1},
    "training": {"steps": 40, "threads": None},
    "probing": {
        "snapshots": {"dense_every": 20, "dense_until": 20, "every": 20},
        "representation": {"layer": "mid", "t": 40},
    },
}
TINY = merge(training_runs.TINY, CHANGES)


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    file = tmp_path / "tiny.yaml"
    file.write_text(yaml.safe_dump(TINY))
    return str(file)


def found_in(out: Path) -> dict:
    return json.loads((out / "order.json").read_text())


@pytest.mark.slow
def test_a_run_of_phasescope_is_timed_and_a_crash_is_failing(tmp_path, tiny, capsys):
    out, work = tmp_path / "out", tmp_path / "work"
    good = trained("good", (tiny,), [5])
    bad = trained("bad", (tiny, "training.optimiser.lr=1e30"), [5])
    measure(out, work, [good, bad], threads=1)
    found = found_in(out)
    of_good, of_bad = found["records"]

    assert (of_good["contender"], of_good["seed"], of_good["completed"]) == ("good", 5, True)
    assert of_good["command"] == f"phasescope train {tiny} seed=5 --runs RUNS"
    assert [snapshot["step"] for snapshot in of_good["snapshots"]] == [0, 20, 40]
    assert [snapshot["images_seen"] for snapshot in of_good["snapshots"]] == [0, 320, 640]
    times = [snapshot["wall_s"] for snapshot in of_good["snapshots"]]
    assert 0 < times[0] <= times[1] <= times[2] == pytest.approx(of_good["process"]["wall_s"])
    assert {clock: of_good["spent"][clock] for clock in ("wall_s", "cpu_s")} == pytest.approx(
        of_good["process"]
    )
    assert of_good["snapshots"][0]["probe_r2"]["baselines"].keys() == {
        "permuted",
        "untrained",
        "pixels",
        "label_embedding",
    }
    assert 0 < of_good["observing_share"] < 1
    assert (of_good["threads"], of_good["device"]) == (1, "cpu")
    assert of_good["cpu"]
    assert of_good["versions"]

    assert of_bad["completed"] is False
    assert "loss" in of_bad["error"]
    assert of_bad["time_to_order"] is None
    assert "bad, seed 5: failing" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("diffusers"), reason="needs diffusers")
def test_the_recipe_races_by_its_own_clock(tmp_path):
    words = ["world.canvas=16", "family.sampler.steps=4", "--budget-s", "4", "--calibration-s", "0"]
    words += [f"probing.{field}={value}" for field, value in PROBING.items()]
    measure(tmp_path, tmp_path / "work", [recipe([2], "small", words)], threads=1)
    (record,) = found_in(tmp_path)["records"]
    assert record["completed"], record["error"]
    assert (record["snapshots"][0]["images_seen"], record["threads"]) == (0, 1)
    plan, (first, last) = record["plan"], (record["snapshots"][0], record["snapshots"][-1])
    assert first["wall_s"] == plan["start"]["wall_s"] > 0.5
    assert record["spent"]["wall_s"] == last["wall_s"]
    assert last["cpu_s"] == pytest.approx(plan["start"]["cpu_s"] + plan["steps"] * plan["pace"]["cpu_s"])
    assert record["time_to_order"] is None
    assert record["observing_share"] is None
    assert record["command"].startswith("python -m benchmarks.recipe --out RUNS/recipe-2 --params ")


def test_a_configuration_that_is_refused_ends_the_race(tmp_path, tiny):
    with pytest.raises(UserError, match="widths"):
        measure(tmp_path / "out", tmp_path / "work", [trained("odd", (tiny, "network.widths=3"), [0])])
    assert not (tmp_path / "out" / "order.json").exists()


@dataclass
class Fake:
    """A contender that takes known times."""

    name: str
    seeds: Sequence[int]
    wall_s: float = 10.0
    ran: list[tuple[str, int]] = field(default_factory=list)

    def run(self, seed: int, work: Path, threads: int | None = None) -> dict:
        self.ran.append((self.name, seed))
        return record_after(self.wall_s + seed)


def record_after(wall_s: float, completed: bool = True, accuracy: float = 1.0) -> dict:
    nulls = {"untrained": 0.3, "pixels": 0.1, "permuted": 0.0}

    def snapshot(step: int, correct: float) -> dict:
        return {
            "step": step,
            "images_seen": 64 * step,
            "wall_s": step * wall_s,
            "cpu_s": 2 * step * wall_s,
            "accuracy": correct,
            "probe_r2": {"value": 0.9, "low": 0.8, "baselines": nulls},
            "phase": "C" if correct > 0.5 else "A",
        }

    return {
        "completed": completed,
        "error": None if completed else "exit code 1: out of memory",
        "spent": {"wall_s": 3 * wall_s, "cpu_s": 6 * wall_s, "images_seen": 64},
        "snapshots": [snapshot(0, 0.0), snapshot(1, accuracy)],
    }


def named(name: str, seed: int, record: dict) -> dict:
    return judged({"contender": name, "seed": seed, **record})


def test_seeds_are_interleaved():
    contenders = [Fake("fast", range(3)), Fake("small", range(2))]
    assert [(one.name, seed) for one, seed in turns(contenders)] == [
        ("fast", 0),
        ("small", 0),
        ("fast", 1),
        ("small", 1),
        ("fast", 2),
    ]


def test_what_is_there_is_not_run_again(tmp_path):
    ran: list[tuple[str, int]] = []
    measure(tmp_path, racing=[Fake("fast", range(2), ran=ran), Fake("recipe", [0], 1000.0, ran=ran)])
    assert ran == [("fast", 0), ("recipe", 0), ("fast", 1)]
    measure(tmp_path, racing=[Fake("fast", range(3), ran=ran)])
    assert ran[3:] == [("fast", 2)]
    walls = [record["time_to_order"]["wall_s"] for record in found_in(tmp_path)["records"]]
    assert walls == [10.0, 1000.0, 11.0, 12.0]


def test_a_race_that_is_interrupted_keeps_what_was_done(tmp_path):
    class Interrupted(Fake):
        def run(self, seed: int, work: Path, threads: int | None = None) -> dict:
            if seed == 1:
                raise KeyboardInterrupt
            return super().run(seed, work, threads)

    with pytest.raises(KeyboardInterrupt):
        measure(tmp_path, tmp_path / "work", [Interrupted("fast", range(3))])
    assert [record["seed"] for record in found_in(tmp_path)["records"]] == [0]


def test_a_file_of_something_else_is_not_overwritten(tmp_path):
    (tmp_path / "order.json").write_text("[1]")
    with pytest.raises(UserError, match=r"order\.json"):
        measure(tmp_path, tmp_path / "work", [Fake("fast", [0])])
    assert (tmp_path / "order.json").read_text() == "[1]"


def test_a_crash_counts_as_failing_though_it_was_in_order_before():
    record = named("fast", 0, record_after(10.0, completed=False))
    assert record["snapshots"][-1]["passes"]
    assert record["time_to_order"] is None
    assert "out of memory" in told_of(record)


def test_a_seed_that_never_came_tells_what_it_spent():
    record = named("recipe", 2, record_after(600.0, accuracy=0.7))
    assert record["time_to_order"] is None
    assert record["time_to_phase_c"]["wall_s"] == 600
    assert told_of(record) == "recipe, seed 2: not in order within 1,800 s, 3,600 CPU s, 64 images"
