"""Parts of the source that deserve a closer look for their length, and that no kind is known by name outside its folder."""

import ast
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

import phasescope
from helpers.packages import MODULES, SOURCE, is_above

LONG_FILE, LONG_FUNCTION = 320, 60
"""lines beyond which a file, or a function, deserves a closer look; no limit"""
LOOKED_AT = {
    "phasescope.cli.studies.study",
    "phasescope.core.config",
    "phasescope.core.kinds",
    "phasescope.measures.corrected_shares.corrected_shares",
    "phasescope.measures.latents.disentanglement.dci.dci",
    "phasescope.measures.latents.factorization.factorization",
    "phasescope.measures.latents.p1_r2.p1_r2",
    "phasescope.measures.latents.probe_r2.probe_r2",
    "phasescope.measures.phase_count",
    "phasescope.measures.phase_count.count_phases",
    "phasescope.models.families.diffusion.meter.meter",
    "phasescope.runs.probing.interventions",
    "phasescope.runs.probing.interventions.intervene",
    "phasescope.runs.probing.probe.probe",
    "phasescope.runs.training.execution",
    "phasescope.runs.training.watch",
    "phasescope.runs.training.watch.watch",
    "phasescope.studies.conduct",
    "phasescope.studies.conduct.conduct",
    "phasescope.studies.conduct.survey",
    "phasescope.studies.plots",
    "phasescope.studies.runs_table",
    "phasescope.studies.statistics",
    "phasescope.studies.study",
    "phasescope.views.facts.record",
    "phasescope.views.figures.forked.plot_fork",
    "phasescope.views.figures.plots",
    "phasescope.worlds.images.image_set",
    "phasescope.worlds.images.regressor",
}
"""files and functions beyond them that a reader found whole"""


def functions(path: Path) -> list[tuple[str, int]]:
    """Return name and lines of each function of a file, those within functions included."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return [
        (node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def long_parts() -> set[str]:
    """Return the names of files and functions of the source that deserve a closer look."""
    files = {name for name, path in MODULES.items() if len(path.read_text().splitlines()) > LONG_FILE}
    parts = {
        f"{name}.{function}"
        for name, path in MODULES.items()
        for function, count in functions(path)
        if count > LONG_FUNCTION
    }
    return files | parts


def test_long_files_and_functions_were_looked_at():
    """Size is judged by a reader, not by a limit: what is new here wants a second look, and then a line in `LOOKED_AT`."""
    assert long_parts() - LOOKED_AT == set()


def test_a_long_function_would_be_named(tmp_path, monkeypatch):
    path = tmp_path / "long.py"
    path.write_text("def short():\n    pass\n\n\ndef long():\n" + "    pass\n" * LONG_FUNCTION)
    assert functions(path) == [("short", 2), ("long", LONG_FUNCTION + 1)]
    monkeypatch.setitem(MODULES, "a", path)
    assert "a.long" in long_parts()


OF_THE_BUMP = re.compile(r"bump|sigma_px|misplaced|error_px", re.IGNORECASE)
OF_DIFFUSION = re.compile(r"diffusion|noise schedules?\b|family\.schedule", re.IGNORECASE)
FILES = sorted(
    path
    for path in SOURCE.rglob("*")
    if path.is_file() and path.suffix in (".py", ".js", ".css", ".html", ".j2", ".md")
)


def within(*places: str) -> set[Path]:
    """All files at or under places of the source."""
    return {path for path in FILES for place in places if path.is_relative_to(SOURCE / place)}


def names(path: Path, pattern: re.Pattern[str]) -> list[str]:
    lines = path.read_text().splitlines()
    return [f"{number}: {line.strip()[:90]}" for number, line in enumerate(lines, 1) if pattern.search(line)]


def leaks(pattern: re.Pattern[str], files: set[Path]) -> dict[str, list[str]]:
    """By file the lines that name what they should not know; comments and docstrings too."""
    found = {str(path.relative_to(SOURCE)): names(path, pattern) for path in sorted(files)}
    return {path: lines for path, lines in found.items() if lines}


OF_STRIPES = re.compile(r"stripe", re.IGNORECASE)
KINDS_OF_WORLDS = within("worlds/bump", "worlds/stripes")
# Readings that several studies share are of those studies' worlds and families.
SHARED_READINGS = within("studies/readings")
OUTSIDE_KINDS = set(FILES) - KINDS_OF_WORLDS - SHARED_READINGS - within("worlds/__init__.py")
ABOVE_FAMILIES = {
    path
    for path in set(FILES) - within("models/families") - SHARED_READINGS
    if is_above(
        ".".join(("phasescope", *path.relative_to(SOURCE).with_suffix("").parts)),
        "phasescope.models.families.base",
    )
}


def test_no_file_outside_its_folder_names_a_kind_of_world():
    assert leaks(OF_THE_BUMP, OUTSIDE_KINDS) == {}
    assert leaks(OF_STRIPES, OUTSIDE_KINDS | within("worlds/bump")) == {}
    assert leaks(re.compile("bump", re.IGNORECASE), within("worlds/stripes")) == {}


def test_no_file_above_families_names_diffusion():
    assert leaks(OF_DIFFUSION, ABOVE_FAMILIES) == {}


OF_A_UNET = re.compile(r"\b(stem|mid|(down|up)\d)\b(?!-)")
EXAMPLE = re.compile(r"\bas in `?([\w.]+=\[)?mid")


def texts(path: Path) -> Iterator[str]:
    """Yield a module's strings, docstrings left out."""
    tree = ast.parse(path.read_text())
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


def test_no_code_outside_networks_names_their_layers():
    """In docstrings, and after "as in" in a message, a layer is an example."""
    apart = within("models/networks") | SHARED_READINGS
    outside = {name: path for name, path in MODULES.items() if path not in apart}
    naming = {
        name: text
        for name, path in outside.items()
        for text in texts(path)
        if OF_A_UNET.search(text) and not EXAMPLE.search(text)
    }
    assert not naming


def test_a_leak_would_be_found():
    assert any(
        OF_A_UNET.search(text) for text in texts(SOURCE / "models" / "networks" / "unet" / "network.py")
    )
    assert names(SOURCE / "worlds" / "bump" / "world.py", OF_THE_BUMP)
    assert names(SOURCE / "models" / "families" / "diffusion" / "family.py", OF_DIFFUSION)
    assert names(SOURCE / "worlds" / "stripes" / "world.py", OF_STRIPES)
    assert len(OUTSIDE_KINDS) > 100
    assert len(ABOVE_FAMILIES) > 50


UNFORMATTED = re.compile(r"#\s*fmt:\s*(skip|off)")
ROOT = Path(__file__).parents[1]
RECORDED = {"studies/bands/kinds.py", "studies/factors/kinds.py"}
"""worlds whose preregistrations hold the SHA-256 of these files: another layout would be another world"""


def test_no_code_is_kept_from_the_formatter():
    folders = ("src", "studies", "examples", "docs", "benchmarks", "tools")
    files = {path for folder in folders for path in (ROOT / folder).rglob("*.py")}
    kept = {str(path.relative_to(ROOT)) for path in files if names(path, UNFORMATTED)}
    assert kept == RECORDED


@pytest.mark.parametrize("package", [phasescope, phasescope.studies])
def test_type_checkers_see_every_public_name(package):
    stub = Path(package.__file__).with_suffix(".pyi").read_text()
    names = ast.literal_eval(stub[stub.index("[", stub.index("__all__")) : stub.rindex("]") + 1])
    assert names == package.__all__ == [name for name in names if getattr(package, name) is not None]


def test_the_version_is_that_of_the_package():
    assert phasescope.__version__ == metadata.version("phasescope")
