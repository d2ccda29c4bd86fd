"""Cells that continue the runs of another cell: run after them, paired with their control, and refused if that departs."""

import contextlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers.in_process_engine import Here
from phasescope import Run, RunFailed, UserError
from phasescope.runs.config import RunConfig
from phasescope.studies import (
    Asked,
    Cell,
    Claim,
    Difference,
    Fork,
    ForkDifference,
    Study,
    Table,
    end,
    find_study,
)
from phasescope.studies.claims_file import read_claims
from phasescope.studies.conduct import conduct, survey
from phasescope.studies.records import read_rows
from phasescope.studies.runs_table import Runs

SOURCE = """
from phasescope.runs.config import RunConfig
from phasescope.studies import Asked, Cell, Claim, Fork, ForkDifference, Study, Table, end

FIELDS = {
    "training": {"steps": 20, "batch": 4, "warmup": 0},
    "family": {"sampler": {"kind": "ddim", "steps": 2}},
    "network": {"widths": [8, 8, 8, 8]},
    "probing": {"observe": [], "images": {"grid": 16, "off_grid": 0}},
}
PARENT = Cell("parent", FIELDS, {"rate": "parent"}, seeds=2)
FAST = {"training": {"optimiser": {"lr": 0.1}}}
STUDY = Study(
    name="forked", question="Does a higher rate lower the loss?", base="fast", seeds=2,
    cells=[
        PARENT,
        Cell("control", {}, {"rate": "same"}, fork=Fork(PARENT, at=10), seeds=2),
        Cell("twins", {}, {"rate": "twin"}, fork=Fork(PARENT, at=10, children=2), seeds=4),
        Cell("fast", FAST, {"rate": "higher"}, fork=Fork(PARENT, at=10, children=2), seeds=4),
    ],
    claims=[Claim("lower", "A higher rate lowers the loss.",
                  ForkDifference("rate", "higher", "twin", over="children"), end("loss"),
                  threshold=0.0, effect=0.1, spread=0.1, direction="below", asked=Asked.BEFORE)],
    tables=[Table("At the end", {"loss": end("loss")})],
)
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The study, its folder and its runs, conducted in this process."""
    folder = tmp_path_factory.mktemp("forks")
    path = folder / "studies" / "forked"
    path.mkdir(parents=True)
    (path / "study.py").write_text(SOURCE)
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patched:
        patched.setattr("phasescope.studies.conduct.open_engine", Here)
        patched.setattr("phasescope.studies.claim.SEARCH_TRIALS", 5)
        study, records = find_study(str(path))
        assert not conduct(survey(study, records, folder / "runs"), "local", lambda event: None)
    return study, records, folder / "runs"


def test_children_continue_their_parents_and_are_recorded_with_them(done):
    study, folder, runs = done
    rows = read_rows(study, folder)
    counts = rows.drop_duplicates("digest").groupby("cell").size()
    assert counts.to_dict() == {"parent": 2, "control": 2, "twins": 4, "fast": 4}

    table = Runs(rows, study.cells).table
    assert table[table.cell == "fast"].parent.tolist() == [0, 0, 1, 1]
    for number in range(2):
        parent = Run(runs / study.config(study.cells[0], number).folder)
        control = Run(runs / study.config(study.cells[1], number).folder)
        assert list(parent.states) == [10]
        assert control.fork["name"] == parent.name
        assert control.metrics[-1]["loss"] == parent.metrics[-1]["loss"]


def test_the_claim_is_judged_by_differences_from_the_controls(done):
    study, folder, _ = done
    (claim,) = read_claims(folder).claims
    assert claim.n == 4
    assert claim.detail["parents"] == 2

    rows = read_rows(study, folder)
    ends = rows.sort_values("step").groupby(["cell", "seed"])["loss"].last()
    differences = [ends["fast", child] - ends["twins", child] for child in range(4)]
    seeds = rows.drop_duplicates("digest").set_index(["cell", "seed"])["config.seeds.data"]
    assert [seeds["fast", child] for child in range(4)] == [seeds["twins", child] for child in range(4)]
    assert claim.value == pytest.approx(np.mean(differences))


def test_nothing_is_computed_twice(done):
    study, folder, runs = done
    assert {run.state for run in survey(study, folder, runs).planned} == {"recorded"}


def test_a_parent_that_is_gone_is_run_again_if_a_child_is_missing(done, tmp_path):
    study, folder, _ = done
    more = Study(**{**vars_of(study), "cells": [*study.cells, slower(study)]})
    planned = survey(more, folder, tmp_path).planned
    states = {run.cells[0]: run.state for run in planned}
    assert states.pop("parent") == states.pop("slow") == "absent"
    assert {*states.values()} == {"recorded"}


def test_the_final_analysis_adds_parents_and_controls_of_the_children_that_it_adds(done, tmp_path):
    study, folder, _ = done
    claims = [replace(claim, where={"cell": ("twins", "fast")}) for claim in study.claims]
    longer = Study(**{**vars_of(study), "cells": study.cells, "claims": claims, "more": 2})
    planned = survey(longer, folder, tmp_path, final=True)
    added = {run.cells[0] for run in planned.to_run}
    assert added == {"parent", "control", "twins", "fast"}
    waves = [{run.cells[0] for run in wave} for wave in planned.waves()]
    assert waves == [{"parent"}, {"control"}, {"twins", "fast"}]


def vars_of(study: Study) -> dict:
    return {name: getattr(study, name) for name in ("name", "question", "base", "seeds", "claims", "tables")}


def slower(study: Study) -> Cell:
    changes = {"training": {"optimiser": {"lr": 1e-4}}}
    return Cell("slow", changes, {"rate": "lower"}, fork=Fork(study.cells[0], at=10), seeds=2)


@pytest.mark.slow
def test_a_control_that_departs_is_left_out_with_the_step(done, tmp_path, monkeypatch):
    study, _, _ = done
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("phasescope.studies.conduct.open_engine", Here)
    monkeypatch.setattr("phasescope.studies.claim.SEARCH_TRIALS", 5)

    def departs(*given, **options):
        raise RunFailed("it departs at step 20")

    monkeypatch.setattr("phasescope.studies.conduct.check_equal", departs)
    path = tmp_path / "studies" / "forked"
    path.mkdir(parents=True)
    (path / "study.py").write_text(SOURCE)
    left_out = conduct(survey(study, path, tmp_path / "runs"), "local", lambda event: None)
    errors = [end.error for end in left_out]
    assert errors.count("it departs at step 20") == 2
    assert sum("was left out" in error for error in errors) == 8
    (claim,) = read_claims(path).claims
    assert claim.verdict == "undecided"


PARENT = Cell("parent", {}, {"arm": "parent"})
CONTROL = Cell("control", {}, {"arm": "control"}, fork=Fork(PARENT, at=100))
CHANGED = {"training": {"batch": 32}}
REFUSED = {
    "a parent that is elsewhere": ([CONTROL], "must be of a cell of the study"),
    "no control": (
        [PARENT, Cell("child", CHANGED, {}, fork=Fork(PARENT, at=100))],
        r"have a control: a cell with Fork\(..., at=100\)",
    ),
    "a control at another step": (
        [PARENT, CONTROL, Cell("child", CHANGED, {}, fork=Fork(PARENT, at=200))],
        r"have a control: a cell with Fork\(..., at=200\)",
    ),
    "more children than parents have": (
        [PARENT, CONTROL, Cell("child", CHANGED, {}, fork=Fork(PARENT, at=100), seeds=3)],
        "must be at most 2 in `child`: `parent` has 2 runs",
    ),
}


@pytest.mark.parametrize(("cells", "message"), REFUSED.values(), ids=list(REFUSED))
def test_a_design_without_parents_or_control_is_refused(cells, message):
    with pytest.raises(UserError, match=message):
        Study(name="own", question="Is it?", base="fast", cells=cells, seeds=2)


def design(parents: int, children: int) -> pd.DataFrame:
    """Return pairs of a changed and an unchanged child."""
    rows = [
        {"arm": arm, "parent": parent, "seed": parent * children + child}
        for arm in ("control", "changed")
        for parent in range(parents)
        for child in range(children)
    ]
    return pd.DataFrame(rows).assign(cell=lambda rows: rows["arm"])


def test_a_claim_pairs_cells_with_as_many_children():
    changed = Cell("changed", CHANGED, {"arm": "changed"}, fork=Fork(PARENT, at=100, children=2), seeds=4)
    claim = Claim(
        "more",
        "It is more.",
        ForkDifference("arm", "changed", "control", over="parents"),
        end("loss"),
        threshold=0.0,
        effect=0.5,
        spread=0.5,
        asked=Asked.BEFORE,
    )
    with pytest.raises(
        UserError, match="have an unchanged cell with as many children as the changed one, in `more`"
    ):
        Study(
            name="own",
            question="Is it?",
            base="fast",
            cells=[PARENT, CONTROL, changed],
            seeds=2,
            claims=[claim],
        )


@pytest.mark.parametrize(
    ("over", "children"), [("children", 1), ("children", 2), ("parents", 1), ("parents", 2)]
)
def test_over_children_a_claim_needs_several_of_each_parent(over, children):
    fork = Fork(PARENT, at=100, children=children)
    twins = [Cell("twins", {}, {"arm": "twin"}, fork=fork, seeds=8 * children)] if children > 1 else []
    changed = Cell("changed", CHANGED, {"arm": "changed"}, fork=fork, seeds=8 * children)
    unchanged = "twin" if twins else "control"

    def study() -> Study:
        statistic = ForkDifference("arm", "changed", unchanged, over=over)
        claim = Claim(
            "more",
            "It is more.",
            statistic,
            end("loss"),
            threshold=0.0,
            effect=0.5,
            spread=0.5,
            asked=Asked.BEFORE,
        )
        cells = [PARENT, CONTROL, *twins, changed]
        return Study("own", "Is it?", base="fast", cells=cells, seeds=8, claims=[claim])

    if over == "children" and children == 1:
        with pytest.raises(
            UserError, match=r"`over` \(=children\) .* be parents in `more`: a parent has one child"
        ):
            study()
        return
    (claim,) = study().claims
    power = claim.power(study().design_of(claim), spread=0.01, trials=20)
    assert power.supported == 1  # it can be decided


def test_what_is_resampled_must_be_said():
    with pytest.raises(TypeError, match="over"):
        ForkDifference("arm", "changed", "control")


def test_the_luck_of_a_noise_leaves_the_difference_of_twins():
    rng = np.random.default_rng(4)
    table = design(2, 16)
    by_child = rng.standard_normal(32)
    changed = (table["arm"] == "changed").to_numpy()
    table = table.assign(y=by_child[table["seed"]] + np.where(changed, 0.3, 0.0))
    estimate = ForkDifference("arm", "changed", "control", over="children").estimate(table)
    assert estimate.value == pytest.approx(0.3)
    assert estimate.high - estimate.low < 1e-9


def test_what_differs_between_parents_leaves_the_difference():
    rng = np.random.default_rng(0)
    table = design(4, 8)
    by_parent = 100 * rng.standard_normal(4)
    noise = 0.1 * rng.standard_normal(len(table))
    changed = (table["arm"] == "changed").to_numpy()
    table = table.assign(y=by_parent[table["parent"]] + np.where(changed, 1.0 + noise, 0.0))

    paired = ForkDifference("arm", "changed", "control", over="children").estimate(table)
    assert paired.value == pytest.approx(1.0, abs=0.1)
    assert paired.high - paired.low < 0.2
    assert paired.n == 32
    unpaired = Difference("arm", "changed", "control").estimate(table)
    assert unpaired.high - unpaired.low > 10


@pytest.mark.slow
@pytest.mark.parametrize("over", ["children", "parents"])
def test_an_interval_holds_the_truth_as_often_as_it_says(over):
    statistic = ForkDifference("arm", "changed", "control", over=over)
    table, rng = design(8, 8), np.random.default_rng(1)
    held = 0
    for _ in range(200):
        estimate = statistic.estimate(statistic.simulate(table, truth=0.5, spread=1.0, rng=rng))
        held += estimate.low <= 0.5 <= estimate.high
    assert held >= 180  # 195 are expected of 200; of eight parents fewer


def test_a_child_without_a_control_is_left_out():
    table = design(3, 2).assign(y=1.0)
    table = table[~((table["arm"] == "control") & (table["parent"] == 1))]
    assert ForkDifference("arm", "changed", "control", over="children").estimate(table).n == 4


def test_spread_is_that_of_children_or_of_their_means():
    statistic = ForkDifference("arm", "changed", "control", over="children")
    simulated = statistic.simulate(design(40, 8), truth=0.0, spread=0.7, rng=np.random.default_rng(2))
    assert statistic.spread_of(simulated) == pytest.approx(0.7, rel=0.1)
    means = ForkDifference("arm", "changed", "control", over="parents")
    simulated = means.simulate(design(200, 2), truth=0.0, spread=0.7, rng=np.random.default_rng(3))
    assert means.spread_of(simulated) == pytest.approx(0.7, rel=0.15)


def test_a_claim_on_forks_has_its_power_from_the_paired_spread():
    children = {"fork": Fork(PARENT, at=100, children=8), "seeds": 32}
    study = Study(
        name="own",
        question="Is it?",
        base="fast",
        cells=[
            PARENT,
            CONTROL,
            Cell("twins", {}, {"arm": "twin"}, **children),
            Cell("changed", CHANGED, {"arm": "changed"}, **children),
        ],
        seeds=4,
        claims=[
            Claim(
                "more",
                "It is more.",
                ForkDifference("arm", "changed", "twin", over="children"),
                end("loss"),
                threshold=0.0,
                effect=0.5,
                spread=0.5,
                asked=Asked.BEFORE,
            )
        ],
        tables=[Table("End", {"loss": end("loss")})],
    )
    (claim,) = study.claims
    at_own, at_wide = (claim.power(study.design_of(claim), spread=spread, trials=40) for spread in (0.5, 5.0))
    assert min(at_own.supported, at_own.refuted) >= 0.8
    assert min(at_wide.supported, at_wide.refuted) < 0.5


def test_a_study_without_forks_has_the_table_that_it_had():
    rows = pd.DataFrame({"cell": "a", "seed": [0, 0, 1, 1], "step": [0, 10, 0, 10], "loss": 1.0})
    assert "parent" not in Runs(rows, [Cell("a", {})]).table


def test_planning_computes_each_identity_a_few_times_however_many_forks_there_are(tmp_path, monkeypatch):
    asked: list[RunConfig] = []
    identity = RunConfig.identity
    monkeypatch.setattr(RunConfig, "identity", lambda config: asked.append(config) or identity(config))

    def computed(children: int) -> int:
        """How many identities are computed until all waves, controls and parents of a study are known."""
        parent, faster = Cell("parent", {}), {"training": {"optimiser": {"lr": 0.1}}}
        control = Cell("control", {}, fork=Fork(parent, at=10))
        changed = Cell("fast", faster, fork=Fork(parent, at=10, children=children), seeds=children)
        study = Study("many", "?", base="fast", seeds=1, cells=[parent, control, changed])

        asked.clear()
        planned = survey(study, tmp_path / "studies" / "many", tmp_path / "runs")
        assert [len(wave) for wave in planned.waves()] == [1, 1, children]
        for run in planned.planned:
            assert (planned.control_of(run) is None) == (planned.parent_of(run) is None)
        return len(asked)

    assert (computed(24) - computed(8)) / 16 <= 6
