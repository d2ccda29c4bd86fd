"""Every study that is found: valid, with claims that can be won and lost, and verdicts that follow from records."""

import ast
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers.asked_before import code_of, unless_unchanged
from phasescope.measures.over_runs import fixed_resamples
from phasescope.runs.store.records import some_columns
from phasescope.studies import Asked, Cell, Claim, NotEnough, Study, find_studies, merge
from phasescope.studies.claim import TRIALS
from phasescope.studies.claims_file import CLAIMS, RECORDS, read_claims
from phasescope.studies.conduct import conduct, survey
from phasescope.studies.preregistration import check_preregistered, read_preregistration
from phasescope.studies.records import Recorded, judge, read_rows
from phasescope.views.facts.numbers import amendment_lines
from phasescope.views.web.markdown import PAGE
from phasescope.views.web.study_page import page_text

STUDIES = Path(__file__).parents[2] / "studies"
FOUND = {study.name: (study, folder) for study, folder in find_studies(STUDIES)}
QUICK_TRIALS = 8
POWER, WRONG = 0.8, 0.05
"""that a claim needs on both sides, and may reach at its threshold"""

# By module: all that is asked of a study is asked by one worker, one after the other, which reads its records once.
every_study = pytest.mark.parametrize("name", FOUND, scope="module")

LARGE = {"bands", "proxy", "efficiency", "percolate", "fixed"}
"""studies whose records and claims take as long as those of all others"""

most_studies = pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in LARGE else ()) for name in FOUND],
    scope="module",
)
"""every study, the large ones if slow tests are asked"""


@cache
def recorded(name: str) -> Recorded | None:
    study, folder = FOUND[name]
    return Recorded(study, read_rows(study, folder)) if (folder / RECORDS).exists() else None


def sufficient(power: Any) -> bool:
    """Return whether a claim may be shipped; shares of trials are allowed two of their own standard errors."""
    error = 2 * math.sqrt(1 / power.trials)
    powerful = min(power.supported, power.refuted) >= POWER - error * math.sqrt(POWER * (1 - POWER))
    return powerful and power.wrong <= WRONG + error * math.sqrt(WRONG * (1 - WRONG))


@every_study
def test_a_study_is_as_preregistered(name):
    study, folder = FOUND[name]
    assert study.name == folder.name
    known = check_preregistered(study, folder)
    assert known is not None or not (folder / RECORDS).exists()
    page = folder / "README.md"
    hidden = (
        [line for line in amendment_lines(known) if line not in page.read_text()] if page.exists() else []
    )
    assert hidden == [], f"phasescope study {name} --judge writes the page with its amendments"


@every_study
def test_recorded_claims_carry_what_their_study_says_of_them(name):
    """Pages read claims.json: what a claim says of itself must be the same there."""
    study, folder = FOUND[name]
    known = read_claims(folder)
    if known is None:
        pytest.skip("no records")
    said = [(c.name, c.asked, c.limits, c.null_value, c.sentence) for c in study.claims]
    recorded = [(c.name, c.asked, c.limits, c.no_effect, c.sentence) for c in known.claims]
    assert recorded == said, f"phasescope study {name} --judge writes claims.json again"


LOOKS = re.compile(r"[Pp]ilot|looked at|known (?:before|when)|was known|[Aa]fter a look|had been seen")


@every_study
def test_no_claim_whose_limits_tell_of_a_look_says_that_it_was_asked_before_one(name):
    told = [claim for claim in FOUND[name][0].claims if LOOKS.search(claim.limits)]
    assert [claim.name for claim in told if claim.asked is Asked.BEFORE] == []


@pytest.mark.parametrize(
    ("claim", "asked"),
    [
        ("p1/samples_abc", Asked.AFTER_OTHERS),  # two pilots are on record
        ("p1/order_rises", Asked.AFTER),  # two of eight runs had been looked at
        ("p1_data/wide_accuracy", Asked.AFTER),  # six runs of the reference existed
        ("coupling/unequal_factorized_mid_50", Asked.AFTER),
        ("losses/coind_stripes", Asked.BEFORE),
        ("losses/coind_stripes_10", Asked.AFTER_OTHERS),  # runs of another dose had been looked at
        ("trial/peak_256", Asked.AFTER_OTHERS),  # no run of it exists
    ],
)
def test_a_study_says_what_its_history_says(claim, asked):
    study, _, own = claim.partition("/")
    assert [each.asked for each in FOUND[study][0].claims if each.name == own] == [asked]


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return named | {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}


def test_studies_use_only_what_is_public():
    """So that a user's study can do all that ours do."""
    public = {"phasescope", "phasescope.studies", "phasescope.measures"}
    for path in STUDIES.rglob("*.py"):
        foreign = {name for name in imported(path) if name.startswith("phasescope")} - public
        assert all(name.startswith("phasescope.studies.readings.") for name in foreign), path


def test_no_study_imports_another():
    """What several studies need lies in phasescope.studies.readings, or in `designs`: systems and what is observed of them.

    Kinds that cells name are data, of which a preregistration holds the SHA-256: they stay as they were written.
    """
    preregistered = [read_preregistration(folder) for _, folder in FOUND.values()]
    references = {reference for known in preregistered if known for reference in known.kinds}
    kinds = {STUDIES.parent / reference.partition(":")[0] for reference in references}
    for path in {*STUDIES.rglob("*.py")} - kinds:
        folders = {name.split(".")[1] for name in imported(path) if name.startswith("studies.")}
        assert folders <= {path.parent.name, "designs"}, path


JUDGING = ("core", "measures", "models", "runs", "studies", "worlds")
"""packages on which a recorded verdict depends"""


def files_behind(name: str) -> list[Path]:
    """Return the files on which the verdicts of a study depend: its own, those that studies share, and the code."""
    own = [path for path in FOUND[name][1].rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    code = code_of(*(f"src/phasescope/{package}" for package in JUDGING), "studies/designs", "examples")
    return [*own, *code, Path(__file__)]


def numbers_of(claim: Any, *names: str) -> list[float]:
    """Return numbers of a claim in claims.json, or of one as it is to be written there; NaN for none."""
    values = [claim[name] if isinstance(claim, dict) else getattr(claim, name) for name in names]
    return [math.nan if value is None else float(value) for value in values]


@every_study
def test_verdicts_follow_from_the_records(name, pytestconfig):
    """Verdicts, estimates and intervals of all claims are computed again; not of a study that passed and has not changed."""
    study, folder = FOUND[name]
    if not (folder / RECORDS).exists() or not study.claims:
        pytest.skip("no records or no claims")
    unless_unchanged(
        pytestconfig, f"verdicts/{name}", files_behind(name), partial(verdicts_are_recorded, name)
    )


def verdicts_are_recorded(name: str) -> None:
    study, folder = FOUND[name]
    rows, committed = recorded(name), read_claims(folder)
    assert rows is not None
    assert committed is not None
    assert not committed.stale
    again = judge(study, folder, rows.rows, committed.failed, power=False)["claims"]
    for was, now in zip(committed.claims, again, strict=True):
        assert (was.name, was.verdict, was.n, was.analysis) == tuple(
            now[key] for key in ("name", "verdict", "n", "analysis")
        )
        keys = ("value", "low", "high")
        np.testing.assert_allclose(
            numbers_of(now, *keys), numbers_of(was, *keys), rtol=1e-9, atol=1e-9, err_msg=was.name
        )


@pytest.mark.slow
@every_study
def test_powers_follow_from_the_records(name, pytestconfig):
    """Observed spreads, the powers at them and the smallest effects, by the simulations that `--judge` makes."""
    study, folder = FOUND[name]
    if not (folder / RECORDS).exists() or not study.claims:
        pytest.skip("no records or no claims")
    unless_unchanged(pytestconfig, f"powers/{name}", files_behind(name), partial(powers_are_recorded, name))


def powers_are_recorded(name: str) -> None:
    study, folder = FOUND[name]
    rows, committed = recorded(name), read_claims(folder)
    assert rows is not None
    assert committed is not None
    again = judge(study, folder, rows.rows, committed.failed)["claims"]
    for was, now in zip(committed.claims, again, strict=True):
        # A simulated run at the very bar may be judged otherwise by another processor: one trial of 200.
        spread, power = numbers_of(now, "observed_spread", "observed_power")
        was_spread, was_power = numbers_of(was, "observed_spread", "observed_power")
        np.testing.assert_allclose(spread, was_spread, rtol=1e-9, err_msg=was.name)
        np.testing.assert_allclose(power, was_power, atol=1.01 / TRIALS, err_msg=was.name)
        smallest, was_smallest = numbers_of(now, "detectable"), numbers_of(was, "detectable")
        np.testing.assert_allclose(smallest, was_smallest, rtol=0.1, err_msg=was.name)


def powers(name: str, trials: int) -> Iterator[tuple[Claim, Any]]:
    """Return the power of every claim of a study; a side that a claim says cannot be reached counts as the other."""
    study, _ = FOUND[name]
    for claim in study.claims:
        power = claim.power(study.design_of(claim), trials=trials)
        if claim.unreachable:
            assert min(power.supported, power.refuted) < POWER, f"{claim.name} is not unreachable"
            best = max(power.supported, power.refuted)
            power = replace(power, supported=best, refuted=best)
        yield claim, power


@pytest.mark.some(3)
@most_studies
def test_claims_can_be_won_and_lost(name, monkeypatch):
    """In few trials of few resamples: bounds that a sound claim misses in one case of a thousand, and one that cannot be
    lost in all."""
    monkeypatch.setattr("phasescope.studies.claim.fixed_resamples", partial(fixed_resamples, 500))
    for claim, power in powers(name, QUICK_TRIALS):
        assert min(power.supported, power.refuted) >= 0.375, (claim.name, power)
        assert power.wrong <= 0.375, (claim.name, power)


@pytest.mark.slow
@every_study
def test_claims_have_a_power_of_four_fifths_and_are_seldom_wrong(name):
    for claim, power in powers(name, 200):
        assert sufficient(power), (claim.name, power)


@pytest.mark.some(12)
@most_studies
def test_plots_and_tables_show_what_the_records_hold(name):
    study, _ = FOUND[name]
    rows = recorded(name)
    if rows is None:
        pytest.skip("no records")
    runs = rows.runs(study.more)
    begun = {cell for cell, _ in rows.present}
    shown = [
        part
        for part in (*study.plots, *study.tables)
        if begun & {cell.name for cell in study.cells_of(getattr(part, "where", {}))}
    ]
    for part in shown:
        if part in study.plots:
            assert part.panels(runs), part.name
            assert "runs in" in part.caption(runs)
        else:
            assert part.rows(runs), part.title


NUMBER = re.compile(r"(?<![\w.])-?\d*\.?\d+(?:e[+-]\d+)?")
PICTURE = re.compile(r"\]\(([\w.]+\.png)\)")


def nearly_equal(one: str, other: str) -> bool:
    """Return whether two pages are the same but for the last digits of numbers, which may be rounded otherwise elsewhere."""
    if NUMBER.sub("#", one) != NUMBER.sub("#", other):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return all(abs(float(a) - float(b)) <= 1.01 * unit_of_last_digit(a) for a, b in pairs if a != b)


def unit_of_last_digit(number: str) -> float:
    digits, _, exponent = number.partition("e")
    return 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))


@every_study
def test_the_page_of_a_study_is_what_its_records_draw_now(name, pytestconfig):
    """Its text, and the names of its figures, whether the study was found or its module imported."""
    folder = FOUND[name][1]
    if not (folder / RECORDS).exists():
        pytest.skip("no records")
    summary = folder / "summary.md"
    words = {*re.findall(r"\w+", summary.read_text())} if summary.exists() else set()
    cited = [FOUND[other][1] / file for other in words & {*FOUND} for file in (CLAIMS, PAGE)]
    files = [*files_behind(name), *code_of("src/phasescope/views"), *filter(Path.exists, cited)]
    unless_unchanged(pytestconfig, f"page/{name}", files, partial(page_is_drawn, name))


def page_is_drawn(name: str) -> None:
    study, folder = FOUND[name]
    text, drawn = page_text(replace(study, file=None), folder)
    page = (folder / PAGE).read_text()
    again = f"phasescope study {name} --judge writes it"
    assert nearly_equal(page, text), again
    assert text.startswith(f"# Study `{name}`")
    assert "## How to run it again" in text
    pictures = {path.name for path in folder.glob("*.png")}
    assert {f"{plot.name}.png" for plot, _ in drawn} <= pictures, again
    assert pictures == {*PICTURE.findall(page)}, again


def short(cell: Cell, every: int = 20) -> Cell:
    """Return the cell with 20 steps, a snapshot at every so many, and one seed."""
    quick = {
        "training": {"steps": 20, "warmup": 0},
        "probing": {"snapshots": {"dense_until": 0, "every": every}},
    }
    return replace(cell, fields=merge(cell.fields, quick), seeds=1)


@pytest.mark.slow
@every_study
def test_its_first_cell_runs_to_its_verdicts(name, tmp_path, monkeypatch):
    study, _ = FOUND[name]
    # Figures may read a split that only other cells have: asked of the whole study elsewhere.
    monkeypatch.setattr(Study, "check_columns", lambda self: None)
    if study.base == "paper":
        pytest.skip("23 M parameters")
    # A peak has neighbours on both sides beside the first snapshot.
    cell = short(study.cells[0], 5) if name == "trial" else short(study.cells[0])
    readings = [replace(reading, where={}) for reading in study.readings_of([cell.name])]
    parts = {"plots": study.plots, "tables": study.tables, "readings": readings}
    quick = Study("quick", study.question, study.base, [cell], 1, **parts)
    assert not conduct(survey(quick, tmp_path / "quick", tmp_path / "runs"), "local", lambda event: None)
    runs = Recorded(quick, read_rows(quick, tmp_path / "quick")).runs()
    for claim in study.claims:
        with np.errstate(all="ignore"):
            try:
                claim.judge(runs)
            except NotEnough as error:
                pytest.fail(str(error))


def test_no_identity_has_two_realisations():
    """A run that two studies share is one run, computed once, unless a further reading needed its snapshots again."""
    seen: dict[str, tuple[str, float]] = {}
    for name, (_, folder) in FOUND.items():
        if (folder / RECORDS).exists():
            rows = pd.DataFrame(some_columns(folder / RECORDS, ("digest", "step", "loss", "readings")))
            ends = rows.sort_values("step").drop_duplicates("digest", keep="last")
            ends = ends[ends["readings"].fillna("[]") == "[]"]
            for digest, loss in zip(ends["digest"], ends["loss"], strict=True):
                other, known = seen.setdefault(digest, (name, loss))
                assert known == loss, (digest, name, other)
