"""The files that a study's numbers come from: its own, and every module that these import, directly or not, from the folder
of studies or from the readings that studies share. A preregistration holds their SHA-256.

Imports are read from the syntax, inside functions too, and nothing is executed.
"""

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from phasescope.runs.store.files import sha256
from phasescope.studies.finding import STUDY_FILE

PACKAGE = Path(__file__).parents[1]
READINGS = PACKAGE / "studies" / "readings"
"""phasescope's own modules that hold numbers of studies"""


def digests_of_sources(file: Path | None) -> dict[str, str]:
    """Return the SHA-256 of every file that the numbers of the study in `file` come from, by name; {} without a file.

    Names are paths: of the study's own files from its folder (`study.py`), of what studies share from the folder of studies
    (`designs/stages.py`), of phasescope's readings from the package (`phasescope/studies/readings/phases.py`).
    """
    if file is None:
        return {}

    file = file.resolve()
    own = sorted(file.parent.glob("*.py")) if file.name == STUDY_FILE else [file]
    shared = _imported(own, file.parent, file.parent.parent)

    named = {path.name: path for path in own}
    named |= {path.relative_to(_above(path, file.parent.parent)).as_posix(): path for path in sorted(shared)}
    return {name: sha256(path) for name, path in named.items()}


def _above(path: Path, studies: Path) -> Path:
    """Return the folder from which a shared module's name begins."""
    return PACKAGE.parent if path.is_relative_to(READINGS) else studies


def _imported(files: list[Path], own: Path, studies: Path) -> set[Path]:
    """Return the modules below `studies` or `READINGS` that `files` import, directly or not, without `files`."""
    seen, waiting = set(files), list(files)
    while waiting:
        for path in _imports(waiting.pop(), own, studies):
            if path not in seen and (path.is_relative_to(studies) or path.is_relative_to(READINGS)):
                seen.add(path)
                waiting.append(path)
    return seen - set(files)


def _imports(file: Path, own: Path, studies: Path) -> Iterator[Path]:
    """Yield the files that a file imports: by names below the folder above `studies`, beside the study, or in phasescope."""
    for level, names in _import_statements(file, file.stat().st_mtime_ns):
        roots = [file.parents[level - 1]] if level else [studies.parent, own, PACKAGE.parent]
        for name in names:
            for root in roots:
                yield from _files_of(root.joinpath(*name.split(".")))


@lru_cache(maxsize=1024)
def _import_statements(file: Path, _changed: int) -> list[tuple[int, list[str]]]:
    """Return the imports of a file: how many folders up each begins (0: absolute), and its modules' dotted names.

    Args:
        _changed: when the file was last changed, so that it is read again.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (
        SyntaxError,
        ValueError,
    ):  # it imports nothing as it stands; that it cannot be read is said where it is run
        return []

    statements = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            statements.append((0, [alias.name for alias in node.names]))
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            # What is imported from a package may be a module of it.
            names = [module, *(f"{module}.{alias.name}".lstrip(".") for alias in node.names)]
            statements.append((node.level, [name for name in names if name]))
    return statements


def _files_of(module: Path) -> Iterator[Path]:
    """Yield the file of a module, or of a package, given without its suffix; nothing if there is neither."""
    for candidate in (module.with_name(f"{module.name}.py"), module / "__init__.py"):
        if candidate.is_file():
            yield candidate.resolve()
