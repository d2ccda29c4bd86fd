"""Randomness is derived, never drawn from a global stream.

A generator is determined by (seed, purpose, step): the noise of step 700 is the same if a run was interrupted and resumed,
or observed on the way.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    import torch


# torch has one global stream for all threads: a thread that seeds it must keep others from drawing in between.
_GLOBAL_STREAM = threading.RLock()


def derive(seed: int, purpose: str, step: int = 0) -> int:
    """Return a 63-bit seed from (seed, purpose, step), by SHA-256."""
    # Not hash(), which Python salts anew in each process.
    digest = hashlib.sha256(f"{seed}/{purpose}/{step}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


@dataclass(frozen=True)
class Streams:
    """The seeds of a run's streams of random numbers: all its `seed`, unless one is given a seed of its own."""

    data: int
    """order of the images"""
    noise: int
    """noise and noise levels in training, and which labels are withheld"""
    network: int
    """initial weights and dropout"""
    samples: int
    """noise and labels of what is observed"""

    @classmethod
    def from_seed(cls, seed: int) -> Self:
        """Return streams that all have one seed."""
        return cls(seed, seed, seed, seed)


def torch_generator(seed: int, purpose: str, step: int = 0, device: str = "cpu") -> torch.Generator:
    """Return a torch generator on `device`, seeded by `derive`.

    A GPU's generator takes all 63 bits. A CPU's (the Mersenne twister) takes the lower 32, so two steps of a long run may
    have the same noise: of 100,000 steps about one pair has. Other bits would change every run that is recorded.
    """
    import torch

    return torch.Generator(device=device).manual_seed(derive(seed, purpose, step))


@contextmanager
def global_stream_from(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Seed torch's global stream on the CPU and on `device` within the block, and restore it afterwards.

    Initial weights and dropout need this, since they take no generator. Threads take turns, so that runs trained in several
    threads have the same weights as alone; processes do not wait for one another.
    """
    import torch

    on_gpu = device is not None and device.type == "cuda"
    with _GLOBAL_STREAM, torch.random.fork_rng(devices=[device] if on_gpu else []):
        torch.default_generator.manual_seed(seed)
        if on_gpu:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def numpy_generator(seed: int, purpose: str, step: int = 0) -> np.random.Generator:
    """Return a numpy generator, seeded by `derive`."""
    return np.random.default_rng(derive(seed, purpose, step))
