"""All that the page of one run shows of its history, condensed: no estimator texts, numbers to four digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from phasescope.errors import UserError
from phasescope.run import RunConfig
from phasescope.store.folder import Snapshot
from phasescope.views import words
from phasescope.views.explorer.packets import packet, pixels
from phasescope.views.explorer.painter import hears_no_label
from phasescope.views.explorer.rows import UNREADABLE
from phasescope.views.manifold import PROJECTIONS, labels_of, places_of
from phasescope.views.record import MEASURES, NULLS, OUTCOMES, READINGS, Place, Record

MOST_GRID_POINTS = 4096
"""of a training grid that is drawn point by point; a denser one is drawn by its axes"""


def details(record: Record) -> dict[str, Any]:
    """The run's history, what is stored of it, and what its network can be asked.

    Raises:
        UserError: its files cannot be read.
    """
    name = record.run.path.name
    if record.status["state"] == "broken":
        raise UserError(f"`{name}` is broken: {record.status.get('error')}")
    try:
        return {
            "config": record.config,
            "verdict": words.verdict(record),
            "headline": words.headline(record),
            "subject": words.subject(record),
            "provenance": _provenance(record),
            "thresholds": words.thresholds(record),
            "declared": {
                reading: _place(record.declared_place(reading))
                for reading in ("representation", "representation_p1")
            },
            "names": {
                "measures": MEASURES,
                "nulls": NULLS,
                "readings": READINGS,
                "outcomes": list(OUTCOMES),
                "projections": PROJECTIONS,
            },
            "lines": [_line(line) for line in record.metrics],
            "snapshots": _stored(record),
            "latents": _latents(record),
            "factors": record.factors,
            "periodic": record.periodic,
            "painting": painting(record.config),
        }
    except UNREADABLE as error:
        raise UserError(
            f"`{name}` cannot be read: {type(error).__name__}: {' '.join(str(error).split())}"
        ) from None


def painting(config: dict[str, Any]) -> dict[str, Any]:
    """The pad: factors, training grid, samplers; or `error`, why this version cannot paint with such a run."""
    try:
        known = RunConfig.of(config)
    except UserError as error:
        return {"error": str(error)}
    world, family = known.world, known.family
    if len(world.factors) != 2:
        return {"error": f"the pad is for two factors, and this world has {len(world.factors)}"}
    labels = world.training_labels()
    return {
        "canvas": world.canvas,
        "sigma_px": world.sigma_px,
        "factors": [
            {"name": f.name, "low": f.low, "high": f.high, "unit": f.unit, "periodic": f.periodic}
            for f in world.factors
        ],
        "grid": labels.round(4).tolist() if len(labels) <= MOST_GRID_POINTS else None,
        "grid_axes": [np.unique(column).round(4).tolist() for column in labels.T],
        "grid_labels": len(labels),
        "sampler": family.sampler.tree(),
        "schedule_steps": family.schedule.steps,
        "guidance": hears_no_label(known),
        "taps": list(known.probing.taps),
        "timesteps": list(known.probing.timesteps),
    }


def samples(snapshot: Snapshot) -> bytes:
    """The images painted for the fixed labels, (n, N, N), with labels, what was read, and outcomes.

    Raises:
        UserError: the snapshot holds none that can be read.
    """
    try:
        stored, read = snapshot.samples(), snapshot.readings()
        n = len(stored["images"])
        missing = np.full(n, np.nan, np.float32)
        reading = np.stack([read.get(name, missing) for name in ("x", "y", "width_px", "bumps")], axis=1)
        header = {
            "step": snapshot.step,
            "outcome": [str(outcome) for outcome in read.get("outcome", [""] * n)],
            "on_grid": stored["on_grid"].astype(bool).tolist(),
        }
        return packet(
            header,
            images=pixels(stored["images"]),
            labels=stored["labels"].astype(np.float32),
            reading=reading.astype(np.float32),
        )
    except Exception as error:  # zip, Parquet and array readers each have their own errors
        raise UserError(
            f"`{snapshot.path.parent.parent.name}`, step {snapshot.step}: its images cannot be read: "
            f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
        ) from None


def _line(line: dict[str, Any]) -> dict[str, Any]:
    return {
        **{key: line.get(key) for key in ("step", "images_seen", "epochs", "loss", "wall_s")},
        **{key: _rounded(line.get(key)) for key in ("outcomes", "accuracy", "error_px", "phase")},
        "scores": {
            measure: {
                tap: {t: _score(found) for t, found in by_timestep.items()}
                for tap, by_timestep in (line.get(measure) or {}).items()
            }
            for measure in MEASURES
            if line.get(measure)
        },
    }


def _score(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """A score with its nulls; one that has none is not shown, nor sent."""
    if not found or not found.get("nulls"):
        return None
    return {key: _rounded(found.get(key)) for key in ("value", "low", "high", "n", "nulls", "detail")}


def _rounded(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _rounded(value) for key, value in tree.items()}
    return float(f"{tree:.4g}") if isinstance(tree, float) else tree


def _place(place: Place | None) -> dict[str, Any] | None:
    return None if place is None else {"tap": place.tap, "t": place.timestep}


def _stored(record: Record) -> list[dict[str, Any]]:
    """What is stored at each line of the metrics: of a condensed record, nothing."""
    folders = {snapshot.step: snapshot.path for snapshot in record.snapshots}
    files = {"samples": "samples.npz", "latents": "latents.npz", "weights": "weights.safetensors"}
    return [
        {
            "step": line["step"],
            "images_seen": int(line["images_seen"]),
            **{
                what: line["step"] in folders and (folders[line["step"]] / file).is_file()
                for what, file in files.items()
            },
        }
        for line in record.metrics
    ]


def _latents(record: Record) -> list[dict[str, Any]]:
    """Where latents are stored, and in which projections; those at which phases are read come first."""
    try:
        return [
            {"tap": place.tap, "t": place.timestep, "projections": projections(record, place)}
            for place in places_of(record)
        ]
    except Exception:  # a torn archive: the other panels are shown without it
        return []


def projections(record: Record, place: Place) -> list[str]:
    """Principal components everywhere, UMAP where the run took it."""
    taken = any(
        (place.tap, place.timestep) in snapshot.taps_and_timesteps()
        and snapshot.embedding(place.tap, place.timestep) is not None
        for snapshot in record.snapshots
    )
    return ["pca", "umap"] if taken and len(labels_of(record)) else ["pca"]


def _provenance(record: Record) -> dict[str, Any]:
    keys = ("host", "cpu", "device", "threads", "git_commit", "started", "updated", "wall_s", "cpu_s")
    return {key: record.status.get(key) for key in keys} | {"versions": record.status.get("versions")}
