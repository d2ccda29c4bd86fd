"""One description of a run: frozen, typed, the same object as YAML, `key=value`, JSON and identity.

A configuration is a tree of pydantic models. Where a field has several kinds (a world, an optimiser) the kind's name
chooses the class: ``{kind: adamw, lr: 2e-3}``. What a user gets wrong comes back as one `UserError` line that names the
field, the value and the rule.

The **identity** of a configuration is what it says beyond its defaults, without the fields that a class declares as
`UNTOLD`. So a new field with a default changes no identity, and a changed default does.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from phasescope.core.errors import UserError

Tree = dict[str, Any]
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's if PyYAML was built with it"""


class Config(BaseModel):
    """Base of all configuration classes: immutable, and unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    UNTOLD: ClassVar[frozenset[str]] = frozenset()
    """fields that are no part of an identity: where a run is computed, what is observed of it"""

    @model_validator(mode="before")
    @classmethod
    def _truths_are_no_numbers(cls, tree: Any) -> Any:
        """Pydantic takes true for 1, and a configuration must not."""
        for name, value in tree.items() if isinstance(tree, dict) else ():
            truth = any(
                isinstance(one, bool) for one in (value if isinstance(value, list | tuple) else [value])
            )
            field = cls.model_fields.get(name) if truth else None
            takes = {*_types(field.annotation)} if field else set()
            if bool not in takes and takes & {int, float}:
                raise ValueError(f"`{name}` (={_short(value)}) must be a number, and true or false is none")
        return tree

    @classmethod
    def of(cls, tree: Mapping[str, Any]) -> Self:
        """The configuration that `tree` (nested dicts, as from YAML) describes.

        Raises:
            UserError: names the first wrong field, its value and the rule.
        """
        try:
            return cls.model_validate(tree)
        except ValidationError as error:
            raise UserError(explain(error, cls)) from None

    def tree(self) -> Tree:
        """Nested dicts of plain values, defaults included; ``Config.of(c.tree()) == c``."""
        return self.model_dump(mode="json")

    def yaml(self) -> str:
        return yaml.safe_dump(self.tree(), sort_keys=False)

    def identity(self) -> Tree:
        """What this says beyond its defaults: the fields that differ from them, and the kind of what has several."""
        told: Tree = {}
        for name, value in self._values():
            if name in self.UNTOLD or name == "kind":
                continue
            own = _identity(value)
            if own != _identity(self.default_of(name)):
                told[name] = own
        return {"kind": getattr(self, "kind"), **told} if "kind" in type(self).model_fields else told  # noqa: B009

    def default_of(self, name: str) -> Any:
        """What the field `name` is where nobody says it; `_Required` where it must be said."""
        field = type(self).model_fields.get(name)
        if field is None or field.is_required():
            return _Required
        return field.get_default(call_default_factory=True, validated_data={})

    def _values(self) -> Iterable[tuple[str, Any]]:
        yield from ((name, getattr(self, name)) for name in type(self).model_fields)
        yield from (self.model_extra or {}).items()

    def digest(self, length: int = 8) -> str:
        """The first `length` hex digits of the SHA-256 of the identity."""
        canonical = json.dumps(self.identity(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:length]


class _Required:
    """The default of a field that has none."""


def _identity(value: Any) -> Any:
    if isinstance(value, Config):
        return value.identity()
    if isinstance(value, tuple | list):
        return [_identity(one) for one in value]
    if isinstance(value, dict):
        return {name: _identity(one) for name, one in value.items()}
    return value


def parse_yaml(text: str) -> Any:
    """The one value in a YAML text; None if the text is empty.

    Raises:
        ValueError: it is not YAML; the message says why.
    """
    try:
        return yaml.load(text, LOADER)
    except (yaml.YAMLError, ValueError, LookupError, ArithmeticError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from None


def read_yaml(path: Path) -> Tree:
    """The mapping in a YAML file.

    Raises:
        UserError: no such file, not readable, not YAML, or not a mapping.
    """
    try:
        tree = parse_yaml(path.read_bytes().decode())
    except OSError as error:
        raise UserError(f"`{path}` cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UserError(f"`{path}` is not YAML: {error}") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise UserError(f"`{path}` must hold a mapping of fields to values, not a {type(tree).__name__}")
    return tree


def parse_overrides(words: Iterable[str]) -> list[tuple[list[str], Any]]:
    """``training.batch=32`` -> ``(["training", "batch"], 32)``; values are YAML.

    Raises:
        UserError: a word that is not ``key=value``, or whose value is not YAML.
    """
    overrides = []
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not all(key.split(".")):
            raise UserError(f"`{_short(word)}` must have the form key=value, as in training.batch=32")
        try:
            overrides.append((key.split("."), parse_yaml(value)))
        except ValueError as error:
            raise UserError(
                f"`{_short(key)}` (={_short(value)}) must be a YAML value, as in [1, 2] or {{kind: adamw}}: {error}"
            ) from None
    return overrides


def set_overrides(tree: Tree, overrides: Iterable[tuple[list[str], Any]]) -> Tree:
    """`tree` with each override set.

    Another `kind` starts from that kind's own defaults, whatever the order of the words: what the tree said of the
    former kind is dropped. What stands in a list is named by its number, from 0.
    """

    def outer_kinds_first(override: tuple[list[str], Any]) -> tuple[bool, int]:
        path, _ = override
        return (False, len(path)) if path[-1] == "kind" else (True, 0)

    tree = copy.deepcopy(tree)
    for path, value in sorted(overrides, key=outer_kinds_first):
        *parents, leaf = path
        node: Any = tree
        for depth, parent in enumerate(parents, 1):
            if isinstance(node, list):
                node = dict(zip(map(str, range(len(node))), node, strict=True))
            elif node.get(parent) is None:
                node[parent] = {}
            node = node.get(parent)
            if not isinstance(node, dict | list) or (depth == len(parents) and isinstance(node, list)):
                raise UserError(
                    f"`{'.'.join(path)}` (={_short(value)}) must be a field: "
                    f"`{'.'.join(path[:depth])}` (={_short(node)}) holds none"
                )
        assert isinstance(node, dict), "what is left of a path stands in a mapping"
        if leaf == "kind" and node.get("kind") != value:
            node.clear()
        node[leaf] = value
    return tree


def merge(base: Tree, over: Mapping[str, Any]) -> Tree:
    """`base` with all that `over` says, mapping by mapping; another `kind` replaces the whole mapping."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if (
            isinstance(old, dict)
            and isinstance(value, Mapping)
            and value.get("kind", old.get("kind")) == old.get("kind")
        ):
            merged[key] = merge(old, value)
        else:
            merged[key] = value
    return merged


def explain(error: ValidationError, cls: type[BaseModel]) -> str:
    """One line for the first fault that pydantic found, and the number of further ones.

    A validator's message that begins with a field's name in backquotes names it from the validator's own configuration
    on, or in full; the line names it in full.
    """
    faults = error.errors(include_url=False)
    # If a field may be a word as well, that it is not that word is no fault of its own.
    faults = [fault for fault in faults if not _is_branch(str((fault["loc"] or ("",))[-1]))] or faults
    line = _line(faults[0], cls)
    if len(faults) > 1:
        line += f" (and {len(faults) - 1} more)"
    return " ".join(line.split())


def _line(fault: Any, cls: type[BaseModel]) -> str:
    loc, value, context = fault["loc"], fault["input"], fault.get("ctx", {})
    words = _walk(cls, loc)
    name = ".".join(word.text for word in words if not word.is_tag)
    match fault["type"]:
        case "extra_forbidden":
            fields = [field for owner in _walk(cls, loc[:-1])[-1].classes for field in owner.model_fields]
            rule = f"is not a field: fields here are {', '.join(fields)}"
        case "missing":
            value, rule = "nothing", "must be given"
        case "union_tag_invalid":
            name, value = f"{name}.kind", context["tag"]
            rule = f"must be one of {context['expected_tags']}"
        case "union_tag_not_found":
            rule = f"must name its kind, one of {', '.join(filter(None, map(_kind, words[-1].classes)))}"
        case "invalid_key":
            rule = "must be a word: it names a field"
        case "model_type" | "dict_type" | "model_attributes_type":
            rule = "must be a mapping of fields to values"
        case "value_error":
            rule = str(context["error"])
            if own := re.match(r"`([\w.]+)` \(=", rule):
                within = name and not own[1].startswith(name + ".")
                return f"`{name}.{rule[1:]}" if within else rule
            return f"`{name}` (={_short(value)}) {rule}"
        case _:
            rule = re.sub(r"^\w+ should (be )?", lambda found: f"must {found[1] or ''}", fault["msg"])
    described = words[-1].description
    return f"`{name or cls.__name__}` (={_short(value)}) {rule}" + (f": {described}" if described else "")


def _short(value: Any, limit: int = 60) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


class _Word(NamedTuple):
    """A word of the place of a fault: a field with the classes that it may hold, or the tag of one of these."""

    text: str
    description: str | None
    is_tag: bool
    classes: list[type[BaseModel]]


def _walk(cls: type[BaseModel], loc: tuple[int | str, ...]) -> list[_Word]:
    """The words of pydantic's `loc`, after one for the root."""
    words = [_Word("", None, True, [cls])]
    for text in map(str, loc):
        classes = words[-1].classes
        several = len(classes) > 1
        tagged = [one for one in classes if (several and _kind(one) == text) or one.__name__ == text]
        if _is_branch(text):
            tagged = classes
        field = classes[0].model_fields.get(text) if len(classes) == 1 else None
        words.append(
            _Word(
                text,
                field.description if field else None,
                bool(tagged) or _is_branch(text),
                tagged or (_models_in(field.annotation) if field else []),
            )
        )
    return words


def _is_branch(text: str) -> bool:
    """Whether a word of a fault's place is none of the tree's, but a type among several that a field may have."""
    return re.fullmatch(r"[a-z-]+\[.*\]", text) is not None


def _kind(model: type[BaseModel]) -> str | None:
    return model.model_fields["kind"].default if "kind" in model.model_fields else None


def _types(annotation: Any) -> list[type]:
    """The types without parts in an annotation."""
    if isinstance(annotation, type):
        return [annotation]
    return [inner for part in getattr(annotation, "__args__", ()) for inner in _types(part)]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    return [part for part in _types(annotation) if issubclass(part, BaseModel)]
