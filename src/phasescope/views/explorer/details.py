"""All that the page of one run shows of its history, condensed: no estimator texts, numbers to four digits."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import Any

import numpy as np
import yaml

from phasescope.core.errors import UserError, reading
from phasescope.core.factors import Factor
from phasescope.runs.loading import not_imported
from phasescope.runs.store.files import to_json
from phasescope.runs.store.folder import shown
from phasescope.runs.store.metrics import rung_of
from phasescope.views.cells import factors_shown, worst
from phasescope.views.explorer.painted import evenly
from phasescope.views.figures.manifold import PROJECTIONS, labels_of, places_of
from phasescope.views.figures.standing import exact
from phasescope.views.record import Record
from phasescope.views.report import words
from phasescope.views.scores import Accuracy, accuracies, needed
from phasescope.views.style import (
    ERROR_MAP,
    SHARE_MAP,
    class_ticks,
    even_colours,
    held_out_colours,
    rung_colours,
    scale_of,
)
from phasescope.views.terms import (
    COPIERS,
    READINGS,
    WAYS,
    factor_words,
    measure_words,
    null_words,
    place_words,
    probed,
    rung_words,
    split_words,
)

UNSHOWN = ("trustworthiness", "learnt_order", "learnt_order_told", "learnt_order_seen")
"""measures that are shown in the report's tables alone"""
ENDS = ("value", "low", "high")
PLAIN = ("step", "images_seen", "epochs", "wall_s", "loss", "learning_rate", "gradient_norm")
TREES = ("outcomes", "phase", "nats", "denoising", "by_class")
"""what of a line of the metrics is sent as it is"""
SCALARS, MOST_SCALARS = ("step", "images_seen", "wall_s", "loss", "learning_rate", "gradient_norm"), 500
"""of what is logged every few steps: its numbers, and lines that are sent"""
FILES = {"samples": "samples.npz", "latents": "latents.npz", "weights": "weights.safetensors"}


def details(record: Record, row: dict[str, Any]) -> str:
    """Return the run's row and history, what is stored of it, and what its network can be asked, as JSON.

    Raises:
        UserError: its files cannot be read.
    """
    if row["state"] == "broken":
        raise UserError(f"`{shown(record.run.path.name)}` is broken: {row['error']}")
    with reading(record.run.path):
        return to_json({"row": row, **history(record)})


def history(record: Record) -> dict[str, Any]:
    """Return all that the page of a run shows except its row, JSON-ready."""
    declared = {name: record.declared_place(name) for name in ("representation", "representation_p1")}
    return {
        "sentence": record.about.get("sentence"),
        "config": record.complete_config,
        "configuration": yaml.safe_dump(record.config, sort_keys=False),
        "verdict": words.verdict(record),
        "headline": _headline(record),
        "subject": words.subject(record),
        "declared": {name: place and str(place) for name, place in declared.items()},
        "names": _names(record),
        "lines": [_line(line, record) for line in record.metrics],
        "scalars": _scalars(record),
        "ladder": _ladder(record),
        "snapshots": _stored(record),
        "latents": _latents(record),
        "factors": [_factor(factor) for factor in record.factors],
        "probe": probed("R²", record.factors),
        "position": record.position,
        "axes": factors_shown(record),
        "label_space": _label_space(record),
        "outcomes": [outcome._asdict() for outcome in record.outcomes],
        "splits": _splits(record),
        "painting": painting(record),
    }


def _headline(record: Record) -> dict[str, Any]:
    """The few numbers that a run is known by: [name, term] of each, and for each line of the metrics their values."""
    lines = [
        {fact.name: fact for fact in words.headline(record, index)} for index in range(len(record.metrics))
    ]
    facts = {name: fact.term for line in reversed(lines) for name, fact in line.items()}
    values = [[line[name].value if name in line else None for name in facts] for line in lines]
    return {"facts": list(facts.items()), "values": values}


def painting(record: Record) -> dict[str, Any]:
    """Return the training labels and the choices of sampling; or `error`, why this run's network cannot be asked."""
    about = record.about
    if reason := not_imported(record.run):
        return {"error": reason}
    if not about:
        return {"error": "the run has no about.json, which says what it can be asked"}
    held = about.get("held_out") or {}
    colours = held_out_colours(held).items()
    return {
        "training": about["training"],
        "held_out": {split: {**held[split], "colour": colour} for split, colour in colours},
        "choice": about["painting"],
        "guidance": bool(about["painting"] and about["guidance"]),
        "continuous": about["continuous"],
    }


def _label_space(record: Record) -> dict[str, Any] | None:
    """How its cells are drawn, and which splits are held out; None if there are no cells."""
    if not record.outcomes or record.is_unconditional or not factors_shown(record):
        return None
    most, unit = worst(record)
    return {
        "held_out": list(record.about.get("held_out") or {}),
        "share": {"most": 1, "colours": even_colours(SHARE_MAP)},
        "error": {"most": most, "unit": unit, "colours": even_colours(ERROR_MAP)},
    }


def _names(record: Record) -> dict[str, Any]:
    """What is recorded under a short name, in words."""
    nulls = dict.fromkeys(null for measure in record.measures for null in record.nulls(measure))
    places = dict.fromkeys(place for measure in record.measures for place in record.places(measure))
    return {
        "measures": {name: measure_words(name) for name in record.measures if name not in UNSHOWN},
        "ways": WAYS,
        "copiers": COPIERS,
        "nulls": {null: null_words(null) for null in nulls},
        "readings": READINGS,
        "splits": {split: split_words(split, record.is_unconditional) for split in _splits(record)},
        "places": {str(place): place_words(place) for place in places},
        "projections": PROJECTIONS,
    }


def _splits(record: Record) -> list[str]:
    return record.splits if record.is_unconditional else record.about.get("splits") or record.splits


def _ladder(record: Record) -> dict[str, Any] | None:
    """The reference denoisers: noise levels at which the closest is known, and the errors of each over the variance."""
    known = exact(record)
    first = next((line["ladder"] for line in record.metrics if line.get("ladder")), None)
    if not known or not first:
        return None
    mmse = {name: errors for name, errors in known["mmse"].items() if name != "t"}
    return {
        "levels": [one["t"] for one in first],
        "t": known["mmse"]["t"],
        "errors": {
            rung_words(k): _rounded([error / known["variance"] for error in v]) for k, v in mmse.items()
        },
        "colours": {rung_words(name): colour for name, colour in rung_colours(mmse).items()},
        "nats": known["nats"],
    }


def _factor(factor: Factor) -> dict[str, Any]:
    scale = scale_of(factor)
    colours = {"stops": scale.stops(), "low": scale.low, "high": scale.high, "ticks": class_ticks(factor)}
    return {**asdict(factor), "words": factor_words(factor), "scale": colours}


def _line(line: dict[str, Any], record: Record) -> dict[str, Any]:
    ladder = line.get("ladder") or []
    rungs = [[rung_words(rung_of(level) or "none"), level["r2"], level["error"]] for level in ladder]
    return {
        **{key: line.get(key) for key in PLAIN},
        **{key: _rounded(line.get(key)) for key in TREES},
        "readings": [_reading(one) for one in accuracies(line, record.splits)],
        "ladder": rungs or None,
        "scores": {
            measure: {place: _score(record, measure, value) for place, value in line[measure].items()}
            for measure in record.measures
            if line.get(measure) and measure not in UNSHOWN
        },
    }


def _scalars(record: Record) -> list[dict[str, Any]]:
    """Return what the training logged every few steps, evenly thinned; nothing of a run that recorded snapshots alone."""
    lines = record.run.scalar_lines
    kept = evenly(np.arange(len(lines)), MOST_SCALARS)
    return [{name: _rounded(lines[index].get(name)) for name in SCALARS} for index in kept]


def _reading(one: Accuracy) -> dict[str, Any]:
    """Of a pair of factors value, low and high of `excess` and `phi`."""
    together = {
        pair: {name: [score.get(end) for end in ENDS] for name, score in scores.items()}
        for pair, scores in one.together.items()
    }
    return _rounded({**one._asdict(), "together": together})


def _score(record: Record, measure: str, score: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a score with its baselines and the score needed; one without baselines is neither shown nor sent."""
    if not score or not score.get("nulls"):
        return None
    return _rounded(
        {key: score.get(key) for key in (*ENDS, "nulls")} | {"needed": needed(record, measure, score)}
    )


def _rounded(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _rounded(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_rounded(value) for value in tree]
    return float(f"{tree:.4g}") if isinstance(tree, float) else tree


def _stored(record: Record) -> list[dict[str, Any]]:
    """What is stored at each line of the metrics: of a condensed record, nothing."""
    folders = {snapshot.step: snapshot.path for snapshot in record.snapshots}

    def has(step: int, file: str) -> bool:
        return step in folders and (folders[step] / file).is_file()

    return [
        {"step": line["step"], "images_seen": int(line["images_seen"])}
        | {kind: has(line["step"], file) for kind, file in FILES.items()}
        for line in record.metrics
    ]


def _latents(record: Record) -> list[dict[str, Any]]:
    """Where latents are stored, and in which projections; those at which phases are read come first."""
    places: list[dict[str, Any]] = []
    with suppress(UserError):  # a torn archive: the other panels are shown without it
        for place in places_of(record):
            stored = (snapshot for snapshot in record.snapshots if place in snapshot.places)
            has_umap = len(labels_of(record)) and any(one.embedding(place) is not None for one in stored)
            projections = ["pca", "umap"] if has_umap else ["pca"]
            places.append({"place": str(place), "words": place_words(place), "projections": projections})
    return places
