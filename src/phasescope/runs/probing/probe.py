"""Probing any network: record its latents for a world's labels, and score them next to their baselines.

    probed = probe(network, world, layers=["mid"], t=[100, 600])
    probed.latents[Site("mid", 600)]       # (n, features)
    probed.table()                          # measure -> site -> Score with its baselines

`network(x, t, labels)` is any callable whose output is what its family expects. It is not changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int

from phasescope import measures
from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import UserError, as_user_error, similar
from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures import Score
from phasescope.measures.arguments import check_integer, real_array
from phasescope.measures.columns import MEASURES, Measure
from phasescope.measures.latents.battery import given, measure_names, scores_of
from phasescope.measures.scores import scores_frame
from phasescope.models.families import USUAL
from phasescope.models.families.base import Family, FamilyConfig
from phasescope.models.families.task import Network
from phasescope.runs.config.probing_config import check_t
from phasescope.runs.probing.capture import Layers
from phasescope.runs.probing.inputs import LEAST_CROSSED, Inputs, Latents
from phasescope.runs.store.folder import Notify
from phasescope.runs.store.sites import Site
from phasescope.worlds.base import World

if TYPE_CHECKING:
    import pandas as pd


class Table(dict[str, dict[str, Score]]):
    """Scores: measure -> site, as text -> Score.

    Attributes:
        left_out: by measure, why it could not be computed, in one line; by `probe_r2.mid.600` if only at some sites.
    """

    def __init__(
        self, scores: Mapping[str, dict[str, Score]] | None = None, left_out: Mapping[str, str] | None = None
    ):
        super().__init__(scores or {})
        self.left_out = dict(left_out or {})

    def to_frame(self) -> pd.DataFrame:
        """Return one row per measure and site: `measure`, `site`, value, low, high, n, estimator, `baselines.<name>`,
        `detail.<name>`."""
        return scores_frame(
            ({"measure": name, "site": site}, score)
            for name, by_site in self.items()
            for site, score in by_site.items()
        )

    def only(self, names: Iterable[str]) -> Table:
        """Return the table with the measures of these names, in their order."""
        return Table({name: self[name] for name in names if name in self}, self.left_out)

    def with_others(self, other: Table) -> Table:
        """Return the table with the measures of another one, whose reasons replace those for the same measures."""
        reasons = {at: why for at, why in self.left_out.items() if at.partition(".")[0] not in other}
        return Table({**self, **other}, {**reasons, **other.left_out})

    def summed_up(self, sites: int) -> Table:
        """Return the table with one reason for each measure that is left out at all sites for the same reason."""
        reasons: dict[str, list[str]] = {}
        for at, reason in self.left_out.items():
            reasons.setdefault(at.partition(".")[0], []).append(reason)
        common = {name: some[0] for name, some in reasons.items() if some == [some[0]] * sites}
        others = {at: why for at, why in self.left_out.items() if at.partition(".")[0] not in common}
        return Table(self, {**common, **others})


@dataclass(frozen=True)
class Probed:
    """Latents of n labels at some sites, and the latents of their baselines.

    Attributes:
        labels: (n, K), in the world's units.
        factors: of the labels, K.
        trained: the network's latents.
        baselines: the latents of each baseline: `pixels`, and if they were given `untrained` and `label_embedding`.
        own: your own measures, by name, in addition to the battery.
        shown: (D, c), the rows of the labels whose images the crossed labels were combined with.
        final: the final network's latents of the same labels by site, for measures that compare with them.
    """

    labels: Float[np.ndarray, "n K"]
    factors: Factors
    trained: Latents
    baselines: Mapping[str, Latents] = field(default_factory=dict)
    own: Mapping[str, Measure] = field(default_factory=dict)
    shown: Int[np.ndarray, "D c"] | None = None
    final: Mapping[Site, np.ndarray] = field(default_factory=dict)

    def __repr__(self) -> str:
        sites = ", ".join(map(str, self.latents))
        return f"Probed({len(self.labels)} labels of {', '.join(self.factors.names)} at {sites})"

    @property
    def latents(self) -> Mapping[Site, np.ndarray]:
        """The network's latents by site, (n, features)."""
        return self.trained.single

    def table(self, chosen: Sequence[str] | None = None, notify: Notify = lambda done, total: None) -> Table:
        """Return the scores by measure and site, each with all of its baselines.

        Args:
            chosen: names of measures, as in `measures.battery`; all of them by default.
            notify: is called with the number of parts done, and of all parts.

        Raises:
            ValueError: there is no such measure, or a chosen one cannot be computed.
        """
        wrong = [name for name in chosen or () if name not in {*MEASURES, *self.own}]
        if wrong:
            known = list(dict.fromkeys((*measure_names(), *self.own)))
            guess = similar(wrong[0], known)
            raise ValueError(f"`measure` (={wrong[0]}) must be one of {', '.join(known)}{guess}")

        table = Table()
        kept: dict[tuple[int, Site | None], measures.Scores] = {}
        every = {id(by.single[at]) for by in (self.trained, *self.baselines.values()) for at in self.latents}

        def notify_of_all(done: int, total: int) -> None:
            notify(len(kept) * total + done, len(every) * total)

        def scores_at(latents: Latents, site: Site) -> measures.Scores:
            # Pixels and encodings are the same at each layer, and the final network's latents are not.
            key = id(latents.single[site]), site if self.final else None
            if key not in kept:
                kept[key] = self._scores(latents, site, chosen, notify_of_all)
            return kept[key]

        for site in self.trained.single:
            own = scores_at(self.trained, site)
            table.left_out |= {f"{name}.{site}": reason for name, reason in own.left_out.items()}
            others = {name: scores_at(latents, site) for name, latents in self.baselines.items()}
            for name, score in own.items():
                levels = {baseline: other[name] for baseline, other in others.items() if name in other}
                table.setdefault(name, {})[str(site)] = score.with_baselines(**levels)
        return table.summed_up(len(self.trained.single))

    def _scores(
        self, latents: Latents, site: Site, chosen: Sequence[str] | None, notify: Notify
    ) -> measures.Scores:
        """Return scores of all measures and your own, and why others cannot be computed."""
        single, draws = latents.at(site)
        crossed = None if self.shown is None else latents.crossed.get(site)

        try:
            read = given(
                single,
                self.labels,
                self.factors,
                draws=draws,
                crossed=crossed,
                shown=self.shown,
                # Pixels and encodings are compared with it too: they are its baselines.
                final=self.final.get(site),
            )
        except ValueError as reason:
            # Such as latents of a dead layer, which no measure takes.
            if chosen is not None:
                raise
            return measures.Scores({}, dict.fromkeys(measure_names(), str(reason)))
        return scores_of(read, chosen, own=self.own, notify=notify)


def probe(
    network: Network,
    world: World,
    layers: Layers,
    t: Sequence[int] | int = (),
    *,
    family: Family | FamilyConfig | None = None,
    labels: Float[np.ndarray, "n K"] | int = 512,
    draws: int = 4,
    shared: int = 128,
    crossed: int = 128,
    untrained: Network | None = None,
    encode: Callable[[torch.Tensor], torch.Tensor | None] | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    batch: int = 64,
) -> Probed:
    """Record a network's latents for a world's labels.

    Args:
        network: any callable that maps (x_t, t, labels) to an output of the shape of x_t; a module is in evaluation mode
            meanwhile.
        layers: names of modules; for a network that is no module, a mapping from names to modules.
        t: the family's noise levels.
        family: the family that it is trained with; by default the usual one (`families.USUAL`).
        labels: (n, K), or how many to draw from all over the factor space.
        draws: noise draws of the first `shared` labels.
        crossed: number of labels that are combined with one another's images, to separate the conditioning route from the
            input route; if there are fewer than 16, none are.
        untrained: the network before training, for that baseline.
        encode: maps labels (B, K) to the network's encoding of them, (B, features): the upper reference of probe R².
        seed: of labels and noise.
        device: on which the network computes.
        batch: images in one pass.

    Raises:
        UserError: labels, a count or a t are invalid.
        ValueError: the network has no such layer.
    """
    if not isinstance(family, Family):
        family = (family or USUAL).build()
    times = [t] if isinstance(t, int) else list(t)

    with as_user_error():
        check_t("t", times, family.noise_levels)
        for name, count, least, why in (
            ("draws", draws, 2, "noise is what differs between them"),
            ("shared", shared, 1, "labels have several draws"),
            ("crossed", crossed, 0, "labels are combined with others' images"),
            ("batch", batch, 1, "a pass has images"),
            ("seed", seed, 0, "labels and noise derive from it"),
        ):
            check_integer(name, count, least, why)

    labels = _labels_of(world, labels, seed)
    layers = [layers] if isinstance(layers, str) else layers
    shared = min(shared, len(labels))
    crossed = min(crossed, len(labels)) if min(crossed, len(labels)) >= LEAST_CROSSED else 0
    at = torch.device(device)
    inputs = Inputs(
        world=world,
        family=family,
        labels=labels,
        t=times,
        draws=draws,
        shared=shared,
        seed=seed,
        device=at,
        batch=batch,
        crossed=crossed,
    )

    with own_arithmetic(at):
        return Probed(
            labels=world.factors.visible_columns(labels),
            factors=world.factors.visible,
            trained=inputs.latents(network, layers),
            baselines=baselines_of(inputs, list(layers), untrained, encode),
            shown=inputs.shown if crossed else None,
        )


def _labels_of(world: World, labels: Float[np.ndarray, "n K"] | int, seed: int) -> Float[np.ndarray, "n F"]:
    """Return labels (n, F) of all factors: drawn from the whole factor space, or completed by hidden ones.

    Raises:
        UserError: they are neither a number of labels nor rows of visible ones.
    """
    if np.ndim(labels) == 0:
        with as_user_error():
            check_integer("labels", labels, 1, "that many are drawn")
        drawn = world.draw_labels(int(labels), numpy_generator(seed, "probe labels"))
        return np.ascontiguousarray(drawn, dtype=np.float32)

    with as_user_error():
        given = real_array("labels", labels)
    K = len(world.factors.visible)
    if given.ndim != 2 or len(given) == 0 or given.shape[1] != K:
        raise UserError(
            f"`labels` (shape {given.shape}) must be (n, {K}), one column a visible factor of the world"
        )
    full = world.complete(given.astype(np.float32), numpy_generator(seed, "hidden factors"))
    return np.ascontiguousarray(full, dtype=np.float32)


def baselines_of(
    inputs: Inputs,
    layers: Sequence[str],
    untrained: Network | None,
    encode: Callable[[torch.Tensor], torch.Tensor | None] | None,
) -> dict[str, Latents]:
    """Return the latents of the baselines: pixels, and if they are given the untrained network and the label encodings."""
    baselines = {"pixels": inputs.pixels(layers)}
    if untrained is not None:
        baselines["untrained"] = inputs.latents(untrained, layers)
    encodings = None if encode is None else inputs.encodings(layers, encode)
    if encodings is not None:
        baselines["label_embedding"] = encodings
    return baselines
