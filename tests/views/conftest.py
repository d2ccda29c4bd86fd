"""One written run, which tests of the views read and do not change."""

import pytest

from helpers.written_run import ALL_STEPS, write_run
from phasescope import Run


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> Run:
    """A run that is done: 20 snapshots."""
    return write_run(tmp_path_factory.mktemp("runs") / "synthetic-01234567", ALL_STEPS)
