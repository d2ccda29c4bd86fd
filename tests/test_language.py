"""Words that the pages do not use: archaic or private ones, for which `docs/glossary.md` has the field's term."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SINGLE = ("README.md", "CONTRIBUTING.md", "examples/README.md", "studies/README.md")
PAGES = sorted([*(ROOT / name for name in SINGLE), *ROOT.glob("docs/**/*.md")])
FORBIDDEN = re.compile(
    r"\b(copiers?|smoother|told|paint\w*|sooner|foret\w+|learnt|anew|somebody\w*|nulls|one's own"
    r"|rungs?|ladder|taps?|comes? round|made data|second look|declared|verbs?|seldom|wherein|thereof|whither|nought)\b",
    re.IGNORECASE,
)
ALLOWED = {
    "docs/composition.md": {"copier", "factorized copier", "kernel smoother"},  # columns of a generated table
    "docs/theory.md": {"ladder", "foretold"},  # names of studies
    "studies/README.md": {"ladder", "foretold", "foretell"},
}


def prose(text: str) -> str:
    """Return a page without code, links' targets and headings' anchors."""
    text = re.sub(r"^```.*?^```$|^    .*?$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`]*`|\]\([^)]*\)|<!--.*?-->", " ", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_uses_the_fields_words(page):
    allowed = ALLOWED.get(str(page.relative_to(ROOT)), set())
    used = [
        f"{line.strip()[:120]}"
        for line in prose(page.read_text()).splitlines()
        if any(word.lower() not in " ".join(allowed) for word in FORBIDDEN.findall(line))
    ]
    assert used == []
