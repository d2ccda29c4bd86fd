"""The command in this process, and what is asked of it whatever it is given."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

from phasescope.cli import main


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


def call(words: Sequence[str]) -> Outcome:
    """`phasescope` with these words; what comes out of it is an exit code, nothing else."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(list(words))
        except SystemExit as end:  # --help
            code = int(end.code or 0)
    return Outcome(code, out.getvalue(), err.getvalue())


def assert_civil(words: Sequence[str], outcome: Outcome) -> None:
    """Done, and nothing is said; or refused, in one printable line."""
    told = f"{[word[:80] for word in words]}: {outcome.code} {outcome.err[:600]}"
    assert outcome.code in (0, 2), told
    if outcome.code == 0:
        assert outcome.err == "", told
    else:
        assert outcome.err.startswith("phasescope: "), told
        assert outcome.err.endswith("\n"), told
        assert outcome.err[:-1].isprintable(), told
        assert len(outcome.err) < 1300, told


@contextmanager
def only_written(folder: Path, *asked: Path) -> Iterator[None]:
    """Within the block nothing under `folder` changes but what is asked for."""
    before = _files(folder)
    yield
    changed = {path for path, mark in _files(folder).items() if before.get(path) != mark}
    wrong = {path for path in changed if not any(path.is_relative_to(one) for one in asked)}
    assert not wrong
    assert before.keys() <= _files(folder).keys()


def _files(folder: Path) -> dict[Path, tuple[int, int, int]]:
    return {
        path: (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        for path in folder.rglob("*")
        if not path.is_dir() and (stat := path.lstat())
    }
