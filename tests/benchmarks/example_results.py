"""Invented records of each part, shaped by the code that shapes the measured ones where that takes no time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.order import judged
from benchmarks.throughput import told
from benchmarks.timing import Contender, Timing, summary

MACHINE = {
    "host": "vm",
    "cpu": "Invented CPU",
    "cores": 2,
    "versions": {"python": "3.11.7", "torch": "2.13.0", "diffusers": None},
    "git_commit": "0123456789ab",
}
JITTER = (0.97, 0.99, 1.0, 1.02, 1.04)
NULLS = {"untrained": 0.3, "pixels": 0.1, "permuted": 0.0}


def signed(record: Mapping[str, Any]) -> dict[str, Any]:
    return {**record, **MACHINE, "measured": "2026-01-01T00:00:00+00:00"}


def seed_of(
    contender: str, seed: int, wall_s: float, correct: float = 1.0, share: float = 0.1
) -> dict[str, Any]:
    """A run that is in order after `wall_s` if its images are `correct`; else stopped there."""

    def snapshot(step: int, accuracy: float, phase: str) -> dict[str, Any]:
        cost = {"wall_s": step * wall_s / 3, "cpu_s": step * wall_s / 2, "images_seen": 6400 * step}
        order = {"value": 0.9, "low": 0.8, "nulls": NULLS}
        return {"step": step, **cost, "accuracy": accuracy, "order": order, "phase": phase}

    course = [
        snapshot(0, 0.0, "A"),
        snapshot(1, 0.1, "B"),
        snapshot(2, 0.6, "C" if correct > 0.5 else "B"),
        snapshot(3, correct, "C" if correct > 0.5 else "B"),
    ]
    spent = {key: course[-1][key] for key in ("wall_s", "cpu_s", "images_seen")}
    record = {
        "contender": contender,
        "seed": seed,
        "digest": "",
        "completed": True,
        "error": None,
        "command": f"phasescope train preset={contender} seed={seed}",
        "threads": 2,
        "device": "cpu",
        "process": {"wall_s": wall_s, "cpu_s": wall_s},
        "observing_share": share,
        "spent": spent,
        "snapshots": course,
    }
    return judged({**record, **MACHINE})


def order(
    fast_s: float = 17.0,
    fast_n: int = 10,
    small_s: float = 105.0,
    recipe_s: float = 1800.0,
    recipe_correct: float = 0.4,
    observing_share: float = 0.1,
) -> dict[str, Any]:
    records = [
        seed_of("fast", seed, fast_s * JITTER[seed % 5], share=observing_share) for seed in range(fast_n)
    ]
    records += [
        seed_of("small", seed, small_s * 1.5 * JITTER[seed], share=observing_share) for seed in range(5)
    ]
    records += [seed_of("recipe", seed, recipe_s, recipe_correct) for seed in range(3)]
    return {"records": records}


def timing(contender: Contender, images_per_s: float, **facts: Any) -> Timing:
    batch = 64
    facts = {"batch": batch, "canvas": 32, "parameters": 1_600_000, "forward_mflop": 700.0, **facts}
    step_s = tuple(batch / images_per_s / jitter for jitter in JITTER)
    return Timing(contender, {"step_mflop": 2100.0, **facts}, step_s, built_mb=300.0, peak_mb=812.0)


def throughput(
    peers: Mapping[str, float], brought: float, same_shape: float, peak: float = 400.0
) -> dict[str, Any]:
    """Images a second of the peers in bfloat16, and of phasescope with the first one's network, and in its shape; in
    float32 all make 0.6 times as many."""
    sections: dict[str, Any] = {}
    rival = next(iter(peers))
    for precision, slower in (("float32", 0.6), ("bfloat16", 1.0)):
        product = machine.product(precision, 1024, "mm", 2, "cpu")
        gflop = {"precision": precision, "size": 1024, "route": "mm", "gflop": 2.0}
        products = Timing(product, gflop, (2.0 / (slower * peak),) * 5, 1.0, 1.0)
        rates = [2.0 / second for second in products.step_s]
        records = [{**machine.rate(products), "kind": "matrix product"}]
        of_rival = None
        for peer, images_per_s in peers.items():
            arguments = {"peer": peer, "precision": precision, "channels_last": False}
            contender = Contender(f"{peer}, {precision}, default layout", "", arguments, 2)
            timed = timing(contender, slower * images_per_s)
            of_rival = of_rival or timed
            records.append(told(timed, "peer", rates))
        lost = Contender(
            f"lost, {precision}, default layout", "", {"peer": "lost", "precision": precision}, 2
        )
        records.append(told(Timing(lost, missing="ImportError: No module named 'lost'"), "peer"))
        for kind, name, images_per_s, arguments in (
            ("own", "phasescope", 1.1 * same_shape, {}),
            ("brought", f"phasescope training the network of {rival}", brought, {"peer": rival}),
            ("same shape", f"phasescope in the shape of {rival}", same_shape, {}),
        ):
            contender = Contender(f"{name}, {precision}", "", arguments, 2)
            timed = timing(contender, slower * images_per_s, precision=precision)
            records.append(told(timed, kind, rates, of_rival))
        sections[f"steps in {precision}"] = [signed(record) for record in records]
    user = {"kind": "trainer", "missing": None, "parameters": 1_600_000, "threads": 2, "device": "cpu"}
    rates = {"images_per_s": summary([60.0 * jitter for jitter in JITTER]), "peak_mb": 900.0}
    sections["trainers"] = [
        signed({"name": "diffusers", "labels": True, **user, **rates}),
        signed(
            {"name": "azula", "labels": True, "kind": "trainer", "missing": "the library ships no trainer"}
        ),
        signed(
            {
                "name": "phasescope, preset small, its own snapshots",
                "kind": "composed",
                "labels": True,
                "missing": None,
                "observing_share": 0.12,
                "images_per_s": {"median": 1900.0, "n": 5},
            }
        ),
    ]
    return {"settings": {}, "machine": MACHINE, "sections": sections}


def scaling(ratio: float = 1.95) -> dict[str, Any]:
    def record(varied: str, value: float, rate: float, threads: int = 2, canvas: int = 32) -> dict[str, Any]:
        return signed(
            {
                "name": f"{varied} {value:g}",
                "varied": varied,
                "value": value,
                "threads": threads,
                "device": "cpu",
                "missing": None,
                "batch": 64,
                "canvas": canvas,
                "parameters": 256_949,
                "images_per_s": summary([rate * jitter for jitter in JITTER]),
                "peak_mb": 500.0,
            }
        )

    alone = 1300.0
    together = {
        "name": "two at once",
        "runs": 2,
        "threads": 1,
        "device": "cpu",
        "missing": None,
        "alone_images_per_s": summary([alone * jitter for jitter in JITTER]),
        "together_images_per_s": summary([ratio * alone * jitter for jitter in JITTER]),
        "ratio": summary([ratio * jitter for jitter in (0.99, 1.0, 1.0, 1.0, 1.01)]),
    }
    batches = {8: 900.0, 16: 1300.0, 32: 1800.0, 64: 2100.0, 128: 2300.0, 256: 2350.0, 512: 2200.0}
    return {
        "settings": {},
        "machine": MACHINE,
        "sections": {
            "batch": [record("batch", batch, rate) for batch, rate in batches.items()],
            "canvas": [
                record("canvas", canvas, 2_150_000 / canvas**2, canvas=canvas) for canvas in (16, 32, 64)
            ],
            "increment": [record("increment", d, 2100.0) for d in (2.0, 1.0, 0.5, 0.25)],
            "threads": [record("threads", threads, 1250.0 * threads**0.8, threads) for threads in (1, 2)],
            "two at once": [signed(together)],
        },
    }


def profile(bound: float = 0.55) -> dict[str, Any]:
    def record(precision: str, commit: str, ms: float) -> dict[str, Any]:
        classes = {"convolution forward": 0.3, "convolution backward": 0.4, "norm": 0.2, "other": 0.1}
        roof = {"matrix_work_share": 0.7, "matrix_work_gflop_per_s": 200.0, "peak_share": 0.4, "bound": bound}
        return {
            **signed({"name": "preset=small", "precision": precision, "batch": 64, "threads": 2}),
            "device": "cpu",
            "git_commit": commit,
            "measured": f"2026-01-0{1 + (commit == 'after')}T00:00:00+00:00",
            "step_ms": summary([ms * jitter for jitter in JITTER]),
            "classes": {name: {"ms": share * ms, "share": share} for name, share in classes.items()},
            "roofline": roof,
        }

    return {
        "records": [
            record(precision, commit, ms)
            for precision in ("float32", "bfloat16")
            for commit, ms in (("after", 25.0), ("before", 40.0))
        ]
    }


def pilot(name: str, accuracies: Sequence[float], **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "question": f"of {name}",
        "words": ["preset=small", f"family.predict={name}"],
        "seed": 0,
        "parameters": 256_949,
        "steps": 100 * len(accuracies),
        "batch": 64,
        "cpu_s": 10.0 * len(accuracies),
        "threads": 1,
        "cpu": MACHINE["cpu"],
        "curve": [
            [100 * (i + 1), [0.0, 0.0, 0.0, 1 - accuracy], 10.0 * (i + 1), accuracy, accuracy, 0.1]
            for i, accuracy in enumerate(accuracies)
        ],
        **more,
    }


def write(out: Path, pilots: Sequence[dict[str, Any]] = (), **parts: Any) -> Path:
    """Write parts to a folder of results."""
    out.mkdir(parents=True, exist_ok=True)
    if pilots:
        (out / "pilots.jsonl").write_text("".join(json.dumps(line) + "\n" for line in pilots))
    for name, content in parts.items():
        (out / f"{name}.json").write_text(json.dumps(content))
    return out
