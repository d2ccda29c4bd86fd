"""What `correct` means for images of one's own: the readers of a run against a check that knows nothing of them.

    python -m benchmarks.own_images RUN [--write]

RUN is the finished run of examples/squares.yaml or examples/digits.yaml. For `COUNT` labels of each split, other than those
of its snapshots, it samples an image, and asks the run's reader and a check whether the image is what the label says. The
check of squares is the mass, the extent and the centre of mass of what is coloured; that of digits a support-vector
classifier. `--write` keeps the counts in results/own_images and writes the tables of docs/own_images.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.records import ROOT, machine, plain
from examples.squares import COLOURS, HALF, SIDE
from phasescope import find_run
from phasescope.core.errors import UserError
from phasescope.core.randomness import numpy_generator
from phasescope.runs.store.files import to_json, write_aside
from phasescope.runs.trained.load import config_of
from phasescope.runs.trained.run import Run
from phasescope.worlds import ImageWorld

COUNT = 400
RESULTS = ROOT / "results" / "own_images"
PAGE = ROOT / "docs" / "own_images.md"
Check = Callable[[ImageWorld, np.ndarray, np.ndarray], np.ndarray]
"""from (world, images, labels) whether each image is what its label says"""


def agreement(run: Run, check: Check) -> dict[str, Any]:
    """Return by split how often reader and check call an image correct: both, one alone, and neither."""
    world = config_of(run).world
    counts: dict[str, dict[str, float]] = {}
    for name, split in world.splits().items():
        full = split(COUNT, numpy_generator(1, f"labels compared {name}"))
        labels = world.factors.visible_columns(full)
        images = run.sample(labels, seed=1)
        reader = world.reader()
        columns = reader.read(images)
        read = reader.correct(columns, labels).all(axis=1)
        seen = check(world, images, labels)
        counts[name] = {
            "n": len(labels),
            "both": int((read & seen).sum()),
            "reader_alone": int((read & ~seen).sum()),
            "check_alone": int((~read & seen).sum()),
            "neither": int((~read & ~seen).sum()),
            "real_right": reader.summary(columns, labels)["real_right"],
        }
    return counts


def seen_squares(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what is really seen in images (n, 3, 32, 32) in [-1, 1]: the centre (n, 2) in px and the word of each colour.

    NaN and an empty word where it is no square. The ink of a pixel is how far it lies from white, as a share of what its
    colour does. Pixels with more than half must be as many, and extend as far, as those of one square; its centre is the
    centre of mass of the ink around them, so that faint pixels elsewhere do not count.
    """
    words = list(COLOURS)
    tones = 1 - (np.array([COLOURS[word] for word in words]) / 127.5 - 1)
    lengths = np.linalg.norm(tones, axis=1)
    missing = 1 - images.astype(float)
    strong = np.linalg.norm(missing, axis=1) > 0.5 * lengths.min()
    total = (missing * strong[:, None]).sum(axis=(2, 3))
    likeness = total @ (tones / lengths[:, None]).T / np.maximum(np.linalg.norm(total, axis=1), 1e-9)[:, None]
    best = likeness.argmax(axis=1)
    ink = np.einsum("nchw,nc->nhw", missing, tones[best]) / np.square(lengths[best])[:, None, None]

    dark = ink > 0.5
    is_square = (np.abs(dark.sum(axis=(1, 2)) / (2 * HALF) ** 2 - 1) < 0.25) & (likeness.max(axis=1) > 0.98)
    middle = np.arange(SIDE) + 0.5
    around = np.ones(ink.shape, dtype=bool)
    for axis in (2, 1):
        mean, deviation = _mean_and_deviation(dark, middle, axis)
        # A uniform side of 8 px has a deviation of 8 / sqrt(12) = 2.31 px.
        is_square &= np.abs(deviation / (2 * HALF / 12**0.5) - 1) < 0.2
        near = np.abs(middle - mean[:, None]) < HALF + 2
        around &= near[:, None, :] if axis == 2 else near[:, :, None]

    centres = [_mean_and_deviation(np.where(around, ink, 0.0), middle, axis)[0] for axis in (2, 1)]
    xy = np.where(is_square[:, None], np.stack(centres, axis=1), np.nan)
    return xy, np.where(is_square, np.array(words)[best], "")


def _mean_and_deviation(weights: np.ndarray, places: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and deviation (n,) of places along an axis of weights (n, H, W)."""
    profile = weights.sum(axis=3 - axis)
    profile = profile / np.where(profile.sum(axis=1) == 0, 1, profile.sum(axis=1))[:, None]
    mean = profile @ places
    return mean, np.sqrt((profile * (places - mean[:, None]) ** 2).sum(axis=1))


def square_is_right(world: ImageWorld, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return whether each image shows one square of the label's colour, within the world's tolerance of its place."""
    xy, words = seen_squares(images)
    classes = world.factors[2].classes
    asked = np.array([classes[int(number)] for number in labels[:, 2]])
    most = [world.tolerance[name] for name in "xy"]
    return (words == asked) & (np.abs(xy - labels[:, :2]) <= most).all(axis=1)


def digit_is_right(world: ImageWorld, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return whether a support-vector classifier of the real digits sees the label's."""
    from sklearn.svm import SVC

    known = world.data.labels
    real = world.data.images_of(known).reshape(len(known), -1)
    seen = SVC(gamma="scale", C=10.0).fit(real, known[:, 0]).predict(images.reshape(len(images), -1))
    return seen == labels[:, 0]


CHECKS: Mapping[str, Check] = {"squares": square_is_right, "digits": digit_is_right}


def record(run: Run) -> dict[str, Any]:
    """Return the record of a finished run: its counts, outcomes, training and machine."""
    name = config_of(run).name
    if name not in CHECKS:
        raise UserError(f"`RUN` (={run.name}) must be of examples/{' or '.join(CHECKS)}.yaml")
    last, status, world = run.metrics[-1], run.status, config_of(run).world
    return {
        "example": name,
        "sentence": world.sentence(),
        "steps": status["step"],
        "parameters": status["parameters"],
        "cpu_s": round(status["cpu_s"], 1),
        "cpu": status["cpu"],
        "outcomes": last["outcomes"],
        "agreement": agreement(run, CHECKS[name]),
        "sampled": machine(),
    }


def table(found: Mapping[str, Any]) -> str:
    """Return the counts as a Markdown table."""
    head = "| labels | images | correct by reader and check | by the reader alone | by the check alone | by neither |"
    lines = [
        f"{head} the check agrees where the reader says correct |",
        "|---|---|---|---|---|---|---|",
    ]
    for split, counts in found["agreement"].items():
        cells = [counts[key] for key in ("n", "both", "reader_alone", "check_alone", "neither")]
        share = counts["both"] / max(counts["both"] + counts["reader_alone"], 1)
        lines.append(f"| `{split}` | {' | '.join(map(str, cells))} | {100 * share:.1f} % |")
    return "\n".join(lines)


def in_page(text: str, name: str, block: str) -> str:
    """Return a page in which the block of this name is replaced."""
    begin, end = f"<!-- python -m benchmarks.own_images: {name} -->", "<!-- end of what it writes -->"
    before, _, rest = text.partition(begin)
    if not rest:
        raise UserError(f"`{PAGE.name}` must have the line {begin}")
    return f"{before}{begin}\n{block}\n{end}{rest.partition(end)[2]}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()

    path = Path(given.run)
    found = record(Run(path) if path.is_dir() else find_run(given.run))
    print(json.dumps(plain(found), indent=1))
    print(table(found))
    if given.write:
        RESULTS.mkdir(parents=True, exist_ok=True)
        write_aside(RESULTS / f"{found['example']}.json", to_json(plain(found), indent=1) + "\n")
        PAGE.write_text(in_page(PAGE.read_text(), found["example"], table(found)))


if __name__ == "__main__":
    main()
