"""No link of the pages goes nowhere: files, and places within pages."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A summary is a part of its study's page, on which its numbers and links stand.
WRITTEN = [path for path in ROOT.glob("studies/**/*.md") if path.name != "summary.md"]
PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("results/**/*.md"), *WRITTEN)
    if path.is_file()
)
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:href|src)=\"([^\"]+)\"")


@cache
def places(page: Path) -> frozenset[str]:
    """What a link can name within a page: its anchors, and its headings as GitHub names them."""
    text = page.read_text()
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    slugs = [re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings]
    return frozenset([*re.findall(r"id=\"([^\"]+)\"", text), *slugs])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path):
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)
    for found in LINK.finditer(text):
        target = found[1] or found[2]
        if re.match(r"[a-z]+:", target):
            continue
        file, _, place = target.partition("#")
        to = (page.parent / file) if file else page
        assert to.exists(), f"{target}: no such file"
        assert ROOT in to.resolve().parents or to.resolve() == ROOT, f"{target}: outside the repository"
        if place and to.suffix == ".md":
            assert place in places(to.resolve()), f"{target}: no such place in it"
