"""A command is watched: its lines, its times, its end, and that it is not left behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from phasescope.benchmarks.watching import watch

LINES = """
import json, sys, time
file = sys.argv[1]
for i in range(3):
    time.sleep(0.15)
    with open(file, "a") as out:
        out.write(json.dumps({"step": i})[:5]); out.flush(); time.sleep(0.03)
        out.write(json.dumps({"step": i})[5:] + "\\n")
"""

BUSY = """
import subprocess, sys, time
work = "import time\\nwhile time.process_time() < 0.3: pass"
subprocess.run([sys.executable, "-c", work])
open(sys.argv[1], "w").write('{"step": 0}\\n')
time.sleep(0.2)
"""


def python(code: str, file: Path, threads: int | None = None):
    return watch([sys.executable, "-c", code, str(file)], file, threads)


def test_each_line_is_booked_when_it_is_whole(tmp_path):
    began = time.perf_counter()
    watched = python(LINES, tmp_path / "lines")
    wall_s = time.perf_counter() - began
    assert [line["step"] for line in watched.lines] == [0, 1, 2]
    times = [line["wall_s"] for line in watched.lines]
    assert 0.18 <= times[0] < times[1] < times[2] <= watched.wall_s <= wall_s
    assert times[2] - times[0] >= 0.3
    assert (watched.code, watched.error) == (0, "")


def test_cpu_seconds_of_its_children_are_its_own(tmp_path):
    watched = python(BUSY, tmp_path / "lines")
    assert watched.cpu_s >= 0.3
    if Path("/proc/self/stat").exists():
        assert 0.28 <= watched.lines[0]["cpu_s"] <= watched.cpu_s + 0.02


def test_a_command_that_fails_tells_why(tmp_path):
    watched = python("import sys; sys.exit('no such thing')", tmp_path / "lines")
    assert (watched.code, watched.error, watched.lines) == (1, "no such thing", [])
    assert python("import os; os.kill(os.getpid(), 9)", tmp_path / "lines").code == -9


@pytest.mark.parametrize(("threads", "seen"), [(None, "None"), (3, "3")])
def test_threads_are_its_own_choice_unless_given(tmp_path, monkeypatch, threads, seen):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    code = "import os, sys; sys.exit(str(os.environ.get('OMP_NUM_THREADS')))"
    assert python(code, tmp_path / "lines", threads).error == seen


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_watches_leaves_nothing_behind(tmp_path, number):
    code = "import os, sys, time; open(sys.argv[1] + '.pid', 'w').write(str(os.getpid())); time.sleep(60)"
    file = tmp_path / "lines"
    handler = signal.getsignal(signal.SIGTERM)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), number))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        python(code, file)
    timer.join()
    pid = int(Path(f"{file}.pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert signal.getsignal(signal.SIGTERM) == handler
