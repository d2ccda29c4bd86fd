"""Attention at the shapes of preset `p1`: what each way to compute it takes of a step, forward and backward.

    flash      torch's scaled_dot_product_attention, its own kernel for CPUs: what phasescope uses
    math       the same by torch's matrix products
    blocked    softmax of blocks of queries by matrix products in Python
    one head   torch's kernel with one head of twice the width instead of two

All take turns, in one thread, in float32 and, of torch's kernel, in bfloat16. `ratio` is the time of torch's kernel over
that of the contender, round by round: above 1 it would be quicker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from benchmarks.records import Record, Sections, say
from benchmarks.timing import Contender, interleave, summary
from benchmarks.worker import Built

KERNEL = "torch's kernel"


@dataclass(frozen=True)
class Settings:
    """What is timed.

    Attributes:
        batch, heads, width, sides: of p1's layers: images, heads, channels of each, and the sides of the maps, px.
        block: queries of a block.
    """

    rounds: int = 7
    turn_s: float = 0.5
    device: str = "cpu"
    batch: int = 16
    heads: int = 2
    width: int = 16
    sides: Sequence[int] = (32, 16, 16, 8, 8, 4, 4)
    block: int = 128

    def contenders(self) -> list[Contender]:
        """Return the ways to compute it; torch's kernel first."""
        ways = {
            KERNEL: {},
            "matrix products": {"way": "math"},
            "blocked matrix products": {"way": "blocked"},
            "bfloat16": {"precision": "bfloat16"},
            "one head of twice the width": {"heads": self.heads // 2, "width": 2 * self.width},
        }
        shape = {"batch": self.batch, "heads": self.heads, "width": self.width, "sides": list(self.sides)}
        shape["block"] = self.block
        return [
            Contender(name, "benchmarks.attention:attending", {**shape, **way}, 1, self.device)
            for name, way in ways.items()
        ]


def measure(out: Path, settings: Settings | None = None) -> dict[str, list[Record]]:
    """Measure, and write `out`/attention.json; its records, by section."""
    settings = settings or Settings()
    records = Sections(out / "attention.json", asdict(settings))
    records.section("ways", lambda: _ways(settings))
    return records.found


def _ways(settings: Settings) -> list[Record]:
    timings = interleave(settings.contenders(), settings.rounds, turn_s=settings.turn_s)
    kernel = timings[0].step_s
    found = []
    for timing in timings:
        record: Record = {"name": timing.contender.name, "device": settings.device, "missing": timing.missing}
        record |= timing.contender.arguments
        if timing.missing is None:
            record["ms"] = summary([1e3 * seconds for seconds in timing.step_s])
            record["ratio"] = summary([a / b for a, b in zip(kernel, timing.step_s, strict=True)])
            say(f"  {timing.contender.name}: {record['ms']['median']:.0f} ms")
        else:
            say(f"  {timing.contender.name}: missing, {timing.missing}")
        found.append(record)
    return found


def attending(
    batch: int,
    heads: int,
    width: int,
    sides: Sequence[int],
    block: int,
    device: str,
    way: str = "kernel",
    precision: str = "float32",
) -> Built:
    """Attention over maps of each side, forward and backward, as a step that can be timed."""
    dtype = getattr(torch, precision)
    inputs = [
        [
            torch.randn(batch, heads, side * side, width, device=device, dtype=dtype, requires_grad=True)
            for _ in range(3)
        ]
        for side in sides
    ]
    attend: Callable[[Tensor, Tensor, Tensor], Tensor] = {
        "kernel": scaled_dot_product_attention,
        "math": by_math,
        "blocked": lambda q, k, v: blocked(q, k, v, block),
    }[way]

    def advance(steps: int) -> None:
        for _ in range(steps):
            for q, k, v in inputs:
                torch.autograd.grad(attend(q, k, v).sum(), (q, k, v))

    return Built(advance, {})


def by_math(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Return attention (B, H, T, W) by torch's own matrix products."""
    with sdpa_kernel(SDPBackend.MATH):
        return scaled_dot_product_attention(q, k, v)


def blocked(q: Tensor, k: Tensor, v: Tensor, block: int) -> Tensor:
    """Return attention (B, H, T, W), computed for blocks of queries."""
    scale = q.shape[-1] ** -0.5
    parts = [(scale * part @ k.mT).softmax(-1) @ v for part in q.split(block, dim=-2)]
    return torch.cat(parts, dim=-2)
