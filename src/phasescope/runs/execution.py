"""Train a run: the loop, its snapshots and checkpoints, and the folder that holds them."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phasescope.config import Tree
from phasescope.errors import NotFinite, RunFailed, UserError
from phasescope.probing.own_measures import load_measures
from phasescope.runs.about import about
from phasescope.runs.config import RunConfig, over_defaults
from phasescope.runs.events import Progress, Start
from phasescope.runs.extension import Extend, begin_from
from phasescope.runs.loading import check_answer, hear_as_trained, plan_of
from phasescope.runs.looking import observer_of
from phasescope.runs.monitoring import Monitor, bar, monitored
from phasescope.runs.spent import Spent
from phasescope.runs.whole import check_whole
from phasescope.sources import told_of
from phasescope.stopping import Stop
from phasescope.store.folder import Run, now
from phasescope.store.holding import hold
from phasescope.store.provenance import provenance
from phasescope.store.writer import CHECKPOINT, OR_ANEW, RunWriter

if TYPE_CHECKING:
    from phasescope.probing.config import ProbingConfig
    from phasescope.probing.observer import Observer
    from phasescope.training.loop import Learner
    from phasescope.training.losses import Losses

CHECKPOINT_EVERY_S = 60.0
STATUS_EVERY_S = 2.0


def train(
    config: RunConfig | Tree,
    runs: Path | str = "runs",
    *,
    anew: bool = False,
    extend: Extend = None,
    world: Any = None,
    family: Any = None,
    network: Any = None,
    monitors: Sequence[Monitor] = (),
    progress: bool | None = None,
) -> Run:
    """Train `config` to its end, or go on where it stopped; returns the run.

    Args:
        config: or the tree of its fields, as YAML has them.
        anew: from the start, whatever the folder holds of this run: that is dropped.
        extend: a shorter run of the same configuration, from whose state this one begins; or its folder or name.
        world, family, network: replace the configuration's: a configuration of that kind, your own class, or a tree of
            fields with its kind. A class stands in a file, from which a run that is resumed reads it.
        monitors: are told of each snapshot, as `phasescope.TensorBoard("logs")`.
        progress: whether a bar is shown; by default in a terminal and in a notebook.

    Raises:
        UserError: the folder or the device cannot be used; a class cannot be found again; `extend` cannot be extended.
        RunFailed: the loss is not finite any more; the folder is no longer this process's own.
    """
    whole = config if isinstance(config, RunConfig) else over_defaults(config)
    config = whole.with_kinds(world=world, family=family, network=network)
    with (
        bar(progress) as tell,
        closing(execute(config, Path(runs), anew=anew, extend=extend)) as events,
    ):
        for event in monitored(events, monitors):
            tell(event)
    return Run(Path(runs) / config.folder)


def execute(
    config: RunConfig, runs: Path, stop: Stop | None = None, anew: bool = False, extend: Extend = None
) -> Generator[Start | Progress]:
    """Train `config` in its folder under `runs`, resuming what is there; yields the start, then after each step.

    The folder always allows resumption to bitwise the same weights and metrics: a snapshot appears whole, then its line of
    metrics, then a checkpoint; what lies beyond the last one is done again, and nothing else is dropped but `anew`.

    Raises:
        UserError: the folder holds another configuration, lacks records, is in use or cannot be written; the device
            or a measure is not there; `extend` cannot be extended to `config`.
        RunFailed: the loss is not finite any more; the folder is no longer this process's own.
    """
    learner = _fresh_learner(config)
    load_measures(config.probing.measures)
    check_answer(config, learner.average)
    plan = plan_of(config, learner.average)
    origin = begin_from(extend, config, runs, anew)
    with hold(runs / config.folder, config.tree(), anew) as folder:
        if anew:
            folder.begin_anew()
        yield from _Execution(config, folder, learner, plan, stop or Stop(), origin).events()


def _fresh_learner(config: RunConfig) -> Learner:
    import torch

    from phasescope.training.loop import fresh_learner

    if config.training.threads:
        torch.set_num_threads(config.training.threads)
    try:
        return fresh_learner(
            config.network, config.world.shape, config.world.factors.visible, config.training, config.seed
        )
    except ValueError as error:
        raise UserError(str(error)) from None


class _Execution:
    """One process's work on one run."""

    def __init__(
        self,
        config: RunConfig,
        folder: RunWriter,
        learner: Learner,
        plan: ProbingConfig,
        stop: Stop,
        origin: str | None,
    ):
        self.config, self.folder, self.learner, self.plan = config, folder, learner, plan
        self.stop, self.origin, self.steps = stop, origin, config.training.steps
        hear_as_trained(learner.average, config.training)
        self.family = config.family.build()
        self.losses, self.spent, self.started = self._losses_after([]), Spent(), now()
        self._take_up()
        self._summarise()
        self._status_due = time.monotonic() + STATUS_EVERY_S
        self._checkpoint_due = time.monotonic() + CHECKPOINT_EVERY_S

    def events(self) -> Iterator[Start | Progress]:
        from phasescope.training.loop import learn

        if self.learner.step == self.steps and self.folder.status["state"] == "done":
            yield self._start()
            return
        self.folder.write_about(about(self.config, self.plan))
        self._write_status("running")
        with self._failure_told():
            try:
                yield self._start()
                if self.learner.step == 0 and not self.folder.metrics and not self.stop.asked:
                    yield self._progress(self._observe())
                losses = learn(self.learner, self.family, self.config.world, self.config.seed)
                while self.learner.step < self.steps and not self.stop.asked:
                    loss = next(losses)
                    self.losses.add(loss, self.learner.step)
                    due = self.config.probing.snapshots.due(self.learner.step, self.steps)
                    yield self._progress(self._observe() if due else None)
                    self._keep_up()
                if self.learner.step < self.steps:
                    self._checkpoint()
                else:
                    check_whole(self.folder, self.steps, thorough=False)
            except (GeneratorExit, KeyboardInterrupt) as end:
                if isinstance(end, GeneratorExit):
                    self._checkpoint()
                self._write_status("stopped")
                raise
        self._write_status("done" if self.learner.step == self.steps else "stopped")

    @contextmanager
    def _failure_told(self) -> Iterator[None]:
        """Within the block what fails is told in the status too."""
        try:
            yield
        except BaseException as error:
            if not isinstance(error, GeneratorExit | KeyboardInterrupt):
                with suppress(OSError, RunFailed):
                    self._write_status("failed", error=told_of(error))
            raise

    def _take_up(self) -> None:
        """Go on from the folder's checkpoint, or from the start."""
        import torch

        found = self.folder.read_checkpoint()
        if found is None:
            self._check_nothing_learnt()
        if found is None or (found[1].get("step") == 0 and self.folder.changed_sources):
            self.folder.begin_anew()
            return
        self.folder.check_sources()
        arrays, state = found
        try:
            if state["run"] != self.config.digest():
                raise ValueError("it is of another configuration")
            self.learner.load(
                {name: torch.from_numpy(array) for name, array in arrays.items()}, state["step"]
            )
            self.losses = self._losses_after(state["losses"])
            self.spent.add(state["spent"])
            self.started = state["started"]
        except (KeyError, RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())[:120]
            raise UserError(
                f"`{self.folder.path}/checkpoint` must be this run's: {reason}; {OR_ANEW}"
            ) from None
        if self.learner.step:
            check_whole(self.folder, self.learner.step)
        self.folder.forget_after(self.learner.step)

    def _check_nothing_learnt(self) -> None:
        """Raises UserError where the folder has no checkpoint, and yet was trained."""
        steps = [entry["step"] for entry in self.folder.metrics] + [one.step for one in self.folder.snapshots]
        if max(steps, default=0):
            raise UserError(
                f"`{self.folder.path / CHECKPOINT}` must be there to go on from: metrics and snapshots reach to "
                f"step {max(steps)}; {OR_ANEW}"
            )

    @cached_property
    def observer(self) -> Observer:
        """Made when first needed: a run that is already done needs none."""
        return observer_of(self.config, self.plan, self.family, self.learner.device, self.folder)

    @cached_property
    def images(self) -> int:
        """Number of images in the training set."""
        return len(self.config.world.training_labels())

    def _losses_after(self, read: list[float]) -> Losses:
        """The losses since the last snapshot, of which a checkpoint kept `read`."""
        from phasescope.training.loop import losses_of

        return losses_of(self.learner, self.family, self.config.world, self.config.seed, read)

    def _observe(self) -> dict[str, Any]:
        """Take a snapshot, append its metrics, write a checkpoint; in this order."""
        learner = self.learner
        self.losses.read()
        try:
            with self.spent.observing():
                seen = self.observer.record(learner.average, learner.step)
        except NotFinite as error:
            raise self.losses.diverged(f"what is observed must be finite: {error}", learner.step) from error
        metrics = {
            "step": learner.step,
            "images_seen": learner.images_seen,
            "epochs": learner.images_seen / self.images,
            "loss": self.losses.mean(),
            **learner.last_step(),
            **seen,
        }
        self.losses.clear()
        self.folder.append_metrics({**metrics, **self.spent.tick()})
        self._checkpoint()
        self._summarise()
        self._write_status("running")
        return metrics

    def _summarise(self) -> None:
        from phasescope.probing.observer import summarise

        self.summary = summarise(self.plan, self.folder.metrics)

    def _checkpoint(self) -> None:
        self.losses.read()
        tensors = {name: tensor.detach().cpu().numpy() for name, tensor in self.learner.tensors().items()}
        state = {
            "run": self.config.digest(),
            "step": self.learner.step,
            "losses": self.losses.values,
            "spent": self.spent.tick(),
            "started": self.started,
        }
        self.folder.write_checkpoint(tensors, state)
        self._checkpoint_due = time.monotonic() + CHECKPOINT_EVERY_S

    def _keep_up(self) -> None:
        """Status and checkpoint, where their time has come."""
        if time.monotonic() >= self._checkpoint_due:
            self._checkpoint()
        if time.monotonic() >= self._status_due:
            self._write_status("running")

    def _start(self) -> Start:
        import torch

        learner, parameters = self.learner, sum(p.numel() for p in self.learner.network.parameters())
        return Start(
            self.folder.path, parameters, self.images, learner.step, self.steps, str(learner.device),
            torch.get_num_threads(), self.origin,
        )  # fmt: skip

    def _progress(self, metrics: dict[str, Any] | None) -> Progress:
        return Progress(self.learner.step, self.steps, self.learner.images_seen, self.losses.last, metrics)

    def _write_status(self, state: str, **more: Any) -> None:
        start = self._start()
        self.folder.write_status(
            {
                "state": state,
                "step": start.step,
                "steps": start.steps,
                "images_seen": self.learner.images_seen,
                "images": start.images,
                "parameters": start.parameters,
                **provenance(),
                "threads": start.threads,
                "device": start.device,
                **self.spent.tick(),
                "started": self.started,
                "updated": now(),
                "summary": self.summary,
                **more,
            }
        )
        self._status_due = time.monotonic() + STATUS_EVERY_S
