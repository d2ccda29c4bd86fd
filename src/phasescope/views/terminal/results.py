"""Results of commands: scores, predictions, designs, clones, as tables, as JSON, and as figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.core.config import Config, Tree, to_yaml
from phasescope.core.factors import Factors
from phasescope.core.formats import format_number
from phasescope.measures import Score
from phasescope.runs.store.sites import Site
from phasescope.views.facts.numbers import format_count, format_score
from phasescope.views.facts.tables import score_table
from phasescope.views.facts.terms import IMAGE_BASELINES
from phasescope.views.terminal.printing import Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from phasescope.models.families import Clones
    from phasescope.runs.config import RunConfig
    from phasescope.runs.trained.design import Designed
    from phasescope.runs.trained.predict import Prediction


def configuration(config: RunConfig) -> Result:
    """Return all of a configuration as YAML that `train` takes, each field with its meaning as a comment.

    A field that is `usual` also has its value for this configuration.
    """
    return Result(_fields(config, config.tree(), usual=_usual(config)), verbatim=True)


def _usual(config: RunConfig) -> Tree:
    """Return the values for which `usual` stands; empty if the network does not name its layers."""
    if config.network.layer_names is None:
        return {}
    plan = config.plan_of(config.network.layer_names, config.network.usual_layers).tree()
    return {"probing": {**plan, "meter": {"every": config.meter_every}}}


def _fields(config: Config, tree: Tree, indent: str = "", *, usual: Tree) -> Iterator[str]:
    for name, value in tree.items():
        field, inner = type(config).model_fields.get(name), getattr(config, name, None)
        meaning = f"  # {' '.join(field.description.split())}" if field and field.description else ""
        if isinstance(inner, Config):
            yield f"{indent}{name}:{meaning}"
            yield from _fields(inner, value, f"{indent}  ", usual=usual.get(name, {}))
        else:
            if value == "usual" and name in usual:
                meaning += f"; here {_flow(usual[name])}"
            yield f"{indent}{_flow({name: value})[1:-1]}{meaning}"


def _flow(value: Any) -> str:
    """Return a value as YAML in one line, however long it is, so that a comment can stand behind it."""
    return to_yaml(value, default_flow_style=True, width=math.inf).strip().removesuffix("\n...")


Nested = Mapping[str, Any]
"""measure -> Score, or measure -> site -> Score; perhaps with `left_out`: measure -> why it could not be computed"""


def scores(table: Nested, factors: Factors) -> Result:
    """Return a row for each score: its site, value, interval, n and baselines; below, estimators, and what is left out.

    Each key of the JSON is a measure, so what is left out is not in it, but always a note.
    """
    shown = score_table(list(_rows(table)), factors)
    notes = [f"left out: {name}: {reason}" for name, reason in getattr(table, "left_out", {}).items()]
    rows = Table(shown.headings, (cells for _, cells in shown.rows))
    return Result([rows, *shown.estimators], lambda: _plain(table), notes=notes)


def _rows(scores: Nested) -> Iterator[tuple[str, Site | None, Score]]:
    for name, value in scores.items():
        for site, score in {"": value}.items() if isinstance(value, Score) else value.items():
            yield name, Site.parse(site) if site else None, score


def _plain(scores: Nested) -> dict[str, Any]:
    return {k: v.to_dict() if isinstance(v, Score) else _plain(v) for k, v in scores.items()}


COLUMNS = 9
"""times at which errors are shown"""


def prediction(predicted: Prediction) -> Result:
    """Return the label's share of the loss, when samples are decided, phases; errors of reference denoisers; baselines."""

    def figure() -> Figure:
        from phasescope.views.figures.results import reference_errors

        return reference_errors(predicted.values, predicted.sentence)

    return Result(_prediction_blocks(predicted), lambda: predicted.values, figure)


def _prediction_blocks(predicted: Prediction) -> Iterator[str | Table]:
    tree = predicted.values
    yield f"{predicted.name}: {predicted.sentence}"
    yield f"training images: {format_count(tree['images'])}; their label is {format_score(tree['label_nats'])} nats"
    yield (
        f"R': {format_number(tree['r_prime'])}: loss that only the label can remove, divided by loss that images can remove "
        "beyond the linear (Wiener) optimum"
    )

    yield f"expected of images: {tree['phases']}"
    yield f"one image stands out: {_when(tree, 'condensation')}"
    yield f"the widest mode is unstable: {_when(tree, 'instability')}"

    why = "the network knows absolute positions"
    if (shift := tree["shift_px"]) is not None:
        why = f"the network cannot tell positions apart that are {shift} px from each other"
    yield f"accuracy at most: {format_number(tree['cap'])}, as {why}"

    mmse = tree["mmse"]
    shown = np.linspace(0, len(mmse["t"]) - 1, min(COLUMNS, len(mmse["t"]))).round().astype(int)
    yield Table(
        ("error of x_0, an image, at t =", *(f"{mmse['t'][i]}" for i in shown)),
        ((name, *(f"{errors[i]:.2f}" for i in shown)) for name, errors in mmse.items() if name != "t"),
    )

    for name, why in tree["left_out"].items():
        yield f"left out: {name}: {why}"
    yield from _baselines(tree["accuracies"])


def _when(tree: dict[str, Any], event: str) -> str:
    t, snr = tree[f"t_{event}"], f"SNR {format_number(tree[f'snr_{event}'])}"
    return f"at no t: {snr} is not reached" if t is None else f"from t = {format_count(t)} on down, {snr}"


def _baselines(shares: dict[str, dict[str, float]]) -> Iterator[Table]:
    """Yield a table of the accuracy of each nearest-neighbour baseline on each split; none if the world has no reader."""
    if shares:
        splits = list(next(iter(shares.values())))
        named = ((IMAGE_BASELINES[name], correct) for name, correct in shares.items())
        rows = ((name, *(format_score(correct[split]) for split in splits)) for name, correct in named)
        yield Table(("correct of", *(split.replace("_", " ") for split in splits)), rows)


def design(designed: Designed) -> Result:
    """Return how many labels are trained on and tested, and the accuracy of baselines."""

    def figure() -> Figure:
        from phasescope.views.figures.results import design_figure

        return design_figure(designed)

    labels = {split: rows.tolist() for split, rows in designed.labels.items()}
    tree = {"name": designed.name, **designed.summary, "labels": labels}
    return Result(_design_blocks(designed), lambda: tree, figure)


def _design_blocks(designed: Designed) -> Iterator[str | Table]:
    tree = designed.summary
    yield f"{designed.name}: {tree['sentence']}"
    splits = tree["splits"].items()
    yield Table(("labels", "number"), ((name.replace("_", " "), format_count(n)) for name, n in splits))
    yield from _baselines(tree["accuracies"])


def clones(counted: Clones) -> Result:
    """Return a row for each noise level: the share that came back, and the exact share; then where half come back."""
    levels = (counted.t, counted.share, counted.low, counted.high, counted.exact)
    rows = (
        (f"{t}", format_score(share), f"{format_score(low)} to {format_score(high)}", format_score(exact))
        for t, share, low, high, exact in zip(*levels, strict=True)
    )
    half, low, high, exact = map(format_number, (*counted.half, counted.exact_half))
    summary = (
        f"half come back at t = {half} ({low} to {high}); of a perfect network without the label at t = {exact}; "
        f"n = {counted.images} images, {counted.each} clones each"
    )
    tree = {name: np.asarray(value).tolist() for name, value in asdict(counted).items()}
    heads = ("t", "came back", "95 % interval", "perfect, without the label")
    return Result([Table(heads, rows), summary], lambda: tree)
