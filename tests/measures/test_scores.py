import dataclasses
import json
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from phasescope import Factor, Factors
from phasescope.measures import (
    Score,
    additivity,
    factorization,
    label_variance,
    p1_r2,
    participation_ratio,
    probe_r2,
    trustworthiness,
    two_nn,
)
from phasescope.measures.scores import baseline_level, basic_interval, bootstrap_weights

RNG = np.random.default_rng(0)
LABELS = np.stack(np.meshgrid(4.0 * np.arange(8), 7.0 * np.arange(5), indexing="ij"), axis=-1).reshape(-1, 2)
DRAWS = LABELS @ RNG.normal(size=(2, 6)) / 4 + RNG.normal(size=(3, 40, 6))
LATENTS = DRAWS[0]


def holed(array):
    array = array.copy()
    array.flat[7] = np.nan
    return array


def test_a_score_is_json_and_what_is_not_finite_is_null():
    score = probe_r2(LATENTS, LABELS).with_baselines(untrained=np.float32(0.25), pixels=np.nan)
    read = json.loads(json.dumps(score.to_dict(), allow_nan=False))
    assert set(read) == {"value", "low", "high", "n", "estimator", "baselines", "detail"}
    assert read["baselines"] == {"permuted": score.baselines["permuted"], "untrained": 0.25, "pixels": None}
    assert read["detail"] == dict(score.detail)
    assert read["n"] == 40


NULLS = {"permuted": 0.1, "pixels": math.nan}
FULL = Score(0.5, -math.inf, 0.6, n=10, estimator="of 2, 3", baselines=NULLS, detail={"k=5": 1.0})


def plain(score: Score) -> Score:
    """As JSON holds it: NaN is what was not finite."""
    return dataclasses.replace(score, low=math.nan if math.isinf(score.low) else score.low)


def test_a_score_comes_back_from_its_dict():
    for score in (FULL, probe_r2(LATENTS, LABELS), participation_ratio(LATENTS)):
        tree = json.loads(json.dumps(score.to_dict(), allow_nan=False))
        back = Score.from_dict(tree)
        assert back.to_dict() == tree
        assert repr(back) == repr(plain(score))


def test_columns_are_the_leaves_of_the_dict():
    assert FULL.columns() == {
        "value": 0.5, "low": None, "high": 0.6, "n": 10, "estimator": "of 2, 3", "baselines.permuted": 0.1,
        "baselines.pixels": None, "detail.k=5": 1.0,
    }  # fmt: skip


def test_with_nulls_returns_a_copy():
    score = Score(0.5, 0.4, 0.6, n=10, estimator="none", baselines={"permuted": 0.0})
    more = score.with_baselines(untrained=Score(0.1, 0.0, 0.2, n=10, estimator="none"))
    assert more.baselines == {"permuted": 0.0, "untrained": 0.1}
    assert score.baselines == {"permuted": 0.0}
    assert dataclasses.replace(more, baselines=score.baselines) == score
    with pytest.raises(dataclasses.FrozenInstanceError):
        score.value = 1.0


def test_the_basic_interval_mirrors_the_replicates_quantiles_about_the_value():
    replicates = np.linspace(0, 1, 1001)
    assert basic_interval(0.4, replicates) == pytest.approx((0.8 - 0.975, 0.8 - 0.025))
    assert baseline_level(replicates) == pytest.approx(0.95)


def test_bootstrap_weights_are_counts_of_n_draws_with_replacement():
    weights = bootstrap_weights(50, 400, np.random.default_rng(1))
    assert (weights.sum(axis=1) == 50).all()
    assert (weights == np.round(weights)).all()
    assert weights.var() == pytest.approx(1 - 1 / 50, rel=0.05)


def test_one_odd_row_among_equal_ones_gives_finite_scores():
    latents = np.zeros((40, 3))
    latents[5] = 1
    scores = [
        probe_r2(latents, LABELS),
        trustworthiness(latents, LABELS),
        participation_ratio(latents),
        label_variance(np.stack([latents, np.zeros((40, 3))])),
    ]
    for score in scores:
        assert np.isfinite([score.value, score.low, score.high, *score.baselines.values()]).all()
    assert scores[2].value == pytest.approx(1)
    assert abs(scores[0].value) < 0.2


GIVEN: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "probe_r2": (probe_r2, {"latents": LATENTS, "labels": LABELS}),
    "trustworthiness": (trustworthiness, {"latents": LATENTS, "labels": LABELS}),
    "p1_r2": (p1_r2, {"latents": LATENTS, "labels": LABELS}),
    "participation_ratio": (participation_ratio, {"latents": LATENTS}),
    "two_nn": (two_nn, {"latents": LATENTS}),
    "label_variance": (label_variance, {"latents": DRAWS}),
    "additivity": (additivity, {"latents": LATENTS, "labels": LABELS}),
    "factorization": (factorization, {"latents": LATENTS, "labels": LABELS}),
    "factorization of draws": (factorization, {"latents": DRAWS, "labels": LABELS}),
}
OF_LATENTS = ["probe_r2", "trustworthiness", "p1_r2", "participation_ratio", "two_nn"]
WITH_LABELS = ["probe_r2", "trustworthiness", "p1_r2", "additivity", "factorization"]


@pytest.mark.parametrize("measure", [name for name in GIVEN if name != "p1_r2"])
@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3), st.floats(-100, 100))
def test_rotations_shifts_and_units_change_no_score(measure, seed, scale, shift):
    function, arrays = GIVEN[measure]
    before = function(**arrays)
    padded = np.concatenate([arrays["latents"], np.ones((*arrays["latents"].shape[:-1], 3))], axis=-1)
    others = {"latents": scale * (padded @ ortho_group.rvs(9, random_state=seed) + shift)}
    rows = np.arange(40)
    if measure != "probe_r2":  # whose folds are of the rows' numbers
        rows = np.random.default_rng(seed).permutation(40)
        others["latents"] = others["latents"][..., rows, :]
    if "labels" in arrays:
        others["labels"] = (scale * LABELS + shift)[rows]
    after = function(**others)
    assert after.value == pytest.approx(before.value, rel=1e-5, abs=1e-4)
    assert after.detail == pytest.approx(before.detail, rel=1e-5, abs=1e-4, nan_ok=True)
    assert after.low <= after.value <= after.high


BAD = [
    *(
        (measure, given, message)
        for measure in OF_LATENTS
        for given, message in [
            ({"latents": holed(LATENTS)}, r"`latents` \(1 of 240 not finite\) must be finite"),
            ({"latents": np.full((40, 6), np.inf)}, r"`latents` \(240 of 240 not finite\) must be finite"),
            ({"latents": LATENTS[:, 0]}, r"`latents` \(shape \(40,\)\) must be \(n, features\)"),
            ({"latents": DRAWS}, r"`latents` \(shape \(3, 40, 6\)\) must be \(n, features\)"),
            ({"latents": np.ones((40, 6))}, r"`latents` \(shape \(40, 6\)\) must vary"),
            ({"latents": LATENTS[:, :0]}, r"`latents` \(shape \(40, 0\)\) must vary"),
        ]
    ),
    *(
        (measure, given, message)
        for measure in WITH_LABELS
        for given, message in [
            ({"labels": holed(LABELS)}, r"`labels` \(1 of 80 not finite\) must be finite"),
            ({"labels": LABELS[1:]}, r"`labels` \(shape \(39, 2\)\) must be \(n, K\) with n=40"),
            ({"labels": LABELS[:, 0]}, r"`labels` \(shape \(40,\)\) must be \(n, K\)"),
            ({"labels": LABELS[:, :0]}, r"`labels` \(shape \(40, 0\)\) must be \(n, K\)"),
            ({"labels": LABELS * [1, 0]}, r"`labels` \(label2=0 in each row\) must vary"),
            (
                {"factors": Factors.unknown(3)},
                r"`factors` \(=label1, label2, label3\) must be as many as .*: 2",
            ),
            (
                {"factors": Factors((Factor("x", 0.0, 32.0), Factor("y", 1.0, 1.0)))},
                r"`span` \(=\[32.0, 0.0\]\) must be greater than 0",
            ),
            (
                {
                    "labels": 32 * (LABELS > 16),
                    "factors": Factors.named(("x", "y"), (32.0, 32.0), ("x", "y")),
                },
                r"`labels` \(x=.* in each row\) must vary",
            ),
        ]
    ),
    *(
        (measure, given, message)
        for measure in ("additivity", "factorization")
        for given, message in [
            ({"latents": holed(LATENTS)}, r"`latents` \(1 of 240 not finite\) must be finite"),
            ({"latents": LATENTS[:, 0]}, r"`latents` \(shape \(40,\)\) must be"),
            ({"latents": DRAWS[:1]}, r"`latents` \(draws=1\) must have at least 2 noise draws"),
            ({"latents": LATENTS[:3], "labels": LABELS[:3]}, r"`latents` \(n=3\) must have at least 4 rows"),
            ({"labels": LABELS[:, :1]}, r"`labels` \(K=1\) must have at least 2"),
            ({"labels": LABELS // 8}, r"`labels` .* repeated"),
            ({"labels": RNG.random((40, 2))}, r"`labels` .*scattered"),
        ]
    ),
    ("two_nn", {"latents": LATENTS[:3]}, r"`latents` \(n=3\) must have at least 4 rows"),
    ("probe_r2", {"folds": 21}, r"`latents` \(n=40\) must have at least 42 rows: 21 folds hold two rows"),
    ("trustworthiness", {"k": 20}, r"`latents` \(n=40\) must have at least 42 rows: k \(=20\)"),
    ("p1_r2", {"neighbours": 40}, r"`latents` \(n=40\) must have at least 41 rows"),
    ("participation_ratio", {"latents": LATENTS[:3]}, r"`latents` \(n=3\) must have at least 4 rows"),
    ("label_variance", {"latents": LATENTS}, r"`latents` \(shape \(40, 6\)\) must be \(draws, n, features\)"),
    ("label_variance", {"latents": DRAWS[:0]}, r"`latents` \(draws=0\) must have at least 2 noise draws"),
    ("label_variance", {"latents": DRAWS[:1]}, r"`latents` \(draws=1\) must have at least 2 noise draws"),
    ("label_variance", {"latents": DRAWS[:, :2]}, r"`latents` \(n=2\) must have at least 3 rows"),
    ("label_variance", {"latents": holed(DRAWS)}, r"`latents` \(1 of 720 not finite\) must be finite"),
    ("label_variance", {"latents": np.ones((3, 40, 6))}, r"`latents` \(shape \(3, 40, 6\)\) must vary"),
]


@pytest.mark.parametrize(("measure", "given", "message"), BAD)
def test_bad_input_is_named_with_its_value_and_the_rule(measure, given, message):
    function, arrays = GIVEN[measure]
    with pytest.raises(ValueError, match=message):
        function(**{**arrays, **given})


def test_no_torch_scikit_learn_or_numba_is_imported():
    heavy = ["torch", "sklearn", "umap", "numba", "scipy"]
    code = f"import sys, phasescope.measures; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_falling_function_swaps_the_ends_of_the_interval():
    score = Score(0.5, 0.2, 0.9, n=10, estimator="of 2")
    fallen = score.through(lambda value: 1 - value, "1 - s", {})
    assert (fallen.value, fallen.low, fallen.high) == pytest.approx((0.5, 0.1, 0.8))
    unknown = Score(0.5, -math.inf, math.nan, n=10, estimator="of 2").through(lambda value: -value, "-s", {})
    assert unknown.low == math.inf
    assert math.isnan(unknown.high)
