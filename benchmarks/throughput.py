"""Throughput: the training step of phasescope and of its peers, at equal parameters, each in its best mode.

First every peer is timed in each precision and memory layout; the quicker layout is its mode of that precision. Then, one
precision after the other, all take turns, with the matrix product beside them:

    peer         its network and its step, in its mode
    own          phasescope's U-Net with as many parameters as the peers' (within 5 %)
    brought      the network of the fastest peer, trained by phasescope: what a user's own network gains
    same shape   phasescope's U-Net with the operations of the fastest peer's (within 5 %)

The fastest peer is the one with the most images a second in any mode. Ratios to its mode of the same precision are taken
round by round. With default settings all that takes about nine minutes on two cores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.peers import PEERS
from benchmarks.records import Record, Sections, say
from benchmarks.steps import EQUAL_PARAMETERS, shape_like, unet_words
from benchmarks.timing import Contender, Timing, images_per_s, interleave, summary

STEP = "benchmarks.steps:"
MODE_ROUNDS = 3


@dataclass(frozen=True)
class Settings:
    """What is timed, where, and how often.

    Attributes:
        rounds: turns of each contender.
        steps: the fewest training steps of a turn.
        turn_s: about the shortest time of a turn, s.
        threads: CPU threads of each contender.
        device: cpu, cuda or cuda:N.
        batch: images a step.
        canvas: side of the images, px.
        peers: names in `peers.PEERS`.
        precisions: float32, bfloat16.
        sizes: of the matrices whose product is the peak; None: those of `machine`.
    """

    rounds: int = 5
    steps: int = 2
    turn_s: float = 0.5
    threads: int = 2
    device: str = "cpu"
    batch: int = 64
    canvas: int = 32
    peers: Sequence[str] = tuple(PEERS)
    precisions: Sequence[str] = machine.PRECISIONS
    sizes: Sequence[int] | None = None

    def peer(self, peer: str, precision: str, channels_last: bool) -> Contender:
        """A peer's network, trained by its user's step."""
        layout = "channels last" if channels_last else "default layout"
        arguments = {"peer": peer, "precision": precision, "channels_last": channels_last}
        arguments |= {"batch": self.batch, "canvas": self.canvas}
        return self._contender(f"{peer}, {precision}, {layout}", "peer_step", arguments)

    def phasescope(self, name: str, shape: dict[str, Any], precision: str, **brought: str) -> Contender:
        """phasescope's step, with its U-Net of `shape` or with the network of the peer that is `brought`."""
        words = unet_words(shape, precision, self.batch, self.canvas)
        return self._contender(f"{name}, {precision}", "phasescope_step", {"words": words, **brought})

    def _contender(self, name: str, build: str, arguments: dict[str, Any]) -> Contender:
        return Contender(name, f"{STEP}{build}", arguments, self.threads, self.device)


def measure(out: Path, settings: Settings | None = None) -> dict[str, list[Record]]:
    """Measure, and write `out`/throughput.json as it comes; its records, by section."""
    settings = settings or Settings()
    records = Sections(out / "throughput.json", asdict(settings))
    products = records.section(
        "matrix product",
        lambda: machine.measure_peak(
            settings.threads, settings.device, settings.rounds, settings.precisions, settings.sizes
        ),
    )
    tried = [
        record
        for peer in settings.peers
        for record in records.section(f"modes of {peer}", lambda peer=peer: _modes(settings, peer))
    ]
    modes = best_modes(tried)
    for precision, peak in machine.peaks(products).items():
        records.section(
            f"steps in {precision}",
            lambda precision=precision, peak=peak: _steps(settings, precision, peak, modes),
        )
    return records.found


def _modes(settings: Settings, peer: str) -> list[Record]:
    contenders = [
        settings.peer(peer, precision, channels_last)
        for precision in settings.precisions
        for channels_last in (False, True)
    ]
    return [told(timing) for timing in interleave(contenders, MODE_ROUNDS, turn_s=settings.turn_s)]


def best_modes(modes: Sequence[Record]) -> list[Record]:
    """Of each peer and precision, the record of its quicker layout; one that says why, where both are missing."""
    best: dict[tuple[str, str], Record] = {}
    for record in modes:
        key = record["peer"], record["precision"]
        if key not in best or _speed(record) > _speed(best[key]):
            best[key] = record
    return list(best.values())


def fastest(modes: Sequence[Record]) -> str | None:
    """The peer with the most images a second in any of these modes; None where all are missing."""
    there = [mode for mode in modes if not mode["missing"]]
    return max(there, key=_speed)["peer"] if there else None


def _speed(record: Record) -> float:
    return 0.0 if record["missing"] else record["images_per_s"]["median"]


def _steps(settings: Settings, precision: str, peak: Record, modes: Sequence[Record]) -> list[Record]:
    """All contenders of one precision, in turns."""
    rival = fastest(modes)
    contenders, kinds = zip(*_contenders(settings, precision, peak, modes, rival), strict=True)
    timings = interleave(contenders, settings.rounds, settings.steps, settings.turn_s)
    timed = list(zip(timings, kinds, strict=True))
    product = timings[0]
    peak_rates = [product.facts["gflop"] / seconds for seconds in product.step_s]
    theirs = [timing for timing, kind in timed if kind == "peer" and timing.step_s]
    of_rival = next((timing for timing in theirs if timing.contender.arguments["peer"] == rival), None)
    return [
        {**machine.rate(timing), "kind": kind}
        if timing is product
        else told(timing, kind, peak_rates, None if kind == "peer" else of_rival)
        for timing, kind in timed
    ]


def _contenders(
    settings: Settings, precision: str, peak: Record, modes: Sequence[Record], rival: str | None
) -> Iterator[tuple[Contender, str]]:
    """With their kinds; the matrix product first, then the peers."""
    yield machine.again(peak), "matrix product"
    for mode in modes:
        if mode["precision"] == precision:
            yield settings.peer(mode["peer"], precision, mode["channels_last"]), "peer"
    yield settings.phasescope("phasescope", EQUAL_PARAMETERS, precision), "own"
    if rival:
        name = f"phasescope training the network of {rival}"
        yield settings.phasescope(name, EQUAL_PARAMETERS, precision, peer=rival), "brought"
        shape = shape_like(rival, settings.canvas)
        yield settings.phasescope(f"phasescope in the shape of {rival}", shape, precision), "same shape"


def told(
    timing: Timing, kind: str = "peer", peak_rates: Sequence[float] = (), against: Timing | None = None
) -> Record:
    """The record of a timed step; also told on standard error.

    Args:
        peak_rates: GFLOP/s of the matrix product in each round, of the same precision.
        against: the timing, of the same rounds, to which the ratio of images a second is taken.
    """
    contender = timing.contender
    record: Record = {
        "name": contender.name,
        "kind": kind,
        "threads": contender.threads,
        "device": contender.device,
        "missing": timing.missing,
        **contender.arguments,
        **timing.facts,
    }
    if timing.missing is not None:
        say(f"  {contender.name}: missing, {timing.missing}")
        return record
    images = images_per_s(timing)
    gflop_per_s = [rate * timing.facts["step_mflop"] / 1e3 for rate in images]
    record |= {"images_per_s": summary(images), "gflop_per_s": summary(gflop_per_s)}
    record |= {"built_mb": timing.built_mb, "peak_mb": timing.peak_mb}
    line = f"  {contender.name}: {record['images_per_s']['median']:.1f} images/s"
    if peak_rates:
        record["peak_share"] = summary(_ratios(gflop_per_s, peak_rates))
        line += f", {record['peak_share']['median']:.0%} of the matrix product's rate"
    if against is not None:
        record |= {
            "against": against.contender.name,
            "ratio": summary(_ratios(images, images_per_s(against))),
        }
        line += f", {record['ratio']['median']:.2f} of {against.contender.name}"
    say(f"{line}, {timing.peak_mb:.0f} MB")
    return record


def _ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    return [our / their for our, their in zip(ours, theirs, strict=True)]
