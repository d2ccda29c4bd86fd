"""Checking where a user's own code lies, and reporting its exceptions."""

import os
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from phasescope.core.errors import RunFailed, SourceFailed, UserError

# A folder with a config.yaml is a run's folder if it also has one of these; other programs write a config.yaml too.
RECORDS = ("status.json", "metrics.jsonl", "snapshots", "checkpoint", "observations")
MOST_LETTERS = 400  # of an exception in a line: our own lists of what is allowed have up to 300
INSTALLED = (
    Path(__file__).parents[1].resolve(),
    *(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)


def run_folder_above(path: Path) -> Path | None:
    """Return the innermost folder above a path that is a run's; None if there is none."""
    # Every configuration that names own code asks this of each place on `sys.path`, so that texts are compared, not `Path`s.
    below, folder = str(path), os.path.dirname(path)
    while folder not in (below, ""):
        if os.path.isfile(f"{folder}/config.yaml") and any(
            os.path.exists(f"{folder}/{name}") for name in RECORDS
        ):
            return Path(folder)
        below, folder = folder, os.path.dirname(folder)
    return None


def check_source(where: str, reference: str, anywhere: bool = False) -> None:
    """Raise UserError if a source lies where it must not.

    It must not lie in a run's folder, which is data and may come from a stranger. A file must lie in the working folder or
    in an installed package, or be imported already.

    Args:
        where: a file, whose links are followed, or a module's name, which may lie below this folder or one of `sys.path`.
        anywhere: whether the user named the file on the command line, so that only the first rule applies.
    """
    is_file = where.endswith(".py")
    if is_file:
        candidates = [Path(os.path.realpath(where))]
    else:
        as_path = where.replace(".", "/")
        candidates = [Path(os.path.realpath(os.path.join(root, as_path))) for root in ("", *sys.path)]

    for candidate in candidates:
        if run_folder := run_folder_above(candidate):
            raise UserError(
                f"`{reference}` (={candidate}) must not lie in a run's folder, which is data and not executed: "
                f"`{run_folder.name}` is one"
            )
    if not is_file:
        return

    path, here = candidates[0], Path.cwd().resolve()
    if not path.is_file():
        raise UserError(f"`{reference}` must be a file: there is none in {here}")
    if anywhere or path.is_relative_to(here) or _is_installed(path):
        return
    if str(path) not in {getattr(module, "__file__", None) for module in list(sys.modules.values())}:
        raise UserError(
            f"`{reference}` (={path}) must lie in {here}, where the command runs: it names code to execute"
        )


def _is_installed(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in INSTALLED)


@contextmanager
def failing(action: str) -> Iterator[None]:
    """Report what a user's own code raises within the block, `sys.exit` included, in one line that begins with `action`.

    Raises:
        SourceFailed: an exception passed through a file of the user.
        UserError: it did not: an installed package refused its arguments.
    """
    try:
        yield
    except (UserError, RunFailed, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        kind = SourceFailed if place_of(error) else UserError
        raise kind(f"{action}: {description_of(error)}") from error


def description_of(error: BaseException) -> str:
    """Return in one line what a user's own code raised and where, even if the exception's `__str__` fails."""
    try:
        text = str(error)
    except Exception as fault:
        text = f"its message cannot be read, for __str__ raises {type(fault).__name__}"
    line = " ".join(f"{type(error).__name__}: {text}".split())[:MOST_LETTERS]
    return f"{line} ({place})" if (place := place_of(error)) else line


def place_of(error: BaseException) -> str | None:
    """Return the innermost line of a user's own code in a traceback, as `file.py:12`; None if there is none."""
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
