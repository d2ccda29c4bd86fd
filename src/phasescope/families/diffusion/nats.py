"""How many nats of its label a network has learnt, whole and by factor.

By the errors of x_0 of a network that was trained with labels left out, with a set S of factors told and with none
(Kong et al. 2023, arXiv 2302.03792),

    1/2 int (E|x_0 - f_none|^2 - E|x_0 - f_S|^2) dSNR,

which is ln of the number of S's values where the network is perfect, and 0 where it does not listen. A network that is far
from perfect may have more, or less than nothing: it is its own gap.

On fixed noisy images of the training set. What the exact optimum gains on each of them has a known mean; as much of its
departure from that mean as the network shares is taken away (a control variate, its share fitted over all noise levels as
they weigh in the integral), and with it most of the draws' noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor

from phasescope.families.base import Task
from phasescope.families.diffusion.drawn import Drawn, draw
from phasescope.families.diffusion.forecast import information
from phasescope.families.diffusion.ladder import Ladder
from phasescope.families.diffusion.optimum import Answering
from phasescope.measures.scores import percentile_interval
from phasescope.randomness import numpy_generator

DRAWS = 24
"""images at each noise level"""
RESAMPLES = 200

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
        exactly: and the mean of that, (L,).
    """

    drawn: Drawn
    snr: Float[np.ndarray, " L"]
    sets: Mapping[str, tuple[int, ...]]
    most: Mapping[str, float]
    gained: Mapping[str, Float[np.ndarray, "L n"]]
    exactly: Mapping[str, Float[np.ndarray, " L"]]

    @classmethod
    def of(
        cls,
        diffusion: Answering,
        task: Task,
        ladder: Ladder,
        levels: np.ndarray,
        errors: Mapping[str, Float[np.ndarray, " L"]],
        seed: int,
    ) -> Nats:
        """Of a task's ladder, whose rungs have these exact errors at these noise levels."""
        drawn = draw(diffusion, ladder.knows_all, levels, DRAWS, seed, "nats")
        given = drawn.x_t, drawn.alpha, drawn.sigma

        def squares(rung: str) -> Float[np.ndarray, "L n"]:
            one = ladder.rung(rung)
            return drawn.by_level(squared(one.optimum.x_0(*given, drawn.told(one.hidden)) - drawn.x_0))

        sets, untold = sets_of(task), squares("posterior mean")
        known = {name: rung_of(name) for name in sets if rung_of(name) in errors}
        return cls(
            drawn,
            diffusion.schedule.log_snr.exp()[levels].numpy(),
            sets,
            most_of(task),
            {name: untold - squares(rung) for name, rung in known.items()},
            {name: errors["posterior mean"] - errors[rung] for name, rung in known.items()},
        )

    def learnt(self, answer: Answer, names: Sequence[str], seed: int = 0) -> dict[str, dict[str, float]]:
        """Of each of `names` in `sets` the `value`, and its 95 % interval by resampled images, `low` and `high`.

        Scaled so that the exact optimum has `most`: on a few noise levels its integral errs by some percent.
        """
        untold = self._errors(answer, ())
        which = numpy_generator(seed, "nats").integers(DRAWS, size=(RESAMPLES, len(self.snr), DRAWS))
        found = {}
        for name in names:
            gained = untold - self._errors(answer, self.sets[name])
            known = name in self.gained
            chance = self.gained[name] - self.exactly[name][:, None] if known else np.zeros_like(gained)
            scale = self.most[name] / information(self.snr, self.exactly[name]) if known else 1.0
            again, by_chance = (np.take_along_axis(one[None], which, axis=2) for one in (gained, chance))
            replicates = scale * information(self.snr, steadied(again, by_chance, self.snr))
            low, high = percentile_interval(replicates)
            value = float(scale * information(self.snr, steadied(gained, chance, self.snr)))
            found[name] = {"value": value, "low": low, "high": high}
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


def sets_of(task: Task) -> dict[str, tuple[int, ...]]:
    """What may be told: the `label`, and each of its factors; by name their numbers."""
    names = task.factors.names
    single = {name: (k,) for k, name in enumerate(names) if len(names) > 1}
    return {"label": tuple(range(len(names))), **single}


def most_of(task: Task) -> dict[str, float]:
    """Of each the nats of all that it tells of a training image."""
    return {
        name: math.log(len(np.unique(task.training[:, list(told)], axis=0)))
        for name, told in sets_of(task).items()
    }


def rung_of(name: str) -> str:
    """The rung of who is told just that."""
    return name if name == "label" else f"{name} told"


def squared(of: Tensor) -> Float[Tensor, " R"]:
    """The sum of squares of each."""
    return of.double().square().flatten(1).sum(1)
