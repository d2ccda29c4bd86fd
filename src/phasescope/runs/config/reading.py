"""Reading a configuration from presets, YAML and `key=value` overrides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, reduce
from pathlib import Path
from typing import Any

from phasescope.core.config import Tree, check_once, merge, parse_overrides, read_yaml, set_overrides
from phasescope.core.errors import UserError, log_once
from phasescope.runs.config.presets import preset
from phasescope.runs.config.run_config import RunConfig


def load_config(
    file: Path | str | Sequence[Path | str] | None = None, overrides: Iterable[str] = ()
) -> RunConfig:
    """Return the configuration of YAML files and `key=value` overrides, on top of the preset that any of them names.

        phasescope.load_config("mine.yaml", ["training.steps=500"])
        phasescope.load_config(["data.yaml", "network.yaml"])          # of a field that both set, the later one's

    Another `kind` in a later file replaces all fields of the earlier one's: that is the trap of composing them.

    Raises:
        UserError: names the field, its value and the rule.
    """
    if isinstance(overrides, str):
        raise UserError(f"`overrides` (={overrides}) must be a list of key=value texts")
    files = [file] if isinstance(file, str | Path) else list(file or ())
    tree = with_overrides(read_files(files), parse_overrides(overrides))
    name = tree.pop("preset", None)
    return over_defaults(*([] if name is None else [preset(str(name)).fields]), tree)


def read_files(files: Iterable[Path | str]) -> Tree:
    """Return the tree of several YAML files, the later ones merged into the earlier."""
    return reduce(merge, (read_yaml(Path(file), by_hand=True) for file in files), {})


def with_overrides(tree: Tree, overrides: Iterable[tuple[list[str], Any]]) -> Tree:
    """Return a file's tree with overrides set. A kind that the file leaves out is that of the preset which either names.

    Raises:
        UserError: an override is below what holds no fields; there is no such preset.
    """
    overrides = [(_field_of(path), value) for path, value in overrides]
    named = [value for path, value in overrides if path == ["preset"]] or [tree.get("preset")]
    base = defaults() if named[0] is None else merge(defaults(), preset(str(named[0])).fields)
    return set_overrides(tree, overrides, base)


def changes_from(overrides: Iterable[tuple[list[str], Any]], tree: Tree) -> Tree:
    """Return what overrides change of a whole configuration `tree`, to be merged into it.

    Raises:
        UserError: an override is below what holds no fields.
    """
    return set_overrides({}, [(_field_of(path), value) for path, value in overrides], tree)


def _field_of(path: list[str]) -> list[str]:
    """Return the path of the field that a shorter one means: `seed.data` is `seeds.data`, `network.reset` `fork.reset`."""
    match path:
        case ["seed", stream]:
            return ["seeds", stream]
        case ["network", "reset"]:
            return ["fork", "reset"]
    return path


def over_defaults(*trees: Tree) -> RunConfig:
    """Return the configuration that results from merging trees, in order, into the defaults.

    If the last tree sets fewer steps than the warm-up has, the warm-up becomes a tenth of them, and this is logged.

    Raises:
        UserError: names the field, its value and the rule.
    """
    for tree in trees:
        if not isinstance(tree, Mapping):
            raise UserError(
                f"`config` (={tree!r:.80}) must be a RunConfig or a tree of its fields; load_config takes overrides"
            )
    merged = reduce(merge, trees, defaults())
    own, training = trees[-1].get("training"), merged["training"]
    if isinstance(own, Mapping) and "steps" in own and "warmup" not in own:
        steps, warmup = training["steps"], training["warmup"]
        if isinstance(steps, int) and 0 < steps < warmup:
            merged = merge(merged, {"training": {"warmup": steps // 10}})
            log_once(f"`training.warmup` (={warmup}) becomes {steps // 10}: there are {steps} steps")
    return RunConfig.from_tree(merged)


@cache
def defaults() -> Tree:
    """Return the default of every field, as one shared tree, which `merge` does not modify."""
    return RunConfig().tree()


def load_arguments(arguments: Sequence[str]) -> RunConfig:
    """Return the configuration of a command line's ``[FILE.yaml ...] [key=value ...]``.

    Raises:
        UserError: names the field or the word, its value and the rule.
    """
    return load_config(*split_arguments(arguments))


def split_arguments(arguments: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Return the files, and the arguments that are ``key=value``.

    Raises:
        UserError: a word is neither, or a key or a file is given twice.
    """
    overrides = [word for word in arguments if re.match("[^/=]*=", word)]
    files = [word for word in arguments if word not in overrides]
    check_once([word.partition("=")[0] for word in overrides])
    for word in files:
        if not word.endswith((".yaml", ".yml")):
            raise UserError(f"`{word}` must be FILE.yaml or key=value, as in training.batch=32")
    for word in files:
        if files.count(word) > 1:
            raise UserError(f"`FILE` (={word}) must be given once: of several files the later ones count")
    return [Path(word) for word in files], overrides
