"""What studies declare: designs that share runs, claims that can be read and judged, before any data."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations

import pytest
import tiny_study as tiny
from tiny_study import ONE

from phasescope.config import UserError
from phasescope.runs.presets import PRESETS
from phasescope.studies import declared_after_its_runs, find_study, studies
from phasescope.studies.core.before import used_to_choose
from phasescope.studies.found._cells import AMENDED, BASE, COARSE, SMALL, X, fast_grid

STUDIES = studies()
ALL = [(study, claim) for study in STUDIES.values() for claim in study.claims]


@pytest.mark.some(6)
@pytest.mark.parametrize("study", STUDIES.values(), ids=list(STUDIES))
def test_a_design_has_five_seeds_a_cell_and_one_thread_a_run(study):
    assert min(cell.seeds or study.seeds for cell in study.cells) >= 5
    assert len({cell.name for cell in study.cells}) == len(study.cells)
    members = list(study.members())
    assert {member.config.training.threads for member in members} == {1}
    for cell in study.cells:
        digests = {member.config.digest() for member in members if member.cell == cell}
        assert len(digests) == (cell.seeds or study.seeds)


@pytest.mark.some(6)
@pytest.mark.parametrize("study", STUDIES.values(), ids=list(STUDIES))
def test_a_smaller_study_is_a_part_of_the_whole(study):
    whole = {config.digest() for config in study.configs()}
    part = {config.digest() for config in study.configs(seeds=2)}
    assert part < whole
    assert len(part) <= 2 * len(study.cells)


@pytest.mark.parametrize("study", STUDIES.values(), ids=list(STUDIES))
def test_another_preset_is_another_study_with_results_of_its_own(study):
    other = study.under("demo")
    assert {config.name for config in other.configs(seeds=1)} == {"demo"}
    assert other.name != study.under(None).name == study.name


def test_phases_keeps_its_parametrizations_under_another_preset():
    members = {m.cell.name: m.config for m in STUDIES["phases"].under("fast").members(seeds=1)}
    predicted = {"eps": "x", "small": "eps", "v": "v", "fast": "x"}  # the first has what its preset has
    assert {name: config.family.predict for name, config in members.items()} == predicted
    assert {config.name for config in members.values()} == {"fast"}


def test_claims_of_seeds_that_chose_a_preset_are_known():
    """Lean's length was chosen by seeds 0 to 7, as the amendment says."""
    assert PRESETS["lean"].chosen_by == BASE.seeds == 8
    assert "Seeds 0 to 7 were so used to choose." in AMENDED[0].reason
    assert [name for name, preset in PRESETS.items() if preset.chosen_by] == ["lean"]
    for name, cells, at_first, at_second in (
        ("sampler", ["eps"], "all", "some"),
        ("phases", ["eps"], "some", "some"),
        ("phases", ["fast"], "none", "none"),
        ("density", [BASE.name, COARSE.name], "all", "some"),
        ("density", [], "some", "some"),
        ("imbalance", [BASE.name, COARSE.name], "some", "some"),
    ):
        found = [used_to_choose(STUDIES[name], cells, look) for look in (1, 2)]
        assert found == [{"lean": at_first}, {"lean": at_second}], name


def test_claims_that_were_declared_after_their_runs_say_so_in_one_way():
    late = {claim.name for _, claim in ALL if declared_after_its_runs(claim.does_not_show)}
    assert {"behaviour_abc_small", "behaviour_abc_fast"} <= late
    assert "behaviour_abc_eps" not in late


def test_studies_share_runs():
    by_study = {name: {config.digest() for config in study.configs()} for name, study in STUDIES.items()}
    base = {BASE.config(seed, "lean").digest() for seed in range(8)}
    for name in (
        "phases",
        "ingredients",
        "sampler",
        "order_and_accuracy",
        "density",
        "imbalance",
        "factorization",
    ):
        assert base <= by_study[name]
    assert X.config(0, "fast").digest() == fast_grid(1.0, 1.0).config(0, "fast").digest()


def test_first_seeds_of_all_cells_come_before_second_ones():
    seeds = [member.seed for member in STUDIES["density"].members()]
    assert seeds == sorted(seeds)


def test_cells_of_the_density_study_are_read_with_the_same_n():
    """The coarsest grid holds 64 images."""
    for cell in STUDIES["density"].cells:
        config = cell.config(0, cell.preset)
        images = config.probing.images_of(config.world.splits())
        assert min(images["grid"], len(config.world.training_labels())) in (64, 128)
        assert images["off_grid"] == 64
    assert len(COARSE.config(0, "lean").world.training_labels()) == 64


def test_plans_look_often_enough_for_onsets():
    for preset in ("fast", "small", "lean", "paper"):
        config = SMALL.config(0, preset)
        plan, last = config.probing.snapshots, config.training.steps
        due = [step for step in range(1, last + 1) if plan.due(step, last)]
        assert 19 <= len(due) <= 50
        assert max(b - a for a, b in pairwise(due)) <= 0.07 * last
    assert all(PRESETS[name].studied for name in ("fast", "small", "lean", "paper"))


@pytest.mark.parametrize(("study", "claim"), ALL, ids=[f"{study.name}-{claim.name}" for study, claim in ALL])
def test_a_claim_says_all_that_a_reader_needs(study, claim):
    assert claim.figure in {figure.name for figure in study.figures}
    assert claim.minimum_n >= 5
    for text in (claim.sentence, claim.does_not_show):
        assert text[0].isupper() or text.startswith("x and y")
        assert text.endswith(".")
    for text in (claim.source, claim.statistic):
        assert text
    assert ",," not in claim.sentence


@pytest.mark.parametrize("study", STUDIES.values(), ids=list(STUDIES))
def test_names_are_used_once_and_every_figure_shows_a_claim_or_the_courses(study):
    names = [claim.name for claim in study.claims]
    assert len(set(names)) == len(names)
    shown = {claim.figure for claim in study.claims}
    courses = {"curves", "courses", "routes", "table", "order"}
    assert not study.claims or {figure.name for figure in study.figures} - shown <= courses


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cells": ()}, r"`cells` \(=\[\]\) of `tiny` must be one at least"),
        (
            {"cells": (ONE, ONE)},
            r"`cells` \(=\['one'\]\) of `tiny` must be one at least, each of another name",
        ),
        ({"seeds": 0}, r"`seeds` \(=0\) of `tiny` must be from 1"),
        ({"figures": ()}, r"`figure` \(=order\) of the claim `right` must be one of the study's"),
    ],
)
def test_a_study_that_could_not_be_run_or_judged_is_refused(fields, message):
    with pytest.raises(UserError, match=message):
        replace(tiny.study(), **fields)


def test_a_study_that_is_none_is_refused():
    with pytest.raises(UserError, match="density"):
        find_study("densty")
    with pytest.raises(UserError, match="`preset`"):
        STUDIES["density"].under("fats").configs()


def test_no_two_runs_draw_alike_what_is_drawn_anew():
    """At one seed the labels of a larger share do not hold those of a smaller one, so that runs are independent."""
    members = [m for m in STUDIES["percolate"].members(seeds=2) if m.cell.name.startswith("sigma=1,")]
    drawn = [{*map(tuple, m.config.world.training_labels().tolist())} for m in members]
    assert not any(small <= large for small, large in permutations(drawn, 2))
    assert len({m.config.world.design.hold_out.shuffle for m in members}) == len(members)
