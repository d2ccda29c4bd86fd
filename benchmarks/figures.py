"""The page's figures: throughput by precision, time to order seed by seed, scaling.

Ranges are drawn wherever there are several rounds; what is left open (a seed that never came there) is an arrow, not a dot.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from benchmarks.criterion import median_cost
from benchmarks.page import Results, there
from benchmarks.records import Record
from benchmarks.texts import number, share
from phasescope.store.files import write_aside
from phasescope.views.report.pictures import with_caption
from phasescope.views.style import INK, MUTED, PALETTE, RC

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_IN = 9.0
OURS, OWN_NETWORK = PALETTE["accent"][0], PALETTE["order"][0]
COLOURS = {"peer": MUTED, "own": OURS, "same shape": OURS, "brought": OWN_NETWORK}
TITLES = {
    "time_to_order": "Images right and latents in order",
    "time_to_phase_c": "Phase C of behaviour: mostly correct",
}


def write_figures(results: Results, out: Path) -> dict[str, Path]:
    """Write to `out` the figures for which there are data; their paths, by name."""
    paths = {}
    for name, draw in FIGURES.items():
        with matplotlib.rc_context(RC):
            figure = draw(results)
            if figure is not None:
                buffer = io.BytesIO()
                figure.savefig(buffer, format="png")
                paths[name] = out / f"{name}.png"
                write_aside(paths[name], buffer.getvalue())
    return paths


def throughput(results: Results) -> Figure | None:
    """Images a second of every contender, a panel a precision, the quickest of the first one on top."""
    panels = {
        precision: {label(record): record for record in there(records) if record["kind"] in COLOURS}
        for precision, records in results.steps().items()
    }
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    if not names:
        return None
    first = next(iter(panels.values()))
    names.sort(key=lambda name: -first[name]["images_per_s"]["median"] if name in first else 0.0)
    figure = Figure(figsize=(WIDTH_IN, 0.31 * len(names) + 0.9))
    axes = figure.subplots(1, len(panels), sharey=True, sharex=True, squeeze=False)[0]
    for ax, (precision, panel) in zip(axes, panels.items(), strict=True):
        for row, name in enumerate(names):
            if name in panel:
                draw_rate(ax, row, panel[name])
        ax.set(title=precision, xlabel="images/s", yticks=range(len(names)), yticklabels=names)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x")
    axes[0].set_ylim(len(names) - 0.4, -0.6)
    axes[0].set_xlim(0, 1.42 * axes[0].get_xlim()[1])
    records = [record for panel in panels.values() for record in panel.values()]
    caption = (
        f"Training steps, batch {records[0]['batch']}: medians and ranges of n = {rounds(records)} rounds in turns; in "
        f"brackets the share of the matrix product's rate. Grey: peers; blue: phasescope's U-Net with as many parameters, "
        f"and in the fastest peer's shape; green: the fastest peer's network, trained by phasescope. {place(records)}."
    )
    return with_caption(figure, caption)


def label(record: Record) -> str:
    """A contender's name without precision and layout, on two lines where it is long."""
    name = record["peer"] if record["kind"] == "peer" else record["name"].rpartition(", ")[0]
    return name.replace(" of ", " of\n")


def draw_rate(ax: Axes, row: int, record: Record) -> None:
    """A contender's bar, its range, and its share of the matrix product's rate."""
    found = record["images_per_s"]
    ax.barh(row, found["median"], height=0.7, color=COLOURS[record["kind"]])
    ax.plot([found["low"], found["high"]], [row, row], color=INK, linewidth=1)
    of_peak = f" ({share(record['peak_share']['median'])})" if "peak_share" in record else ""
    ax.text(found["high"], row, f" {number(found['median'])}{of_peak}", va="center", fontsize=7)


def order(results: Results) -> Figure | None:
    """Wall time until each goal, a row a contender and a dot a seed."""
    records = results.section("order")
    names = list(dict.fromkeys(record["contender"] for record in records))
    if not names:
        return None
    by_name = {name: [record for record in records if record["contender"] == name] for name in names}
    figure = Figure(figsize=(WIDTH_IN, 0.55 * len(names) + 1.1))
    axes = figure.subplots(1, len(TITLES), sharex=True, sharey=True)
    for ax, (goal, title) in zip(axes, TITLES.items(), strict=True):
        for row, name in enumerate(names):
            draw_seeds(ax, row, goal, by_name[name])
        ax.set(title=title, xlabel="wall time from the start of the process, s", xscale="log")
        ax.set(yticks=range(len(names)), yticklabels=names)
        ax.xaxis.set(
            major_locator=LogLocator(subs=(1, 3)),
            minor_locator=NullLocator(),
            major_formatter=FuncFormatter(lambda value, _: f"{value:,g}"),
        )
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x")
    axes[0].set_ylim(len(names) - 0.3, -0.6)
    low, high = axes[0].get_xlim()
    axes[0].set_xlim(low / 1.3, high * 1.5)
    counts = ", ".join(f"{name} n = {len(by_name[name])}" for name in names)
    caption = (
        f"One dot a seed ({counts}); an arrow: not there after so long; a black line: their median, a lower limit where "
        f"arrows hold it up. {place(records)}."
    )
    return with_caption(figure, caption)


def draw_seeds(ax: Axes, row: int, goal: str, records: Sequence[Record]) -> None:
    """The seeds of one contender, one above the other, and their median."""
    for index, record in enumerate(sorted(records, key=lambda record: record["seed"])):
        came = record[goal] is not None
        height = row + 0.5 * ((index + 0.5) / len(records) - 0.5)
        took = (record[goal] or record["spent"])["wall_s"]
        ax.plot(took, height, "o" if came else ">", color=OURS if came else MUTED, markersize=4)
    middle = median_cost(records, goal, "wall_s").detail["at_least"]
    ax.plot([middle] * 2, [row - 0.34, row + 0.34], color=INK, linewidth=1)


def images_of(record: Record) -> float:
    """Images in the data set: (canvas / d)^2."""
    return round((record["canvas"] / record["value"]) ** 2)


VARIED: tuple[tuple[str, str, str, Callable[[Record], float]], ...] = (
    ("batch", "Batch", "images a step", lambda record: record["value"]),
    ("canvas", "Canvas", "side, px", lambda record: record["value"]),
    ("increment", "Data set", "images", images_of),
)
"""section, title, unit, and what stands on the x axis"""


def scaling(results: Results) -> Figure | None:
    """Images a second against batch, canvas, size of the data set, and threads or runs at once."""
    names = (*(name for name, *_ in VARIED), "threads", "two at once")
    found = {name: there(results.section("scaling", name)) for name in names}
    records = [record for of_name in found.values() for record in of_name]
    if not records:
        return None
    panels = [panel for panel in VARIED if found[panel[0]]]
    figure = Figure(figsize=(WIDTH_IN, 2.3))
    axes = figure.subplots(1, len(panels) + 1, squeeze=False)[0]
    for ax, (name, title, unit, value) in zip(axes, panels, strict=False):
        draw_curve(ax, found[name], value)
        ax.set(title=title, xlabel=unit)
    draw_bars(axes[-1], found["threads"], found["two at once"])
    axes[0].set_ylabel("images/s")
    caption = (
        f"Training step of preset `small`: medians and ranges of n = {rounds(records)} rounds in turns; all but what is "
        f"varied is the preset's. {place(records)}."
    )
    return with_caption(figure, caption)


def draw_curve(ax: Axes, records: Sequence[Record], value: Callable[[Record], float]) -> None:
    """Medians with their ranges against a value, on a logarithmic axis."""
    records = sorted(records, key=value)
    at = [value(record) for record in records]
    found = [record["images_per_s"] for record in records]
    ax.plot(at, [one["median"] for one in found], color=OURS, marker="o")
    ax.vlines(at, [one["low"] for one in found], [one["high"] for one in found], color=OURS, linewidth=1)
    ax.set_xscale("log", base=2)
    ax.set_ylim(bottom=0)
    ticks = at[:: max(1, len(at) // 4)]
    ax.xaxis.set(minor_locator=NullLocator(), ticks=ticks, ticklabels=[f"{tick:,g}" for tick in ticks])
    ax.grid(axis="y")


def draw_bars(ax: Axes, threads: Sequence[Record], together: Sequence[Record]) -> None:
    """One run at each number of threads, and runs at once."""
    bars = [(f"threads: {record['threads']}", record["images_per_s"], OURS, "") for record in threads]
    for record in together:
        times = f"{number(record['ratio']['median'])} x"
        bars.append((f"{record['runs']} at once", record["together_images_per_s"], OWN_NETWORK, times))
    for at, (_, found, colour, text) in enumerate(bars):
        ax.bar(at, found["median"], width=0.65, color=colour)
        ax.plot([at, at], [found["low"], found["high"]], color=INK, linewidth=1)
        ax.text(at, found["high"], text, ha="center", va="bottom", fontsize=7)
    ax.set(title="Threads, runs", xticks=range(len(bars)), xticklabels=[bar[0] for bar in bars])
    ax.tick_params(axis="x", length=0, labelsize=6.5)
    ax.margins(y=0.12)
    ax.grid(axis="y")


def rounds(records: Iterable[Record]) -> str:
    """How many rounds the records were measured in."""
    counts = {record.get("images_per_s", record.get("ratio"))["n"] for record in records}
    return " or ".join(map(str, sorted(counts)))


def place(records: Sequence[Record]) -> str:
    """Machine, device, threads and commits of the records."""
    on = " and ".join(sorted({f"{record['cores']} cores of {record['cpu']}" for record in records}))
    threads = sorted({record["threads"] for record in records if record.get("threads")})
    devices = sorted({record.get("device") or "cpu" for record in records})
    commits = sorted({str(record["git_commit"]) for record in records})
    return f"{on}; {', '.join(devices)}; threads: {', '.join(map(str, threads))}; commit {', '.join(commits)}"


FIGURES: dict[str, Callable[[Results], Figure | None]] = {
    "throughput": throughput,
    "order": order,
    "scaling": scaling,
}
