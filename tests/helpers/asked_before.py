"""Checks of files that have not changed since they passed: they cost nothing where pytest keeps a cache (.pytest_cache)."""

import platform
from collections.abc import Callable, Iterable
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPUTED_WITH = ("numpy", "pandas", "scipy", "torch", "pydantic")
"""packages on whose version a recomputed number may depend"""


def unless_unchanged(
    config: pytest.Config, question: str, files: Iterable[Path], ask: Callable[[], None]
) -> None:
    """Ask a question, unless it was answered well of these very files, by this code and these packages.

    Args:
        question: its name, unique among all.
        files: what the answer depends on, code included.
        ask: raises where the answer is wrong; then it is asked again the next time.
    """
    kept = getattr(config, "cache", None)  # there is none with `-p no:cacheprovider`
    key, known = f"phasescope/{question}", digest_of(files)
    if kept is not None and kept.get(key, None) == known:
        return
    ask()
    if kept is not None:
        kept.set(key, known)


def digest_of(files: Iterable[Path]) -> str:
    """Return the SHA-256 of the names and contents of files, of the packages' versions and of the kind of machine."""
    lines = [f"{path.relative_to(ROOT)} {_sha256(path)}" for path in sorted({*files})]
    lines += [f"{name} {version(name)}" for name in COMPUTED_WITH]
    return sha256("\n".join([*lines, platform.python_version(), platform.machine()]).encode()).hexdigest()


@cache
def code_of(*folders: str) -> tuple[Path, ...]:
    """Return the files of code, templates and tables below folders of the repository."""
    kinds = ("*.py", "*.j2", "*.toml")
    return tuple(path for folder in folders for kind in kinds for path in (ROOT / folder).rglob(kind))


@cache
def _sha256(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
