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

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from torch import Tensor

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import UserError
from phasescope.measures.condition_readings import scalars_of
from phasescope.measures.use_forecast import LEVEL, Forecast, check_level, forecast_use
from phasescope.models.families.diffusion.meter.arguments import (
    check_count,
    check_takes,
    check_writer,
    parts_of,
)
from phasescope.models.families.diffusion.meter.band_reader import BandReader, Blind, Exact
from phasescope.models.families.diffusion.meter.calling import Caller, Model
from phasescope.models.families.diffusion.meter.conditions import Conditions, Part, as_conditions, named
from phasescope.models.families.diffusion.meter.deciding import Deciding, course, deciding_band
from phasescope.models.families.diffusion.meter.draws import ALL, Exchanges, Pairs
from phasescope.models.families.diffusion.meter.filing import read_file, write_file
from phasescope.models.families.diffusion.meter.noising import Noising, noising
from phasescope.models.families.diffusion.meter.reading import Reading

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NONE = "none"
"""name under which the condition of no condition is saved"""


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
        exact: the exact answer E[y | x_t, condition], if it is known: `exact(x_t, t, condition)`, in the form of the target.
        blind: that without condition, E[y | x_t], if it is known: `blind(x_t, t)`. Both are given x_t in float64 on the CPU,
            whatever the model's precision is.
        label_gradient: whether the force towards the condition is read, too (`meter.label_gradient`), of trained pairs
            where they are given; it needs `blind`, a backward pass for each draw, and memory for eight gradients.

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
        label_gradient: bool = False,
    ) -> None:
        check_count("draws", draws, 2)
        check_count("bands", bands, 1)
        check_count("batch", batch, 1)
        check_count("seed", seed, 0)
        if blind is not None and exact is None:
            raise UserError(
                "`blind` must come with `exact`: the error that the condition removes is their difference"
            )
        if label_gradient and blind is None:
            raise UserError(
                "`label_gradient` must come with `blind`: the force is that beyond the answer without condition"
            )
        with own_arithmetic():
            levels = noising(target, alphas_cumprod, log_snr)
        exchanges = exchanges_of(shuffle, factors)

        pairs = [Pairs.checked("held_out", x_0, conditions, exchanges)]
        if trained is not None:
            if not isinstance(trained, tuple | list) or len(trained) != 2:
                raise UserError("`trained` must be two things: images, and their conditions")
            trained_x_0, trained_conditions = trained
            pairs.append(Pairs.checked("trained", trained_x_0, trained_conditions, exchanges))

        none = None if no_condition is None else none_like(pairs[0].conditions, no_condition)
        self._setup(
            levels,
            exchanges,
            pairs,
            draws=draws,
            bands=bands,
            seed=seed,
            batch=batch,
            none=none,
            exact=exact,
            blind=blind,
            label_gradient=label_gradient,
        )

    def _setup(
        self,
        levels: Noising,
        exchanges: Exchanges,
        pairs: list[Pairs],
        *,
        draws: int,
        bands: int,
        seed: int,
        batch: int,
        none: Conditions | None,
        exact: Exact | None,
        blind: Blind | None,
        label_gradient: bool,
    ) -> None:
        if exact is not None:
            check_takes("exact", exact, ("x_t", "t", "condition"))
        if blind is not None:
            check_takes("blind", blind, ("x_t", "t"))
        self._pairs, self._batch, self._label_gradient = pairs, batch, label_gradient
        self.readings: list[Reading] = []
        self.saved_as: str | None = None  # key of the file that it was last saved to
        self.edges = np.linspace(*levels.ends, bands + 1)
        self._reader = BandReader(
            noising=levels,
            edges=self.edges,
            draws=draws,
            seed=seed,
            exchanges=exchanges,
            none=none,
            exact=exact,
            blind=blind,
        )

    def __repr__(self) -> str:
        return (
            f"ConditionMeter({len(self._pairs[0].x_0)} pairs, {len(self.edges) - 1} bands of {self._reader.draws} draws, "
            f"{len(self.readings)} readings)"
        )

    @property
    def steps(self) -> list[int]:
        """The steps of all readings."""
        return [past.step for past in self.readings]

    @property
    def evaluations(self) -> int:
        """Images that the model answers in one reading: its cost, beside `reading.wall_s` afterwards. A backward pass of
        `label_gradient` counts as two."""
        return self._reader.evaluations(len(self._pairs), label_gradient=self._label_gradient)

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
        check_takes("model", model, ("x_t", "t", "condition"))

        caller = Caller(model, self._batch)
        of_gradient = self._pairs[-1] if self._label_gradient else None
        reading = self._reader.read(caller, self._pairs, step, of_gradient)
        self._batch = caller.batch
        self.readings.append(reading)
        return reading

    @property
    def deciding(self) -> Deciding | None:
        """The band in which the condition decides; None while nothing tells.

        With exact answers and with `no_condition` it is the band with most nats; a band that was chosen by `no_condition`
        stays until another exceeds it by three standard errors of the difference. Without either, it is the band whose
        advantage was first above three standard errors.
        """
        # What can be removed is a property of the data that the posterior mean knows: of trained pairs, if they are given.
        return deciding_band(self.readings, self._reader.noising, self.edges, known=self._pairs[-1].name)

    def forecast(self, level: float = LEVEL, ceiling: float | None = None) -> Forecast:
        """Return when use in the deciding band will pass `level`, in steps, from the readings so far; or why there is none.

            meter.forecast()                  # with exact answers
            meter.forecast(ceiling=12.5)      # of any loop: the advantage of an earlier model that follows its condition

        Without exact answers and without a ceiling the answer is *no ceiling*: how much of the exact contrast an advantage
        is cannot be known.

        The trap: its interval is calibrated on small systems (`phasescope.measures.use_forecast`), and holds of others as
        far as they grow alike. That use passes 0.5 is no promise that half of the samples follow.

        Args:
            level: share of the exact contrast that the model makes, between 0 and 1.
            ceiling: the advantage that counts as use 1, if no exact answers were given.

        Raises:
            UserError: an argument is out of range.
        """
        check_level(level)
        if ceiling is not None and not ceiling > 0:
            raise UserError(f"`ceiling` (={ceiling!r}) must be above 0: the advantage that counts as use 1")

        readings = course(self.readings, self.deciding)
        if ceiling is not None:
            scale = 1 / ceiling
            means = [band.advantage for _, band in readings]
        else:
            scale = 1.0
            means = [band.use for _, band in readings if band.use is not None]
            if self._reader.exact is None or len(means) < len(readings):
                reason = "without exact answers give `ceiling`, the advantage of a model that follows its condition"
                return Forecast("no ceiling", level, reason=reason)
        steps = [reading.step for reading, _ in readings]
        return forecast_use(
            steps, [scale * mean.value for mean in means], [scale * mean.se for mean in means], level
        )

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
        check_writer(writer)
        last = self.readings[-1]
        scalars = scalars_of(last.tree()["bands"])
        if hasattr(writer, "add_scalar"):
            for name, value in scalars.items():
                writer.add_scalar(name, value, last.step)
        else:
            writer.log(scalars, step=last.step)

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
        reader = self._reader
        conditions = {pairs.name: pairs.conditions for pairs in self._pairs}
        if reader.none is not None:
            conditions[NONE] = reader.none

        settings = {
            "draws": reader.draws,
            "bands": len(self.edges) - 1,
            "seed": reader.seed,
            "batch": self._batch,
            "label_gradient": self._label_gradient,
            "exchanges": reader.exchanges,
            "readings": [past.tree() for past in self.readings],
        }
        self.saved_as = write_file(
            path,
            levels=reader.noising,
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
        exchanges = {
            name: None if parts is None else tuple(parts) for name, parts in settings["exchanges"].items()
        }
        pairs = [Pairs.checked(name, x_0, conditions[name], exchanges) for name, x_0 in images.items()]
        label_gradient = settings.get("label_gradient", False)
        if label_gradient and blind is None:
            raise UserError(
                f"`blind` must be given again: {path} is of a meter that reads the label gradient"
            )

        meter = cls.__new__(cls)
        meter._setup(
            levels,
            exchanges,
            pairs,
            draws=settings["draws"],
            bands=settings["bands"],
            seed=settings["seed"],
            batch=settings["batch"],
            none=conditions.get(NONE),
            exact=exact,
            blind=blind,
            label_gradient=label_gradient,
        )
        meter.readings = [Reading.from_tree(tree) for tree in settings["readings"]]
        return meter


def exchanges_of(
    shuffle: Part | Sequence[Part] | None, factors: Mapping[str, Part | Sequence[Part]] | None
) -> dict[str, tuple[Part, ...] | None]:
    """Return by name what is exchanged between pairs; UserError if an argument names nothing."""
    if not isinstance(factors, Mapping | None):
        raise UserError(f"`factors` (={type(factors).__name__}) must name parts, as in {{'x': 0}}")

    exchanges = {ALL: None if shuffle is None else parts_of("shuffle", shuffle)}
    for name, part in (factors or {}).items():
        if name == ALL:
            raise UserError(f"`factors` (={ALL}) must have another name: {ALL} is the whole condition")
        exchanges[name] = parts_of(f"factors[{name!r}]", part)
    return exchanges


def none_like(conditions: Conditions, given: Any) -> Conditions:
    """Return the condition that is none; UserError if it is not like a row of `conditions`."""
    rows = "row: one that is like those of `conditions`, with a first axis of length 1"
    none = as_conditions(given, 1, field="no_condition", rows=rows, finite=False)
    shapes = {name: tuple(tensor.shape[1:]) for name, tensor in named(conditions).items()}
    of_none = {name: tuple(tensor.shape[1:]) for name, tensor in named(none).items()}
    if shapes != of_none:
        raise UserError(f"`no_condition` (of shapes {of_none}) must be like a row of `conditions`: {shapes}")
    return none
