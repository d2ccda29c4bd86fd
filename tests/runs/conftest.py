import shutil
from pathlib import Path

import pytest

from helpers.kept_runs import kept_run
from helpers.tiny import config_of
from phasescope import Run


@pytest.fixture(scope="session")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The tiny run, done; for reading only."""
    return kept_run(config_of(), tmp_path_factory.mktemp("it's golden"))


@pytest.fixture(scope="session")
def run(golden: Run) -> Run:
    return golden


@pytest.fixture(scope="session")
def of_ten_steps(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return kept_run(config_of(training={"steps": 10}), tmp_path_factory.mktemp("short"))


@pytest.fixture
def short(of_ten_steps: Run, tmp_path: Path) -> Run:
    """The tiny run of half as many steps, done."""
    return Run(shutil.copytree(of_ten_steps.path, tmp_path / of_ten_steps.name))
