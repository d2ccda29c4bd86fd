"""A command in this process, and a run that took a second."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from attacked_run import config_of
from here import Here

from phasescope.cli import main
from phasescope.runs.execution import train
from phasescope.runs.store import Run
from phasescope.studies import conduct


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def command(capsys) -> Callable[..., Outcome]:
    """`phasescope WORDS` in this process; whatever it raises fails the test."""

    def run(*words: object) -> Outcome:
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def whole(tmp_path_factory) -> Run:
    """A run that is done and whole."""
    return train(config_of(), tmp_path_factory.mktemp("whole"))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Studies have their runs executed in this process."""
    monkeypatch.setattr(conduct, "open_engine", Here)
