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

from phasescope.benchmarks.findings import FAST_WALL_S, SMALL_WALL_S
from phasescope.benchmarks.results import Record, Results, machines, there
from phasescope.benchmarks.texts import number
from phasescope.benchmarks.texts import share as in_percent
from phasescope.store.files import write_aside
from phasescope.views.pictures import with_caption
from phasescope.views.style import INK, MUTED, PALETTE, RC, TARGET

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_IN = 9.0
OURS, OWN_NETWORK = PALETTE["accent"][0], PALETTE["order"][0]
COLOURS = {"peer": MUTED, "own": OURS, "same shape": OURS, "brought": OWN_NETWORK}
GOALS = {
    "time_to_order": ("Images right and latents in order", "fast", FAST_WALL_S),
    "time_to_phase_c": ("Phase C of behaviour: mostly correct", "small", SMALL_WALL_S),
}
"""titles, and whose target is drawn"""


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
        precision: {label(record): record for record in records if record["kind"] in COLOURS}
        for precision, records in results.steps().items()
    }
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    if not names:
        return None
    first = next(iter(panels.values()))
    names.sort(key=lambda name: -_images_per_s(first.get(name)))
    figure = Figure(figsize=(WIDTH_IN, 0.31 * len(names) + 0.9))
    axes = figure.subplots(1, len(panels), sharey=True, sharex=True, squeeze=False)[0]
    for ax, (precision, panel) in zip(axes, panels.items(), strict=True):
        for row, name in enumerate(names):
            draw_rate(ax, row, panel.get(name))
        ax.set(title=precision, xlabel="images/s", yticks=range(len(names)), yticklabels=names)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x")
    axes[0].set_ylim(len(names) - 0.4, -0.6)
    axes[0].set_xlim(0, 1.42 * axes[0].get_xlim()[1])
    records = [record for panel in panels.values() for record in there(panel.values())]
    batch = next((record["batch"] for record in records), "?")
    caption = (
        f"Training steps, batch {batch}: medians and ranges of n = {rounds(records)} rounds in turns; in brackets the "
        f"share of the matrix product's rate in that precision, measured beside them. Grey: peers in their quicker memory "
        f"layout; blue: phasescope's U-Net with as many parameters, and in the fastest peer's shape; green: the fastest "
        f"peer's network, trained by phasescope. {place(records)}."
    )
    return with_caption(figure, caption)


def label(record: Record) -> str:
    """A contender's name without precision and layout, on two lines where it is long."""
    name = record["peer"] if record["kind"] == "peer" else record["name"].rpartition(", ")[0]
    return name.replace(" of ", " of\n")


def draw_rate(ax: Axes, row: int, record: Record | None) -> None:
    """A contender's bar, its range, and its share of the matrix product's rate."""
    if record is None or record["missing"] is not None:
        ax.text(0, row, "  missing" if record else "", va="center", color=MUTED, fontsize=7)
        return
    found = record["images_per_s"]
    ax.barh(row, found["median"], height=0.7, color=COLOURS[record["kind"]])
    ax.plot([found["low"], found["high"]], [row, row], color=INK, linewidth=1)
    share = f" ({in_percent(record['peak_share']['median'])})" if "peak_share" in record else ""
    ax.text(found["high"], row, f" {number(found['median'])}{share}", va="center", fontsize=7)


def order(results: Results) -> Figure | None:
    """Wall time until each goal, a row a contender and a dot a seed."""
    records = results.records("order")
    names = list(dict.fromkeys(record["contender"] for record in records))
    if not names:
        return None
    figure = Figure(figsize=(WIDTH_IN, 0.55 * len(names) + 1.1))
    axes = figure.subplots(1, len(GOALS), sharex=True, sharey=True)
    for ax, (goal, (title, whose, target_s)) in zip(axes, GOALS.items(), strict=True):
        for row, name in enumerate(names):
            draw_seeds(ax, row, goal, [record for record in records if record["contender"] == name])
            if name == whose:
                ax.plot([target_s] * 2, [row - 0.42, row + 0.42], color=TARGET, linewidth=1)
                ax.text(
                    target_s, row + 0.44, f"{target_s:g} s", color=TARGET, ha="center", va="top", fontsize=7
                )
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
    counts = ", ".join(f"{name} n = {sum(one['contender'] == name for one in records)}" for name in names)
    caption = (
        f"One dot a seed ({counts}); an arrow: not there after so long; a black line: their median, a lower limit where "
        f"arrows hold it up; a red line: the target. {place(records)}."
    )
    return with_caption(figure, caption)


def draw_seeds(ax: Axes, row: int, goal: str, records: Sequence[Record]) -> None:
    """The seeds of one contender, one above the other, and their median."""
    times = []
    for index, record in enumerate(sorted(records, key=lambda record: record["seed"])):
        came = record[goal] is not None
        times.append((record[goal] or record["spent"])["wall_s"])
        height = row + 0.5 * ((index + 0.5) / len(records) - 0.5)
        ax.plot(times[-1], height, ">" if not came else "o", color=OURS if came else MUTED, markersize=4)
    middle = sorted(times)[(len(times) - 1) // 2 : len(times) // 2 + 1]
    ax.plot([sum(middle) / len(middle)] * 2, [row - 0.34, row + 0.34], color=INK, linewidth=1)


def scaling(results: Results) -> Figure | None:
    """Images a second against batch, canvas, size of the data set, and threads or runs at once."""
    varied = {name: list(there(results.section("scaling", name))) for name, *_ in VARIED}
    threads = list(there(results.section("scaling", "threads")))
    together = list(there(results.section("scaling", "two at once")))
    records = [record for records in (*varied.values(), threads, together) for record in records]
    if not records:
        return None
    figure = Figure(figsize=(WIDTH_IN, 2.3))
    panels = [panel for panel in VARIED if varied[panel[0]]]
    axes = figure.subplots(1, len(panels) + 1, squeeze=False)[0]
    for ax, (name, title, unit, value) in zip(axes, panels, strict=False):
        draw_curve(ax, varied[name], value)
        ax.set(title=title, xlabel=unit)
    draw_bars(axes[-1], threads, together)
    axes[0].set_ylabel("images/s")
    caption = (
        f"Training step of preset `small`: medians and ranges of n = {rounds(records)} rounds in turns; all but what is "
        f"varied is the preset's. {place(records)}."
    )
    return with_caption(figure, caption)


def images_of(record: Record) -> float:
    """Images in the data set: (canvas / d)^2."""
    return round((record["canvas"] / record["value"]) ** 2)


VARIED: tuple[tuple[str, str, str, Callable[[Record], float]], ...] = (
    ("batch", "Batch", "images a step", lambda record: record["value"]),
    ("canvas", "Canvas", "side, px", lambda record: record["value"]),
    ("increment", "Data set", "images", images_of),
)
"""section, title, unit, and what stands on the x axis"""


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
    bars += [
        (
            f"{record['runs']} at once",
            record["together_images_per_s"],
            OWN_NETWORK,
            f"{number(record['ratio']['median'])} x",
        )
        for record in together
    ]
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
    on = " and ".join(sorted(f"{cores} cores of {cpu}" for cpu, cores in machines(records)))
    threads = sorted({record["threads"] for record in records if record.get("threads")})
    devices = sorted({record.get("device") or "cpu" for record in records})
    commits = sorted({str(record["git_commit"]) for record in records})
    return f"{on}; {', '.join(devices)}; threads: {', '.join(map(str, threads))}; commit {', '.join(commits)}"


def _images_per_s(record: Record | None) -> float:
    return record["images_per_s"]["median"] if record and record["missing"] is None else 0.0


FIGURES: dict[str, Callable[[Results], Figure | None]] = {
    "throughput": throughput,
    "order": order,
    "scaling": scaling,
}
