"""A network in somebody's own training loop: what is known of it when it is only watched."""

from __future__ import annotations

from typing import ClassVar, Literal, NoReturn

from pydantic import Field, JsonValue

from phasescope.factors import Factors
from phasescope.networks.base import NetworkConfig


class WatchedConfig(NetworkConfig):
    """A network that `phasescope.watch` was shown."""

    is_watched: ClassVar[bool] = True

    kind: Literal["watched"] = "watched"
    hyperparameters: dict[str, JsonValue] = Field({})
    """what the loop's owner says of its training; nothing else is known of it"""

    @property
    def taps(self) -> None:
        return None

    def build(self, shape: tuple[int, ...], factors: Factors) -> NoReturn:
        """Raises ValueError: only the loop that it lives in has it."""
        raise ValueError(
            "`network` (=watched) lives in a loop of its owner's and cannot be built here: its stored "
            "latents can be measured, and `phasescope.probe` takes the network itself"
        )
