"""Where somebody's own code may lie, and how its exceptions are told.

A source is a file below the folder that the command runs in, with links followed, or a module that Python finds. It never
lies in a run's folder: runs are data, and may come from somebody else. All of this is checked before anything is executed.
"""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder
from pathlib import Path

from phasescope.core.errors import RunFailed, SourceFailed, UserError

RECORDS = ("status.json", "metrics.jsonl", "sources.json", "snapshots", "checkpoint", "lock")
"""beside a config.yaml one of these makes a folder a run's"""
INSTALLED = (
    Path(__file__).parents[1].resolve(),
    *(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)


def check_file(path: Path, anywhere: bool = False) -> None:
    """Raises UserError where there is no such file, or a source may not lie there."""
    whole = path.resolve()
    if not whole.is_file():
        raise UserError(f"`{path}` must be a file: there is none in {Path.cwd()}")
    _check_outside_runs(whole, str(path))
    if anywhere:
        return
    here = Path.cwd().resolve()
    known = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    if not (whole.is_relative_to(here) or _is_installed(whole) or str(whole) in known):
        raise UserError(
            f"`{path}` (={whole}) must lie in {here}, where the command runs: it names code to execute"
        )


def check_module(name: str, reference: str) -> None:
    """Raises UserError if no such module is there, or it or a package around it lies in a run's folder.

    Each package is looked for in the one around it and not imported, for an import would execute it.
    """
    around: list[str] = []
    for count, part in enumerate(name.split(".")):
        try:
            spec = PathFinder.find_spec(part, around) if count else importlib.util.find_spec(part)
        except (ImportError, ValueError):
            spec = None
        if spec is None:
            raise UserError(f"`{reference}` cannot be imported: there is no module `{name}`")
        around = list(spec.submodule_search_locations or ())
        for place in filter(None, (spec.origin, *around)):
            _check_outside_runs(Path(place).resolve(), reference)


def _check_outside_runs(whole: Path, reference: str) -> None:
    for folder in (whole, *whole.parents):
        aside = folder.name.startswith(".") and folder.name.endswith(".aside")
        recorded = any((folder / name).exists() for name in RECORDS)
        if aside or (recorded and (folder / "config.yaml").is_file()):
            raise UserError(
                f"`{reference}` (={whole}) must not lie in a run's folder, which is data and not executed: "
                f"`{folder.name}` is one"
            )


def _is_installed(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in INSTALLED)


@contextmanager
def failing(what: str) -> Iterator[None]:
    """Within the block somebody's own code runs: what it raises, `sys.exit` too, becomes one line that begins with `what`.

    Raises:
        SourceFailed: an exception passed through a file of their own.
        UserError: it did not, so that an installed package refused its arguments.
    """
    try:
        yield
    except (UserError, RunFailed, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        kind = SourceFailed if place_of(error) else UserError
        raise kind(f"{what}: {told_of(error)}") from error


def told_of(error: BaseException) -> str:
    """What somebody's own code raised and where, in one line; also where its `__str__` fails."""
    try:
        text = str(error)
    except Exception as fault:
        text = f"its message cannot be read, for __str__ raises {type(fault).__name__}"
    line = " ".join(f"{type(error).__name__}: {text}".split())[:200]
    return f"{line} ({place})" if (place := place_of(error)) else line


def place_of(error: BaseException) -> str | None:
    """`file.py:12`, the innermost line of somebody's own code that an exception passed; None where it passed none."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_near(Path(error.filename))}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame
        for frame in frames
        if frame.filename.endswith(".py") and not _is_installed(Path(frame.filename).resolve())
    ]
    return f"{_near(Path(own[-1].filename))}:{own[-1].lineno}" if own else None


def _near(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
