"""A command in this process, and a run that took a second."""

from collections.abc import Callable

import pytest

from helpers.attacked_run import config_of
from helpers.commands import Outcome, call
from helpers.in_process_engine import Here
from helpers.kept_runs import kept_run
from phasescope import Run
from phasescope.studies import conduct


@pytest.fixture
def command() -> Callable[..., Outcome]:
    """`phasescope WORDS` in this process; whatever it raises fails the test."""
    return lambda *words: call([str(word) for word in words])


@pytest.fixture(scope="session")
def whole(tmp_path_factory) -> Run:
    """A run that is done and whole."""
    return kept_run(config_of(), tmp_path_factory.mktemp("whole"))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Studies have their runs executed in this process."""
    monkeypatch.setattr(conduct, "open_engine", Here)
