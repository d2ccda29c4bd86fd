"""Training of a run: the loop, its snapshots and checkpoints, and the folder that holds them."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import NotFinite, RunFailed, UserError, as_user_error
from phasescope.core.sources import description_of
from phasescope.models.training.withholding import withhold_as_trained
from phasescope.runs.config import RunConfig
from phasescope.runs.probing.meter import meter_of
from phasescope.runs.probing.own_measures import check_known_while_training, load_measures
from phasescope.runs.probing.trial import check_answer, plan_of
from phasescope.runs.store.folder import RunFolder
from phasescope.runs.store.writer import CHECKPOINT, OR_RESTART, RunWriter, hold
from phasescope.runs.training.completeness import check_whole
from phasescope.runs.training.continuing import begin_from, check_begins
from phasescope.runs.training.description import describe
from phasescope.runs.training.monitor import Monitor, check_monitors
from phasescope.runs.training.recorder import Recorder
from phasescope.runs.training.stopping import Stop

if TYPE_CHECKING:
    from phasescope.models.training.loop import Learner
    from phasescope.models.training.losses import Losses
    from phasescope.runs.config.probing_config import ProbingConfig

STATUS_EVERY_S = 2.0


@dataclass(frozen=True)
class Progress:
    """The progress of a run at its start, after a step, or after a snapshot, whose `metrics` are then given; `loss` is the
    last one known."""

    step: int
    steps: int
    loss: float | None
    metrics: dict[str, Any] | None = None


def execute(
    config: RunConfig,
    runs: Path,
    stop: Stop | None = None,
    restart: bool = False,
    extend: RunFolder | None = None,
    monitors: Sequence[Monitor] = (),
) -> Generator[Progress]:
    """Train `config` in its folder under `runs`, resuming what is there; yield the progress at its start and at each step.

    A run can always be resumed to bitwise the same weights and metrics: a snapshot appears as a whole, then its line of
    metrics, then a checkpoint. What was recorded after the last checkpoint is recorded again; only `restart` drops more.

    Raises:
        UserError: the folder holds another configuration, lacks records, is in use or cannot be written; the device
            or a measure does not exist; `extend` cannot be extended to `config`.
        RunFailed: the loss is no longer finite; another process took over the folder.
    """
    import torch

    from phasescope.models.training.loop import resolve_device

    check_monitors(monitors)
    threads = torch.get_num_threads()
    tf32 = config.training.precision == "tf32"
    with as_user_error():
        device = resolve_device(config.training.device)

    events = _events(
        config=config, runs=runs, stop=stop or Stop(), restart=restart, extend=extend, monitors=monitors
    )
    try:
        with closing(events):
            # Not around the whole: between two events who reads them has his own settings.
            while True:
                with own_arithmetic(device, tf32):
                    event = next(events, None)
                if event is None:
                    return
                yield event
    finally:
        torch.set_num_threads(threads)


def _events(
    config: RunConfig,
    runs: Path,
    stop: Stop,
    restart: bool,
    extend: RunFolder | None,
    monitors: Sequence[Monitor],
) -> Generator[Progress]:
    """Yield the events of `execute`."""
    # What a wrong configuration makes fail comes first, so that it leaves no folder behind.
    learner = _fresh_learner(config)
    check_known_while_training(load_measures(config.probing.measures))
    check_answer(config, learner.average)
    plan = plan_of(config, learner.average)
    if config.reads_meter:
        meter_of(config)
    if extend is None:
        _check_begun(config, runs / config.folder, restart)
    else:
        begin_from(extend, config, runs / config.folder, learner, restart)
        learner = _fresh_learner(config)

    with hold(runs / config.folder, config.tree(), restart) as folder:
        if restart:
            folder.restart()
        execution = _Execution(
            config=config, folder=folder, learner=learner, plan=plan, stop=stop, monitors=monitors
        )
        try:
            yield from execution.events()
        finally:
            execution.recorder.close()


def begin(config: RunConfig, runs: Path, parent: RunFolder) -> None:
    """Fill the folder of a run with the state of another one, with which it begins, unless it holds files already.

    Raises:
        UserError: the run cannot begin with it.
    """
    begin_from(parent, config, runs / config.folder, _fresh_learner(config))


def check_begin(config: RunConfig, parent: RunFolder) -> None:
    """Raise UserError if a fork could not begin with its state of the parent; nothing is trained or written."""
    import torch

    threads = torch.get_num_threads()
    try:
        check_begins(parent, config, _fresh_learner(config))
    finally:
        torch.set_num_threads(threads)


def _check_begun(config: RunConfig, folder: Path, restart: bool) -> None:
    """Raise UserError if a fork would be trained without the state with which it begins."""
    fork = config.fork
    if fork is None or (fork.step == 0 and not fork.reset):
        return
    if restart or not (folder / CHECKPOINT).exists():
        raise UserError(
            f"`fork.step` (={fork.step}) must be a state of the run {fork.run}: `phasescope fork RUN --at {fork.step} ...` "
            "begins with it"
        )


def _fresh_learner(config: RunConfig) -> Learner:
    import torch

    from phasescope.models.training.loop import fresh_learner

    if config.training.threads:
        torch.set_num_threads(config.training.threads)
    with as_user_error():
        return fresh_learner(
            network_config=config.network,
            shape=config.world.shape,
            factors=config.world.factors.visible,
            config=config.training,
            seed=config.streams.network,
        )


@dataclass(eq=False)
class _Execution:
    """One process's work on one run."""

    config: RunConfig
    folder: RunWriter
    learner: Learner
    plan: ProbingConfig
    stop: Stop
    monitors: Sequence[Monitor]

    def __post_init__(self) -> None:
        config = self.config
        self.steps = config.training.steps
        withhold_as_trained(self.learner.average, config.training)
        self.family = config.family.build()
        self.losses = self._losses_after([])
        self.recorder = Recorder(config, self.plan, self.folder, self.learner.device, monitors=self.monitors)

        self._take_up()
        self.recorder.summarise()
        self._status_due = time.monotonic() + STATUS_EVERY_S
        self._checkpoint_due = time.monotonic() + self.config.training.checkpoint_every_s

    def events(self) -> Iterator[Progress]:
        learner = self.learner
        if learner.step == self.steps and self.folder.status["state"] == "done":
            self.recorder.update_monitors()
            yield self._progress()
            return

        self.folder.write_json("about.json", describe(self.config, self.plan))
        self._write_status("running")
        with self._failure_in_status():
            try:
                yield from self._learn()
                if learner.step < self.steps:
                    self._checkpoint()
                else:
                    check_whole(self.folder, self.steps)
            except (GeneratorExit, KeyboardInterrupt) as end:
                # An interrupt may come in the middle of an update, whose weights belong to no step. A run that
                # is closed stands between two steps.
                if isinstance(end, GeneratorExit):
                    self._checkpoint()
                self._write_status("stopped")
                raise

        self._write_status("done" if learner.step == self.steps else "stopped")

    def _learn(self) -> Iterator[Progress]:
        """Train until the last step or until the run is asked to stop, and take the snapshots that are due."""
        from phasescope.models.training.loop import learn

        learner = self.learner
        yield self._progress()
        # A run that was stopped right after its first snapshot has it already.
        if learner.step == 0 and not self.folder.metrics and not self.stop.asked:
            self._read_meter()
            yield self._progress(self._observe())

        losses = learn(learner, self.family, self.config.world, self.config.streams)
        every, meter_every = self.config.training.scalars_every, self.config.meter_every
        self.recorder.start_clock(learner.images_seen)
        while learner.step < self.steps and not self.stop.asked:
            loss = next(losses)
            self.losses.add(loss, learner.step)
            if every and learner.step % every == 0:
                self.recorder.log(learner.step, learner.images_seen, loss=loss, **learner.last_step())

            # Before a snapshot, whose checkpoint says what need not be read again.
            if meter_every and learner.step % meter_every == 0:
                self._read_meter()

            due = self.config.probing.snapshots.due(learner.step, self.steps)
            if not due:
                self._keep_state(is_snapshot=False)
            yield self._progress(self._observe() if due else None)

            if time.monotonic() >= self._checkpoint_due:
                self._checkpoint()
            if time.monotonic() >= self._status_due:
                self._write_status("running")

    @contextmanager
    def _failure_in_status(self) -> Iterator[None]:
        """Write a failure within the block to the status too, even if it occurs in the last checkpoint of a closed run."""
        try:
            yield
        except BaseException as error:
            if not isinstance(error, GeneratorExit | KeyboardInterrupt):
                # The disk may be what failed: an error of the status must not replace the one that is raised.
                with suppress(OSError, RunFailed):
                    self._write_status("failed", error=description_of(error))
            raise

    def _take_up(self) -> None:
        """Resume from the folder's checkpoint, or begin."""
        import torch

        checkpoint = self.folder.read_checkpoint()
        if checkpoint is None:
            self._check_nothing_learnt()

        # At step 0 nothing is learned yet, so sources that were edited since are simply taken as they are.
        if checkpoint is None or (checkpoint[1].get("step") == 0 and self.folder.changed_sources):
            self.folder.restart()
            return

        self.folder.check_sources()
        arrays, state = checkpoint
        try:
            if state["run"] != self.config.digest():
                raise ValueError("it is of another configuration")
            tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
            self.learner.load(tensors, state["step"], state.get("images_seen"))
            self.losses = self._losses_after(state["losses"])
            self.recorder.add(state["spent"])
            self.recorder.started = state["started"]
        except (KeyError, RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())[:120]
            raise UserError(
                f"`{self.folder.path}/checkpoint` must be this run's: {reason}; {OR_RESTART}"
            ) from None

        # Before anything is dropped: what is missing up to the checkpoint cannot be recorded again.
        if self.learner.step:
            check_whole(self.folder, self.learner.step)
        self.folder.forget_after(self.learner.step)

    def _check_nothing_learnt(self) -> None:
        """Raise UserError if the folder has no checkpoint although it holds later metrics or snapshots."""
        steps = [entry["step"] for entry in self.folder.metrics]
        steps += [snapshot.step for snapshot in self.folder.snapshots]
        if max(steps, default=0):
            raise UserError(
                f"`{self.folder.path / CHECKPOINT}` must exist to resume the run: metrics and snapshots reach step "
                f"{max(steps)}; {OR_RESTART}"
            )

    def _losses_after(self, read: list[float]) -> Losses:
        """Return the losses since the last snapshot, beginning with those that a checkpoint kept, `read`."""
        from phasescope.models.training.loop import losses_of

        return losses_of(
            learner=self.learner,
            family=self.family,
            world=self.config.world,
            seed=self.config.streams,
            read=read,
        )

    def _observe(self) -> dict[str, Any]:
        """Take a snapshot, append its metrics, and write a checkpoint, in this order."""
        learner = self.learner
        self.losses.read()
        last = {name: value if value is None else float(value) for name, value in learner.last_step().items()}

        try:
            line = self.recorder.record(
                learner.average, learner.step, learner.images_seen, loss=self.losses.mean(), **last
            )
        except NotFinite as error:
            raise self.losses.diverged(f"what is observed must be finite: {error}", learner.step) from error

        # Only now: a checkpoint before the line of metrics would have to keep the losses that it averages.
        self.losses.clear()
        # Before the checkpoint: a run that is resumed from it does not come to this step again.
        self._keep_state(is_snapshot=True)
        self._checkpoint()
        self.recorder.summarise()
        self._write_status("running")
        return line

    def _read_meter(self) -> None:
        if not self.config.reads_meter:
            return
        learner = self.learner
        try:
            self.recorder.read_meter(learner.average, learner.step, learner.images_seen)
        except NotFinite as error:
            self.losses.read()
            raise self.losses.diverged(f"what is observed must be finite: {error}", learner.step) from error

    def _checkpoint(self) -> None:
        self.losses.read()
        # Scalars first: a run that resumes from this checkpoint does not log earlier steps again.
        self.recorder.flush(to_disk=True)

        self.folder.write_checkpoint(*self._state())
        self._checkpoint_due = time.monotonic() + self.config.training.checkpoint_every_s

    def _keep_state(self, is_snapshot: bool) -> None:
        """Keep the whole state of training, if the configuration asks for it at this step."""
        states, step = self.config.training.states, self.learner.step
        if is_snapshot if states == "snapshots" else step in states:
            self.losses.read()
            self.folder.keep_state(step, *self._state())

    def _state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the tensors and the further state from which training goes on bitwise."""
        tensors = {name: tensor.detach().cpu().numpy() for name, tensor in self.learner.tensors().items()}
        return tensors, {
            "run": self.config.digest(),
            "step": self.learner.step,
            "images_seen": self.learner.images_seen,
            "losses": self.losses.values,
            "spent": self.recorder.tick(),
            "started": self.recorder.started,
        }

    def _progress(self, metrics: dict[str, Any] | None = None) -> Progress:
        return Progress(self.learner.step, self.steps, self.losses.last, metrics)

    def _write_status(self, state: str, **more: Any) -> None:
        learner = self.learner
        self.recorder.flush()
        self.recorder.write_status(
            state=state,
            network=learner.network,
            step=learner.step,
            steps=self.steps,
            images_seen=learner.images_seen,
            **more,
        )
        self._status_due = time.monotonic() + STATUS_EVERY_S
