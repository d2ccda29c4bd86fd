"""The code that a study rests on, read as text: nothing is imported, torch least of all.

A study is written in a few files. These, the loop that makes its data and the verbs that judge them import modules of the
package, directly or not; all of them bear on data or verdicts, but for the rooms that only draw, ask or carry.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2]
APART = ("views", "cli", "engines")
"""rooms that bear on neither data nor verdicts"""
ALWAYS = ("runs/execution.py", "studies/core/running.py")
"""what makes the data of every study, and has its claims judged"""


def reached(files: Iterable[Path], within: Path = PACKAGE) -> list[Path]:
    """These files, and those of a folder of the package that they import, directly or not."""
    found, wanted = dict[Path, None](), list(files)
    while wanted:
        file = wanted.pop()
        if file not in found:
            found[file] = None
            wanted += [
                one for one in _imported(file.read_text(encoding="utf-8")) if one.is_relative_to(within)
            ]
    return sorted(found)


def digest_of_imports(files: Iterable[Path]) -> str:
    """One SHA-256 of all modules of the package that files, and all studies, rest on; without the files themselves."""
    own, whole = {*files}, hashlib.sha256()
    for path in reached([*own, *(PACKAGE / name for name in ALWAYS)]):
        if path not in own:
            whole.update(
                f"{path.relative_to(PACKAGE).as_posix()} {len(text := path.read_bytes())}\n".encode()
            )
            whole.update(text)
    return whole.hexdigest()


@cache
def _imported(text: str) -> tuple[Path, ...]:
    """The files of modules of the package that a source imports anywhere."""
    names = [name for node in ast.walk(ast.parse(text)) for name in _names(node)]
    files = [file for name in dict.fromkeys(names) if (file := _file(name)) is not None]
    return tuple(file for file in files if file.relative_to(PACKAGE).parts[0] not in APART)


def _names(node: ast.AST) -> Iterator[str]:
    """What an import statement may take from: a module, or a name in one that may be a module itself."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        inner = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name if _file(name) else node.module for name in inner)


@cache
def _file(name: str) -> Path | None:
    """Of a module of the package; None where there is none."""
    package, *parts = name.split(".")
    path = PACKAGE.joinpath(*parts)
    files = (path.with_suffix(".py"), path / "__init__.py") if package == PACKAGE.name else ()
    return next((file for file in files if file.is_file()), None)
