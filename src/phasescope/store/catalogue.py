"""The runs that there are."""

from __future__ import annotations

from pathlib import Path

from phasescope.errors import UserError
from phasescope.store.folder import Run


def open_run(path: Path | str) -> Run:
    """The run in the folder `path`.

    Raises:
        UserError: there is no such run.
    """
    path = Path(path)
    if not is_run(path):
        raise UserError(f"`{path}` must be a run's folder: it has no config.yaml")
    return Run(path)


def list_runs(runs: Path) -> list[Run]:
    """All runs in a folder of runs, by name.

    Raises:
        UserError: `runs` exists and cannot be listed.
    """
    try:
        entries = sorted(runs.iterdir()) if runs.exists() else []
    except OSError as error:
        raise UserError(f"`{runs}` cannot be listed: {error.strerror}") from None
    return [Run(path) for path in entries if is_run(path)]


def find_run(word: str, runs: Path) -> Run:
    """The run that `word` means: a folder, or the name, or the beginning of a name or of a hash, of a run in `runs`.

    Raises:
        UserError: none, or more than one.
    """
    if is_run(Path(word)):
        return Run(Path(word))
    known = list_runs(runs)
    exact = [run for run in known if run.name == word]
    hits = exact or [
        run for run in known if run.name.startswith(word) or run.name.rpartition("-")[2].startswith(word)
    ]
    if len(hits) == 1:
        return hits[0]
    if not hits:
        raise UserError(
            f"`RUN` (={word}) must name a run: `{runs}` holds {len(known)} runs and none of that name"
        )
    names = ", ".join(run.name for run in hits[:5])
    raise UserError(f"`RUN` (={word}) must name one run: it could be {names}")


def is_run(path: Path) -> bool:
    """Whether there is a run's folder at `path`."""
    try:
        return (path / "config.yaml").is_file()
    except OSError:
        return False
