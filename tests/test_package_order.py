"""The order of packages: nothing imports a package above its own, there is no circle, and torch stays where it belongs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from itertools import pairwise
from pathlib import Path

import pytest

from helpers.packages import (
    MODULES,
    folder,
    imports,
    is_above,
    named_in_strings,
    of_phasescope,
    package,
    targets,
)

ROOT = Path(__file__).parents[1]
WITHOUT_TORCH = ("phasescope.core.", "phasescope.measures.", "phasescope.runs.store.")
WITH_TORCH_LATER = ("phasescope.core.arithmetic", "phasescope.core.randomness")
"""name torch, and import it when they are asked for its settings, or for a generator of it"""


def imports_at_once(module: str) -> set[str]:
    """What is imported when the module is."""

    def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
        for node in body:
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                yield from statements(node.orelse)
            elif isinstance(node, ast.If | ast.Try | ast.With):
                for field in ("body", "orelse", "finalbody"):
                    yield from statements(getattr(node, field, []))
            else:
                yield node

    tree = ast.parse(MODULES[module].read_text())
    return {target for node in statements(tree.body) for target in targets(node, module)}


def circle(graph: dict[str, set[str]]) -> list[str] | None:
    """A way through the graph that comes back to where it began."""
    done: set[str] = set()

    def follow(node: str, way: list[str]) -> list[str] | None:
        if node in way:
            return [*way[way.index(node) :], node]
        if node in done:
            return None
        for following in sorted(graph.get(node, ())):
            if found := follow(following, [*way, node]):
                return found
        done.add(node)
        return None

    return next((found for node in sorted(graph) if (found := follow(node, []))), None)


INNER = [module for module in MODULES if module not in ("phasescope", "phasescope.__main__")]


def test_no_module_imports_a_package_above_its_own():
    upward = [
        (module, name)
        for module in INNER
        for name in of_phasescope(imports(module))
        if is_above(name, module)
    ]
    assert not upward


def test_no_module_names_a_module_above_its_own_in_a_string():
    upward = {
        (module, name) for module in INNER for name in named_in_strings(module) if is_above(name, module)
    }
    assert not upward


def test_an_import_upward_would_be_seen():
    assert is_above("phasescope.runs.config", "phasescope.worlds.base")
    below = ["store.files", "config", "probing.probe", "trained.load", "training.train", "engines.local"]
    for lower, upper in pairwise(f"phasescope.runs.{name}" for name in below):
        assert is_above(upper, lower)
        assert not is_above(lower, upper)
    assert not is_above("phasescope.core.errors", "phasescope.cli.runs")


def test_no_circle_among_packages():
    graph: dict[str, set[str]] = {}
    for module in INNER:
        others = {package(name) for name in of_phasescope(imports(module))} - {package(module)}
        graph.setdefault(package(module), set()).update(others)
    assert circle(graph) is None


def folders() -> dict[str, set[str]]:
    """Return which folders each folder imports from; what an `__init__` exports of its own folder is no such import."""
    graph: dict[str, set[str]] = {}
    for module in INNER:
        exports = MODULES[module].name == "__init__.py"
        others = {folder(name) for name in of_phasescope(imports(module)) if name != "phasescope"}
        own = folder(module)
        graph.setdefault(own, set()).update(
            other for other in others - {own} if not (exports and other.startswith(f"{own}/"))
        )
    return graph


def test_no_circle_among_folders():
    """Each folder is a node by itself: a folder and one within it do not import each other either."""
    assert circle(folders()) is None


def test_folders_are_nodes_with_their_imports():
    assert "views/figures" in folders()["views/web"]
    assert "measures/latents" not in folders()["measures"]


def test_no_circle_among_modules_as_they_are_imported():
    assert circle({module: of_phasescope(imports_at_once(module)) for module in INNER}) is None


def test_no_two_files_import_each_other():
    """Whenever they do it: at once, when a function is called, or for annotations."""
    assert not [
        (module, other)
        for module in INNER
        for other in of_phasescope(imports(module))
        if module in imports(other)
    ]


def test_a_circle_would_be_found():
    assert circle({"a": {"b"}, "b": {"c", "d"}, "c": set(), "d": {"b"}}) == ["b", "d", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) is None


def test_measures_and_store_name_no_torch():
    without = [
        module for module in INNER if module.startswith(WITHOUT_TORCH) and module not in WITH_TORCH_LATER
    ]
    assert not [(module, n) for module in without for n in imports(module) if n.split(".")[0] == "torch"]


DRAWING = ("matplotlib", "PIL", "starlette", "uvicorn", "jinja2", "markupsafe", "rich")


def test_facts_name_nothing_that_draws_or_serves():
    facts = [module for module in INNER if module.startswith("phasescope.views.facts")]
    assert len(facts) > 10
    others = {(module, name) for module in facts for name in imports(module)}
    assert not {(module, name) for module, name in others if name.split(".")[0] in DRAWING}
    assert not {(module, name) for module, name in others if is_above(name, module) and name in MODULES}


NO_TORCH = """
import importlib, sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, NoTorch())
"""


def without_torch(code: str) -> str:
    found = subprocess.run([sys.executable, "-c", NO_TORCH + code], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_what_needs_no_torch_is_imported_where_there_is_none():
    without_torch(
        "try: import phasescope.models.networks.unet.network\n"
        "except ModuleNotFoundError: pass\n"
        "else: raise AssertionError('torch is there')"
    )
    needless = ("core", "measures", "runs", "studies", "views", "cli")
    torch_inside = ("phasescope.runs.probing.", "phasescope.__main__")
    modules = [
        module for module in INNER if package(module) in needless and not module.startswith(torch_inside)
    ]
    modules += [module for module in INNER if module.endswith(".config")]
    without_torch(f"for module in {modules}: importlib.import_module(module)")


@pytest.mark.slow
def test_a_run_is_described_and_latents_are_measured_where_there_is_no_torch():
    printed = without_torch(
        "import numpy as np\n"
        "from phasescope import measures\n"
        "from phasescope.runs.config import RunConfig, load_config\n"
        "config = load_config(overrides=['preset=paper', 'world.sigma_px=2', 'training.optimiser.kind=muon'])\n"
        "assert RunConfig.from_tree(config.tree()) == config\n"
        "labels = config.world.training_labels()\n"
        "config.world.factors.check(labels)\n"
        "print(measures.probe_r2(labels[::5] @ np.ones((2, 3)) + labels[::5, :1] ** 2, labels[::5]).n)\n"
    )
    assert int(printed) == 205


def test_each_required_distribution_is_imported_by_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = {re.split(r"[\[<>=!~ ;]", requirement)[0] for requirement in project["dependencies"]}

    provided = packages_distributions()
    imported = {name.partition(".")[0] for module in MODULES for name in imports(module)}
    used = {
        distribution.lower().replace("_", "-") for name in imported for distribution in provided.get(name, ())
    }
    assert not required - used
