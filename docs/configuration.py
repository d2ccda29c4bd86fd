"""docs/reference/configuration.md: every key of a configuration, from the schema that checks it.

python -m docs.configuration        from the repository's root
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from phasescope.runs.config import PRESETS, RunConfig, load_config

PAGE = Path(__file__).parent / "reference" / "configuration.md"
INTRODUCTION = """# Configuration

Every key of a run's configuration, with its type, its default and what it means. `python -m docs.configuration` writes
this page from the schema by which configurations are checked. Give keys in YAML, or as overrides, dotted:
`phasescope train preset=small world.sigma_px=2`. `preset=NAME` changes the defaults: see the last column, and
[presets](../presets.md). A key of type *kind* chooses one of several classes, each with keys of its own, or names
[one of yours](../your_own.md): `world.kind=my_worlds.py:Rings`.

Two kinds have a key per factor: a `grid` the increment `d<factor>` (`world.design.dx=0.5`; 1 by default), a held-out
`cross` or `square` the range `<factor>` (`x: [13, 19]`).
"""
HEAD = ("key", "type", "default", "meaning", "presets")
BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


def page() -> str:
    """Return the whole page."""
    schema = RunConfig.model_json_schema()
    presets = {name: dict(leaves(load_config(overrides=[f"preset={name}"]).tree())) for name in PRESETS}
    lines, seen = [INTRODUCTION], set[str]()
    for path, kind, properties in sections(schema, "", schema, seen):
        if not {*properties} - {"kind"}:
            continue
        lines += [f"## `{path}`, kind `{kind}`" if kind else f"## `{path}`" if path else "## The run", ""]
        lines += [_row(HEAD), _row(["---"] * len(HEAD))]
        for key, part in properties.items():
            if key == "kind":
                continue
            name = f"{path}.{key}".strip(".")
            lines.append(
                _row((f"`{name}`", type_words(part, schema), *_values(name, part, path, kind, presets)))
            )
        lines.append("")
    return "\n".join(lines)


def _values(
    name: str, part: Mapping[str, Any], path: str, kind: str, presets: Mapping[str, Mapping[str, Any]]
) -> tuple[str, str, str]:
    """Return default, meaning, and the presets that change the default; of a kind, its name."""

    def shown(value: Any) -> Any:
        return value.get("kind") if isinstance(value, Mapping) and "kind" in value else value

    default = shown(part.get("default"))
    values = {preset: shown(tree.get(name)) for preset, tree in presets.items() if tree.get(name) is not None}
    changed = [
        f"{preset}: {_value(value)}"
        for preset, value in values.items()
        if value != default
        and not isinstance(value, Mapping)
        and name != "name"
        and (not kind or presets[preset].get(f"{path}.kind") == kind)
    ]
    nested = default is None or (isinstance(default, Mapping) and bool(default))
    return "" if nested else _value(default), " ".join(part["description"].split()), ", ".join(changed)


def sections(
    part: Mapping[str, Any], path: str, schema: Mapping[str, Any], seen: set[str]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, kind and keys of a configuration and of all configurations in it, each class once."""
    properties = part["properties"]
    yield path, kind_of(properties), properties
    for key, value in properties.items():
        # All kinds of a key come together, also one that another of them holds.
        own = [name for name in dict.fromkeys(references(value)) if name not in {*seen, "World"}]
        own = [name for name in own if "properties" in schema["$defs"][name]]
        seen.update(own)
        for name in own:
            yield from sections(schema["$defs"][name], f"{path}.{key}".strip("."), schema, seen)


def kind_of(properties: Mapping[str, Any]) -> str:
    """Return the kind of a configuration with these keys, of several names the present one; empty if it has no kind."""
    named = properties.get("kind", {})
    return str(named.get("const", named.get("default", "") if "enum" in named else ""))


def references(part: Any) -> list[str]:
    """Return the names of the definitions that a part of the schema refers to."""
    if isinstance(part, Mapping):
        own = [part["$ref"].rpartition("/")[2]] if isinstance(part.get("$ref"), str) else []
        return own + [
            name
            for key, value in part.items()
            if key not in ("discriminator", "default")
            for name in references(value)
        ]
    return [name for value in part for name in references(value)] if isinstance(part, list) else []


def type_words(part: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Return the type of a key, with its bounds."""
    if names := references(part):
        kinds = [kind_of(schema["$defs"][name].get("properties", {})) for name in names]
        known = [f"`{kind}`" for kind in dict.fromkeys(kinds) if kind]
        return f"kind: {', '.join(known)}" if known else "keys below"
    if "const" in part:
        return f"`{part['const']}`"
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"])
    if several := part.get("anyOf"):
        return " or ".join(dict.fromkeys(type_words(option, schema) for option in several))
    bounds = ", ".join(f"{sign} {part[key]:g}" for key, sign in BOUNDS.items() if key in part)
    kind = {"object": "mapping", "array": "list", "null": "null"}.get(
        part.get("type", ""), part.get("type", "any")
    )
    return f"{kind} {bounds}".strip()


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted names and values of a configuration's tree."""
    for key, value in tree.items():
        name = f"{path}.{key}".strip(".")
        yield name, value
        if isinstance(value, Mapping):
            yield from leaves(value, name)


def _value(value: Any) -> str:
    return f"`{json.dumps(value)}`"


def _row(cells: Any) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE.relative_to(Path(__file__).parents[1]))
