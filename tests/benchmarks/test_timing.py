"""Turns are taken round after round, one contender at a time; what cannot work says why."""

import json
import math
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.timing import Contender, Worker, images_per_s, interleave, summary

FAKES = """
import json, os, time
from benchmarks.worker import Built

def logging(device, path, name, batch=4):
    def note(what):
        with open(path, "a") as file:
            file.write(json.dumps([time.monotonic(), name, what, os.getpid()]) + chr(10))
    def advance(steps):
        print("noise on standard output")
        note("begins")
        time.sleep(0.01 * steps)
        note("ends")
    return Built(advance, {"batch": batch, "threads": os.environ["OMP_NUM_THREADS"], "folder": os.environ["TMPDIR"]})

def hungry(device, mb):
    held = bytearray(1 + mb * 10**6)
    return Built(lambda steps: held.__setitem__(0, 1))

def absent(device):
    import a_library_that_nobody_has

def breaking(device):
    return Built(lambda steps: 1 / 0)

def dying(device):
    return Built(lambda steps: os._exit(7))
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Contenders of a module that only the workers import."""
    (tmp_path / "fakes.py").write_text(FAKES)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def contender(function: str, **arguments) -> Contender:
        return Contender(arguments.get("name", function), f"fakes:{function}", arguments)

    return contender


def test_contenders_take_turns_one_at_a_time(fake, tmp_path):
    path = tmp_path / "log"
    contenders = [fake("logging", path=str(path), name=name) for name in ("a", "b")]
    timings = interleave(contenders, rounds=3, steps=2, turn_s=0.0)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    began = [name for _, name, what, _ in lines if what == "begins"]
    assert began == ["a", "a", "b", "b", *["a", "b"] * 3]
    assert [what for _, _, what, _ in lines] == ["begins", "ends"] * len(began)
    assert all(earlier[0] <= later[0] for earlier, later in pairwise(lines))
    assert len({pid for *_, pid in lines}) == 2
    for timing in timings:
        assert len(timing.step_s) == 3
        assert all(0.01 <= seconds < 0.5 for seconds in timing.step_s)
        assert timing.facts["threads"] == "1"
        rates = images_per_s(timing)
        assert rates == [4 / seconds for seconds in timing.step_s]


def test_a_turn_lasts_about_as_long_as_asked_for_and_its_files_go_with_it(fake, tmp_path):
    with Worker(fake("logging", path=str(tmp_path / "log"), name="a")) as worker:
        assert 4 <= worker.steps_for(turn_s=0.1) <= 10
        folder = Path(worker.facts["folder"])
        assert folder.exists()
    assert not folder.exists()


def test_what_cannot_work_says_why_and_stops_no_other(fake, tmp_path):
    well = fake("logging", path=str(tmp_path / "log"), name="a")
    absent, breaking, dying, works = interleave(
        [fake("absent"), fake("breaking"), fake("dying"), well], rounds=2, turn_s=0.0
    )
    assert absent.missing == "ModuleNotFoundError: No module named 'a_library_that_nobody_has'"
    assert breaking.missing == "ZeroDivisionError: division by zero"
    assert dying.missing == "the process ended with code 7"
    assert not any(timing.step_s for timing in (absent, breaking, dying))
    assert works.missing is None
    assert len(works.step_s) == 2


def test_peak_memory_is_the_workers_own(fake):
    held_here = bytearray(600 * 10**6)
    held_here[::4096] = b"x" * len(held_here[::4096])
    small, large = interleave([fake("hungry", mb=0), fake("hungry", mb=300)], rounds=1, turn_s=0.0)
    assert 250 < large.peak_mb - small.peak_mb < 350
    assert small.peak_mb < 600


def test_summary():
    assert summary([3.0, 1.0, 2.0, 10.0]) == {"median": 2.5, "low": 1.0, "high": 10.0, "n": 4}
    assert math.isnan(summary([math.nan])["median"])
