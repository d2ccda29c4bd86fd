"""Where your own code must not lie, and how its exceptions are reported."""

import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from phasescope.core.errors import RunFailed, SourceFailed, UserError

# Beside a config.yaml one of these makes a folder a run's; a config.yaml alone may be anything's.
RECORDS = ("status.json", "metrics.jsonl", "snapshots", "checkpoint", "observations")
INSTALLED = (
    Path(__file__).parents[1].resolve(),
    *(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)


def check_source(where: str, reference: str, anywhere: bool = False) -> None:
    """Raises UserError if a source may not lie there.

    Never in a run's folder, which is data and may be somebody else's; a file in the folder in which the command runs, in an
    installed package, or among what this process has imported.

    Args:
        where: a file, with links followed, or a module's name, which may name a file below this folder.
        anywhere: whether a file's user named it, so that only the first rule counts.
    """
    path, here = (
        Path(where if where.endswith(".py") else where.replace(".", "/")).resolve(),
        Path.cwd().resolve(),
    )
    for folder in path.parents:
        if (folder / "config.yaml").is_file() and any((folder / name).exists() for name in RECORDS):
            raise UserError(
                f"`{reference}` (={path}) must not lie in a run's folder, which is data and not executed: "
                f"`{folder.name}` is one"
            )
    if where.endswith(".py") and not path.is_file():
        raise UserError(f"`{reference}` must be a file: there is none in {here}")
    allowed = anywhere or not where.endswith(".py") or path.is_relative_to(here) or _is_installed(path)
    if not (allowed or str(path) in {getattr(m, "__file__", None) for m in list(sys.modules.values())}):
        raise UserError(
            f"`{reference}` (={path}) must lie in {here}, where the command runs: it names code to execute"
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
