"""Snapshots every so many steps of your own loop: a callable for any loop, and callbacks for Lightning and Hugging Face."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from phasescope.core.due import is_due
from phasescope.core.errors import UserError, as_user_error
from phasescope.measures.arguments import check_integer

if TYPE_CHECKING:
    from lightning.pytorch import Callback
    from torch import nn
    from transformers import TrainerCallback

    from phasescope.runs.training.watch import Watcher

Weights = Literal["raw", "ema"]
SWAPS = ("store", "copy_to", "restore")
"""methods of an average of weights that are put into a network and taken out again, as diffusers' EMAModel has them"""


class RecordEvery:
    """Records a watched network every `every` steps; call it in each step of the loop::

        watcher = phasescope.watch(world, layers=["unet.mid_block"], batch=64, folder="runs/mine")
        recording = phasescope.RecordEvery(watcher, every=500, weights="ema")
        for step, batch in enumerate(loader):
            ...
            recording(network, step, ema=ema, loss=loss)

    Args:
        watcher: that records.
        every: steps between snapshots, or images between them if the loop counts images: the first is at the first call,
            before training if that is in step 0, the others where a multiple of `every` was reached or passed. A loop that
            is started again goes on after the snapshots that its folder has.
        weights: which are recorded, `raw` (the network's own) or `ema` (averaged ones); the run says so. The trap: averaged
            weights lag behind, so that onsets of the two are not comparable.
        log_every: steps between scalars.
    """

    def __init__(self, watcher: Watcher, every: int, weights: Weights = "raw", log_every: int = 10) -> None:
        with as_user_error():
            check_integer("every", every, 1, "steps between snapshots")
            check_integer("log_every", log_every, 1, "steps between scalars")
        if not hasattr(watcher, "record"):
            raise UserError(f"`watcher` (={type(watcher).__name__}) must be what phasescope.watch returns")
        if weights not in ("raw", "ema"):
            raise UserError(f"`weights` (={weights}) must be raw or ema")
        self.watcher, self.every, self.weights, self.log_every = watcher, every, weights, log_every
        self._last_step: int | None = None
        self._last_snapshot: int | None = None
        self._last_logged: int | None = None
        watcher.weights = weights

    def __call__(
        self,
        network: nn.Module,
        step: int,
        *,
        ema: Any = None,
        images_seen: int | None = None,
        **scalars: Any,
    ) -> dict[str, Any] | None:
        """Record a snapshot if one is due after `step` steps, and log scalars; return the snapshot's metrics.

        Args:
            network: a module that is called as `network(x_t, t, labels)`.
            ema: with `weights="ema"`, the average: diffusers' `EMAModel` (or any with `store`, `copy_to` and `restore`) of
                the network's parameters, or an averaged module, as `torch.optim.swa_utils.AveragedModel`.
            scalars: numbers, or tensors of one number, as `loss=loss`.

        Nothing is recorded or logged a second time for the step of the last call.

        Raises:
            UserError: `ema` is missing, or given for raw weights; as `Watcher.record` and `Watcher.log` say.
        """
        if (ema is not None) != (self.weights == "ema"):
            raise UserError(
                f"`ema` (={type(ema).__name__}) must be given with weights='ema', and with nothing else"
            )

        # Where gradients are accumulated several batches have one step.
        if step == self._last_step:
            return None
        is_first = self._last_step is None
        self._last_step = step

        line = None
        if (is_first and self._is_due_at_first(step)) or is_due(step, self.every, self._last_snapshot):
            with averaged(network, ema) as recorded:
                line = self.watcher.record(recorded, step, images_seen)
            self._last_snapshot = step

        if scalars and self.watcher.is_recording and is_due(step, self.log_every, self._last_logged):
            self.watcher.log(scalars, step, images_seen)
            self._last_logged = step
        return line

    def _is_due_at_first(self, step: int) -> bool:
        """Find the snapshots that the folder has before the first call; return whether one is of `step` itself."""
        earlier = [known for known in self.watcher.recorded_steps if known <= step]
        self._last_snapshot = max(earlier, default=None)
        # It is not taken again, and the watcher resumes its log with it.
        return step in earlier

    def lightning(
        self,
        network: Callable[[Any], nn.Module] = lambda module: module,
        ema: Callable[[Any], Any] = lambda module: None,
    ) -> Callback:
        """Return a Lightning callback that records and logs in the main process alone.

            trainer = Trainer(callbacks=[recording.lightning(lambda module: module.net)])

        Args:
            network: from the LightningModule to what is called as `network(x_t, t, labels)`.
            ema: from the LightningModule to its average, with `weights="ema"`.

        Raises:
            ImportError: Lightning is not installed.
        """
        from lightning.pytorch import Callback

        recording = self

        class RecordCallback(Callback):
            """Records snapshots."""

            def on_train_start(self, trainer: Any, pl_module: Any) -> None:
                self._record(trainer, pl_module)

            def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, *_: Any) -> None:
                loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
                self._record(trainer, pl_module, **({} if loss is None else {"loss": loss}))

            def on_train_end(self, trainer: Any, pl_module: Any) -> None:
                if trainer.is_global_zero:
                    recording.watcher.close()

            def _record(self, trainer: Any, pl_module: Any, **scalars: Any) -> None:
                if trainer.is_global_zero:
                    recording(network(pl_module), trainer.global_step, ema=ema(pl_module), **scalars)

        return RecordCallback()

    def transformers(
        self,
        network: Callable[[Any], nn.Module] = lambda model: model,
        ema: Callable[[Any], Any] = lambda model: None,
    ) -> TrainerCallback:
        """Return a callback of Hugging Face's `Trainer` that records, and logs what the trainer logs.

            trainer = Trainer(model, args, train_dataset=data, callbacks=[recording.transformers(lambda model: model.net)])

        Args:
            network: from the trainer's model to what is called as `network(x_t, t, labels)`.
            ema: from the trainer's model to its average, with `weights="ema"`.

        Raises:
            ImportError: transformers is not installed.
        """
        from transformers import TrainerCallback

        recording = self

        class RecordCallback(TrainerCallback):
            """Records snapshots."""

            def on_train_begin(
                self, args: Any, state: Any, control: Any, model: Any = None, **_: Any
            ) -> None:
                self._record(state, model)

            def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
                self._record(state, model)

            def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
                numbers = {
                    name: value for name, value in (logs or {}).items() if isinstance(value, int | float)
                }
                if state.is_world_process_zero and numbers and recording.watcher.is_recording:
                    recording.watcher.log(numbers, state.global_step)

            def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                if state.is_world_process_zero:
                    recording.watcher.close()

            def _record(self, state: Any, model: Any) -> None:
                if state.is_world_process_zero:
                    recording(network(model), state.global_step, ema=ema(model))

        return RecordCallback()


@contextmanager
def averaged(network: nn.Module, ema: Any) -> Iterator[nn.Module]:
    """Yield the network with averaged weights within the block; afterwards its own are back, bitwise.

    Raises:
        UserError: `ema` is no average of weights that is known.
    """
    from torch import nn

    if ema is None:
        yield network
    elif all(callable(getattr(ema, name, None)) for name in SWAPS):
        parameters = list(network.parameters())
        ema.store(parameters)
        try:
            ema.copy_to(parameters)
            yield network
        finally:
            ema.restore(parameters)
    elif isinstance(ema, nn.Module):
        yield getattr(ema, "module", ema)
    else:
        raise UserError(
            f"`ema` (={type(ema).__name__}) must be a module, or have the methods {', '.join(SWAPS)}, as diffusers' EMAModel"
        )
