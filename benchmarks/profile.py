"""Where the time of a training step goes, by torch.profiler, in few classes; and what that says of the peak.

Each operator's own time (its callees' left out) goes to the part of the step that called it, where that is the optimiser or
the making of data and noise; else to the class of its name; else to `other`, the elementwise rest of the network: residual
sums, modulation, concatenation. The shares are of a profiled step, the times those of a step without the profiler.

The roofline statement holds the classes that multiply matrices (convolutions, linear layers, attention) against the rate r
of the matrix product. With F operations in t_m seconds of such work, and t_o seconds of all else,

    rate of the matrix work = F / t_m,    share of the peak = F / (t_m + t_o) / r  <=  bound = F / (F / r + t_o) / r,

where the bound is what the step would reach if its matrix work ran at the peak and nothing else changed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, record_function

from benchmarks import machine
from benchmarks.records import Record, plain, read_list, say, write_list
from benchmarks.records import machine as machine_facts
from benchmarks.steps import endless, facts_of
from benchmarks.timing import Contender, interleave, summary
from benchmarks.worker import Built, synchronize
from phasescope.core.errors import RunFailed
from phasescope.models.training.loop import fresh_learner, learn
from phasescope.runs.store.folder import now

PARTS = ("optimiser", "data and noise")
CLASSES = {
    "convolution backward": r"conv\w*backward",
    "convolution forward": r"conv",
    "linear and attention": r"::(add|b|badd)?b?mm$|addmm|bmm|linear$|matmul|attention",
    "norm": r"(group|layer)_?norm",
    "activation": r"silu|gelu",
    "resampling": r"avg_?pool|upsample|pixel_?(un)?shuffle",
    "optimiser": r"adam|vector_norm|optimizer",
    "averaging": r"lerp",
    "casts and copies": r"copy|::to$|clone|contiguous",
    "compiled kernels": r"compiled|cpp_fused|triton",
}
"""the first whose pattern an operator's lower-case name holds"""
MATRIX_WORK = ("convolution forward", "convolution backward", "linear and attention")


def measure(out: Path) -> None:
    """Profile the training step of preset `small` in both precisions, and that of `p1` as studies run it."""
    for precision in ("float32", "bfloat16"):
        profile(out, precision=precision)
    profile(out, words=("preset=p1",), threads=1)


def profile(
    out: Path,
    words: Sequence[str] = ("preset=small",),
    precision: str = "float32",
    rounds: int = 5,
    steps: int = 10,
    turn_s: float = 0.5,
    threads: int = 2,
    device: str = "cpu",
    sizes: Sequence[int] | None = None,
) -> Record:
    """Profile the training step of a run, and keep the record in `out`/profile.json.

    Records of other commits, runs, precisions or machines stay there: they are the before and after.

    Args:
        words: the run, as on the command line.
        rounds: turns of the step and of the matrix product.
        steps: steps that are profiled, and the fewest of a turn.
        turn_s: about the shortest time of a turn, s.
        sizes: of the matrices whose product is the peak; None: those of `machine`.

    Raises:
        RunFailed: the step or the matrix product cannot be measured; says why.
    """
    products = machine.measure_peak(threads, device, rounds, (precision,), sizes, turn_s=min(0.2, turn_s))
    contender = Contender(
        " ".join(words),
        "benchmarks.profile:profiled_step",
        {"words": [*words, f"training.precision={precision}"], "steps": steps},
        threads,
        device,
    )
    best = machine.peaks(products)
    if not best:
        raise RunFailed(f"`precision` (={precision}) must be one in which matrices multiply: {products}")
    step, product = interleave([contender, machine.again(best[precision])], rounds, steps, turn_s)
    if missing := step.missing or product.missing:
        raise RunFailed(f"`{contender.name}` could not be profiled: {missing}")
    facts = dict(step.facts)
    shares = facts.pop("shares")
    step_ms = summary([1e3 * seconds for seconds in step.step_s])
    peak = summary([product.facts["gflop"] / seconds for seconds in product.step_s])
    record: Record = {
        "name": contender.name,
        "words": list(words),
        "threads": threads,
        "device": device,
        **facts,
        "steps": steps,
        "step_ms": step_ms,
        "peak_mb": step.peak_mb,
        "classes": {
            name: {"ms": share * step_ms["median"], "share": share} for name, share in shares.items()
        },
        "roofline": roofline(facts["step_mflop"] * facts["batch"] / 1e3, step_ms["median"], shares, peak),
        **machine_facts(),
        "measured": now(),
    }
    keep(out / "profile.json", record)
    say(f"profile, {contender.name}, {precision}: {step_ms['median']:.1f} ms a step")
    return record


def roofline(gflop: float, step_ms: float, shares: dict[str, float], peak: Record) -> Record:
    """The statement that the module opens with.

    Args:
        gflop: operations of the step's matrix work.
        step_ms: time of the step.
        shares: of the step's time, by class.
        peak: summary of the matrix product's rate, GFLOP/s.
    """
    rate, step_s = peak["median"], step_ms / 1e3
    share = sum(shares.get(name, 0.0) for name in MATRIX_WORK)
    return {
        "gflop_a_step": gflop,
        "matrix_product_gflop_per_s": peak,
        "matrix_work_share": share,
        "matrix_work_gflop_per_s": gflop / (share * step_s) if share else None,
        "peak_share": gflop / step_s / rate,
        "bound": gflop / (gflop / rate + (1 - share) * step_s) / rate,
    }


def keep(path: Path, record: Record) -> None:
    """Add `record` to those of the file, in the place of an earlier one of the same commit, run and machine."""
    key = ("git_commit", "words", "precision", "batch", "threads", "device", "cpu")
    record = plain(record)
    others = [old for old in read_list(path) if any(old.get(field) != record[field] for field in key)]
    write_list(path, [*others, record])


def profiled_step(words: Sequence[str], steps: int, device: str) -> Built:
    """phasescope's training step; its facts hold the profile of `steps` of them, taken after as many for warming up."""
    config = endless(words, device)
    learner = fresh_learner(
        config.network, config.world.shape, config.world.factors, config.training, config.seed
    )
    facts = facts_of(learner.network, config.training.batch, config.world.canvas)
    learner.optimiser = marked(learner.optimiser, "optimiser", "step")
    world = marked(config.world, "data and noise", "render")
    family = marked(config.family.build(), "data and noise", "draw")
    losses = learn(learner, family, world, config.seed)

    def advance(count: int) -> None:
        for _ in range(count):
            next(losses)

    advance(steps)
    on_cuda = device.startswith("cuda")
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_cuda else [])]
    with torch.profiler.profile(activities=activities) as profiler:
        advance(steps)
        synchronize(device)
    spent = Counter()
    for event in profiler.events() or ():
        spent[class_of(event)] += event.self_device_time_total if on_cuda else event.self_cpu_time_total
    total = spent.total()
    return Built(
        advance,
        {
            **facts,
            "precision": config.training.precision,
            "shares": {name: spent[name] / total for name in (*CLASSES, "data and noise", "other")},
        },
    )


class _Marked:
    def __init__(self, of: Any, part: str, method: str):
        def call(*args: Any, **kwargs: Any) -> Any:
            with record_function(part):
                return getattr(of, method)(*args, **kwargs)

        self._of = of
        setattr(self, method, call)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._of, name)


def marked(of: Any, part: str, method: str) -> Any:
    """What acts as `of`, with the work of one method marked in a profile as `part`."""
    return _Marked(of, part, method)


def class_of(event: Any) -> str:
    """The class of a profiler's event: of the marked part of the step that it lies in, else of its name."""
    caller = event
    while caller is not None:
        if caller.name in PARTS:
            return caller.name
        caller = caller.cpu_parent
    return class_of_name(event.name)


def class_of_name(name: str) -> str:
    """The first class whose pattern the name of an operator holds."""
    return next((of for of, pattern in CLASSES.items() if re.search(pattern, name.lower())), "other")
