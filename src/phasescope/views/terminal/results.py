"""The results of commands as tables in a terminal, or as JSON: scores, predictions, designs, clones, comparisons."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.measures import Score
from phasescope.places import Place
from phasescope.views.numbers import format_count, format_number
from phasescope.views.scores import PROBES, probe_r2
from phasescope.views.terminal.printing import open_console, print_json, print_table
from phasescope.views.terms import NULLS, null_words, place_words

if TYPE_CHECKING:
    from phasescope.families import Clones
    from phasescope.runs.predicting import Designed, Prediction
    from phasescope.views.comparison import Comparison

Nested = Mapping[str, Any]
"""measure -> Score, or measure -> place -> Score; perhaps with `left_out`: measure -> why it could not be computed"""


def print_scores(scores: Nested, as_json: bool) -> None:
    """Print a line a score: its place, value, interval, n and baselines; below, estimators, and what is left out.

    Each key of the JSON is a measure, so beside it what is left out goes to standard error.
    """
    left_out = _by_text(getattr(scores, "left_out", {}))
    if as_json:
        print_json(_plain(scores))
    else:
        rows = list(_rows(scores))
        nulls = [null for null in NULLS if any(null in score.nulls for _, score in rows)]
        nulls += sorted({null for _, score in rows for null in score.nulls} - set(nulls))
        depth = max((len(place) for place, _ in rows), default=1)
        heads = (*("measure", "latents at")[:depth], "value", "95 % interval", "n", *map(null_words, nulls))
        print_table(heads, (line for place, score in rows for line in _lines(place, score, nulls)))
        for estimator, measures in _by_text({place[0]: score.estimator for place, score in rows}).items():
            open_console().print(f"{', '.join(measures)}: {estimator}")
    for reason, names in left_out.items():
        print(f"left out: {', '.join(names)}: {reason}", file=sys.stderr if as_json else sys.stdout)


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


def print_prediction(prediction: Prediction, as_json: bool) -> None:
    """Print the label's share of the loss, when samples are decided, phases; errors of reference denoisers; baselines."""
    tree = prediction.told
    if as_json:
        print_json(tree)
        return
    console = open_console()
    console.print(f"{prediction.name}: {prediction.sentence}")
    shift = tree["shift_px"]
    print_table(
        (),
        [
            ("training images", f"{tree['images']:,}; their label is {tree['label_nats']:.3f} nats"),
            (
                "R'",
                f"{tree['r_prime']:.3g}: loss that only the label can remove, divided by loss that images can remove "
                "beyond the linear (Wiener) optimum",
            ),
            ("expected of images", tree["phases"]),
            ("one image stands out", _when(tree, "condensation")),
            ("the widest mode is unstable", _when(tree, "instability")),
            (
                "accuracy at most",
                "1: the network knows absolute positions"
                if shift is None
                else f"{tree['cap']:.3g}: the network cannot tell positions apart that are {shift} px from each other",
            ),
        ],
    )
    mmse = tree["mmse"]
    shown = np.linspace(0, len(mmse["t"]) - 1, min(COLUMNS, len(mmse["t"]))).round().astype(int)
    print_table(
        ("error of x_0, an image, at t =", *(f"{mmse['t'][i]}" for i in shown)),
        ((name, *(f"{errors[i]:.2f}" for i in shown)) for name, errors in mmse.items() if name != "t"),
    )
    for name, why in tree["left_out"].items():
        console.print(f"left out: {name}: {why}")
    print_baselines(tree["copier"])


def _when(tree: dict[str, Any], event: str) -> str:
    t, snr = tree[f"t_{event}"], f"SNR {tree[f'snr_{event}']:.3g}"
    return f"at no t: {snr} is not reached" if t is None else f"from t = {t:.0f} on down, {snr}"


def print_baselines(shares: dict[str, dict[str, float]]) -> None:
    """Print what each nearest-neighbour baseline gets right of each split; nothing where nothing reads the images."""
    if shares:
        splits = list(next(iter(shares.values())))
        rows = ((name, *(f"{of[split]:.3f}" for split in splits)) for name, of in shares.items())
        print_table(("correct of", *(split.replace("_", " ") for split in splits)), rows)


def print_design(design: Designed, as_json: bool) -> None:
    """Print how many labels are trained on and tested; the overlap of images; what nearest-neighbour baselines get right."""
    tree = design.told
    if as_json:
        labels = {name: some.tolist() for name, some in design.labels.items()}
        print_json({"name": design.name, **tree, "labels": labels})
        return
    open_console().print(f"{design.name}: {tree['sentence']}")
    splits = tree["splits"].items()
    print_table(("labels", "number"), ((name.replace("_", " "), format_count(n)) for name, n in splits))
    if tree["percolation"]:
        print_table(
            ("images overlap by", "in the largest component", "trained on", "critical share"),
            (
                (
                    f"{one['threshold']:g}",
                    f"{one['largest']:.3f}",
                    f"{one['trained_share']:.3f}",
                    _critical(one),
                )
                for one in tree["percolation"]
            ),
        )
    print_baselines(tree["copier"])


def _critical(row: dict) -> str:
    critical = row["critical_share"]
    bound = "at most " if row["critical_is_at_most"] else ""
    return "none" if critical != critical else f"{bound}{critical:.3f}"


def print_clones(clones: Clones, as_json: bool) -> None:
    """Print a line a noise level: the share that came back, its interval, the exact share; then where half come back."""
    if as_json:
        print_json({name: np.asarray(value).tolist() for name, value in asdict(clones).items()})
        return
    columns = (clones.conditions, clones.share, clones.low, clones.high, clones.exact)
    print_table(
        ("t", "came back", "95 % interval", "perfect, without the label"),
        (
            (f"{t}", f"{share:.3f}", f"{low:.3f} to {high:.3f}", f"{exact:.3f}")
            for t, share, low, high, exact in zip(*columns, strict=True)
        ),
    )
    half, low, high, exact = map(format_number, (*clones.half, clones.exact_half))
    open_console().print(
        f"half come back at t = {half} ({low} to {high}); of a perfect network without the label at t = {exact}; "
        f"n = {clones.images} images, {clones.each} clones each"
    )


def print_comparison(comparison: Comparison, as_json: bool) -> None:
    """Print one table, a column a run: what differs in configuration, then the results of each."""
    parts = {"differs": comparison.differs, "stands": comparison.stands}
    if as_json:
        rows = {part: {row.name: row.values for row in rows} for part, rows in parts.items()}
        print_json({"runs": comparison.names, **rows, "notes": comparison.notes})
        return
    print_table(
        ("", *comparison.names),
        ((row.label, *row.texts) for rows in parts.values() for row in rows),
    )
    for note in comparison.notes:
        open_console().print(note)
