"""Readings every so many steps of your own loop: a callable for any loop, and a callback for Lightning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phasescope.core.due import is_due
from phasescope.core.errors import UserError
from phasescope.models.families.diffusion.meter.arguments import check_count, check_writer
from phasescope.models.families.diffusion.meter.calling import Model
from phasescope.models.families.diffusion.meter.filing import write_readings
from phasescope.models.families.diffusion.meter.meter import ConditionMeter
from phasescope.models.families.diffusion.meter.reading import Reading

if TYPE_CHECKING:
    from lightning.pytorch import Callback


class EverySteps:
    """Reads a model every `every` steps; call it in each step of the loop::

        metered = EverySteps(meter, every=500, path="meter.safetensors", writer=SummaryWriter("logs"))
        for step, batch in enumerate(loader):
            ...
            metered(lambda x_t, t, c: accelerator.unwrap_model(unet)(x_t, t, c).sample, step)

    Args:
        meter: that reads.
        every: steps between readings, or images between them if the loop counts images: the first is at the first call,
            the others where a multiple of `every` was reached or passed.
        path: file that `ConditionMeter.load` reads. The meter is saved to it at the first reading, and all readings so far
            are written beside it at each later one (`meter.safetensors.readings`), since images may be gigabytes.
        writer: of TensorBoard or W&B, to which each reading is logged.

    Raises:
        UserError: an argument is invalid.
    """

    def __init__(
        self, meter: ConditionMeter, every: int, path: str | Path | None = None, writer: Any = None
    ) -> None:
        check_count("every", every, 1)
        if not isinstance(meter, ConditionMeter):
            raise UserError(f"`meter` (={type(meter).__name__}) must be a ConditionMeter")
        if writer is not None:
            check_writer(writer)
        self.meter, self.every, self.path, self.writer = meter, every, path, writer
        self._is_saved = False

    def __call__(self, model: Model, step: int) -> Reading | None:
        """Return the reading if one is due after `step` steps."""
        last = self.meter.readings[-1].step if self.meter.readings else None
        if not is_due(step, self.every, last):
            return None

        reading = self.meter.read(model, step)
        if self.path is not None:
            self._save(self.path)
        if self.writer is not None:
            self.meter.log(self.writer)
        return reading

    def _save(self, path: str | Path) -> None:
        """Save the meter; once its file is there, only its readings."""
        if self._is_saved and Path(path).exists():
            write_readings(path, [reading.tree() for reading in self.meter.readings], self.meter.saved_as)
        else:
            self.meter.save(path)
            self._is_saved = True

    def lightning(self, model: Callable[[Any], Model] = lambda module: module) -> Callback:
        """Return a Lightning callback that reads after training batches, in the main process alone.

            trainer = Trainer(callbacks=[metered.lightning(lambda module: module.unet)])

        Args:
            model: from the LightningModule to what is called as ``model(x_t, t, condition)``.

        Raises:
            ImportError: Lightning is not installed.
        """
        from lightning.pytorch import Callback

        metered = self

        class MeterCallback(Callback):
            """Reads the condition meter."""

            def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
                if trainer.is_global_zero:
                    metered(model(pl_module), trainer.global_step)

        return MeterCallback()
