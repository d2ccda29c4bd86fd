"""Finding the kinds that a package of phasescope offers, so that a new one is a file and no other file names it."""

import importlib
import importlib.util
import pkgutil
import sys
from functools import reduce
from operator import or_
from typing import Any

from phasescope.core.kinds import Kind


def built_in_kinds(package: str, base: type[Kind], usual: type[Kind], files: bool = True) -> Any:
    """Return the union of the built-in kinds of a package: a class below `base` that lies there and declares its own `kind`.

    Each file of the package is imported, and each folder of it with its `config.py`, if it has one.

    Args:
        package: name of the package, whose `__init__` may call this.
        base: the class that they derive from.
        usual: the default one, which comes first; the others follow in the order of their `kind`.
        files: whether kinds may be files; False where files beside the folders hold what is slow to import.

    Raises:
        TypeError: two classes have the same `kind`.
    """
    paths = list(sys.modules[package].__path__)
    for file in pkgutil.iter_modules(paths):
        if file.ispkg:
            folder = importlib.import_module(f"{package}.{file.name}")
            if importlib.util.find_spec(f"{folder.__name__}.config"):
                importlib.import_module(f"{folder.__name__}.config")
        elif files:
            importlib.import_module(f"{package}.{file.name}")

    kinds: dict[str, type[Kind]] = {}
    classes = [base]
    while classes:
        cls = classes.pop()
        classes += cls.__subclasses__()
        kind = cls.model_fields["kind"].default
        is_own = "kind" in vars(cls).get("__annotations__", {}) and cls.__module__.startswith(f"{package}.")
        if not kind or not is_own:
            continue
        if kinds.get(kind, cls) is not cls:
            raise TypeError(f"`kind` (={kind}) must be of one class: {cls} and {kinds[kind]} have it")
        kinds[kind] = cls
    ordered = sorted(kinds.values(), key=lambda cls: (cls is not usual, cls.model_fields["kind"].default))
    return reduce(or_, ordered)
