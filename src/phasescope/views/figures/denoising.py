"""The denoising error of one run by band of noise level, where its family measures one."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from phasescope.views.figures.drawing import Line, RunPanel, draw_panels
from phasescope.views.record import Record, number
from phasescope.views.style import MUTED, PALETTE

COLUMNS = 5
CURVES: dict[str, tuple[str, dict[str, Any]]] = {
    "network": ("network", {"colour": PALETTE["accent"][0], "marker": "o"}),
    "unconditional": ("best without the label", {"colour": MUTED, "dashes": (5, 2)}),
    "floor": ("best with the label", {"colour": MUTED, "dashes": (1, 1.5)}),
}


def denoising(record: Record) -> Figure | None:
    """The network's mean squared error of the noise, by band of t, above the exact conditional optimum.

    Beside it the exact unconditional optimum: what a denoiser that ignores the label can at best do. None
    where no error was measured."""
    bands = next((line["denoising"] for line in reversed(record.metrics) if line.get("denoising")), [])
    if not bands:
        return None
    errors = {(band["low"], band["high"]): _errors(record, band) for band in bands}
    least = min(np.nanmin(curves["network"]) for curves in errors.values())
    most = np.nanmax([value for curves in errors.values() for value in curves.values()])
    panels = [
        RunPanel(
            f"t in [{low}, {high})",
            "images seen",
            "" if index % COLUMNS else "MSE of the noise",
            # without a hidden factor a label names one image, and the best error with the label is 0
            [
                Line(record.images_seen, curves[name], label=label, **look)
                for name, (label, look) in CURVES.items()
                if np.isfinite(curves[name]).any()
            ],
            x=record.images_seen,
            height_in=2.0,
            yscale="log",
            ylim=(least / 100, 2 * most),
        )
        for index, ((low, high), curves) in enumerate(errors.items())
    ]
    return draw_panels(panels, min(len(panels), COLUMNS), legend="first")


def _errors(record: Record, band: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return each curve over the run, NaN where it is not above 0."""
    own = [
        next((one for one in line.get("denoising") or [] if one["low"] == band["low"]), {})
        for line in record.metrics
    ]
    curves = {name: np.array([number(error.get(name)) for error in own]) for name in CURVES}
    return {name: np.where(curve > 0, curve, np.nan) for name, curve in curves.items()}
