"""Do networks factorize x and y, or couple them? P1 says coupled, P2 factorized: both asked of the same runs.

P1 judges by behaviour: x and y set in together whatever their densities, and images are right in both or in neither.
P2 judges by latents: moves along x are parallel wherever they start, and orthogonal to moves along y, as on a
Clifford torus and unlike on a torus in three dimensions. `measures.factorization` puts both into one index, 0 at the
3D torus and 1 at the Clifford torus of the same labels; it is taken here on a lattice of labels between those that
were trained on, with several noise draws a label, at each tap and noise level. Where bumps come round the canvas'
edges (periodic), labels are a torus, and latents that follow them have its loops.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.studies.captions import about
from phasescope.studies.claim import Claim, Estimate
from phasescope.studies.criteria import column, runs_of, some_runs
from phasescope.studies.curves import mean_curve, named
from phasescope.studies.designs import EPS, PERIODIC, TENFOLD, X
from phasescope.studies.imbalance import MIDDLE, TOGETHER, excess, together
from phasescope.studies.statistics import mean_of_runs, share
from phasescope.studies.study import Curve, Figure, Panel, Reading, Study

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.measures import Score
    from phasescope.store import Run

PLACES = tuple((tap, t) for tap in ("down3", "mid") for t in (50, 600))
VALUES = 16
"""of each factor on the lattice of labels"""
DRAWS = 4
LOOKS = 8
"""snapshots of a run whose latents are read, evenly from the first to the last"""

SYSTEMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "periodic": ("periodic bumps, preset fast", (PERIODIC.name,)),
    "open": ("open bumps, preset fast", (X.name,)),
    "imbalanced": ("open bumps imbalanced tenfold, preset fast", tuple(cell.name for cell in TENFOLD)),
    "eps": ("open bumps, eps-prediction", (EPS.name,)),
}
MIDWAY = 0.5
"""of the index: nearer to the Clifford torus than to the 3D torus"""
MOSTLY = 0.5
"""of a move's square, the part that holds at every value of the other factor"""
OBLIQUE = 0.25
"""mean squared cosine of moves along x and y: angles of 60 degrees"""


def read_code(run: Run) -> list[dict[str, Any]]:
    """The factorization index of a run's latents at some snapshots, and of what they are to be set against.

    At the last snapshot also Betti numbers of the latents, draws averaged; and the index of the images and of the
    labels' encodings, which are the same for all.
    """
    import torch

    from phasescope.loading import load_network
    from phasescope.measures.topology import persistent_homology
    from phasescope.networks.embeddings import label_encoding
    from phasescope.probing.latents import NoisyImages, evaluating, label_lattice

    snapshots = run.snapshots
    chosen = np.unique(np.linspace(0, len(snapshots) - 1, LOOKS).round().astype(int))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    try:
        for index in chosen:
            snapshot = snapshots[index]
            config, network = load_network(run, snapshot)
            world, last = config.world, index == chosen[-1]
            labels = label_lattice(world.factors, VALUES)
            noisy = NoisyImages(
                world,
                config.family.build(),
                labels,
                DRAWS,
                len(labels),
                config.seed,
                torch.device("cpu"),
                config.probing.batch,
            )
            taps = [tap for tap in dict.fromkeys(tap for tap, _ in PLACES) if tap in config.network.taps]
            times = list(dict.fromkeys(t for _, t in PLACES if t < config.family.schedule.steps))
            with evaluating(network):
                _, draws = noisy.latents(network, taps, times)
            row: dict[str, Any] = {"step": snapshot.step}
            for (tap, t), latents in draws.items():
                row |= columns(f"{tap}.{t}", index_of(latents, labels, world))
                if last:
                    found = persistent_homology(latents.mean(axis=0), degree=1, landmarks=128, resamples=40)
                    row |= {f"{tap}.{t}.betti.{k}": score.value for k, score in enumerate(found.betti)}
            if last:
                images = world.render(torch.from_numpy(labels)).flatten(1).numpy()
                encoding = config.network.embedding
                encoded = label_encoding(torch.from_numpy(labels), encoding.width, encoding.base).numpy()
                row["images.value"] = index_of(images, labels, world).value
                row["encoding.value"] = index_of(encoded, labels, world).value
            rows.append(row)
    finally:
        torch.set_num_threads(threads)
    return rows


def index_of(latents: np.ndarray, labels: np.ndarray, world: Any) -> Score:
    from phasescope.measures.factorization import factorization

    return factorization(
        latents.astype(float),
        labels.astype(float),
        periodic=[factor.periodic for factor in world.factors],
        span=[factor.span for factor in world.factors],
        permutations=10,
        names=[factor.name for factor in world.factors],
    )


def columns(at: str, score: Score) -> dict[str, Any]:
    """A score's columns: value, interval, nulls, and what the index is made of."""
    row: dict[str, Any] = {f"{at}.{name}": getattr(score, name) for name in ("value", "low", "high", "n")}
    row |= {f"{at}.nulls.{name}": level for name, level in score.nulls.items()}
    row |= {f"{at}.{name.replace(' ', '.')}": value for name, value in score.detail.items()}
    return {name: value if math.isfinite(value) else None for name, value in row.items()}


def at_end(run: pd.DataFrame, name: str) -> float:
    return float(column(run, name)[-1])


def mean_at_end(
    system: str, name: str, beside: Mapping[str, str] | None = None, least: tuple[str, ...] = ()
) -> Callable[[pd.DataFrame], Estimate]:
    """The mean over runs of a column at the end, or of the least of it and `least`; `beside` goes into `detail`."""

    def estimate(frame: pd.DataFrame) -> Estimate:
        runs = runs_of(frame, SYSTEMS[system][1])
        values = [min(at_end(run, one) for one in (name, *least)) for run in runs]
        detail = {
            label: float(np.mean([at_end(run, one) for run in runs])) for label, one in (beside or {}).items()
        }
        if name.endswith(".value"):
            detail["untrained"] = float(np.mean([column(run, name)[0] for run in runs]))
        return mean_of_runs(values, detail)

    return estimate


def learnt(system: str, at: str) -> Callable[[pd.DataFrame], Estimate]:
    def estimate(frame: pd.DataFrame) -> Estimate:
        runs = runs_of(frame, SYSTEMS[system][1])
        values = [column(run, f"{at}.value") for run in runs]
        return mean_of_runs([value[-1] - value[0] for value in values])

    return estimate


def has_loops(system: str, at: str) -> Callable[[pd.DataFrame], Estimate]:
    def estimate(frame: pd.DataFrame) -> Estimate:
        runs = runs_of(frame, SYSTEMS[system][1])
        found = [tuple(at_end(run, f"{at}.betti.{k}") for k in (0, 1)) for run in runs]
        return share(
            [betti == (1.0, 2.0) for betti in found], {"mean_loops": float(np.mean([b for _, b in found]))}
        )

    return estimate


def right_together(system: str) -> Callable[[pd.DataFrame], Estimate]:
    return lambda frame: mean_of_runs([excess(run, "grid") for run in runs_of(frame, SYSTEMS[system][1])])


def _claims() -> list[Claim]:
    claims = []
    for system, (words, _) in SYSTEMS.items():
        claims.append(
            Claim(
                f"right_together_{system}",
                f"By P1's coupling: an image right in x is right in y more often than by chance: {words}.",
                "P1",
                "mean over runs of acc_xy - acc_x acc_y among well-formed images on the grid, at "
                f"accuracies from {MIDDLE[0]:g} "
                f"to {MIDDLE[1]:g}",
                0.0,
                "above",
                6,
                right_together(system),
                "table",
                "Some labels may be harder than others in both x and y: that goes together in a factorized learner too.",
            )
        )
        for tap, t in PLACES:
            at = f"code.{tap}.{t}"
            claims.append(
                Claim(
                    f"factorized_{system}_{tap}_{t}",
                    f"By P2's geometry: latents at {named(tap, t)} are nearer to a Clifford torus than"
                    f" to a 3D torus: {words}.",
                    "P2",
                    "factorization index at the end of training (0: 3D torus, 1: Clifford torus), mean over runs",
                    MIDWAY,
                    "above",
                    6,
                    mean_at_end(
                        system,
                        f"{at}.value",
                        {
                            "permuted": f"{at}.nulls.permuted",
                            "random": f"{at}.nulls.random",
                            "images": "code.images.value",
                            "label_encoding": "code.encoding.value",
                        },
                    ),
                    "index",
                    "That the network made it so: the label's encoding is factorized already, and an "
                    "untrained network passes it on.",
                )
            )
        at = "code.mid.600"
        claims += [
            Claim(
                f"parallel_{system}",
                f"By P2's parallelism: moves along a factor are the same wherever they start: {words}.",
                "P2",
                "share of a move's square that holds at every value of the other factor, "
                f"{named('mid', 600)}, the less parallel "
                "of x and y, at the end, mean over runs",
                MOSTLY,
                "above",
                6,
                mean_at_end(system, f"{at}.parallelism.x", least=(f"{at}.parallelism.y",)),
                "index",
                "Moves of all lengths count, long ones most; short moves alone may be less parallel.",
            ),
            Claim(
                f"orthogonal_{system}",
                f"By P2's orthogonality: moves along x are nearly orthogonal to moves along y: {words}.",
                "P2",
                f"mean squared cosine of moves along x and y, {named('mid', 600)}, at the end, mean over runs",
                OBLIQUE,
                "below",
                6,
                mean_at_end(system, f"{at}.overlap"),
                "index",
                "Random directions in many dimensions are orthogonal too: with parallelism it means something.",
            ),
            Claim(
                f"learnt_{system}",
                f"Training makes latents more factorized than they were: {words}.",
                "phasescope",
                f"factorization index at {named('mid', 600)}, end less untrained network, mean over runs",
                0.0,
                "above",
                6,
                learnt(system, at),
                "index",
                "An untrained network that passes on the label's encoding may leave nothing to gain.",
            ),
        ]
    claims += [
        Claim(
            "together_imbalanced",
            "By P1's coupling: x and y are learnt together though one is ten times denser.",
            "P1",
            "median over runs of the sparser axis's onset over the denser one's, sign-test interval",
            TOGETHER,
            "below",
            6,
            together(TENFOLD, "grid"),
            "table",
            "Two learners that know nothing of each other are together as well, if density does not matter to either.",
        ),
        *(
            Claim(
                f"torus_{tap}",
                f"On periodic bumps latents are a torus: one piece, two loops, at {named(tap, 600)}.",
                "P2",
                "share of runs whose latents have Betti numbers 1 and 2 at the end, exact interval",
                0.5,
                "above",
                6,
                has_loops("periodic", f"code.{tap}.600"),
                "table",
                "Both ideal tori have these loops: it tells a torus from a sheet, not a coupled code from a factorized one.",
            )
            for tap in ("down3", "mid")
        ),
    ]
    return claims


def index_panels(frame: pd.DataFrame) -> list[Panel]:
    panels = []
    for words, cells in SYSTEMS.values():
        runs = some_runs(frame, cells)
        if not runs:
            continue
        lines = [
            mean_curve(runs, f"code.{tap}.{t}.value", named(tap, t), series)
            for series, (tap, t) in enumerate(PLACES)
            if f"code.{tap}.{t}.value" in frame
        ]
        if "code.images.value" in frame and lines:
            end = max(float(curve.x[-1]) for curve in lines)
            level = float(np.nanmean([at_end(run, "code.images.value") for run in runs]))
            lines.append(
                Curve(np.array([0.0, end]), np.full(2, level), label="images", series=7, style="dashed")
            )
        panels.append(Panel(words, "gradient steps", "index: 0 3D torus, 1 Clifford", lines, level=MIDWAY))
    return panels


MEASURES: dict[str, str] = {
    "index": "value",
    "parallelism of x": "parallelism.x",
    "parallelism of y": "parallelism.y",
    "overlap of x and y": "overlap",
    "loops": "betti.1",
}


def table(frame: pd.DataFrame) -> list[Panel]:
    """Of each system a grid: measures by places, means over runs at the end."""
    panels = []
    for words, cells in SYSTEMS.values():
        runs = some_runs(frame, cells)
        if not runs:
            continue
        names = {row: [f"code.{tap}.{t}.{part}" for tap, t in PLACES] for row, part in MEASURES.items()}
        grid = [
            [float(np.mean([at_end(run, one) for run in runs])) if one in frame else np.nan for one in row]
            for row in names.values()
        ]
        panels.append(
            Panel(
                words,
                "",
                "",
                grid=np.array(grid),
                rows=list(names),
                columns=[named(*place) for place in PLACES],
                ylim=(0.0, 1.0),
            )
        )
    return panels


CELLS = tuple(cell for _, cells in SYSTEMS.values() for cell in cells)

STUDY = Study(
    name="factorization",
    question="Do networks factorize x and y (P2), or couple them (P1): under which measure, at which tap, at which t?",
    preset="fast",
    cells=(PERIODIC, X, *TENFOLD, EPS),
    seeds=6,
    claims=tuple(_claims()),
    figures=(
        Figure(
            "index",
            "The factorization index while learning",
            index_panels,
            lambda frame: (
                f"{about(frame, CELLS)} On {VALUES} x {VALUES} labels off the grid, {DRAWS} noise draws each, whose noise "
                "is taken off. Lines: means over runs; bands: from the least to the most run. Dashed,"
                " thin: midway; dashed: the "
                "index of the images themselves."
            ),
            columns=2,
        ),
        Figure(
            "table",
            "Each measure at each place",
            table,
            lambda frame: (
                f"{about(frame, CELLS)} Means over runs at the end of training. A 3D torus and a Clifford torus have "
                "index 0 and 1; both have 2 loops."
            ),
            columns=2,
        ),
    ),
    readings=(Reading("code", read_code),),
)
