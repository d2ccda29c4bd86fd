"""A snapshot, from look to numbers: observe the network, read its images, measure its latents, set the nulls beside.

Outcomes come from images alone, representation scores from latents alone. The nulls that do not change while a run learns
(pixels, label encodings, the family's references) are computed once, and kept in `references.json`; the untrained network's
are those of step 0.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from phasescope import measures
from phasescope.core.places import Place
from phasescope.measures import Score
from phasescope.measures.learning import phases
from phasescope.models.families.base import Task
from phasescope.runs.probing.behaviour import behaviour, reading_columns
from phasescope.runs.probing.config import PlaceConfig
from phasescope.runs.probing.copier import copied, excess
from phasescope.runs.probing.inputs import Latents
from phasescope.runs.probing.observation import Observation, ProbeSet
from phasescope.runs.probing.own_measures import check_name, load_measures
from phasescope.runs.probing.probe import nulls_of
from phasescope.runs.store.snapshot import array_name
from phasescope.runs.store.tables import safetensors_bytes, write_parquet
from phasescope.runs.store.writer import RunWriter
from phasescope.worlds.base import Columns

LEARNT = ("order", "order_told", "order_seen")
"""scores of which is told as well how much of them was learnt"""
OF_SHEET = ("label_share", "label_dimension", "sheet_trustworthiness", "sheet_order")
"""scores that the phase of the sheet is read from, in the order of `sheet_phase`"""
OF_LATENTS = ("order", "trustworthiness", "participation_ratio")
"""of the battery, what is measured at each snapshot beside them"""
Scores = dict[str, dict[Place, Score]]
Measured = tuple[dict[str, Score], np.ndarray | None]
"""Of one place every measure's score, and UMAP's embedding where it was asked for."""


@dataclass(eq=False, kw_only=True)
class Observer(ProbeSet):
    """Takes the snapshots of one run.

    Args:
        encode: labels (n, K) -> (n, features), what the network is given of them; None if that is not known.
        folder: where snapshots and references go.
    """

    encode: Callable[[Tensor], Tensor | None]
    folder: RunWriter

    def __post_init__(self, task: Task | None) -> None:
        super().__post_init__(task)
        self.reader = self.world.reader()
        self.own_measures = load_measures(self.plan.measures)

    def record(self, network: nn.Module, step: int) -> dict[str, Any]:
        """Write the snapshot of `step` and return its metrics, JSON-ready."""
        seen = self.observe(network, self.references.get("family", {}))
        read = None if self.reader is None else self.reader.read(seen.images)
        for name in seen.family:
            check_name(name, f"{type(self.family).__name__}.examine` (={name})")
        scores, embeddings = self._representation(seen.latents)
        self._write(step, network, seen, read, embeddings)
        painted = self._painted(read)
        return {
            **painted,
            **{
                name: {str(place): score.to_dict() for place, score in by_place.items()}
                for name, by_place in scores.items()
            },
            **seen.family,
            "phase": self._phases(painted, scores, step),
        }

    @cached_property
    def references(self) -> dict[str, Any]:
        """`scores` of pixels and encodings, measure -> null -> place -> value; the family's own; what `copiers` get right.

        Computed once a run.
        """
        found = self.folder.references
        if found is None:
            found = {"scores": self._null_scores() if "latents" in self.plan.observe else {}}
            if "references" in self.plan.observe:
                found["family"] = dict(self.family.references(self.examples))
                found["copiers"] = copied(self.world, self.labels)
            self.folder.write_json("references.json", found)
        return found

    def _null_scores(self) -> dict[str, dict[str, dict[str, float]]]:
        taps = list(self.plan.taps)
        nulls = nulls_of(self.inputs, taps, None, self.encode)
        places = self.inputs.places(taps)
        # Pixels and encodings are one array at several places, which is measured once.
        jobs: dict[int, tuple[Latents, Place, bool]] = {}
        for latents in nulls.values():
            for place in places:
                key = id(latents.single[place])
                p1 = self._is_p1(place) or (key in jobs and jobs[key][2])
                jobs[key] = latents, place, p1
        measured = dict(zip(jobs, self._measure_all(list(jobs.values())), strict=True))
        scores: dict[str, dict[str, dict[str, float]]] = {}
        for null, latents in nulls.items():
            for place in places:
                for name, score in measured[id(latents.single[place])][0].items():
                    scores.setdefault(name, {}).setdefault(null, {})[str(place)] = score.value
        return scores

    def _measure(self, latents: Latents, place: Place, p1: bool) -> Measured:
        """Every score of one place's latents; UMAP's embedding if asked."""
        labels, factors = self.latent_labels, self.world.factors.visible
        single, draws = latents.at(place)
        # Labels of one class are all equally near: no sheet can be read.
        names = OF_SHEET[:2] if factors.categorical.any() else OF_SHEET
        if "latents" not in self.plan.observe:
            return dict(measures.battery(single, labels, factors, draws=draws, chosen=names)), None
        names = (*names, *OF_LATENTS)
        scores = dict(measures.battery(single, labels, factors, draws=draws, chosen=names))
        scores |= {name: measure(single, labels, factors) for name, measure in self.own_measures.items()}
        if place in latents.crossed:
            inputs = self.inputs
            scores |= measures.routes(latents.crossed[place], labels[: inputs.crossed], inputs.shown, factors)
        if not p1:
            return scores, None
        seeds = range(self.plan.umap_seeds)
        scores["p1_order"], embedding = measures.p1_order(single, labels, seeds, factors=factors)
        return scores, embedding

    def _measure_all(self, places: Sequence[tuple[Latents, Place, bool]]) -> list[Measured]:
        """`_measure` of each, as many at once as there are threads."""
        # Matrices of a few hundred rows are quicker in one thread each; threads of BLAS that wait for one another crawl.
        with (
            threadpool_limits(limits=1, user_api="blas"),
            ThreadPoolExecutor(torch.get_num_threads()) as threads,
        ):
            # P1's first: it takes longest.
            order = sorted(range(len(places)), key=lambda i: not places[i][2])
            found = {i: threads.submit(self._measure, *places[i]) for i in order}
            return [found[i].result() for i in range(len(places))]

    def _representation(self, latents: Latents) -> tuple[Scores, dict[Place, np.ndarray]]:
        untrained = next(iter(self.folder.metrics), None)
        scores: Scores = {}
        embeddings: dict[Place, np.ndarray] = {}
        places = list(latents.single)
        measured = self._measure_all([(latents, place, self._is_p1(place)) for place in places])
        for place, (of_place, embedding) in zip(places, measured, strict=True):
            if embedding is not None:
                embeddings[place] = embedding
            for name, score in of_place.items():
                of_nulls = self.references["scores"].get(name, {})
                nulls = {
                    null: values[str(place)] for null, values in of_nulls.items() if str(place) in values
                }
                start = untrained[name][str(place)]["value"] if untrained else score.value
                scores.setdefault(name, {})[place] = score.with_nulls(untrained=start, **nulls)
                if name in LEARNT:
                    scores.setdefault(f"learnt_{name}", {})[place] = measures.learnt_order(score, start)
        return scores, embeddings

    def _painted(self, read: Columns | None) -> dict[str, Any]:
        if self.reader is None or read is None:
            return {}
        told = behaviour(self.reader, read, self.labels, self.world.factors.visible)
        return told | excess(told, self.references.get("copiers", {}))

    def _is_p1(self, place: Place) -> bool:
        return isinstance(self.plan.p1, PlaceConfig) and place == self.plan.p1.place

    def _phases(self, painted: Mapping[str, Any], scores: Scores, step: int) -> dict[str, phases.Phase]:
        """Of behaviour from the outcomes of what is trained on, of the representation from scores up to here."""
        result: dict[str, phases.Phase] = {}
        if self.reader is not None:
            told = dict(next(iter(painted["outcomes"].values())))
            n = told.pop("n")
            phase_of = {outcome.name: outcome.phase for outcome in self.reader.outcomes}
            result["behaviour"] = phases.behaviour_phase(told, n, phase_of)
        of_sheet = self.plan.representation
        if isinstance(of_sheet, PlaceConfig) and "sheet_order" in scores:
            share, dimension, single, order = (scores[name][of_sheet.place] for name in OF_SHEET)
            result["sheet"] = measures.sheet_phase(share, dimension, single, order)
        for name, place, order in (
            ("representation", self.plan.representation, "order"),
            ("representation_p1", self.plan.p1, "p1_order"),
        ):
            if isinstance(place, PlaceConfig) and "latents" in self.plan.observe:
                at = place.place
                earlier = [entry for entry in self.folder.metrics if entry["step"] < step]
                now = scores["label_share"][at], scores["label_dimension"][at], scores[order][at]
                result[name] = phases.settled([*course(earlier, at, order), now])[-1]
        return result

    def _write(
        self,
        step: int,
        network: nn.Module,
        seen: Observation,
        read: Columns | None,
        embeddings: Mapping[Place, np.ndarray],
    ) -> None:
        """The snapshot's files; latents in half precision, weights as they are."""
        labels, split = self.sample_labels, self.split
        arrays = {"labels": self.latent_labels}
        for kind, by_place in (
            ("latents", seen.latents.single),
            ("draws", seen.latents.draws),
            ("umap", embeddings),
        ):
            arrays |= {array_name(kind, place): half(array) for place, array in by_place.items()}
        with self.folder.new_snapshot(step) as folder:
            np.savez(folder / "samples.npz", images=half(seen.images), labels=labels, split=split)
            np.savez(folder / "latents.npz", allow_pickle=False, **arrays)
            write_weights(folder / "weights.safetensors", network)
            if self.reader is not None and read is not None:
                columns = reading_columns(self.reader, read, labels, split, self.world.factors.visible)
                write_parquet(folder / "reading.parquet", columns)


def course(
    metrics: Sequence[Mapping[str, Any]], place: Place, order: str
) -> list[tuple[Score, Score, Score]]:
    """(label share, dimension, order) of each of a run's entries that has them at a place, as `settled` takes them."""
    found = []
    for entry in metrics:
        told = [entry.get(name, {}).get(str(place)) for name in ("label_share", "label_dimension", order)]
        if all(told):
            share, dimension, of_order = map(Score.from_dict, told)
            found.append((share, dimension, of_order))
    return found


def half(array: np.ndarray) -> np.ndarray:
    """float16, with what is out of its range at its ends."""
    ends = np.finfo(np.float16)
    return np.clip(array, ends.min, ends.max).astype(np.float16)


def write_weights(path: Path, network: nn.Module) -> None:
    """The network's state as safetensors."""
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}
    path.write_bytes(safetensors_bytes(arrays))
