"""The route by which a factor reaches a latent: from the condition, or from the input image.

Labels are crossed with images: a network is given the label l and the image of another label m, drawn independently of l.
Its information about l comes from the condition, that about m from the input. Each label is combined with D images, and
each image with D labels:

    condition_probe_r2, input_probe_r2    linear probe R^2 (`probe_r2`) of l, and of m, from the first crossing
    condition_label_variance              share of variance between labels (label variance, whose draws are the D images)
    input_label_variance                  share of variance between images (the same, sorted by image)

The sum of the shares is less than 1, because of noise and of interactions between label and image.
"""

from itertools import combinations

import numpy as np
from jaxtyping import Float, Int

from phasescope.core.factors import Factors
from phasescope.measures.arguments import check_is, real_array, with_counts
from phasescope.measures.columns import Column, register
from phasescope.measures.latents.label_variance import label_variance
from phasescope.measures.latents.probe_r2 import probe_r2
from phasescope.measures.scores import Score

ROUTES = ("condition_probe_r2", "input_probe_r2", "condition_label_variance", "input_label_variance")


def routes(
    latents: Float[np.ndarray, "D n features"],
    labels: Float[np.ndarray, "n K"],
    shown: Int[np.ndarray, "D n"],
    factors: Factors | None = None,
) -> dict[str, Score]:
    """Return the four scores of `ROUTES`, by name.

    Args:
        latents: entry (d, i) of a network that is given label i and the image of label `shown[d, i]`.
        labels: in the world's units; those of the images are the same, in another order.
        shown: D permutations of the labels, in which no label meets its own image, or one image twice: see `crossing`.

    Raises:
        ValueError: as `probe_r2` and `label_variance` say; `shown` are no such permutations.
    """
    z, y, rows = real_array("latents", latents), real_array("labels", labels), np.asarray(shown)
    _check_shown(rows, z.shape)
    by_image = np.stack([draw[np.argsort(row)] for draw, row in zip(z, rows, strict=True)])
    return {
        "condition_probe_r2": probe_r2(z[0], y, factors=factors),
        "input_probe_r2": probe_r2(z[0], y[rows[0]], factors=factors),
        "condition_label_variance": label_variance(z),
        "input_label_variance": label_variance(by_image),
    }


def _check_shown(rows: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless the rows of `shown`, for latents of this shape, are permutations that differ everywhere from
    one another and from the identity: else routes are confounded."""
    if len(shape) != 3 or rows.shape != shape[:2]:
        raise ValueError(
            f"`shown` (shape {rows.shape}) must be (D, n), as `latents` of shape {shape} have rows"
        )
    if rows.dtype.kind not in "iu":
        raise ValueError(
            f"`shown` (of {rows.dtype}) must be of integers: rows of the labels whose images are shown"
        )

    draws, n = rows.shape
    own = np.arange(n)
    for d, row in enumerate(rows):
        if not np.array_equal(np.sort(row), own):
            raise ValueError(f"`shown` (row {d} repeats images) must be permutations of the {n} labels")
        if (row == own).any():
            label = int(np.argmax(row == own))
            raise ValueError(f"`shown` (row {d} gives label {label} its own image) must give it another's")
    for first, second in combinations(range(draws), 2):
        same = rows[first] == rows[second]
        if same.any():
            raise ValueError(
                f"`shown` (rows {first} and {second} give label {int(same.argmax())} the same image) must differ everywhere"
            )


@with_counts(draws=1)
def crossing(n: int, draws: int, generator: np.random.Generator) -> Int[np.ndarray, "D n"]:
    """Return which image each of n > D labels is combined with: D permutations that differ everywhere from one another and
    from the identity.

    Raises:
        ValueError: n is not greater than D.
    """
    check_is("generator", generator, np.random.Generator, "numpy.random.default_rng")
    if n <= draws:
        raise ValueError(f"`n` (={n}) must be greater than `draws` (={draws}): no label meets its own image")
    place = generator.permutation(n)
    shifts = 1 + generator.permutation(n - 1)[:draws]
    at = np.argsort(place)
    return np.stack([place[(at + shift) % n] for shift in shifts])


register(
    Column(
        name="condition_probe_r2",
        words="probe R² of the condition's label",
        meaning="probe R² of the label as condition, with both crossed",
        unit="R²",
        high=1.0,
        better="higher",
        section="route",
        needs=frozenset({"latents", "crossed"}),
        baselines=("permuted",),
        usual=True,
        by_factor=True,
        gain="condition_probe_gain",
        panel=False,
    ),
    take=lambda given: given.routes["condition_probe_r2"],
)
register(
    Column(
        name="condition_label_variance",
        words="variance explained by the condition's label",
        meaning="share of the variance that the label as condition explains, with both crossed",
        unit="share",
        high=1.0,
        better="higher",
        section="route",
        needs=frozenset({"latents", "crossed"}),
        baselines=("permuted",),
        usual=True,
        panel=False,
    ),
    take=lambda given: given.routes["condition_label_variance"],
)
register(
    Column(
        name="input_probe_r2",
        words="probe R² of the input image's label",
        meaning="probe R² of the label of the noisy image, with both crossed",
        unit="R²",
        high=1.0,
        better="higher",
        section="route",
        needs=frozenset({"latents", "crossed"}),
        baselines=("permuted",),
        usual=True,
        by_factor=True,
        gain="input_probe_gain",
        panel=False,
    ),
    take=lambda given: given.routes["input_probe_r2"],
)
register(
    Column(
        name="input_label_variance",
        words="variance explained by the input image's label",
        meaning="share of the variance that the label of the noisy image explains, with both crossed",
        unit="share",
        high=1.0,
        better="higher",
        section="route",
        needs=frozenset({"latents", "crossed"}),
        baselines=("permuted",),
        usual=True,
        panel=False,
    ),
    take=lambda given: given.routes["input_label_variance"],
)
