"""The exact theory of a family: what can be known of learning a task, before and beside the training of a network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from phasescope.models.families.task import Examples, Network


@dataclass(frozen=True)
class Clones:
    """The share of clones, images that are noised and denoised again, that return to their image or to one like it."""

    t: tuple[int, ...]
    """the noise levels, (L,), ascending"""
    share: Float[np.ndarray, " L"]
    """of clones that came back"""
    low: Float[np.ndarray, " L"]
    high: Float[np.ndarray, " L"]
    """its 95 % interval, by resampled images"""
    exact: Float[np.ndarray, " L"]
    """the share of a perfect network without labels, from the same noisy images"""
    half: tuple[float, float, float]
    """the noise level at which half come back, and its interval; NaN if the share passes no half"""
    exact_half: float
    """that of the exact share"""
    images: int
    """that were started from"""
    each: int
    """clones of each image"""


class LabelMeter(ABC):
    """Reads how much a network uses the labels of a task, on fixed inputs."""

    @abstractmethod
    def read(self, network: Network, step: int) -> dict[str, Any]:
        """Return a reading after `step` steps, JSON-ready; the network is left as it was.

        `wall_s`: seconds that it took. `deciding`: the band of noise in which only the label decides, or None. `bands`: of
        noise, each with its numbers.
        """


class Analysis:
    """What is known exactly of learning one task with one family; `FamilyConfig.analysis` returns it.

    Each method has the answer of a family of which nothing is known, so an analysis defines those that it has an answer to.
    """

    def forecast(self, errors: bool = True) -> Mapping[str, Any]:
        """Return predictions of training, made before it begins, JSON-ready; empty if nothing is known.

        Args:
            errors: whether the errors of all reference denoisers are included, which takes longest.
        """
        return {}

    def optima(self) -> Mapping[str, Network]:
        """Return by name the best networks without labels, each by what it sees of images; none if none is known.

        Raises:
            ValueError: the task has none.
        """
        return {}

    def clones(
        self,
        network: Network,
        t: Sequence[int],
        images: int,
        each: int,
        seed: int = 0,
        notify: Callable[[int, int], None] = lambda done, total: None,
    ) -> Clones:
        """Return the share of training images that come back after they are made noisy and denoised without a label.

        Args:
            t: noise levels.
            images: how many are started from, the same at each t.
            each: clones of each.
            notify: is called with the number of noise levels that are done, and of all.

        Raises:
            ValueError: the family cannot start from a noisy image, or a t is none of its noise levels.
        """
        raise ValueError("`family` must be one that samples from noisy images")

    def condition_meter(
        self,
        labels: Mapping[str, Float[np.ndarray, "n K"]],
        *,
        draws: int,
        bands: int,
        batch: int,
        factors: bool,
        label_gradient: bool,
    ) -> LabelMeter:
        """Return the meter that reads how much a network uses the labels of the task.

        Args:
            labels: full labels of its pairs, by `held_out` or `trained`; the first are those that a reading is of.
            draws: noisy images a band.
            bands: bands of log SNR.
            batch: images in one pass of the network.
            factors: whether each factor is exchanged alone, too.
            label_gradient: whether the force towards the label is read, too, which takes a backward pass.

        Raises:
            ValueError: the family has no noise levels of a diffusion.
        """
        raise ValueError(
            "`family` must be a diffusion or flow matching: the condition meter adds noise by its schedule"
        )

    def references(self, examples: Examples) -> Mapping[str, Any]:
        """Return the exact results that `examine` compares networks with, JSON-ready, computed once per run."""
        return {}

    def examine(
        self, network: Network, examples: Examples, references: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return the metrics that compare a network with exact results, JSON-ready."""
        return {}
