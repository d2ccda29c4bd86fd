"""The house as its code has it: modules, what each imports, the rooms and floors that they are of."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import phasescope

SOURCE = Path(phasescope.__file__).parent
TOP, GROUND = "cli", "ground"
"""rooms that are no package: `__init__`, `__main__` and `cli`; and all other files at the top level"""
FLOORS = (
    {GROUND},
    {"measures"},
    {"worlds", "families", "networks", "store"},
    {"training", "probing", "engines"},
    {"runs"},
    {"studies"},
    {"views"},
    {TOP},
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

MODULES = {
    ".".join(("phasescope", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}


def room(module: str) -> str:
    """`phasescope.families.diffusion.config` is of the room `families`."""
    _, *inner = module.split(".")
    if not inner or inner[0] in ("cli", "__main__"):
        return TOP
    return inner[0] if (SOURCE / inner[0]).is_dir() else GROUND


def targets(node: ast.AST, module: str) -> list[str]:
    """The modules that an import statement takes from."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"{module}: imports are absolute"
        inner = [f"{node.module}.{alias.name}" for alias in node.names]
        return [name if name in MODULES else str(node.module) for name in inner]
    return []


@cache
def imports(module: str) -> set[str]:
    """All that a module imports anywhere: at once, when a function is called, or for its annotations."""
    tree = ast.parse(MODULES[module].read_text())
    return {target for node in ast.walk(tree) for target in targets(node, module)}


@cache
def imports_to_run(module: str) -> set[str]:
    """What a module imports at once or when a function is called: all but what its annotations alone need."""

    def nodes(node: ast.AST) -> Iterator[ast.AST]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        yield node
        for inner in ast.iter_child_nodes(node):
            yield from nodes(inner)

    tree = ast.parse(MODULES[module].read_text())
    return {target for node in nodes(tree) for target in targets(node, module)}


def of_the_house(names: set[str]) -> set[str]:
    return {name for name in names if name in MODULES}
