"""Results of commands: scores, predictions, designs, clones, comparisons, as tables, as JSON, and as figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from phasescope.core.config import Config, Tree
from phasescope.core.places import Place
from phasescope.measures import Score
from phasescope.views.numbers import format_count, format_number
from phasescope.views.scores import PROBES, probe_r2
from phasescope.views.terminal.printing import Result, Table
from phasescope.views.terms import NULLS, null_words, place_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from phasescope.models.families import Clones
    from phasescope.runs.predicting import Designed, Prediction
    from phasescope.views.comparison import Comparison


def configuration(config: Config) -> Result:
    """Return all of a configuration as YAML that `train` takes, each field with its meaning as a comment."""
    return Result(_fields(config, config.tree()), verbatim=True)


def _fields(config: Config, tree: Tree, indent: str = "") -> Iterator[str]:
    for name, value in tree.items():
        field, inner = type(config).model_fields.get(name), getattr(config, name, None)
        meaning = f"  # {' '.join(field.description.split())}" if field and field.description else ""
        if isinstance(inner, Config):
            yield f"{indent}{name}:{meaning}"
            yield from _fields(inner, value, f"{indent}  ")
        else:
            # One line for each field, however long its value is: a comment goes behind it.
            text = yaml.safe_dump({name: value}, default_flow_style=True, sort_keys=False, width=math.inf)
            yield f"{indent}{text.strip()[1:-1]}{meaning}"


Nested = Mapping[str, Any]
"""measure -> Score, or measure -> place -> Score; perhaps with `left_out`: measure -> why it could not be computed"""


def scores(table: Nested) -> Result:
    """Return a row for each score: its place, value, interval, n and baselines; below, estimators, and what is left out.

    Each key of the JSON is a measure, so what is left out is not in it, but always a note.
    """
    left_out = _by_text(getattr(table, "left_out", {})).items()
    notes = [f"left out: {', '.join(names)}: {reason}" for reason, names in left_out]
    return Result(_score_blocks(list(_rows(table))), lambda: _plain(table), notes=notes)


def _score_blocks(rows: list[tuple[tuple[str, ...], Score]]) -> Iterator[str | Table]:
    nulls = [null for null in NULLS if any(null in score.nulls for _, score in rows)]
    nulls += sorted({null for _, score in rows for null in score.nulls} - set(nulls))
    depth = max((len(place) for place, _ in rows), default=1)
    heads = (*("measure", "latents at")[:depth], "value", "95 % interval", "n", *map(null_words, nulls))
    yield Table(heads, (line for place, score in rows for line in _lines(place, score, nulls)))
    for estimator, measures in _by_text({place[0]: score.estimator for place, score in rows}).items():
        yield f"{', '.join(measures)}: {estimator}"


def _lines(place: tuple[str, ...], score: Score, nulls: list[str]) -> Iterator[tuple[str, ...]]:
    """The score, and of a probe's minimum every factor's R² and their mean."""
    name, *sites = place
    probed = probe_r2(score.to_dict()) if name in PROBES else None
    factors = probed.factors if probed and len(probed.factors) > 1 else {}
    yield (
        f"{name}: minimum over factors" if factors else name,
        *(place_words(Place.parse(site)) for site in sites),
        _number(score.value),
        f"{_number(score.low)} to {_number(score.high)}",
        f"{score.n:,}",
        *(_number(score.nulls[null]) if null in score.nulls else "-" for null in nulls),
    )
    if probed and factors:
        for factor, value in {**factors, "mean": probed.mean}.items():
            yield (f"{name}: {factor}", *[""] * len(sites), _number(value))


def _by_text(texts: Mapping[str, str]) -> dict[str, list[str]]:
    """Group names that have the same text: a reason, an estimator."""
    names: dict[str, list[str]] = {}
    for name, text in texts.items():
        names.setdefault(text, []).append(name)
    return names


def _rows(scores: Nested, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Score]]:
    for key, value in scores.items():
        if isinstance(value, Score):
            yield (*place, key), value
        else:
            yield from _rows(value, (*place, key))


def _plain(scores: Nested) -> dict[str, Any]:
    return {k: v.to_dict() if isinstance(v, Score) else _plain(v) for k, v in scores.items()}


def _number(value: float) -> str:
    """Return three decimals at most: a score that is not 1 does not look as if it were."""
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"


COLUMNS = 9
"""times at which errors are shown"""


def prediction(predicted: Prediction) -> Result:
    """Return the label's share of the loss, when samples are decided, phases; errors of reference denoisers; baselines."""

    def figure() -> Figure:
        from phasescope.views.figures.standing import ladder

        return ladder(predicted.told, predicted.sentence)

    return Result(_prediction_blocks(predicted), lambda: predicted.told, figure)


def _prediction_blocks(predicted: Prediction) -> Iterator[str | Table]:
    tree = predicted.told
    yield f"{predicted.name}: {predicted.sentence}"
    yield f"training images: {tree['images']:,}; their label is {tree['label_nats']:.3f} nats"
    yield (
        f"R': {tree['r_prime']:.3g}: loss that only the label can remove, divided by loss that images can remove beyond "
        "the linear (Wiener) optimum"
    )
    yield f"expected of images: {tree['phases']}"
    yield f"one image stands out: {_when(tree, 'condensation')}"
    yield f"the widest mode is unstable: {_when(tree, 'instability')}"
    known = "1, as the network knows absolute positions"
    if (shift := tree["shift_px"]) is not None:
        known = f"{tree['cap']:.3g}, as the network cannot tell positions apart that are {shift} px from each other"
    yield f"accuracy at most: {known}"
    mmse = tree["mmse"]
    shown = np.linspace(0, len(mmse["t"]) - 1, min(COLUMNS, len(mmse["t"]))).round().astype(int)
    yield Table(
        ("error of x_0, an image, at t =", *(f"{mmse['t'][i]}" for i in shown)),
        ((name, *(f"{errors[i]:.2f}" for i in shown)) for name, errors in mmse.items() if name != "t"),
    )
    for name, why in tree["left_out"].items():
        yield f"left out: {name}: {why}"
    yield from _baselines(tree["copier"])


def _when(tree: dict[str, Any], event: str) -> str:
    t, snr = tree[f"t_{event}"], f"SNR {tree[f'snr_{event}']:.3g}"
    return f"at no t: {snr} is not reached" if t is None else f"from t = {t:.0f} on down, {snr}"


def _baselines(shares: dict[str, dict[str, float]]) -> Iterator[Table]:
    """Yield what each nearest-neighbour baseline gets right of each split; nothing where nothing reads the images."""
    if shares:
        splits = list(next(iter(shares.values())))
        rows = ((name, *(f"{correct[split]:.3f}" for split in splits)) for name, correct in shares.items())
        yield Table(("correct of", *(split.replace("_", " ") for split in splits)), rows)


def design(designed: Designed) -> Result:
    """Return how many labels are trained on and tested, and the accuracy of baselines."""

    def figure() -> Figure:
        from phasescope.views.figures.results import design_figure

        return design_figure(designed)

    labels = {split: rows.tolist() for split, rows in designed.labels.items()}
    tree = {"name": designed.name, **designed.told, "labels": labels}
    return Result(_design_blocks(designed), lambda: tree, figure)


def _design_blocks(designed: Designed) -> Iterator[str | Table]:
    tree = designed.told
    yield f"{designed.name}: {tree['sentence']}"
    splits = tree["splits"].items()
    yield Table(("labels", "number"), ((name.replace("_", " "), format_count(n)) for name, n in splits))
    yield from _baselines(tree["copier"])


def clones(counted: Clones, run: str) -> Result:
    """Return a row for each noise level: the share that came back, and the exact share; then where half come back."""

    def figure() -> Figure:
        from phasescope.views.figures.results import clones_figure

        return clones_figure(counted, run)

    levels = (counted.conditions, counted.share, counted.low, counted.high, counted.exact)
    rows = (
        (f"{t}", f"{share:.3f}", f"{low:.3f} to {high:.3f}", f"{exact:.3f}")
        for t, share, low, high, exact in zip(*levels, strict=True)
    )
    half, low, high, exact = map(format_number, (*counted.half, counted.exact_half))
    summary = (
        f"half come back at t = {half} ({low} to {high}); of a perfect network without the label at t = {exact}; "
        f"n = {counted.images} images, {counted.each} clones each"
    )
    tree = {name: np.asarray(value).tolist() for name, value in asdict(counted).items()}
    heads = ("t", "came back", "95 % interval", "perfect, without the label")
    return Result([Table(heads, rows), summary], lambda: tree, figure)


def comparison(compared: Comparison, page: Path | None) -> Result:
    """Return a column for each run: what differs in configuration, then results; and `page`, if it was written."""
    parts = {"differs": compared.differs, "stands": compared.stands}
    rows = ((row.label, *row.texts) for part in parts.values() for row in part)
    tree = {part: {row.name: row.values for row in rows} for part, rows in parts.items()}
    written = [f"page: {page}"] if page else []
    return Result(
        [Table(("", *compared.names), rows), *compared.notes, *written],
        lambda: {"runs": compared.names, **tree, "notes": compared.notes},
    )
