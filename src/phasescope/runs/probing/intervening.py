"""Is a representation used? What is at a tap is changed while the network paints; where does what it paints go?

At each call of the network, told label l and asked for label l', the tap's output A(x, t, l) becomes

    patch       A(x, t, l')                         all of it, as if it had been told l' (interchange: Geiger et al. 2021)
    part        A(x, t, l) + m(t, l') - m(t, l)     what the label explains of it, and nothing else
    steer       the same, l' = l + step             a step along the manifold of label means
    ablate      A(x, t, l) - m(t, l) + mean of m    nothing of the label left; there is no l' to follow

with m(t, l) the mean of A(x', t, l) over other images x' of the batch: what the tap owes to the label, whatever is shown.
While painting all rows are at one t; in a loss each has its own, and the others' images are made noisy to that.
Every other part of the network is told l as before. Where the painted object goes is read from every image, formed or not.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from phasescope.core.errors import UserError
from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator, torch_generator
from phasescope.measures.over_runs.resampling import share_interval
from phasescope.measures.scores import TAIL, Score, basic_interval, bootstrap_weights
from phasescope.models.families.base import Family, Network, evaluating
from phasescope.runs.probing.capture import activations, check_hears, find_tap, removed_after
from phasescope.worlds.base import Reader, World

How = Literal["patch", "part", "steer", "ablate"]
HOW: tuple[How, ...] = get_args(How)
CONTEXTS = 4
"""images over which the mean of a tap is taken"""
RESAMPLES = 500
Contexts = Callable[[Tensor, Tensor], list[Tensor]]
"""Of a batch x (B, C, *spatial) and its t: for each row an image of another at that row's t, several times."""


def check_how(how: str) -> How:
    """Raises UserError where `how` is no intervention."""
    if how not in HOW:
        raise UserError(f"`how` (={how}) must be one of {', '.join(HOW)}")
    return cast(How, how)


def rolled(x: Tensor, t: Tensor) -> list[Tensor]:
    """The batch's other rows, which must be at one t."""
    return [x.roll(shift, dims=0) for shift in _shifts(len(x))]


@dataclass(eq=False)
class Intervened:
    """A network of whose one tap something is changed at each call; a network itself. Rows without a label are left alone.

    Args:
        targets: (B, K), row by row what is put in.
        beside: at t, images of others and their labels, over which means are then taken, and nothing is painted but one
            label, (1, K), in however many rows; without it means are over `contexts`.
    """

    network: Network
    tap: nn.Module
    how: How
    targets: Float[Tensor, "B K"]
    beside: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None
    contexts: Contexts = rolled

    def __call__(self, x: Tensor, t: Tensor, labels: Tensor) -> Any:
        told = ~labels.isnan().any(dim=1)
        if self.how == "patch":
            put_in = self._read(
                x, t, self.targets if self.beside is None else self.targets.expand(len(x), -1)
            )
            return self._with(lambda found: put_in, told, x, t, labels)
        if self.how == "ablate":
            mean = self._mean(x, t, labels)
            of_all = self._mean_of_all(mean, x, t, labels)
            return self._with(lambda found: found - mean + of_all, told, x, t, labels)
        moved = self._mean(x, t, self.targets) - self._mean(x, t, labels)
        return self._with(lambda found: found + moved, told, x, t, labels)

    def _with(self, change: Any, told: Tensor, x: Tensor, t: Tensor, labels: Tensor) -> Any:
        def hook(module: nn.Module, inputs: tuple, output: Any) -> Any:
            found, *rest = output if isinstance(output, tuple) else (output,)
            rows = told.view(-1, *[1] * (found.ndim - 1))
            changed = torch.where(rows, change(found).to(found.dtype), found)
            return (changed, *rest) if isinstance(output, tuple) else changed

        with removed_after([self.tap.register_forward_hook(hook)]):
            return self.network(x, t, labels)

    def _read(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        """The tap's output, (B, *shape)."""
        return activations(self.network, {"tap": self.tap}, x, t, labels, flat=False)["tap"]

    def _mean(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        """m(t, l) of each row's label, over images of others."""
        if self.beside is not None:
            others, _ = self.beside(t[:1])
            n = len(others)
            return self._read(others, t[:1].expand(n), labels[:1].expand(n, -1)).mean(dim=0, keepdim=True)
        return torch.stack([self._read(others, t, labels) for others in self.contexts(x, t)]).mean(dim=0)

    def _mean_of_all(self, mean: Tensor, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        """Of m(t, l) at each row's t, over labels; where all rows are at one t, `mean` holds every label's."""
        if self.beside is not None:
            others, of_others = self.beside(t[:1])
            return self._read(others, t[:1].expand(len(others)), of_others.roll(1, dims=0)).mean(dim=0)
        if (t == t[0]).all():
            return mean.mean(dim=0)
        total, contexts = torch.zeros_like(mean), self.contexts(x, t)
        for shift in range(len(labels)):
            total += self._read(contexts[shift % len(contexts)], t, labels.roll(shift, dims=0))
        return total / len(labels)


def noised(family: Family, x_0: Tensor, labels: Tensor, generator: torch.Generator) -> Contexts:
    """The images x_0 (B, C, *spatial) of a batch's other rows, made noisy to each row's own t."""
    noise = torch.randn(x_0.shape, generator=generator)

    def contexts(x: Tensor, t: Tensor) -> list[Tensor]:
        made = [torch.empty_like(x) for _ in _shifts(len(x))]
        for condition in t.unique().tolist():
            rows, at = t == condition, None if family.conditions is None else condition
            for shift, of in zip(_shifts(len(x)), made, strict=True):
                image, told, eps = (one.roll(shift, dims=0)[rows] for one in (x_0, labels, noise))
                of[rows] = family.inputs(image, told, at, eps)[0]
        return made

    return contexts


def _shifts(rows: int) -> range:
    return range(1, min(CONTEXTS, rows - 1) + 1)


@dataclass(frozen=True)
class Intervention:
    """What was painted, and where it went.

    Attributes:
        labels, targets: (n, K), what the network was told, and what was put in.
        images: (n, C, *spatial), painted so; `untouched` from the same noise without.
        scores: by way of reading and name: `follows` and `stays`, the shares of images that hold what was put in, and what
            was told; `moved.x`, units moved per unit asked along a factor; `loss`, the family's own, of true images of the
            targets, and `loss.told`, that of the network which is simply told them.
    """

    tap: str
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
    tap: str,
    how: How | str,
    labels: Float[np.ndarray, "n K"],
    targets: Float[np.ndarray, "n K"],
    *,
    seed: int = 0,
    batch: int = 64,
) -> Intervention:
    """Paint `labels` while something of `targets` is put in at a tap, and read where it goes.

    Args:
        labels, targets: in the world's units, at least 8; for `ablate` targets are not used.
        seed: of the noise that painting starts from.
        batch: images painted together; the means of a tap are over others of them.

    Raises:
        UserError: `how` is none, the world has no reader, labels are too few, or the tap does not receive the label.
        ValueError: the tap is not there.
    """
    how = check_how(how)
    reader = world.reader()
    if reader is None:
        raise UserError("`world` must have a reader: where the painted object goes is read from images")
    if len(labels) < 8 or labels.shape != targets.shape:
        raise UserError(
            f"`labels` (shape {labels.shape}) must be at least 8, and of the shape of `targets` ({targets.shape})"
        )
    module = find_tap(network, tap)
    check_hears(network, tap, world, family, torch.from_numpy(labels[:batch]), seed)
    images, untouched, losses = [], [], []
    with evaluating(network), torch.no_grad():
        for part, (some, others) in enumerate(_batches(labels, targets, batch)):
            changed = Intervened(network, module, how, others)
            for who, into in ((changed, images), (network, untouched)):
                generator = torch_generator(seed, "intervention", part)
                into.append(family.sample(who, some, world.shape, generator).float().numpy())
            told = some if how == "ablate" else others
            full = world.complete(told.numpy(), numpy_generator(seed, "hidden factors", part))
            x_0 = world.render(torch.from_numpy(full))
            drawn = family.draw(x_0, torch_generator(seed, "intervention loss", part))
            changed.contexts = noised(family, x_0, told, torch_generator(seed, "intervention contexts", part))
            losses.append(
                torch.stack(
                    [family.loss_at(changed, x_0, some, *drawn), family.loss_at(network, x_0, told, *drawn)]
                ).numpy()
            )
    painted, left_alone = np.concatenate(images), np.concatenate(untouched)
    rng = numpy_generator(seed, "intervention bootstrap")
    scores = _scores(reader, world.factors.visible, how, labels, targets, painted, left_alone, rng)
    scores |= _loss_scores(np.concatenate(losses, axis=1), rng)
    return Intervention(tap, how, labels, targets, painted, left_alone, scores)


def _batches(labels: np.ndarray, targets: np.ndarray, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    # Of even sizes: a last batch of a few images would have no others to take a mean over.
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
        # on a torus the branch nearest to what was asked: whoever follows by half a turn has not turned back
        moved = np.where(factors.periodic, asked + factors.difference(moved, asked), moved)
        for k, name in enumerate(factors.names):
            if np.abs(asked[:, k]).max() > 0:
                scores[f"{way}.moved.{name}"] = _slope(asked[:, k], moved[:, k], rng)
    return scores


def _share(reader: Reader, labels: np.ndarray, errors: np.ndarray, before: np.ndarray) -> Score:
    """The share of images that are right by their errors, with the exact interval of Clopper & Pearson (1934); then of those
    untouched."""
    right, untouched = (np.all(reader.within(off, labels), axis=1) for off in (errors, before))
    share = share_interval(right, TAIL)
    nulls = {"untouched": float(untouched.mean())}
    return Score(share.value, share.low, share.high, share.n, "share of images, exact interval", nulls)


def _slope(asked: np.ndarray, moved: np.ndarray, rng: np.random.Generator) -> Score:
    # Images in which nothing can be read are left out.
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
    found = {}
    for name, values in zip(("loss", "loss.told"), losses, strict=True):
        mean = float(values.mean())
        interval = basic_interval(mean, weights @ values / n)
        found[name] = Score(mean, *interval, n, "the family's loss of the targets' true images")
    return found
