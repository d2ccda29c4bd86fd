"""Importing the public names of a package when they are first used: `--help` and `ls` need few of them."""

import ast
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_PROVIDED: dict[str, str] = {}


def attach(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` of a package, whose names its `__init__.pyi` lists.

    Args:
        file: the package's `__init__.py`; the stub beside it serves type checkers, too.
    """
    homes = {
        alias.name: node.module
        for node in ast.parse(Path(file).with_suffix(".pyi").read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    def get(name: str) -> Any:
        home = str(homes.get(name, package))
        if home != package and hasattr(import_module(home), name):
            return getattr(import_module(home), name)
        if not name.startswith("_") and find_spec(f"{home}.{name}"):
            return import_module(f"{home}.{name}")
        raise AttributeError(f"module `{package}` has no attribute `{name}`")

    names = sorted(homes)
    return get, lambda: names, names


def provide(name: str, reference: str) -> None:
    """Name what lower packages use and an upper one defines, as `module:name`; it is imported when it is used."""
    _PROVIDED[name] = reference


def provided(name: str) -> Any:
    """Import what `provide` named, and return it."""
    module, _, attribute = _PROVIDED[name].partition(":")
    return getattr(import_module(module), attribute)
