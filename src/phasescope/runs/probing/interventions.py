"""Interventions: change a layer's output while the network samples, and read whether the generated image follows.

A network is conditioned on a label l, and l' is the target. At each call the layer's output A(x, t, l) becomes

    patch       A(x, t, l')                         the output under the target (interchange: Geiger et al. 2021)
    part        A(x, t, l) + m(t, l') - m(t, l)     only the part that the label explains is replaced
    steer       as `part`, with l' = l + step       a step along the manifold of label means
    ablate      A(x, t, l) - m(t, l) + mean of m    the part that the label explains is removed; there is no target

where m(t, l) is the mean of A(x', t, l) over other images x' of the batch: the label's contribution for any input image.
While sampling, all rows have one t. In a loss each row has its own t, to which the other images are noised.
All other layers are still conditioned on l. The reader locates the object in every image, also in malformed ones.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, cast, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from phasescope.core.errors import UserError
from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator, torch_generator
from phasescope.measures.over_runs import share_interval
from phasescope.measures.scores import TAIL, Score, basic_interval, bootstrap_weights
from phasescope.models.families.base import Family, evaluating
from phasescope.models.families.task import Network
from phasescope.runs.probing.capture import activations, check_receives, find_layer, removed_after
from phasescope.worlds.base import Reader, World

How = Literal["patch", "part", "steer", "ablate"]
HOW: tuple[How, ...] = get_args(How)
CONTEXTS = 4
"""images over which a layer's output is averaged"""
RESAMPLES = 500
Contexts = Callable[[Tensor, Tensor], list[Tensor]]
"""Maps a batch x (B, C, *spatial) and its t to several batches whose rows hold another row's image at this row's t."""


def check_how(how: str) -> How:
    """Return `how` if it names an intervention; UserError otherwise."""
    if how not in HOW:
        raise UserError(f"`how` (={how}) must be one of {', '.join(HOW)}")
    return cast(How, how)


def rolled(x: Tensor, t: Tensor) -> list[Tensor]:
    """Return `x` with its rows shifted, several times; all rows must be at one t."""
    return [x.roll(shift, dims=0) for shift in _shifts(len(x))]


@dataclass(eq=False)
class Intervened:
    """A network that changes the output of one layer at each call; rows without a label are not changed.

    Args:
        targets: (B, K), the target label of each row.
        beside: returns other images at t, and their labels. Means are then over these instead of `contexts`, and every row
            must have the same label; `targets` is (1, K).
    """

    network: Network
    layer: nn.Module
    how: How
    targets: Float[Tensor, "B K"]
    beside: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None
    contexts: Contexts = rolled

    def __call__(self, x: Tensor, t: Tensor, labels: Tensor) -> Any:
        conditioned = ~labels.isnan().any(dim=1)
        if self.how == "patch":
            put_in = self._read(x, t, self.targets.expand(len(x), -1))
            return self._with(change=lambda output: put_in, conditioned=conditioned, x=x, t=t, labels=labels)
        if self.how == "ablate":
            mean = self._mean(x, t, labels)
            grand_mean = self._mean_of_all(mean, x, t, labels)
            return self._with(
                change=lambda output: output - mean + grand_mean,
                conditioned=conditioned,
                x=x,
                t=t,
                labels=labels,
            )
        step = self._mean(x, t, self.targets) - self._mean(x, t, labels)
        return self._with(
            change=lambda output: output + step, conditioned=conditioned, x=x, t=t, labels=labels
        )

    def _with(self, change: Any, conditioned: Tensor, x: Tensor, t: Tensor, labels: Tensor) -> Any:
        with removed_after([self.layer.register_forward_hook(changing(change, conditioned))]):
            return self.network(x, t, labels)

    def _read(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        """Return the layer's output, (B, *shape)."""
        return activations(
            network=self.network, layers={"layer": self.layer}, x_t=x, t=t, labels=labels, flat=False
        )["layer"]

    def _mean(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        """Return m(t, l) of each row's label, averaged over the images of other rows."""
        if self.beside is not None:
            others, _ = self.beside(t[:1])
            n = len(others)
            return self._read(others, t[:1].expand(n), labels[:1].expand(n, -1)).mean(dim=0, keepdim=True)
        return torch.stack([self._read(others, t, labels) for others in self.contexts(x, t)]).mean(dim=0)

    def _mean_of_all(self, mean: Tensor, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        """Return the mean of m(t, l) over labels at each row's t; if all rows have one t, `mean` holds every label's m."""
        if self.beside is not None:
            others, of_others = self.beside(t[:1])
            return self._read(others, t[:1].expand(len(others)), of_others.roll(1, dims=0)).mean(dim=0)
        if (t == t[0]).all():
            return mean.mean(dim=0)
        total, contexts = torch.zeros_like(mean), self.contexts(x, t)
        for shift in range(len(labels)):
            total += self._read(contexts[shift % len(contexts)], t, labels.roll(shift, dims=0))
        return total / len(labels)


@dataclass(eq=False)
class Patched:
    """A network in which the outputs of layers are those that it has under other labels; rows without a label stay.

    All layers are read from the network as it is, so that their order does not matter.

    Args:
        layers: modules by name.
        targets: by layer the label of each row that is put in, (B, K).
    """

    network: Network
    layers: Mapping[str, nn.Module]
    targets: Mapping[str, Float[Tensor, "B K"]]

    def __call__(self, x: Tensor, t: Tensor, labels: Tensor) -> Any:
        put_in = {
            name: activations(
                network=self.network,
                layers={name: module},
                x_t=x,
                t=t,
                labels=self.targets[name],
                flat=False,
            )[name]
            for name, module in self.layers.items()
        }
        conditioned = ~labels.isnan().any(dim=1)

        handles = [
            module.register_forward_hook(changing(partial(_instead, put_in[name]), conditioned))
            for name, module in self.layers.items()
        ]
        with removed_after(handles):
            return self.network(x, t, labels)


def _instead(put_in: Tensor, output: Tensor) -> Tensor:
    return put_in


def changing(change: Callable[[Tensor], Tensor], conditioned: Tensor) -> Callable[..., Any]:
    """Return a hook that changes the output of a module, or its first entry, in the rows `conditioned`, (B,) bool."""

    def hook(module: nn.Module, inputs: tuple, output: Any) -> Any:
        first, *rest = output if isinstance(output, tuple) else (output,)
        rows = conditioned.view(-1, *[1] * (first.ndim - 1))
        changed = torch.where(rows, change(first).to(first.dtype), first)
        return (changed, *rest) if isinstance(output, tuple) else changed

    return hook


def noised(family: Family, x_0: Tensor, labels: Tensor, generator: torch.Generator) -> Contexts:
    """Return the function that noises the images x_0 (B, C, *spatial) of a batch's other rows to each row's own t."""
    noise = torch.randn(x_0.shape, generator=generator)

    def contexts(x: Tensor, t: Tensor) -> list[Tensor]:
        noisy = [torch.empty_like(x) for _ in _shifts(len(x))]
        for level in t.unique().tolist():
            rows, at = t == level, None if family.noise_levels is None else level
            for shift, batch in zip(_shifts(len(x)), noisy, strict=True):
                image, label, eps = (tensor.roll(shift, dims=0)[rows] for tensor in (x_0, labels, noise))
                batch[rows] = family.inputs(image, label, at, eps)[0]
        return noisy

    return contexts


def _shifts(rows: int) -> range:
    return range(1, min(CONTEXTS, rows - 1) + 1)


@dataclass(frozen=True)
class Intervention:
    """The images generated under an intervention, and the scores read from them.

    Attributes:
        labels, targets: (n, K), the labels that the network is conditioned on, and those put in at the layer.
        images: (n, C, *spatial), generated under the intervention; `untouched` from the same noise without it.
        scores: by reading and name: `follows` and `stays`, the shares of images that show the target and the condition;
            `moved.x`, units moved per unit asked along a factor; `loss`, the family's loss on true images of the targets,
            and `loss.conditioned`, that of the unchanged network conditioned on the targets.
    """

    layer: str
    how: How
    labels: Float[np.ndarray, "n K"]
    targets: Float[np.ndarray, "n K"]
    images: Float[np.ndarray, "n C *spatial"]
    untouched: Float[np.ndarray, "n C *spatial"]
    scores: Mapping[str, Score]


def intervene(
    network: nn.Module,
    world: World,
    family: Family,
    layer: str,
    how: How | str,
    labels: Float[np.ndarray, "n K"],
    targets: Float[np.ndarray, "n K"],
    *,
    seed: int = 0,
    batch: int = 64,
) -> Intervention:
    """Sample `labels` while a layer's output is changed towards `targets`, and score whether the images follow.

    Args:
        labels, targets: in the world's units, at least 8; for `ablate` targets are not used.
        seed: of the noise that sampling starts from.
        batch: images sampled together; the means of a layer are over other images of the batch.

    Raises:
        UserError: `how` is unknown, the world has no reader, labels are too few, or the layer does not receive the label.
        ValueError: the network has no such layer.
    """
    how = check_how(how)
    reader = world.reader()
    if reader is None:
        raise UserError("`world` must have a reader, which locates the object in generated images")
    if len(labels) < 8 or labels.shape != targets.shape:
        raise UserError(
            f"`labels` (shape {labels.shape}) must be at least 8, and of the shape of `targets` ({targets.shape})"
        )

    module = find_layer(network, layer)
    check_receives(
        network=network,
        layer=layer,
        world=world,
        family=family,
        labels=torch.from_numpy(np.concatenate([labels, targets])),
        seed=seed,
    )
    batch = max(batch, 8)  # a layer's means are over the other images of a batch

    images, untouched, losses = [], [], []
    with evaluating(network), torch.no_grad():
        for part, (some, others) in enumerate(_batches(labels, targets, batch)):
            changed = Intervened(network, module, how, others)
            for model, samples in ((changed, images), (network, untouched)):
                generator = torch_generator(seed, "intervention", part)
                samples.append(family.sample(model, some, world.shape, generator).float().numpy())

            shown = some if how == "ablate" else others
            full = world.complete(shown.numpy(), numpy_generator(seed, "hidden factors", part))
            x_0 = world.render(torch.from_numpy(full))

            drawn = family.draw(x_0, torch_generator(seed, "intervention loss", part))
            contexts_generator = torch_generator(seed, "intervention contexts", part)
            changed.contexts = noised(family, x_0, shown, contexts_generator)

            both = (family.loss_at(changed, x_0, some, *drawn), family.loss_at(network, x_0, shown, *drawn))
            losses.append(torch.stack(both).numpy())

    generated, unchanged = np.concatenate(images), np.concatenate(untouched)
    rng = numpy_generator(seed, "intervention bootstrap")
    scores = _scores(
        reader=reader,
        factors=world.factors.visible,
        how=how,
        labels=labels,
        targets=targets,
        images=generated,
        untouched=unchanged,
        rng=rng,
    )
    scores |= _loss_scores(np.concatenate(losses, axis=1), rng)
    return Intervention(
        layer=layer,
        how=how,
        labels=labels,
        targets=targets,
        images=generated,
        untouched=unchanged,
        scores=scores,
    )


def _batches(labels: np.ndarray, targets: np.ndarray, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    # Batches have even sizes: a last batch of very few images would have too few others to average over.
    parts = max(1, round(len(labels) / batch))
    for rows in np.array_split(np.arange(len(labels)), parts):
        yield torch.from_numpy(labels[rows]), torch.from_numpy(targets[rows])


def _scores(
    reader: Reader,
    factors: Factors,
    how: How,
    labels: np.ndarray,
    targets: np.ndarray,
    images: np.ndarray,
    untouched: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, Score]:
    read, before = reader.read(images), reader.read(untouched)
    own, there = reader.ungated(read, labels), reader.ungated(read, targets)
    own_before, there_before = reader.ungated(before, labels), reader.ungated(before, targets)

    scores: dict[str, Score] = {}
    for way in own:
        scores[f"{way}.stays"] = _share(reader, labels, own[way], own_before[way])
        if how == "ablate":
            continue
        scores[f"{way}.follows"] = _share(reader, targets, there[way], there_before[way])

        asked = factors.difference(targets, labels)
        moved = factors.difference(own[way], own_before[way])
        # Half a turn forward may be read as half a turn backward: on a torus only steps of a quarter at most are judged.
        moved[factors.periodic & (np.abs(asked) > factors.span / 4)] = np.nan

        for k, name in enumerate(factors.names):
            if np.any(asked[np.isfinite(moved[:, k]), k]):
                scores[f"{way}.moved.{name}"] = _slope(asked[:, k], moved[:, k], rng)
    return scores


def _share(reader: Reader, labels: np.ndarray, errors: np.ndarray, before: np.ndarray) -> Score:
    """Return the share of images whose `errors` are within tolerance, with its exact interval (Clopper & Pearson 1934), and
    as its baseline the share among the untouched images."""
    correct, untouched = (np.all(reader.within(error, labels), axis=1) for error in (errors, before))
    share = share_interval(correct, TAIL)
    baselines = {"untouched": float(untouched.mean())}
    return Score(
        value=share.value,
        low=share.low,
        high=share.high,
        n=share.n,
        estimator="share of images, exact interval",
        baselines=baselines,
    )


def _slope(asked: np.ndarray, moved: np.ndarray, rng: np.random.Generator) -> Score:
    # Images in which the reader finds no object are left out.
    known = np.isfinite(moved)
    x, y = asked[known], moved[known]
    weights = np.concatenate([np.ones((1, len(x))), bootstrap_weights(len(x), RESAMPLES, rng)])
    squares = weights @ x**2
    slopes = np.divide(weights @ (x * y), squares, out=np.zeros(len(weights)), where=squares > 0)
    slope = float(slopes[0])
    estimator = "units moved per unit asked, least squares through 0, bootstrap of images"
    return Score(slope, *basic_interval(slope, slopes[1:]), len(x), estimator, {"untouched": 0.0})


def _loss_scores(losses: Float[np.ndarray, "2 n"], rng: np.random.Generator) -> dict[str, Score]:
    n = losses.shape[1]
    weights = bootstrap_weights(n, RESAMPLES, rng)
    scores = {}
    for name, values in zip(("loss", "loss.conditioned"), losses, strict=True):
        mean = float(values.mean())
        interval = basic_interval(mean, weights @ values / n)
        scores[name] = Score(mean, *interval, n, "the family's loss of the targets' true images")
    return scores
