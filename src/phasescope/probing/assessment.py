"""A snapshot, from look to numbers: observe the network, read its images, measure its latents, set the nulls beside.

Outcomes come from images alone, representation scores from latents alone. The nulls that do not change while a run learns
(noisy pixels, label encodings, the unconditional optimum) are computed once, and kept in `references.json`; the untrained
network's are those of step 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import nn

from phasescope import measures
from phasescope.measures import Score, phases
from phasescope.probing.config import PlaceConfig, ProbingConfig
from phasescope.probing.latents import Place
from phasescope.probing.observation import Observation, ProbeSet
from phasescope.probing.reading import (
    OUTCOMES,
    BumpReader,
    Readings,
    correct_axes,
    errors_px,
    outcomes,
    well_formed,
)
from phasescope.store.folder import RunWriter
from phasescope.store.tables import safetensors_bytes, write_parquet

Scores = dict[str, dict[str, dict[str, Any]]]
"""measure -> tap -> t -> score, JSON-ready; for references, measure -> null -> t -> value"""

Measured = tuple[dict[str, Score], np.ndarray | None]
"""Of one place every measure's score, and UMAP's embedding where it was asked for."""


class Observer:
    """Takes the snapshots of one run.

    Args:
        config: what is recorded.
        world, family, seed, device: the run's.
        encode: labels (n, K) -> (n, features), the encodings that the network is given: the ceiling of order.
        folder: where snapshots and references go.
    """

    def __init__(
        self,
        config: ProbingConfig,
        world,
        family,
        seed: int,
        device: torch.device,
        encode: Callable[[torch.Tensor], torch.Tensor],
        folder: RunWriter,
    ):
        self.config, self.world, self.family, self.folder, self.encode = config, world, family, folder, encode
        self.probe = ProbeSet(config, world, family, seed, device)
        self.reader = BumpReader(world.canvas, world.sigma_px, world.polarity, world.periodic)

    def record(self, network: nn.Module, step: int) -> dict[str, Any]:
        """Write the snapshot of `step` and return its metrics, JSON-ready."""
        seen = self.probe.observe(network)
        readings = self.reader.read(seen.images)
        scores, embeddings = self._representation(seen)
        self._write(step, network, seen, readings, embeddings)
        behaviour = self._behaviour(readings)
        return {
            **behaviour,
            **{name: _nested(by_place) for name, by_place in scores.items()},
            "denoising": self._denoising(seen),
            "phase": self._phases(behaviour["outcomes"]["grid"], scores),
        }

    @cached_property
    def references(self) -> dict[str, Any]:
        """Scores of pixels and encodings, and the unconditional optimum's errors, computed once a run."""
        found = self.folder.references
        if found is None:
            found = self._compute_references()
            self.folder.write_references(found)
        return found

    def _compute_references(self) -> dict[str, Any]:
        p1 = self.config.p1
        encoded = self.encode(torch.from_numpy(self.probe.latent_labels)).numpy()
        repeated = np.stack([encoded[: self.config.share_labels]] * self.config.share_draws)
        (of_encoding, _), *of_pixels = self._measure_all(
            [
                (encoded, repeated, p1 is not None),
                *(
                    (*self.probe.noisy.pixels(t), p1 is not None and t == p1.timestep)
                    for t in self.config.timesteps
                ),
            ]
        )
        scores: Scores = {}
        for t, (of_t, _) in zip(self.config.timesteps, of_pixels, strict=True):
            for null, of_null in (("pixels", of_t), ("label_embedding", of_encoding)):
                for name, score in of_null.items():
                    scores.setdefault(name, {}).setdefault(null, {})[str(t)] = score.value
        return {"scores": scores, "unconditional": self.probe.unconditional_errors().tolist()}

    def _measure(self, latents: np.ndarray, draws: np.ndarray, p1: bool) -> Measured:
        """Every score of one place's latents (n, features) and draws (draws, m, features); UMAP's embedding if asked."""
        labels, factors = self.probe.latent_labels, self.world.factors
        about = {
            "periodic": [factor.periodic for factor in factors],
            "span": [factor.span for factor in factors],
            "names": [factor.name for factor in factors],
        }
        scores = {
            "order": measures.order(latents, labels, **about),
            "trustworthiness": measures.trustworthiness(latents, labels, **_without_names(about)),
            "participation_ratio": measures.participation_ratio(latents),
            "label_share": measures.label_share(draws),
            "label_dimension": measures.participation_ratio(draws.mean(axis=0)),
        }
        if not p1:
            return scores, None
        seeds = range(self.config.umap_seeds)
        scores["p1_order"], embedding = measures.p1_order(latents, labels, seeds, **about)
        return scores, embedding

    def _measure_all(self, places: Sequence[tuple[np.ndarray, np.ndarray, bool]]) -> list[Measured]:
        """`_measure` of each of several places' (latents, draws, p1), as many at once as there are threads, P1's first: it
        takes longest.

        Matrices of a few hundred rows are quicker in one thread each; threads of BLAS that wait for one another crawl.
        """
        with (
            threadpool_limits(limits=1, user_api="blas"),
            ThreadPoolExecutor(torch.get_num_threads()) as threads,
        ):
            order = sorted(range(len(places)), key=lambda i: not places[i][2])
            found = {i: threads.submit(self._measure, *places[i]) for i in order}
            return [found[i].result() for i in range(len(places))]

    def _representation(
        self, seen: Observation
    ) -> tuple[dict[str, dict[Place, Score]], dict[Place, np.ndarray]]:
        untrained = next(iter(self.folder.metrics), None)
        scores: dict[str, dict[Place, Score]] = {}
        embeddings: dict[Place, np.ndarray] = {}
        measured = self._measure_all(
            [(latents, seen.draws[place], self._is_p1(place)) for place, latents in seen.latents.items()]
        )
        for place, (of_place, embedding) in zip(seen.latents, measured, strict=True):
            if embedding is not None:
                embeddings[place] = embedding
            for name, score in of_place.items():
                tap, t = place
                nulls = {null: values[str(t)] for null, values in self.references["scores"][name].items()}
                start = untrained[name][tap][str(t)]["value"] if untrained else score.value
                scores.setdefault(name, {})[place] = score.with_nulls(untrained=start, **nulls)
        return scores, embeddings

    def _is_p1(self, place: Place) -> bool:
        return self.config.p1 is not None and place == (self.config.p1.tap, self.config.p1.timestep)

    def _behaviour(self, readings: Readings) -> dict[str, Any]:
        """Outcome shares, accuracy and errors, of images on the grid and off it."""
        labels = self.probe.sample_labels
        found = outcomes(readings, labels)
        correct_x, correct_y = correct_axes(readings, labels)
        error = np.hypot(*errors_px(readings, labels))
        formed = well_formed(readings)
        result: dict[str, Any] = {"outcomes": {}, "accuracy": {}, "error_px": {}}
        for name, of_set in (("grid", self.probe.on_grid), ("off_grid", ~self.probe.on_grid)):
            result["outcomes"][name] = {
                "n": int(of_set.sum()),
                **{outcome: float((found[of_set] == outcome).mean()) for outcome in OUTCOMES},
            }
            result["accuracy"][name] = {
                "x": float(correct_x[of_set].mean()),
                "y": float(correct_y[of_set].mean()),
                "xy": float((correct_x & correct_y)[of_set].mean()),
            }
            single = error[of_set & formed]
            result["error_px"][name] = float(np.median(single)) if len(single) else None
        return result

    def _denoising(self, seen: Observation) -> list[dict[str, float]]:
        """Error of eps by band of t, over the conditional optimum's, which is 0, beside the unconditional optimum's."""
        return [
            {"low": low, "high": high, "network": error, "floor": 0.0, "unconditional": unconditional}
            for (low, high), error, unconditional in zip(
                self.probe.band_edges,
                seen.band_errors.tolist(),
                self.references["unconditional"],
                strict=True,
            )
        ]

    def _phases(
        self, of_grid: dict[str, Any], scores: dict[str, dict[Place, Score]]
    ) -> dict[str, phases.Phase]:
        """Of behaviour from the outcomes on the grid, of the representation from scores."""
        shares = {outcome: of_grid[outcome] for outcome in OUTCOMES}
        result = {"behaviour": phases.behaviour_phase(shares, of_grid["n"])}
        for name, place, order in (
            ("representation", self.config.representation, "order"),
            ("representation_p1", self.config.p1, "p1_order"),
        ):
            if place is not None:
                at = (place.tap, place.timestep)
                result[name] = phases.representation_phase(
                    scores["label_share"][at], scores["label_dimension"][at], scores[order][at]
                )
        return result

    def _write(
        self,
        step: int,
        network: nn.Module,
        seen: Observation,
        readings: Readings,
        embeddings: dict[Place, np.ndarray],
    ) -> None:
        """The snapshot's files; latents in half precision, weights as they are."""
        labels = self.probe.sample_labels
        arrays = {"labels": self.probe.latent_labels}
        for kind, by_place in (("latents", seen.latents), ("draws", seen.draws), ("umap", embeddings)):
            arrays |= {f"{kind}/{tap}/{t}": half(array) for (tap, t), array in by_place.items()}
        with self.folder.new_snapshot(step) as folder:
            np.savez(
                folder / "samples.npz", images=half(seen.images), labels=labels, on_grid=self.probe.on_grid
            )
            np.savez(folder / "latents.npz", **arrays)
            write_weights(folder / "weights.safetensors", network)
            write_parquet(
                folder / "reading.parquet",
                {
                    **{f"label_{f.name}": labels[:, i] for i, f in enumerate(self.world.factors)},
                    "on_grid": self.probe.on_grid,
                    "outcome": outcomes(readings, labels),
                    "bumps": readings.bumps,
                    "x": readings.x,
                    "y": readings.y,
                    "width_px": readings.width_px,
                    "amplitude": readings.amplitude,
                    "residual": readings.residual,
                    "left": readings.left,
                    "error_px": np.hypot(*errors_px(readings, labels)),
                },
            )


def half(array: np.ndarray) -> np.ndarray:
    """float16, with what is out of its range at its ends."""
    ends = np.finfo(np.float16)
    return np.clip(array, ends.min, ends.max).astype(np.float16)


def write_weights(path: Path, network: nn.Module) -> None:
    """The network's state as safetensors."""
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}
    path.write_bytes(safetensors_bytes(arrays))


def summarise(config: ProbingConfig, metrics: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of each kind of phase the sequence and the onsets in images seen; where it was read; how the thresholds stand."""
    images_seen = [entry["images_seen"] for entry in metrics]
    summary: dict[str, Any] = {}
    for kind in metrics[0]["phase"] if metrics else ():
        found = [entry["phase"][kind] for entry in metrics]
        summary[kind] = {
            "sequence": phases.phase_sequence(found),
            "onsets": phases.phase_onsets(images_seen, found),
        }
    places: dict[str, PlaceConfig | None] = {
        "representation": config.representation,
        "representation_p1": config.p1,
    }
    summary["places"] = {name: place.model_dump() for name, place in places.items() if place}
    summary["thresholds"] = {
        "behaviour": asdict(phases.BehaviourThresholds()),
        "representation": asdict(phases.RepresentationThresholds()),
    }
    return summary


def _nested(by_place: dict[Place, Score]) -> dict[str, dict[str, Any]]:
    nested: dict[str, dict[str, Any]] = {}
    for (tap, t), score in by_place.items():
        nested.setdefault(tap, {})[str(t)] = score.to_dict()
    return nested


def _without_names(about: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in about.items() if key != "names"}
