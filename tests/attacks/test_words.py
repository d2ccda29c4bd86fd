"""Words and YAML files that hypothesis makes up: each is a configuration, or one line that says why it is none."""

from collections.abc import Callable
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phasescope import RunConfig

TREE = RunConfig().tree()


def fields_of(tree: dict[str, Any], above: str = "") -> list[str]:
    """Every field of the usual configuration, dotted."""
    found = []
    for name, value in tree.items():
        found.append(above + name)
        if isinstance(value, dict):
            found += fields_of(value, f"{above}{name}.")
    return found


FIELDS = [*fields_of(TREE), "preset", "world.design.dz", "network.layer_names", "colour", "world.file"]
BITS = [
    "[", "]", "{", "}", ":", ",", "-", "?", "&", "*", "!", "|", ">", "'", '"', "%", "@", "`", "#", "~", "=", "<<", "!!int",
    "!!bool", "!!float", "!!str", "!!set", "!!binary", "!!python/name:os.system", "&a", "*a", "null", "true", "no", "0", "1",
    "-1", "0x_", "0o9", "1e400", ".inf", ".nan", "1_0", "12:30:45", "2020-13-45", "2024-02-30", "kind", "diffusion", "usual",
    "gaussian_bump", "paper", "x.py:Y", "os:system", "torch.optim:SGD", "é", "\u202e", "\x85", "\t", "\n", "\\x41",
    "99999999999999999999999999999999", "1e-300", "1e308",
]  # fmt: skip
numbers = st.one_of(
    st.integers(-3, 3),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.sampled_from([1e-300, 1e308, 2**31, 2**63, 2**64]),
)
scalars = st.one_of(numbers, st.booleans(), st.none(), st.text(max_size=6), st.sampled_from(BITS))
keys = st.sampled_from(FIELDS) | st.text(max_size=3)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=8,
)
quick = settings(suppress_health_check=list(HealthCheck), database=None)


@settings(quick, max_examples=150)
@given(trees)
def test_a_tree_is_a_configuration_or_refused_in_a_line(tree: Any):
    config, told = tried(RunConfig.from_tree, tree if isinstance(tree, dict) else {"world": tree})
    assert len(told.splitlines()) <= 1
    assert config is None or RunConfig.from_tree(config.tree()) == config


def tried(read: Callable[[Any], Any], text: Any) -> tuple[Any, str]:
    """What is read, or None and why."""
    try:
        return read(text), ""
    except (ValueError, yaml.YAMLError) as error:
        return None, str(error)
