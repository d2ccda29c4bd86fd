"""The benchmark's targets, and what the records say of each.

A target is met where the number of seeds or rounds is at least the declared one and the median is on its good side. A median
that is only a lower limit, because seeds were censored, decides what a lower limit can decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phasescope.benchmarks.pilots import outcome
from phasescope.benchmarks.results import Record, Results, machines, there
from phasescope.benchmarks.texts import counted, of_median, percent, plain, share, span, spread, told_n
from phasescope.measures.phases import phase_sequence

CORES = 2
"""of the machine that the targets in seconds are about"""
FAST_WALL_S, FAST_SEEDS = 20.0, 10
RECIPE_RATIO, RECIPE_SEEDS = 50.0, 3
PEER_RATIO, PEAK_SHARE, ROUNDS = 1.15, 0.70, 5
SMALL_WALL_S, SMALL_SEEDS = 120.0, 5
OBSERVING_SHARE = 0.15
TOGETHER_RATIO = 1.9
DEMO_WALL_S = 90.0


@dataclass(frozen=True)
class Finding:
    """What was measured of a target.

    Attributes:
        point: number of the target in the issue.
        target: what is asked for.
        says: what was measured, in a sentence.
        met: None where it is not decided; `why` then says why.
    """

    point: int
    target: str
    says: str
    met: bool | None
    why: str = ""

    @property
    def verdict(self) -> str:
        """met, not met, not decided (why), not measured."""
        if self.met is None:
            return f"not decided: {self.why}" if self.says else "not measured"
        return "met" if self.met else f"not met{': ' * bool(self.why)}{self.why}"


Verdict = tuple[bool | None, str]


def at_most(found: Mapping[str, Any], limit: float, least_n: int) -> Verdict:
    """Whether the median of a summary is at most `limit`, and why that is not decided."""
    if found["n"] < least_n:
        return None, f"n = {found['n']} of at least {least_n}"
    if found["median"] > limit:
        return False, ""
    return (True, "") if found.get("exact", True) else (None, "the median is a lower limit")


def at_least(found: Mapping[str, Any], limit: float, least_n: int | Sequence[int]) -> Verdict:
    """Whether the median of a summary, or of a ratio of two, is at least `limit`, and why that is not decided."""
    counts, least = (n if isinstance(n, Sequence) else [n] for n in (found["n"], least_n))
    if any(n < wanted for n, wanted in zip(counts, least, strict=True)):
        return None, f"n = {told_n(counts)} of at least {told_n(least)}"
    if found["median"] >= limit:
        return True, ""
    return (False, "") if found.get("exact", True) else (None, "the median is a lower limit")


def findings(results: Results) -> list[Finding]:
    """Of all targets, in their order."""
    return [
        _fast(results),
        _recipe(results),
        *_peer(results),
        _peak(results),
        _small(results),
        _phases(results),
        _observing(results),
        _together(results),
        _demo(results),
        _table(results),
    ]


def _fast(results: Results) -> Finding:
    target = (
        f"`fast` in order in at most {FAST_WALL_S:g} s of wall time on {CORES} cores, n >= {FAST_SEEDS} seeds, "
        "none failing"
    )
    found, records = _contender(results, "fast")
    if not found:
        return Finding(1, target, "", None)
    wall = found["time_to_order"]["wall_s"]
    says = f"`fast` is in order after {spread(wall, 's', 'seeds')}, {found['failing']} failing{_on(records)}"
    if found["failing"]:
        return Finding(1, target, says, False, f"{found['failing']} failing")
    return Finding(1, target, says, *_on_cores(records, at_most(wall, FAST_WALL_S, FAST_SEEDS)))


def _recipe(results: Results) -> Finding:
    target = f"at least {RECIPE_RATIO:g} times quicker in order than diffusers' recipe"
    ratio = (results.order or {}).get("summary", {}).get("ratios", {}).get("recipe / fast", {}).get("wall_s")
    if not ratio:
        return Finding(1, target, "", None)
    records = [record for name in ("fast", "recipe") for record in _contender(results, name)[1]]
    verdict = at_least(ratio, RECIPE_RATIO, (RECIPE_SEEDS, FAST_SEEDS))
    if len(machines(records)) > 1:
        verdict = None, "measured on more than one machine"
    says = (
        f"the recipe takes {of_median(ratio, 'times')} as long as `fast` (medians of n = {told_n(ratio['n'], 'seeds')}; "
        f"{share(ratio['confidence'])} interval {span(*ratio['interval'])})"
    )
    return Finding(1, target, says, *verdict)


def _peer(results: Results) -> list[Finding]:
    """The fastest peer in its best mode, against its network and its shape under phasescope in theirs."""
    steps = [record for records in results.steps().values() for record in there(records)]
    rival = next((record["peer"] for record in steps if record["kind"] == "brought"), None)
    theirs = _quickest(record for record in steps if record["kind"] == "peer" and record["peer"] == rival)
    found = []
    for kind, what in (
        ("brought", "its own network, trained by phasescope"),
        ("same shape", "phasescope's network in its shape, of as many operations within 5 %"),
    ):
        target = f"at least {PEER_RATIO:g} times the images/s of the fastest peer: {what}"
        ours = _quickest(record for record in steps if record["kind"] == kind)
        if not ours or not theirs:
            found.append(Finding(2, target, "", None))
            continue
        same = ours["precision"] == theirs["precision"]
        ratio = ours["ratio"] if same else _of_medians(ours["images_per_s"], theirs["images_per_s"])
        says = (
            f"{spread(ratio, 'times', 'rounds')}, {'round by round' if same else 'of medians'}: in {ours['precision']} "
            f"{_rate(ours)}; the fastest peer, {theirs['name']}, {_rate(theirs)}"
        )
        found.append(Finding(2, target, says, *at_least(ratio, PEER_RATIO, ROUNDS)))
    return found


def _peak(results: Results) -> Finding:
    rule = f"at least {share(PEAK_SHARE)} of the matrix product's rate in bfloat16"
    target = f"{rule}, or a profile that shows what forbids it"
    steps = list(there(results.steps().get("bfloat16", [])))
    best = max(
        (record for record in steps if record["kind"] in ("own", "brought", "same shape")),
        key=lambda record: record["peak_share"]["median"],
        default=None,
    )
    if not best:
        return Finding(2, target, "", None)
    says = f"the nearest to it is {best['name']}, with {percent(best['peak_share'], 'rounds')}"
    bounds = [record for record in results.records("profile") if record["precision"] == "bfloat16"]
    if bounds:
        roof = bounds[-1]["roofline"]
        says += (
            f"; the profile of {bounds[-1]['name']} below: matrix work is {share(roof['matrix_work_share'])} of a step's "
            f"time; were it done at the matrix product's rate, all else as it is, a step would reach {share(roof['bound'])}"
        )
    return Finding(2, target, says, *at_least(best["peak_share"], PEAK_SHARE, ROUNDS))


def _small(results: Results) -> Finding:
    target = f"`small` in phase C in at most {SMALL_WALL_S:g} s of wall time on {CORES} cores, n >= {SMALL_SEEDS} seeds"
    found, records = _contender(results, "small")
    if not found:
        return Finding(3, target, "", None)
    wall = found["time_to_phase_c"]["wall_s"]
    says = f"`small` is in phase C of behaviour after {spread(wall, 's', 'seeds')}{_on(records)}"
    return Finding(3, target, says, *_on_cores(records, at_most(wall, SMALL_WALL_S, SMALL_SEEDS)))


def _phases(results: Results) -> Finding:
    """As before: no other sequence of phases, and the ranges of the onset of C in images seen overlap."""
    target = "the phases of `small` as before, within seeds"
    found, records = _contender(results, "small")
    former = [run["summary"]["behaviour"] for run in results.small]
    if not found or not former:
        return Finding(3, target, "", None)
    passed = [
        " ".join(phase_sequence([snapshot["phase"] for snapshot in record["snapshots"]]))
        for record in records
    ]
    before = [" ".join(behaviour["sequence"]) for behaviour in former]
    onsets = [
        [record["time_to_phase_c"] and record["time_to_phase_c"]["images_seen"] for record in records],
        [behaviour["onsets"]["C"] for behaviour in former],
    ]
    commits = " and ".join(sorted({str(run["git_commit"]) for run in results.small}))
    says = f"behaviour passed {counted(passed)}; in the runs of `results/small` (commit {commits}) {counted(before)}"
    if any(None in some for some in onsets):
        return Finding(3, target, says, False, "phase C was not reached in all")
    now, then = (plain(some) for some in onsets)
    says += (
        f"; C from {spread(now, 'images', 'seeds')} on, and there from {spread(then, 'images', 'seeds')} on"
    )
    overlap = now["range"][0] <= then["range"][1] and then["range"][0] <= now["range"][1]
    return Finding(3, target, says, set(passed) <= set(before) and overlap)


def _observing(results: Results) -> Finding:
    target = f"observing at most {share(OBSERVING_SHARE)} of a run's wall time with the default plan"
    shares = {name: _contender(results, name)[0].get("observing_share") for name in ("small", "fast")}
    if not shares["small"]:
        return Finding(4, target, "", None)
    told_shares = [f"{percent(one, 'seeds')} of `{name}`'s" for name, one in shares.items() if one]
    says = f"observing is {' and '.join(told_shares)} wall time, with each preset's own plan"
    return Finding(4, target, says, *at_most(shares["small"], OBSERVING_SHARE, SMALL_SEEDS))


def _together(results: Results) -> Finding:
    target = f"two runs at once on {CORES} cores, one thread each: at least {TOGETHER_RATIO:g} times one run's throughput"
    record = next(there(results.section("scaling", "two at once")), None)
    if not record:
        return Finding(5, target, "", None)
    one, both = record["alone_images_per_s"]["median"], record["together_images_per_s"]["median"]
    ratio = spread(record["ratio"], "times", "rounds")
    says = f"two runs at once give {ratio} one run's throughput: {both:.0f} and {one:.0f} images/s"
    return Finding(5, target, says, *_on_cores([record], at_least(record["ratio"], TOGETHER_RATIO, ROUNDS)))


def _demo(results: Results) -> Finding:
    target = f"`./lab demo` in at most {DEMO_WALL_S:g} s after set-up, its phases still seen"
    if not results.demo:
        return Finding(6, target, "", None)
    wall = plain([run["wall_s"] for run in results.demo])
    paths = [" ".join(run["summary"]["behaviour"]["sequence"]) for run in results.demo]
    says = (
        f"training and observing took {spread(wall, 's', 'runs')}, start and report not counted{_on(results.demo)}; "
        f"it passed {counted(paths)}"
    )
    met, why = _on_cores(results.demo, at_most(wall, DEMO_WALL_S, 1))
    unseen = [path for path in paths if not {"A", "B", "C"} <= set(path.split())]
    return Finding(6, target, says, *((False, "not all phases were seen") if met and unseen else (met, why)))


def _table(results: Results) -> Finding:
    target = "a record table: what was tried, what it gave, what did not help"
    commits = list(there(results.section("history", "commits")))
    if not commits and not results.pilots:
        return Finding(7, target, "", None)
    failing = sum(not outcome(pilot).reached for pilot in results.pilots)
    says = f"{len(commits)} commits are timed, and {len(results.pilots)} pilots listed, {failing} of which came to nothing"
    missing = [name for name, found in (("history", commits), ("pilots", results.pilots)) if not found]
    return Finding(7, target, says, None if missing else True, f"no {' and no '.join(missing)} yet")


def _contender(results: Results, name: str) -> tuple[Record, list[Record]]:
    """What order's seeds of a contender say together, and their records."""
    found = (results.order or {}).get("summary", {}).get("contenders", {}).get(name, {})
    return found, [record for record in results.records("order") if record["contender"] == name]


def _rate(record: Record) -> str:
    return spread(record["images_per_s"], "images/s", "rounds")


def _of_medians(ours: Record, theirs: Record) -> Record:
    return {"median": ours["median"] / theirs["median"], "n": min(ours["n"], theirs["n"])}


def _quickest(records: Iterable[Record]) -> Record | None:
    return max(records, key=lambda record: record["images_per_s"]["median"], default=None)


def _on_cores(records: Sequence[Record], verdict: Verdict) -> Verdict:
    """No verdict on seconds where the machine was not such as the target names."""
    cores = {record["cores"] for record in records}
    if cores == {CORES}:
        return verdict
    return None, f"measured on {' and '.join(map(str, sorted(cores)))} cores"


def _on(records: Sequence[Record]) -> str:
    found = sorted(f"{cores} cores of {cpu}" for cpu, cores in machines(records))
    return f", on {' and on '.join(found)}"
