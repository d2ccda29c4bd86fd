"""The identity of a run: what is learnt, told by what differs from the defaults. It must not move by itself."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from pydantic_core import PydanticUndefined

from phasescope import Config, RunConfig, load_config
from phasescope.worlds import Grid

DEFAULTS = Path(__file__).with_name("defaults.json")


def identity(*words: str) -> dict[str, Any]:
    return load_config(overrides=words).identity()


PLAIN = identity()
NOTHING_NEW = {
    "a field at its default": ["seed=0", "world.sigma_px=1.0", "training.batch=64", "network.widths=[32, 64, 64, 64]"],
    "the default's kind": ["world.kind=gaussian_bump", "family.schedule.kind=linear", "training.optimiser.kind=adamw"],
    "where it is computed": ["training.device=cpu", "training.threads=1"],
    "its name": ["name=other"],
    "what is observed": [
        "probing.layers=[up1]", "probing.t=[5]", "probing.images.grid=16", "probing.p1=null", "probing.bands=3",
        "probing.representation={layer: up1, t: 5}", "probing.latent_labels=128",
    ],
    "an increment at its default": ["world.design.dx=1", "world.design.dy=1.0"],
}  # fmt: skip


@pytest.mark.parametrize("words", NOTHING_NEW.values(), ids=list(NOTHING_NEW))
def test_what_is_not_learnt_or_was_so_anyway_is_no_part_of_it(words):
    assert identity(*words) == PLAIN


def test_of_all_defaults_it_is_the_kinds_alone():
    assert PLAIN == {}
    assert RunConfig().world.identity() == {"kind": "gaussian_bump"}


NEW = {
    "seed=1": {"seed": 1},
    "training.batch=65": {"training": {"batch": 65}},
    "world.sigma_px=1.5": {"world": {"kind": "gaussian_bump", "sigma_px": 1.5}},
    "world.design.dx=0.5": {"world": {"kind": "gaussian_bump", "design": {"kind": "grid", "dx": 0.5}}},
    "network.embedding.base=30": {"network": {"kind": "unet", "embedding": {"base": 30.0}}},
    "family.weighting=min_snr": {"family": {"kind": "diffusion", "weighting": {"kind": "min_snr"}}},
    "training.optimiser.kind=muon": {"training": {"optimiser": {"kind": "muon"}}},
    "training.optimiser.kind=sgd": {"training": {"optimiser": {"kind": "sgd"}}},
}


@pytest.mark.parametrize(("word", "recorded"), NEW.items(), ids=list(NEW))
def test_what_is_learnt_otherwise_is_told_and_nothing_else(word, recorded):
    assert identity(word) == recorded


def test_identities_of_different_runs_have_different_digests():
    digests = {load_config(overrides=[word]).digest() for word in NEW} | {RunConfig().digest()}
    assert len(digests) == len(NEW) + 1


class Shape(Config):
    sides: int = 4
    """sides"""


class Wide(Config):
    OUTSIDE_DIGEST = frozenset({"place"})

    kind: Literal["wide"] = "wide"
    shape: Shape = Shape()
    size: float = Field(2.0, gt=0)
    place: str = "here"
    must: int


class WideLater(Wide):
    """The same class with fields that came later."""

    colour: str = "red"
    shapes: tuple[Shape, ...] = ()


@given(st.integers(0, 3), st.floats(1, 3), st.integers(1, 2), st.sampled_from(["here", "there"]))
def test_a_new_field_with_a_default_changes_no_identity(must, size, sides, place):
    tree = {"must": must, "size": size, "shape": {"sides": 4 * sides}, "place": place}
    now, later = Wide.from_tree(tree), WideLater.from_tree(tree)
    assert now.identity() == later.identity()
    assert now.digest() == later.digest()
    assert "must" in now.identity()
    assert "place" not in now.identity()
    assert WideLater.from_tree({**tree, "colour": "blue"}).digest() != now.digest()
    assert WideLater.from_tree({**tree, "shapes": [{}]}).identity()["shapes"] == [{}]


class Boxed(Config):
    inner: Shape = Shape(sides=5)
    other: Shape | None = None


def test_what_is_told_is_what_differs_from_the_fields_own_default():
    """A field may hold by default what its class does not."""
    variants = [{}, {"inner": {}}, {"inner": {"sides": 6}}, {"other": {}}, {"other": {"sides": 5}}]
    assert len({Boxed.from_tree(tree).digest() for tree in variants}) == len(variants)
    assert Boxed.from_tree({"inner": {"sides": 5}}).identity() == {}


def classes() -> Iterator[type[Config]]:
    """All configuration classes of phasescope."""
    waiting = [Config]
    while waiting:
        config = waiting.pop()
        waiting += config.__subclasses__()
        if config.__module__.startswith("phasescope."):
            yield config


def plain(value: Any) -> Any:
    if isinstance(value, Config):
        return {**({"kind": value.kind} if hasattr(value, "kind") else {}), **value.identity()}
    return list(map(plain, value)) if isinstance(value, tuple | list) else value


def defaults() -> dict[str, dict[str, Any]]:
    """By class and field what stands where nobody says anything."""
    known: dict[str, dict[str, Any]] = {}
    for config in classes():
        of_class = {
            name: plain(field.get_default(call_default_factory=True, validated_data={}))
            for name, field in config.model_fields.items()
            if name not in config.OUTSIDE_DIGEST and field.default is not PydanticUndefined
        }
        if of_class:
            known[config.__qualname__] = json.loads(json.dumps(of_class))
    known["Grid"]["d<factor>"] = Grid(dx=2.0).default_of("dx")
    return dict(sorted(known.items()))


def test_every_default_is_the_one_that_stored_runs_were_made_with():
    """`python tests/test_identity.py` writes the file anew."""
    recorded, now = json.loads(DEFAULTS.read_text()), defaults()
    changed = {
        f"{name}.{field}": f"{value} in tests/defaults.json, {now.get(name, {}).get(field, 'gone')} now"
        for name, fields in recorded.items()
        for field, value in fields.items()
        if now.get(name, {}).get(field, "gone") != value
    }
    assert not changed, (
        f"{changed}: a changed default gives runs that are stored another identity, and what they learnt is not what "
        "their configuration says any more. Give the field another name, or put the default back; where it must change, "
        "carry runs/ and results/ over first (tools/migrate.py), then write the file: python tests/test_identity.py"
    )
    new = {
        f"{name}.{field}"
        for name, fields in now.items()
        for field in fields
        if field not in recorded.get(name, {})
    }
    assert not new, f"{sorted(new)}: fields that came later go into the file: python tests/test_identity.py"


def test_all_kinds_are_among_them():
    names = {config.__qualname__ for config in classes()}
    assert names >= {
        "RunConfig", "GaussianBump", "ImageWorld", "DiffusionConfig", "UNetConfig", "WatchedConfig",
        "AdamWConfig", "MuonConfig", "SGDConfig",
    }  # fmt: skip


if __name__ == "__main__":
    DEFAULTS.write_text(json.dumps(defaults(), indent=1) + "\n")
    print(DEFAULTS)
