"""On which rung of the ladder a network stands.

Asked on fixed noisy images of the training set. At each noise level a network that is told the whole label answers with an
x_0, and stands on the rung whose answer is nearest: the one with the largest

    r^2 = 1 - E|network - rung|^2 / E|x_0 - mean image|^2.

Where even that is not above 0 it stands on none: its answer is as far from each as images are from their mean. Under noise
prediction that is so at high noise, where a small error of the noise is a large one of x_0.

Rungs whose own answers differ by less than `ALIKE` of that variance cannot be told apart there; the one that knows least of
them stands for all: nothing more need be known to answer so.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from phasescope.families.base import Task, Withheld
from phasescope.families.diffusion.drawn import Drawn, affordable, draw, middles, squared
from phasescope.families.diffusion.forecast import MOST_LOCAL, MOST_WORK, errors_of, too_heavy
from phasescope.families.diffusion.ladder import Ladder
from phasescope.families.diffusion.nats import Answer, Nats, most_of, sets_of
from phasescope.families.diffusion.optimum import Answering

LEVELS, DRAWS = 12, 8
"""noise levels, and images at each"""
ALIKE = 0.01
"""of an image's variance: answers that differ by less are alike"""
CURVE_DRAWS = 48
"""images at each level over which the exact errors are averaged"""


def references(diffusion: Answering, task: Task, seed: int) -> tuple[dict[str, Any], Standing | None]:
    """Of the ladder, JSON-ready: the exact error of each rung by t, the nats of all that can be told, and what is left out;
    and the standing that a network is asked by.

    Only `left_out`, with the reason under `ladder`, and none of a world whose ladder cannot be had.
    """
    try:
        standing = Standing.of(diffusion, task, seed)
    except ValueError as error:
        return {"left_out": {"ladder": str(error)}}, None
    return {
        "mmse": {
            "t": standing.drawn.levels.tolist(),
            **{name: found.tolist() for name, found in standing.errors.items()},
        },
        "variance": standing.rungs.variance,
        "nats": most_of(task),
        "left_out": standing.left_out,
    }, standing


@dataclass(frozen=True, eq=False)
class Standing:
    """Fixed noisy images, and what each rung answers to them.

    Attributes:
        diffusion, task, seed: whose ladder this is, and what its noise derives from.
        rungs: the ladder.
        drawn: the noisy images.
        names: of the rungs that answer, from what knows least.
        answers: theirs, (rungs, L * n, pixels).
        stands: whether a rung can be told from all that know less, (rungs, L).
        errors: of each rung the exact E|x_0 - answer|^2, (L,).
        left_out: of rungs that cannot be had, why.
    """

    diffusion: Answering
    task: Task
    seed: int
    rungs: Ladder
    drawn: Drawn
    names: tuple[str, ...]
    answers: Float[Tensor, "rungs R pixels"]
    stands: Bool[np.ndarray, "rungs L"]
    errors: dict[str, Float[np.ndarray, " L"]]
    left_out: dict[str, str]

    @classmethod
    def of(cls, diffusion: Answering, task: Task, seed: int) -> Standing:
        """The ladder of a task, answered.

        Raises:
            ValueError: as `Ladder.of` says.
        """
        ladder = Ladder.of(diffusion, task)
        levels = middles(diffusion.schedule.steps, LEVELS)
        drawn = draw(diffusion, ladder.knows_all, levels, DRAWS, seed, "standing")
        given = drawn.x_t, drawn.alpha, drawn.sigma
        heavy = len(drawn.labels) * ladder.work > 2 * MOST_LOCAL
        answers = {
            rung.name: rung.optimum.answer(*given, drawn.told(rung.hidden))
            for rung in ladder.rungs
            if not (heavy and rung.optimum is ladder.machine)
        }
        excess: Float[np.ndarray, " L"] | str = too_heavy(ladder)
        if not heavy:
            (machine,) = (rung.name for rung in ladder.rungs if rung.optimum is ladder.machine)
            apart = answers[machine] - answers["posterior mean"]
            excess = drawn.by_level(squared(apart)).mean(1)
        draws = affordable(ladder.knows_all, len(levels), len(levels), CURVE_DRAWS, MOST_WORK)[1]
        many = draw(diffusion, ladder.knows_all, levels, draws, 0, "exact errors")
        snr = diffusion.schedule.log_snr.exp()[levels]
        errors, left_out = errors_of(ladder, many, snr, many.error(ladder.knows_all), excess)
        stacked = torch.stack([answer.flatten(1) for answer in answers.values()])
        stands = _told_apart(stacked, drawn, ladder.variance)
        return cls(diffusion, task, seed, ladder, drawn, tuple(answers), stacked, stands, errors, left_out)

    @cached_property
    def nats(self) -> Nats:
        """By which a network is asked how many nats it has learnt."""
        uncertain = self.errors["posterior mean"]
        return Nats.of(self.diffusion, self.task, self.rungs, self.drawn.levels, uncertain, self.seed)

    def told(self, answer: Answer, withheld: Withheld) -> dict[str, Any]:
        """Of a network its `ladder`; and, of what was left out of its labels in training, its `nats`."""
        names = {"never": (), "label": ("label",), "factors": tuple(sets_of(self.task))}[withheld]
        nats = {"nats": self.nats.learnt(answer, names)} if names else {}
        return {"ladder": self.ladder(answer), **nats}

    def ladder(self, answer: Answer) -> list[dict[str, Any]]:
        """At each noise level `t` the `rung`, its `r2`, and the network's `error` of x_0 over an image's variance."""
        found = answer(self.drawn.x_t, self.drawn.t, self.drawn.labels).double()
        apart = (found.flatten(1) - self.answers).square().sum(2)
        far = np.stack([self.drawn.by_level(one).mean(1) for one in apart]) / self.rungs.variance
        error = self.drawn.by_level(squared(found - self.drawn.x_0)).mean(1) / self.rungs.variance
        nearest = np.where(self.stands, far, np.inf).argmin(0)
        return [
            {
                "t": int(t),
                "rung": self.names[rung],
                "r2": float(f"{1 - far[rung, level]:.4g}"),
                "error": float(f"{error[level]:.4g}"),
            }
            for level, (t, rung) in enumerate(zip(self.drawn.levels, nearest, strict=True))
        ]


def _told_apart(
    answers: Float[Tensor, "rungs R pixels"], drawn: Drawn, variance: float
) -> Bool[np.ndarray, "rungs L"]:
    """Whether a rung's answers differ from those of every rung before it that stands."""
    stands = np.zeros((len(answers), len(drawn.levels)), dtype=bool)
    for rung, own in enumerate(answers):
        apart = [drawn.by_level((own - one).square().sum(1)).mean(1) / variance for one in answers[:rung]]
        alike = np.array(apart).reshape(rung, len(drawn.levels)) < ALIKE
        stands[rung] = ~(alike & stands[:rung]).any(0)
    return stands
