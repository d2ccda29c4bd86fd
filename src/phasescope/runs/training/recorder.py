"""Recording a run that is trained by `execution` or, through `watch`, by your own loop.

At each snapshot the recorder writes the snapshot's files, a line of metrics, and a status with the costs so far.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from phasescope.core.errors import UserError
from phasescope.core.sources import description_of
from phasescope.measures import SHEET, phases
from phasescope.runs.config import ProbingConfig, SiteConfig
from phasescope.runs.store.files import read_last_json_line
from phasescope.runs.store.folder import now
from phasescope.runs.store.layout import METER, SCALARS
from phasescope.runs.store.writer import RunWriter
from phasescope.runs.trained.run import Run
from phasescope.runs.training.monitor import Monitor
from phasescope.runs.training.provenance import provenance

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from phasescope.models.families.analysis import LabelMeter
    from phasescope.runs.config import RunConfig
    from phasescope.runs.probing.observer import Observer
    from phasescope.worlds import World


class _Moment(NamedTuple):
    """A moment of training: the clock, the time spent on observing until then, and images seen."""

    clock_s: float
    observing_s: float
    images_seen: int


@dataclass(eq=False)
class Recorder:
    """Records one run in its folder.

    Args:
        plan: the resolved plan of observation.
        world: replaces the configuration's world if that consists of arrays in memory.
        encode: replaces the network's own encoding of labels.
        monitors: log what is recorded.

    Attributes:
        spent: seconds so far: `wall_s`, `cpu_s`, and of the first `observing_s`.
        clock: wall-clock and processor time up to which `spent` counts, in seconds.
        summary: of all lines of metrics, for the status.
    """

    config: RunConfig
    plan: ProbingConfig
    folder: RunWriter
    device: torch.device
    world: World | None = None
    encode: Callable[[Tensor], Tensor | None] | None = None
    monitors: Sequence[Monitor] = ()

    def __post_init__(self) -> None:
        self.started = now()
        self.summary: dict[str, Any] = {}
        self.spent = {"wall_s": 0.0, "cpu_s": 0.0, "observing_s": 0.0}
        self.clock = time.perf_counter(), time.process_time()
        self._scalars: list[dict[str, Any]] = []
        self._is_monitored = False
        self.start_clock(0)

    @cached_property
    def observer(self) -> Observer:
        """The observer, created on first use since a run that is already done needs none."""
        from phasescope.runs.probing.observer import Observer

        config, task = self.config, self.config.task(self.world)
        return Observer(
            plan=self.plan,
            world=self.world or config.world,
            family=config.family.build(),
            seed=config.streams.samples,
            device=self.device,
            task=task,
            analysis=config.family.analysis(task, config.streams.samples),
            encode=self.encode or config.encode,
            folder=self.folder,
        )

    @cached_property
    def meter(self) -> LabelMeter:
        """The condition meter, created on first use."""
        from phasescope.runs.probing.meter import meter_of

        return meter_of(self.config)

    @cached_property
    def images(self) -> int:
        """Number of images in the training set."""
        return len((self.world or self.config.world).training_labels())

    def add(self, spent: Mapping[str, Any]) -> None:
        """Add what an earlier process spent on the same run."""
        for name in self.spent:
            self.spent[name] += spent.get(name) or 0.0

    def tick(self) -> dict[str, float]:
        """Add the time since the last call, and return the total."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.spent["wall_s"] += wall - self.clock[0]
        self.spent["cpu_s"] += cpu - self.clock[1]
        self.clock = wall, cpu
        return dict(self.spent)

    def start_clock(self, images_seen: int) -> None:
        """Begin the interval over which the next line of scalars computes images per second."""
        self._since = _Moment(time.perf_counter(), self.spent["observing_s"], images_seen)

    def log(self, step: int, images_seen: int, **scalars: Any) -> None:
        """Keep scalars of a step until `flush`: tensors are read there, so that no step waits for a GPU."""
        began = self._since
        self.start_clock(images_seen)
        now = self._since

        training_s = now.clock_s - began.clock_s - (now.observing_s - began.observing_s)
        wall_s = self.spent["wall_s"] + now.clock_s - self.clock[0]
        self._scalars.append(
            {
                "step": step,
                "images_seen": images_seen,
                "wall_s": round(wall_s, 3),
                **scalars,
                "images_per_s": (now.images_seen - began.images_seen) / training_s,
            }
        )

    def flush(self, to_disk: bool = False) -> None:
        """Append the buffered scalars to the run's file; a checkpoint needs them on the disk."""
        kept, self._scalars = self._scalars, []
        lines = [{name: _plain(value) for name, value in line.items()} for line in kept]
        self.folder.append_lines(SCALARS, lines, to_disk)
        if to_disk:
            self.folder.append_lines(METER, [])

    def read_meter(self, network: nn.Module, step: int, images_seen: int) -> None:
        """Read the condition meter, and append its line to the run's file, unless it has one of this step."""
        last = read_last_json_line(self.folder.path / METER)
        if last is not None and last["step"] >= step:
            return

        began = time.perf_counter()
        line = {"step": step, "images_seen": images_seen, **self.meter.read(network, step)}
        self.folder.append_lines(METER, [line], to_disk=False)
        self.spent["observing_s"] += time.perf_counter() - began

    def update_monitors(self) -> None:
        """Let monitors log new records. If one fails, training continues without it, with a warning."""
        for monitor in self.monitors:
            try:
                monitor.update(Run(self.folder.path))
            # A monitor is somebody else's code and network: whatever it raises, training goes on.
            except Exception as error:
                why = str(error) if isinstance(error, UserError) else description_of(error)
                if not self._is_monitored:
                    raise UserError(f"`{type(monitor).__name__}` cannot log: {why}") from error
                self.monitors = [other for other in self.monitors if other is not monitor]
                warnings.warn(f"{type(monitor).__name__} logs nothing more: {why}", stacklevel=4)
        self._is_monitored = True

    def close(self) -> None:
        """Close the monitors; one that fails keeps no other from closing."""
        for monitor in self.monitors if self._is_monitored else ():
            try:
                monitor.close()
            except Exception as error:
                warnings.warn(
                    f"{type(monitor).__name__} was not closed: {description_of(error)}", stacklevel=2
                )

    def record(self, network: nn.Module, step: int, images_seen: int, **training: Any) -> dict[str, Any]:
        """Take a snapshot, then append its line of metrics, and return the line without its costs.

        Args:
            training: values that training reports for the step, such as `loss`.
        """
        began = time.perf_counter()
        seen = self.observer.record(network, step)
        self.spent["observing_s"] += time.perf_counter() - began

        line = {
            "step": step,
            "images_seen": images_seen,
            "epochs": images_seen / self.images,
            **training,
            **seen,
        }
        self.folder.append_metrics({**line, **self.tick()})
        return line

    def summarise(self) -> None:
        """Read the summary again from the folder's metrics."""
        self.summary = summarise(self.plan, self.folder.metrics)

    def write_status(
        self, state: str, network: nn.Module, step: int, steps: int, images_seen: int, **more: Any
    ) -> None:
        import torch

        self.folder.write_status(
            {
                "state": state,
                "step": step,
                "steps": steps,
                "images_seen": images_seen,
                "images": self.images,
                "parameters": sum(weights.numel() for weights in network.parameters()),
                **provenance(),
                "threads": torch.get_num_threads(),
                "device": str(self.device),
                **self.tick(),
                "started": self.started,
                "updated": now(),
                "summary": self.summary,
                **more,
            }
        )
        self.update_monitors()


def _plain(value: Any) -> int | float:
    """Return a number, or a tensor of one number, as JSON holds it."""
    value = value.item() if hasattr(value, "item") else value
    return value if isinstance(value, int) else float(value)


def summarise(plan: ProbingConfig, metrics: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return, for each kind of phase, its sequence and its onsets in images seen; where it was read; and the thresholds."""
    images_seen = [entry["images_seen"] for entry in metrics]
    summary: dict[str, Any] = {}
    for kind in metrics[0]["phase"] if metrics else ():
        course = [entry["phase"][kind] for entry in metrics]
        summary[kind] = {
            "sequence": phases.phase_sequence(course),
            "onsets": phases.phase_onsets(images_seen, course),
        }

    read: dict[str, Any] = {"sheet": plan.representation} if plan.reads_latents else {}
    if "latents" in plan.observe:
        read["representation_p1"] = plan.p1
    summary["sites"] = {name: str(site.site) for name, site in read.items() if isinstance(site, SiteConfig)}

    summary["thresholds"] = {
        "behaviour": asdict(phases.BehaviourThresholds()),
        "sheet": asdict(SHEET),
        "representation_p1": asdict(phases.P1),
    }
    return summary
