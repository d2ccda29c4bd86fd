"""The process of one contender: builds it once, then runs steps when told to.

Lines of JSON come in and go out, the first of them the contender itself:

    {"build": "module:function", "arguments": {...}, "threads": 1, "device": "cpu"}   ->  {"facts": {...}, "built_mb": 310.0}
    {"steps": 3}                                                                      ->  {"seconds": 0.41}
    {"end": true}                                                                     ->  {"peak_mb": 812.0}

What cannot be built, or breaks, answers {"missing": reason}. Contenders print as they like: their standard output goes to
standard error.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Built:
    """A contender that is ready: `advance(k)` runs k steps; `facts`, JSON-ready, describe it."""

    advance: Callable[[int], Any]
    facts: dict[str, Any] = field(default_factory=dict)


def serve() -> None:
    """Answer on standard output what is asked on standard input, until it ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**content: Any) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    try:
        contender = json.loads(sys.stdin.readline())
        device = contender["device"]
        built = _build(contender)
        answer(facts=built.facts, built_mb=peak_mb(device))
        for line in sys.stdin:
            request = json.loads(line)
            if "end" in request:
                answer(peak_mb=peak_mb(device))
                return
            answer(seconds=seconds(built, request["steps"], device))
    except Exception as error:
        answer(missing=" ".join(f"{type(error).__name__}: {error}".split())[:300])


def _build(contender: dict[str, Any]) -> Built:
    module, _, function = contender["build"].partition(":")
    build = getattr(import_module(module), function)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(contender["threads"])
        torch.manual_seed(0)
        torch.backends.cudnn.allow_tf32 = False  # float32 is float32, wherever it runs
    return build(device=contender["device"], **contender["arguments"])


def seconds(built: Built, steps: int, device: str) -> float:
    """Wall time of `steps` steps, s, until the device has done them."""
    synchronize(device)
    began = time.perf_counter()
    built.advance(steps)
    synchronize(device)
    return time.perf_counter() - began


def synchronize(device: str) -> None:
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize(device)


def peak_mb(device: str) -> float:
    """The most memory held so far, MB: the GPU's where the device is one, else this process's.

    A process's is VmHWM where Linux tells it: `ru_maxrss` begins with what the parent held when it forked.
    """
    if device.startswith("cuda"):
        import torch

        return torch.cuda.max_memory_allocated(device) / 1e6
    try:
        status = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024 / 1e6
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    serve()
