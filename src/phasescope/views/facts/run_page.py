"""All that the page of a run says, asked once: in the explorer, and in a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phasescope.core.config import Tree, to_yaml
from phasescope.core.errors import UserError
from phasescope.core.factors import Factor
from phasescope.runs.store.sites import Site
from phasescope.runs.trained.limits import not_sampled, within_limits
from phasescope.views.facts import words
from phasescope.views.facts.clouds import labels_of, sites_of
from phasescope.views.facts.meter import meter_sentences
from phasescope.views.facts.onsets import Onset, onsets
from phasescope.views.facts.panel import RunPanel
from phasescope.views.facts.panels import run_panels
from phasescope.views.facts.record import Record
from phasescope.views.facts.scores import Accuracy, accuracies
from phasescope.views.facts.terms import READINGS, site_words, split_words

if TYPE_CHECKING:
    from phasescope.worlds.base import Outcome


@dataclass(frozen=True)
class RunPage:
    """Everything that is shown of a run except its row in the table of runs.

    Attributes:
        sentence: describes the world; None if the run has no description.
        config: with the defaults of fields that an older run does not state; `configuration` is the file as it is.
        read_at: where the phase of the sheet is read.
        splits: the words of each split, by name, in the order in which they are shown.
        lines: what each line of the metrics says, one a snapshot.
        onsets: within which stretch B and C began, by reading.
        scalars: when training logged its scalars, also after the last snapshot.
        meter: when the condition meter was read.
        stored: which files there are at each line of the metrics.
        latents: sites of stored activations, beginning with those at which phases are read.
        position: the two factors that are a place on the canvas; `axes`, those of the pad.
        sampling: what its network can be asked; or why it cannot.
    """

    sentence: str | None
    config: Tree
    configuration: str
    verdict: list[str]
    headline: Headline
    subject: str
    read_at: Site | None
    splits: Mapping[str, str]
    lines: list[MetricsLine]
    onsets: Mapping[str, Mapping[str, Onset | None]]
    scalars: list[Moment]
    meter: list[Moment]
    panels: list[RunPanel]
    stored: list[Stored]
    latents: list[Latents]
    factors: Sequence[Factor]
    position: Any
    axes: list[int]
    outcomes: Sequence[Outcome]
    sampling: Sampling | str


@dataclass(frozen=True)
class Headline:
    """The few numbers that a run is known by: the term that explains each, by its name, and their texts at each line."""

    terms: Mapping[str, str]
    texts: list[list[str | None]]


@dataclass(frozen=True)
class MetricsLine:
    """What a line of the metrics says beside its panels' curves."""

    step: int | None
    images_seen: int | None
    epochs: float | None
    wall_s: float | None
    phase: Mapping[str, Any] | None
    by_class: Mapping[str, Any] | None
    accuracies: list[Accuracy]


@dataclass(frozen=True)
class Moment:
    """When a line was logged; None is what its file does not say."""

    step: int
    images_seen: int | None
    epochs: float | None
    wall_s: float | None


@dataclass(frozen=True)
class Stored:
    """Which files a snapshot has; a condensed record has none."""

    step: int
    images_seen: int
    samples: bool
    latents: bool
    weights: bool


@dataclass(frozen=True)
class Latents:
    """A site of stored activations, and the projections of them that can be shown."""

    site: Site
    words: str
    projections: list[str]


@dataclass(frozen=True)
class Sampling:
    """What a run's network can be asked: near which labels it was trained, by which samplers, with which guidance."""

    training: Mapping[str, Any]
    held_out: Mapping[str, Mapping[str, Any]]
    choice: Mapping[str, Any] | None
    guidance: bool
    continuous: bool


def run_page(record: Record, trust: bool = False) -> RunPage:
    """Return all that the page of a run says.

    Args:
        trust: whether its network may be asked although sources of its owner build it.
    """
    return RunPage(
        sentence=record.about.get("sentence"),
        config=record.complete_config,
        configuration=to_yaml(record.config),
        verdict=[*words.verdict(record), *meter_sentences(record)],
        headline=_headline(record),
        subject=words.subject(record),
        read_at=record.phase_site("sheet"),
        splits={split: split_words(split, record.is_unconditional) for split in _splits(record)},
        lines=[_line(line, record) for line in record.metrics],
        onsets={reading: onsets(record, reading) for reading in READINGS},
        scalars=[_moment(line, record, line.get("wall_s")) for line in record.scalars],
        meter=[_moment(line, record, None) for line in record.meter],  # its `wall_s` is what the reading took
        panels=run_panels(record),
        stored=_stored(record),
        latents=_latents(record),
        factors=record.factors,
        position=record.position,
        axes=_axes(record),
        outcomes=record.outcomes,
        sampling=_sampling(record, trust),
    )


def _moment(line: Mapping[str, Any], record: Record, wall_s: float | None) -> Moment:
    images_seen, images = line.get("images_seen"), record.status.get("images")
    epochs = images_seen / images if images_seen is not None and images else None
    return Moment(line["step"], images_seen=images_seen, epochs=epochs, wall_s=wall_s)


def _headline(record: Record) -> Headline:
    lines = [
        {fact.name: fact for fact in words.headline(record, index)} for index in range(len(record.metrics))
    ]
    # The last line's facts come first: an earlier one may lack some.
    terms = {name: fact.term for line in reversed(lines) for name, fact in line.items()}
    texts = [[line[name].value if name in line else None for name in terms] for line in lines]
    return Headline(terms, texts)


def _splits(record: Record) -> Sequence[str]:
    return record.splits if record.is_unconditional else record.about.get("splits") or record.splits


def _line(line: dict[str, Any], record: Record) -> MetricsLine:
    return MetricsLine(
        step=line.get("step"),
        images_seen=line.get("images_seen"),
        epochs=line.get("epochs"),
        wall_s=line.get("wall_s"),
        phase=line.get("phase"),
        by_class=line.get("by_class"),
        accuracies=list(accuracies(line, record.splits)),
    )


def _stored(record: Record) -> list[Stored]:
    folders = {snapshot.step: snapshot.path for snapshot in record.snapshots}

    def has(step: int, file: str) -> bool:
        return step in folders and (folders[step] / file).is_file()

    return [
        Stored(
            step=line["step"],
            images_seen=int(line["images_seen"]),
            samples=has(line["step"], "samples.npz"),
            latents=has(line["step"], "latents.npz"),
            weights=has(line["step"], "weights.safetensors"),
        )
        for line in record.metrics
    ]


def _latents(record: Record) -> list[Latents]:
    latents: list[Latents] = []
    with suppress(UserError):  # latents.npz may be damaged: the other panels do not need it
        for site in sites_of(record):
            projections = ["pca", "umap"] if _has_umap(record, site) else ["pca"]
            latents.append(Latents(site, site_words(site), projections))
    return latents


def _has_umap(record: Record, site: Site) -> bool:
    if not len(labels_of(record)):
        return False
    stored = (snapshot for snapshot in record.snapshots if site in snapshot.sites)
    return any(snapshot.embedding(site) is not None for snapshot in stored)


def _axes(record: Record) -> list[int]:
    """Return the two factors of the pad: a position on the canvas, else the first two that are no classes, or fewer."""
    measured = [k for k, factor in enumerate(record.factors) if not factor.categorical]
    position = list(record.position or ())
    return position if position and set(position) <= set(measured) else measured[:2]


def _sampling(record: Record, trust: bool) -> Sampling | str:
    """Return what the network can be asked; or why it cannot."""
    about = record.about
    if not about:
        return "the run has no about.json, which says what it can be asked"
    if reason := not_sampled(record.run, trust):
        return reason
    return Sampling(
        training=about["training"],
        held_out=about.get("held_out") or {},
        choice=about["sampler"] and within_limits(about["sampler"], about["shape"]),
        guidance=bool(about["sampler"] and about["guidance"]),
        continuous=about["continuous"],
    )
