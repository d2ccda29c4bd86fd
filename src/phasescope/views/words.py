"""What a run's data say, in sentences: the verdict, the captions. No number here is typed."""

from __future__ import annotations

from dataclasses import asdict

from phasescope.measures.phases import BEHAVIOUR, REPRESENTATION, floors, phase_onsets, phase_sequence
from phasescope.views.record import NULLS, READINGS, Record, score

MEANINGS = {
    "behaviour": {"B": "mostly one bump, misplaced", "C": "mostly correct"},
    "representation": {"B": "low-dimensional, not ordered", "C": "ordered"},
    "representation_p1": {"B": "low-dimensional, not ordered", "C": "ordered"},
}

UNITS = {
    "order": "R²",
    "p1_order": "R²",
    "trustworthiness": "0 to 1",
    "participation_ratio": "participation ratio",
    "label_dimension": "participation ratio",
    "label_share": "share",
}


def thresholds(record: Record) -> dict[str, float]:
    """The threshold of each measure that has one, and `majority`, what an outcome's share must exceed.

    Those by which the run's phases were decided; where it says none, those declared now.
    """
    recorded = record.summary.get("thresholds") or {}
    behaviour = asdict(BEHAVIOUR) | recorded.get("behaviour", {})
    representation = asdict(REPRESENTATION) | recorded.get("representation", {})
    return {
        "majority": behaviour["majority"],
        "order": representation["order"],
        "p1_order": representation["order"],
        "label_dimension": representation["dimension"],
        "label_share": representation["label_share"],
    }


def sequence(record: Record, reading: str) -> list[str]:
    """The decided phases of `reading` in their order, repeats in a row told once."""
    return phase_sequence([phase for phase in record.phases(reading) if phase is not None])


def onsets(record: Record, reading: str) -> dict[str, int | None]:
    """Images seen from which on `reading` is for good in phase B or later, and in phase C."""
    read = [
        (int(seen), phase)
        for seen, phase in zip(record.images_seen, record.phases(reading), strict=True)
        if phase
    ]
    return phase_onsets([seen for seen, _ in read], [phase for _, phase in read])


def verdict(record: Record) -> list[str]:
    """What was measured, in sentences: how far the run is, each reading's phases, which came first."""
    return [
        *_progress(record),
        *(_passage(record, reading) for reading in _read(record)),
        *_precedence(record),
        *_caveats(record),
    ]


def headline(record: Record) -> list[tuple[str, str]]:
    """(name, value) of the few numbers that a run is known by."""
    last = record.metrics[-1] if record.metrics else {}
    facts = []
    for labels, name in (("grid", "correct, grid labels"), ("off_grid", "correct, off-grid labels")):
        shares = record.outcome_shares(labels)
        if shares:
            facts.append((f"{name} (n = {record.count(labels)})", percent(shares["correct"][-1])))
    for labels, name in (("grid", "grid"), ("off_grid", "off-grid")):
        error = (last.get("error_px") or {}).get(labels)
        if error is not None:
            facts.append((f"median error, {name}", f"{error:.2f} px"))
    for reading, measure, name in (
        ("representation", "order", "order"),
        ("representation_p1", "p1_order", "P1's order"),
    ):
        place = record.declared_place(reading)
        value = record.series(measure, place)[-1] if place and record.metrics else float("nan")
        if value == value:
            facts.append((f"{name} ({place})", f"R² {value:.2f}"))
    return facts


def subject(record: Record) -> str:
    """The run in one line: what is learnt, by what, from which seed, how long, where."""
    config, status = record.config, record.status
    world, family, training = (config.get(key, {}) for key in ("world", "family", "training"))
    design = world.get("design", {})
    parts = [
        f"{str(world.get('kind', 'world')).replace('_', ' ')} {world.get('canvas')}x{world.get('canvas')}, "
        f"sigma {world.get('sigma_px'):g} px, {world.get('boundary', 'open')} boundary"
        if "sigma_px" in world
        else str(world.get("kind", "")),
        f"grid {design['dx']:g} x {design['dy']:g} px" if {"dx", "dy"} <= design.keys() else "",
        f"{family['predict']}-prediction" if "predict" in family else "",
        f"{status['parameters']:,} parameters" if "parameters" in status else "",
        f"seed {config.get('seed', '?')}",
        f"batch {training['batch']}" if "batch" in training else "",
        f"{record.metrics[-1]['step']:,} steps, {record.metrics[-1]['images_seen']:,} images seen"
        if record.metrics
        else "",
        hardware(record),
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
    """The caption of `figure` (timeline, painted, manifold or denoising) where it stands alone."""
    return f"{_describe(record, figure)} One run: {subject(record)}."


def description(record: Record, figure: str) -> str:
    """What `figure` shows, on a page that says of which run."""
    last = record.metrics[-1] if record.metrics else {"step": 0, "images_seen": 0}
    span = f"{last['step']:,} steps, {last['images_seen']:,} images seen"
    return f"{_describe(record, figure)} Seed {record.config.get('seed')}, {span}."


def percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share == share else "not read"


def _describe(record: Record, figure: str) -> str:
    return {"timeline": _timeline, "painted": _painted, "manifold": _manifold, "denoising": _denoising}[
        figure
    ](record)


def _timeline(record: Record) -> str:
    limit = thresholds(record)
    marks = [
        f"{name} {onset:,}"
        for reading, name in READINGS.items()
        if (onset := onsets(record, reading)["C"]) is not None
    ]
    return (
        f"{len(record.metrics)} snapshots; bands of phases change half way between two. Outcomes are of "
        f"n = {record.count('grid')} labels on the grid and {record.count('off_grid')} off it; a phase of "
        f"behaviour needs a majority of those on the grid (> {limit['majority']:g}, 95 % interval). Order is "
        f"read off the latents of n = {_labels_of(record, 'order')} labels; label share and the dimension of "
        f"label means off n = {_labels_of(record, 'label_share')}, several noise draws each. Bands are 95 % "
        f"intervals, grey lines nulls. Thresholds: order {limit['order']:g}, dimension "
        f"{limit['label_dimension']:g}, label share {limit['label_share']:g}. "
        f"Dotted verticals: phase C for good ({', '.join(marks) + ' images' if marks else 'not reached'})."
    )


def _painted(record: Record) -> str:
    sigma = record.config.get("world", {}).get("sigma_px")
    bump = f" (sigma = {sigma:g} px)" if sigma is not None else ""
    return (
        "The same labels at each snapshot, from the same sampling noise; a crosshair marks the place asked "
        f"for{bump}, a border the outcome."
    )


def _manifold(record: Record) -> str:
    place = record.declared_place("representation")
    return (
        f"Latents at {place} on their first three principal components, at unit mean square norm, each "
        "snapshot turned (orthogonal Procrustes) to the next, the last to the labels; nothing is stretched."
    )


def _denoising(record: Record) -> str:
    return (
        "Mean squared error of the noise per pixel by band of t, over training labels. The exact conditional "
        "optimum is the floor, 0: a label names one image. Dashed: the exact optimum without the label."
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


def _read(record: Record) -> list[str]:
    return [reading for reading in READINGS if any(record.phases(reading))]


def _name(record: Record, reading: str) -> str:
    if reading == "behaviour":
        return "Behaviour"
    name = (
        "The representation by ridge R²"
        if reading == "representation"
        else "The representation by P1's reading"
    )
    place = record.declared_place(reading)
    return f"{name} ({place})" if place else name


def _passage(record: Record, reading: str) -> str:
    passed, began = sequence(record, reading), onsets(record, reading)
    if not passed:
        return f"{_name(record, reading)} was undecided at all of {len(record.metrics)} snapshots."
    undecided = record.phases(reading).count("undecided")
    doubt = f" (undecided at {undecided} of {len(record.metrics)} snapshots)" if undecided else ""
    passage = f"passed {', '.join(passed)}" if len(passed) > 1 else f"was in {passed[0]} wherever decided"
    path = f"{_name(record, reading)} {passage}{doubt}"
    marks = [
        f"{phase} ({MEANINGS[reading][phase]}) from {began[phase]:,} images on"
        for phase in ("B", "C")
        if phase in passed and began[phase] is not None
    ]
    end = record.images_seen[-1]
    if began["C"] is None:
        marks.append(f"C ({MEANINGS[reading]['C']}) was not reached for good by {end:,.0f} images")
    return f"{path}: {'; '.join(marks)}."


def _precedence(record: Record) -> list[str]:
    if not {"behaviour", "representation"} <= set(_read(record)):
        return []
    painted = onsets(record, "behaviour")["C"]
    clauses = []
    for reading, name in (("representation", "by ridge R²"), ("representation_p1", "by P1's reading")):
        if reading not in _read(record):
            continue
        ordered = onsets(record, reading)["C"]
        if ordered is None and painted is None:
            clauses.append(f"{name}, neither order nor mostly correct images were reached")
        elif ordered is None:
            clauses.append(f"{name}, images became mostly correct, and the latents not ordered")
        elif painted is None:
            clauses.append(f"{name}, the latents became ordered, and images not mostly correct")
        elif ordered == painted:
            clauses.append(f"{name}, order and mostly correct images came at the same snapshot")
        else:
            first, then = (
                ("order", "mostly correct images")
                if ordered < painted
                else ("mostly correct images", "order")
            )
            clauses.append(f"{name}, {first} came first, {abs(ordered - painted):,} images before {then}")
    return [f"Which came first: {'; '.join(clauses)}."]


def _caveats(record: Record) -> list[str]:
    """Where a null alone, at the last snapshot, reaches the threshold that order is judged by."""
    sentences = []
    for reading, measure in (("representation", "order"), ("representation_p1", "p1_order")):
        place = record.declared_place(reading)
        found = score(record.metrics[-1], measure, place) if place and record.metrics else None
        limit = thresholds(record)[measure]
        for null, level in floors((found or {}).get("nulls") or {}).items():
            if level is not None and level >= limit:
                sentences.append(
                    f"Order at {place} is no evidence of learning by its threshold alone ({limit:g}): "
                    f"its null, {NULLS.get(null, null)}, has R² {level:.2f} there."
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
