"""Have two models that saw different images learnt the same thing?

Kadkhodaie, Guth, Simoncelli & Mallat (2024, arXiv 2310.02557): two models, trained on disjoint halves A and B of a data set,
paint images a_i and b_i from the same noise (and labels). While they memorise, a_i is like an image of A and b_i like one of
B, and the two differ; once they generalise they agree, more than either does with what it was trained on. With
s a similarity of images and s(a, A) = max over A,

    agreement = mean s(a_i, b_i),            nearest = mean (s(a_i, A) + s(b_i, B)) / 2,
    margin = agreement - nearest,            own_half = nearest - mean (s(a_i, B) + s(b_i, A)) / 2.

The margin is above 0 where models generalise, below where they memorise; where training images lie dense, all of these
are near 1, and it is near 0. `own_half` asks the same of each model by itself: nothing but memory makes its images more like
those of its own half than like those of the other one, which is as good a sample of the same world.

s is the correlation of pixels, as most of an image of few bumps is background, which makes any two alike; or
their cosine. An image that is blank but for rounding has s = 0 with any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from phasescope.measures.checks import check_draws
from phasescope.measures.image_distances import check_images, distinct, largest_similarity, unit_rows
from phasescope.measures.scores import Score, basic_interval, bootstrap_weights, null_level
from phasescope.randomness import numpy_generator


@dataclass(frozen=True)
class ModelAgreement:
    """Two models' images against each other, and against what each was trained on."""

    agreement: Score
    """Its null `permuted` pairs images of different noise and labels."""
    nearest: Score
    """Its null `other_half` is the similarity to the nearest image of the half that the model did not see."""
    margin: Score
    """agreement - nearest; its null `permuted` is that of images paired by chance."""
    own_half: Score
    """nearest less its null `other_half`; 0 without memory. Its null `swapped` swaps the halves by chance for each image."""


def two_model_agreement(
    images_a: Float[np.ndarray, "n ..."],
    images_b: Float[np.ndarray, "n ..."],
    training_a: Float[np.ndarray, "M ..."],
    training_b: Float[np.ndarray, "L ..."],
    similarity: Literal["correlation", "cosine"] = "correlation",
    permutations: int = 200,
    resamples: int = 1000,
    seed: int = 0,
) -> ModelAgreement:
    """Agreement of two models trained on disjoint halves; intervals resample pairs of images.

    Nulls are levels that a score stays below in 95 % of cases, but for `other_half`, which is a mean. `detail` has
    the share of `blank` images.

    Args:
        images_a, images_b: pair i from the same noise and label, which is in neither half.
        training_a, training_b: what each model was trained on: halves dealt out by chance.

    Raises:
        ValueError: images not of one shape or not finite, the models' not equally many, fewer than 10; an image in both
            halves; a similarity that is none.
    """
    check_draws(permutations, resamples)
    if similarity not in ("correlation", "cosine"):
        raise ValueError(f"`similarity` (={similarity!r}) must be correlation or cosine")
    a = check_images("images_a", images_a)
    n = len(a)
    if n < 10:
        raise ValueError(f"`images_a` (n={n}) must have at least 10 images: an interval over them")
    b = check_images("images_b", images_b, like=a, n=n)
    half_a, half_b = (
        check_images("training_a", training_a, like=a),
        check_images("training_b", training_b, like=a),
    )
    either = np.concatenate([half_a[distinct(half_a)], half_b[distinct(half_b)]])
    shared = len(either) - len(distinct(either))
    if shared:
        raise ValueError(f"`training_b` ({shared} images also in `training_a`) must be disjoint from it")

    centred = similarity == "correlation"
    u, v = unit_rows(a, centred), unit_rows(b, centred)
    agreement = np.minimum((u * v).sum(axis=1), 1.0)
    own = (largest_similarity(u, half_a, centred) + largest_similarity(v, half_b, centred)) / 2
    other = (largest_similarity(u, half_b, centred) + largest_similarity(v, half_a, centred)) / 2
    rng = numpy_generator(seed, "two-model agreement")
    chance = np.array([(u * v[rng.permutation(n)]).sum() / n for _ in range(permutations)])
    signs = rng.choice([-1.0, 1.0], size=(permutations, n))
    weights = bootstrap_weights(n, resamples, rng)
    blank = float((~np.stack([u, v]).any(axis=2)).mean())

    def score(values: np.ndarray, what: str, **nulls: float) -> Score:
        low, high = basic_interval(float(values.mean()), weights @ values / n)
        return Score(
            value=float(values.mean()),
            low=low,
            high=min(high, 1.0),
            n=n,
            estimator=f"{what}, {similarity} of {a.shape[1]} pixels, halves of {len(half_a):,} and {len(half_b):,} images",
            nulls=nulls,
            detail={"blank": blank},
        )

    return ModelAgreement(
        agreement=score(agreement, "mean similarity of two models' images", permuted=null_level(chance)),
        nearest=score(own, "mean similarity to the nearest training image", other_half=float(other.mean())),
        margin=score(
            agreement - own,
            "agreement less similarity to the nearest training image",
            permuted=null_level(chance - own.mean()),
        ),
        own_half=score(
            own - other,
            "similarity to the nearest image of the own half less that of the other",
            swapped=null_level(signs @ (own - other) / n),
        ),
    )
