"""Sites: a layer of a network, and a noise level t, at which a representation is read.

str(Site("mid", 600)) == "mid.600"        a layer at a noise level
str(Site("code")) == "code"               a layer of a family without noise levels
"""

from __future__ import annotations

from typing import NamedTuple


class Site(NamedTuple):
    """A layer and, if the family has noise levels, one of them, `t`."""

    layer: str
    t: int | None = None

    def __str__(self) -> str:
        if self.t is not None:
            return f"{self.layer}.{self.t}"
        ends_in_number = self.layer.rpartition(".")[2].isdigit()
        return f"{self.layer}." if ends_in_number else self.layer

    @classmethod
    def parse(cls, text: str) -> Site:
        """Return the site that a text names, the inverse of ``str``.

        Raises:
            ValueError: it names no site.
        """
        layer, _, last = text.rpartition(".")
        if layer and last.isdigit():
            return cls(layer, int(last))
        site = cls(layer if layer and not last else text)
        if not site.layer or str(site) != text:
            raise ValueError(f"`site` (={text}) must be a layer, or a layer and a number, as in mid.600")
        return site
