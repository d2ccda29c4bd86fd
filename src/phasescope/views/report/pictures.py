"""The figures of a run by name, their captions, and the run without what is damaged."""

from __future__ import annotations

from collections.abc import Iterator

from phasescope.runs.store.folder import Run
from phasescope.views.figures import label_space, standing
from phasescope.views.figures.curves import denoising, timeline, told_and_seen
from phasescope.views.figures.manifold import manifold_figure
from phasescope.views.figures.painted import painted
from phasescope.views.record import Record
from phasescope.views.report.words import labels_of, subject
from phasescope.views.terms import READINGS, place_words, probed, split_words

FIGURES = {
    "timeline": timeline,
    "label_space": label_space.label_space,
    "told_and_seen": told_and_seen,
    "painted": painted,
    "manifold": manifold_figure,
    "denoising": denoising,
    "standing": standing.standing,
}


def caption(record: Record, figure: str) -> str:
    """Return the caption of a figure of `FIGURES`, with the run that it is of."""
    shows = {
        "timeline": _timeline,
        "told_and_seen": _told_and_seen,
        "painted": _painted,
        "manifold": _manifold,
        "denoising": _denoising,
        "standing": standing.described,
        "label_space": label_space.described,
    }[figure](record)
    return f"{shows} One run: {subject(record)}."


def _timeline(record: Record) -> str:
    limit = record.thresholds
    onsets = {words: record.onsets(reading)["C"] for reading, words in READINGS.items()}
    marks = ", ".join(f"{words} {onset:,}" for words, onset in onsets.items() if onset is not None)
    return (
        f"{len(record.metrics)} snapshots; bands of phases change half way between two. {_outcome_counts(record)}Probe R² "
        f"(thick: minimum over factors; thin: each factor) is read from the latents of n = {labels_of(record, 'order')} "
        "labels; label variance and the dimension of label means from n = "
        f"{labels_of(record, 'label_share')}, several noise draws each. Bands are 95 % intervals, grey lines baselines. "
        "Thresholds are drawn at the score that reaches them: of what the highest baseline leaves, order "
        f"{limit['order']:g} (kept until below {limit['order'] - limit['hysteresis']:g}) and label variance "
        f"{limit['label_share']:g}; dimension {limit['label_dimension']:g}, or that of the label's encoding if higher. "
        f"Dotted verticals: phase C for good ({f'{marks} images' if marks else 'not reached'})."
    )


def _outcome_counts(record: Record) -> str:
    if not record.splits:
        return ""
    splits = ((record.count(split), split_words(split, record.is_unconditional)) for split in record.splits)
    counts = ", ".join(f"{n} {words}" for n, words in splits)
    if record.is_unconditional:
        return f"Outcomes are of n = {counts}; the network gets no label. "
    majority = f"a majority of the first (> {record.thresholds['majority']:g}, 95 % interval)"
    return f"Outcomes are of n = {counts}; a phase of behaviour needs {majority}. "


def _painted(record: Record) -> str:
    marks = ["a crosshair marks the requested position"] * bool(record.position)
    marks += ["a border the outcome"] * bool(record.outcomes)
    labels = "Without a label at any" if record.is_unconditional else "The same labels at each"
    return f"{'; '.join([f'{labels} snapshot, from the same sampling noise', *filter(None, [', '.join(marks)])])}."


def _manifold(record: Record) -> str:
    place = record.declared_place("representation")
    return (
        f"Latents at {place_words(place) if place else 'no site'} on their first three principal components, "
        "at unit mean square norm, each snapshot turned (orthogonal Procrustes) to the next, the last to the labels; "
        "nothing is stretched."
    )


def _told_and_seen(record: Record) -> str:
    return probed(
        f"n = {labels_of(record, 'order_told')} labels, each given beside the image of another: ridge R² from the latents "
        "to the label of the condition, and to that of the input image; dashed, the share of the latents' variance that "
        "either explains. Bands are 95 % intervals. Thin: the untrained network (dashes), and the pixels that it is given "
        "(dash and dot). What lies below a panel is drawn at its end.",
        record.factors,
    )


def _denoising(record: Record) -> str:
    if record.is_unconditional:
        return (
            "Mean squared error of the noise per pixel by band of t, over training images. Dashed: the exact optimum "
            "without the label, the floor of a network that gets none."
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


def sound_record(run: Run) -> Record:
    """The run without the snapshots that a report cannot show; `Record.left_out` says why."""
    return Record(run, dict(_damaged(run)))


def _damaged(run: Run) -> Iterator[tuple[int, str]]:
    """(step, why) of each snapshot that the metrics tell of, and that is missing."""
    snapshots = {snapshot.step for snapshot in run.snapshots}
    for step in [line["step"] for line in run.metrics] if snapshots else ():
        if step not in snapshots:
            yield step, "it is missing"
