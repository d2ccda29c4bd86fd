"""How many nats of its label a network has learnt, whole and by factor.

By the errors of x_0 of a network that was trained with labels left out, with a set S of factors told and with none
(Kong et al. 2023, arXiv 2302.03792),

    1/2 int (E|x_0 - f_none|^2 - E|x_0 - f_S|^2) dSNR,

which is ln of the number of S's values where the network is perfect, and 0 where it does not listen. A network that is far
from perfect may have more, or less than nothing: it is its own gap.

On fixed noisy images of the training set, at noise levels that lie densest where labels tell most. What the exact optimum
gains has a mean that is known better, from the posterior's variance over more images; as much of its departure from that
mean as the network shares is taken away (a control variate, its share fitted over all noise levels as they weigh in the
integral), and with it most of the draws' noise. The interval is of the bootstrap over both sets of images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtri, stdtrit
from torch import Tensor

from phasescope.families.base import Task
from phasescope.families.diffusion.drawn import Drawn, affordable, draw, squared
from phasescope.families.diffusion.forecast import MOST_WORK, information
from phasescope.families.diffusion.ladder import Ladder, Rung, nats_of
from phasescope.families.diffusion.optimum import Answering, Posterior
from phasescope.measures.scores import TAIL, percentile_interval
from phasescope.randomness import numpy_generator

DRAWS = 24
"""images at each noise level"""
EXACT_DRAWS = 64
"""the same for the mean of what the exact optimum gains: errors are rare where labels tell most"""
RESAMPLES = 200
WIDER = float(stdtrit(DRAWS - 1, 1 - TAIL) / ndtri(1 - TAIL) * math.sqrt(DRAWS / (DRAWS - 1)))
"""by which an interval of the bootstrap is too narrow for means of so few (Hesterberg 2015, arXiv 1411.5279)"""

Answer = Callable[[Float[Tensor, "R C *spatial"], Tensor, Float[Tensor, "R K"]], Tensor]
"""A network's estimates of x_0, of x_t, t and labels."""


@dataclass(frozen=True, eq=False)
class Nats:
    """Fixed noisy images, and what the exact optimum gains on them.

    Attributes:
        drawn: the noisy images.
        snr: of each noise level, (L,).
        sets: what may be told, by name: the factors' numbers.
        most: of each the nats of all that it tells.
        gained: of each, where it is known, what the exact optimum gains on each image, (L, n).
        exactly: and the mean of that, (1 + RESAMPLES, L): as drawn, then of resampled images.
    """

    drawn: Drawn
    snr: Float[np.ndarray, " L"]
    sets: Mapping[str, tuple[int, ...]]
    most: Mapping[str, float]
    gained: Mapping[str, Float[np.ndarray, "L n"]]
    exactly: Mapping[str, Float[np.ndarray, "resamples L"]]

    @classmethod
    def of(
        cls,
        diffusion: Answering,
        task: Task,
        ladder: Ladder,
        levels: Int[np.ndarray, " L"],
        uncertain: Float[np.ndarray, " L"],
        seed: int,
    ) -> Nats:
        """Of a task's ladder; `uncertain` is the error of its posterior mean at these noise levels, about."""
        knows_all, snr = ladder.knows_all, diffusion.schedule.log_snr.exp().numpy()
        levels = telling(snr, levels, uncertain)
        draws = max(affordable(knows_all, len(levels), len(levels), EXACT_DRAWS, MOST_WORK)[1], DRAWS)
        drawn = draw(diffusion, knows_all, levels, DRAWS, seed, "nats")
        more = draw(diffusion, knows_all, levels, draws, seed, "nats of the optimum")
        which = resampled(len(levels), draws, seed, "nats of the optimum")
        given = drawn.x_t, drawn.alpha, drawn.sigma

        def squares(rung: Rung) -> Float[np.ndarray, "L n"]:
            return drawn.by_level(squared(rung.optimum.x_0(*given, drawn.told(rung.hidden)) - drawn.x_0))

        def variances(rung: Rung) -> Float[np.ndarray, "L draws"]:
            if not isinstance(rung.optimum, Posterior):
                return np.zeros((len(levels), draws))
            return more.by_level(more.posterior(rung.optimum, rung.hidden)[1])

        sets, rungs = sets_of(task), {one.name: one for one in ladder.rungs}
        known = {name: rungs[rung_of(name)] for name in sets if rung_of(name) in rungs}
        error, variance = squares(rungs["posterior mean"]), variances(rungs["posterior mean"])
        return cls(
            drawn,
            snr[levels],
            sets,
            most_of(task),
            {name: error - squares(rung) for name, rung in known.items()},
            {name: again(variance - variances(rung), which).mean(-1) for name, rung in known.items()},
        )

    def learnt(self, answer: Answer, names: Sequence[str], seed: int = 0) -> dict[str, dict[str, float]]:
        """Of each of `names` in `sets` the `value`, and its 95 % interval by resampled images, `low` and `high`.

        Scaled so that the exact optimum has `most`: on a few noise levels its integral errs by some percent.
        """
        untold = self._errors(answer, ())
        which = resampled(len(self.snr), DRAWS, seed, "nats")
        found = {}
        for name in names:
            gained = again(untold - self._errors(answer, self.sets[name]), which)
            chance, scale = np.zeros(which.shape), 1.0
            if name in self.gained:
                chance = again(self.gained[name], which) - self.exactly[name][..., None]
                scale = self.most[name] / information(self.snr, self.exactly[name])
            value, *replicates = scale * information(self.snr, steadied(gained, chance, self.snr))
            low, high = (value + WIDER * (end - value) for end in percentile_interval(np.array(replicates)))
            found[name] = {"value": float(value), "low": float(low), "high": float(high)}
        return found

    def _errors(self, answer: Answer, told: Sequence[int]) -> Float[np.ndarray, "L n"]:
        labels = self.drawn.told([k for k in range(self.drawn.labels.shape[1]) if k not in told])
        return self.drawn.by_level(squared(answer(self.drawn.x_t, self.drawn.t, labels) - self.drawn.x_0))


def steadied(
    gained: Float[np.ndarray, "*many L n"],
    chance: Float[np.ndarray, "*many L n"],
    snr: Float[np.ndarray, " L"],
) -> Float[np.ndarray, "*many L"]:
    """The mean of `gained`, less as much of `chance`, whose mean is known to be 0, as is in it: from none to all of it."""
    within = (chance - chance.mean(-1, keepdims=True)) * snr[:, None]
    power = (within**2).sum((-2, -1))
    shared = (within * gained * snr[:, None]).sum((-2, -1))
    share = np.divide(shared, power, out=np.zeros_like(power), where=power > 0).clip(0, 1)
    return gained.mean(-1) - share[..., None] * chance.mean(-1)


def resampled(levels: int, draws: int, seed: int, purpose: str) -> Int[np.ndarray, "resamples L n"]:
    """Which images are taken at each level: all, once each; then of each resample as many with repeats."""
    which = numpy_generator(seed, purpose).integers(draws, size=(1 + RESAMPLES, levels, draws))
    which[0] = np.arange(draws)
    return which


def again(
    of_images: Float[np.ndarray, "L n"], which: Int[np.ndarray, "resamples L n"]
) -> Float[np.ndarray, "resamples L n"]:
    """What those images gave that are taken."""
    return np.take_along_axis(of_images[None], which, axis=2)


def telling(
    snr: Float[np.ndarray, " T"], levels: Int[np.ndarray, " L"], uncertain: Float[np.ndarray, " L"]
) -> Int[np.ndarray, " _"]:
    """As many levels, half of them spread evenly over t and half as the information is, MMSE dSNR.

    Args:
        uncertain: the posterior mean's error at `levels`.
    """
    steps = np.arange(len(snr))
    told = np.interp(steps, levels, uncertain) * np.abs(np.gradient(snr))
    passed = (np.cumsum(told) / told.sum() + (steps + 1) / len(steps)) / 2
    return np.unique(np.searchsorted(passed, (np.arange(len(levels)) + 0.5) / len(levels)))


def sets_of(task: Task) -> dict[str, tuple[int, ...]]:
    """What may be told: the `label`, and each of its factors; by name their numbers."""
    visible = {name: (k,) for k, name in enumerate(task.factors.names) if k not in task.factors.hidden}
    return {"label": sum(visible.values(), ()), **(visible if len(visible) > 1 else {})}


def most_of(task: Task) -> dict[str, float]:
    """Of each the nats of all that it tells of a training image."""
    return {name: nats_of(task, columns) for name, columns in sets_of(task).items()}


def rung_of(name: str) -> str:
    """The rung of who is told just that."""
    return name if name == "label" else f"{name} told"
