"""A run as figures, text and pages read it: its files are read once, its metrics are arrays.

Factors, splits and outcomes come from the run's about.json. A value that was not measured is NaN, a gap in a curve.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from phasescope.core.config import merge
from phasescope.core.errors import UserError, reading
from phasescope.core.factors import Factor, Factors
from phasescope.core.plain_files import read_plain
from phasescope.measures.columns import Column, column_of, in_order
from phasescope.measures.latents.sheet import SHEET
from phasescope.measures.phases import BEHAVIOUR, P1, Phase, phase_onsets, phase_sequence
from phasescope.runs.store.folder import RunFolder, read_or
from phasescope.runs.store.sites import Site
from phasescope.runs.store.snapshot import Snapshot
from phasescope.runs.store.status import broken_status
from phasescope.views.facts.terms import BASELINES
from phasescope.views.facts.unconditional import (
    formed_or_not,
    is_unconditional,
    readings_without_labels,
    without_labels,
)

if TYPE_CHECKING:
    from jaxtyping import Float

    from phasescope.worlds.base import Outcome

Array = np.ndarray

MOST_SCALARS = 500
MOST_METER = 200


@dataclass(frozen=True)
class Record:
    """A run, read once."""

    run: RunFolder
    last_only: bool = False
    """whether `metrics` are those of the last snapshot, as in lists"""

    @cached_property
    def config(self) -> dict[str, Any]:
        return self.run.config

    @cached_property
    def complete_config(self) -> dict[str, Any]:
        """The configuration, with the defaults of fields that an older run does not state."""
        # This imports all kinds, which a table of runs should not wait for.
        from phasescope.runs.config import defaults

        return self.config if self.is_watched else merge(defaults(), self.config)

    @cached_property
    def is_watched(self) -> bool:
        """Whether the run was recorded from the user's own loop, so that only the given training settings are known."""
        return (self.config.get("network") or {}).get("kind") == "watched"

    @cached_property
    def status(self) -> dict[str, Any]:
        """The run's status; `broken`, with the reason, also if its configuration cannot be read."""
        return read_or(self.run, lambda run: self.config and run.status, broken_status)

    @cached_property
    def about(self) -> dict[str, Any]:
        return self.run.about

    @cached_property
    def references(self) -> dict[str, Any]:
        return self.run.references or {}

    @cached_property
    def is_unconditional(self) -> bool:
        """Whether its network is unconditional."""
        return self.status["state"] != "broken" and is_unconditional(self.config)

    @cached_property
    def summary(self) -> dict[str, Any]:
        summary = dict(self.status.get("summary") or {})
        if self.is_unconditional:
            summary.pop("behaviour", None)
        return summary

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """One line per snapshot, as recorded; for an unconditional network without metrics that need a label."""
        lines = self._lines
        return [without_labels(line, self._declared) for line in lines] if self.is_unconditional else lines

    @cached_property
    def scalars(self) -> list[dict[str, Any]]:
        """At most `MOST_SCALARS` lines of the scalars that training logged; empty for a run without such a log."""
        lines = self.run.scalar_lines
        return [lines[index] for index in evenly(np.arange(len(lines)), MOST_SCALARS)]

    def loss(self, line: Mapping[str, Any]) -> float | None:
        """Return the loss of a snapshot: what was recorded with it, or else the last that the loop logged up to its step."""
        if not line or line.get("loss") is not None:
            return line.get("loss")
        logged = [each["loss"] for each in self._logged if each["step"] <= line["step"]]
        return logged[-1] if logged else None

    @cached_property
    def _logged(self) -> list[dict[str, Any]]:
        return [line for line in self.run.scalar_lines if line.get("loss") is not None]

    @cached_property
    def meter(self) -> list[dict[str, Any]]:
        """At most `MOST_METER` readings of the condition meter, also after the last snapshot; empty without them."""
        lines = self.run.meter_lines
        return [lines[index] for index in evenly(np.arange(len(lines)), MOST_METER)]

    @cached_property
    def _lines(self) -> list[dict[str, Any]]:
        if not self.last_only:
            return self.run.metrics
        last = self.run.last_metrics
        return [last] if last else []

    @cached_property
    def snapshots(self) -> list[Snapshot]:
        """The snapshots that have a line in the metrics."""
        known = {line["step"] for line in self.metrics}
        return [snapshot for snapshot in self.run.snapshots if snapshot.step in known]

    @cached_property
    def images_seen(self) -> Float[Array, " lines"]:
        """Images seen at each line of the metrics."""
        return np.array([line["images_seen"] for line in self.metrics], float)

    @cached_property
    def images_per_step(self) -> float:
        last = self.metrics[-1] if self.metrics else {"step": 0}
        batch = float(self.config.get("training", {}).get("batch", 1))
        return last["images_seen"] / last["step"] if last["step"] else batch

    def spread(self, snapshots: Sequence[Snapshot], count: int) -> list[Snapshot]:
        """Return about `count` of some snapshots, evenly in images seen, the first and the last among them."""
        if not snapshots:
            return []
        seen = np.array([self.images_at(snapshot) for snapshot in snapshots])
        nearest = {int(np.abs(seen - at).argmin()) for at in np.linspace(seen[0], seen[-1], count)}
        return [snapshots[index] for index in sorted(nearest)]

    def chosen(self, snapshots: Sequence[Snapshot], which: int | Sequence[int]) -> list[Snapshot]:
        """Return some of the snapshots that hold what is to be shown: about as many as `which` says, or those of its steps.

        Raises:
            UserError: a step is none of theirs; there is none of it at all.
        """
        if isinstance(which, int):
            if which < 1:
                raise UserError(f"`snapshots` (={which}) must be at least 1, or a list of steps")
            return self.spread(snapshots, which)

        by_step = {snapshot.step: snapshot for snapshot in snapshots}
        for step in which:
            if step not in by_step:
                near = ", ".join(map(str, sorted(by_step, key=lambda known: abs(known - step))[:3]))
                raise UserError(
                    f"`snapshots` (={step}) must be steps at which this was recorded; near it: {near or 'none'}"
                )
        return [by_step[step] for step in which]

    def sampled(self, which: int | Sequence[int]) -> list[Snapshot]:
        """Return snapshots that hold generated images: about as many as `which` says, or those of its steps."""
        held = [snapshot for snapshot in self.snapshots if (snapshot.path / "samples.npz").is_file()]
        return self.chosen(held, which)

    def images_at(self, snapshot: Snapshot) -> int:
        """Images seen when `snapshot` was taken."""
        return next(int(line["images_seen"]) for line in self.metrics if line["step"] == snapshot.step)

    @cached_property
    def factors(self) -> Factors:
        if not self.last_only:
            return _factors_of(self.about)
        # Of thousands of runs in a list most have the same description, all labels of the training set within it.
        with suppress(FileNotFoundError, ValueError):
            return _factors_in(read_plain(self.run.path / "about.json"))
        return _factors_of(self.about)

    @cached_property
    def position(self) -> tuple[int, int] | None:
        """Which factors are a position on the canvas, along columns and along rows, px, pixel centres from 1 on."""
        names = self.about.get("position")
        if not names or self.is_unconditional:
            return None
        column, row = map(self.factors.names.index, names)
        return column, row

    @cached_property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The possible outcomes of an image, success last; empty if the world has no reader."""
        return formed_or_not(self._declared) if self.is_unconditional else self._declared

    @cached_property
    def _declared(self) -> tuple[Outcome, ...]:
        # This imports all worlds, which a table of runs should not wait for.
        from phasescope.worlds.base import Outcome

        path = self.run.path / "about.json"
        with reading(path):
            outcomes = tuple(Outcome(**outcome) for outcome in self.about.get("outcomes") or ())
        for outcome in outcomes:
            if not re.fullmatch("#[0-9a-fA-F]{6}", str(outcome.colour)):
                raise UserError(f"`colour` (={outcome.colour!r:.60}) in `{path}` must be #rrggbb")
        return outcomes

    @cached_property
    def splits(self) -> list[str]:
        """The named sets of labels for which images were generated and read, what is trained on first."""
        seen = {split: None for line in self.metrics for split in line.get("outcomes") or {}}
        return [split for split in self.about.get("splits") or seen if split in seen]

    def readings(self, snapshot: Snapshot) -> dict[str, Array]:
        """Return the columns of what was read in a snapshot's images; none if nothing read them."""
        read = snapshot.readings() if (snapshot.path / "reading.parquet").is_file() else {}
        return readings_without_labels(read, self._declared) if self.is_unconditional else read

    @cached_property
    def measures(self) -> list[str]:
        """Names of the representation's recorded scores, by what they are about."""
        seen = {name for line in self.metrics for name, value in line.items() if _holds_scores(value)}
        return [column.name for column in in_order({name: self.column(name) for name in sorted(seen)})]

    def column(self, name: str) -> Column:
        """Return what is known of a recorded number: declared by phasescope, by the run's own kinds, or nothing."""
        return self._own_columns.get(name) or column_of(name)

    @cached_property
    def _own_columns(self) -> dict[str, Column]:
        path = self.run.path / "about.json"
        with reading(path):
            return {name: Column.from_dict(name, stated) for name, stated in self._stated_columns.items()}

    @cached_property
    def _stated_columns(self) -> dict[str, Any]:
        return self.about.get("columns") or {}

    def baselines(self, measure: str) -> list[str]:
        """Return the baselines that any score of `measure` has, those with a known description first."""
        scores = (value or {} for line in self.metrics for value in (line.get(measure) or {}).values())
        names = dict.fromkeys(name for stored in scores for name in stored.get("baselines") or {})
        return _known_first(names, BASELINES)

    def sites(self, measure: str = "probe_r2") -> list[Site]:
        """Return the sites at which `measure` was read at any snapshot, in the order of the metrics."""
        seen = dict.fromkeys(text for line in self.metrics for text in line.get(measure) or {})
        return [Site.parse(text) for text in seen]

    def phase_site(self, reading: str) -> Site | None:
        """Return the site at which phases of activations are read, of the sheet or by P1's reading; by default the last one
        measured."""
        stated = self.summary.get("sites") or {}
        # Runs that were recorded before sheets were read name the same site `representation`.
        named = stated.get(reading) or (stated.get("representation") if reading == "sheet" else None)
        if named:
            return Site.parse(named)
        return next(reversed(self.sites("p1_r2" if reading == "representation_p1" else "probe_r2")), None)

    def series(self, measure: str, site: Site, *path: str) -> Float[Array, " lines"]:
        """Return one number of a score over the run, as `series("probe_r2", site, "baselines", "pixels")`."""
        return np.array([number(_descend(score(line, measure, site), *path)) for line in self.metrics])

    def outcome_shares(self, split: str) -> dict[str, Float[Array, " lines"]]:
        """Return shares of the outcomes for the labels of a split; nothing if none were read."""
        lines = [(line.get("outcomes") or {}).get(split) or {} for line in self.metrics]
        names = [outcome.name for outcome in self.outcomes] if any(lines) else []
        return {name: np.array([number(line.get(name)) for line in lines]) for name in names}

    def count(self, split: str) -> int:
        """Return how many labels of a split an outcome share is of."""
        counts = (_descend(line, "outcomes", split, "n") for line in reversed(self.metrics))
        return next((int(n) for n in counts if n), 0)

    def phases(self, reading: str) -> list[Phase | None]:
        """Return the phase at each line of the metrics: A, B, C, undecided, or None if not read, or if it is no phase."""
        stored = [(line.get("phase") or {}).get(reading) for line in self.metrics]
        return [phase if phase in get_args(Phase) else None for phase in stored]

    def sequence(self, reading: str) -> list[str]:
        """Return the decided phases of `reading` in their order, repeats in a row once."""
        return phase_sequence([phase for phase in self.phases(reading) if phase is not None])

    def onsets(self, reading: str) -> dict[str, int | None]:
        """Return images seen at the first snapshot from which on `reading` is for good in phase B or later, and in phase C.

        The trap: a phase began somewhere between that snapshot and the one before (`views.facts.onsets`).
        """
        lines = zip(self.images_seen.astype(int).tolist(), self.phases(reading), strict=True)
        read = [(seen, phase) for seen, phase in lines if phase is not None]
        return phase_onsets([seen for seen, _ in read], [phase for _, phase in read])

    @cached_property
    def thresholds(self) -> dict[str, float]:
        """The threshold of each measure that has one, and `majority`, the share that an outcome must exceed.

        They are those by which the run's phases were decided; by default the present ones. That of P1's R² is a gain:
        `levels` has the scores.
        """
        recorded = self.summary.get("thresholds") or {}
        sheet = asdict(SHEET) | recorded.get("sheet", {})

        # Earlier runs decided P1's reading by thresholds that they shared with a rule that is retired.
        former = recorded.get("representation", {})
        p1 = (
            asdict(P1)
            | ({"p1_r2": former["probe_r2"]} if former else {})
            | recorded.get("representation_p1", {})
        )

        return {
            "majority": (asdict(BEHAVIOUR) | recorded.get("behaviour", {}))["majority"],
            "label_variance": sheet["label_variance"],
            "label_participation_ratio": sheet["participation_ratio"],
            "sheet_trustworthiness": sheet["trustworthiness"],
            "label_trustworthiness": sheet["label_trustworthiness"],
            "p1_r2": p1["p1_r2"],
        }


def evenly(indices: Array, most: int) -> Array:
    """Return at most `most` of some indices, evenly spread over them."""
    return indices[np.linspace(0, len(indices) - 1, min(most, len(indices))).round().astype(int)]


@lru_cache(maxsize=64)
def _factors_in(about: bytes) -> Factors:
    return _factors_of(json.loads(about))


def _factors_of(about: dict[str, Any]) -> Factors:
    return Factors(Factor(**factor) for factor in about.get("factors") or ())


def number(value: Any) -> float:
    """Return a metric as a float: a score by its value, and NaN for what was not measured."""
    if isinstance(value, dict):
        value = value.get("value")
    return float("nan") if value is None else float(value)


def score(line: dict[str, Any], measure: str, site: Site) -> dict[str, Any] | None:
    """Return the score of `measure` at `site` in one line of the metrics."""
    return _descend(line, measure, str(site))


def success_share(line: dict[str, Any]) -> float:
    """Return the share of correct images for the labels trained on, which metrics name first; NaN if not read."""
    shares = next(iter((line.get("outcomes") or {}).values()), {})
    # in the order in which a world declares them, success last
    return number(next((share for name, share in reversed(shares.items()) if name != "n"), None))


def _known_first(names: Iterable[str], known: Iterable[str]) -> list[str]:
    order = {name: index for index, name in enumerate(known)}
    return sorted(names, key=lambda name: order.get(name, len(order)))


def _holds_scores(value: Any) -> bool:
    """Return whether a metric consists of scores by site."""
    scores = list(value.values()) if isinstance(value, dict) else []
    return bool(scores) and all(isinstance(s, dict) and {"value", "low", "high"} <= s.keys() for s in scores)


def _descend(tree: Any, *path: str) -> Any:
    for key in path:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree
