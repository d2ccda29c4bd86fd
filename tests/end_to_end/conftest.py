"""The tiny run as fixtures, and the command line: in this process where isolation is not the point."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers.commands import Outcome, call
from helpers.exploring import explorer, home, idle, visit  # noqa: F401
from helpers.kept_runs import kept_run
from helpers.tiny_run import TINY
from phasescope import Run, RunConfig, load_config

Cli = Callable[..., Outcome]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The YAML file of a run of 40 steps and 4 snapshots."""
    file = tmp_path_factory.mktemp("tiny") / "tiny.yaml"
    file.write_text(yaml.safe_dump(TINY))
    return file


@pytest.fixture(scope="session")
def tiny_config(tiny: Path) -> Callable[..., RunConfig]:
    """`key=value` words -> the tiny run's configuration with these changes."""
    return lambda *words: load_config(tiny, words)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_config: Callable[..., RunConfig]) -> Run:
    """The tiny run, done; for reading only."""
    return kept_run(tiny_config(), tmp_path_factory.mktemp("trained"))


@pytest.fixture
def cli() -> Cli:
    """`phasescope` in this process: words -> exit code, stdout, stderr."""
    return lambda *words: call([str(word) for word in words])


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`phasescope` in a process of its own, on one thread, its output in pipes; it gives way to whoever watches it."""
    processes: list[subprocess.Popen[str]] = []

    def begin(*words: Any) -> subprocess.Popen[str]:
        asked = [sys.executable, "-m", "phasescope", *map(str, words)]
        command = ["env", "--default-signal=INT", "nice", *asked]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()
