"""Numbers of prose come from records: every source of a page of results is filled, and none has a number typed by hand."""

import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from phasescope import UserError
from phasescope.runs.store.files import write_aside
from phasescope.views.web.findings import KEY
from phasescope.views.web.prose import Prose, short_number, tables_of, typed_by_hand

STUDIES = Path(__file__).parents[3] / "studies"
PROSE = Prose(STUDIES)


def sources() -> Iterator[tuple[str, str]]:
    """Yield the prose of every page of results, by what it is."""
    for path in sorted(STUDIES.glob("*/summary.md")):
        yield f"{path.parent.name}/{path.name}", path.read_text()
    for key, said in tomllib.loads((STUDIES / "asked.toml").read_text()).items():
        texts = said.items() if KEY.fullmatch(key) else [("", said)]
        yield from ((f"{key}.{name}", text) for name, text in texts if isinstance(text, str))


@pytest.mark.parametrize(("name", "text"), [pytest.param(*each, id=each[0]) for each in sources()])
def test_every_number_is_filled_and_none_is_typed_by_hand(name, text):
    assert typed_by_hand(text) == []
    assert "{" not in PROSE.filled(text)


@pytest.mark.parametrize(
    "text",
    [
        "It is .19 of them.",
        "In three of 16 runs.",
        "After 1,520 steps.",
        "Seven runs do so.",
        "-.2 [-.3, .1]",
    ],
)
def test_a_number_typed_by_hand_is_refused(text):
    with pytest.raises(UserError, match="must be a placeholder"):
        PROSE.filled(text)


@pytest.mark.parametrize(
    "text",
    [
        "Bumps of 2 px at t = 600 (S1, Q10, P2).",
        "A 2D image at down3.",
        "{fixed: three of 16} runs",
        "`x=3` [a](b#4)",
    ],
)
def test_constants_names_and_code_are_no_numbers_of_runs(text):
    assert typed_by_hand(text) == []


@pytest.mark.parametrize(
    ("placeholder", "shown"),
    [
        ("{ancestral/samples_abc}", ".19 [.03, .49]"),
        ("{ancestral/samples_abc:count} of {ancestral/samples_abc:n}", "3 of 16"),
        ("{p1_data/denser_axis_ahead:3}", "-.013 [-.053, .021]"),
        ("{-resolution/p1_reading_down3}", ".22 [.02, .59]"),
        ("{efficiency/stripes_help:value}", ".36"),
        ("{dose > Onsets > head > sheet:n}", "4"),
        ("{dose > Onsets > dose +0 > sheet}", "875"),
        ("{resolution > Order at the end > p1 > paths, 1,024 labels: down3}", ".49 to .97"),
        ("{fixed: .5}", ".5"),
    ],
)
def test_a_placeholder_is_the_number_of_a_record(placeholder, shown):
    assert PROSE.filled(placeholder) == shown


@pytest.mark.parametrize(
    ("placeholder", "rule"),
    [
        ("{ancestral/sample_abc}", "judged claim.*`samples_abc`"),
        ("{nowhere/one}", "must be a judged claim"),
        ("{dose > Onset of > head > sheet}", "table of dose"),
        ("{dose > Onsets > heads > sheet}", "row of `Onsets`.*`head`"),
        ("{dose > Onsets > head > sheets}", "column of `Onsets`"),
        ("{dose > Onsets > head > sheet:low}", "has no `low`"),
        ("{line 9 of p1/story.txt}", "with a line 9"),
    ],
)
def test_an_unknown_placeholder_is_one_line_that_names_the_nearest(placeholder, rule):
    with pytest.raises(UserError, match=rule) as error:
        PROSE.filled(placeholder)
    assert "\n" not in str(error.value)


def test_a_table_is_read_as_its_page_shows_it():
    page = "# x\n\n## Ends\n\n| cell | runs | at the end |\n|---|---|---|\n| a | 8 | 0.5 [0.4, 0.6] |\n\n## Other\n"
    assert tables_of(page) == {"Ends": [{"cell": "a", "runs": "8", "at the end": "0.5 [0.4, 0.6]"}]}


def test_numbers_are_short():
    assert [short_number(x) for x in (0.0, 1.0, 0.188, -0.047, 1.028, 1612.4)] == [
        "0",
        "1",
        ".19",
        "-.05",
        "1.03",
        "1,612",
    ]


def test_pages_of_results_hold_no_placeholder():
    for path in (*STUDIES.glob("*.md"), *STUDIES.glob("*/README.md")):
        assert not re.search(r"\{(?:fixed|line \d|[\w-]+(?:/| > ))", path.read_text()), path


def test_a_second_judging_in_one_process_writes_the_new_numbers(tmp_path):
    folder = tmp_path / "ancestral"
    folder.mkdir()
    shutil.copy2(STUDIES / "ancestral" / "records.parquet", folder)
    text = (STUDIES / "ancestral" / "claims.json").read_text()
    page = "## Ends\n\n| cell | runs | loss |\n|---|---|---|\n| a | 8 | {} |\n"
    for value in (0.25, 0.75):
        tree = json.loads(text)
        tree["claims"][0]["value"] = value
        write_aside(folder / "claims.json", json.dumps(tree))
        write_aside(folder / "README.md", page.format(value))
        name = tree["claims"][0]["name"]
        assert Prose(tmp_path).number(f"ancestral/{name}:value") == short_number(value)
        assert Prose(tmp_path).number("ancestral > Ends > a > loss") == short_number(value)
