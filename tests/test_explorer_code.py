"""The explorer's code stays readable; `./lab check` formats and type-checks it where Node is."""

import re

import pytest

from helpers.packages import SOURCE

STATIC, TEMPLATES = SOURCE / "views" / "web" / "static", SOURCE / "views" / "web" / "templates"
SCRIPTS = sorted(STATIC.glob("*.js"))
PAGES = [*SCRIPTS, *STATIC.glob("*.css"), *STATIC.glob("*.html"), *TEMPLATES.glob("*.html.j2")]
"""what is ours: a library in `vendor` is its authors'"""
FUNCTION = re.compile(r"\bfunction\b.*\{$|=> \{$|^ +(?!if|for|while|switch|catch)(async )?\w+\(.*\) \{$")


def functions(text: str) -> dict[str, int]:
    """The lines of each function of formatted code, by its place: it ends at its first line's indentation."""
    lines = text.splitlines()
    indents = [len(line) - len(line.lstrip()) if line else 1000 for line in lines]
    starts = [i for i, line in enumerate(lines) if FUNCTION.search(line)]
    outer = [[k for k, indent in enumerate(indents) if k > i and indent <= indents[i]] for i in starts]
    # parameters over several lines end with a brace that opens
    ends = [next(k for k in later if not lines[k].endswith("{")) for later in outer]
    return {f"{i + 1}: {lines[i].strip()}": end - i + 1 for i, end in zip(starts, ends, strict=True)}


def test_there_are_scripts_styles_and_templates():
    assert {path.suffix for path in PAGES} == {".js", ".css", ".html", ".j2"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_line_is_over_110_columns(path):
    lines = enumerate(path.read_text().splitlines(), 1)
    assert [f"{number}: {len(line)}" for number, line in lines if len(line) > 110] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_function_is_over_60_lines_and_types_are_checked(path):
    text = path.read_text()
    assert text.startswith("// @ts-check\n")
    assert {name: lines for name, lines in functions(text).items() if lines > 60} == {}
