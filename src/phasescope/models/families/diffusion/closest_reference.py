"""The reference denoiser that is closest to a network.

On fixed noisy images of the training set, a network that is given the whole label answers at each noise level with an x_0.
The closest reference is the one with the largest

    r^2 = 1 - E|network - reference|^2 / E|x_0 - mean image|^2.

If even that is not above 0 there is none: the answer is as far from each as images are from their mean. Under noise
prediction that is so at high noise, where a small error of the noise is a large one of x_0.

References whose own answers differ by less than `ALIKE` of that variance cannot be distinguished there; ties go to the one
with the least information.

Nats: how much of its label has a network learned, in all and by factor? For a network that was trained with labels left out,
with a set S of factors given and with none (Kong et al. 2023, arXiv 2302.03792),

    1/2 int (E|x_0 - f_none|^2 - E|x_0 - f_S|^2) dSNR

is ln of the number of S's values if the network is perfect, and 0 if it ignores them. It is the network's own gap: one that
is far from perfect may have more, or less than 0. The interval is that of the bootstrap over all images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.special import ndtri, stdtrit
from torch import Tensor

from phasescope.core.randomness import numpy_generator
from phasescope.measures.scores import TAIL, percentile_interval
from phasescope.models.families.base import Task, Withheld
from phasescope.models.families.diffusion.forecast import MOST_LOCAL, MOST_WORK, information
from phasescope.models.families.diffusion.optimum import Answering, Posterior
from phasescope.models.families.diffusion.references import (
    Drawn,
    Reference,
    References,
    budget,
    draw,
    nats_of,
    squared,
)

LEVELS, ANSWERED = 12, 8
"""noise levels, and images at each"""
ALIKE = 0.01
"""of an image's variance: answers that differ by less are alike"""
CURVE_DRAWS = 48
"""images at each level over which the exact errors are averaged"""
DRAWS = 24
"""images at each noise level"""
# The mean gain of the exact optimum needs more images: errors are rare where labels are most informative.
EXACT_DRAWS = 64
RESAMPLES = 200
# A bootstrap interval is too narrow by this factor for means of so few (Hesterberg 2015, arXiv 1411.5279).
WIDER = float(stdtrit(DRAWS - 1, 1 - TAIL) / ndtri(1 - TAIL) * math.sqrt(DRAWS / (DRAWS - 1)))

Answer = Callable[[Float[Tensor, "R C *spatial"], Tensor, Float[Tensor, "R K"]], Tensor]
"""A network's estimates of x_0 from x_t, t and labels."""


@dataclass(frozen=True, eq=False)
class Nats:
    """Fixed noisy images, and what the exact optimum gains on them."""

    drawn: Drawn
    snr: Float[np.ndarray, " L"]
    sets: Mapping[str, tuple[int, ...]]
    """the numbers of the factors that may be given, by name"""
    most: Mapping[str, float]
    """the nats of information in each"""
    gained: Mapping[str, Float[np.ndarray, "L n"]]
    """what the exact optimum of each gains on each image, if it is known"""
    exactly: Mapping[str, Float[np.ndarray, "resamples L"]]
    """the mean of that: as drawn, then of resampled images"""

    @classmethod
    def from_references(
        cls,
        diffusion: Answering,
        task: Task,
        references: References,
        levels: Int[np.ndarray, " L"],
        uncertain: Float[np.ndarray, " L"],
        seed: int,
    ) -> Nats:
        """Return those of a task's references; `uncertain` is the error of its posterior mean at these noise levels."""
        knows_all, snr = references.knows_all, diffusion.schedule.log_snr.exp().numpy()
        levels = telling(snr, levels, uncertain)
        draws = max(budget(knows_all, len(levels), len(levels), EXACT_DRAWS, MOST_WORK)[1], DRAWS)
        drawn = draw(diffusion, knows_all, levels, DRAWS, seed, "nats")
        more = draw(diffusion, knows_all, levels, draws, seed, "nats of the optimum")
        taken = resampling(len(levels), draws, seed, "nats of the optimum")
        given = drawn.x_t, drawn.alpha, drawn.sigma

        def squares(known: Reference) -> Float[np.ndarray, "L n"]:
            return drawn.by_level(squared(known.optimum.x_0(*given, drawn.given(known.hidden)) - drawn.x_0))

        def variances(reference: Reference) -> Float[np.ndarray, "L draws"]:
            if not isinstance(reference.optimum, Posterior):
                return np.zeros((len(levels), draws))
            return more.by_level(more.posterior(reference.optimum, reference.hidden)[1])

        sets, denoisers = sets_of(task), {r.name: r for r in references.denoisers}
        named = {name: denoisers.get(name if name == "label" else f"{name} known") for name in sets}
        known = {name: r for name, r in named.items() if r is not None}
        error, variance = squares(denoisers["posterior mean"]), variances(denoisers["posterior mean"])
        return cls(
            drawn,
            snr[levels],
            sets,
            {name: nats_of(task, columns) for name, columns in sets.items()},
            {name: error - squares(r) for name, r in known.items()},
            {name: taken(variance - variances(r)).mean(-1) for name, r in known.items()},
        )

    def learned(self, answer: Answer, names: Sequence[str], seed: int = 0) -> dict[str, dict[str, float]]:
        """Return of each of `names` in `sets` the `value`, and its 95 % interval by resampled images, `low` and `high`.

        Scaled so that the exact optimum has `most`: on a few noise levels its integral errs by some percent.
        """
        unconditioned = self._errors(answer, ())
        taken = resampling(len(self.snr), DRAWS, seed, "nats")
        intervals = {}
        for name in names:
            gained = taken(unconditioned - self._errors(answer, self.sets[name]))
            chance, scale = np.zeros(gained.shape), 1.0
            if name in self.gained:
                chance = taken(self.gained[name]) - self.exactly[name][..., None]
                scale = self.most[name] / information(self.snr, self.exactly[name])
            value, *replicates = scale * information(self.snr, steadied(gained, chance, self.snr))
            low, high = (value + WIDER * (end - value) for end in percentile_interval(np.array(replicates)))
            intervals[name] = {"value": float(value), "low": float(low), "high": float(high)}
        return intervals

    def _errors(self, answer: Answer, given: Sequence[int]) -> Float[np.ndarray, "L n"]:
        labels = self.drawn.given([k for k in range(self.drawn.labels.shape[1]) if k not in given])
        return self.drawn.by_level(squared(answer(self.drawn.x_t, self.drawn.t, labels) - self.drawn.x_0))


def steadied(
    gained: Float[np.ndarray, "*many L n"],
    chance: Float[np.ndarray, "*many L n"],
    snr: Float[np.ndarray, " L"],
) -> Float[np.ndarray, "*many L"]:
    """Return the mean of `gained`, less as much of `chance`, whose mean is known to be 0, as is in it: none to all."""
    # The mean of what the exact optimum gains is known better, from the posterior's variance over more images; its
    # departure from that mean on these images, `chance`, is a control variate, whose share is fitted over all noise levels
    # as they weigh in the integral.
    within = (chance - chance.mean(-1, keepdims=True)) * snr[:, None]
    power = (within**2).sum((-2, -1))
    shared = (within * gained * snr[:, None]).sum((-2, -1))
    share = np.divide(shared, power, out=np.zeros_like(power), where=power > 0).clip(0, 1)
    return gained.mean(-1) - share[..., None] * chance.mean(-1)


def resampling(levels: int, draws: int, seed: int, purpose: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return what maps numbers (L, n) of images to those (1 + RESAMPLES, L, n) of the images as drawn, and resampled."""
    which = numpy_generator(seed, purpose).integers(draws, size=(1 + RESAMPLES, levels, draws))
    which[0] = np.arange(draws)
    return lambda numbers: np.take_along_axis(numbers[None], which, axis=2)


def telling(
    snr: Float[np.ndarray, " T"], levels: Int[np.ndarray, " L"], uncertain: Float[np.ndarray, " L"]
) -> Int[np.ndarray, " _"]:
    """Return as many levels, half of them spread evenly over t and half as the information is, MMSE dSNR; `uncertain` is
    the posterior mean's error at `levels`."""
    steps = np.arange(len(snr))
    density = np.interp(steps, levels, uncertain) * np.abs(np.gradient(snr))
    passed = (np.cumsum(density) / density.sum() + (steps + 1) / len(steps)) / 2
    return np.unique(np.searchsorted(passed, (np.arange(len(levels)) + 0.5) / len(levels)))


def sets_of(task: Task) -> dict[str, tuple[int, ...]]:
    """Return by name the numbers of the factors that may be given: all of the `label`, and each by itself."""
    visible = {name: (k,) for k, name in enumerate(task.factors.names) if k not in task.factors.hidden}
    return {"label": sum(visible.values(), ()), **(visible if len(visible) > 1 else {})}


def summary_of(diffusion: Answering, task: Task, seed: int) -> tuple[dict[str, Any], Comparison | None]:
    """Return what is known of the references, JSON-ready: the exact error of each by t, the nats of each factor, and what is
    left out; and the `Comparison` of networks with them. For a world without references only `left_out`, and None.
    """
    try:
        compared = Comparison.from_task(diffusion, task, seed)
    except ValueError as error:
        return {"left_out": {"closest_reference": str(error)}}, None
    return {
        "mmse": {
            "t": compared.drawn.levels.tolist(),
            **{name: error.tolist() for name, error in compared.errors.items()},
        },
        "variance": compared.references.variance,
        "nats": {name: nats_of(task, columns) for name, columns in sets_of(task).items()},
        "left_out": compared.left_out,
    }, compared


@dataclass(frozen=True, eq=False)
class Comparison:
    """Fixed noisy images, and what each reference denoiser answers to them."""

    diffusion: Answering
    task: Task
    seed: int
    references: References
    drawn: Drawn
    names: tuple[str, ...]
    """of the references, from the least information on"""
    answers: Float[Tensor, "references R pixels"]
    distinct: Bool[np.ndarray, "references L"]
    """whether a reference can be distinguished from all with less information"""
    errors: dict[str, Float[np.ndarray, " L"]]
    """the exact E|x_0 - answer|^2 of each"""
    left_out: dict[str, str]
    """why other references do not exist"""

    @classmethod
    def from_task(cls, diffusion: Answering, task: Task, seed: int) -> Comparison:
        """Return the answers of a task's references; ValueError as `References.of` says."""
        references = References.from_task(diffusion, task)
        middles = (np.arange(LEVELS) + 0.5) * diffusion.schedule.steps / LEVELS
        levels = np.unique(middles.astype(int))
        drawn = draw(diffusion, references.knows_all, levels, ANSWERED, seed, "standing")
        given = drawn.x_t, drawn.alpha, drawn.sigma
        heavy = len(drawn.labels) * references.work > 2 * MOST_LOCAL
        answers = {
            r.name: r.optimum.answer(*given, drawn.given(r.hidden))
            for r in references.denoisers
            if not (heavy and r.optimum is references.machine)
        }
        excess = None
        if not heavy:
            (machine,) = (r.name for r in references.denoisers if r.optimum is references.machine)
            apart = answers[machine] - answers["posterior mean"]
            excess = drawn.by_level(squared(apart)).mean(1)
        draws = budget(references.knows_all, len(levels), len(levels), CURVE_DRAWS, MOST_WORK)[1]
        many = draw(diffusion, references.knows_all, levels, draws, 0, "exact errors")
        errors, left_out = references.errors(many, many.error(references.knows_all), excess)
        stacked = torch.stack([answer.flatten(1) for answer in answers.values()])
        distinct = _are_distinct(stacked, drawn, references.variance)
        names = tuple(answers)
        return cls(diffusion, task, seed, references, drawn, names, stacked, distinct, errors, left_out)

    @cached_property
    def nats(self) -> Nats:
        """The estimator of the nats that a network has learned."""
        uncertain = self.errors["posterior mean"]
        given = self.diffusion, self.task, self.references, self.drawn.levels
        return Nats.from_references(*given, uncertain, self.seed)

    def metrics(self, answer: Answer, withheld: Withheld) -> dict[str, Any]:
        """Return a network's `closest_reference`; and its `nats` of what was left out of its labels in training."""
        names = {"never": (), "label": ("label",), "factors": tuple(sets_of(self.task))}[withheld]
        nats = {"nats": self.nats.learned(answer, names)} if names else {}
        return {"closest_reference": self.closest(answer), **nats}

    def closest(self, answer: Answer) -> list[dict[str, Any]]:
        """Return at each `t` the closest `reference`, its `r2`, and the network's `error` of x_0 over images' variance."""
        x_0 = answer(self.drawn.x_t, self.drawn.t, self.drawn.labels).double()
        apart = (x_0.flatten(1) - self.answers).square().sum(2)
        far = np.stack([self.drawn.by_level(rows).mean(1) for rows in apart]) / self.references.variance
        error = self.drawn.by_level(squared(x_0 - self.drawn.x_0)).mean(1) / self.references.variance
        nearest = np.where(self.distinct, far, np.inf).argmin(0)
        return [
            {
                "t": int(t),
                "reference": self.names[index],
                "r2": float(f"{1 - far[index, level]:.4g}"),
                "error": float(f"{error[level]:.4g}"),
            }
            for level, (t, index) in enumerate(zip(self.drawn.levels, nearest, strict=True))
        ]


def _are_distinct(
    answers: Float[Tensor, "references R pixels"], drawn: Drawn, variance: float
) -> Bool[np.ndarray, "references L"]:
    """Return whether a reference's answers differ from those of every distinct one before it."""
    distinct = np.zeros((len(answers), len(drawn.levels)), dtype=bool)
    for index, own in enumerate(answers):
        apart = [drawn.by_level((own - x_0).square().sum(1)).mean(1) / variance for x_0 in answers[:index]]
        alike = np.array(apart).reshape(index, len(drawn.levels)) < ALIKE
        distinct[index] = ~(alike & distinct[:index]).any(0)
    return distinct
