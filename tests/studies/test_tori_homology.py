import gudhi
import numpy as np
import pytest
from known_spaces import circle, clifford, disc, gaussian, sphere, torus_3d, two_circles
from scipy.stats import ortho_group

from phasescope.measures.latents.ideal import embed
from studies.tori.homology import betti_number, level, persistent_homology, rips, scaled_distances


def betti(homology):
    return [score.value for score in homology.betti]


@pytest.mark.parametrize(
    ("space", "n", "expected"),
    [
        (circle, 100, [1, 1]),
        (two_circles, 200, [2, 2]),
        (disc, 300, [1, 0]),
        (gaussian, 300, [1, 0]),
        (clifford, 400, [1, 2]),
        (torus_3d, 1024, [1, 2]),
    ],
)
def test_pieces_and_loops_of_known_spaces(space, n, expected):
    found = persistent_homology(space(np.random.default_rng(0), n), landmarks=160, resamples=30)
    assert betti(found) == expected
    for score in found.betti:
        assert score.low == score.value <= score.high
        assert score.n == n
    assert [score.nulls["gaussian"] for score in found.betti] == [1, 0]
    loops = found.betti[1]
    if loops.value:
        assert loops.high == loops.value
        assert loops.detail["support"] >= 0.95
        assert loops.detail["longest"] > loops.detail["next"]
    else:
        assert np.isnan(loops.detail["support"])


@pytest.mark.parametrize(("space", "n", "expected"), [(sphere, 200, [1, 0, 1]), (clifford, 1024, [1, 2, 1])])
def test_voids_of_known_spaces(space, n, expected):
    found = persistent_homology(space(np.random.default_rng(1), n), degree=2, landmarks=100, resamples=20)
    assert betti(found) == expected
    assert [score.nulls["gaussian"] for score in found.betti] == [1, 0, 0]


def test_a_torus_of_too_few_rows_shows_no_loops():
    assert betti(persistent_homology(torus_3d(np.random.default_rng(0), 200), resamples=40)) == [1, 0]


def test_noise_has_no_loops_in_any_of_many_clouds():
    rng = np.random.default_rng(2)
    clouds = [rng.normal(size=(120, d)) for d in (2, 3, 20) for _ in range(8)]
    found = [persistent_homology(cloud, landmarks=60, resamples=40, seed=i) for i, cloud in enumerate(clouds)]
    # A rule that errs in 5 % of clouds errs in more than 3 of 24 twice in 100 times.
    for degree in (0, 1):
        assert sum(each.betti[degree].value != 1 - degree for each in found) <= 3


def test_diagrams_equal_gudhis():
    rng = np.random.default_rng(5)
    for x in (clifford(rng, 40), rng.normal(size=(40, 3))):
        _, distances = scaled_distances(x)
        tree = gudhi.RipsComplex(distance_matrix=distances).create_simplex_tree(max_dimension=3)
        tree.compute_persistence(homology_coeff_field=2, min_persistence=0)
        for degree, diagram in enumerate(rips(distances, 2, 40)):
            theirs = tree.persistence_intervals_in_dimension(degree).reshape(-1, 2)
            theirs = theirs[np.isfinite(theirs[:, 1])]
            theirs = theirs[theirs[:, 1] - theirs[:, 0] > 1e-6]
            assert len(theirs) == len(diagram)
            ours = diagram[np.lexsort(diagram.T)]
            np.testing.assert_allclose(ours, theirs[np.lexsort(theirs.T)], atol=1e-5)


def test_rotation_and_shift_change_nothing_and_scaling_scales_the_diagram():
    x = clifford(np.random.default_rng(7), 200)
    first = persistent_homology(x, landmarks=100, resamples=20)
    turned = persistent_homology(
        1e3 * x @ ortho_group.rvs(4, random_state=0) + 50, landmarks=100, resamples=20
    )
    assert turned.scale == pytest.approx(1e3 * first.scale)
    for a, b in zip(first.diagrams, turned.diagrams, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    assert betti(turned) == betti(first)
    assert betti(persistent_homology(embed(x, 50), landmarks=100, resamples=20)) == betti(first)


def test_duplicated_rows_change_no_diagram():
    x = circle(np.random.default_rng(8), 60)
    once, twice = (persistent_homology(rows, landmarks=50, resamples=20) for rows in (x, np.vstack([x, x])))
    for a, b in zip(once.diagrams, twice.diagrams, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert betti(twice) == betti(once) == [1, 1]


def test_a_number_stands_out_where_halves_and_whole_agree_that_it_does():
    def diagram(*persistences):
        return np.array([[0.0, p] for p in persistences]).reshape(-1, 2)

    halves = [diagram(0.9, 0.9, *[0.1 + 0.001 * i] * 9) for i in range(40)]
    assert betti_number(1, diagram(0.9, 0.9, 0.1), halves, 16, 40, "").value == 2
    assert betti_number(1, diagram(0.9, 0.1), halves, 16, 40, "").value == 0
    doubtful = [*halves[:30], *[diagram(0.9, 0.12)] * 10]
    score = betti_number(1, diagram(1.0, 0.9), doubtful, 16, 40, "")
    assert (score.low, score.value, score.high) == (0, 0, 2)
    assert (score.detail["rival"], score.detail["rival_support"]) == (2, 0.75)


def test_level_is_not_exceeded_by_95_per_cent():
    values = np.random.default_rng(9).permutation(100.0 * np.arange(100)).reshape(-1, 1)
    assert level(values)[0] == 9400
