"""YAML as a tree of plain values."""

from __future__ import annotations

from typing import Any

import yaml

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's if PyYAML was built with it"""


def parse_yaml(text: str) -> Any:
    """The one value in a text; None if the text is empty.

    Raises:
        ValueError: it is not YAML; the message says why.
    """
    try:
        return yaml.load(text, LOADER)
    except (yaml.YAMLError, ValueError, LookupError, ArithmeticError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from None
