"""The denoising error of one run by band of noise level, where its family measures one."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from phasescope.views.figures.axes import WIDTH_IN, short
from phasescope.views.record import Record, number
from phasescope.views.style import MUTED, PALETTE, RC


def denoising(record: Record) -> Figure | None:
    """The network's mean squared error of the noise, by band of t, above the exact conditional optimum.

    Beside it the exact unconditional optimum: what a denoiser that ignores the label can at best do. None
    where no error was measured."""
    bands = next((line["denoising"] for line in reversed(record.metrics) if line.get("denoising")), [])
    if not bands:
        return None
    columns = min(len(bands), 5)
    rows = -(-len(bands) // columns)
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(WIDTH_IN, 2.0 * rows + 0.5))
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for ax in axes.flat[len(bands) :]:
            ax.set_visible(False)
        for index, (ax, band) in enumerate(zip(axes.flat, bands, strict=False)):
            errors = [_band(line, band) for line in record.metrics]
            for name, style, label in (
                ("network", {"color": PALETTE["accent"][0], "marker": "o", "markersize": 2}, "network"),
                ("unconditional", {"color": MUTED, "dashes": (5, 2)}, "best without the label"),
                ("floor", {"color": MUTED, "dashes": (1, 1.5)}, "best with the label"),
            ):
                values = np.array([number(error.get(name)) for error in errors])
                if name == "floor" and not (values > 0).any():  # a label names one image
                    continue
                ax.plot(record.images_seen, np.where(values > 0, values, np.nan), label=label, **style)
            ax.set(title=f"t in [{band['low']}, {band['high']})", yscale="log")
            ax.yaxis.set_minor_locator(NullLocator())
            ax.grid(axis="y")
            ax.xaxis.set(major_locator=MaxNLocator(3), major_formatter=FuncFormatter(short))
            if index % columns == 0:
                ax.set_ylabel("MSE of the noise")
            if index >= len(bands) - columns:
                ax.set_xlabel("images seen")
                ax.tick_params(labelbottom=True)
        learnt = [
            number(band.get("network")) for line in record.metrics for band in line.get("denoising") or []
        ]
        axes[0, 0].set_ylim(bottom=np.nanmin(learnt) / 100)
        axes[0, 0].legend(loc="best")
    return figure


def _band(line: dict, band: dict) -> dict:
    same = (
        other
        for other in line.get("denoising") or []
        if (other["low"], other["high"]) == (band["low"], band["high"])
    )
    return next(same, {})
