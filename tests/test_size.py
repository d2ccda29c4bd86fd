"""The size of the instrument, and that no kind is known by name outside its own folder; all counted from the code itself."""

import ast
import re
from pathlib import Path
from statistics import median

import pytest

import phasescope
from packages import MODULES, PACKAGES, SOURCE, imports, is_above, of_phasescope, package, targets

LINES = {module: len(path.read_text().splitlines()) for module, path in MODULES.items()}
ARROWS = {
    (package(module), package(other))
    for module in MODULES
    for other in of_phasescope(imports(module))
    if package(module) != package(other)
}
INNER = {
    module
    for path in Path(__file__).parent.rglob("*.py")
    for node in ast.walk(ast.parse(path.read_text()))
    for module in of_phasescope({*targets(node, str(path))})
    if MODULES[module].name != "__init__.py"
}


@pytest.mark.parametrize(
    ("what", "count", "most"),
    [
        ("packages", len(PACKAGES), 8),
        ("arrows between packages, counted from all imports", len(ARROWS), 22),
        ("lines of Python in the wheel", sum(LINES.values()), 26_880),
        ("lines of the median file", median(LINES.values()), 130),
        ("lines of the longest file", max(LINES.values()), 320),
        ("inner modules that tests import instead of packages", len(INNER), 67),
    ],
)  # fmt: skip
def test_the_instrument_is_no_larger_than_it_may_be(what, count, most, capsys):
    with capsys.disabled():
        print(f"\n{what}: {count:g} of {most}")
    longest = sorted(LINES, key=lambda module: -LINES[module])[:8]
    assert count <= most, {module: LINES[module] for module in longest}


OF_THE_BUMP = re.compile(r"bump|sigma_px|misplaced", re.IGNORECASE)
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
OUTSIDE_KINDS = set(FILES) - KINDS_OF_WORLDS - within("worlds/__init__.py")
ABOVE_FAMILIES = {
    path
    for path in set(FILES) - within("models/families")
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


def test_a_leak_would_be_found():
    assert names(SOURCE / "worlds" / "bump" / "world.py", OF_THE_BUMP)
    assert names(SOURCE / "models" / "families" / "diffusion" / "config.py", OF_DIFFUSION)
    assert names(SOURCE / "worlds" / "stripes" / "world.py", OF_STRIPES)
    assert len(OUTSIDE_KINDS) > 100
    assert len(ABOVE_FAMILIES) > 50


def test_type_checkers_see_every_public_name():
    stub = (SOURCE / "__init__.pyi").read_text()
    names = ast.literal_eval(stub[stub.index("[", stub.index("__all__")) : stub.rindex("]") + 1])
    assert names == phasescope.__all__ == [name for name in names if getattr(phasescope, name) is not None]
