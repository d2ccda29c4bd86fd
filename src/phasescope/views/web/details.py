"""The page of a run as JSON: without estimator texts, numbers to four digits."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from phasescope.core.errors import UserError, reading
from phasescope.core.factors import Factor
from phasescope.runs.store.files import to_json, with_leaves
from phasescope.runs.store.folder import shown
from phasescope.studies.plots import Curve
from phasescope.views.facts.clouds import PROJECTIONS
from phasescope.views.facts.onsets import Onset
from phasescope.views.facts.palette import PALETTE, class_ticks, held_out_colours
from phasescope.views.facts.panel import Line, Mesh, RunPanel
from phasescope.views.facts.record import Record
from phasescope.views.facts.run_page import Headline, Latents, MetricsLine, RunPage, Sampling, run_page
from phasescope.views.facts.scores import Accuracy
from phasescope.views.facts.terms import IMAGE_BASELINES, WAYS, factor_words
from phasescope.views.style import scale_of, shade

ENDS = ("value", "low", "high")


def details(record: Record, row: dict[str, Any], trust: bool = False) -> str:
    """Return the run's row and page, what is stored of it, and what its network can be asked, as JSON.

    Raises:
        UserError: its files cannot be read.
    """
    if row["state"] == "broken":
        raise UserError(f"`{shown(record.run.path.name)}` is broken: {row['error']}")
    with reading(record.run.path):
        return to_json({"row": row, **page_tree(run_page(record, trust))})


def page_tree(page: RunPage) -> dict[str, Any]:
    """Return all that the page of a run says, JSON-ready."""
    names = {
        "ways": WAYS,
        "image_baselines": IMAGE_BASELINES,
        "splits": page.splits,
        "projections": PROJECTIONS,
    }

    return {
        "sentence": page.sentence,
        "config": page.config,
        "configuration": page.configuration,
        "verdict": page.verdict,
        "headline": _headline(page.headline),
        "subject": page.subject,
        "read_at": page.read_at and str(page.read_at),
        "names": names,
        "lines": [_line(line) for line in page.lines],
        "onsets": {reading: _onsets(began) for reading, began in page.onsets.items()},
        "scalars": [asdict(moment) for moment in page.scalars],
        "meter": [asdict(moment) for moment in page.meter],
        "panels": [_panel(panel) for panel in page.panels],
        "snapshots": [asdict(stored) for stored in page.stored],
        "latents": [_latents(latents) for latents in page.latents],
        "factors": [_factor(factor) for factor in page.factors],
        "position": page.position,
        "axes": page.axes,
        "outcomes": [outcome._asdict() for outcome in page.outcomes],
        "splits": list(page.splits),
        "sampling": _sampling(page.sampling),
    }


def _headline(headline: Headline) -> dict[str, Any]:
    return {"facts": list(headline.terms.items()), "values": headline.texts}


def _line(line: MetricsLine) -> dict[str, Any]:
    return {
        "step": line.step,
        "images_seen": line.images_seen,
        "epochs": line.epochs,
        "wall_s": line.wall_s,
        "phase": line.phase,
        "by_class": _rounded(line.by_class),
        "readings": [_accuracy(accuracy) for accuracy in line.accuracies],
    }


def _onsets(began: Mapping[str, Onset | None]) -> dict[str, str | None]:
    return {phase: onset.images if onset else None for phase, onset in began.items()}


def _accuracy(accuracy: Accuracy) -> dict[str, Any]:
    """Return an accuracy with `excess` and `phi` of each pair of factors as [value, low, high]."""
    together = {
        pair: {name: [score.get(end) for end in ENDS] for name, score in scores.items()}
        for pair, scores in accuracy.together.items()
    }
    return _rounded({**accuracy._asdict(), "together": together})


def _rounded(tree: Any) -> Any:
    return with_leaves(lambda leaf: float(f"{leaf:.4g}") if isinstance(leaf, float) else leaf, tree)


def _latents(latents: Latents) -> dict[str, Any]:
    return {"site": str(latents.site), "words": latents.words, "projections": latents.projections}


def _factor(factor: Factor) -> dict[str, Any]:
    scale = scale_of(factor)
    colours = {"stops": scale.stops(), "low": scale.low, "high": scale.high, "names": class_ticks(factor)}
    return {**asdict(factor), "words": factor_words(factor), "scale": colours}


def _sampling(sampling: Sampling | str) -> dict[str, Any]:
    if isinstance(sampling, str):
        return {"error": sampling}
    colours = held_out_colours(sampling.held_out)
    return {
        "training": sampling.training,
        "held_out": {
            split: {**labels, "colour": colours[split]} for split, labels in sampling.held_out.items()
        },
        "choice": sampling.choice,
        "guidance": sampling.guidance,
        "continuous": sampling.continuous,
    }


def _panel(panel: RunPanel) -> dict[str, Any]:
    """Return a panel of curves as the explorer draws it."""
    return {
        "key": panel.key,
        "title": panel.title,
        "note": panel.note,
        "split": panel.split,
        "over": panel.over,
        "terms": panel.terms,
        "compared": panel.compared and asdict(panel.compared),
        "site": panel.site and str(panel.site),
        "height": round(150 * panel.height_in),
        "log": panel.yscale == "log",
        "domain": panel.ylim,
        "percent": panel.ylabel == "share",
        "lines": [*_areas(panel), *map(_curve, panel.curves)],
        "strips": [{"name": name, "phases": phases} for name, phases in panel.bands.items()],
        "mesh": {**_mesh(panel.mesh), "ylabel": panel.ylabel} if panel.mesh else None,
        "expected": panel.expected and asdict(panel.expected),
    }


def _areas(panel: RunPanel) -> list[dict[str, Any]]:
    """Return the areas of a panel, stacked from below."""
    areas: list[dict[str, Any]] = []
    below = np.zeros(len(panel.x))
    for name, (colour, share) in panel.areas.items():
        above = below + np.nan_to_num(share)
        ends = [_numbers(below), _numbers(above)]
        areas.append({"name": name, "y": _numbers(share), "colour": colour, "area": ends})
        below = above
    return areas


def _curve(curve: Curve) -> dict[str, Any]:
    """Return a curve; the ends of its interval are there if it has one."""
    line: dict[str, Any] = {}
    if curve.low is not None:
        line["low"] = _numbers(curve.low)
    if curve.high is not None:
        line["high"] = _numbers(curve.high)
    line |= {"name": curve.label, "y": _numbers(curve.y), "colour": _colour(curve)}
    if isinstance(curve, Line):
        line |= {"dash": " ".join(map(str, curve.dashes)), "thin": curve.width < 1}
    return line


def _colour(curve: Curve) -> str | None:
    """Return a curve's colour: one of the palette as its CSS variable, which follows the reader's scheme."""
    if isinstance(curve, Line) and curve.shade is not None:
        return shade(curve.shade)
    variables = {light: f"var(--{name})" for name, (light, _) in reversed(PALETTE.items())}
    return variables.get(curve.colour or "", curve.colour)


def _numbers(values: np.ndarray) -> list[float | None]:
    return [float(f"{value:.4g}") if np.isfinite(value) else None for value in values.tolist()]


def _mesh(mesh: Mesh) -> dict[str, Any]:
    """Return a column of cells for each snapshot, and the names of the colours."""
    names, colours = list(mesh.colours), list(mesh.colours.values())

    def cell(value: float) -> dict[str, str]:
        if np.isnan(value):
            return {"title": "none", "fill": "none"}
        return {"title": names[int(value)], "fill": colours[int(value)]}

    columns = [[cell(value) for value in column] for column in mesh.values.T]
    return {"edges": list(mesh.borders), "columns": columns, "names": mesh.colours}
