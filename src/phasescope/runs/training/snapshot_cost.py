"""What a snapshot of a watched network will cost, before it is taken, and a bar while it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from phasescope.models.families import FamilyConfig
from phasescope.worlds import World

if TYPE_CHECKING:
    from torch import nn

SHOWN_AFTER_S = 2.0
"""seconds that a snapshot takes before a bar is shown"""
TIMED = 16
"""images of the pass that is timed, at most"""


def seconds_an_image(network: nn.Module, world: World, family: FamilyConfig, batch: int) -> float:
    """Return the seconds that a network takes for an image in a pass of a few, the second of two passes.

    It is evaluated without a trace: modes and random numbers are put back.

    Args:
        batch: images that a snapshot gives it at once; no more are given here, so that what fits then fits now.
    """
    import torch

    from phasescope.runs.probing.trial import device_of, inputs_of, trying_out

    given = inputs_of(network, world, family)
    count = min(TIMED, batch)
    some = [torch.cat([tensor] * count)[:count] for tensor in given]
    waits_for_a_gpu = device_of(network).type == "cuda"
    with trying_out(network, "`network` must answer a few images"):
        for _ in range(2):
            began = time.perf_counter()
            answer = network(*some)
            if waits_for_a_gpu:
                answer.sum().item()
    return (time.perf_counter() - began) / count


@contextmanager
def snapshot_bar(network: nn.Module, name: str, images: int | None) -> Iterator[None]:
    """Show a bar within the block, from `SHOWN_AFTER_S` on, of how many images the network has answered.

    It is shown in a terminal and in a notebook, on standard error, and leaves nothing there.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not (console.is_terminal or console.is_jupyter):
        yield
        return

    began, answered = time.monotonic(), 0
    bar = Progress(console=console, transient=True)
    task = bar.add_task(f"snapshot of {name}", total=images)

    # Before the pass: where layers are read it ends at the last of them, and no hook after it is called.
    def count(_module: nn.Module, given: tuple[Any, ...]) -> None:
        nonlocal answered
        answered += len(given[0]) if given else 0
        if time.monotonic() - began > SHOWN_AFTER_S:
            bar.start()
            bar.update(task, completed=answered if images is None else min(answered, images))

    handle = network.register_forward_pre_hook(count)
    try:
        yield
    finally:
        handle.remove()
        bar.stop()
