"""The condition meter: by how much does a model's loss rise if its condition is another's?

Has a conditional model learned its condition? The loss hardly says: a model may ignore its condition for thousands of
steps, and follow it soon after ("sudden convergence" of ControlNet). With the *same* noisy images x_t and the *same* noise,
of pairs (x_0, c) that are not trained on, with y the model's target, f its answer and c' the condition of another pair,

    advantage   E [ |f(x_t, t, c') - y|^2 - |f(x_t, t, c) - y|^2 ]

is 0 in each single draw for a model that ignores its condition, and rises long before samples follow it. Where the exact
answer y*(c) = E[y | x_t, c] is known,

    use         E <f(c) - f(c'), y*(c) - y*(c')> / E |y*(c) - y*(c')|^2

is the share of the exact contrast that the model makes: 0 ignores the condition, 1 is exact. Both are read in bands of
equal width of log SNR, so that schedules compare. At low noise the image tells its condition by itself, and a good model may
ignore it there; the band that decides is the one with most of the error that *only* the condition can remove (`deciding`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import NotFinite, UserError
from phasescope.models.families.diffusion.meter.calling import (
    Model,
    answers,
    device_of,
    modules_of,
    precision_of,
    untouched,
)
from phasescope.models.families.diffusion.meter.conditions import (
    Conditions,
    Part,
    as_conditions,
    map_tensors,
    named,
)
from phasescope.models.families.diffusion.meter.draws import ALL, Draws, Pairs
from phasescope.models.families.diffusion.meter.filing import read_file, write_file
from phasescope.models.families.diffusion.meter.noising import Noising, noising
from phasescope.models.families.diffusion.meter.reading import (
    Band,
    Deciding,
    Found,
    Mean,
    Reading,
    mean_over_pairs,
    ratio_over_pairs,
    scalars_of,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Exact = Callable[[Tensor, Tensor, Any], Tensor]
"""``exact(x_t, t, condition)``: E[y | x_t, condition] in the form of the model's target"""
Blind = Callable[[Tensor, Tensor], Tensor]
"""``blind(x_t, t)``: E[y | x_t], likewise"""
NONE = "none"
"""name under which the condition of no condition is saved"""
SEEN = 3.0
"""standard errors by which an advantage leaves its noise"""


class ConditionMeter:
    """Reads how much a conditional denoiser uses its condition, in any training loop::

        meter = phasescope.ConditionMeter(x_0, conditions, alphas_cumprod=scheduler.alphas_cumprod)
        for step, batch in enumerate(loader):
            ...
            if step % 500 == 0:
                reading = meter.read(lambda x_t, t, c: unet(x_t, t, c).sample, step)
        reading.frame()

    Pairs must be held out: on pairs that the model is trained on, an advantage may be memory. Give those as `trained`, and
    the difference is what was memorized.

    Args:
        x_0: images or latents as the model is trained on, (n, *shape); a hundred or more.
        conditions: of these, as the model takes them: a tensor, or a tuple or dict of tensors, (n, ...) each.
        target: what the model predicts: epsilon, sample, v, flow (t = 1 is noise), flow_to_data (t = 0 is noise).
        alphas_cumprod: (T,), as `scheduler.alphas_cumprod` of diffusers; the model is given t = 0 ... T-1.
        log_snr: instead of it, the log SNR as a function of t in [0, 1], (n,) to (n,). Neither for flows.
        draws: noisy images a band.
        bands: bands of log SNR.
        seed: of draws, which are the same at each reading.
        batch: images that the model is given at once; halved if they do not fit a GPU.
        shuffle: keys (or columns of a single tensor) that are exchanged; all by default.
        factors: by name, a key or column (or several) that is exchanged alone, for readings of each factor.
        trained: (x_0, conditions) that the model is trained on, to be compared.
        no_condition: what the model is given as "no condition", if labels were dropped in training: like a row of
            `conditions`, with a first axis of length 1.
        exact: the exact answer, if it is known.
        blind: the exact answer without condition, if it is known.

    Raises:
        UserError: an argument is invalid.
    """

    def __init__(
        self,
        x_0: Tensor | np.ndarray,
        conditions: Any,
        *,
        target: str = "epsilon",
        alphas_cumprod: Tensor | np.ndarray | None = None,
        log_snr: Callable[[Tensor], Tensor] | None = None,
        draws: int = 256,
        bands: int = 8,
        seed: int = 0,
        batch: int = 64,
        shuffle: Part | Sequence[Part] | None = None,
        factors: Mapping[str, Part | Sequence[Part]] | None = None,
        trained: tuple[Any, Any] | None = None,
        no_condition: Any = None,
        exact: Exact | None = None,
        blind: Blind | None = None,
    ) -> None:
        check_count("draws", draws, 2)
        check_count("bands", bands, 1)
        check_count("batch", batch, 1)
        check_count("seed", seed, 0)
        with own_arithmetic():
            levels = noising(target, alphas_cumprod, log_snr)
            self._setup(levels, draws=draws, bands=bands, seed=seed, batch=batch)
        self._exchanges = {ALL: None if shuffle is None else parts_of("shuffle", shuffle)}
        if not isinstance(factors, Mapping | None):
            raise UserError(f"`factors` (={type(factors).__name__}) must name parts, as in {{'x': 0}}")
        for name, part in (factors or {}).items():
            if name == ALL:
                raise UserError(f"`factors` (={ALL}) must have another name: {ALL} is the whole condition")
            self._exchanges[name] = parts_of(f"factors[{name!r}]", part)

        self._pairs = [Pairs.checked("held_out", x_0, conditions, self._exchanges)]
        if trained is not None:
            if not isinstance(trained, tuple | list) or len(trained) != 2:
                raise UserError("`trained` must be two things: images, and their conditions")
            trained_x_0, trained_conditions = trained
            self._pairs.append(Pairs.checked("trained", trained_x_0, trained_conditions, self._exchanges))
        self._none = None if no_condition is None else self._as_none(no_condition)
        self._exact, self._blind = exact, blind
        if blind is not None and exact is None:
            raise UserError(
                "`blind` must come with `exact`: the error that the condition removes is their difference"
            )

    def _setup(self, levels: Noising, *, draws: int, bands: int, seed: int, batch: int) -> None:
        self._noising = levels
        self._draws, self._seed, self._batch = draws, seed, batch
        self.readings: list[Reading] = []
        # Exact answers are those of fixed draws: they are asked for once, and not at each reading.
        self._contrasts: dict[tuple[str, int, str], Tensor] = {}
        self._removed: dict[tuple[str, int], Mean] = {}
        self.edges = np.linspace(*levels.ends, bands + 1)

    def _as_none(self, given: Any) -> Conditions:
        known = self._pairs[0].conditions
        none = as_conditions(given, 1)
        shapes = {name: tuple(tensor.shape[1:]) for name, tensor in named(known).items()}
        of_none = {name: tuple(tensor.shape[1:]) for name, tensor in named(none).items()}
        if shapes != of_none:
            raise UserError(
                f"`no_condition` (of shapes {of_none}) must be like a row of `conditions`: {shapes}"
            )
        return none

    def __repr__(self) -> str:
        return (
            f"ConditionMeter({len(self._pairs[0].x_0)} pairs, {len(self.edges) - 1} bands of {self._draws} draws, "
            f"{len(self.readings)} readings)"
        )

    @property
    def steps(self) -> list[int]:
        """The steps of all readings."""
        return [past.step for past in self.readings]

    @property
    def evaluations(self) -> int:
        """Images that the model answers in one reading: its cost, beside `reading.wall_s` afterwards."""
        answers_a_draw = 1 + len(self._exchanges) + (self._none is not None)
        return len(self._pairs) * (len(self.edges) - 1) * self._draws * answers_a_draw

    def read(self, model: Model, step: int) -> Reading:
        """Return a reading of `model(x_t, t, condition)` after `step` steps, and keep it in `readings`.

        The model is given float tensors in its own precision on its own device. Modules that it is, closes over or names
        are evaluated (no dropout) and put back into their modes; nothing else of the process changes. The model is called
        as your loop calls it, within the process's settings: under autocast its answers are those of autocast. Draws are
        the same under any settings.

        Raises:
            UserError: `step` is not after the last reading; an answer is no floating tensor of the shape of x_t.
            NotFinite: an answer is NaN or infinite.
        """
        check_count("step", step, 0)
        if self.readings and step <= self.readings[-1].step:
            raise UserError(
                f"`step` (={step}) must be after the last reading's (={self.readings[-1].step}); "
                "`rewind` forgets readings"
            )
        if not callable(model):
            raise UserError(f"`model` (={type(model).__name__}) must be a function or a module: (x_t, t, c)")

        modules = modules_of(model)
        device, begin = device_of(modules), time.perf_counter()
        bands: list[Band] = []
        with untouched(modules, device):
            for pairs in self._pairs:
                for number in range(len(self.edges) - 1):
                    bands += self._read_band(model, modules, pairs, number=number, step=step)

        reading = Reading(step, time.perf_counter() - begin, self.evaluations, tuple(bands))
        self.readings.append(reading)
        return reading

    def _read_band(
        self, model: Model, modules: list[nn.Module], pairs: Pairs, number: int, step: int
    ) -> list[Band]:
        """Return the readings of one band, for each exchange; none if the model has no noise level there."""
        low, high = float(self.edges[number]), float(self.edges[number + 1])
        with own_arithmetic():
            drawn = pairs.draw(
                self._noising,
                self._exchanges,
                band=number,
                low=low,
                high=high,
                n=self._draws,
                seed=self._seed,
            )
        if drawn is None:
            return []

        def answer(condition: Conditions) -> Tensor:
            given, self._batch = answers(
                model,
                x_t=drawn.x_t,
                t=drawn.levels.time,
                condition=condition,
                batch=self._batch,
                device=device_of(modules),
                dtype=precision_of(modules),
            )
            if not bool(given.isfinite().all()):
                raise NotFinite(
                    f"`model` must answer finite numbers: at step {step}, in the band of log SNR {low:.1f} to {high:.1f}, "
                    "it does not"
                )
            return given

        own = answer(drawn.own)
        error = squared(own - drawn.target)
        over_none = nats = None
        if self._none is not None:
            none = map_tensors(self._none, lambda tensor: tensor.expand(len(error), *tensor.shape[1:]))
            gap = squared(answer(none) - drawn.target) - error
            over_none = mean_over_pairs(gap, drawn.pair)
            # I-MMSE (Guo, Shamai & Verdu 2005): half of the integral over SNR of the error of x_0 that is removed, which is
            # that over the log SNR of the error of the noise.
            of_noise = gap * self._noising.as_noise(drawn.levels).numpy()
            nats = float(of_noise.mean()) * (high - low) / 2

        bands = []
        for exchange, condition in drawn.others.items():
            other = answer(condition)
            bands.append(
                Band(
                    pairs=pairs.name,
                    exchanged=exchange,
                    low=low,
                    high=high,
                    draws=self._draws,
                    loss=mean_over_pairs(error, drawn.pair),
                    advantage=mean_over_pairs(squared(other - drawn.target) - error, drawn.pair),
                    alignment=mean_over_pairs(inner(own - other, drawn.target), drawn.pair),
                    use=self._use(own - other, drawn, (pairs.name, number, exchange)),
                    removable=self._removable(drawn, (pairs.name, number)),
                    over_none=over_none,
                    nats=nats,
                )
            )
        return bands

    def _use(self, contrast: Tensor, drawn: Draws, key: tuple[str, int, str]) -> Mean | None:
        """Return the share of the exact contrast between the own and another condition that a model's `contrast` makes; None
        without exact answers, or if they are the same for both."""
        if self._exact is None:
            return None
        if key not in self._contrasts:
            own = self._known("exact", self._exact(drawn.x_t, drawn.levels.time, drawn.own), drawn)
            other = self._exact(drawn.x_t, drawn.levels.time, drawn.others[key[2]])
            self._contrasts[key] = own - self._known("exact", other, drawn)
        of_exact = self._contrasts[key]
        size = squared(of_exact)
        return ratio_over_pairs(inner(contrast, of_exact), size, drawn.pair) if size.any() else None

    def _removable(self, drawn: Draws, key: tuple[str, int]) -> Mean | None:
        """Return the error that only the condition can remove; None without exact answers."""
        if self._blind is None or self._exact is None:
            return None
        if key not in self._removed:
            blind = self._known("blind", self._blind(drawn.x_t, drawn.levels.time), drawn)
            exact = self._known("exact", self._exact(drawn.x_t, drawn.levels.time, drawn.own), drawn)
            gap = squared(blind - drawn.target) - squared(exact - drawn.target)
            self._removed[key] = mean_over_pairs(gap, drawn.pair)
        return self._removed[key]

    def _known(self, name: str, given: Tensor, drawn: Draws) -> Tensor:
        if given.shape != drawn.target.shape:
            raise UserError(
                f"`{name}` must answer the shape of x_t, {tuple(drawn.target.shape)}, not {tuple(given.shape)}"
            )
        return given.double()

    @property
    def deciding(self) -> Deciding | None:
        """The band in which the condition decides; None while nothing tells.

        With exact answers and with `no_condition` it is the band with most nats. Without, it is the band whose advantage
        was first above `SEEN` standard errors.
        """
        if not self.readings:
            return None

        # What can be removed is a property of the data that the posterior mean knows: of trained pairs, if they are given.
        known = self.readings[-1].bands_of(self._pairs[-1].name)
        numbers = [self._number(band) for band in known]
        if known and known[0].removable is not None:
            nats = [self._nats(band, band.removable.value) for band in known if band.removable is not None]
            return self._deciding(numbers[int(np.argmax(nats))], "exact answers")

        if known and known[0].nats is not None:
            held_out = self.readings[-1].bands_of()
            best = max(held_out, key=lambda band: band.nats or 0.0)
            return self._deciding(self._number(best), "no condition")

        for past in self.readings:
            seen = [
                b
                for b in past.bands_of()
                if b.advantage.value > SEEN * b.advantage.se and b.advantage.value > 0
            ]
            if seen:
                best = max(seen, key=lambda band: band.advantage.value / band.advantage.se)
                return self._deciding(self._number(best), "first advantage")
        return None

    def _number(self, band: Band) -> int:
        return int(np.argmin(np.abs(self.edges[:-1] - band.low)))

    def _nats(self, band: Band, gap: float) -> float:
        """Return the nats of a gap in the target's error, at the middle of a band."""
        with own_arithmetic():
            middle = self._noising.draw(band.low, band.high, 64, torch.Generator().manual_seed(0))
        return (
            0.0
            if middle is None
            else gap * float(self._noising.as_noise(middle).mean()) * (band.high - band.low) / 2
        )

    def _deciding(self, number: int, by: Found) -> Deciding:
        return Deciding(number, float(self.edges[number]), float(self.edges[number + 1]), by)

    def frame(self) -> pd.DataFrame:
        """Return the rows of all readings (`Reading.frame`)."""
        import pandas as pd

        frames = [past.frame() for past in self.readings]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def rewind(self, step: int) -> None:
        """Forget the readings after `step`, as after a return to an earlier checkpoint."""
        check_count("step", step, 0)
        self.readings = [past for past in self.readings if past.step <= step]

    def log(self, writer: Any) -> None:
        """Write the last reading to TensorBoard's SummaryWriter, or to a run of W&B (or wandb itself): loss, advantage and,
        where they are known, use and nats, as `condition/advantage/snr_-4_-2`.

        Raises:
            UserError: there is no reading; `writer` has neither `add_scalar` nor `log`.
        """
        if not self.readings:
            raise UserError("`log` must come after a reading: there is none")
        last = self.readings[-1]
        scalars = scalars_of(last)
        if hasattr(writer, "add_scalar"):
            for name, value in scalars.items():
                writer.add_scalar(name, value, last.step)
        elif hasattr(writer, "log"):
            writer.log(scalars, step=last.step)
        else:
            raise UserError(f"`writer` (={type(writer).__name__}) must be a SummaryWriter or a run of wandb")

    def plot(self, path: str | Path | None = None) -> Figure:
        """Return a figure of all readings: a map of the advantage by band and step, and curves of the deciding band.

        Args:
            path: file that it is written to, if given.

        Raises:
            UserError: there are fewer than two readings.
        """
        from phasescope.models.families.diffusion.meter.drawing import draw

        figure = draw(self.readings, self.deciding)
        if path is not None:
            figure.savefig(path, dpi=150)
        return figure

    def save(self, path: str | Path) -> None:
        """Write pairs, settings and readings to one .safetensors file; `exact` and `blind` are given again to `load`."""
        conditions = {pairs.name: pairs.conditions for pairs in self._pairs}
        if self._none is not None:
            conditions[NONE] = self._none

        settings = {
            "draws": self._draws,
            "bands": len(self.edges) - 1,
            "seed": self._seed,
            "batch": self._batch,
            "exchanges": self._exchanges,
            "readings": [past.tree() for past in self.readings],
        }
        write_file(
            path,
            levels=self._noising,
            images={pairs.name: pairs.x_0 for pairs in self._pairs},
            conditions=conditions,
            settings=settings,
        )

    @classmethod
    def load(cls, path: str | Path, *, exact: Exact | None = None, blind: Blind | None = None) -> Self:
        """Return the meter that was saved, with its readings.

        Raises:
            UserError: the file cannot be read.
        """
        levels, images, conditions, settings = read_file(path)
        meter = cls.__new__(cls)
        meter._setup(
            levels,
            draws=settings["draws"],
            bands=settings["bands"],
            seed=settings["seed"],
            batch=settings["batch"],
        )
        meter._exchanges = {
            name: None if parts is None else tuple(parts) for name, parts in settings["exchanges"].items()
        }
        meter._pairs = [
            Pairs.checked(name, x_0, conditions[name], meter._exchanges) for name, x_0 in images.items()
        ]
        meter._none = conditions.get(NONE)
        meter._exact, meter._blind = exact, blind
        meter.readings = [Reading.from_tree(tree) for tree in settings["readings"]]
        return meter


def check_count(name: str, value: Any, least: int) -> None:
    """Raise UserError if an argument is no whole number from `least` on."""
    is_integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_integer or value < least:
        raise UserError(f"`{name}` (={value!r}) must be a whole number, at least {least}")


def parts_of(field: str, given: Part | Sequence[Part]) -> tuple[Part, ...]:
    """Return one part, or several, as a tuple; UserError if it is neither."""
    if not isinstance(given, str | int | Sequence):
        raise UserError(f"`{field}` (={given!r}) must be a key or a column, or several")
    parts = (given,) if isinstance(given, str | int) else tuple(given)
    if not parts:
        raise UserError(f"`{field}` (=nothing) must name what is exchanged")
    return parts


def squared(difference: Tensor) -> np.ndarray:
    """Return the squared norm of each row, (n,)."""
    return difference.square().flatten(1).sum(1).numpy()


def inner(first: Tensor, second: Tensor) -> np.ndarray:
    """Return the inner product of each row, (n,)."""
    return (first * second).flatten(1).sum(1).numpy()
