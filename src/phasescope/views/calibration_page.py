"""Which measure at which place tells behaviour's phases apart: the figure and the page of `studies.calibration`.

Both are made of calibration.json alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from phasescope.errors import UserError
from phasescope.measures.phases import LETTERS
from phasescope.store.files import write_aside
from phasescope.studies.calibration import BOUNDARIES, FILE
from phasescope.views.record import MEASURES
from phasescope.views.style import INK, MUTED, PALETTE, PHASE_COLOURS, RC

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BEST = 8
"""candidates of a boundary that are shown"""
PAGE, PICTURE = "calibration.md", "calibration.png"
ACCENT = PALETTE["accent"][0]


def write_calibration(folder: Path) -> list[Path]:
    """The page and its figure, beside calibration.json in `folder`.

    Raises:
        UserError: there is none.
    """
    path = folder / FILE
    if not path.exists():
        raise UserError(f"`{path}` must be there: phasescope claims --page docs/results.md writes it")
    found = json.loads(path.read_text())
    with matplotlib.rc_context(RC):
        draw(found).savefig(folder / PICTURE, dpi=130, metadata={"Software": None})
    write_aside(folder / PAGE, render(found))
    return [folder / PAGE, folder / PICTURE]


def draw(found: dict[str, Any]) -> Figure:
    """A row for all runs, and for each cell that has both boundaries: separation at either, confusion, onsets."""
    groups = {name: group for name, group in found.items() if "rule" in group}
    figure = Figure(figsize=(13.0, 2.7 * max(len(groups), 1)))
    axes = figure.subplots(max(len(groups), 1), 4, squeeze=False, width_ratios=(1, 1, 0.9, 0.9))
    for row, (name, group) in zip(axes, groups.items(), strict=False):
        for ax, boundary in zip(row, BOUNDARIES, strict=False):
            draw_separation(ax, group["separation"][boundary], f"{name}: {boundary} has begun")
        draw_confusion(row[2], group["confusion_held_out"])
        draw_onsets(row[3], group["onsets"])
    return figure


def draw_separation(ax: Axes, rows: list[dict[str, Any]], title: str) -> None:
    shown = rows[:BEST][::-1]
    value = np.array([row["balanced_accuracy"] for row in shown])
    ends = np.abs(np.array([[row["low"], row["high"]] for row in shown]).T - value)
    ax.errorbar(value, range(len(shown)), xerr=ends, fmt="o", color=ACCENT, markersize=4, elinewidth=1.1)
    ax.set_yticks(range(len(shown)), [short(row["candidate"]) for row in shown])
    ax.axvline(0.5, color=MUTED, linewidth=0.7, linestyle=(0, (3, 3)))
    ax.set(title=title, xlabel="balanced accuracy, runs left out", xlim=(0.45, 1.01))


def draw_confusion(ax: Axes, table: list[list[int]]) -> None:
    counts = np.array(table)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (i, j), count in np.ndenumerate(counts):
        ax.text(j, i, f"{count}", ha="center", va="center", color="white" if shares[i, j] > 0.55 else INK)
    ax.set_xticks(range(3), LETTERS)
    ax.set_yticks(range(3), LETTERS)
    ax.tick_params(length=0)
    ax.set(title="Rule found without the run", xlabel="the rule says", ylabel="behaviour is in")


def draw_onsets(ax: Axes, rows: list[dict[str, Any]]) -> None:
    """Of each run the rule's onset over behaviour's."""
    for place, boundary in enumerate(BOUNDARIES):
        ratios = ratios_of(rows, boundary)
        at = place + np.linspace(-0.25, 0.25, len(ratios)) if len(ratios) > 1 else np.full(len(ratios), place)
        ax.plot(at, ratios, "o", color=PHASE_COLOURS[boundary], markeredgecolor=INK, markeredgewidth=0.4)
    ax.axhline(1, color=MUTED, linewidth=0.7, linestyle=(0, (3, 3)))
    ax.set_yscale("log")
    ax.set_yticks((0.25, 0.5, 1, 2, 4), ("1/4", "1/2", "1", "2", "4"))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_xticks(range(len(BOUNDARIES)), [f"of {boundary}" for boundary in BOUNDARIES])
    ax.set(title="Onset, rule / behaviour", xlim=(-0.6, len(BOUNDARIES) - 0.4), ylim=(0.2, 5))
    ax.grid(axis="y")


def ratios_of(rows: list[dict[str, Any]], boundary: str) -> np.ndarray:
    """In ascending order, of the runs that had both onsets."""
    found = [row["ratio"] for row in rows if row["boundary"] == boundary and row["ratio"] is not None]
    return np.sort(np.array(found, dtype=float))


def named(candidate: str) -> str:
    """``order.mid.600`` -> ``order (ridge), mid, t = 600``."""
    measure, tap, t = candidate.split(".")
    return f"{MEASURES.get(measure, measure)}, {tap}, t = {t}"


def short(candidate: str) -> str:
    """``label_dimension.mid.600`` -> ``label dimension, mid, 600``."""
    return ", ".join(candidate.replace("_", " ").split("."))


def render(found: dict[str, Any]) -> str:
    """The page, in Markdown."""
    lines = [
        "# Phases revisited: what tells them apart",
        "",
        "Generated from `calibration.json` by `phasescope claims --page docs/results.md`; no number here is typed. Of each",
        "measure at each recorded place a threshold is fitted that tells whether behaviour's phase B, or C, has begun",
        "(`phasescope.studies.calibration` says how). What it is worth is its balanced accuracy on runs that it was not",
        "fitted to, one left out at a time; 1/2 is chance. The rule is the best candidate of either boundary, C above B;",
        "its confusion is of rules found without the run that is told. Snapshots whose behaviour is undecided do not count.",
        "",
        f"![Separation of the best candidates, confusion, and onsets]({PICTURE})",
        "",
    ]
    for name, group in found.items():
        counts = ", ".join(f"{letter} {count}" for letter, count in group["of_phase"].items())
        lines += [
            f"## {name[0].upper() + name[1:]}",
            "",
            f"{group['runs']} runs, {group['snapshots']} decided snapshots ({counts}), {group['undecided']} undecided.",
            "",
        ]
        if "rule" not in group:
            lines += [f"No rule: {group['why']}.", ""]
            continue
        lines += [
            "| has begun | where | balanced accuracy, runs left out | 95 % interval |",
            "|---|---|---|---|",
        ]
        for boundary in BOUNDARIES:
            for row in group["separation"][boundary][:BEST]:
                sign = ">" if row["sign"] > 0 else "<"
                lines.append(
                    f"| {boundary} | {named(row['candidate'])} {sign} {row['threshold']:.3g} | "
                    f"{row['balanced_accuracy']:.3f} | [{row['low']:.3f}, {row['high']:.3f}] |"
                )
        lines += ["", *_rule_words(group), ""]
    return "\n".join(lines)


def _rule_words(group: dict[str, Any]) -> list[str]:
    rule = {
        boundary: f"{named(one['candidate'])} {'>' if one['sign'] > 0 else '<'} {one['threshold']:.3g}"
        for boundary, one in group["rule"].items()
    }
    table = np.array(group["confusion_held_out"])
    right = f"{np.trace(table)} of {table.sum()} snapshots"
    lines = [
        f"Rule: C where {rule['C']}; else B where {rule['B']}; else A. Found without the run, it is right at {right}.",
        "",
        "| behaviour | rule: A | rule: B | rule: C |",
        "|---|---|---|---|",
        *(
            f"| {letter} | {' | '.join(map(str, row))} |"
            for letter, row in zip(LETTERS, table.tolist(), strict=True)
        ),
        "",
    ]
    for boundary in BOUNDARIES:
        rows = [row for row in group["onsets"] if row["boundary"] == boundary]
        ratios = ratios_of(rows, boundary)
        back = sum(row["reversals"] > 0 for row in rows)
        spread = (
            f"median {np.median(ratios):.2f}, from {ratios[0]:.2f} to {ratios[-1]:.2f}"
            if len(ratios)
            else "in no run both"
        )
        lines.append(
            f"- Onset of {boundary}, rule over behaviour: {spread} (n = {len(ratios)} of {len(rows)} runs); the rule "
            f"goes back at least once in {back}."
        )
    return lines
