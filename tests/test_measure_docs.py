"""The pages on measures: nothing that gives a score is left out, every link leads somewhere, every figure is shown."""

import dataclasses
import inspect
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from helpers.clouds import battery_names
from phasescope import measures
from phasescope.measures import Score

ROOT = Path(__file__).parents[1]
INDEX = ROOT / "docs" / "measures.md"
FOLDER = ROOT / "docs" / "measures"
PAGES = [INDEX, *sorted(FOLDER.glob("*.md"))]


def text_of(page: Path) -> str:
    """Without fenced code, whose comments look like headings."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def slug(heading: str) -> str:
    """GitHub's anchor: in lower case, of letters, digits, `_`, `-`, and `-` for each space."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """Of the page's headings; those that come again are numbered from 1."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"^#{1,6} +(.+)$", text_of(page), flags=re.MULTILINE):
        name = slug(heading)
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def links(page: Path) -> list[str]:
    """Where the page's links and pictures lead to within the repository."""
    targets = re.findall(r"\]\(([^)\s]+)\)", text_of(page))
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def broken(page: Path) -> list[str]:
    """The links to no file, or to no heading of it."""

    def leads_somewhere(link: str) -> bool:
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        return target.exists() and (not anchor or anchor in anchors(target))

    return [link for link in links(page) if not leads_somewhere(link)]


def unshown(folder: Path, pages: Sequence[Path]) -> list[str]:
    """Names of the folder's PNGs that no page shows."""
    pictures = {
        (page.parent / path).resolve()
        for page in pages
        for path in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", text_of(page))
    }
    return sorted(path.name for path in folder.glob("*.png") if path.resolve() not in pictures)


def holds_scores(kind: Any) -> bool:
    """Whether a type is Score, or is made of it: a container's, or a dataclass with such a field."""
    if kind is Score:
        return True
    if dataclasses.is_dataclass(kind):
        return any(holds_scores(hint) for hint in get_type_hints(kind).values())
    return any(holds_scores(part) for part in get_args(kind))


def functions() -> Iterator[tuple[str, Any]]:
    """The public functions of `measures`, but for known latents to compare with."""
    for name in measures.__all__:
        member = getattr(measures, name)
        if inspect.isfunction(member) and member.__module__ != "phasescope.measures.latents.ideal":
            yield name, member


FUNCTIONS = [name for name, _ in functions()]
SCORING = [
    name
    for name, function in functions()
    if name != "battery" and holds_scores(get_type_hints(function)["return"])
]


def rows(page: Path) -> list[list[str]]:
    """Cells of all table rows, headings and rules too."""
    lines = re.findall(r"^\|(.+)\|$", text_of(page), flags=re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def code(text: str) -> set[str]:
    """Names within backticks."""
    return set(re.findall(r"`(\w+)`", text))


def test_what_gives_scores_is_told_from_what_does_not():
    assert {"probe_r2", "p1_r2", "dci", "gap_ratio"} <= set(SCORING)
    assert not {"code_of", "onset", "behaviour_phase"} & set(SCORING)


@pytest.mark.parametrize("name", SCORING)
def test_every_measure_has_a_row_that_links_to_its_section(name):
    cells = [row[0] for row in rows(INDEX) if name in code(row[0])]
    assert cells
    for cell in cells:
        (link,) = re.findall(r"\]\(([^)\s]+)\)", cell)
        page, _, anchor = link.partition("#")
        assert anchor in anchors(INDEX.parent / page)
        assert name in (INDEX.parent / page).read_text()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_is_mentioned(name):
    assert re.search(rf"`[\w.]*\b{name}\b|measures\.{name}\(", INDEX.read_text())


def test_the_index_knows_the_battery():
    named: set[str] = set()
    last = ""
    for row in rows(INDEX):
        assert len(row) == 5
        if row[0] in ("measure", "reading"):
            last = row[-1]
        elif last == "battery":
            named |= code(row[-1])
    exported = battery_names() & {*FUNCTIONS}
    assert exported <= named <= battery_names()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    assert not broken(page)


def test_every_page_is_linked_from_the_index():
    linked = {(INDEX.parent / link.partition("#")[0]).resolve() for link in links(INDEX)}
    assert {page.resolve() for page in PAGES[1:]} <= linked


def test_every_figure_is_shown():
    assert not unshown(FOLDER, PAGES)


def test_what_leads_nowhere_would_be_found(tmp_path):
    (tmp_path / "shown.png").touch()
    (tmp_path / "forgotten.png").touch()
    page = tmp_path / "page.md"
    page.write_text(
        "# R^2 -> `order(x, k=(5, 10))`\n\n## Twice\n\n## Twice\n\n```sh\n# no heading\n```\n\n"
        "[a](#r2---orderx-k5-10) [b](page.md#twice-1) [c](https://example.org/none) ![d](shown.png)\n"
        "[e](#twice-2) [f](none.md) [g](page.md#no-heading) ![h](none.png)\n"
    )
    assert broken(page) == ["#twice-2", "none.md", "page.md#no-heading", "none.png"]
    assert unshown(tmp_path, [page]) == ["forgotten.png"]
