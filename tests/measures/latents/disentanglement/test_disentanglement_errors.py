"""One clear error each for what is not a code, not labels or no split."""

import numpy as np
import pytest

from phasescope import Factors
from phasescope.measures import code_of, mig, sap

rng = np.random.default_rng(0)
LABELS = rng.uniform(0, 32, (200, 2))
LATENTS = rng.normal(size=(200, 4))
WITH_NAN = np.where(np.arange(800).reshape(200, 4) == 5, np.nan, LATENTS)
ONE_VARIES = np.column_stack([LATENTS[:, 0], np.ones(200)])


@pytest.mark.parametrize(
    ("latents", "labels", "settings", "message"),
    [
        (WITH_NAN, LABELS, {}, r"`latents` \(1 of 800 not finite\) must be finite"),
        (LATENTS, np.where(LABELS > 31, np.inf, LABELS), {}, r"`labels` \(\d+ of 400 not finite\)"),
        (np.ones((200, 4)), LABELS, {}, "`latents` .* must vary: each feature is constant"),
        (ONE_VARIES, LABELS, {}, r"`latents` \(1 features vary in the training rows\) must have at least 2"),
        (
            LATENTS,
            np.column_stack([LABELS[:, 0], np.ones(200)]),
            {},
            r"`labels` \(label2=1 in each row\) must vary",
        ),
        (LATENTS[:79], LABELS[:79], {}, r"`latents` \(n=79\) must have at least 80 rows"),
        (LATENTS, LABELS[:150], {}, r"`labels` \(shape \(150, 2\)\) must be \(n, K\) with n=200"),
        (LATENTS, LABELS[:, :0], {}, r"`labels` \(shape \(200, 0\)\) must be \(n, K\)"),
        (LATENTS, LABELS[:, :1], {}, r"`labels` \(K=1\) must have at least 2 factors"),
        (LATENTS[0], LABELS, {}, r"`latents` \(shape \(4,\)\) must be \(n, features\)"),
        (
            LATENTS,
            LABELS,
            {"factors": Factors.named(("x",))},
            r"`factors` \(=x\) must be as many as in `labels`: 2",
        ),
        (LATENTS, LABELS, {"reduction": "umap"}, r"`reduction` \(='umap'\) must be 'none' or 'ica'"),
        (rng.normal(size=(200, 33)), LABELS, {}, r"`reduction` \(='none'\) must be 'ica' for 33 features"),
        (
            np.outer(LATENTS[:, 0], [1.0, 2.0, 4.0]),
            LABELS,
            {"reduction": "ica"},
            "`latents` .one direction varies in the training rows. must have at least 2",
        ),
    ],
)
def test_bad_input_to_a_code(latents, labels, settings, message):
    with pytest.raises(ValueError, match=message):
        code_of(latents, labels, **settings)


def test_bad_input_as_bins():
    code = code_of(LATENTS, LABELS)
    with pytest.raises(ValueError, match=r"`bins` \(=101\) must be at most half of the 200 rows"):
        mig(code, 101)


@pytest.mark.parametrize("measure", [mig, sap])
def test_factors_that_tell_all_of_each_other_are_refused(measure):
    code = code_of(LATENTS, LABELS[:, [0, 0]] * [1, -2])
    with pytest.raises(ValueError, match=r"`labels` \(another factor determines label1\) must vary apart"):
        measure(code)
