"""The source as its code has it: modules, what each imports, and the packages that they belong to."""

import ast
import re
from functools import cache
from pathlib import Path

import phasescope

SOURCE = Path(phasescope.__file__).parent
PACKAGES = ("core", "measures", "worlds", "models", "runs", "studies", "views", "cli")
"""each imports only from those before it; `__init__` and `__main__` count to the last"""
INNER_ORDER = (
    "models.networks",
    "models.families",
    "models.training",
    "runs.store",
    "runs.config",
    "runs.probing",
    "runs.trained",
    "runs.training",
    "runs.engines",
    "views.facts",
)
"""packages within a package: each imports only from those before it"""

MODULES = {
    ".".join(("phasescope", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}


def package(module: str) -> str:
    """`phasescope.models.families.diffusion.config` is of the package `models`."""
    inner = module.split(".")[1:]
    return inner[0] if inner and inner[0] in PACKAGES else PACKAGES[-1]


NAMED = re.compile(r"phasescope(\.\w+)+(:\w+)?")


def folder(module: str) -> str:
    """`phasescope.models.families.diffusion.config` lies in the folder `models/families/diffusion`."""
    return MODULES[module].relative_to(SOURCE).parent.as_posix()


def is_above(module: str, other: str) -> bool:
    """Whether a module stands above another, in the order of the packages and of those within them."""
    ranks = [PACKAGES.index(package(name)) for name in (module, other)]
    inner = [
        next(
            (rank for rank, part in enumerate(INNER_ORDER) if f"{name}.".startswith(f"phasescope.{part}.")),
            None,
        )
        for name in (module, other)
    ]
    if ranks[0] != ranks[1]:
        return ranks[0] > ranks[1]
    return inner[1] is not None and (inner[0] is None or inner[0] > inner[1])


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


def named_in_strings(module: str) -> set[str]:
    """All modules that a module names in a string, as `phasescope.views.figures.plots:Plots`, to import them later."""
    tree = ast.parse(MODULES[module].read_text())
    strings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    named = {text.split(":")[0] for text in strings if isinstance(text, str) and NAMED.fullmatch(text)}
    return named & {*MODULES}


def of_phasescope(names: set[str]) -> set[str]:
    return {name for name in names if name in MODULES}
