"""R' against phase B: the statistic is Spearman's over cells, and made runs that follow R' say so."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from phasescope.studies.core.claim import NotEnough
from phasescope.studies.core.criteria import runs_of
from phasescope.studies.core.made import made_records
from phasescope.studies.found import foretold as study


def frame(courses, cells=study.NAMES):
    reads = ("phase.", "outcomes.")
    return made_records(study.STUDY, courses, np.random.default_rng(0), cells, reads=reads)


def test_what_is_foretold_orders_the_objectives_as_their_weights_do():
    told = {name: study.r_prime(name) for name in study.NAMES}
    for name in ("v, min-SNR", "x, min-SNR"):
        assert told[name] == pytest.approx(told["eps, min-SNR"]), "errors of x_0 weigh the same"
    assert told["eps, cosine"] < told["v, cosine"] < told["x, cosine"]
    assert told["velocity, flow"] < told["x, flow"]
    for name in study.NAMES:
        assert sum(study.foretold(name)["bands"]) == pytest.approx(told[name])


@pytest.mark.some(1)
@pytest.mark.parametrize(
    ("of_run", "courses"),
    [
        (study.passes_b, study.passing),
        (study.length_of_b, study.lasting),
        (study.share_of_way, study.lasting),
    ],
)
def test_the_statistic_is_spearmans_over_cells(of_run, courses):
    made = frame(courses(study.mixed(0.5)))
    means = [np.mean([of_run(run) for run in runs_of(made, [name])]) for name in study.NAMES]
    expected = stats.spearmanr([study.r_prime(name) for name in study.NAMES], means).statistic
    found = study.follows(of_run, made)
    assert found.value == pytest.approx(expected)
    assert found.low <= found.value <= found.high


def test_phase_b_lasts_as_long_as_it_was_made_to():
    made = frame(study.lasting(lambda cell: 0.6, spread=0.0), study.NAMES[:1])
    steps = study.CELLS[study.NAMES[0]].config(0, "lean").training.steps
    for run in runs_of(made, study.NAMES[:1]):
        images = steps * 16
        assert study.passes_b(run)
        assert study.length_of_b(run) == pytest.approx(0.38 * images, abs=0.09 * images)
        assert study.share_of_way(run) == pytest.approx(0.38 / 0.63, abs=0.1)


def test_means_that_are_all_alike_go_with_nothing():
    assert study.rank_correlation(np.arange(4.0), np.ones((1, 4))) == pytest.approx([0])
    almost = np.array([1.0, 2.0, 2.0 * (1 + 1e-13), 3.0])
    equal = study.rank_correlation(np.array([1.0, 2.0, 2.0, 3.0]), np.array([[0.0, 2.0, 1.0, 3.0]]))
    assert study.rank_correlation(almost, np.array([[0.0, 2.0, 1.0, 3.0]])) == pytest.approx(equal)


def test_runs_straight_to_c_have_no_b():
    made = frame(study.passing(lambda cell: 0.0), study.NAMES[:2])
    for run in runs_of(made, study.NAMES[:2]):
        assert not study.passes_b(run)
        assert study.length_of_b(run) == 0


def test_a_cell_without_runs_leaves_it_open():
    with pytest.raises(NotEnough, match="each"):
        study.follows(study.passes_b, frame(study.passing(study.whatever), study.NAMES[:3]))
