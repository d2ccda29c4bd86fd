"""YAML as a tree of plain values, within bounds: whoever wrote it, reading it is quick, and what is wrong is one line.

Values are what JSON has: mappings of words, lists, texts, numbers, truths and null. A key is the word that stands there, a
date a text; aliases and merge keys (`<<`) are written out, and count as often as they stand for something.
"""

from __future__ import annotations

from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

MOST_DEPTH = 64
"""of values within values"""
MOST_VALUES = 100_000
"""aliases written out; 16 characters of a text count as one"""
LONGEST_NUMBER = 250
"""characters: what they tell is a float's too"""
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where PyYAML was built with it: a folder may hold a thousand runs"""
TAG = "tag:yaml.org,2002:"
SCALARS = {
    f"{TAG}null": yaml.SafeLoader.construct_yaml_null,
    f"{TAG}bool": yaml.SafeLoader.construct_yaml_bool,
    f"{TAG}int": yaml.SafeLoader.construct_yaml_int,
    f"{TAG}float": yaml.SafeLoader.construct_yaml_float,
}


def parse_yaml(text: str, depth: int = 0) -> Any:
    """The one value in a text, which is itself `depth` values deep; None where it is empty.

    Raises:
        ValueError: it is not YAML, or beyond the bounds; the message says why.
    """
    try:
        loader = _Loader(text, depth)
        try:
            return loader.tree()
        finally:
            loader.dispose()
    except (yaml.YAMLError, UnicodeError, RecursionError, MemoryError) as error:
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from None


class _Loader(Loader):
    """From the events of YAML to values, without the nodes between: quicker, and nothing is built beyond the bounds."""

    def __init__(self, text: str, depth: int):
        super().__init__(text)
        self.depth = depth
        self.values = 0
        self.named: dict[str, tuple[Any, int]] = {}
        """by anchor its value, and how many values that is"""

    def tree(self) -> Any:
        self.get_event()  # of the stream
        if isinstance(self.get_event(), StreamEndEvent):
            return None
        value = self._value(self.get_event(), self.depth)
        self.get_event()  # the document's end
        if not isinstance(self.get_event(), StreamEndEvent):
            raise ValueError("it has more than one document")
        return value

    def _value(self, event: Any, depth: int) -> Any:
        if depth > MOST_DEPTH:
            raise ValueError(f"it is more than {MOST_DEPTH} values deep")
        if isinstance(event, AliasEvent):
            value, size = self.named.get(event.anchor, (None, 0))
            if not size:
                raise ValueError(f"the alias *{event.anchor} stands for nothing that is whole")
            self._count(size)
            return value
        before = self.values
        if isinstance(event, ScalarEvent):
            self._count(1 + len(event.value) // 16)
            value = self._scalar(event)
        else:
            self._count(1)
            kind = "map" if isinstance(event, MappingStartEvent) else "seq"
            if event.tag not in (None, "!", TAG + kind):
                raise ValueError(f"`{event.tag}` is no tag of a plain value")
            value = self._mapping(depth) if kind == "map" else self._sequence(depth)
        if event.anchor is not None:
            self.named[event.anchor] = value, self.values - before
        return value

    def _count(self, values: int) -> None:
        self.values += values
        if self.values > MOST_VALUES:
            raise ValueError(f"it holds more than {MOST_VALUES} values, aliases written out")

    def _sequence(self, depth: int) -> list[Any]:
        values = []
        while not isinstance(event := self.get_event(), SequenceEndEvent):
            values.append(self._value(event, depth + 1))
        return values

    def _mapping(self, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(event := self.get_event(), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                raise ValueError(f"line {event.start_mark.line + 1}: a key must be a word")
            key, is_merge = event.value, event.value == "<<" and event.implicit[0]
            if key in own:
                raise ValueError(f"line {event.start_mark.line + 1}: `{key[:60]}` is given twice")
            value = self._value(self.get_event(), depth + 1)
            if not is_merge:
                own[key] = value
                continue
            for one in value if isinstance(value, list) else [value]:
                if not isinstance(one, dict):
                    raise ValueError(f"line {event.start_mark.line + 1}: `<<` must be a mapping")
                merged = {**one, **merged}
        return {**merged, **own} if merged else own

    def _scalar(self, event: Any) -> Any:
        tag, text = event.tag, event.value
        if tag is None or tag == "!":
            tag = self.resolve(yaml.ScalarNode, text, event.implicit)
            told = SCALARS.get(tag)
        else:
            told = SCALARS.get(tag)
            if told is None and tag != f"{TAG}str":
                raise ValueError(f"`{tag}` is no tag of a plain value")
        if told is None:
            return text
        try:
            if len(text) > LONGEST_NUMBER:
                raise ValueError
            return told(self, yaml.ScalarNode(tag, text))
        except (ValueError, LookupError, ArithmeticError):
            raise ValueError(
                f"`{text[:60]}` is no {tag.removeprefix(TAG)} of at most {LONGEST_NUMBER} characters"
            ) from None
