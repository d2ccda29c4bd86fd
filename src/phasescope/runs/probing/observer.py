"""Snapshots: observe the network, read its images, measure its latents, and add the baselines to each score.

Outcomes come only from images, representation scores only from latents. The baselines that do not change during training
(pixels, label encodings, the family's references) are computed once and stored in `references.json`; the untrained network's
scores are those of step 0.
"""

import math
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
from phasescope.measures import Score, phases
from phasescope.measures.columns import COLUMNS, MEASURES, Column
from phasescope.measures.latents.battery import given, measure_names, scores_of
from phasescope.measures.latents.sheet import OF_SHEET
from phasescope.models.families.task import Task
from phasescope.runs.config.probing_config import SiteConfig
from phasescope.runs.probing.behaviour import behaviour, reading_columns
from phasescope.runs.probing.image_baselines import baseline_accuracies, excess
from phasescope.runs.probing.inputs import Latents
from phasescope.runs.probing.own_measures import check_given_by_family, load_measures, refusing_by_name
from phasescope.runs.probing.probe import baselines_of
from phasescope.runs.probing.probe_set import Observation, ProbeSet
from phasescope.runs.store.sites import Site
from phasescope.runs.store.snapshot import array_name
from phasescope.runs.store.tables import safetensors_bytes, write_parquet
from phasescope.runs.store.writer import RunWriter
from phasescope.worlds.base import Columns

OF_P1 = ("label_variance", "label_participation_ratio", "p1_r2")
"""scores from which the phase by P1's reading is read, in the order of `p1_phases`"""
Scores = dict[str, dict[Site, Score]]
Measured = tuple[dict[str, Score], np.ndarray | None]
"""The scores of one site by measure, and UMAP's embedding if it was asked for."""


@dataclass(eq=False, kw_only=True)
class Observer(ProbeSet):
    """Takes the snapshots of one run.

    Args:
        encode: labels (n, K) -> (n, features), the network's encoding of them; None if it is not known.
        folder: the run folder for snapshots and references.
    """

    encode: Callable[[Tensor], Tensor | None]
    folder: RunWriter

    def __post_init__(self, task: Task | None) -> None:
        super().__post_init__(task)
        self.reader = self.world.reader()
        self.own_measures = {
            name: refusing_by_name(name, measure) if name in MEASURES else measure
            for name, measure in load_measures(self.plan.measures).items()
        }
        self._final: Latents | None = None

    def compare_with(self, network: nn.Module) -> None:
        """Give the network at the end of training to the measures that compare with it."""
        if any("final" in column.needs for column in self._columns):
            self._final = self.inputs.latents(network, self.plan.layers)

    def record(self, network: nn.Module, step: int) -> dict[str, Any]:
        """Write the snapshot of `step` and return its metrics as JSON-ready values."""
        seen = self.observe(network, self.references.get("family", {}))
        read = None if self.reader is None else self.reader.read(seen.images)

        for name in seen.family:
            check_given_by_family(name, f"{type(self.family).__name__}.examine` (={name})")
        scores, embeddings = self._representation(seen.latents)
        self._write(step=step, network=network, seen=seen, read=read, embeddings=embeddings)

        behaviour_metrics = self._behaviour(read)
        return {
            **behaviour_metrics,
            **{
                name: {str(site): score.to_dict() for site, score in by_site.items()}
                for name, by_site in scores.items()
            },
            **seen.family,
            "phase": self._phases(behaviour_metrics, scores, step),
        }

    @cached_property
    def references(self) -> dict[str, Any]:
        """The baselines: `scores` of pixels and encodings (measure -> baseline -> site -> value), the references of the
        `family`, and the accuracies of nearest-neighbour baselines (`accuracies`). Computed once per run."""
        stored = self.folder.references
        if stored is None:
            stored = {"scores": self._baseline_scores() if "latents" in self.plan.observe else {}}
            if "references" in self.plan.observe:
                stored["family"] = self.family_references()
                stored["accuracies"] = baseline_accuracies(self.world, self.labels)
            self.folder.write_json("references.json", stored)
        return stored

    def _baseline_scores(self) -> dict[str, dict[str, dict[str, float]]]:
        layers = list(self.plan.layers)
        baselines = baselines_of(self.inputs, layers, None, self.encode)
        sites = self.inputs.sites(layers)
        # Pixels and encodings are the same array at several sites, so each array is measured once, unless it is compared
        # with what the final network has at a site.
        jobs: dict[tuple[int, Site | None], tuple[Latents, Site, bool]] = {}

        def key_of(latents: Latents, site: Site) -> tuple[int, Site | None]:
            return id(latents.single[site]), None if self._final is None else site

        for latents in baselines.values():
            for site in sites:
                key = key_of(latents, site)
                p1 = self._is_p1(site) or (key in jobs and jobs[key][2])
                jobs[key] = latents, site, p1
        measured = dict(zip(jobs, self._measure_all(list(jobs.values())), strict=True))

        scores: dict[str, dict[str, dict[str, float]]] = {}
        for baseline, latents in baselines.items():
            for site in sites:
                for name, score in measured[key_of(latents, site)][0].items():
                    if math.isfinite(score.value):
                        scores.setdefault(name, {}).setdefault(baseline, {})[str(site)] = score.value
        return scores

    def _measure(self, latents: Latents, site: Site, p1: bool) -> Measured:
        """Return every score of one site's latents, NaN if they do not vary, and UMAP's embedding if `p1`."""
        single, draws = latents.at(site)
        crossed = latents.crossed.get(site)
        columns = [column for column in self._columns if self._is_given(column, crossed is not None, p1)]
        names = [column.name for column in columns]

        arrays = [single, draws]
        if crossed is not None and any("crossed" in column.needs for column in columns):
            arrays.append(crossed)
        final = None if self._final is None else self._final.single[site]
        if final is not None and any("final" in column.needs for column in columns):
            arrays.append(final)

        if any((array == array[..., :1, :]).all() for array in arrays):
            # As of a layer that begins at zero. Measures refuse it, but it may vary at a later snapshot of the run.
            nan = math.nan
            unknown = Score(
                value=nan,
                low=nan,
                high=nan,
                n=len(single),
                estimator="latents do not vary",
                baselines={"permuted": nan},
            )
            return dict.fromkeys(names, unknown), None

        read = given(
            single,
            self.latent_labels,
            self.world.factors.visible,
            draws=draws,
            crossed=crossed,
            shown=None if crossed is None else self.inputs.shown,
            umap_seeds=range(self.plan.umap_seeds) if p1 else (),
            final=final,
        )
        scores = dict(scores_of(read, names, own=self.own_measures))
        return scores, read.p1[1] if "p1_r2" in scores else None

    @cached_property
    def _columns(self) -> list[Column]:
        """The columns of activations that the plan asks for: usual ones, or those of the sheet alone, and named ones."""
        if "latents" not in self.plan.observe:
            return [MEASURES[name].column for name in OF_SHEET]
        usual = [MEASURES[name].column for name in measure_names()]
        usual = [column for column in usual if column.usual or column.name in self.own_measures]
        return usual + [own.column for name, own in self.own_measures.items() if name not in MEASURES]

    def _is_given(self, column: Column, crossed: bool, p1: bool) -> bool:
        """Return whether a site has what a column needs."""
        present = {
            "ordered": not self.world.factors.visible.categorical.any(),
            "crossed": crossed,
            "umap": p1,
            "final": self._final is not None,
        }
        return all(present.get(need, True) for need in column.needs)

    def _measure_all(self, sites: Sequence[tuple[Latents, Site, bool]]) -> list[Measured]:
        """Return `_measure` of each site, computed in parallel by as many threads as torch uses."""
        # Matrices of a few hundred rows are faster in one thread each: BLAS threads would mostly wait for one another.
        with (
            threadpool_limits(limits=1, user_api="blas"),
            ThreadPoolExecutor(torch.get_num_threads()) as threads,
        ):
            # P1 starts first because UMAP takes longest.
            order = sorted(range(len(sites)), key=lambda i: not sites[i][2])
            futures = {i: threads.submit(self._measure, *sites[i]) for i in order}
            return [futures[i].result() for i in range(len(sites))]

    def _representation(self, latents: Latents) -> tuple[Scores, dict[Site, np.ndarray]]:
        untrained = next(iter(self.folder.metrics), None)
        sites = list(latents.single)
        measured = self._measure_all([(latents, site, self._is_p1(site)) for site in sites])

        scores: Scores = {}
        embeddings: dict[Site, np.ndarray] = {}
        for site, (of_site, embedding) in zip(sites, measured, strict=True):
            if embedding is not None:
                embeddings[site] = embedding

            for name, score in of_site.items():
                known = self.references["scores"].get(name, {}).items()
                levels = {baseline: by[str(site)] for baseline, by in known if str(site) in by}
                start = (Score.from_dict(untrained[name][str(site)]) if untrained else score).value
                scores.setdefault(name, {})[site] = score.with_baselines(untrained=start, **levels)

                column = COLUMNS.get(name)
                if column is not None and column.gain:
                    scores.setdefault(column.gain, {})[site] = measures.probe_gain(score, start)
        return scores, embeddings

    def _behaviour(self, read: Columns | None) -> dict[str, Any]:
        if self.reader is None or read is None:
            return {}
        metrics = behaviour(self.reader, read, self.labels, self.world.factors.visible)
        return metrics | excess(metrics, self.references.get("accuracies", {}))

    def _is_p1(self, site: Site) -> bool:
        return isinstance(self.plan.p1, SiteConfig) and site == self.plan.p1.site

    def _phases(self, behaved: Mapping[str, Any], scores: Scores, step: int) -> dict[str, phases.Phase]:
        """Return the phase of behaviour, from the outcomes of the training split; that of activations, from their sheet; and
        that by P1's reading, from all scores up to this step."""
        result: dict[str, phases.Phase] = {}
        if self.reader is not None:
            shares = dict(next(iter(behaved["outcomes"].values())))
            n = shares.pop("n")
            phase_of = {outcome.name: outcome.phase for outcome in self.reader.outcomes}
            result["behaviour"] = phases.behaviour_phase(shares, n, phase_of)

        of_sheet = self.plan.representation
        if isinstance(of_sheet, SiteConfig) and "label_trustworthiness" in scores:
            result["sheet"] = measures.sheet_phase(*(scores[name][of_sheet.site] for name in OF_SHEET))

        if isinstance(self.plan.p1, SiteConfig) and "latents" in self.plan.observe:
            at = self.plan.p1.site
            earlier = [entry for entry in self.folder.metrics if entry["step"] < step]
            share, dimension, p1_r2 = (scores[name][at] for name in OF_P1)
            *_, now = phases.p1_phases([*course(earlier, at), (share, dimension, p1_r2)])
            result["representation_p1"] = now

        return result

    def _write(
        self,
        step: int,
        network: nn.Module,
        seen: Observation,
        read: Columns | None,
        embeddings: Mapping[Site, np.ndarray],
    ) -> None:
        """Write the snapshot's files: images and latents in half precision, weights in full."""
        labels, split = self.sample_labels, self.split
        arrays = {"labels": self.latent_labels}
        for kind, by_site in (
            ("latents", seen.latents.single),
            ("draws", seen.latents.draws),
            ("umap", embeddings),
        ):
            arrays |= {array_name(kind, site): half(array) for site, array in by_site.items()}

        with self.folder.new_snapshot(step) as folder:
            np.savez(folder / "samples.npz", images=half(seen.images), labels=labels, split=split)
            np.savez(folder / "latents.npz", allow_pickle=False, **arrays)
            write_weights(folder / "weights.safetensors", network)
            if self.reader is not None and read is not None:
                columns = reading_columns(
                    reader=self.reader,
                    read=read,
                    labels=labels,
                    split=split,
                    factors=self.world.factors.visible,
                )
                write_parquet(folder / "reading.parquet", columns)


def course(metrics: Sequence[Mapping[str, Any]], site: Site) -> list[tuple[Score, Score, Score]]:
    """Return (label variance, participation ratio of label means, P1's R²) of each entry, as `p1_phases` takes them."""
    triples = []
    for entry in metrics:
        stored = [entry.get(name, {}).get(str(site)) for name in OF_P1]
        if all(stored):
            share, dimension, p1_r2 = map(Score.from_dict, stored)
            triples.append((share, dimension, p1_r2))
    return triples


def half(array: np.ndarray) -> np.ndarray:
    """Return the array as float16, clipped to its range."""
    ends = np.finfo(np.float16)
    return np.clip(array, ends.min, ends.max).astype(np.float16)


def write_weights(path: Path, network: nn.Module) -> None:
    """Write the network's state dict as safetensors."""
    tensors = network.state_dict().items()
    # numpy has no bfloat16, whose numbers are all in float32.
    known = {name: x.float() if x.dtype == torch.bfloat16 else x for name, x in tensors}
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in known.items()}
    path.write_bytes(safetensors_bytes(arrays))
