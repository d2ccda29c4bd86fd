"""The verdicts at a glance: what is shown follows from a rule that does not look at verdicts, and all ways tell the same."""

from __future__ import annotations

import random
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from phasescope.views.report.results import told_of
from phasescope.views.report.study_page import core_minutes, rendered
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
        "mark": "", "headline": False, "used_to_choose": {}, "look": 1,
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
        "runs": len(runs), "digests": runs, "core_minutes": "12",
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


def test_a_headline_without_runs_is_not_told_as_a_sentence():
    claims = [claim("there", "code", "eps"), {**claim("absent", "others", "eps", "undecided"), "n": 0}]
    assert [found["claim"]["name"] for found in findings(grid_of(claims), claims)] == ["there"]


PLACES = [
    {**claim("eps_50", "code", "eps", "refuted"), "sentence": "At t=50 it is so: open, eps."},
    {**claim("eps_600", "code", "eps"), "sentence": "At t=600 it is so: open, eps.", "headline": True},
    {**claim("fast_50", "code", "fast", "refuted"), "sentence": "At t=50 it is so: open, fast."},
    {**claim("fast_ring", "code", "fast", "refuted"), "sentence": "At t=600 it is so: periodic, fast."},
    {**claim("fast_600", "code", "fast", "refuted"), "sentence": "At t=600 it is so: open, fast."},
    {**claim("v_600", "code", "v", "undecided"), "sentence": "At t=600 it is so: open, v."},
]


def test_like_stands_beside_like_and_further_verdicts_are_told():
    grid = grid_of(PLACES)
    assert [one["name"] for one in grid.of("code")] == ["eps_600", "fast_600", "v_600"]
    assert [len(square) for square in grid.squares.values()] == [2, 3, 1]
    assert grid.tally(PLACES[0]) == grid.tally(PLACES[1]) == "of 2 claims: 1 supported, 1 refuted"
    assert grid.tally(PLACES[2]) == "of 3 claims: 3 refuted"
    assert grid.tally(PLACES[-1]) == ""
    assert spoken(grid) == (
        "code: eps supported (of 2 claims: 1 supported, 1 refuted), fast refuted (of 3 claims: 3 refuted), v undecided"
    )
    page = page_of(PLACES, "one", ["0"]) | {"headline": "eps_600"}
    text = told_of([page], Path("nowhere"), PAGE)[PAGE]
    assert (
        "Here, of 2 claims: 1 supported, 1 refuted. Elsewhere: fast [refuted](results/one.md#fast_600), 0.8 (of 3"
        in text
    )
    without = [{**one, "headline": False} for one in PLACES]
    assert [one["name"] for one in grid_of(without).of("code")] == ["eps_50", "fast_50", "v_600"]


def test_claims_of_runs_that_were_seen_before_are_marked_and_counted():
    late = [{**one, "mark": "†"} if one["name"] in ("b", "c") else one for one in CLAIMS]
    text = told_of([page_of(late, "one", ["0"])], Path("nowhere"), PAGE)[PAGE]
    assert "for the 2 marked †, 1 of them decided" in text
    assert "✕\N{NO-BREAK SPACE}refuted† | [b is so.]" in text
    assert (
        "before they were declared"
        not in told_of([page_of(CLAIMS, "one", ["0"])], Path("nowhere"), PAGE)[PAGE]
    )


def test_claims_that_rest_on_seeds_that_chose_a_preset_are_counted():
    by_name = {"a": "all", "b": "some", "c": "all", "f": "none"}
    own = [{**one, "used_to_choose": {"lean": by_name.get(one["name"], "none")}} for one in CLAIMS]
    own[2]["look"] = 0
    text = told_of([page_of(own, "one", ["0"])], Path("nowhere"), PAGE)[PAGE]
    assert "Seeds 0 to 7 of preset lean were looked at to choose how long it trains." in text
    assert (
        "on runs of these seeds alone: 1 ([One](results/one.md) 1); of others as well: 1 ([One](results/one.md) 1)."
        in text
    )
    assert "of preset" not in told_of([page_of(CLAIMS, "one", ["0"])], Path("nowhere"), PAGE)[PAGE]


def test_code_that_has_changed_since_it_was_declared_is_told_below():
    declared = {"said": "On a day.", "amended": [], "changed": "2 of 3 files"}
    pages = [page_of(CLAIMS, "one", ["0"]) | {"declaration": declared}, page_of(CLAIMS, "two", ["1"])]
    text = told_of(pages, Path("nowhere"), PAGE)[PAGE]
    assert "Code changed since it was declared (see the log): [One](results/one.md) 2 of 3 files.\n" in text
    pages[0]["declaration"] = declared | {"changed": ""}
    assert "Code changed" not in told_of(pages, Path("nowhere"), PAGE)[PAGE]


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


def test_a_study_costs_what_each_of_its_runs_had_spent_at_its_end():
    """`cpu_s` of a snapshot is all that its run has spent so far."""
    spent = {"a": [0, 30, 60], "b": [0, 90, 1740]}
    rows = [{"digest": digest, "cpu_s": s} for digest, times in spent.items() for s in times]
    assert core_minutes(pd.DataFrame(rows)) == "30"
    assert core_minutes(pd.DataFrame(rows).drop(columns="cpu_s")) == "–"
