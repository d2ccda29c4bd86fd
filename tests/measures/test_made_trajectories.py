"""Each phase by P1's reading can be reached: latents are made as a run's would be, and go through the measures.

A label l (x, y) is told to an untrained network as sines and cosines, which reach the latents through random weights,
beside noise of its own in each draw. Learning adds to that a scrambled sheet (flat, but with its labels permuted: a
manifold without order) and an ordered one.
"""

from dataclasses import replace

import numpy as np
import pytest

from phasescope.measures import (
    P1,
    label_variance,
    p1_phases,
    p1_r2,
    participation_ratio,
    phase_sequence,
    probe_r2,
)

N, DRAWS, FEATURES = 256, 4, 48
LABELS = np.random.default_rng(0).uniform(0, 32, (N, 2))
PERIODS_PX = 32 * 2.0 ** np.arange(3, -2, -1)
ANGLES = 2 * np.pi * LABELS[:, :, None] / PERIODS_PX
TOLD = (np.concatenate([np.sin(ANGLES), np.cos(ANGLES)], axis=2) * np.tile(PERIODS_PX, 2)).reshape(N, -1)
SHEET = (LABELS - 16) / 9.2
SCRAMBLED = SHEET[np.random.default_rng(1).permutation(N)]


def into(codes: np.ndarray, seed: int) -> np.ndarray:
    """Through random weights, at a mean square of 1 a latent."""
    centred = codes - codes.mean(axis=0)
    out = centred @ np.random.default_rng(seed).normal(size=(codes.shape[1], FEATURES))
    return out / np.sqrt((out**2).sum(axis=1).mean())


def latents(*, told=1.0, scrambled=0.0, sheet=0.0, clear=0.0, noise=0.35, seed=0) -> np.ndarray:
    """(draws, n, features); noise is a feature's standard deviation, and is kept off the two that hold the `clear` sheet."""
    means = told * into(TOLD, 2) + scrambled * into(SCRAMBLED, 3) + sheet * into(SHEET, 4)
    z = means + noise * np.random.default_rng([5, seed]).normal(size=(DRAWS, N, FEATURES))
    if clear:
        z[..., :2] = clear * SHEET
    return z


def scores_of(course, untrained=None, read=probe_r2):
    """(label variance, participation ratio, probe R²) at each snapshot, beside those of the untrained network."""
    found, floors = [], None
    for number, stage in enumerate([course[0] if untrained is None else untrained, *course]):
        draws = latents(**stage, seed=0 if untrained is None and number == 1 else number)
        scores = (label_variance(draws), participation_ratio(draws.mean(axis=0)), read(draws[0], LABELS))
        if floors is None:
            floors = [score.value for score in scores]
            continue
        found.append(
            tuple(score.with_baselines(untrained=floor) for score, floor in zip(scores, floors, strict=True))
        )
    return found


START = {}
SCRAMBLE = {"scrambled": 3.0}
ORDERED = {"scrambled": 3.0, "sheet": 6.0, "noise": 0.2}
QUIETLY = {"clear": 0.3}
"""ordered, while labels explain little more of the variance than they did"""
SATURATED = {"told": 0.5, "scrambled": 20.0}
"""labels explain all there is untrained, and no order"""


@pytest.mark.some(2)
@pytest.mark.parametrize(
    ("course", "untrained", "sequence"),
    [
        ([START, START, SCRAMBLE, SCRAMBLE, ORDERED, ORDERED], None, "ABC"),
        ([START, START, ORDERED, ORDERED], None, "AC"),
        ([START, START, QUIETLY], None, "AC"),
        ([ORDERED, ORDERED], START, "C"),
        ([SATURATED, SATURATED, {**SATURATED, "sheet": 20.0, "noise": 0.1}], None, "C"),
        ([START, SCRAMBLE, SCRAMBLE], None, "AB"),
        ([START, START, START], None, "A"),
        ([START, ORDERED, SCRAMBLE], None, "ACB"),
    ],
    ids=["A B C", "A C", "A C, quietly", "C when first looked at", "C first decided", "A B", "A", "C lost"],
)
def test_every_course_can_be_told_from_latents(course, untrained, sequence):
    scores = scores_of(course, untrained)
    assert phase_sequence(p1_phases(scores)) == list(sequence)
    lower = replace(P1, p1_r2=0.5)
    assert phase_sequence(p1_phases(scores, lower)) == list(sequence)


@pytest.mark.slow
def test_read_p1s_way_too():
    """Far from every threshold: UMAP's embeddings differ from processor to processor."""
    scores = scores_of(
        [{"noise": 1.0}, SCRAMBLE, {"told": 0.3, "sheet": 6.0, "noise": 0.1}],
        read=lambda z, labels: p1_r2(z, labels, seeds=(0, 1, 2, 3))[0],
    )
    assert phase_sequence(p1_phases(scores)) == ["A", "B", "C"]


@pytest.mark.parametrize("noise", [0.02, 0.1, 0.35, 1.0])
def test_an_untrained_network_is_not_in_c_however_straight_its_label_passes_through(noise):
    stage = {"noise": noise}
    (first, again) = scores_of([stage, stage])
    r2 = first[2].value
    assert (r2 > 0.99) == (noise < 0.05)
    assert set(p1_phases([first, again])) <= {"A", "undecided"}


def test_made_stages_are_what_they_are_called():
    start, scrambled, ordered, quietly, saturated = (
        [score.value for score in scores_of([stage])[0]]
        for stage in (START, SCRAMBLE, ORDERED, QUIETLY, SATURATED)
    )
    assert 0.1 < start[0] < 0.2
    assert 0.6 < start[2] < 0.9
    assert scrambled[0] > 0.5
    assert scrambled[1] < 5
    assert ordered[2] > 0.98
    assert quietly[0] - start[0] < 0.05
    assert quietly[2] > 0.98
    assert saturated[0] > 0.98
    assert saturated[2] < 0.5
