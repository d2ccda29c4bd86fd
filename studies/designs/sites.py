"""Activations at sites (a layer and a noise level t) from stored weights, the sheet's readings of them, and P1's own.

Every run is read at labels and under noise of its own:

    label_variance, draws, dimension, order    the sheet's readings, and `phase` by its rule (docs/measures/sheet.md)
    umap_r2, umap_low, umap_high               P1's reading: UMAP to 3D and a linear regression, ten seeds: mean, ends
    umap_label_variance                        variance that the label explains in a joint UMAP of two noise draws
    p1_phase                                   P1's letters by these: no manifold (A), unordered (B), ordered (C)

P1 judged by eye whether there is a manifold. Here there is one if the label explains most of the variance in the embedding
(UMAP averages noise out: a sheet that explains half of the variance of single activations explains .98 of the embedding's),
and if the label means have as few dimensions as the sheet's rule allows. Thresholds are midpoints between simulated clouds
with and without the property (tests/studies/test_entry.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from phasescope.measures import label_variance, p1_r2, participation_ratio, sheet_phase
from phasescope.measures import sheet_readings as of_sheet
from phasescope.studies import config_of, load_network, numpy_generator, torch_generator

LABELS, DRAWS, BATCH = 256, 2, 64
SEEDS, JOINT_SEEDS = tuple(range(10)), (0, 1, 2)

MANIFOLD = 0.5
"""share of the joint embedding's variance: between .03 (noise) and .98 (a sheet with half of the variance)"""
DIMENSIONS = 25.0
"""participation ratio of the label means, as the sheet's rule has it"""
ORDERED = 0.6
"""R^2 of P1's reading: between .20 (permuted in 4 x 4 patches) and .94"""


def activations(
    loaded, labels: np.ndarray, seed: int, *, layers: Sequence[str], times: Sequence[int]
) -> dict[tuple[str, int], np.ndarray]:
    """Return the activations at every site, (draws, n, features), under noise from `seed`."""
    import torch

    network, family = loaded.network, loaded.config.family.build()
    precision = next(network.parameters()).dtype
    given = torch.from_numpy(labels)
    images = loaded.config.world.render(given)
    parts: dict[str, list[np.ndarray]] = {layer: [] for layer in layers}

    def keep(layer: str, _module, _inputs, output) -> None:
        parts[layer].append(output.flatten(1).double().numpy())

    hooks = [network.get_layer(layer).register_forward_hook(partial(keep, layer)) for layer in layers]
    found = {}
    with torch.no_grad():
        for t in times:
            for draw in range(DRAWS):
                noise = torch.randn(images.shape, generator=torch_generator(seed, f"entry noise {t}", draw))
                noised = family.noisy(images, torch.full((len(given),), t), noise.to(images.dtype))
                batches = zip(
                    noised.to(precision).split(BATCH), given.to(precision).split(BATCH), strict=True
                )
                for x_t, some in batches:
                    network(x_t, torch.full((len(some),), t), some)

            for layer in layers:
                found[layer, t] = np.concatenate(parts[layer]).reshape(DRAWS, len(labels), -1)
                parts[layer].clear()

    for hook in hooks:
        hook.remove()
    return found


def site_readings(draws: np.ndarray, labels: np.ndarray) -> dict[str, float | str]:
    """Return the readings of one site, by name, from activations (draws, n, features) of labels (n, 2)."""
    sheet = of_sheet(draws, labels)
    by_label, dimension = label_variance(draws), participation_ratio(draws.mean(axis=0))
    phase = sheet_phase(by_label, dimension, sheet["sheet_trustworthiness"], sheet["label_trustworthiness"])

    r2, _ = p1_r2(draws[0], labels, seeds=SEEDS, permutations=1, resamples=20)
    low, high = r2.detail["lowest_seed"], r2.detail["highest_seed"]
    in_embedding = joint_label_variance(draws)
    return {
        "label_variance": by_label.value,
        "draws": sheet["sheet_trustworthiness"].value,
        "dimension": dimension.value,
        "order": sheet["label_trustworthiness"].value,
        "phase": phase,
        "umap_r2": r2.value,
        "umap_low": low,
        "umap_high": high,
        "umap_label_variance": in_embedding,
        "p1_phase": p1_phase(in_embedding, dimension.value, low, high),
    }


def joint_label_variance(draws: np.ndarray) -> float:
    """Return the variance that the label explains in UMAP's embedding of all draws together, mean over its seeds."""
    count, n, features = draws.shape
    together = draws.reshape(count * n, features)
    index = np.repeat(np.arange(float(n))[None], count, axis=0).reshape(-1, 1)  # UMAP does not see it
    shares = []
    for seed in JOINT_SEEDS:
        _, embedding = p1_r2(together, index, seeds=(seed,), permutations=1, resamples=20)
        apart = embedding.reshape(count, n, -1).astype(float)
        shares.append(label_variance(apart, permutations=1, resamples=20).value)
    return float(np.mean(shares))


def p1_phase(in_embedding: float, dimension: float, low: float, high: float) -> str:
    """Return P1's letter; `undecided` if seeds of UMAP disagree about order.

    Args:
        in_embedding: variance that the label explains in the joint embedding.
        dimension: participation ratio of the label means.
        low, high: lowest and highest R^2 over UMAP's seeds.
    """
    if in_embedding < MANIFOLD or dimension > DIMENSIONS:
        return "A"
    if low >= ORDERED:
        return "C"
    return "B" if high < ORDERED else "undecided"


def rows_of_sites(run, *, layers: Sequence[str], times: Sequence[int]) -> list[dict]:
    """Return the readings of every site at every snapshot of a run, at labels of its own."""
    config = config_of(run)
    labels = config.world.splits()["grid"](LABELS, numpy_generator(config.seed, "entry labels"))
    rows = []
    for snapshot in run.snapshots:
        row: dict[str, float | str] = {"step": snapshot.step}
        for (layer, t), draws in activations(
            load_network(run, snapshot), labels, config.seed, layers=layers, times=times
        ).items():
            row |= {f"{layer}.{t}.{name}": value for name, value in site_readings(draws, labels).items()}
        rows.append(row)
    return rows
