"""One holder at a time, by whatever way the one before it went."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from phasescope.engines import leases
from phasescope.engines.leases import Leased, heartbeat, holder, leased, take
from phasescope.store import hold

HOLD = """
import sys, time
from pathlib import Path
from phasescope.engines.leases import take
lease = take(Path(sys.argv[-1]), float(sys.argv[1]))
print("held" if lease else "refused", flush=True)
time.sleep(600)
"""


def hold_elsewhere(folder: Path, expires_s: float, word: str) -> subprocess.Popen[str]:
    """A process that takes the lease, as `word` FOLDER, and never beats."""
    command = [sys.executable, "-c", HOLD, str(expires_s), word, str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "run-12345678").mkdir()
    return tmp_path / "run-12345678"


def of_another_machine(folder: Path, age_s: float, expires_s: float = 60.0) -> Path:
    path = folder / "lease" / "00000004"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"host": "node7", "boot": "other", "pid": 1, "expires_s": expires_s}))
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def test_held_by_one_and_given_back(folder: Path):
    assert holder(folder) is None
    lease = take(folder)
    assert take(folder) is None
    assert f"process {os.getpid()}" in holder(folder)
    lease.give_back()
    assert holder(folder) is None
    assert heartbeat(folder) is None
    again = take(folder)
    assert again is not None
    assert [path.name for path in (folder / "lease").iterdir()] == [again.path.name]
    again.give_back()


def test_of_many_who_try_at_once_one_gets_it(folder: Path):
    """Every holder finds itself alone, and gives back after a moment."""
    inside: list[int] = []
    most: list[int] = []
    chance = random.Random(0)

    def get_it(_: int) -> None:
        while (lease := take(folder)) is None:
            time.sleep(0)
        inside.append(1)
        most.append(len(inside))
        time.sleep(chance.uniform(0, 0.002))
        inside.pop()
        lease.give_back()

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(get_it, range(64)))
    assert most == [1] * 64


def test_one_who_looked_long_ago_withdraws(folder: Path, monkeypatch):
    """It saw a lease given back; since then others had the next generations, which are gone again."""
    first = take(folder)
    first.give_back()
    looked = leases._latest(folder / "lease")
    for _ in range(2):
        last = take(folder)
        if _ == 0:
            last.give_back()
    true, seen = leases._latest, []
    monkeypatch.setattr(leases, "_latest", lambda home: true(home) if seen else (seen.append(1), looked)[1])
    monkeypatch.setattr(leases, "_in_force", lambda path: False)
    assert take(folder) is None
    monkeypatch.undo()
    assert last.beat()
    last.give_back()


def test_silence_on_another_machine_voids_it(folder: Path):
    of_another_machine(folder, age_s=50)
    assert take(folder) is None
    assert holder(folder) == "node7, process 1"
    of_another_machine(folder, age_s=70)
    assert holder(folder) is None
    lease = take(folder)
    assert lease.path.name == "00000005"
    lease.give_back()


def test_a_clock_that_goes_ahead_voids_nothing(folder: Path):
    of_another_machine(folder, age_s=-30)
    assert take(folder) is None


def test_a_lease_that_does_not_yet_say_whose_it_is_holds(folder: Path):
    path = of_another_machine(folder, age_s=0)
    path.write_text("")
    assert take(folder) is None


def test_the_death_of_a_process_here_is_known_at_once(folder: Path):
    process = hold_elsewhere(folder, 1e6, "exec")
    assert take(folder, 1e6) is None
    process.kill()
    process.communicate()
    lease = take(folder, 1e6)
    assert lease is not None
    lease.give_back()


@pytest.mark.parametrize(("word", "ended"), [("exec", True), ("train", False)])
def test_one_that_lives_here_and_is_silent_is_ended_if_it_is_a_worker(word: str, ended: bool, folder: Path):
    process = hold_elsewhere(folder, 0.2, word)
    try:
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(0.3)
        lease = take(folder)
        assert lease is not None
        lease.give_back()
        if ended:
            assert process.wait(timeout=300) == -signal.SIGKILL
        else:
            assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def test_the_heart_beats_within_the_block_alone(folder: Path):
    with leased(folder, 0.12, lambda: None):
        beats = set()
        deadline = time.monotonic() + 300
        while len(beats) < 5 and time.monotonic() < deadline:
            beats.add(heartbeat(folder))
            time.sleep(0.005)
        assert len(beats) == 5
        assert take(folder) is None
        with pytest.raises(Leased, match=r"is being executed by .*, process \d+"), leased(folder, 9.0, fail):
            pass
    assert heartbeat(folder) is None
    with pytest.raises(ZeroDivisionError), leased(folder, 9.0, fail):
        1 / 0  # noqa: B018
    assert holder(folder) is None


def fail() -> None:
    raise AssertionError("the lease was lost")


def test_who_loses_the_lease_is_told(folder: Path):
    told = threading.Event()
    with leased(folder, 0.3, told.set):
        (folder / "lease" / "00000002").write_text("{}")
        assert told.wait(20)


def test_a_folder_that_train_holds_is_being_executed(folder: Path):
    assert holder(folder) is None
    with hold(folder, {"name": "run"}):
        assert holder(folder) == "another process"
    assert holder(folder) is None
