"""The page of the reader's calibration: its numbers and pictures from the records in results/reader.

python -m docs.reader        from the repository's root
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.reader import BUMPS, EDGE, RESULTS, SAMPLERS, TRUTHS, tiled
from phasescope.core.randomness import numpy_generator
from phasescope.measures.corrected_shares import corrected_shares
from phasescope.measures.phases import wilson_low
from phasescope.measures.scores import Score, percentile_interval
from phasescope.studies.readings.objects import PHASE_OF
from phasescope.views.facts.numbers import NOTHING
from phasescope.views.style import RC
from phasescope.worlds.bump.planted import plant, remove_bumps, surrogates
from phasescope.worlds.plane import Pixels

ROOT = Path(__file__).parents[1]
PAGE, PICTURES = ROOT / "docs" / "reader.md", ROOT / "docs" / "pictures"
RUN = "lean"
READERS = {"object": "`object`", "outcome": "`outcome`"}
ANSWERS = (*TRUTHS, "malformed")
NAMES = {"dpm_solver": "DPM-Solver, 12 steps", "ddpm": "ancestral, 250 steps"}
COLOURS = {"dpm_solver": "#0072b2", "ddpm": "#d55e00"}
LINES = {"residual": "-", "surrogate": ":"}
ASKED = {
    "none": "no bump",
    "multiple": "two bumps",
    "misplaced": "one misplaced",
    "correct": "one at its label",
}
AGREES, DIFFERS = 0.75, 0.0
"""gray values around an image on which viewer and reader agree, or differ"""


@cache
def records() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the answers on planted bumps, and those on samples, with each step's `stage`."""
    paths = sorted((RESULTS / RUN).glob("*.parquet"))
    known = pd.concat(pd.read_parquet(path) for path in paths if "samples" not in path.stem)
    samples = pd.concat(pd.read_parquet(path) for path in paths if "samples" in path.stem)

    # The letter of most samples by DPM-Solver, as the reader of objects says.
    chosen = samples.query("reader == 'object' and sampler == 'dpm_solver'")
    letters = chosen.answer.map(PHASE_OF).groupby(chosen.step).agg(lambda s: s.value_counts().idxmax())
    return known.assign(stage=known.step.map(letters)), samples.assign(stage=samples.step.map(letters))


def share(hits: pd.Series) -> str:
    """Return a share of independent images with its interval by Wilson's formula; a dash if there is none."""
    if not len(hits):
        return NOTHING
    value, n = float(hits.mean()), len(hits)
    return f"{two(value)} [{two(wilson_low(value, n))}, {two(1 - wilson_low(1 - value, n))}]"


def two(value: float) -> str:
    """Return a number with two decimals, without the 0 before the point."""
    return f"{value:.2f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.2f}"


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in (tuple(headings), *map(tuple, rows))]
    return "\n".join([lines[0], "|" + "---|" * lines[0].count(" | ") + "---|", *lines[1:]])


def run() -> str:
    """Return of which run and moments the records are."""
    known, samples = records()
    steps = {letter: sorted(set(part.step)) for letter, part in known.groupby("stage")}
    stages = "; ".join(
        f"{letter}: step {', '.join(f'{step:,}' for step in several)}" for letter, several in steps.items()
    )
    units = int(known.groupby(["step", "sampler"]).unit.nunique().iloc[0])
    rest = int(samples.groupby(["step", "sampler", "reader"]).counted.sum().iloc[0])
    seed = json.loads((RESULTS / RUN / "run.json").read_text())["seed"]
    return (
        f"One run of preset `{RUN}`, seed {seed}, used for nothing else. A snapshot's stage is the phase of most "
        f"of its samples by DPM-Solver, as `object` reads them ({stages}). At each snapshot and by each sampler "
        f"{units} samples give backgrounds, and {rest} others the shares."
    )


def rates() -> str:
    """Return how often readers are right, by stage, sampler and kind of background."""
    known = records()[0].query("bump == 'as rendered' and background != 'refilled'")
    rows = []
    for (reader, letter, sampler, kind), part in known.groupby(["reader", "stage", "sampler", "background"]):
        of = {truth: part[part.truth == truth].answer for truth in TRUTHS}
        alarm = of["none"].isin(("misplaced", "correct"))
        right = [share(of[truth] == truth) for truth in TRUTHS]
        rows.append((READERS[reader], letter, NAMES[sampler].split(",")[0], kind, *right, share(alarm)))
    headings = (
        "reader",
        "stage",
        "sampler",
        "background",
        *(ASKED[truth] for truth in TRUTHS),
        "none read as one",
    )
    return table(headings, rows)


def shapes() -> str:
    """Return how often one bump at its label is read as correct, by its shape."""
    known = records()[0].query("background == 'residual' and truth == 'correct'")
    rows = [
        (READERS[reader], letter, *(share(part[part.bump == bump].answer == "correct") for bump in BUMPS))
        for (reader, letter), part in known.groupby(["reader", "stage"])
    ]
    return table(("reader", "stage", *BUMPS), rows)


def leak() -> str:
    """Return by how much answers on refilled backgrounds differ from those on the backgrounds themselves, in pairs."""
    known = records()[0].query("bump == 'as rendered' and background != 'surrogate'")
    rng, rows = numpy_generator(0, "reader leak"), []
    for (reader, letter), part in known.groupby(["reader", "stage"]):
        cells = []
        for truth in TRUTHS:
            of = part[part.truth == truth].assign(right=lambda rows, truth=truth: rows.answer == truth)
            wide = of.pivot(index=["step", "sampler", "unit"], columns="background", values="right").astype(
                float
            )
            gap = (wide["refilled"] - wide["residual"]).to_numpy()
            low, high = percentile_interval(gap[rng.integers(len(gap), size=(2000, len(gap)))].mean(axis=1))
            cells.append(f"{two(gap.mean())} [{two(low)}, {two(high)}]")
        rows.append((READERS[reader], letter, *cells))
    return table(("reader", "stage", *(ASKED[truth] for truth in TRUTHS)), rows)


@cache
def corrected(reader: str, step: int, sampler: str, bump: str) -> dict[str, Score] | None:
    """Return the corrected shares of the samples of a moment, by truth; None if no sample has a bump to be fitted, or if the
    reader does not tell the truths apart."""
    known, samples = records()
    moment = f"reader == '{reader}' and step == {step} and sampler == '{sampler}'"
    part = known.query(f"{moment} and background == 'residual' and bump == '{bump}'")
    if part.empty:
        return None
    names = ANSWERS if reader == "outcome" else TRUTHS
    confusion = np.zeros((part.unit.nunique(), len(TRUTHS), len(names)))
    for unit, truth, answer in part[["unit", "truth", "answer"]].itertuples(index=False):
        confusion[unit, TRUTHS.index(truth), names.index(answer)] += 1
    said = samples.query(f"{moment} and counted").answer
    try:
        return corrected_shares([int((said == name).sum()) for name in names], confusion, TRUTHS)
    except ValueError:
        return None


def moments() -> list[tuple[str, int, str]]:
    """Return stage, step and sampler of all moments."""
    parts = records()[0].groupby(["stage", "step", "sampler"]).size().index
    return sorted((str(letter), int(step), str(sampler)) for letter, step, sampler in parts)


def shares() -> str:
    """Return raw and corrected shares of misplaced and of correct bumps."""
    rows = []
    for letter, step, sampler in moments():
        for reader in READERS:
            usual, fitted = (corrected(reader, step, sampler, bump) for bump in ("as rendered", "as fitted"))
            cells = []
            for truth in ("misplaced", "correct"):
                raw = two(usual[truth].baselines["uncorrected"]) if usual else NOTHING
                cells += [
                    raw,
                    *(interval(scores[truth]) if scores else NOTHING for scores in (usual, fitted)),
                ]
            misfit = two(usual["none"].detail["misfit"]) if usual else NOTHING
            name = NAMES[sampler].split(",")[0]
            rows.append((letter, f"{step:,}", name, READERS[reader], *cells, misfit))
    shape = ("as read", "corrected", "as fitted")
    headings = [f"{truth}, {words}" for truth in ("misplaced", "correct") for words in shape]
    return table(("stage", "step", "sampler", "reader", *headings, "misfit"), rows)


def interval(score: Score) -> str:
    """Return a score's value and interval."""
    return f"{two(score.value)} [{two(score.low)}, {two(score.high)}]"


def eye() -> tuple[dict[str, np.ndarray], list[str], pd.DataFrame]:
    """Return the images of the viewer, the viewer's answers, and the readers' by name."""
    with np.load(RESULTS / RUN / "eye.npz") as arrays:
        chosen = dict(arrays)
    viewer = json.loads((RESULTS / RUN / "eye.json").read_text())["answers"]
    samples = records()[1].set_index(["reader", "step", "sampler", "unit"]).answer
    where = list(zip(chosen["step"], chosen["sampler"], chosen["unit"], strict=True))
    said = pd.DataFrame({reader: [samples[(reader, *place)] for place in where] for reader in READERS})
    letters = records()[1].drop_duplicates("step").set_index("step").stage
    return chosen, viewer, said.assign(stage=[letters[step] for step in chosen["step"]], viewer=viewer)


def decided() -> str:
    """Return in how many of the images of each stage a reader differs from the viewer."""
    said = eye()[2]
    rows = []
    for letter, part in [*((str(letter), part) for letter, part in said.groupby("stage")), ("all", said)]:
        cells = [f"{(part[reader] != part.viewer).sum()} of {len(part)}" for reader in READERS]
        rows.append((letter, *cells, *(str((part.viewer == truth).sum()) for truth in ANSWERS)))
    headings = (
        "stage",
        *(f"differ from {words}" for words in READERS.values()),
        *(f"viewer: {a}" for a in ANSWERS),
    )
    return table(headings, rows)


PARTS = {"run": run, "rates": rates, "shapes": shapes, "leak": leak, "shares": shares, "decided": decided}


def filled(text: str) -> str:
    """Return the page with its marked parts as the records have them."""
    for name, part in PARTS.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        text = re.sub(pattern, lambda m, part=part: m[1] + part() + "\n" + m[2], text, flags=re.DOTALL)
    return text


def save(figure: Figure, path: Path) -> None:
    """Write a figure in a palette of few colours, which takes a third of the bytes."""
    buffer = BytesIO()
    figure.savefig(buffer, dpi=110)
    Image.open(buffer).convert("RGB").quantize(128).save(path, optimize=True)


def draw_planted(path: Path) -> None:
    """Draw samples of each stage, their backgrounds, and what is planted into them."""
    chosen, _, said = eye()
    canvas, rng = Pixels(chosen["images"].shape[1], False, 1.0), numpy_generator(0, "reader picture")
    columns = [
        number
        for letter in sorted(set(said.stage))
        for sampler in SAMPLERS
        for number in np.flatnonzero((said.stage == letter) & (chosen["sampler"] == sampler))[:3]
    ]
    g = 1 - chosen["images"][columns] / 255
    residual = remove_bumps(g, canvas)[0]
    ones, label = np.ones(len(g)), chosen["labels"][columns].astype(float)
    others = np.stack([label, (label + canvas.size / 2) % canvas.size], axis=1)
    rows = {
        "sample": g,
        "residual": residual,
        "surrogate": surrogates(residual, rng),
        "one at its label": plant(residual, label[:, None], ones, ones, canvas),
        "two": plant(residual, others, ones, ones, canvas),
    }
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(0.62 * len(columns) + 1.2, 0.66 * len(rows) + 0.5), layout="constrained")
        axes = figure.subplots(len(rows), len(columns), squeeze=False)
        for line, (name, images) in zip(axes, rows.items(), strict=True):
            for place, image in zip(line, images, strict=True):
                place.imshow(image, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
                place.set_xticks([]), place.set_yticks([])
                place.grid(False)
            line[0].set_ylabel(name, rotation=0, ha="right", va="center")
        for place, number in zip(axes[0], columns, strict=True):
            short = "DPM" if chosen["sampler"][number] == "dpm_solver" else "anc."
            place.set_title(f"{said.stage[number]} {short}", fontsize=8)
        save(figure, path)


def draw_rates(path: Path) -> None:
    """Draw how often each truth is read as such, by step."""
    known = records()[0].query("bump == 'as rendered' and background != 'refilled'")
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(9.2, 4.6), layout="constrained")
        axes = figure.subplots(len(READERS), len(TRUTHS), sharex=True, sharey=True)
        for line, reader in zip(axes, READERS, strict=True):
            for place, truth in zip(line, TRUTHS, strict=True):
                for sampler in SAMPLERS:
                    for kind, style in LINES.items():
                        keys = {"reader": reader, "truth": truth, "sampler": sampler, "background": kind}
                        part = known[
                            np.logical_and.reduce([known[key] == value for key, value in keys.items()])
                        ]
                        right = (part.answer == truth).groupby(part.step)
                        value, n = right.mean(), right.size()
                        low = [wilson_low(v, k) for v, k in zip(value, n, strict=True)]
                        high = [1 - wilson_low(1 - v, k) for v, k in zip(value, n, strict=True)]
                        name = f"{NAMES[sampler].split(',')[0]}, {kind}"
                        place.plot(value.index, value, style, color=COLOURS[sampler], label=name, marker=".")
                        if kind == "residual":
                            place.fill_between(
                                value.index, low, high, color=COLOURS[sampler], alpha=0.15, lw=0
                            )
                place.set_ylim(-0.03, 1.03)
                if reader == "object":
                    place.set_title(ASKED[truth])
                else:
                    place.set_xlabel("step")
            line[0].set_ylabel(f"{reader}: read as such")
        figure.legend(
            *axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False
        )
        save(figure, path)


def draw_shares(path: Path) -> None:
    """Draw shares of misplaced and of correct bumps by step, as read and corrected."""
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(9.2, 4.6), layout="constrained")
        axes = figure.subplots(len(READERS), 4, sharex=True, sharey=True)
        panels = [(truth, sampler) for sampler in SAMPLERS for truth in ("misplaced", "correct")]
        for line, reader in zip(axes, READERS, strict=True):
            for place, (truth, sampler) in zip(line, panels, strict=True):
                steps = [step for _, step, name in moments() if name == sampler]
                scores = {step: corrected(reader, step, sampler, "as rendered") for step in sorted(steps)}
                at = {step: score[truth] for step, score in scores.items() if score}
                place.plot(
                    list(at),
                    [s.baselines["uncorrected"] for s in at.values()],
                    "o--",
                    color="#777777",
                    label="as read",
                    ms=3,
                )
                place.plot(list(at), [s.value for s in at.values()], color=COLOURS[sampler], marker=".")
                low, high = [s.low for s in at.values()], [s.high for s in at.values()]
                place.fill_between(list(at), low, high, color=COLOURS[sampler], alpha=0.2, lw=0)
                place.set_ylim(-0.03, 1.03)
                if reader == "object":
                    place.set_title(f"{truth}, {NAMES[sampler].split(',')[0]}")
                else:
                    place.set_xlabel("step")
            line[0].set_ylabel(f"{reader}: share of samples")
        axes[0, 0].legend(frameon=False)
        save(figure, path)


def draw_decided(path: Path) -> None:
    """Draw the viewer's images; a black frame where viewer and `object` differ."""
    chosen, _, said = eye()
    columns, scale = 20, 2
    page = tiled(chosen["images"] / 255, chosen["labels"], columns, scale)
    side = chosen["images"].shape[1] * scale + 2 * EDGE
    for number, differs in enumerate(said["object"] != said.viewer):
        top, left = number // columns * side, number % columns * side
        near = slice(EDGE - 2, side - EDGE + 2)
        tile = page[top : top + side, left : left + side]
        frame = np.zeros_like(tile, dtype=bool)
        frame[near, near] = True
        frame[EDGE:-EDGE, EDGE:-EDGE] = False
        tile[frame] = DIFFERS if differs else AGREES
    Image.fromarray(np.round(255 * page).astype(np.uint8)).quantize(32).save(path, optimize=True)


DRAWN = {"planted": draw_planted, "rates": draw_rates, "shares": draw_shares, "decided": draw_decided}


def main() -> None:
    """Write the page's numbers and its pictures."""
    PAGE.write_text(filled(PAGE.read_text()))
    for name, draw in DRAWN.items():
        path = PICTURES / f"reader_{name}.png"
        draw(path)
        print(path.relative_to(ROOT), flush=True)


if __name__ == "__main__":
    main()
