"""Simulated clouds: what the readings of the sheet say of activations whose answer is known.

Labels are uniform on a square. `ordered` and `patches` lie on a smooth random surface in feature space (a Gaussian process
of the labels' place, with a length scale in units of the square's side); in `patches` the label square is cut into
4 x 4 parts that are permuted, in `permuted` every label has another one's place. `scattered` gives each label a
random direction, `noise` has nothing of the label. The last five of `DESIGN` had no part in the thresholds: `torus` has both
labels once round a circle each, `folded` is a plane folded flat, `curve` has x alone, `snake` is a line through eight
rows in turn, `regions` are 16 points. `encodings` are the labels' positional encodings, as an untrained network passes them
on. Noise has a spectrum 1/k, turned at random; `share`: the labels' part of the variance.

    python tests/helpers/clouds.py         prints the tables of docs/measures/sheet.md
    python tests/helpers/clouds.py --p1    prints that of docs/measures/p1_reading.md, an hour on one core
"""

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch

from phasescope.core.randomness import numpy_generator
from phasescope.measures import battery, label_variance, participation_ratio, sheet_phase, sheet_readings
from phasescope.models.networks.encodings import positional_encoding

FOURIER = 200  # random features that make up a surface


def cloud(
    kind: str, n: int, features: int, share: float, rng: np.random.Generator, length: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return labels (n, 2) and activations (2, n, features) under two noise draws."""
    labels = rng.random((n, 2))
    places = {"ordered": labels, "curve": labels[:, :1]}
    places |= {"permuted": labels[rng.permutation(n)], "patches": permuted(labels, 4, rng)}
    row = np.floor(8 * labels[:, 1])
    places["snake"] = (row + np.abs(row % 2 - labels[:, 0]))[:, None] / 2
    shapes = {"folded": np.abs(labels - [0.5, 0]), "regions": np.eye(16)[(4 * labels).astype(int) @ [4, 1]]}
    shapes["torus"] = np.concatenate([np.cos(2 * np.pi * labels), np.sin(2 * np.pi * labels)], axis=1)
    if kind == "noise":
        signal, share = np.zeros((n, features)), 0.0
    elif kind == "scattered":
        signal = rng.normal(size=(n, features))
    elif kind == "encodings":
        encoded = [
            positional_encoding(torch.from_numpy(32 * axis), 64, 10_000.0).numpy() for axis in labels.T
        ]
        signal = embed(np.concatenate(encoded, axis=1), features)
    else:
        signal = (
            embed(shapes[kind], features) if kind in shapes else surface(places[kind], features, length, rng)
        )
    signal -= signal.mean(axis=0)
    signal *= np.sqrt(share / max(signal.var(axis=0).sum(), 1e-12))
    spectrum = 1 / np.arange(1, features + 1)
    turned = np.linalg.qr(rng.normal(size=(features, features)))[0]
    scale = np.sqrt((1 - share) * spectrum / spectrum.sum())
    return labels, signal + (rng.normal(size=(2, n, features)) * scale) @ turned


def battery_names() -> set[str]:
    """Return the names of all scores of the battery, which it lists if it is asked for another one."""
    try:
        battery(np.eye(8), np.arange(8.0)[:, None], chosen=["nothing"])
    except ValueError as error:
        return {*str(error).partition("one of ")[2].split(", ")}
    raise AssertionError("a score of no name was given")


def embed(latents: np.ndarray, features: int) -> np.ndarray:
    """Return the latents in `features` dimensions, rotated at random: all distances and angles stay as they are."""
    directions = np.linalg.qr(numpy_generator(0, "embedding").normal(size=(features, latents.shape[1])))[0]
    return latents @ directions.T


def surface(places: np.ndarray, features: int, length: float, rng: np.random.Generator) -> np.ndarray:
    """Return a draw of a Gaussian process with a squared-exponential kernel at `places` (n, d), for each feature."""
    frequencies = rng.normal(size=(places.shape[1], FOURIER)) / length
    waves = np.cos(places @ frequencies + rng.uniform(0, 2 * np.pi, FOURIER))
    return waves @ rng.normal(size=(FOURIER, features))


def permuted(labels: np.ndarray, cuts: int, rng: np.random.Generator) -> np.ndarray:
    """Return the labels after the parts of the square have changed places."""
    part = np.minimum((labels * cuts).astype(int), cuts - 1)
    other = rng.permutation(cuts**2)[part[:, 0] * cuts + part[:, 1]]
    return labels - part / cuts + np.stack([other // cuts, other % cuts], axis=1) / cuts


def readings(labels: np.ndarray, draws: np.ndarray, resamples: int = 200) -> dict[str, object]:
    """Return the four readings, in the order that `sheet_phase` takes them, and the phase."""
    of_sheet = sheet_readings(draws, labels, resamples=resamples)
    scores = {
        "label variance": label_variance(draws, resamples=resamples),
        "dimension": participation_ratio(draws.mean(axis=0), resamples),
        "trustworthiness of draws": of_sheet["sheet_trustworthiness"],
        "order": of_sheet["label_trustworthiness"],
    }
    return {name: score.value for name, score in scores.items()} | {"phase": sheet_phase(*scores.values())}


DESIGN = [  # kind, shares of the label's variance, expected phase
    ("noise", (0.0,), "A"), ("scattered", (0.5, 0.9, 0.98), "A"), ("ordered", (0.3, 0.5), "A"),
    ("permuted", (0.9, 0.98), "B"), ("patches", (0.9, 0.98), "B"), ("ordered", (0.9, 0.98), "C"),
    ("torus", (0.9, 0.98), "C"), ("folded", (0.9, 0.98), "B"), ("curve", (0.9, 0.98), "B"),
    ("snake", (0.9, 0.98), "no surface"), ("regions", (0.9, 0.98), "no surface"),
]  # fmt: skip


def table(n: int = 128, features: int = 512, repeats: int = 5, seed: int = 0) -> Iterator[dict[str, object]]:
    """Yield a row per kind and share: medians over `repeats` clouds of three length scales, and their phases."""
    rng = np.random.default_rng(seed)
    for kind, shares, expected in DESIGN:
        for share in shares:
            lengths = np.repeat((0.25, 0.5, 1.0), repeats)
            frame = pd.DataFrame([readings(*cloud(kind, n, features, share, rng, x)) for x in lengths])
            yield {
                "cloud": kind,
                "share": share,
                **frame.drop(columns="phase").median().round(3),
                "expected": expected,
                "found": counted(frame["phase"]),
            }


COMPARED = [  # kind, share of the label's variance, length of the surface's bends, labels
    ("noise", 0.0, 0.5, 256), ("scattered", 0.95, 0.5, 256), ("permuted", 0.95, 0.5, 256), ("patches", 0.95, 0.5, 256),
    ("ordered", 0.95, 0.5, 256), ("permuted", 0.5, 0.5, 256), ("patches", 0.5, 0.5, 256), ("ordered", 0.5, 0.5, 256),
    ("patches", 0.3, 0.5, 256), ("ordered", 0.3, 0.5, 256), ("ordered", 0.1, 0.5, 256), ("encodings", 0.95, 0.5, 256),
    ("encodings", 0.5, 0.5, 256), ("encodings", 0.3, 0.5, 256), ("ordered", 0.95, 0.25, 256), ("ordered", 0.95, 0.15, 256),
    ("ordered", 0.95, 0.15, 64), ("ordered", 0.95, 0.15, 1024), ("patches", 0.95, 0.5, 64), ("patches", 0.95, 0.5, 1024),
]  # fmt: skip


def beside_p1(features: int = 256, repeats: int = 5, seed: int = 0) -> Iterator[dict[str, object]]:
    """Yield a row per cloud of `COMPARED`: the sheet's phase and P1's letter, and medians of what they depend on."""
    from studies.designs.sites import site_readings

    rng = np.random.default_rng(seed)
    for kind, share, length, n in COMPARED:
        found = []
        for _ in range(repeats):
            labels, draws = cloud(kind, n, features, share, rng, length)
            found.append(site_readings(draws, labels))
        frame = pd.DataFrame(found)
        medians = frame.select_dtypes("number").median()
        yield {
            "cloud": kind,
            "label's share": share,
            "bends": length,
            "labels": n,
            "label variance": medians["label_variance"],
            "draws": medians["draws"],
            "order": medians["order"],
            "phase of the sheet": counted(frame["phase"]),
            "in UMAP's space": medians["umap_label_variance"],
            "P1's R²": medians["umap_r2"],
            "P1's letter": counted(frame["p1_phase"]),
        }


def counted(letters: pd.Series) -> str:
    """Return how often each letter occurs, the most frequent first."""
    return ", ".join(f"{letter} {count}" for letter, count in letters.value_counts().items())


if __name__ == "__main__" and "--p1" in sys.argv:
    sys.path.insert(0, ".")
    print(pd.DataFrame(beside_p1()).round(2).to_markdown(index=False))
elif __name__ == "__main__":
    for n, features in ((128, 512), (128, 128), (64, 512)):
        print(f"\n{n} labels, two draws, {features} features, 15 clouds in each row\n")
        print(pd.DataFrame(table(n, features)).to_markdown(index=False))
