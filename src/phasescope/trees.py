"""YAML as a tree of plain values: mappings of words, lists, texts, numbers, truths and null.

PyYAML's safe loader reads it. A key is the word that stands there, and a date is a text; both differ from the loader's
defaults so that every tree is JSON too. Aliases and merge keys (`<<`) count as often as they stand for something, which
bounds what a few lines can unfold to.
"""

from __future__ import annotations

from typing import Any, ClassVar

import yaml

MOST_DEPTH = 64
"""of values within values"""
MOST_VALUES = 100_000
"""aliases written out; 16 characters of a text count as one"""
LONGEST_NUMBER = 250
"""characters: a longer one is no float"""
TAG = "tag:yaml.org,2002:"
PLAIN = tuple(f"{TAG}{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map", "merge"))
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's if PyYAML was built with it"""


class _Loader(Loader):
    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag in PLAIN]
        for first, resolvers in Loader.yaml_implicit_resolvers.items()
    }


def parse_yaml(text: str, depth: int = 0) -> Any:
    """The one value in a text, which is itself `depth` values deep; None if the text is empty.

    Raises:
        ValueError: it is not YAML, or beyond the bounds; the message says why.
    """
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _check(node, depth, 0)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, LookupError, ArithmeticError, RecursionError, MemoryError) as error:
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from None


def _check(node: yaml.Node, depth: int, values: int) -> int:
    """Count the values in a node on top of `values`, aliases written out, and take every key as a word.

    Raises:
        ValueError: there are too many, or they lie too deep; a tag is none of a plain value; a key is given twice.
    """
    values += 1 + (len(node.value) // 16 if isinstance(node, yaml.ScalarNode) else 0)
    if values > MOST_VALUES:
        raise ValueError(f"it holds more than {MOST_VALUES} values, aliases written out")
    if depth > MOST_DEPTH:
        raise ValueError(f"it is more than {MOST_DEPTH} values deep")
    if node.tag not in PLAIN:
        raise ValueError(f"`{node.tag}` is no tag of a plain value")
    if node.tag in (f"{TAG}int", f"{TAG}float") and len(node.value) > LONGEST_NUMBER:
        raise ValueError(f"`{node.value[:60]}` is no number of at most {LONGEST_NUMBER} characters")
    if isinstance(node, yaml.SequenceNode):
        for inner in node.value:
            values = _check(inner, depth + 1, values)
    elif isinstance(node, yaml.MappingNode):
        keys = set()
        for key, inner in node.value:
            line = f"line {key.start_mark.line + 1}"
            if not isinstance(key, yaml.ScalarNode):
                raise ValueError(f"{line}: a key must be a word")
            if key.tag != f"{TAG}merge":
                key.tag = f"{TAG}str"
                if key.value in keys:
                    raise ValueError(f"{line}: `{key.value[:60]}` is given twice")
                keys.add(key.value)
            values = _check(inner, depth + 1, values)
    return values
