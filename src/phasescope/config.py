"""One description of a run: frozen, typed, the same object as YAML, `key=value`, JSON and hash.

A configuration is a tree of pydantic models. Where a field has several kinds (a world, an optimiser) the kind's name
chooses the class: ``{kind: adamw, lr: 2e-3}``. What a user gets wrong comes back as one `UserError` line that names the
field, the value and the rule.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

Tree = dict[str, Any]


class UserError(ValueError):
    """The user's input is at fault: the message is one line that names what, its value and the rule (exit code 2)."""


class Config(BaseModel):
    """Base of all configuration classes: immutable, and unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

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

    def digest(self, length: int = 8) -> str:
        """The first `length` hex digits of the SHA-256 of the whole tree but its `name`."""
        tree = {key: value for key, value in self.tree().items() if key != "name"}
        canonical = json.dumps(tree, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:length]


def read_yaml(path: Path) -> Tree:
    """The mapping in a YAML file.

    Raises:
        UserError: no such file, not readable, not YAML, or not a mapping.
    """
    try:
        tree = yaml.safe_load(path.read_text())
    except OSError as error:
        raise UserError(f"`{path}` cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"`{path}` is not YAML: {' '.join(str(error).split())}") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise UserError(f"`{path}` must hold a mapping of fields to values, not a {type(tree).__name__}")
    return tree


def parse_overrides(words: Iterable[str]) -> list[tuple[list[str], Any]]:
    """``world.sigma_px=2`` -> ``(["world", "sigma_px"], 2)``; values are YAML.

    Raises:
        UserError: a word that is not ``key=value``, or whose value is not YAML.
    """
    overrides = []
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not all(key.split(".")):
            raise UserError(f"`{word}` must have the form key=value, as in world.sigma_px=2")
        try:
            overrides.append((key.split("."), yaml.safe_load(value)))
        except yaml.YAMLError:
            raise UserError(f"`{key}` (={value}) must be a YAML value, as in [1, 2] or {{kind: adamw}}") from None
    return overrides


def set_overrides(tree: Tree, overrides: Iterable[tuple[list[str], Any]]) -> Tree:
    """`tree` with each override set.

    Another `kind` starts from that kind's own defaults, whatever the order of the words: what the tree said of the
    former kind is dropped.
    """
    tree = json.loads(json.dumps(tree))
    for path, value in sorted(overrides, key=lambda override: override[0][-1] != "kind"):
        *parents, leaf = path
        node = tree
        for depth, parent in enumerate(parents, 1):
            node = node.setdefault(parent, {})
            if not isinstance(node, dict):
                raise UserError(f"`{'.'.join(path)}`: `{'.'.join(path[:depth])}` (={node}) holds no fields")
        if leaf == "kind" and node.get("kind") != value:
            node.clear()
        node[leaf] = value
    return tree


def merge(base: Tree, over: Mapping[str, Any]) -> Tree:
    """`base` with all that `over` says, mapping by mapping; another `kind` replaces the whole mapping."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, Mapping) and value.get("kind", old.get("kind")) == old.get("kind"):
            merged[key] = merge(old, value)
        else:
            merged[key] = value
    return merged


def explain(error: ValidationError, cls: type[BaseModel]) -> str:
    """One line for the first fault that pydantic found, and the number of further ones."""
    faults = error.errors(include_url=False)
    fault = faults[0]
    place = [part for part in fault["loc"] if part not in _union_tags(fault["loc"], cls)]
    name = ".".join(str(part) for part in place) or cls.__name__
    context = fault.get("ctx", {})
    match fault["type"]:
        case "extra_forbidden":
            owner = _class_at(cls, fault["loc"][:-1])
            known = ", ".join(owner.model_fields) if owner else ""
            rule = f"is not a field: fields here are {known}" if known else "is not a field"
        case "missing":
            return f"`{name}` must be given"
        case "union_tag_invalid":
            value = context["tag"]
            rule = f"must be one of {context['expected_tags']}"
            return f"`{name}.kind` (={value}) {rule}"
        case "union_tag_not_found":
            rule = f"must name its kind, one of {context.get('expected_tags', '')}".rstrip(", one of ")
        case "value_error":
            rule = str(context["error"])
        case _:
            rule = fault["msg"].replace("Input should be", "must be", 1).replace("Input should", "must", 1)
            rule = rule[0].lower() + rule[1:]
    described = _description(cls, fault["loc"])
    line = f"`{name}` (={_short(fault['input'])}) {rule}"
    if described and fault["type"] != "value_error":
        line += f": {described}"
    if len(faults) > 1:
        line += f" (and {len(faults) - 1} more)"
    return " ".join(line.split())


def _short(value: Any, limit: int = 60) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _walk(cls: type[BaseModel], loc: tuple[int | str, ...]) -> Iterable[tuple[str, Any, type[BaseModel] | None]]:
    """(word, its field or None where it is a union's tag, the class it leads to) along pydantic's `loc`."""
    owner: type[BaseModel] | None = cls
    options: list[type[BaseModel]] = []
    for part in loc:
        field = owner.model_fields.get(str(part)) if owner else None
        if field is not None:
            options = _models_in(field.annotation)
            owner = options[0] if len(options) == 1 else None
            yield str(part), field, owner
        else:
            tagged = [model for model in options if model.model_fields["kind"].default == part]
            owner = tagged[0] if tagged else None
            yield str(part), None if tagged else "leaf", owner


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in getattr(annotation, "__args__", ()) for model in _models_in(inner)]


def _union_tags(loc: tuple[int | str, ...], cls: type[BaseModel]) -> set[str]:
    return {word for word, field, _ in _walk(cls, loc) if field is None}


def _class_at(cls: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    owner: type[BaseModel] | None = cls
    for _, _, owner in _walk(cls, loc):
        pass
    return owner


def _description(cls: type[BaseModel], loc: tuple[int | str, ...]) -> str | None:
    text = None
    for _, field, _ in _walk(cls, loc):
        text = getattr(field, "description", None)
    return text
