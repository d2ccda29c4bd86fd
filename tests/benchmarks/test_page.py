"""What the page says: the verdicts on both sides of each target, what is missing, and that figures are drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import example_results as example
import pytest

from phasescope.benchmarks import findings as targets
from phasescope.benchmarks.findings import Finding, findings
from phasescope.benchmarks.page import write_page
from phasescope.benchmarks.pilots import outcome
from phasescope.benchmarks.results import Results
from phasescope.benchmarks.texts import in_brackets, markdown, number, percent, spread
from phasescope.errors import UserError

PEERS = {"quick": 116.0, "slow": 70.0}


def found_in(tmp_path: Path, **parts: Any) -> dict[str, Finding]:
    """The findings by a word or two of their targets."""
    results = Results.read(example.write(tmp_path / "speed", **parts))
    names = ("fast", "recipe", "brought", "shape", "peak", "small", "phases", "observing", "together", "demo")
    return dict(zip((*names, "table"), findings(results), strict=True))


def met(tmp_path: Path, name: str, **parts: Any) -> bool | None:
    return found_in(tmp_path, **parts)[name].met


def test_the_targets_are_those_of_the_issue():
    assert (targets.FAST_WALL_S, targets.FAST_SEEDS) == (20.0, 10)
    assert (targets.RECIPE_RATIO, targets.RECIPE_SEEDS) == (50.0, 3)
    assert (targets.PEER_RATIO, targets.PEAK_SHARE) == (1.15, 0.70)
    assert (targets.SMALL_WALL_S, targets.SMALL_SEEDS) == (120.0, 5)
    assert (targets.OBSERVING_SHARE, targets.TOGETHER_RATIO, targets.DEMO_WALL_S) == (0.15, 1.9, 90.0)


@pytest.mark.parametrize(("fast_s", "is_met"), [(20.2, False), (19.9, True)])
def test_fast_in_seconds(tmp_path, fast_s, is_met):
    assert met(tmp_path, "fast", order=example.order(fast_s=fast_s)) is is_met


def test_fast_with_too_few_seeds_is_not_decided(tmp_path):
    found = found_in(tmp_path, order=example.order(fast_n=9))["fast"]
    assert found.met is None
    assert found.verdict == "not decided: n = 9 of at least 10"


def test_fast_with_one_failing_seed_is_not_met(tmp_path):
    records = example.order()["records"]
    records[0] = example.seed_of("fast", 0, 17.0, correct=0.9)
    found = found_in(tmp_path, order=example.order_of(records))["fast"]
    assert found.met is False
    assert "1 failing" in found.says


def test_seconds_of_another_machine_decide_nothing(tmp_path):
    records = [{**record, "cores": 16} for record in example.order()["records"]]
    assert found_in(tmp_path, order=example.order_of(records))["fast"].verdict == (
        "not decided: measured on 16 cores"
    )


@pytest.mark.parametrize(
    ("recipe_s", "correct", "is_met"),
    [
        (1020.0, 1.0, True),
        (840.0, 1.0, False),
        (1800.0, 0.4, True),
        (600.0, 0.4, None),
    ],
    ids=["there, above", "there, below", "stopped above", "stopped below"],
)
def test_the_ratio_to_the_recipe(tmp_path, recipe_s, correct, is_met):
    found = found_in(tmp_path, order=example.order(recipe_s=recipe_s, recipe_correct=correct))["recipe"]
    assert found.met is is_met
    assert ("> " in found.says) == (correct < 0.95)


def test_a_ratio_across_machines_decides_nothing(tmp_path):
    records = example.order()["records"]
    records[-1] = {**records[-1], "cpu": "another"}
    assert "more than one machine" in found_in(tmp_path, order=example.order_of(records))["recipe"].verdict


@pytest.mark.parametrize(
    ("kind", "brought", "same_shape"), [("brought", 134.0, 100.0), ("shape", 100.0, 134.0)]
)
def test_the_ratio_to_the_fastest_peer(tmp_path, kind, brought, same_shape):
    found = found_in(tmp_path, throughput=example.throughput(PEERS, brought, same_shape))
    assert {name: found[name].met for name in ("brought", "shape")} == {
        "brought": kind == "brought",
        "shape": kind == "shape",
    }
    assert "quick, bfloat16" in found[kind].says


def test_a_best_mode_may_be_of_another_precision(tmp_path):
    part = example.throughput(PEERS, 100.0, 100.0)
    for record in part["sections"]["steps in float32"]:
        if record["kind"] == "brought":
            record["images_per_s"] = {"median": 150.0, "low": 149.0, "high": 151.0, "n": 5}
    found = found_in(tmp_path, throughput=part)["brought"]
    assert found.met
    assert "1.29 times (n = 5 rounds), of medians: in float32" in found.says


@pytest.mark.parametrize(("rate", "is_met"), [(410.0, True), (480.0, False)])
def test_the_share_of_the_peak(tmp_path, rate, is_met):
    """The quickest of ours makes 138.6 images/s: 291 GFLOP/s."""
    part = example.throughput(PEERS, 100.0, 126.0, peak=rate)
    found = found_in(tmp_path, throughput=part, profile=example.profile(bound=0.61))["peak"]
    assert found.met is is_met
    assert "would reach 61 %" in found.says


@pytest.mark.parametrize(("small_s", "is_met"), [(119.0, True), (121.0, False)])
def test_small_in_seconds(tmp_path, small_s, is_met):
    assert met(tmp_path, "small", order=example.order(small_s=small_s)) is is_met


@pytest.mark.parametrize(
    ("phases", "onset", "is_met"),
    [("ABC", 12_800, True), ("ABC", 112_000, False), ("AC", 12_800, False)],
)
def test_phases_as_before(tmp_path, phases, onset, is_met):
    former = example.run("small", 300.0, phases)
    former["summary"]["behaviour"]["onsets"]["C"] = onset
    assert met(tmp_path, "phases", order=example.order(), small=[former]) is is_met


@pytest.mark.parametrize(("share", "is_met"), [(0.149, True), (0.151, False)])
def test_observing(tmp_path, share, is_met):
    assert met(tmp_path, "observing", order=example.order(share=share)) is is_met


@pytest.mark.parametrize(("ratio", "is_met"), [(1.901, True), (1.899, False)])
def test_two_at_once(tmp_path, ratio, is_met):
    assert met(tmp_path, "together", scaling=example.scaling(ratio)) is is_met


@pytest.mark.parametrize(
    ("wall_s", "phases", "is_met"), [(89.0, "ABC", True), (91.0, "ABC", False), (89.0, "AC", False)]
)
def test_the_demo(tmp_path, wall_s, phases, is_met):
    assert met(tmp_path, "demo", demo=[example.run("demo", wall_s, phases)]) is is_met


def test_the_record_table_needs_commits_and_pilots(tmp_path):
    found = found_in(tmp_path, pilots=[example.pilot("v", [0.5, 0.97]), example.pilot("eps", [0.2])])["table"]
    assert found.verdict == "not decided: no history yet"
    assert "2 pilots listed, 1 of which" in found.says


def test_what_is_not_measured_has_no_verdict(tmp_path):
    assert {finding.verdict for finding in found_in(tmp_path).values()} == {"not measured"}


def test_an_empty_folder_gives_a_page_that_says_what_is_missing(tmp_path):
    page = write_page(tmp_path / "speed").read_text()
    for part in ("throughput", "order", "scaling", "history", "--profile"):
        assert f"Not measured yet: `./lab bench {part}` does." in page
    assert "`pilots.jsonl` is not here" in page
    assert "![" not in page
    assert [path.name for path in (tmp_path / "speed").iterdir()] == ["README.md"]


def test_the_whole_page(tmp_path):
    history = {
        "settings": {"warmup": 10},
        "sections": {
            "commits": [
                example.signed(
                    {
                        "commit": "4950f301fb41",
                        "what": "the beginning | of all",
                        "missing": None,
                        "loss": 0.2217891,
                        "step_ms": {"2": {"median": 40.0, "low": 39.0, "high": 41.0, "n": 5}},
                        "step_ratio": {"2": {"median": 1.0, "low": 1.0, "high": 1.0, "n": 5}},
                        "snapshot_s": {"median": 9.0, "low": 8.8, "high": 9.3, "n": 5},
                        "snapshot_ratio": {"median": 1.0, "low": 1.0, "high": 1.0, "n": 5},
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
    page = write_page(out).read_text()
    assert "Not measured yet" not in page
    assert "| recipe | s | 3 | 3 | > 1,800 | from 1,800 | from 1,800 | - |" in page
    assert "| fast | s | 10 | 0 | 17.0 | 16.5 to 17.7 |" in page
    assert "| > 106 |" in page
    assert (
        "| quick, bfloat16, default layout | 1,600,000 | 700 | 116 [113, 121] | 5 | 61 % | 812 | - |" in page
    )
    assert "missing: ImportError: No module named 'lost'" in page
    assert "Matrix product: 400 GFLOP/s (400 to 400, n = 5 rounds)" in page
    assert "missing: the library ships no trainer" in page
    assert "| own time, ms | `before` | `after` |" in page
    assert (
        "| `4950f301fb41` | the beginning \\| of all | 40.0 [39.0, 41.0] | 1.00 | 9.00 [8.80, 9.30] | 1.00 | 5 | 0.221789 |"
        in page
    )
    assert "| `77c2fa100000` | broken | - | - | - | - | - | missing: ImportError |" in page
    assert "| of v | 12,800 | 20.0 | 96 % / 96 % | 1 |" in page
    assert "| of eps | not reached in 12,800 | not reached in 20.0 | 40 % / 40 % | 1 |" in page
    assert "phasescope train preset=fast seed=SEED" in page
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


@pytest.mark.parametrize("change", [{"question": None}, {"curve": []}])
def test_a_pilot_without_its_facts_is_refused(tmp_path, change):
    (tmp_path / "pilots.jsonl").write_text(json.dumps(example.pilot("v", [0.5], **change)))
    with pytest.raises(UserError, match=next(iter(change))):
        write_page(tmp_path)


@pytest.mark.parametrize(
    ("value", "told"),
    [(0, "0.00"), (0.01234, "0.0123"), (9.5, "9.50"), (17.04, "17.0"), (153.2, "153"), (12800, "12,800")],
)
def test_numbers_have_three_digits_or_all_before_the_point(value, told):
    assert number(value) == told


def test_a_number_is_told_with_range_and_n():
    censored = {"median": 1800.0, "exact": False, "range": [1700.0, None], "n": 1}
    assert spread(censored, "s", "seeds") == "> 1,800 s (from 1,700, n = 1 seed)"
    assert percent({"median": 0.131, "low": 0.11, "high": 0.16, "n": 5}, "rounds") == (
        "13 % (11 % to 16 %, n = 5 rounds)"
    )
    assert in_brackets(None) == "-"


def test_columns_of_numbers_are_set_to_the_right():
    table = markdown(["name", "n", "range"], [["a", 3, "1.0 to 2.0"], ["b", "> 4", "from 1,800"]])
    assert table.splitlines()[1] == "| --- | ---: | ---: |"
