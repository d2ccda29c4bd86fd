"""The configuration of what is recorded of a run during training."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from phasescope.core.config import Config
from phasescope.core.errors import similar
from phasescope.core.kinds import is_reference
from phasescope.models.families.base import FamilyConfig
from phasescope.runs.store.sites import Site

Usual = Literal["usual"]
TRAINED_IMAGES, OTHER_IMAGES = 128, 64
"""default numbers of sampled images of the training split, and of each other split"""


class SnapshotPlanConfig(Config):
    """Steps of snapshots: dense early in training, then evenly spaced; always the first and the last step."""

    dense_every: int = Field(200, ge=1)
    """steps between early snapshots"""
    dense_until: int = Field(400, ge=0)
    """step up to which snapshots are dense"""
    every: int = Field(400, ge=1)
    """steps between later snapshots"""

    def due(self, step: int, last: int) -> bool:
        """Return whether a snapshot is due after `step` steps of a run of `last` steps."""
        every = self.dense_every if step <= self.dense_until else self.every
        return step % every == 0 or step == last


class SiteConfig(Config):
    """The layer, and the noise level t, at which a representation is read."""

    layer: str
    """a layer of the network"""
    t: int | None = Field(None, ge=0)
    """timestep t of the noisy images; null if the family has none"""

    @property
    def site(self) -> Site:
        return Site(self.layer, self.t)


class MeterConfig(Config):
    """Readings of the condition meter during training, in meter.jsonl of the run's folder: `run.meter()`."""

    every: Annotated[int, Field(ge=0)] | Usual = 0
    """steps between readings, and 0 for none; `usual`: as often as takes less than 2 % of training's time"""
    draws: int = Field(16, ge=2, le=100_000)
    """noisy images in each band"""
    bands: int = Field(8, ge=1, le=1000)
    """equal bands of log SNR"""
    trained: bool = False
    """whether pairs that are trained on are read too, beside held-out ones, at twice the cost"""
    factors: bool = False
    """whether each factor is exchanged alone, too"""
    label_gradient: bool = False
    """whether the force towards the label is read, too, of trained images: a backward pass for each draw"""


class ProbingConfig(Config):
    """Snapshots: their steps, labels, layers and timesteps. The network and the family define what is `usual`."""

    snapshots: SnapshotPlanConfig = SnapshotPlanConfig()
    """when snapshots are taken"""
    observe: tuple[Literal["latents", "sheet", "references"], ...] = ("latents", "references")
    """what is read at each snapshot beside the samples: `latents` with all their scores and baselines; `sheet`, of
    these only what the phase of the sheet needs; `references`, the family's reference denoisers and what
    nearest-neighbour baselines would score"""
    layers: tuple[str, ...] | Usual = "usual"
    """names of the layers whose activations are recorded; `usual`: of the U-Net the last down block and the bottleneck, of
    other networks the two that they name"""
    t: tuple[Annotated[int, Field(ge=0)], ...] | Usual = "usual"
    """timesteps t at which activations are recorded; `usual`: 0.05, 0.3, 0.6 and 0.9 of the family's noise levels"""
    images: dict[str, Annotated[int, Field(ge=0, le=100_000)]] = Field({})
    """images sampled for labels of each split, by its name: 16 at least, or 0 to leave out a split that is not trained on"""
    latent_labels: int = Field(512, ge=64, le=2**14)
    """labels, trained on or not, whose activations are recorded; measures compare them in pairs"""
    variance_labels: int = Field(128, ge=16)
    """how many of these labels have several noise draws"""
    variance_draws: int = Field(4, ge=2, le=1000)
    """noise draws of each of those labels"""
    crossed_labels: int = Field(128, ge=0, le=2**14)
    """how many labels are crossed with one another's images, to separate condition and input; 0: none"""
    most_features: Annotated[int, Field(ge=16)] | None = None
    """features of a layer's activations that are read and stored: of a layer with more, as many, drawn once at random; null:
    all. Scores of a part of the features are estimates of those of all"""
    bands: int = Field(10, ge=1, le=1000)
    """equal bands of t in which the denoising error is measured"""
    band_images: int = Field(32, ge=1, le=100_000)
    """noisy images in each band"""
    representation: SiteConfig | Usual = "usual"
    """where the phase of the sheet is read; `usual`: at the last of the usual layers, the bottleneck of the U-Net, and the
    t nearest 0.6 of the noise levels"""
    p1: SiteConfig | Usual | None = "usual"
    """where P1's reading is taken, by UMAP to 3D and a linear regression; null: nowhere; `usual`: at the first of the usual
    layers, the last down block of the U-Net, and the same t"""
    umap_seeds: int = Field(1, ge=1, le=100)
    """random starts of that UMAP, over which P1's R² is averaged"""
    measures: tuple[str, ...] = ()
    """measures beyond the usual ones: names of those of phasescope, as two_nn; your own of activations, labels and factors,
    as file.py:function or package.module:function"""
    meter: MeterConfig = MeterConfig()
    """readings of how much the condition is used, between snapshots"""
    batch: int = Field(64, ge=1, le=2**16)
    """images in one pass of the network while observing"""

    @property
    def reads_latents(self) -> bool:
        return "latents" in self.observe or "sheet" in self.observe

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.variance_labels > self.latent_labels:
            raise ValueError(
                f"`probing.variance_labels` (={self.variance_labels}) must be at most "
                f"`probing.latent_labels` (={self.latent_labels})"
            )

        if 0 < self.crossed_labels < 16:
            raise ValueError(
                f"`probing.crossed_labels` (={self.crossed_labels}) must be 0, or at least 16: probe R² needs them"
            )

        for name, count in self.images.items():
            if 0 < count < 16:
                raise ValueError(f"`probing.images.{name}` (={count}) must be at least 16, or 0")

        for field in ("layers", "t"):
            if getattr(self, field) == ():
                raise ValueError(f"`probing.{field}` (=[]) must have at least one entry, or be `usual`")

        for name in self.measures:
            if not is_reference(name):
                _check_further(name)
        return self

    def images_of(self, splits: Iterable[str]) -> dict[str, int]:
        """Return the number of images to sample for each split that is read; the training split comes first."""
        usual = {name: OTHER_IMAGES if number else TRAINED_IMAGES for number, name in enumerate(splits)}
        return {name: count for name, count in (usual | self.images).items() if count}


def _check_further(name: str) -> None:
    """Raise ValueError unless phasescope has a measure of that name that a snapshot can take."""
    # This imports all measures, which a plan without further ones should not wait for.
    from phasescope.measures.columns import MEASURES
    from phasescope.measures.latents.battery import measure_names

    if name in MEASURES and "lattice" in MEASURES[name].column.needs:
        raise ValueError(
            f"`probing.measures` (={name}) must take labels as they are drawn, and it needs a lattice of them: "
            "phasescope measure RUN takes it"
        )
    if name not in measure_names():
        guess = similar(name, measure_names())
        raise ValueError(
            f"`probing.measures` (={name}) must be the name of a measure, or of the form file.py:function or "
            f"package.module:function{guess}"
        )


def check_t(field: str, given: Sequence[int], known: Sequence[int] | None) -> None:
    """Raise ValueError if some of `given` are not among a family's noise levels."""
    if known is None:
        if given:
            raise ValueError(
                f"`{field}` (={given[0]}) must be `usual`, or left out, for a family without noise levels"
            )
    elif not given:
        raise ValueError(f"`{field}` (=nothing) must be given, from {known[0]} to {known[-1]}")
    for t in given:
        if known is not None and t not in known:
            raise ValueError(f"`{field}` (={t}) must be a noise level from {known[0]} to {known[-1]}")


def resolved(
    plan: ProbingConfig, layers: Sequence[str] | None, usual_layers: Sequence[str], family: FamilyConfig
) -> ProbingConfig:
    """Return the plan in which every `usual` is replaced by the value for a network and a family.

    Args:
        layers: all layers of the network that have names, if they are known.
        usual_layers: layers at which latents are read by default. The phase of the sheet is read at the last of them,
            P1's R² at the first.

    Raises:
        ValueError: a layer or a timestep does not exist, or is not among those that are recorded.
    """
    own_layers = tuple(usual_layers) if plan.layers == "usual" else plan.layers
    for layer in own_layers:
        if layers is not None and layer not in layers:
            raise ValueError(f"`probing.layers` (={layer}) must be in the network: {', '.join(layers)}")
    if not own_layers:
        raise ValueError("`probing.layers` (=usual) must be given: this network names no usual layers")

    times = family.usual_t if plan.t == "usual" else plan.t
    check_t("probing.t", times, family.noise_levels)

    at = min(times, key=lambda t: abs(t - (family.phase_t or 0))) if times else None
    deep = usual_layers[-1] if usual_layers and usual_layers[-1] in own_layers else own_layers[-1]
    late = usual_layers[0] if usual_layers and usual_layers[0] in own_layers else own_layers[0]
    usual = {"representation": SiteConfig(layer=deep, t=at), "p1": SiteConfig(layer=late, t=at)}
    sites = {
        name: site if getattr(plan, name) == "usual" else getattr(plan, name) for name, site in usual.items()
    }

    for field, site in sites.items():
        if site is None:
            continue
        if site.layer not in own_layers:
            raise ValueError(
                f"`probing.{field}.layer` (={site.layer}) must be one of `probing.layers`: {', '.join(own_layers)}"
            )
        if site.t not in (times or (None,)):
            raise ValueError(
                f"`probing.{field}.t` (={site.t}) must be one of `probing.t`: " + ", ".join(map(str, times))
            )

    return plan.model_copy(update={"layers": own_layers, "t": times, **sites})
