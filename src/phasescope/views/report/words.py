"""What a run's data say, in sentences: the verdict, the captions. No number here is typed."""

from __future__ import annotations

from typing import Any

from phasescope.measures.learning.gain import LEAST_LEFT, floors
from phasescope.views.figures import label_space, standing
from phasescope.views.names import READINGS, null_words, place_words, probed, split_words
from phasescope.views.record import Record, score

REPRESENTATION = {"B": "low-dimensional, not ordered", "C": "ordered"}
"""what its phases mean"""


def verdict(record: Record) -> list[str]:
    """What was measured, in sentences: how far the run is, each reading's phases, which came first."""
    return [
        *_progress(record),
        *_formed(record),
        *(_passage(record, reading) for reading in _read(record)),
        *_precedence(record),
        *_caveats(record),
    ]


def damage(record: Record) -> list[str]:
    """What of the run is damaged and not shown, in sentences."""
    return [f"Damaged: {why}." for why in record.faults] + [
        f"Left out: the snapshot of step {step:,}: {why}." for step, why in record.left_out.items()
    ]


def subject(record: Record) -> str:
    """The run in one line: what is learnt, by what, from which seed, how long, where."""
    return "; ".join(filter(None, (world_words(record), learner(record), hardware(record))))


def world_words(record: Record) -> str:
    """What is painted, and trained on."""
    return record.about.get("sentence") or _world_words(record.config.get("world") or {})


def learner(record: Record) -> str:
    """By what it is learnt, from which seed, how long."""
    config, status = record.config, record.status
    kinds = [
        str((config.get(key) or {}).get("kind") or "").replace("_", " ") for key in ("family", "network")
    ]
    batch = (config.get("training") or {}).get("batch")
    given = (config.get("network") or {}).get("hyperparameters") or {}
    parts = [
        ", ".join(filter(None, kinds)),
        f"{status['parameters']:,} parameters" if "parameters" in status else "",
        "" if record.is_watched else f"seed {config.get('seed', '?')}",
        ", ".join(f"{name} {value}" for name, value in given.items()),
        f"batch {batch}" if batch else "",
        f"{record.metrics[-1]['step']:,} steps, {record.metrics[-1]['images_seen']:,} images seen"
        if record.metrics
        else "",
    ]
    return "; ".join(part for part in parts if part)


def hardware(record: Record) -> str:
    """Threads, processor, device and the time spent."""
    status = record.status
    parts = []
    if "threads" in status:
        parts.append(
            f"{status['threads']} {'thread' if status['threads'] == 1 else 'threads'} of {status.get('cpu', 'a CPU')}"
        )
    if status.get("device", "cpu") != "cpu":
        parts.append(str(status["device"]))
    if "wall_s" in status:
        parts.append(
            f"{status['wall_s']:,.0f} s of wall time, {status.get('cpu_s', float('nan')):,.0f} s of CPU time"
        )
    return ", ".join(parts)


def caption(record: Record, figure: str) -> str:
    """The caption of `figure` (as `FIGURES` of pictures.py names it) where it stands alone."""
    return f"{_describe(record, figure)} One run: {subject(record)}."


def percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share == share else "not read"


def _describe(record: Record, figure: str) -> str:
    return {
        "timeline": _timeline,
        "told_and_seen": _told_and_seen,
        "painted": _painted,
        "manifold": _manifold,
        "denoising": _denoising,
        "standing": standing.described,
        "label_space": label_space.described,
    }[figure](record)


def _timeline(record: Record) -> str:
    limit = record.thresholds
    marks = [
        f"{name} {onset:,}"
        for reading, name in READINGS.items()
        if (onset := record.onsets(reading)["C"]) is not None
    ]
    return (
        f"{len(record.metrics)} snapshots; bands of phases change half way between two. "
        f"{_outcome_counts(record)}Probe R² (thick: minimum over "
        f"factors; thin: each factor) is read off the latents of n = {_labels_of(record, 'order')} labels; label share and "
        f"the dimension of label means off n = {_labels_of(record, 'label_share')}, several noise draws each. Bands are "
        f"95 % intervals, grey lines nulls. Thresholds, drawn where a score comes to them: of what the highest null leaves, "
        f"order {limit['order']:g} (kept until below {limit['order'] - limit['hysteresis']:g}) and label share "
        f"{limit['label_share']:g}; dimension {limit['label_dimension']:g}, or that of the label's encoding if higher. "
        f"Dotted verticals: phase C for good ({', '.join(marks) + ' images' if marks else 'not reached'})."
    )


def _outcome_counts(record: Record) -> str:
    if not record.splits:
        return ""
    counts = ", ".join(
        f"{record.count(split)} {split_words(split, record.is_unconditional)}" for split in record.splits
    )
    if record.is_unconditional:
        return f"Outcomes are of n = {counts}; the network is told no label. "
    return (
        f"Outcomes are of n = {counts}; a phase of behaviour needs a majority of the first "
        f"(> {record.thresholds['majority']:g}, 95 % interval). "
    )


def _painted(record: Record) -> str:
    marks = ["a crosshair marks the place asked for"] if record.position else []
    marks += ["a border the outcome"] if record.outcomes else []
    told = f"; {', '.join(marks)}" if marks else ""
    same = "Told no label at any" if record.is_unconditional else "The same labels at each"
    return f"{same} snapshot, from the same sampling noise{told}."


def _manifold(record: Record) -> str:
    place = record.declared_place("representation")
    return (
        f"Latents at {place_words(place) if place else 'no place'} on their first three principal components, "
        "at unit mean square norm, each snapshot turned (orthogonal Procrustes) to the next, the last to the labels; "
        "nothing is stretched."
    )


def _told_and_seen(record: Record) -> str:
    return probed(
        f"n = {_labels_of(record, 'order_told')} labels, each told beside the image of another: ridge R² from the latents "
        "to the label that was told, and to that of the image that was seen; under it the share of the latents' variance "
        "that either explains. Bands are 95 % intervals. Thin: the untrained network (dashes), and the pixels that it is "
        "given (dash and dot). What lies below a panel is drawn at its end.",
        record.factors,
    )


def _denoising(record: Record) -> str:
    if record.is_unconditional:
        return (
            "Mean squared error of the noise per pixel by band of t, over training images. Dashed: the exact optimum "
            "without the label, the floor of a network that is told none."
        )
    floor = (
        "Dotted: the exact optimum given the label, which names several images, so that it is not 0."
        if record.about.get("hidden")
        else "The exact conditional optimum is the floor, 0: a label names one image."
    )
    return (
        f"Mean squared error of the noise per pixel by band of t, over training labels. {floor} Dashed: the exact "
        "optimum without the label."
    )


def _progress(record: Record) -> list[str]:
    status = record.status
    state, step, steps = status.get("state"), status.get("step"), status.get("steps")
    if state == "done" or step is None:
        return []
    how = {
        "running": "is still running",
        "stopped": "was stopped",
        "failed": "failed",
        "killed": "was killed",
    }
    error = f" ({status['error']})" if status.get("error") else ""
    return [f"This run {how.get(str(state), str(state))} at step {step:,} of {steps:,}{error}."]


def _formed(record: Record) -> list[str]:
    """Of a network that is told no label: how many of its images are formed."""
    if not (record.is_unconditional and record.splits):
        return []
    split, name = record.splits[0], record.outcomes[-1].name
    share = record.outcome_shares(split)[name][-1]
    return [
        f"The network is told no label; {percent(share)} of its images (n = {record.count(split)}) are {name}."
    ]


def _read(record: Record) -> list[str]:
    return [reading for reading in READINGS if any(record.phases(reading))]


def meaning(record: Record, reading: str, phase: str) -> str:
    """What it is to be in phase B or C of a reading."""
    if reading != "behaviour":
        return REPRESENTATION[phase]
    names = [outcome.name for outcome in record.outcomes if outcome.phase == phase]
    if not names and phase == "C":
        names = [outcome.name for outcome in record.outcomes[-1:]]
    return f"mostly {' or '.join(names)}" if names else "on the way"


def _world_words(world: dict[str, Any]) -> str:
    """Of a run that does not say what it is about: its world's kind, and what is plainly told of it."""
    told = [f"{name} {value}" for name, value in world.items() if isinstance(value, int | float | str)]
    kind = str(world.get("kind", "")).replace("_", " ")
    return ", ".join([kind, *(one for one in told if not one.startswith("kind "))])


def _name(record: Record, reading: str) -> str:
    if reading == "behaviour":
        return "Behaviour"
    names = {
        "sheet": "The sheet of the latents",
        "representation": probed("The representation by ridge R²", record.factors),
        "representation_p1": "The representation by P1's reading",
    }
    place = record.declared_place(reading)
    return f"{names[reading]} ({place_words(place)})" if place else names[reading]


def _passage(record: Record, reading: str) -> str:
    passed, began = record.sequence(reading), record.onsets(reading)
    if not passed:
        return f"{_name(record, reading)} was undecided at all of {len(record.metrics)} snapshots."
    undecided = record.phases(reading).count("undecided")
    doubt = f" (undecided at {undecided} of {len(record.metrics)} snapshots)" if undecided else ""
    passage = f"passed {', '.join(passed)}" if len(passed) > 1 else f"was in {passed[0]} wherever decided"
    path = f"{_name(record, reading)} {passage}{doubt}"
    marks = [
        f"{phase} ({meaning(record, reading, phase)}) from {began[phase]:,} images on"
        for phase in ("B", "C")
        if phase in passed and began[phase] is not None
    ]
    end = record.images_seen[-1]
    if began["C"] is None:
        marks.append(f"C ({meaning(record, reading, 'C')}) was not reached for good by {end:,.0f} images")
    return f"{path}: {'; '.join(marks)}."


def _precedence(record: Record) -> list[str]:
    if not {"behaviour", "representation"} <= set(_read(record)):
        return []
    success = f"mostly {record.outcomes[-1].name} images"
    painted = record.onsets("behaviour")["C"]
    clauses = []
    for reading, name in (
        ("representation", probed("by ridge R²", record.factors)),
        ("representation_p1", "by P1's reading"),
    ):
        if reading not in _read(record):
            continue
        ordered = record.onsets(reading)["C"]
        if ordered is None and painted is None:
            clauses.append(f"{name}, neither order nor {success} were reached")
        elif ordered is None:
            clauses.append(f"{name}, {success} came, and the latents did not become ordered")
        elif painted is None:
            clauses.append(f"{name}, the latents became ordered, and {success} did not come")
        elif ordered == painted:
            clauses.append(f"{name}, order and {success} came at the same snapshot")
        else:
            first, then = ("order", success) if ordered < painted else (success, "order")
            clauses.append(f"{name}, {first} came first, {abs(ordered - painted):,} images before {then}")
    return [f"Which came first: {'; '.join(clauses)}."]


def _caveats(record: Record) -> list[str]:
    """Where a null alone, at the last snapshot, leaves nothing that order could be judged by."""
    sentences = []
    for reading, measure in (("representation", "order"), ("representation_p1", "p1_order")):
        place = record.declared_place(reading)
        if place is None or not record.metrics:
            continue
        found = score(record.metrics[-1], measure, place)
        for null, level in floors((found or {}).get("nulls") or {}).items():
            if level is not None and 1 - level < LEAST_LEFT:
                sentences.append(
                    f"Order at {place_words(place)} can be no evidence of learning: its null, {null_words(null)}, has "
                    f"{probed('R²', record.factors)} {level:.3f} there, which leaves too little to be gained."
                )
    return sentences


def _labels_of(record: Record, measure: str) -> int:
    """How many labels the scores of `measure` rest on."""
    counts = [
        found["n"]
        for line in record.metrics
        for place in record.places(measure)
        if (found := score(line, measure, place)) and found.get("n")
    ]
    return max(counts, default=0)
