"""The condensed history of a run for its page: without estimator texts, numbers to four digits."""

from contextlib import suppress
from dataclasses import asdict
from typing import Any

import numpy as np

from phasescope.core.config import to_yaml
from phasescope.core.errors import UserError, reading
from phasescope.core.factors import Factor
from phasescope.runs.store.files import to_json, with_leaves
from phasescope.runs.store.folder import shown
from phasescope.runs.trained.trust import not_imported
from phasescope.views.facts import words
from phasescope.views.facts.record import Record
from phasescope.views.facts.scores import Accuracy, accuracies
from phasescope.views.facts.terms import IMAGE_BASELINES, WAYS, factor_words, site_words, split_words
from phasescope.views.figures.curves import run_panels
from phasescope.views.figures.drawing import Line, Mesh, RunPanel
from phasescope.views.figures.manifold import PROJECTIONS, labels_of, sites_of
from phasescope.views.style import PALETTE, class_ticks, held_out_colours, scale_of

ENDS = ("value", "low", "high")
PLAIN = ("step", "images_seen", "epochs", "wall_s")
"""numbers of each snapshot"""
FILES = {"samples": "samples.npz", "latents": "latents.npz", "weights": "weights.safetensors"}


def details(record: Record, row: dict[str, Any], trust: bool = False) -> str:
    """Return the run's row and history, what is stored of it, and what its network can be asked, as JSON.

    Raises:
        UserError: its files cannot be read.
    """
    if row["state"] == "broken":
        raise UserError(f"`{shown(record.run.path.name)}` is broken: {row['error']}")
    with reading(record.run.path):
        return to_json({"row": row, **history(record), "sampling": sampling(record, trust)})


def history(record: Record) -> dict[str, Any]:
    """Return all that the page of a run shows except its row, JSON-ready."""
    site = record.phase_site("sheet")
    return {
        "sentence": record.about.get("sentence"),
        "config": record.complete_config,
        "configuration": to_yaml(record.config),
        "verdict": words.verdict(record),
        "headline": _headline(record),
        "subject": words.subject(record),
        "read_at": site and str(site),
        "names": _names(record),
        "lines": [_line(line, record) for line in record.metrics],
        "scalars": [line["step"] for line in record.scalars],
        "panels": [_panel(panel) for panel in run_panels(record)],
        "snapshots": _stored(record),
        "latents": _latents(record),
        "factors": [_factor(factor) for factor in record.factors],
        "position": record.position,
        "axes": _axes(record),
        "outcomes": [outcome._asdict() for outcome in record.outcomes],
        "splits": _splits(record),
        "sampling": sampling(record),
    }


def _headline(record: Record) -> dict[str, Any]:
    """Return the headline numbers of a run: [name, term] of each, and their values for each line of the metrics."""
    lines = [
        {fact.name: fact for fact in words.headline(record, index)} for index in range(len(record.metrics))
    ]
    facts = {name: fact.term for line in reversed(lines) for name, fact in line.items()}
    values = [[line[name].value if name in line else None for name in facts] for line in lines]
    return {"facts": list(facts.items()), "values": values}


def sampling(record: Record, trust: bool = False) -> dict[str, Any]:
    """Return the training labels and the choices of sampling; or `error`, why this run's network cannot be asked."""
    about = record.about
    if reason := not_imported(record.run, trust):
        return {"error": reason}
    if not about:
        return {"error": "the run has no about.json, which says what it can be asked"}
    held = about.get("held_out") or {}
    colours = held_out_colours(held).items()
    return {
        "training": about["training"],
        "held_out": {split: {**held[split], "colour": colour} for split, colour in colours},
        "choice": about["sampler"],
        "guidance": bool(about["sampler"] and about["guidance"]),
        "continuous": about["continuous"],
    }


def _axes(record: Record) -> list[int]:
    """Return the two factors of the pad: a position on the canvas, else the first two that are no classes, or fewer."""
    measured = [k for k, factor in enumerate(record.factors) if not factor.categorical]
    position = list(record.position or ())
    return position if position and set(position) <= set(measured) else measured[:2]


def _names(record: Record) -> dict[str, Any]:
    """Return what is recorded under a short name, in words."""
    return {
        "ways": WAYS,
        "image_baselines": IMAGE_BASELINES,
        "splits": {split: split_words(split, record.is_unconditional) for split in _splits(record)},
        "projections": PROJECTIONS,
    }


def _splits(record: Record) -> list[str]:
    return record.splits if record.is_unconditional else record.about.get("splits") or record.splits


def _factor(factor: Factor) -> dict[str, Any]:
    scale = scale_of(factor)
    colours = {"stops": scale.stops(), "low": scale.low, "high": scale.high, "ticks": class_ticks(factor)}
    return {**asdict(factor), "words": factor_words(factor), "scale": colours}


def _line(line: dict[str, Any], record: Record) -> dict[str, Any]:
    return {
        **{key: line.get(key) for key in PLAIN},
        "phase": line.get("phase"),
        "by_class": _rounded(line.get("by_class")),
        "readings": [_reading(accuracy) for accuracy in accuracies(line, record.splits)],
    }


def _panel(panel: RunPanel) -> dict[str, Any]:
    """Return a panel of curves as the explorer draws it; areas are stacked from below."""
    lines: list[dict[str, Any]] = []
    below = np.zeros(len(panel.x))
    for name, (colour, share) in panel.areas.items():
        above = below + np.nan_to_num(share)
        lines.append(
            {"name": name, "y": _numbers(share), "colour": colour, "area": [*map(_numbers, (below, above))]}
        )
        below = above
    for curve in panel.curves:
        line = {key: _numbers(end) for key in ("low", "high") if (end := getattr(curve, key)) is not None}
        line |= {"name": curve.label, "y": _numbers(curve.y), "colour": _variable(curve.colour)}
        if isinstance(curve, Line):
            line |= {"dash": " ".join(map(str, curve.dashes)), "thin": curve.width < 1}
        lines.append(line)
    return {
        **{key: getattr(panel, key) for key in ("key", "title", "note", "split", "over", "terms")},
        "site": panel.site and str(panel.site),
        "height": round(150 * panel.height_in),
        "log": panel.yscale == "log",
        "domain": panel.ylim,
        "percent": panel.ylabel == "share",
        "lines": lines,
        "strips": [{"name": name, "phases": phases} for name, phases in panel.bands.items()],
        "mesh": _mesh(panel.mesh) if panel.mesh else None,
    }


def _mesh(mesh: Mesh) -> dict[str, Any]:
    """Return a column of cells for each snapshot, and the names of the colours."""
    names, colours = list(mesh.colours), list(mesh.colours.values())

    def cell(value: float) -> dict[str, str]:
        known = value == value
        return {
            "title": names[int(value)] if known else "none",
            "fill": colours[int(value)] if known else "none",
        }

    columns = [[cell(value) for value in column] for column in mesh.values.T]
    return {"edges": list(mesh.borders), "columns": columns, "names": mesh.colours}


def _variable(colour: str | None) -> str | None:
    """Return a colour of the palette as its CSS variable, which follows the reader's scheme; another as it is."""
    return next((f"var(--{name})" for name, (light, _) in PALETTE.items() if light == colour), colour)


def _numbers(values: np.ndarray) -> list[float | None]:
    return [float(f"{value:.4g}") if np.isfinite(value) else None for value in values.tolist()]


def _reading(accuracy: Accuracy) -> dict[str, Any]:
    """Return an accuracy with `excess` and `phi` of each pair of factors as [value, low, high]."""
    together = {
        pair: {name: [score.get(end) for end in ENDS] for name, score in scores.items()}
        for pair, scores in accuracy.together.items()
    }
    return _rounded({**accuracy._asdict(), "together": together})


def _rounded(tree: Any) -> Any:
    return with_leaves(lambda leaf: float(f"{leaf:.4g}") if isinstance(leaf, float) else leaf, tree)


def _stored(record: Record) -> list[dict[str, Any]]:
    """Return which files are stored at each line of the metrics; a condensed record has none."""
    folders = {snapshot.step: snapshot.path for snapshot in record.snapshots}

    def has(step: int, file: str) -> bool:
        return step in folders and (folders[step] / file).is_file()

    return [
        {"step": line["step"], "images_seen": int(line["images_seen"])}
        | {kind: has(line["step"], file) for kind, file in FILES.items()}
        for line in record.metrics
    ]


def _latents(record: Record) -> list[dict[str, Any]]:
    """Return the sites of stored latents with their projections, beginning with those at which phases are read."""
    sites: list[dict[str, Any]] = []
    with suppress(UserError):  # latents.npz may be damaged: the other panels do not need it
        for site in sites_of(record):
            stored = (snapshot for snapshot in record.snapshots if site in snapshot.sites)
            has_umap = len(labels_of(record)) and any(s.embedding(site) is not None for s in stored)
            projections = ["pca", "umap"] if has_umap else ["pca"]
            sites.append({"site": str(site), "words": site_words(site), "projections": projections})
    return sites
