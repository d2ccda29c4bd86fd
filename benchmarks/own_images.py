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
        read = reader.correct(reader.read(images), labels).all(axis=1)
        seen = check(world, images, labels)
        counts[name] = {
            "n": len(labels),
            "both": int((read & seen).sum()),
            "reader_alone": int((read & ~seen).sum()),
            "check_alone": int((~read & seen).sum()),
            "neither": int((~read & ~seen).sum()),
        }
    return counts


def seen_squares(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what is really seen in images (n, 3, 32, 32) in [-1, 1]: the centre (n, 2) in px and the word of each colour.

    NaN and an empty word where it is no square: what is coloured must have a square's mass and extent, and a colour of them.
    The ink of a pixel is how far it lies from white, as a share of the colour's own distance.
    """
    words = list(COLOURS)
    tones = np.array([COLOURS[word] for word in words]) / 127.5 - 1
    missing = 1 - images.astype(float)
    coloured = np.linalg.norm(missing, axis=1) > 0.1
    total = (missing * coloured[:, None]).sum(axis=(2, 3))
    directions = (1 - tones) / np.linalg.norm(1 - tones, axis=1, keepdims=True)
    likeness = total @ directions.T / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)
    best = likeness.argmax(axis=1)

    ink = (
        np.einsum("nchw,nc->nhw", missing, directions[best])
        / np.linalg.norm(1 - tones, axis=1)[best, None, None]
    )
    ink = np.where(coloured, ink, 0.0)
    mass = ink.sum(axis=(1, 2))
    middle = np.arange(SIDE) + 0.5
    centre, extent = [], []
    for axis in (1, 2):
        profile = ink.sum(axis=axis) / np.maximum(mass, 1e-9)[:, None]
        mean = profile @ middle
        centre.append(mean)
        extent.append(np.sqrt((profile * (middle - mean[:, None]) ** 2).sum(axis=1)))

    # A uniform side of 8 px has a deviation of 8 / sqrt(12) = 2.31 px.
    is_square = np.abs(mass / (2 * HALF) ** 2 - 1) < 0.2
    is_square &= np.all([np.abs(deviation / (2 * HALF / 12**0.5) - 1) < 0.2 for deviation in extent], axis=0)
    is_square &= likeness.max(axis=1) > 0.98
    xy = np.where(is_square[:, None], np.stack(centre, axis=1), np.nan)
    return xy, np.where(is_square, np.array(words)[best], "")


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
        "real_right": world.reader().real_right,
        "agreement": agreement(run, CHECKS[name]),
        "sampled": machine(),
    }


def table(found: Mapping[str, Any]) -> str:
    """Return the counts as a Markdown table."""
    lines = [
        "| labels | images | correct by reader and check | by the reader alone | by the check alone | by neither |",
        "|---|---|---|---|---|---|",
    ]
    for split, counts in found["agreement"].items():
        cells = [counts[key] for key in ("n", "both", "reader_alone", "check_alone", "neither")]
        lines.append(f"| `{split}` | {' | '.join(map(str, cells))} |")
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
