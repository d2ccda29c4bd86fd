"""What users call in `phasescope.measures` refuses a wrong argument in one line: its name, its value, the rule."""

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from phasescope import Factors, measures
from phasescope.measures import (
    BehaviourThresholds,
    Score,
    additivity,
    battery,
    behaviour_phase,
    clifford_torus,
    code_of,
    crossing,
    dci,
    disentanglement,
    factorization,
    gain,
    gap_ratio,
    joint_accuracy,
    label_variance,
    mig,
    onset,
    p1_phase,
    p1_phases,
    p1_r2,
    participation_ratio,
    phase_onsets,
    phase_sequence,
    probe_gain,
    probe_r2,
    random_latents,
    routes,
    sap,
    sheet_phase,
    sheet_readings,
    torus_3d,
    trustworthiness,
    two_nn,
)
from phasescope.measures.arguments import real_array, with_counts
from phasescope.measures.over_runs import mean_over_runs, over_runs, share_interval
from phasescope.measures.phases import ordered, wilson_low

RNG = np.random.default_rng(0)
N = 100
LABELS = RNG.uniform(0, 32, (N, 2))
LATENTS = LABELS @ RNG.normal(size=(2, 6)) + RNG.normal(size=(N, 6))
DRAWS = np.stack([LATENTS + RNG.normal(size=LATENTS.shape) for _ in range(3)])
GRID = np.stack(np.meshgrid(np.arange(6.0), np.arange(6.0), indexing="ij"), axis=-1).reshape(-1, 2)
ON_GRID = GRID @ RNG.normal(size=(2, 5)) + RNG.normal(size=(36, 5)) / 10
CODE = code_of(LATENTS, LABELS)
IMAGES = RNG.random((4, 3, 3))
SHOWN = crossing(N, 3, RNG)
SCORE = Score(0.5, 0.4, 0.6, n=10, estimator="of 2", baselines={"untrained": 0.1, "permuted": 0.0})
XY = {"a": "A", "b": "B"}
YES = np.ones(12, dtype=bool)

CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    # as 36 attacks called them
    "probe_r2 folds=1": (lambda: probe_r2(LATENTS, LABELS, folds=1), "`folds` (=1)"),
    "probe_r2 folds=0": (lambda: probe_r2(LATENTS, LABELS, folds=0), "`folds` (=0)"),
    "probe_r2 permutations=0": (lambda: probe_r2(LATENTS, LABELS, permutations=0), "`permutations` (=0)"),
    "probe_r2 resamples=0": (lambda: probe_r2(LATENTS, LABELS, resamples=0), "`resamples` (=0)"),
    "probe_r2 resamples=2": (lambda: probe_r2(LATENTS, LABELS, resamples=2), "`resamples` (=2)"),
    "trustworthiness k=0": (lambda: trustworthiness(LATENTS, LABELS, k=0), "`k` (=0)"),
    "trustworthiness k=-1": (lambda: trustworthiness(LATENTS, LABELS, k=-1), "`k` (=-1)"),
    "trustworthiness k=2.5": (lambda: trustworthiness(LATENTS, LABELS, k=2.5), "`k` (=2.5)"),
    "trustworthiness permutations=0": (
        lambda: trustworthiness(LATENTS, LABELS, permutations=0),
        "`permutations` (=0)",
    ),
    "participation_ratio resamples=0": (
        lambda: participation_ratio(LATENTS, resamples=0),
        "`resamples` (=0)",
    ),
    "two_nn resamples=0": (lambda: two_nn(LATENTS, resamples=0), "`resamples` (=0)"),
    "label_variance permutations=0": (lambda: label_variance(DRAWS, permutations=0), "`permutations` (=0)"),
    "additivity permutations=0": (lambda: additivity(ON_GRID, GRID, permutations=0), "`permutations` (=0)"),
    "factorization permutations=0": (
        lambda: factorization(ON_GRID, GRID, permutations=0),
        "`permutations` (=0)",
    ),
    "dci permutations=0": (lambda: dci(CODE, permutations=0), "`permutations` (=0)"),
    "mig resamples=0": (lambda: mig(CODE, resamples=0), "`resamples` (=0)"),
    "mig bins=1": (lambda: mig(CODE, bins=1), "`bins` (=1)"),
    "sap resamples=0": (lambda: sap(CODE, resamples=0), "`resamples` (=0)"),
    "crossing n=3 draws=5": (lambda: crossing(3, 5, RNG), "`n` (=3)"),
    "routes shown = identity": (
        lambda: routes(DRAWS, LABELS, np.stack([np.arange(N)] * 3)),
        "`shown` (row 0 gives label 0 its own image)",
    ),
    "routes shown no permutation": (
        lambda: routes(DRAWS, LABELS, np.zeros((3, N), int)),
        "`shown` (row 0 repeats images)",
    ),
    "joint_accuracy lengths differ": (lambda: joint_accuracy(YES, YES[:-1]), "`correct_y` (n=11)"),
    "joint_accuracy empty": (lambda: joint_accuracy(YES[:0], YES[:0]), "`correct_x` (n=0)"),
    "joint_accuracy floats": (
        lambda: joint_accuracy(np.linspace(0, 1, 12), np.ones(12)),
        "`correct_x` (shape (12,), of float64)",
    ),
    "gap_ratio one training image": (
        lambda: gap_ratio(IMAGES, IMAGES, np.ones((5, 3, 3))),
        "`training` (5 images, 1 different)",
    ),
    "gap_ratio other pixels": (
        lambda: gap_ratio(IMAGES, RNG.random((4, 2, 2)), IMAGES),
        "`exact` (of 4 pixels)",
    ),
    "gap_ratio NaN": (
        lambda: gap_ratio(np.full((4, 3, 3), np.nan), IMAGES, IMAGES),
        "`generated` (36 of 36 not finite)",
    ),
    "onset unsorted": (lambda: onset([30, 10, 20], [False, True, True]), "`images_seen` (10 after 30)"),
    "onset lengths": (lambda: onset([1, 2], [True]), "`passed` (length 1)"),
    "phase_onsets unknown phase": (lambda: phase_onsets([1, 2], ["D", "C"]), "`phases` (='D')"),
    "behaviour_phase unknown outcome": (
        lambda: behaviour_phase({"a": 1.0}, 10, {"b": "A"}),
        "`shares` (of a)",
    ),
    "behaviour_phase shares beyond 1": (
        lambda: behaviour_phase({"a": 2.0}, 10, {"a": "A"}),
        "`shares` (={'a': 2.0})",
    ),
    "sheet_readings neighbours=0": (lambda: sheet_readings(DRAWS, LABELS, neighbours=0), "`neighbours` (=0)"),
    "p1_r2 seeds=()": (lambda: p1_r2(LATENTS, LABELS, seeds=()), "`seeds` (=())"),
    "torus_3d of 1-D": (lambda: torus_3d(np.arange(4.0)), "`labels` (shape (4,))"),
    "random_latents n=-1": (lambda: random_latents(-1, 2), "`n` (=-1)"),
    # their siblings
    "probe_r2 folds=True": (lambda: probe_r2(LATENTS, LABELS, folds=True), "`folds` (=True)"),
    "probe_r2 folds is text": (lambda: probe_r2(LATENTS, LABELS, folds="5"), "`folds` (='5')"),
    "probe_r2 seed=1.5": (lambda: probe_r2(LATENTS, LABELS, seed=1.5), "`seed` (=1.5)"),
    "probe_r2 seed=None": (lambda: probe_r2(LATENTS, LABELS, seed=None), "`seed` (=None)"),
    "probe_r2 factors are names": (
        lambda: probe_r2(LATENTS, LABELS, ["x", "y"]),
        "`factors` (=['x', 'y'])",
    ),
    "p1_r2 neighbours=1": (lambda: p1_r2(LATENTS, LABELS, neighbours=1), "`neighbours` (=1)"),
    "p1_r2 epochs=0": (lambda: p1_r2(LATENTS, LABELS, epochs=0), "`epochs` (=0)"),
    "p1_r2 seeds=0": (lambda: p1_r2(LATENTS, LABELS, seeds=0), "`seeds` (=0)"),
    "p1_r2 seeds=(-1,)": (lambda: p1_r2(LATENTS, LABELS, seeds=(-1,)), "`seeds` (=(-1,))"),
    "dci of latents": (lambda: dci(LATENTS), "`code` (of ndarray)"),
    "mig of latents": (lambda: mig(LATENTS), "`code` (of ndarray)"),
    "sap of latents": (lambda: sap(LATENTS), "`code` (of ndarray)"),
    "mig bins=60": (lambda: mig(CODE, bins=60), "`bins` (=60)"),
    "code_of dimensions=1": (lambda: code_of(LATENTS, LABELS, dimensions=1), "`dimensions` (=1)"),
    "code_of reduction": (lambda: code_of(LATENTS, LABELS, reduction="pca"), "`reduction` (='pca')"),
    "disentanglement permutations=0": (
        lambda: disentanglement(LATENTS, LABELS, permutations=0),
        "`permutations` (=0)",
    ),
    "crossing draws=0": (lambda: crossing(3, 0, RNG), "`draws` (=0)"),
    "crossing by a seed": (lambda: crossing(9, 2, 0), "`generator` (=0)"),
    "routes shown for fewer draws": (lambda: routes(DRAWS, LABELS, SHOWN[:2]), "`shown` (shape (2, 100))"),
    "routes shown of floats": (lambda: routes(DRAWS, LABELS, SHOWN / 1.0), "`shown` (of float64)"),
    "routes shown twice": (
        lambda: routes(DRAWS, LABELS, SHOWN[[0, 1, 1]]),
        "`shown` (rows 1 and 2 give label 0 the same image)",
    ),
    "joint_accuracy nine images": (lambda: joint_accuracy(YES[:9], YES[:9]), "`correct_x` (n=9)"),
    "joint_accuracy draws=1": (lambda: joint_accuracy(YES, YES, draws=1), "`draws` (=1)"),
    "gap_ratio no images": (
        lambda: gap_ratio(IMAGES[:0], IMAGES[:0], IMAGES),
        "`generated` (shape (0, 3, 3))",
    ),
    "gap_ratio fewer exact ones": (lambda: gap_ratio(IMAGES, IMAGES[:2], IMAGES), "`exact` (n=2)"),
    "onset of repeated images": (lambda: onset([10, 10], [True, True]), "`images_seen` (10 after 10)"),
    "onset of NaN": (lambda: onset([1, float("nan")], [True, True]), "`images_seen` (nan after 1)"),
    "onset of shares": (lambda: onset([1, 2], [0.2, 0.9]), "`passed` (=0.2)"),
    "phase_onsets lengths": (lambda: phase_onsets([1, 2, 3], ["A", "C"]), "`phases` (length 2)"),
    "phase_sequence unknown phase": (lambda: phase_sequence(["A", "a"]), "`phases` (='a')"),
    "phase_sequence of a text": (lambda: phase_sequence("ABC"), "`phases` (='ABC')"),
    "behaviour_phase n=0": (lambda: behaviour_phase({"a": 1.0, "b": 0.0}, 0, XY), "`n` (=0)"),
    "behaviour_phase NaN": (
        lambda: behaviour_phase({"a": float("nan"), "b": 0.0}, 9, XY),
        "`shares` (={'a': nan, 'b': 0.0})",
    ),
    "behaviour_phase shares that lack": (
        lambda: behaviour_phase({"a": 0.5, "b": 0.1}, 9, XY),
        "`shares` (={'a': 0.5, 'b': 0.1})",
    ),
    "behaviour_phase of no phase": (
        lambda: behaviour_phase({"a": 1.0}, 9, {"a": "D"}),
        "`phase_of` (a='D')",
    ),
    "BehaviourThresholds confidence=1": (lambda: BehaviourThresholds(confidence=1.0), "`confidence` (=1.0)"),
    "BehaviourThresholds majority=2": (lambda: BehaviourThresholds(majority=2.0), "`majority` (=2.0)"),
    "random_latents features=0": (lambda: random_latents(3, 0), "`features` (=0)"),
    "torus_3d of a number": (lambda: torus_3d(3.0), "`labels` (shape ())"),
    "clifford_torus of nothing": (lambda: clifford_torus([]), "`labels` (shape (0,))"),
    "gain of a number": (lambda: gain(0.5), "`score` (=0.5)"),
    "probe_gain of a number": (lambda: probe_gain(0.5, 0.1), "`score` (=0.5)"),
    "probe_gain untrained=2": (lambda: probe_gain(SCORE, 2.0), "`untrained` (=2.0)"),
    "probe_gain untrained is a score": (lambda: probe_gain(SCORE, SCORE), "`untrained` (=Score("),
    "ordered of numbers": (lambda: ordered([0.5]), "`score` (=0.5)"),
    "p1_phases of pairs": (lambda: p1_phases([(SCORE, SCORE)]), "`scores` (entry 0 of 2)"),
    "sheet_phase of a number": (
        lambda: sheet_phase(SCORE, SCORE, SCORE, 0.9),
        "`label_trustworthiness` (=0.9)",
    ),
    "p1_phase of a number": (
        lambda: p1_phase(SCORE, 3.0, SCORE),
        "`participation_ratio` (=3.0)",
    ),
    "battery chosen is text": (lambda: battery(LATENTS, LABELS, chosen="probe_r2"), "`chosen` (=probe_r2)"),
    "battery draws of other features": (
        lambda: battery(LATENTS, LABELS, draws=DRAWS[..., :4]),
        "`draws` (shape (3, 100, 4))",
    ),
    "battery draws of more labels": (
        lambda: battery(LATENTS[:90], LABELS[:90], draws=DRAWS),
        "`draws` (shape (3, 100, 6))",
    ),
    "wilson_low of no case": (lambda: wilson_low(0.0, 0), "`n` (=0)"),
    "wilson_low of a share beyond 1": (lambda: wilson_low(1.5, 9), "`share` (=1.5)"),
    "masked latents": (
        lambda: probe_r2(np.ma.array(LATENTS, mask=LATENTS > 5), LABELS),
        f"`latents` ({(LATENTS > 5).sum()} of 600 masked)",
    ),
    "masked draws": (lambda: label_variance(np.ma.array(DRAWS, mask=DRAWS > 5)), "`latents` ("),
    "masked images": (
        lambda: gap_ratio(np.ma.array(IMAGES, mask=IMAGES > 0.5), IMAGES, IMAGES),
        "`generated` (",
    ),
    "masked truth values": (
        lambda: joint_accuracy(np.ma.array(YES, mask=YES), YES),
        "`correct_x` (12 of 12 masked)",
    ),
    "complex labels": (lambda: probe_r2(LATENTS, LABELS + 1j), "`labels` (of complex128)"),
    "complex latents": (lambda: trustworthiness(LATENTS + 0j, LABELS), "`latents` (of complex128)"),
    "labels that are text": (lambda: probe_r2(LATENTS, LABELS.astype(str)), "`labels` (of <U"),
    "labels that are dates": (
        lambda: probe_r2(LATENTS, LABELS.astype(int).astype("M8[D]")),
        "`labels` (of datetime64[D])",
    ),
    "ragged latents": (lambda: participation_ratio([[1.0, 2.0], [3.0]]), "`latents` (of list)"),
    "int64 labels that merge": (
        lambda: probe_r2(LATENTS, 1_764_000_000_000_000_001 + (LABELS * 100).astype(np.int64)),
        "`labels` (=176400000000000",
    ),
    "uint64 labels that merge": (
        lambda: probe_r2(LATENTS, np.uint64(2**53 + 1) + (LABELS * 100).astype(np.uint64)),
        "`labels` (=900719925474",
    ),
    "Python's integers that merge": (
        lambda: probe_r2(LATENTS, [[2**70 + 1 + int(100 * a), int(b * 100)] for a, b in LABELS]),
        "`labels` (=1180591620717411",
    ),
    "int64 latents that merge": (
        lambda: two_nn(2**60 + 1 + (LATENTS * 100).astype(np.int64)),
        "`latents` (=11529215046068",
    ),
    "latents of 1e-100": (lambda: participation_ratio(LATENTS * 1e-100), "`latents` (varying by "),
    "draws of 1e-200": (lambda: label_variance(DRAWS * 1e-200), "`latents` (varying by "),
    "labels of 1e-100": (lambda: probe_r2(LATENTS, LABELS * 1e-100), "`labels` (varying by "),
    "over_runs strata": (
        lambda: over_runs(lambda weights: weights @ np.arange(4.0), 4, ["a", "b"]),
        "`strata` (length 2)",
    ),
    "over_runs of a number": (lambda: over_runs(lambda weights: 1.0, 4), "`statistic` (shape () for"),
    "mean_over_runs of pairs": (lambda: mean_over_runs(np.ones((4, 2))), "`values` (shape (4, 2))"),
    "share_interval of shares": (lambda: share_interval([0.5, 1.0]), "`hits` (=0.5)"),
    "Score.from_dict of nothing": (lambda: Score.from_dict({"value": 1.0}), "`low` (=nothing)"),
    "a baseline that is text": (lambda: SCORE.with_baselines(pixels="much"), "`pixels` (='much')"),
    "Factors.named of a text": (lambda: Factors.named("xy"), "`names` (=xy)"),
}


@pytest.mark.parametrize("call", CALLS)
def test_bad_input_is_one_line_with_its_name_its_value_and_the_rule(call):
    function, beginning = CALLS[call]
    with pytest.raises(ValueError, match=re.escape(beginning)) as raised:
        function()
    line = str(raised.value)
    assert line.startswith(beginning)
    assert " must " in line
    assert "\n" not in line


@pytest.mark.parametrize(
    "labels", [2**60 + 256 * np.arange(N), 2**53 - np.arange(N), np.arange(N).astype(np.uint8)]
)
def test_integers_that_float64_holds_are_taken(labels):
    taken = real_array("labels", labels)
    assert taken.dtype == float
    assert [int(value) for value in taken] == labels.tolist()


def test_an_array_with_a_mask_that_hides_nothing_is_taken():
    unmasked = np.ma.array(LATENTS, mask=False)
    assert participation_ratio(unmasked) == participation_ratio(LATENTS)


def test_bad_input_of_every_count_of_a_public_measure_is_refused():
    checked = 0
    for function in filter(inspect.isfunction, (getattr(measures, name) for name in measures.__all__)):
        parameters = inspect.signature(function).parameters
        counts = [name for name, parameter in parameters.items() if parameter.annotation in (int, "int")]
        for count in counts:
            # Counts come first, so what else is given does not matter.
            given = dict.fromkeys(parameters) | dict.fromkeys(counts, 50) | {count: -1}
            with pytest.raises(ValueError, match=rf"`{count}` \(=-1\) must be an integer of at least"):
                function(**given)
            checked += 1
    assert checked > 30


def test_a_count_without_a_reason_is_refused_where_the_measure_is_defined():
    def mine(wanted: int = 3) -> int:
        return wanted

    with pytest.raises(TypeError, match=r"`wanted` must be in `LEAST`, with the reason"):
        with_counts()(mine)


def test_a_least_value_of_no_count_is_refused_where_the_measure_is_defined():
    def mine(k: int = 3) -> int:
        return k

    with pytest.raises(TypeError, match=r"`fold` \(=4\) must be an integer argument of `mine`"):
        with_counts(fold=4)(mine)


def test_an_integer_that_is_no_float_is_one_line():
    with pytest.raises(ValueError, match=r"^`labels` \(of list\) must be an array of numbers: "):
        real_array("labels", [10**400, 1])
