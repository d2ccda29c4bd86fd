"""Configurations: frozen and typed, read from YAML and `key=value`, written as YAML and JSON, with an identity.

A configuration is a tree of pydantic models. If a field has several kinds (a world, an optimiser), the kind's name selects
the class: ``{kind: adamw, lr: 2e-3}``. Invalid input raises a `UserError` that names the field, the value and the rule.

The **identity** of a configuration consists of the fields that differ from their defaults, without those that a class lists
in `OUTSIDE_DIGEST`. A new field with a default therefore changes no identity, but a changed default does.
"""

import copy
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from phasescope.core.errors import UserError, similar
from phasescope.core.plain_files import read_plain

Tree = dict[str, Any]
# libyaml's loader is several times faster, but PyYAML may be built without it.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MOST_NODES = 1_000_000
DIGITS = 8
"""of a digest, as folders of runs have it"""


class Config(BaseModel):
    """Base of all configuration classes: immutable, and unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    OUTSIDE_DIGEST: ClassVar[frozenset[str]] = frozenset()
    """fields that are not part of an identity: on which device a run is computed, what is observed of it"""
    BESIDE: ClassVar[tuple[str, ...]] = ()
    """keys that a file or an override may have beside the fields"""

    @model_validator(mode="before")
    @classmethod
    def _has_no_other_fields(cls, tree: Any) -> Any:
        """Raise ValueError with the known fields, which pydantic's own message does not list."""
        if isinstance(tree, dict) and cls.model_config.get("extra") == "forbid":
            for name, value in tree.items():
                if name not in cls.model_fields:
                    known = (*cls.BESIDE, *cls.model_fields)
                    deeper = next(_fields_below(cls, str(name)), None)
                    guess = f"; below, there is {deeper}" if deeper else similar(name, known)
                    raise ValueError(
                        f"`{name}` (={_short(value)}) is not a field: fields here are {', '.join(known)}{guess}"
                    )
        return tree

    @model_validator(mode="before")
    @classmethod
    def _has_numbers_for_numbers(cls, tree: Any) -> Any:
        """Raise ValueError if a field that takes no truth value is given one, which pydantic would read as 0 or 1."""
        for name, value in tree.items() if isinstance(tree, dict) else ():
            field = cls.model_fields.get(name)
            if field is not None and _holds_truth(value) and _takes_numbers(field.annotation):
                raise ValueError(f"`{name}` (={_short(value)}) must be a number, not true or false")
        return tree

    @classmethod
    def from_tree(cls, tree: Mapping[str, Any]) -> Self:
        """Return the configuration of a `tree` (nested dicts, as from YAML).

        Raises:
            UserError: names the first wrong field, its value and the rule.
        """
        try:
            return cls.model_validate(tree)
        except ValidationError as error:
            raise UserError(explain(error, tree)) from None

    def tree(self) -> Tree:
        """Return nested dicts of plain values, defaults included; ``Config.from_tree(c.tree()) == c``."""
        return self.model_dump(mode="json")

    def yaml(self) -> str:
        return to_yaml(self.tree())

    def identity(self) -> Tree:
        """Return the fields that differ from their defaults, and `kind` if there are several kinds."""
        fields: Tree = {}
        values = {name: getattr(self, name) for name in type(self).model_fields} | (self.model_extra or {})
        for name, value in values.items():
            if name in self.OUTSIDE_DIGEST or name == "kind":
                continue
            own = _identity(value)
            is_field = name in type(self).model_fields
            default = _identity_of_default(type(self), name) if is_field else _identity(self.default_of(name))
            if own != default:
                fields[name] = own
        return {"kind": getattr(self, "kind"), **fields} if "kind" in type(self).model_fields else fields  # noqa: B009

    def default_of(self, name: str) -> Any:
        """Return the default of the field `name`; `_Required` if it must be given. A class that takes further names says
        what theirs is; those of its declared fields stay."""
        return _default_of(type(self), name)

    def digest(self, length: int = DIGITS) -> str:
        """Return the first `length` hex digits of the SHA-256 of the identity."""
        canonical = json.dumps(self.identity(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:length]


class _Required:
    """Sentinel for required fields."""


def _default_of(cls: type[Config], name: str) -> Any:
    field = cls.model_fields.get(name)
    if field is None or field.is_required():
        return _Required
    return field.get_default(call_default_factory=True, validated_data={})


@cache
def _identity_of_default(cls: type[Config], name: str) -> Any:
    """Return what a field's default adds to an identity; studies ask for that of hundreds of runs."""
    return _identity(_default_of(cls, name))


def _holds_truth(value: Any) -> bool:
    """Return whether a value is true or false, or a list or mapping that holds one."""
    if isinstance(value, Mapping):
        value = list(value.values())
    return isinstance(value, bool) or (isinstance(value, list | tuple) and any(map(_holds_truth, value)))


def _takes_numbers(annotation: Any) -> bool:
    """Return whether a field's type is made of numbers, perhaps beside texts, and of nothing else."""
    parts = set(_parts_of(annotation))
    return not parts.isdisjoint((int, float)) and parts <= {int, float, str, type(None)}


def _parts_of(annotation: Any) -> Iterator[Any]:
    """Yield the types of which an annotation is made."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        yield from map(type, arguments)
    elif origin is Annotated:
        yield from _parts_of(arguments[0])
    elif origin is not None:
        for argument in arguments:
            yield from () if argument is Ellipsis else _parts_of(argument)
    else:
        yield annotation


def _identity(value: Any) -> Any:
    if isinstance(value, Config):
        return value.identity()
    if isinstance(value, tuple | list):
        return [_identity(item) for item in value]
    if isinstance(value, dict):
        return {name: _identity(item) for name, item in value.items()}
    return value


class _ByHand(LOADER):
    """Loads what a person wrote: numbers as Python writes them, and each key once.

    YAML 1.1, by which PyYAML reads, takes 1e-8 for a text, 010 for 8 and 12:30 for 750. What this program wrote before is
    read as YAML 1.1 all the same, as it was meant: a text 1e-8 stands there without quotes.
    """

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = []
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise ValueError(f"`{name}` is given twice, again in line {key.start_mark.line + 1}")
            seen.append(name)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Writes a text that looks like a number with quotes, whoever reads it."""


_FLOAT = re.compile(
    r"""^(?:[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?
        |[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+
        |[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$""",
    re.VERBOSE,
)
_INTEGER = re.compile(r"^[-+]?(?:[0-9][0-9_]*|0x[0-9a-fA-F_]+)$")
_NUMBERS = {"tag:yaml.org,2002:float": _FLOAT, "tag:yaml.org,2002:int": _INTEGER}

_ByHand.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _NUMBERS]
    for first, resolvers in LOADER.yaml_implicit_resolvers.items()
}
for _class in (_ByHand, _Dumper):
    for _tag, _pattern in _NUMBERS.items():
        _class.add_implicit_resolver(_tag, _pattern, list("-+.0123456789"))
_ByHand.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(_plain_integer(node.value), 0))


def _plain_integer(text: str) -> str:
    """Return an integer's text as Python takes it: digits are decimal even after a 0."""
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    digits = digits.replace("_", "")
    return sign + (digits if digits.startswith("0x") else digits.lstrip("0") or "0")


def to_yaml(tree: Any, **layout: Any) -> str:
    """Return a tree as YAML, fields in their order; `layout` is that of `yaml.dump`."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, **layout)


def parse_yaml(text: str, by_hand: bool = False) -> Any:
    """Return the value of a YAML text; None if the text is empty.

    Args:
        by_hand: whether a person wrote it, not this program: numbers are then read as Python writes them, and a key that is
            given twice is refused.

    Raises:
        ValueError: it is not YAML; the message says why.
    """
    try:
        tree = yaml.load(text, _ByHand if by_hand else LOADER)
        if (nodes := _nodes(tree, {})) > MOST_NODES:
            raise ValueError(f"its aliases stand for {nodes:,} values, and may stand for {MOST_NODES:,}")
        return tree
    except (yaml.YAMLError, ValueError, LookupError, ArithmeticError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from None


def _nodes(tree: Any, known: dict[int, int]) -> int:
    """Return how many values a tree has, each counted as often as an alias names it; ValueError if one holds itself."""
    # Sources are looked for among strings in lists and mappings, and would not be seen as bytes or in a set.
    if isinstance(tree, bytes | set):
        raise ValueError(f"it holds {type(tree).__name__}, which no field is")
    if not isinstance(tree, dict | list | tuple):
        return 1
    if id(tree) not in known:
        known[id(tree)] = 0  # while its values are counted
        known[id(tree)] = 1 + sum(
            _nodes(value, known) for value in (tree.values() if isinstance(tree, dict) else tree)
        )
    elif known[id(tree)] == 0:
        raise ValueError("an alias stands for what it lies in")
    return known[id(tree)]


def read_yaml(path: Path, by_hand: bool = False) -> Tree:
    """Return the mapping in a YAML file.

    Args:
        by_hand: as `parse_yaml` takes it.

    Raises:
        UserError: no such file, not readable, not YAML, or not a mapping.
    """
    try:
        tree = parse_yaml(read_plain(path).decode(), by_hand)
    except OSError as error:
        raise UserError(f"`{path}` cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UserError(f"`{path}` is not YAML: {error}") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise UserError(f"`{path}` must hold a mapping of fields to values, not a {type(tree).__name__}")
    return tree


def parse_overrides(overrides: Iterable[str]) -> list[tuple[list[str], Any]]:
    """Return overrides as paths and values: ``training.batch=32`` -> ``(["training", "batch"], 32)``; values are YAML.

    Raises:
        UserError: a word that is not ``key=value``, or whose value is not YAML; a key is given twice.
    """
    overrides = list(overrides)
    check_once([word.partition("=")[0] for word in overrides])
    parsed = []
    for word in overrides:
        key, equals, value = word.partition("=")
        if not equals or not all(key.split(".")):
            raise UserError(f"`{_short(word)}` must have the form key=value, as in training.batch=32")
        try:
            parsed.append((key.split("."), parse_yaml(value, by_hand=True)))
        except ValueError as error:
            raise UserError(
                f"`{_short(key)}` (={_short(value)}) must be a YAML value, as in [1, 2] or {{kind: adamw}}: {error}"
            ) from None
    return parsed


def check_once(keys: Sequence[str]) -> None:
    """Raise UserError if a key is given twice."""
    if twice := [key for key in keys if keys.count(key) > 1]:
        raise UserError(f"`{twice[0]}` (={keys.count(twice[0])} times) must be given once")


def set_overrides(
    tree: Tree, overrides: Iterable[tuple[list[str], Any]], defaults: Mapping[str, Any] | None = None
) -> Tree:
    """Return `tree` with each override set; wider ones come first, whatever their order.

    Another `kind` starts from that kind's own defaults: the tree's fields of the former kind are dropped. Items of lists are
    named by their number, from 0.

    Args:
        defaults: what `tree` is merged into later. A kind that the tree leaves out is theirs.

    Raises:
        UserError: an override names a field of a value that has none.
    """

    def wider_first(override: tuple[list[str], Any]) -> tuple[int, bool]:
        path, _ = override
        return len(path), path[-1] != "kind"

    tree = copy.deepcopy(tree)
    for path, value in sorted(overrides, key=wider_first):
        *parents, leaf = path
        node: Any = tree
        usual: Any = defaults
        for depth, parent in enumerate(parents, 1):
            if isinstance(node, list):
                node = dict(zip(map(str, range(len(node))), node, strict=True))
            elif node.get(parent) is None:
                node[parent] = {}
            node = node.get(parent)
            usual = usual.get(parent) if isinstance(usual, Mapping) else None
            if not isinstance(node, dict | list) or (depth == len(parents) and isinstance(node, list)):
                raise UserError(
                    f"`{'.'.join(path)}` (={_short(value)}) must be a field: "
                    f"`{'.'.join(path[:depth])}` (={_short(node)}) holds none"
                )
            # Below another kind than theirs the defaults say nothing.
            if leaf != "kind" or depth < len(parents):
                usual = usual if _may_be_merged(usual, node) else None

        assert isinstance(node, dict), "what is left of a path stands in a mapping"
        if leaf == "kind" and value != node.get("kind", _kind_of(usual, value)):
            node.clear()
        node[leaf] = value
    return tree


def _kind_of(tree: Any, otherwise: Any) -> Any:
    return tree.get("kind", otherwise) if isinstance(tree, Mapping) else otherwise


def _may_be_merged(base: Any, over: Any) -> bool:
    """Return whether `over` is of the kind that `base` has, so that its fields are fields of that."""
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return False
    return over.get("kind", base.get("kind")) == base.get("kind")


def _fields_below(config: type[Config], name: str) -> Iterator[str]:
    """Yield where the configurations in a configuration's fields have a field of a name, as `optimiser.lr`, by default."""
    for field, info in config.model_fields.items():
        default = info.get_default(call_default_factory=True, validated_data={})
        if isinstance(default, Config):
            inner = type(default)
            if name in inner.model_fields:
                yield f"{field}.{name}"
            yield from (f"{field}.{path}" for path in _fields_below(inner, name))


def merge(base: Tree, over: Mapping[str, Any]) -> Tree:
    """Return `base` with the values of `over`, mapping by mapping; another `kind` replaces the whole mapping."""
    merged = dict(base)
    for key, value in over.items():
        old: Any = merged.get(key)
        merged[key] = merge(old, value) if _may_be_merged(old, value) else value
    return merged


def explain(error: ValidationError, tree: Any) -> str:
    """Return one line for the first fault that pydantic found in `tree`, with the number of further ones.

    A validator's message may begin with a field's name in backquotes, relative to the validator's own configuration or in
    full; the line names it in full.
    """
    faults = error.errors(include_url=False)
    names = [_field(fault, tree) for fault in faults]
    line = _line(faults[0], names[0])
    # A field that may be of several types is at fault for each of them.
    if others := {name for name in names if not names[0].startswith(name)}:
        line += f" (and {len(others)} more)"
    return " ".join(line.split())


def _field(fault: Any, tree: Any) -> str:
    # pydantic's `loc` without the tags of unions, which are kinds and classes, no names of fields.
    names = []
    for word in fault["loc"]:
        kind = tree.get("kind") if isinstance(tree, Mapping) else tree
        known = isinstance(tree, Mapping) and word in tree
        if isinstance(word, str) and not known and (word == kind or not re.fullmatch("[a-z_0-9]+", word)):
            continue
        if isinstance(tree, Mapping):
            tree = tree.get(word)
        elif isinstance(word, int):
            tree = tree[word] if isinstance(tree, list | tuple) and word < len(tree) else None
        names.append(str(word))
    return ".".join(names)


def _line(fault: Any, name: str) -> str:
    value, context = fault["input"], fault.get("ctx", {})
    match fault["type"]:
        case "missing":
            value, rule = "nothing", "must be given"
        case "union_tag_invalid":
            name, value = f"{name}.kind", context["tag"]
            kinds = re.findall(r"'([^']+)'", context["expected_tags"])
            rule = f"must be one of {context['expected_tags']}{similar(value, kinds)}"
        case "union_tag_not_found":
            rule = "must name its `kind`"
        case "model_type" | "dict_type" | "model_attributes_type":
            rule = "must be a mapping of fields to values"
        case "value_error":
            rule = str(context["error"])
            if own := re.match(r"`([^`]+)` \(=", rule):
                if name == own[1] or name.endswith(f".{own[1]}"):
                    return rule.replace(f"`{own[1]}`", f"`{name}`", 1)
                within = name and not own[1].startswith(name + ".")
                return f"`{name}.{rule[1:]}" if within else rule
        case _:
            rule = re.sub(r"^\w+ should (be )?", lambda match: f"must {match[1] or ''}", fault["msg"])
            rule = rule.partition(", unable to parse")[0]

    return f"`{name or 'configuration'}` (={_short(value)}) {rule}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
