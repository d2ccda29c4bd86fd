"""The verdicts at a glance: what is shown follows from a rule that does not look at verdicts, and all ways tell the same."""

from __future__ import annotations

import random
from pathlib import Path
from xml.etree import ElementTree

import pytest

from phasescope.views.report.results import told_of
from phasescope.views.report.study_page import rendered
from phasescope.views.report.verdicts import SYMBOLS, brief, findings, grid_of, picture, spoken
from phasescope.views.style import css_variables

VERDICTS = tuple(SYMBOLS)
PAGE = Path("docs/results.md")


def claim(name: str, family: str, system: str, verdict: str = "supported", study: str = "one") -> dict:
    """A claim as a study's page has it."""
    return {
        "name": name, "family": family, "system": system, "verdict": verdict, "study": study, "symbol": SYMBOLS[verdict],
        "sentence": f"{name} is so.", "value": 0.8, "low": 0.7, "high": "inf", "n": 8, "value_text": "0.8",
        "interval_text": "[0.7, ∞]", "rule": "> 0.5", "figure": "order", "does_not_show": f"Why {name} is.",
        "why": "the whole interval", "source": "P1", "statistic": "share | runs", "minimum_n": 6, "detail_text": "",
    }  # fmt: skip


CLAIMS = [
    claim("a", "phases", "eps"),
    claim("b", "phases", "eps", "refuted"),
    claim("c", "order", "fast", "undecided"),
    claim("d", "order", "eps", "refuted", "two"),
    claim("e", "phases", "fast", "refuted", "two"),
    claim("f", "", "eps"),
    claim("g", "order", ""),
]


def svg_of(claims: list[dict], alone: bool = True) -> str:
    return rendered(
        "verdicts.svg.j2",
        picture=picture(grid_of(claims), alone),
        light=css_variables(dark=False),
        dark=css_variables(dark=True),
    )


def page_of(claims: list[dict], study: str, runs: list[str]) -> dict:
    own = [one for one in claims if one["study"] == study]
    counts = {verdict: sum(one["verdict"] == verdict for one in own) for verdict in VERDICTS}
    return {
        "study": study, "title": study.capitalize(), "question": "Is it so?", "headline": own[0]["name"],
        "runs": len(runs), "digests": runs,
        "hardware": "a core", "figures": [], "claims": own, "counts": counts, "sha256": 64 * "0", "tables": [],
        "declaration": None, "controls": [],
    }  # fmt: skip


def test_families_and_systems_stand_as_claims_name_them_and_a_square_shows_its_first():
    grid = grid_of(CLAIMS)
    assert grid.families == ("phases", "order")
    assert grid.systems == ("eps", "fast")
    names = [[one["name"] for one in grid.squares[family, system]] for family, system in grid.squares]
    assert names == [["a", "b"], ["c"], ["d"], ["e"]]
    assert [[one and one["name"] for one in row] for row in grid.shown()] == [["a", "e"], ["d", "c"]]


def test_what_is_told_does_not_depend_on_verdicts():
    """Else a page could choose what it likes."""
    claims = [
        claim(f"{f}{s}{k}", f"family {f}", f"system {s}")
        for f in range(9)
        for s in range(3)
        for k in range(2)
    ]
    headlines = ("010", "320", "801")
    chance = random.Random(0)
    told = set()
    for _ in range(20):
        drawn = [{**one, "verdict": chance.choice(VERDICTS)} for one in claims]
        found = findings(grid_of(drawn), [one for one in drawn if one["name"] in headlines])
        told.add(tuple(f["claim"]["name"] for f in found))
        assert all({f["claim"]["family"]} == {one["family"] for one in f["others"]} for f in found)
        assert [len(f["others"]) for f in found] == [2, 2, 2]
    assert told == {headlines}


def test_the_picture_is_a_whole_file_with_every_verdict_in_its_colour():
    tree = ElementTree.fromstring(svg_of(CLAIMS))
    named = "{http://www.w3.org/2000/svg}"
    groups = tree.findall(f"{named}g")
    shown = [one for row in grid_of(CLAIMS).shown() for one in row if one]
    assert [group.get("class") for group in groups] == [one["verdict"] for one in shown]
    for group, one in zip(groups, shown, strict=True):
        words = [text.text for text in group.findall(f"{named}text")]
        assert words == [one["verdict"], "0.80 [0.70, ∞] n 8"]
        assert one["sentence"] in str(group.findtext(f"{named}title"))
    assert [g.get("class") for g in groups[0].findall(f"{named}g")] == ["refuted"]  # b, beside a
    style = str(tree.findtext(f"{named}style"))
    assert css_variables(dark=False) in style
    assert "prefers-color-scheme: dark" in style
    assert "prefers-color-scheme" not in svg_of(CLAIMS, alone=False)
    assert tree.get("aria-label") == spoken(grid_of(CLAIMS))


def test_marks_and_words_stay_within_their_square():
    many = [
        claim(str(k), "a family of a name so long that it is broken", "eps", VERDICTS[k % 3])
        for k in range(17)
    ]
    drawn = picture(grid_of(many), alone=True)
    (row,) = drawn["rows"]
    (square,) = row["squares"]
    width, height = drawn["square"]
    assert len(square["marks"]) == 16
    assert len({(x, y) for x, y, _ in square["marks"]}) == 16
    assert all(100 < x < width - 5 and 0 < y < height - 5 for x, y, _ in square["marks"])
    assert [one["name"] for *_, one in square["marks"]] == [str(k) for k in range(1, 17)]
    assert len(row["lines"]) == 2


def test_what_could_break_a_picture_or_a_table_is_escaped():
    odd = [{**claim("a", "p < q & r", "x|y"), "sentence": "If a|b <i>then</i> & so."}]
    tree = ElementTree.fromstring(svg_of(odd))
    assert "p < q & r" in "".join(tree.itertext())
    text = told_of([page_of(odd, "one", ["0"])], Path("nowhere"), PAGE)[Path("docs/results.md")]
    for line in text.splitlines():
        if line.startswith("| "):
            cells = line.replace("\\|", "").count("|") - 1
            assert cells in (2, 5, 6), line


def test_the_page_tells_what_the_picture_shows_and_counts_each_run_once():
    pages = [page_of(CLAIMS, "one", ["0", "1"]), page_of(CLAIMS, "two", ["1", "2"])]
    texts = told_of(pages, Path("nowhere"), PAGE)
    assert {path.name for path in texts} == {"results.md", "one.md", "two.md", "verdicts.svg"}
    text = texts[PAGE]
    assert f"![{spoken(grid_of(CLAIMS))}](results/verdicts.svg)" in text
    assert "**3 distinct runs**" in text
    for row in grid_of(CLAIMS).shown():
        for one in filter(None, row):
            assert (
                f"[{one['symbol']} {one['verdict']}, 0.8 [0.7, ∞], n = 8](results/{one['study']}.md#{one['name']})"
                in text
            )
    assert "1. **Supported.** a is so. ([0.8, [0.7, ∞], holds if > 0.5, n = 8](results/one.md#a)" in text
    assert "Elsewhere: fast [refuted](results/two.md#e), 0.8." in text
    for one in CLAIMS:
        assert f"[{one['sentence']}](results/{one['study']}.md#{one['name']})" in text
    opening = text.partition("## Every claim")[0]
    assert "f is so." not in opening
    assert "Why a is." in opening
    assert "Why b is." not in opening


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00"),
        (-0.0001, "0.00"),
        (-0.126, "−0.13"),
        (92.2, "92.2"),
        (float("inf"), "∞"),
        (float("nan"), "–"),
    ],
)
def test_numbers_in_a_square_are_short(value, text):
    assert brief(value) == text
