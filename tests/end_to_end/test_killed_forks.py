"""A fork that is killed at any moment ends as one that was not: its control is bitwise the parent."""

import os
import subprocess
import sys

import pytest

import helpers
from helpers.dying_forks import SYSTEMS


def kill_forks(system: str, forks: int, kills: int, folder) -> list[str]:
    """Return a line for each fork, of which `dying_forks.py` kills the unchanged child at random moments."""
    command = [sys.executable, "-m", "helpers.dying_forks", system, *map(str, (forks, kills, 0, folder))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=helpers.HERE.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_a_control_that_is_killed_at_random_moments_is_bitwise_its_parent(tmp_path):
    (line,) = kill_forks("label dropout", forks=1, kills=3, folder=tmp_path)
    assert line.endswith(": equal")


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
def test_killed_controls_are_bitwise_their_parents_though_these_go_or_change(system, tmp_path):
    lines = kill_forks(system, forks=8, kills=4, folder=tmp_path)
    assert len(lines) == 8
    assert all(line.endswith(": equal") for line in lines)
    assert {"gone", "changed", "kept"} == {line.partition("parent ")[2].partition(",")[0] for line in lines}
