"""Words are explained from one source, the glossary is what that source says, and no document that is cited is missing."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from docs import words
from phasescope.measures.columns import COLUMNS
from phasescope.views.facts.terms import (
    BASELINES,
    OF,
    PHASES,
    READINGS,
    SECTIONS,
    TERMS,
    pictogram,
    tree,
)

ROOT = Path(__file__).parents[1]
TEXTS = [
    path
    for folder in ("src", "docs")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".md", ".js", ".j2", ".css", ".html")
] + [ROOT / "README.md"]
CITED = re.compile(r"[\w./-]*\w\.md\b(?!\.)")
WRITTEN = {"summary.md", "captions.md", "claims.md", "statements.md"}
"""by a command where its user says, or by hand beside a study"""


def missing(text: str, by: Path) -> list[str]:
    """The Markdown files that a text names, and that are neither beside it, nor in docs, nor where the path says."""
    homes = (
        by.parent,
        ROOT,
        ROOT / "docs",
        *(folder for folder in (ROOT / "docs").iterdir() if folder.is_dir()),
    )
    names = [name.lstrip("/") for name in CITED.findall(text)]
    return [
        name for name in names if name not in WRITTEN and not any((home / name).is_file() for home in homes)
    ]


@pytest.mark.parametrize("folder", ["src", "docs", "README.md"])
def test_no_document_that_is_cited_is_missing(folder):
    found = {
        str(path.relative_to(ROOT)): lacking
        for path in TEXTS
        if path.relative_to(ROOT).parts[0] == folder
        if (lacking := missing(path.read_text(), path))
    }
    assert found == {}


def test_a_document_that_is_missing_would_be_found():
    assert missing("see `science.md` section 1, docs/glossary.md and measures.md", Path(__file__)) == [
        "science.md"
    ]


def test_the_glossary_is_what_the_one_source_says():
    assert words.PAGE.read_text() == words.glossary(), "write it: python -m docs.words"
    for path, text in words.pictures().items():
        assert path.read_text() == text, "write it: python -m docs.words"


@pytest.mark.parametrize("name", TERMS)
def test_each_word_has_one_plain_sentence(name):
    word, sentence, more = TERMS[name]
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert len(sentence) <= 130, "one sentence that is read in one go"
    assert not more or more.endswith(".")
    assert word.lower() not in sentence.lower().split()[:1]


def test_no_word_is_explained_twice():
    assert sum(map(len, SECTIONS.values())) == len(TERMS)
    assert len({term.word for term in TERMS.values()}) == len(TERMS)


def test_what_pages_show_is_explained():
    assert {"probe_r2", "p1_r2", "label_variance"} <= TERMS.keys() & COLUMNS.keys()
    assert "untrained" in TERMS.keys() & BASELINES.keys()
    assert {"behaviour", "sheet"} == READINGS.keys() <= TERMS.keys()
    assert [re.findall(r"arXiv (\d+\.\d+)", TERMS[paper].sentence) for paper in ("P1", "P2")] == [
        ["2402.03305"],
        ["2408.13256"],
    ]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("of", OF)
def test_a_pictogram_stands_alone_and_says_what_it_shows(phase, of):
    tree = ElementTree.fromstring(pictogram(phase, of))
    _, _, wide, high = map(float, tree.attrib["viewBox"].split())
    assert tree.attrib["role"] == "img"
    assert tree.attrib["aria-label"].startswith(f"{phase}, {of}: ")
    assert not {"href", "src", "style"} & {name for element in tree.iter() for name in element.attrib}
    circles = tree.findall(".//{*}circle")
    assert bool(circles)
    for circle in circles:
        assert 0 <= float(circle.attrib["cx"]) <= wide
        assert 0 <= float(circle.attrib["cy"]) <= high


def test_the_explorer_gets_all_terms():
    sent = tree()
    assert set(sent["terms"]) == {name for names in sent["sections"].values() for name in names} == set(TERMS)
    assert {of for phase in sent["phases"].values() for of in phase} == set(OF)
