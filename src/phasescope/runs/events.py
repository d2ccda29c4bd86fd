"""What an execution tells as it goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Start:
    """What a run is, and the step from which it goes on: 0 at its very start."""

    folder: Path
    parameters: int
    images: int
    step: int
    steps: int
    device: str
    threads: int
    origin: str | None = None
    """the shorter run whose state it took up"""


@dataclass(frozen=True)
class Progress:
    """Where a run stands: after a step, or after a snapshot, whose metrics are then given; `loss` is the last one known."""

    step: int
    steps: int
    images_seen: int
    loss: float | None
    metrics: dict[str, Any] | None = None
