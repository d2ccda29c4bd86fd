"""A snapshot: what was recorded of a run at one step."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from phasescope.core.errors import UserError, reading
from phasescope.core.npz import open_npz
from phasescope.core.places import Place
from phasescope.runs.store.tables import read_parquet

if TYPE_CHECKING:
    import pandas as pd


def array_name(kind: str, place: Place) -> str:
    """Of an array in latents.npz: `latents/mid/600`, `umap/code`."""
    return f"{kind}/{place.tap}" if place.condition is None else f"{kind}/{place.tap}/{place.condition}"


class Snapshot:
    """What was recorded of a run at one step.

    Every reading raises UserError where the file is not whole; the message names it.
    """

    def __init__(self, path: Path):
        self.path = path
        self.step = int(path.name)

    def __repr__(self) -> str:
        return f"Snapshot({self.path.parent.parent.name}: step {self.step:,})"

    def to_frame(self) -> pd.DataFrame:
        """A row a painted image: the columns of `readings`."""
        import pandas as pd

        return pd.DataFrame(self.readings())

    def samples(self) -> dict[str, np.ndarray]:
        """`images` (n, C, *spatial) float32 in [-1, 1], `labels` (n, K), `split` (n,) of str."""
        with open_npz(self.path / "samples.npz") as arrays:
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

        path = self.path / "weights.safetensors"
        with reading(path):
            return load_file(path)

    @cached_property
    def _names(self) -> list[str]:
        if not (self.path / "latents.npz").exists():
            return []
        with open_npz(self.path / "latents.npz") as arrays:
            return list(arrays)

    def _array(self, name: str) -> np.ndarray:
        with open_npz(self.path / "latents.npz") as arrays:
            if name not in arrays:
                raise UserError(
                    f"`{self.path / 'latents.npz'}` must hold `{name}`, and has {', '.join(arrays)}"
                )
            return arrays[name].astype(np.float32)
