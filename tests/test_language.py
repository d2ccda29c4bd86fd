"""Words that pages, docstrings and help do not use, archaic or private: `docs/glossary.md` has the field's terms."""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SINGLE = ("README.md", "CONTRIBUTING.md", "examples/README.md", "studies/README.md")
PAGES = sorted([*(ROOT / name for name in SINGLE), *ROOT.glob("docs/**/*.md"), *ROOT.glob("docs/**/*.ipynb")])
FORBIDDEN = re.compile(
    r"\b(copiers?|smoother|told|paint\w*|sooner|foret\w+|learnt|anew|somebody\w*|nulls|one's own|hears?|heard"
    r"|rungs?|ladder|taps?|comes? round|made data|second look|verbs?|seldom|wherein|thereof|whither|nought)\b",
    re.IGNORECASE,
)
ALLOWED = {
    "docs/theory.md": {"ladder", "foretold"},  # names of studies
    "studies/README.md": {"ladder", "foretold", "foretell"},
}


def prose(page: Path) -> str:
    """Return a page without code, links' targets and headings' anchors; of a notebook, its text."""
    text = page.read_text()
    if page.suffix == ".ipynb":
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
    text = re.sub(r"^```.*?^```$|^    .*?$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`]*`|\]\([^)]*\)|<!--.*?-->", " ", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_uses_the_fields_words(page):
    allowed = ALLOWED.get(str(page.relative_to(ROOT)), set())
    used = [
        f"{line.strip()[:120]}"
        for line in prose(page).splitlines()
        if any(word.lower() not in " ".join(allowed) for word in FORBIDDEN.findall(line))
    ]
    assert used == []


SOURCES = sorted((ROOT / "src" / "phasescope").rglob("*.py"))
SCRIPTS = sorted((ROOT / "src" / "phasescope").rglob("static/*.js"))
KEPT = ("tap noise", "explorer paint")
"""purposes of random streams: other words there would change results"""


def texts(path: Path) -> list[str]:
    """Return a module's docstrings and, with messages and help, its other strings of several words, without code."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    strings = [node.value for node in nodes if isinstance(node, ast.Expr)]
    strings += [node for node in nodes if isinstance(node, ast.Constant) and " " in str(node.value).strip()]
    texts = [node.value for node in strings if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    texts = [
        re.sub(r"^    .*[=(\[].*$|`[^`]*`", " ", text, flags=re.MULTILINE)
        for text in texts
        if text not in KEPT
    ]
    # names of arguments, `key=value` and paths of columns are not prose
    return [re.sub(r"^ *[\w, ]+:(?= )|\S*[.=(\[]\w\S*", " ", text, flags=re.MULTILINE) for text in texts]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_docstrings_messages_and_help_use_the_fields_words(path):
    assert [text for text in texts(path) if FORBIDDEN.search(text)] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_what_the_explorer_says_and_its_comments_use_the_fields_words(path):
    said = re.findall(r'//.*|"[^"\n]* [^"\n]*"|`[^`\n]* [^`\n]*`', path.read_text())
    said = [re.sub(r"\$\{[^}]*\}", " ", text) for text in said]
    assert [text for text in said if FORBIDDEN.search(text)] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src" / "phasescope")))
def test_no_name_is_a_word_that_names_nothing(path):
    nodes = list(ast.walk(ast.parse(path.read_text())))
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assert not bound & {"one", "found", "told", "of", "what", "whole", "tell", "copier"}
