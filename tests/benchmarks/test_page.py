"""What the page says: tables of what is there, nothing of what is not, and figures that are drawn."""

from __future__ import annotations

import math
from pathlib import Path

import example_results as example
import pytest

from benchmarks.page import Results, order, write_page
from benchmarks.pilots import outcome
from benchmarks.texts import interval, markdown, number, of_score, share, spread
from phasescope.errors import UserError
from phasescope.measures import Score

PEERS = {"quick": 116.0, "slow": 70.0}
SPEED = Path(__file__).parents[2] / "results" / "speed"


def test_an_empty_folder_gives_a_page_without_tables(tmp_path):
    write_page(tmp_path / "speed")
    assert "|" not in (tmp_path / "speed" / "README.md").read_text()
    assert [path.name for path in (tmp_path / "speed").iterdir()] == ["README.md"]


@pytest.mark.slow
def test_the_shipped_page_is_that_of_the_shipped_records():
    """Its tables of costs, which rest on the measures; the rest is as it was written."""
    page = (SPEED / "README.md").read_text()
    for block in order(Results.read(SPEED)):
        assert block in page


@pytest.mark.slow
def test_the_whole_page(tmp_path):
    history = {
        "sections": {
            "commits": [
                example.signed(
                    {
                        "commit": "4950f301fb41",
                        "what": "the beginning | of all",
                        "missing": None,
                        "loss": 0.2217891,
                        "step_ms": {"2": {"median": 40.0, "low": 39.0, "high": 41.0, "n": 5}},
                        "snapshot_s": {"median": 9.0, "low": 8.8, "high": 9.3, "n": 5},
                    }
                ),
                example.signed({"commit": "77c2fa100000", "what": "broken", "missing": "ImportError"}),
            ]
        },
    }
    out = example.write(
        tmp_path / "speed",
        order=example.order(),
        throughput=example.throughput(PEERS, 121.0, 140.0),
        scaling=example.scaling(),
        profile=example.profile(),
        history=history,
        pilots=[example.pilot("v", [0.5, 0.97, 0.96]), example.pilot("eps", [0.2, 0.4])],
    )
    write_page(out)
    page = (out / "README.md").read_text()
    assert "| recipe | s | 3 | 3 | > 1,800 | - | 1,800 to 1,800 | - |" in page
    assert "| fast | s | 10 | 0 | 17.0 |" in page
    assert "| > 106 (" in page
    assert (
        "| quick, bfloat16, default layout | 1,600,000 | 116 [113, 121] | 5 | 812 | 700 | 61 % [59 %, 63 %] | - |"
        in page
    )
    assert "missing: ImportError: No module named 'lost'" in page
    assert "mm, n = 1024: 400 [400, 400] GFLOP/s" in page
    assert "missing: the library ships no trainer" in page
    assert page.index("`before`") < page.index("`after`")
    assert (
        "| `4950f301fb41` | the beginning \\| of all | 40.0 [39.0, 41.0] | 9.00 [8.80, 9.30] | 5 | 0.221789 |"
        in page
    )
    assert "| `77c2fa100000` | - | - | - | - | missing: ImportError |" in page
    assert "| of v | 12,800 | 20.0 | 96 % | 96 % |" in page
    assert "| of eps | not reached in 12,800 | not reached in 20.0 | 40 % | 40 % |" in page
    assert "`phasescope train preset=fast seed=0`" in page
    assert page.count("2 cores of Invented CPU | cpu | python 3.11.7, torch 2.13.0 |") == 5
    for name in ("throughput", "order", "scaling"):
        assert f"({name}.png)" in page
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (out / f"{name}.png").stat().st_size > 10_000


@pytest.mark.parametrize("content", ["[1]", "{}", "{"])
def test_a_file_of_something_else_is_refused(tmp_path, content):
    (tmp_path / "order.json").write_text(content)
    with pytest.raises(UserError, match=r"order\.json"):
        write_page(tmp_path)
    assert not (tmp_path / "README.md").exists()


def test_a_pilot_is_there_from_where_on_it_stays_accurate():
    found = outcome(example.pilot("v", [0.2, 0.96, 0.9, 0.95, 0.97]))
    assert (found.reached, found.images, found.cpu_s) == (True, 25_600, 40.0)
    found = outcome(example.pilot("v", [0.2, 0.96, 0.9]))
    assert (found.reached, found.images, found.cpu_s, found.accuracy) == (False, 19_200, 30.0, 0.9)


@pytest.mark.parametrize(
    ("value", "told"),
    [(0, "0.00"), (0.01234, "0.0123"), (9.5, "9.50"), (17.04, "17.0"), (153.2, "153"), (12800, "12,800")],
)
def test_numbers_have_three_digits_or_all_before_the_point(value, told):
    assert number(value) == told


def test_a_median_is_told_with_its_range():
    assert spread({"median": 0.131, "low": 0.11, "high": 0.16, "n": 5}, share) == "13 % [11 %, 16 %]"
    assert spread({"median": 17.04, "n": 5}) == "17.0"
    assert spread(None) == share(None) == number(None) == "-"


def test_a_censored_median_is_told_as_a_lower_limit_and_an_interval_by_the_ends_that_it_has():
    known = Score(17.04, 16.0, 18.0, n=9, estimator="")
    censored = Score(math.nan, 1700.0, math.inf, n=9, estimator="", detail={"at_least": 1800.0})
    assert [of_score(score) for score in (known, censored)] == ["17.0", "> 1,800"]
    assert [interval(score) for score in (known, censored)] == ["16.0 to 18.0", "from 1,700"]
    assert interval(Score(17.0, 0.0, math.inf, n=3, estimator="")) == "-"


def test_columns_of_numbers_are_set_to_the_right():
    table = markdown(["name", "n", "range"], [["a", 3, "1.0 to 2.0"], ["b", "> 4", "from 1,800"]])
    assert table.splitlines()[1] == "| --- | ---: | ---: |"
