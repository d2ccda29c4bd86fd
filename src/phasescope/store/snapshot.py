"""A snapshot: what was recorded of a run at one step."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np

from phasescope.places import Place
from phasescope.store.tables import read_parquet


def array_name(kind: str, place: Place) -> str:
    """Of an array in latents.npz: `latents/mid/600`, `umap/code`."""
    return f"{kind}/{place.tap}" if place.condition is None else f"{kind}/{place.tap}/{place.condition}"


class Snapshot:
    """What was recorded of a run at one step."""

    def __init__(self, path: Path):
        self.path = path
        self.step = int(path.name)

    def samples(self) -> dict[str, np.ndarray]:
        """`images` (n, C, *spatial) float32 in [-1, 1], `labels` (n, K), `split` (n,) of str."""
        with np.load(self.path / "samples.npz") as arrays:
            return {
                "images": arrays["images"].astype(np.float32),
                "labels": arrays["labels"],
                "split": arrays["split"],
            }

    def latent_labels(self) -> np.ndarray:
        """The labels of the latents, (n, K)."""
        return self._array("labels")

    def latents(self, tap: str, t: int | None = None) -> np.ndarray:
        """Activations at a tap, where the family has timesteps at one, (n, features) float32."""
        return self._array(array_name("latents", Place(tap, t)))

    def draws(self, tap: str, t: int | None = None) -> np.ndarray:
        """Those of the first m labels under several noise draws, (draws, m, features) float32."""
        return self._array(array_name("draws", Place(tap, t)))

    def embedding(self, place: Place) -> np.ndarray | None:
        """The UMAP to 3D of a place's latents, (n, 3), where it was taken."""
        name = array_name("umap", place)
        return self._array(name) if name in self._names else None

    @property
    def places(self) -> list[Place]:
        """Those whose latents are here."""
        names = [name.split("/")[1:] for name in self._names if name.startswith("latents/")]
        return [Place(tap, int(t[0]) if t else None) for tap, *t in names]

    def readings(self) -> dict[str, np.ndarray]:
        """The columns of `reading.parquet`, a row a painted image: label_<factor>, split, outcome, what the world's reader
        read, error_<factor>."""
        return read_parquet(self.path / "reading.parquet")

    def weights(self) -> dict[str, np.ndarray]:
        """The averaged weights."""
        from safetensors.numpy import load_file

        return load_file(self.path / "weights.safetensors")

    @cached_property
    def _names(self) -> list[str]:
        path = self.path / "latents.npz"
        if not path.exists():
            return []
        with np.load(path) as arrays:
            return list(arrays.files)

    def _array(self, name: str) -> np.ndarray:
        with np.load(self.path / "latents.npz") as arrays:
            return arrays[name].astype(np.float32)
