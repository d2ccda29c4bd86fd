"""The order of the sheet from all labels of the grid instead of 128, along paths, and as P1 reads it.

A sheet that bends back on itself brings places that are far apart close together. If few labels are read, such places are
nearer than the nearest other label, and the sheet looks unordered. With labels 1 px apart the nearest ones are those that
are next to each other, and paths from neighbour to neighbour follow the sheet.
"""

from functools import partial

import numpy as np

from phasescope.measures import p1_r2, trustworthiness
from phasescope.studies import Runs, config_of, load_network, reads, rises_from, torch_generator
from phasescope.studies.readings.objects import BEGUN, gain_since_begun, read_object, when_begun

SITES = ("down3", "mid", "up1")
T, DRAWS, NEIGHBOURS, BATCH = 600, 2, 10, 64
FEW = 128  # labels, as many as the studies `p1` and `sheet` read
PARTS = 6  # of training, at whose ends the sheet is read
NEAR, FAR = 12, 24  # px


def path_order(latents: np.ndarray, labels: np.ndarray) -> float:
    """Return Spearman's correlation of distances between labels with lengths of paths between their latents.

    A path goes from neighbour to neighbour, ten of each, as in Isomap (Tenenbaum et al. 2000). Latents that no path connects
    are as far apart as those with the longest path.

    Args:
        latents: (n, features).
        labels: (n, K).
    """
    from scipy.sparse.csgraph import shortest_path
    from scipy.spatial.distance import pdist, squareform
    from scipy.stats import spearmanr
    from sklearn.neighbors import kneighbors_graph

    graph = kneighbors_graph(latents, NEIGHBOURS, mode="distance")
    lengths = shortest_path(graph.maximum(graph.T), directed=False)
    lengths[np.isinf(lengths)] = lengths[np.isfinite(lengths)].max()
    pairs = np.triu_indices(len(labels), 1)
    return float(spearmanr(lengths[pairs], squareform(pdist(labels))[pairs])[0])


def bending(latents: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean squared distance between latents of labels `FAR` px apart along one axis, over that at `NEAR` px."""
    from sklearn.metrics import euclidean_distances

    squared = euclidean_distances(latents, squared=True)
    apart = np.abs(labels[:, None] - labels[None])

    def mean_at(distance: float) -> float:
        along = [(abs(apart[..., k] - distance) < 0.1) & (apart[..., 1 - k] < 0.1) for k in (0, 1)]
        return float(squared[along[0] | along[1]].mean())

    return mean_at(FAR) / mean_at(NEAR)


def activations(run, snapshot) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the mean activations over `DRAWS` noise draws at every site, (n, features), and the labels, (n, 2)."""
    import torch

    loaded = load_network(run, snapshot)
    world, family, network = loaded.config.world, loaded.config.family.build(), loaded.network
    labels = torch.from_numpy(world.splits()["grid"](1024, np.random.default_rng(0)))
    images, precision = world.render(labels), next(network.parameters()).dtype
    parts: dict[str, list[np.ndarray]] = {site: [] for site in SITES}

    def keep(site: str, _module, _inputs, output) -> None:
        parts[site].append(output.flatten(1).double().numpy())

    hooks = [network.get_layer(site).register_forward_hook(partial(keep, site)) for site in SITES]
    with torch.no_grad():
        for draw in range(DRAWS):
            noise = torch.randn(images.shape, generator=torch_generator(draw, "sheet"), dtype=images.dtype)
            noised = family.noisy(images, torch.full((len(labels),), T), noise).to(precision)
            for x, y in zip(noised.split(BATCH), labels.to(precision).split(BATCH), strict=True):
                network(x, torch.full((len(y),), T), y)
    for hook in hooks:
        hook.remove()
    draws = {site: np.concatenate(of_site).reshape(DRAWS, len(labels), -1) for site, of_site in parts.items()}
    return {site: of_site.mean(axis=0) for site, of_site in draws.items()}, labels.numpy()


def read_sites(run) -> list[dict]:
    """Return the readings of every site at the ends of `PARTS` of training, and when a tenth of the samples is correct."""
    correct = {row["step"]: row["correct"] for row in read_object(run)}
    steps = config_of(run).training.steps
    begun = [step for step, share in correct.items() if share > BEGUN]
    wanted = {min(correct, key=lambda step: abs(step - part * steps / PARTS)) for part in range(PARTS + 1)}
    rows = []
    for snapshot in run.snapshots:
        if snapshot.step in wanted | {*begun[:1]}:
            latents, labels = activations(run, snapshot)
            row = {"step": snapshot.step, "correct": correct[snapshot.step]}
            for site in SITES:
                row |= {f"{site}.{name}": value for name, value in scores(latents[site], labels)}
            rows.append(row)
    return rows


def scores(latents: np.ndarray, labels: np.ndarray) -> list[tuple[str, float]]:
    """Return the readings of one site by name."""
    few = np.random.default_rng(1).permutation(len(labels))[:FEW]
    umap, _ = p1_r2(latents, labels, seeds=(0, 1, 2), permutations=1, resamples=20)
    return [
        ("few", trustworthiness(latents[few], labels[few], NEIGHBOURS, resamples=20).value),
        ("all", trustworthiness(latents, labels, NEIGHBOURS, resamples=20).value),
        ("path", path_order(latents, labels)),
        ("umap", umap.value),
        ("bending", bending(latents, labels)),
    ]


def _when_begun(runs: Runs, column: str) -> np.ndarray:
    return when_begun(runs, column, "sites.correct")


@rises_from(_when_begun, within=(-1, 1))
@reads("{column}", "sites.correct")
def gained(runs: Runs, column: str) -> np.ndarray:
    """Return a reading at the end minus that when a tenth of the samples is correct, (n,); NaN if never."""
    return gain_since_begun(runs, column, "sites.correct")


@reads("sites.mid.all", "sites.mid.few", "sites.correct")
def fall_of_few(runs: Runs) -> np.ndarray:
    """Return by how much the order at mid that few labels show changes for the worse, against that of all, (n,)."""
    return gained(runs, "sites.mid.all") - gained(runs, "sites.mid.few")


@reads("{column}", "sites.correct")
def rises_first(runs: Runs, column: str, by: bool = False) -> np.ndarray:
    """Return whether a reading rises from the untrained network to when a tenth of the samples is correct, (n,); NaN if
    that never comes.

    Args:
        by: return instead by how much.
    """
    gains = []
    for values, share in zip(runs.courses(column), runs.courses("sites.correct"), strict=True):
        begun = np.flatnonzero(share > BEGUN)
        gains.append(values[begun[0]] - values[0] if len(begun) else np.nan)
    rise = np.array(gains)
    return rise if by else np.where(np.isnan(rise), np.nan, rise > 0)


@reads("{column}")
def ends_above(runs: Runs, column: str, level: float) -> np.ndarray:
    """Return whether a reading ends above a level, (n,)."""
    return np.array([values[-1] > level for values in runs.courses(column)], dtype=float)


@reads("{column}", "sites.correct")
def falls_by(runs: Runs, column: str, least: float) -> np.ndarray:
    """Return whether a reading falls by more than `least` from when a tenth of the samples is correct to the end, (n,)."""
    gains = gained(runs, column)
    return np.where(np.isnan(gains), np.nan, gains < -least)
