"""The figures of the page: throughput by precision, time to order seed by seed, scaling."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from benchmarks.page import GOALS, Results, number, share, steps_of, there
from benchmarks.records import Record
from phasescope.runs.store.files import write_aside
from phasescope.views.facts.palette import INK, MUTED, PALETTE
from phasescope.views.style import RC

WIDTH_IN = 9.0
OURS, OWN_NETWORK = PALETTE["accent"][0], PALETTE["probe"][0]
COLOURS = {"peer": MUTED, "own": OURS, "same shape": OURS, "brought": OWN_NETWORK}


def write_figures(results: Results, out: Path) -> list[str]:
    """Write to `out` the figures for which there are data, and return their names."""
    written = []
    for name, draw in FIGURES.items():
        with matplotlib.rc_context(RC):
            figure = draw(results)
            if figure is not None:
                buffer = io.BytesIO()
                figure.savefig(buffer, format="png", dpi=110)
                write_aside(out / f"{name}.png", buffer.getvalue())
                written.append(name)
    return written


def throughput(results: Results) -> Figure | None:
    """Draw images a second of every contender, a panel for each precision, the quickest of the first one on top."""
    panels = {
        precision: {_label(one): one for one in there(records) if one["kind"] in COLOURS}
        for precision, records in steps_of(results).items()
    }
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    if not names:
        return None
    first = next(iter(panels.values()))
    names.sort(key=lambda name: -first[name]["images_per_s"]["median"] if name in first else 0.0)
    figure = Figure(figsize=(WIDTH_IN, 0.34 * len(names) + 0.9), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True, sharex=True, squeeze=False)[0]
    for ax, (precision, panel) in zip(axes, panels.items(), strict=True):
        for row, name in enumerate(names):
            if name in panel:
                _draw_rate(ax, row, panel[name])
        ax.set(title=f"{precision} (share of the matrix product's rate)", xlabel="images/s")
        ax.set(yticks=range(len(names)), yticklabels=names)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x")
    axes[0].set_ylim(len(names) - 0.4, -0.6)
    axes[0].set_xlim(0, 1.35 * axes[0].get_xlim()[1])
    return figure


def _label(record: Record) -> str:
    """Return a contender's name without precision and layout, on two lines if it is long."""
    name = record["peer"] if record["kind"] == "peer" else record["name"].rpartition(", ")[0]
    return name.replace(" of ", " of\n")


def _draw_rate(ax: Axes, row: int, record: Record) -> None:
    found = record["images_per_s"]
    ax.barh(row, found["median"], height=0.7, color=COLOURS[record["kind"]])
    ax.plot([found["low"], found["high"]], [row, row], color=INK, linewidth=1)
    of_peak = f" ({share(record['peak_share']['median'])})" if "peak_share" in record else ""
    ax.text(found["high"], row, f" {number(found['median'])}{of_peak}", va="center", fontsize=7)


def order(results: Results) -> Figure | None:
    """Draw wall time until each goal, a row for each contender and a dot for each seed; an arrow: not there by then."""
    records = results["order"].get("records", [])
    names = list(dict.fromkeys(record["contender"] for record in records))
    if not names:
        return None
    figure = Figure(figsize=(WIDTH_IN, 0.5 * len(names) + 1.0), layout="constrained")
    axes = figure.subplots(1, len(GOALS), sharex=True, sharey=True)
    for ax, (goal, title) in zip(axes, GOALS.items(), strict=True):
        for row, name in enumerate(names):
            _draw_seeds(ax, row, goal, [record for record in records if record["contender"] == name])
        ax.set(
            title=title,
            xlabel="wall time from the start of the process, s (>: not there by then)",
            xscale="log",
        )
        ax.set(yticks=range(len(names)), yticklabels=names)
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x")
    axes[0].set_ylim(len(names) - 0.4, -0.6)
    return figure


def _draw_seeds(ax: Axes, row: int, goal: str, records: Sequence[Record]) -> None:
    for index, record in enumerate(sorted(records, key=lambda record: record["seed"])):
        came = record[goal] is not None
        height = row + 0.5 * ((index + 0.5) / len(records) - 0.5)
        took = (record[goal] or record["spent"])["wall_s"]
        ax.plot(took, height, "o" if came else ">", color=OURS if came else MUTED, markersize=4)


VARIED: tuple[tuple[str, str, str, Callable[[Record], float]], ...] = (
    ("batch", "Batch", "images a step", lambda one: one["value"]),
    ("canvas", "Canvas", "side, px", lambda one: one["value"]),
    ("increment", "Training set", "images", lambda one: round((one["canvas"] / one["value"]) ** 2)),
)
"""section, title, unit, and what stands on the x axis"""


def scaling(results: Results) -> Figure | None:
    """Draw images a second against batch, canvas, size of the training set, and threads or runs at once."""
    found = {name: there(results["scaling"].get(name, [])) for name in (*(n for n, *_ in VARIED), "threads")}
    panels = [panel for panel in VARIED if found[panel[0]]]
    if not panels:
        return None
    figure = Figure(figsize=(WIDTH_IN, 2.4), layout="constrained")
    axes = figure.subplots(1, len(panels) + 1, squeeze=False)[0]
    for ax, (name, title, unit, value) in zip(axes, panels, strict=False):
        _draw_curve(ax, found[name], value)
        ax.set(title=title, xlabel=unit)
    _draw_bars(axes[-1], found["threads"], there(results["scaling"].get("two at once", [])))
    axes[0].set_ylabel("images/s")
    return figure


def _draw_curve(ax: Axes, records: Iterable[Record], value: Callable[[Record], float]) -> None:
    records = sorted(records, key=value)
    at = [value(record) for record in records]
    found = [record["images_per_s"] for record in records]
    ax.plot(at, [one["median"] for one in found], color=OURS, marker="o")
    ax.vlines(at, [one["low"] for one in found], [one["high"] for one in found], color=OURS, linewidth=1)
    ax.set_xscale("log", base=2)
    ax.set_ylim(bottom=0)
    ticks = at[:: max(1, len(at) // 3)]
    ax.xaxis.set(minor_locator=NullLocator(), ticks=ticks, ticklabels=[f"{tick:,g}" for tick in ticks])
    ax.grid(axis="y")


def _draw_bars(ax: Axes, threads: Sequence[Record], together: Sequence[Record]) -> None:
    """Draw one run at each number of threads, and runs at once."""
    bars = [(f"threads: {one['threads']}", one["images_per_s"], OURS) for one in threads]
    bars += [(f"{one['runs']} at once", one["together_images_per_s"], OWN_NETWORK) for one in together]
    for at, (_, found, colour) in enumerate(bars):
        ax.bar(at, found["median"], width=0.65, color=colour)
        ax.plot([at, at], [found["low"], found["high"]], color=INK, linewidth=1)
    ax.set(title="Threads, runs", xticks=range(len(bars)), xticklabels=[bar[0] for bar in bars])
    ax.tick_params(axis="x", length=0, labelsize=6.5)
    ax.grid(axis="y")


FIGURES: dict[str, Callable[[Results], Figure | None]] = {
    "throughput": throughput,
    "order": order,
    "scaling": scaling,
}
