"""The machine's own measure: how fast it multiplies matrices.

The product of two n x n matrices takes 2 n^3 operations (multiplications and additions); nothing that networks do runs much
faster, so the best rate over several n is the peak against which their rates are held.

On a CPU float32 has two ways through torch: `mm`, which is MKL's or OpenBLAS', and oneDNN's, by which convolutions go. They
may differ by a factor of two (MKL leaves AVX-512 aside on processors that are not Intel's), so both are measured. In
bfloat16 `mm` is oneDNN's too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from benchmarks.records import Record, say
from benchmarks.timing import Contender, Timing, interleave, summary
from benchmarks.worker import Built

PRECISIONS = ("float32", "bfloat16")
SIZES = (512, 1024, 2048)
CUDA_SIZES = (2048, 4096, 8192)


def matrix_product(precision: str, size: int, route: str, device: str) -> Built:
    """The product of two random matrices, (n, n) each, n = `size`; `route` is mm or onednn."""
    factors = tuple(torch.randn(2, size, size).to(device, getattr(torch, precision)))
    multiply = torch.mm
    if route == "onednn":
        multiply = torch.ops.aten.mkldnn_linear
        factors = tuple(factor.to_mkldnn() for factor in factors)

    @torch.no_grad()
    def advance(steps: int) -> None:
        for _ in range(steps):
            multiply(*factors)

    facts = {"precision": precision, "size": size, "route": route, "gflop": 2 * size**3 / 1e9}
    return Built(advance, facts)


def product(precision: str, size: int, route: str, threads: int, device: str) -> Contender:
    """The contender that multiplies n x n matrices."""
    return Contender(
        f"matrix product, {precision}, {route}, n = {size}",
        "benchmarks.machine:matrix_product",
        {"precision": precision, "size": size, "route": route},
        threads,
        device,
    )


def again(peak: Record) -> Contender:
    """The contender of a record, to be timed beside others."""
    return product(peak["precision"], peak["size"], peak["route"], peak["threads"], peak["device"])


def rate(timing: Timing) -> Record:
    """The record of a timed matrix product, in GFLOP/s."""
    record: dict[str, Any] = {"name": timing.contender.name, "threads": timing.contender.threads}
    record |= {"device": timing.contender.device, "missing": timing.missing, **timing.facts}
    if timing.missing is None:
        record["gflop_per_s"] = summary([timing.facts["gflop"] / seconds for seconds in timing.step_s])
        say(f"  {timing.contender.name}: {record['gflop_per_s']['median']:.0f} GFLOP/s")
    else:
        say(f"  {timing.contender.name}: missing, {timing.missing}")
    return record


def measure_peak(
    threads: int,
    device: str = "cpu",
    rounds: int = 5,
    precisions: Sequence[str] = PRECISIONS,
    sizes: Sequence[int] | None = None,
    turn_s: float = 0.2,
) -> list[Record]:
    """The rate of the matrix product at each precision and size, all interleaved in turns of `turn_s`: medians over
    `rounds`."""
    on_cuda = device.startswith("cuda")
    sizes = sizes or (CUDA_SIZES if on_cuda else SIZES)
    contenders = [
        product(precision, size, route, threads, device)
        for precision in precisions
        for route in (("mm",) if on_cuda or precision != "float32" else ("mm", "onednn"))
        for size in sizes
    ]
    return [rate(timing) for timing in interleave(contenders, rounds, turn_s=turn_s)]


def peaks(records: Iterable[Record]) -> dict[str, Record]:
    """By precision, the record with the best median."""
    best: dict[str, Record] = {}
    for record in records:
        if "gflop_per_s" in record:
            held = best.setdefault(record["precision"], record)
            if record["gflop_per_s"]["median"] > held["gflop_per_s"]["median"]:
                best[record["precision"]] = record
    return best
