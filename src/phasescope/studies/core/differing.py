"""What differs between what a study declared and what it declares, in words."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import Any

from phasescope.store.files import to_json

CLAIM_DIFFERS = re.compile(r"`(?P<field>\w+)` of the claim `(?P<name>[^`]+)` was ")


def changes(old: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between what was declared and what is, a line each; nothing of a field that the former does not hold."""
    found = [
        _differs(name, "", old[name], now[name])
        for name in ("study", "question", "level", "looks")
        if old[name] != now[name]
    ]
    for kind in ("cells", "claims", "readings"):
        if old[kind] is None:
            continue
        word = kind.removesuffix("s")
        was, is_now = ({str(one["name"]): one for one in tree[kind]} for tree in (old, now))
        for name in dict.fromkeys(chain(was, is_now)):
            if name not in is_now:
                found.append(f"the {word} `{name}` was declared and is no more")
            elif name not in was:
                found.append(f"the {word} `{name}` was not declared and is now")
            else:
                one, other = was[name], is_now[name]
                found += _differences(f" of the {word} `{name}`", one, other, chain(one, other))
    found += _changed_observing(old["observed"] or (), now["observed"])
    for kind, of in (("rules", " of the rules of all claims"), ("constants", " among the constants")):
        was_kind = old[kind] or {}
        found += _differences(of, was_kind, now[kind], was_kind)
    return found


def claims_changed(changed: Iterable[str], fields: Collection[str]) -> set[str]:
    """Names of the claims of which one of these fields differs, by lines of `changes`."""
    found = (CLAIM_DIFFERS.match(line) for line in changed)
    return {one["name"] for one in found if one and one["field"] in fields}


def _changed_observing(old: Iterable[Mapping[str, Any]], now: Iterable[Mapping[str, Any]]) -> list[str]:
    """What differs in how cells are observed that were declared, of what was declared of it."""
    is_now = {cell: one["plan"] for one in now for cell in one["cells"]}
    return [
        words
        for one in old
        for cell in one["cells"]
        if cell in is_now
        for words in _differences(f" of observing the cell `{cell}`", one["plan"], is_now[cell], one["plan"])
    ]


def _differences(
    of: str, one: Mapping[str, Any], other: Mapping[str, Any], names: Iterable[str]
) -> list[str]:
    return [
        _differs(name, of, one.get(name), other.get(name))
        for name in dict.fromkeys(names)
        if one.get(name) != other.get(name)
    ]


def _differs(field: str, of: str, old: Any, now: Any) -> str:
    return f"`{field}`{of} was {_short(old)} and is {_short(now)}"


def _short(value: Any) -> str:
    text = to_json(value)
    return text if len(text) <= 160 else f"{text[:157]}..."
