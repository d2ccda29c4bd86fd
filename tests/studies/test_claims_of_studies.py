"""Records made up so that a claim must be supported, refuted or undecided: the study says so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from frames import study_frame, verdicts

from phasescope.studies import studies
from phasescope.studies.core.made import Course, jitter, rise
from phasescope.studies.found._cells import COARSE, TENFOLD, grid
from phasescope.studies.found._cells import DENSITY as CELLS
from phasescope.studies.found.density import STUDY as DENSITY
from phasescope.studies.found.factorization import PLACES
from phasescope.studies.found.factorization import STUDY as FACTORIZATION
from phasescope.studies.found.imbalance import STUDY as IMBALANCE
from phasescope.studies.found.order_and_accuracy import STUDY as ORDER
from phasescope.studies.found.phases import STUDY as PHASES

AT_ONCE = rise(12.0, 1.0)
"""ordered as soon as a snapshot can see it"""


def whole(steps: np.ndarray) -> np.ndarray:
    return np.ones(len(steps))


def courses_of_p1(cell, config, generator):
    """As P1 has it: bumps form, then they go where they belong, and latents are ordered then."""
    T = config.training.steps
    at = jitter(0.6 * T, generator)
    return {
        "formed": rise(jitter(0.2 * T, generator), T / 40),
        "x": rise(at, T / 60),
        "y": rise(at, T / 60),
        "p1": rise(at - T / 60, T / 60),
        "raw": AT_ONCE,
        "unformed": {"multiple": 1.0},
    }


def straight_to_c(cell, config, generator):
    """Bumps are right as soon as they are formed."""
    T = config.training.steps
    return {
        "formed": rise(jitter(0.5 * T, generator), T / 40),
        "x": whole,
        "y": whole,
        "p1": AT_ONCE,
        "raw": AT_ONCE,
    }


def test_phases_as_p1_has_them():
    found = verdicts(PHASES, study_frame(PHASES, courses_of_p1))
    for system in ("eps", "v", "x"):
        for claim in ("behaviour_abc", "phase_b_p1", "agreement_p1", "failure_a", "failure_b"):
            assert found[f"{claim}_{system}"] == "supported", (claim, system)
        for claim in ("phase_b_raw", "phase_b_raw_anywhere", "agreement_raw"):
            assert found[f"{claim}_{system}"] == "refuted", (claim, system)


def test_phases_that_are_not_as_p1_has_them():
    found = verdicts(PHASES, study_frame(PHASES, straight_to_c, ["eps"]))
    for claim in ("behaviour_abc", "phase_b_p1", "agreement_p1"):
        assert found[f"{claim}_eps"] == "refuted", claim
    assert found["failure_b_eps"] == "undecided"
    assert found["behaviour_abc_v"] == "undecided"


def test_phases_of_half_the_runs_or_of_few_are_undecided():
    mixed = study_frame(
        PHASES, lambda c, k, g: (courses_of_p1 if g.random() < 0.5 else straight_to_c)(c, k, g), ["eps"]
    )
    assert verdicts(PHASES, mixed)["behaviour_abc_eps"] == "undecided"
    few = study_frame(PHASES, courses_of_p1, ["eps"], seeds=3)
    assert verdicts(PHASES, few)["behaviour_abc_eps"] == "undecided"


def test_misshapen_bumps_are_not_phase_a_as_p1_has_it():
    frame = study_frame(PHASES, lambda *of: courses_of_p1(*of) | {"unformed": {"malformed": 1.0}}, ["eps"])
    assert verdicts(PHASES, frame)["failure_a_eps"] == "refuted"


def wavering(at: float, width: float, generator: np.random.Generator) -> Course:
    """A rise with setbacks of its own."""
    dips = generator.uniform(0.0, 0.4, 4000)
    return lambda steps: rise(at, width)(steps) * (1 - dips[steps.astype(int) % 4000])


def order_that_is_accuracy(cell, config, generator):
    """P1's order has each setback of accuracy; raw order comes at once, and goes on its own way."""
    T = config.training.steps
    right = wavering(0.4 * T * (1 + 0.3 * generator.random()), T / 10, generator)
    apart = wavering(1.0, 1.0, generator)
    return {
        "formed": whole,
        "x": right,
        "y": whole,
        "p1": right,
        "raw": lambda s: 0.9 + 0.1 * apart(s) * (s > 0),
    }


def test_order_that_follows_accuracy_beyond_the_clock_is_told_from_one_that_does_not():
    few = study_frame(ORDER, order_that_is_accuracy, [cell.name for cell in CELLS], seeds=3)
    more = study_frame(ORDER, order_that_is_accuracy, ["eps", "v"], seeds=6)
    found = verdicts(ORDER, pd.concat([few, more], ignore_index=True))
    for system in ("eps", "v", "fast"):
        for claim in ("rise_together", "beyond_clock", "beyond_other_run"):
            assert found[f"{claim}_p1_{system}"] == "supported", (claim, system)
        assert found[f"rise_together_raw_{system}"] == "refuted"
        assert found[f"beyond_other_run_raw_{system}"] != "supported"
    assert found["across_runs_p1"] == found["across_seeds_p1"] == "supported"
    assert found["across_runs_raw"] == "refuted"
    assert found["across_seeds_raw"] == "undecided"


def test_which_comes_first_is_seen():
    def order_first(cell, config, generator):
        T = config.training.steps
        at = jitter(0.6 * T, generator)
        right = rise(at, T / 200)
        return {"formed": whole, "x": right, "y": right, "p1": rise(at * 0.9, T / 200), "raw": AT_ONCE}

    found = verdicts(ORDER, study_frame(ORDER, order_first, ["eps", "v"]))
    for system in ("eps", "v"):
        assert found[f"set_in_together_p1_{system}"] == "supported"
        assert found[f"set_in_together_raw_{system}"] == "refuted"


def density_courses(exponent_d: float, exponent_sigma: float):
    """Onsets of all go with powers of d and sigma."""

    def courses(cell, config, generator):
        scale = config.world.design.dx**exponent_d * config.world.sigma_px**exponent_sigma
        at = jitter(250.0 * scale, generator, 0.03)
        return {"formed": whole, "x": rise(at, 8), "y": rise(at, 8), "p1": rise(at, 8), "raw": rise(at, 8)}

    return courses


def of_things(found: dict[str, str], claim: str, counting: str = "") -> set[str]:
    return {found[f"{claim}_{thing}{counting}"] for thing in ("order_p1", "grid", "off_grid")}


def test_density_that_matters():
    found = verdicts(DENSITY, study_frame(DENSITY, density_courses(0.3, -0.3), seeds=3))
    assert of_things(found, "denser_sooner", "_steps") == {"supported"}
    assert of_things(found, "denser_sooner", "_epochs") == {"supported"}
    assert of_things(found, "wider_sooner") == {"supported"}
    assert found["overlap_collapses_order_p1"] == found["overlap_collapses_off_grid"] == "supported"


def test_density_that_works_the_other_way_in_steps_still_looks_right_in_epochs():
    found = verdicts(DENSITY, study_frame(DENSITY, density_courses(-0.3, 0.3), seeds=3))
    assert of_things(found, "denser_sooner", "_steps") == {"refuted"}
    assert of_things(found, "denser_sooner", "_epochs") == {"supported"}
    assert of_things(found, "wider_sooner") == {"refuted"}


def test_density_that_does_not_matter_is_undecided_in_steps():
    found = verdicts(DENSITY, study_frame(DENSITY, density_courses(0.0, 0.0), seeds=3))
    assert of_things(found, "denser_sooner", "_steps") == {"undecided"}
    assert of_things(found, "denser_sooner", "_epochs") == {"supported"}


def test_width_alone_is_not_overlap():
    found = verdicts(DENSITY, study_frame(DENSITY, density_courses(0.0, -0.3), seeds=3))
    assert found["overlap_collapses_order_p1"] == found["overlap_collapses_off_grid"] == "refuted"


def one_dimensional(d: float) -> float:
    """t(d) of a learner of one axis."""
    return 250.0 * d**0.35


def imbalance_courses(kind: str, joint: float | None = None):
    def courses(cell, config, generator):
        design = config.world.design
        t_x, t_y = (jitter(one_dimensional(d), generator, 0.02) for d in (design.dx, design.dy))
        if kind == "coupled":
            t_x = t_y = np.sqrt(t_x * t_y)
        if kind == "indifferent":
            t_x = t_y = jitter(300.0, generator)
        x, y = rise(t_x, 25), rise(t_y, 25)
        found = {"formed": whole, "x": x, "y": y}
        if joint is not None:
            found["joint"] = lambda steps: x(steps) * y(steps) * (1 + joint * (1 - x(steps)) * (1 - y(steps)))
        return found

    return courses


SETS = [f"{name}_{labels}" for name in ("tenfold", "coarse") for labels in ("grid", "off_grid")]


def test_two_one_dimensional_learners_are_factorized():
    found = verdicts(IMBALANCE, study_frame(IMBALANCE, imbalance_courses("factorized")))
    for name in SETS:
        assert found[f"together_{name}"] == "refuted", name
        assert found[f"coupled_{name}"] == "refuted", name
    assert found["denser_one_axis_dense_steps"] == "supported"
    assert found["denser_one_axis_other_steps"] == "undecided"
    assert found["denser_one_axis_other_epochs"] == "supported"


def test_a_coupled_learner_is_coupled():
    frame = study_frame(IMBALANCE, imbalance_courses("coupled"))
    found = verdicts(IMBALANCE, frame)
    for name in SETS:
        assert found[f"together_{name}"] == "supported", name
        assert found[f"coupled_{name}"] == "supported", name
    assert found["denser_one_axis_other_steps"] == "supported"
    index = next(claim for claim in IMBALANCE.claims if claim.name == "coupled_coarse_grid").estimate(frame)
    assert index.value == pytest.approx(0, abs=0.1)


def test_where_density_does_not_matter_coupled_and_factorized_cannot_be_told():
    frame = study_frame(IMBALANCE, imbalance_courses("indifferent"), seeds=4)
    found = {claim.name: claim.judge(frame) for claim in IMBALANCE.claims}
    for name in SETS:
        assert found[f"coupled_{name}"].outcome == "undecided"
        assert "coincide" in found[f"coupled_{name}"].why
    assert found["together_tenfold_grid"].outcome == "supported"


@pytest.mark.parametrize(("joint", "verdict"), [(0.6, "supported"), (-0.6, "refuted"), (0.0, "undecided")])
def test_right_together_is_told_from_right_by_chance(joint, verdict):
    cells = [cell.name for cell in (*TENFOLD, *COARSE, grid(1.0, 1.0))]
    frame = study_frame(IMBALANCE, imbalance_courses("indifferent", joint), cells, seeds=6)
    found = verdicts(IMBALANCE, frame)
    assert found["right_together_fine"] == found["right_together_coarse"] == verdict


def code_frame(index: float, loops: int) -> pd.DataFrame:
    """Records of factorization with the columns that its reading gives."""
    frame = study_frame(FACTORIZATION, courses_of_p1, seeds=8)
    generator = np.random.default_rng(0)
    noise = 0.02 * generator.standard_normal(len(frame))
    late = frame["step"] > 0
    columns = {}
    for tap, t in PLACES:
        at = f"code.{tap}.{t}"
        columns |= {
            f"{at}.value": np.where(late, index, 0.3) + noise,
            f"{at}.nulls.permuted": -0.5,
            f"{at}.nulls.random": -0.5,
            f"{at}.parallelism.x": np.clip(index, 0, 1) + noise,
            f"{at}.parallelism.y": np.clip(index, 0, 1) + noise,
            f"{at}.overlap": 1 - np.clip(index, 0, 1) + noise,
            f"{at}.betti.0": 1.0,
            f"{at}.betti.1": float(loops),
        }
    return pd.concat(
        [
            frame,
            pd.DataFrame(columns, index=frame.index).assign(
                **{"code.images.value": -0.7, "code.encoding.value": 1.0}
            ),
        ],
        axis=1,
    )


@pytest.mark.parametrize(("index", "loops", "verdict"), [(0.9, 2, "supported"), (0.1, 0, "refuted")])
def test_codes_that_are_tori_are_told_from_codes_that_are_not(index, loops, verdict):
    found = verdicts(FACTORIZATION, code_frame(index, loops))
    geometry = [
        name for name in found if name.startswith(("factorized", "parallel", "orthogonal", "learnt", "torus"))
    ]
    assert len(geometry) == 4 * (4 + 3) + 2
    assert {found[name] for name in geometry} == {verdict}


def test_an_index_without_its_reading_is_undecided():
    found = verdicts(FACTORIZATION, study_frame(FACTORIZATION, courses_of_p1, seeds=2))
    assert found["factorized_open_mid_600"] == "undecided"


@pytest.mark.parametrize("name", [name for name, study in studies().items() if study.claims])
def test_no_records_leave_every_claim_undecided(name):
    study = studies()[name]
    empty = study_frame(study, straight_to_c, [study.cells[0].name], seeds=1).iloc[:0]
    assert set(verdicts(study, empty).values()) == {"undecided"}
