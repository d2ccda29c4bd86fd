"""One description of a run: the same as object, YAML, `key=value` and hash; its errors name field, value and rule."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, field_validator, model_validator

from helpers.training_runs import run_config
from phasescope import Config, RunConfig, UserError, load_config
from phasescope.cli import main
from phasescope.core.config import parse_overrides, parse_yaml, read_yaml, set_overrides
from phasescope.runs import config as config_package
from phasescope.studies import merge


class Round(Config):
    kind: Literal["round"] = "round"
    radius: float = Field(1.0, gt=0)
    """radius, px"""


class Square(Config):
    kind: Literal["square"] = "square"
    side: int = 2
    round: Round = Round()


class Board(Config):
    name: str = "board"
    shape: Annotated[Round | Square, Field(discriminator="kind")] = Round()
    """what lies on it"""
    spots: tuple[Annotated[int, Field(ge=0)], ...] = (1, 2)
    either: tuple[Annotated[int, Field(ge=0)], ...] | Literal["usual"] = "usual"
    place: Round | Literal["usual"] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Board:
        if self.name == "bad":
            raise ValueError("`name` (=bad) must be good")
        return self


class Anything(Config):
    value: Any


class House(Config):
    board: Board = Board()
    """a board"""


ERRORS = (
    ({"board": {"shape": {"kind": "round", "radius": 0}}},
     "`board.shape.radius` (=0) must be greater than 0"),
    ({"board": {"shape": {"kind": "round", "side": 1}}},
     "`board.shape.side` (=1) is not a field: fields here are kind, radius"),
    ({"board": {"shape": {"kind": "square", "round": {"radius": "x"}}}},
     "`board.shape.round.radius` (=x) must be a valid number"),
    ({"board": {"shape": {"kind": "star"}}},
     "`board.shape.kind` (=star) must be one of 'round', 'square'"),
    ({"board": {"shape": {"radius": 1}}},
     "`board.shape` (={'radius': 1}) must name its `kind`"),
    ({"board": {"spots": [1, -1]}}, "`board.spots.1` (=-1) must be greater than or equal to 0"),
    ({"board": {"either": [1, -1]}}, "`board.either.1` (=-1) must be greater than or equal to 0"),
    ({"board": {"place": {"kind": "round", "radius": 0}}},
     "`board.place.radius` (=0) must be greater than 0"),
    ({"board": {"shape": 7}}, "`board.shape` (=7) must be a mapping of fields to values"),
    ({"board": 3}, "`board` (=3) must be a mapping of fields to values"),
    ({"board": {"name": "bad"}}, "`board.name` (=bad) must be good"),
    ({"bored": 1}, "`bored` (=1) is not a field: fields here are board; the most similar one is board"),
    ({"board": {"shape": {"kind": "round", "radius": float("nan")}}},
     "`board.shape.radius` (=nan) must be a finite number"),
    ({"board": {"name": 3, "shape": 7}}, "`board.name` (=3) must be a valid string (and 1 more)"),
)  # fmt: skip


@pytest.mark.parametrize(("tree", "line"), ERRORS, ids=[line for _, line in ERRORS])
def test_an_error_is_one_line_of_field_value_and_rule(tree: dict[str, Any], line: str):
    with pytest.raises(UserError) as caught:
        House.from_tree(tree)
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("word", "path", "value"),
    [
        ("a=1", ["a"], 1),
        ("a.b=1.5", ["a", "b"], 1.5),
        ("a=x=y", ["a"], "x=y"),
        ("a=", ["a"], None),
        ("a=null", ["a"], None),
        ("a=[1, x]", ["a"], [1, "x"]),
        ("a={kind: k, n: 2}", ["a"], {"kind": "k", "n": 2}),
        ("a='1'", ["a"], "1"),
    ],
)
def test_an_override_is_yaml_at_a_dotted_path(word: str, path: list[str], value: Any):
    assert parse_overrides([word]) == [(path, value)]


@pytest.mark.parametrize("word", ["a", "=1", "a..b=1", ".a=1", "a.=1", "a=[1", "a={b"])
def test_a_malformed_override_is_refused_by_name(word: str):
    with pytest.raises(UserError, match=r"must (have the form key=value|be a YAML value)") as caught:
        parse_overrides([word])
    assert str(caught.value).startswith(f"`{word.partition('=')[0]}")


def test_another_kind_drops_the_former_kinds_fields():
    tree = {"shape": {"kind": "round", "radius": 2.0}}
    words = parse_overrides(["shape.side=4", "shape.kind=square"])
    assert set_overrides(tree, words) == {"shape": {"kind": "square", "side": 4}}
    assert set_overrides(tree, reversed(words)) == {"shape": {"kind": "square", "side": 4}}
    assert tree == {"shape": {"kind": "round", "radius": 2.0}}


def test_the_same_kind_keeps_them():
    tree = {"shape": {"kind": "round", "radius": 2.0}}
    assert set_overrides(tree, parse_overrides(["shape.kind=round"])) == tree


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["shape.kind=round"], {"kind": "round", "radius": 2.0}),
        (["shape.kind=square"], {"kind": "square"}),
    ],
)
def test_a_kind_that_the_tree_leaves_out_is_that_of_the_defaults(words, kept):
    tree, defaults = {"shape": {"radius": 2.0}}, {"shape": {"kind": "round", "radius": 1.0}}
    assert set_overrides(tree, parse_overrides(words), defaults) == {"shape": kept}


def test_below_another_kind_than_the_defaults_the_fields_of_a_kind_that_is_left_out_stay():
    """Its kind is not known here: if they are not fields of the one that is named, an error says so."""
    tree = {"a": {"kind": "other", "b": {"m": 1}}}
    defaults = {"a": {"kind": "usual", "b": {"kind": "in"}}}
    expected = {"a": {"kind": "other", "b": {"kind": "out", "m": 1}}}
    assert set_overrides(tree, parse_overrides(["a.b.kind=out"]), defaults) == expected


@pytest.mark.parametrize(
    ("fields", "word", "path", "value"),
    [
        ({"world": {"design": {"dx": 0.5, "dy": 0.5}}}, "world.design.kind=grid", "world.design.dx", 0.5),
        ({"family": {"predict": "x"}}, "family.kind=diffusion", "family.predict", "x"),
        (
            {"preset": "lean", "family": {"sampler": {"steps": 7}}},
            "family.sampler.kind=dpm_solver",
            "family.sampler.steps",
            7,
        ),
        (
            {"training": {"optimiser": {"betas": [0.5, 0.6]}}},
            "training.optimiser.kind=adamw",
            "training.optimiser.betas",
            (0.5, 0.6),
        ),
    ],
)
def test_naming_the_kind_that_is_there_keeps_the_files_fields(fields, word, path, value, tmp_path: Path):
    file = tmp_path / "run.yaml"
    file.write_text(yaml.safe_dump(fields))
    config = load_config(file, [word])
    for name in path.split("."):
        config = getattr(config, name)
    assert config == value


def test_a_wider_override_comes_first_whatever_the_order():
    words = ["a.b=1", "a={b: 2, c: 3}"]
    expected = {"a": {"b": 1, "c": 3}}
    assert set_overrides({}, parse_overrides(words)) == expected
    assert set_overrides({}, parse_overrides(reversed(words))) == expected


def test_a_key_that_is_given_twice_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match=r"`training.batch` \(=2 times\) must be given once"):
        load_config(overrides=["training.batch=4", "training.batch=8"])
    file = tmp_path / "run.yaml"
    file.write_text("training:\n  batch: 4\n  steps: 9\n  batch: 8\n")
    with pytest.raises(UserError, match=r"`batch` is given twice.* line 4") as caught:
        load_config(file)
    assert "\n" not in str(caught.value)


def test_a_merge_key_of_yaml_may_be_overridden():
    assert parse_yaml("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}")["b"] == {"x": 3, "y": 2}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-8", 1e-8), ("1E5", 1e5), ("+2e3", 2000.0), ("-1e-3", -0.001), ("1.5e3", 1500.0), (".5", 0.5), ("1.", 1.0),
        ("1_000", 1000), ("7", 7), ("010", 10), ("0x10", 16), ("12:30", "12:30"), ("1:02:03.5", "1:02:03.5"),
        ("1e", "1e"), ("e5", "e5"), ("1e-", "1e-"), ("1.2.3", "1.2.3"), (".inf", float("inf")), ("true", True), ("x", "x"),
        ("'1e-8'", "1e-8"),
    ],
)  # fmt: skip
def test_numbers_are_read_as_python_writes_them(text: str, value: Any):
    ((_, read),) = parse_overrides([f"a={text}"])
    assert type(read) is type(value)
    assert read == value


@given(
    st.text()
    | st.floats(allow_nan=False)
    | st.integers()
    | st.booleans()
    | st.none()
    | st.from_regex(r"[-+0-9.e_:xo]{1,8}", fullmatch=True)
)
def test_what_a_run_writes_into_its_configuration_is_read_as_it_was(value: Any):
    config = Anything.from_tree({"value": value})
    assert Anything.from_tree(parse_yaml(config.yaml())) == config
    assert parse_yaml(config.yaml()) == {"value": value}


@pytest.mark.parametrize(
    "word",
    [
        "seed=true",
        "training.batch=yes",
        "training.clip=on",
        "probing.t=[true]",
        "probing.images={grid: true}",
        "training.label_dropout=true",
        "world.sigma_px=true",
    ],
)
def test_a_truth_value_is_no_number(word: str):
    with pytest.raises(UserError, match=r"\(=.*True.*\) must be a number, not true or false"):
        load_config(overrides=[word])


def test_a_truth_value_for_a_text_is_told_as_such():
    with pytest.raises(UserError, match=r"`name` \(=True\) must be a valid string"):
        load_config(overrides=["name=yes"])


def test_a_truth_value_stays_one_where_a_field_takes_it():
    assert load_config(overrides=["training.compile=true"]).training.compile is True


def test_an_outer_kind_does_not_drop_what_the_words_say_of_an_inner_one():
    words = parse_overrides(["a.b.kind=in", "a.kind=out", "a.b.n=1"])
    assert set_overrides({"a": {"kind": "old", "b": {"m": 0}}}, words) == {
        "a": {"kind": "out", "b": {"kind": "in", "n": 1}}
    }


def test_what_stands_in_a_list_is_named_by_its_number() -> None:
    tree = {"parts": [{"a": 1}, {"b": {"c": 2}}]}
    assert set_overrides(tree, parse_overrides(["parts.1.b.c=3"])) == {"parts": [{"a": 1}, {"b": {"c": 3}}]}
    assert tree == {"parts": [{"a": 1}, {"b": {"c": 2}}]}


@pytest.mark.parametrize("word", ["parts.2.a=1", "parts.x.a=1", "parts.0=1", "parts.0.a.b=1"])
def test_what_a_list_does_not_hold_is_told(word: str) -> None:
    with pytest.raises(UserError, match="holds none"):
        set_overrides({"parts": [{"a": 1}]}, parse_overrides([word]))


def test_an_override_below_an_empty_section_fills_it():
    assert set_overrides({"a": None}, parse_overrides(["a.b=1"])) == {"a": {"b": 1}}


def test_a_kinds_default_needs_no_name():
    assert load_config(overrides=["training.optimiser.lr=1e-4"]).training.optimiser.lr == 1e-4
    assert load_config(overrides=["family.schedule.steps=950"]).family.schedule.steps == 950


def test_a_preset_is_a_set_of_defaults(tmp_path: Path):
    plain, paper = RunConfig().tree(), load_config(overrides=["preset=paper"]).tree()
    presets = yaml.safe_load(Path(config_package.__path__[0], "presets.yaml").read_text())
    assert paper == merge(plain, presets["paper"]["fields"])
    changed = load_config(overrides=["preset=paper", "training.optimiser.lr=1e-3"]).tree()
    assert changed["training"].pop("optimiser") == {**paper["training"]["optimiser"], "lr": 1e-3}
    assert changed["network"] == paper["network"]
    muon = load_config(overrides=["preset=paper", "training.optimiser.kind=muon"]).training.optimiser
    assert muon.kind == "muon"
    assert muon.rest == type(muon)().rest
    file = tmp_path / "run.yaml"
    file.write_text("preset: paper\ntraining: {optimiser: {lr: 1e-3}}\n")
    assert load_config(file).tree() == {**changed, "training": {**changed["training"], "optimiser": {
        **paper["training"]["optimiser"], "lr": 1e-3}}}  # fmt: skip


def test_a_word_comes_before_the_file_and_the_file_before_the_preset(tmp_path: Path, capsys):
    file = tmp_path / "a=b.yaml"
    file.write_text("preset: small\nseed: 5\ntraining: {steps: 777, batch: 32}\n")
    assert main(["train", str(file), "training.batch=16", "--print-config"]) == 0
    config = RunConfig.from_tree(yaml.safe_load(capsys.readouterr().out))
    assert (config.name, config.seed, config.training.steps, config.training.batch) == ("small", 5, 777, 16)


@pytest.mark.parametrize(
    ("words", "layers", "t", "sheet"),
    [
        ([], "[down3, mid]", "[50, 300, 600, 900]", "{layer: mid, t: 600}"),
        (
            ["network.widths=[8,16]", "family.schedule.steps=100"],
            "[down1, mid]",
            "[5, 30, 60, 90]",
            "{layer: mid, t: 60}",
        ),
        (["probing.layers=[down2]"], None, "[50, 300, 600, 900]", "{layer: down2, t: 600}"),
    ],
)
def test_a_printed_configuration_says_what_usual_is(words, layers, t, sheet, capsys):
    assert main(["train", *words, "--print-config"]) == 0
    out = capsys.readouterr().out
    lines = out[out.index("\nprobing:") :].splitlines()
    (of_layers,), (of_t,), (of_sheet,) = (
        [line for line in lines if line.startswith(f"  {name}:")]
        for name in ("layers", "t", "representation")
    )
    assert of_layers.endswith(f"; here {layers}") if layers else "here" not in of_layers
    assert of_t.endswith(f"; here {t}")
    assert of_sheet.endswith(f"; here {sheet}")
    config = RunConfig.from_tree(yaml.safe_load(out))
    assert config.probing.t == "usual", "what is printed trains the same run"


def test_presets_are_all_valid():
    with pytest.raises(UserError, match="must be one of ") as caught:
        load_config(overrides=["preset=none"])
    names = str(caught.value).partition("one of ")[2].split(", ")
    assert {"small", "fast", "paper"} < {*names}
    for name in names:
        assert load_config(overrides=[f"preset={name}"]).tree()


def finite(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, exclude_min=True, allow_nan=False)


@st.composite
def run_trees(draw: st.DrawFn) -> dict[str, Any]:
    """Trees of valid runs, some fields given and some not, kinds among them."""
    steps = draw(st.integers(10, 2000))
    sampler = draw(
        st.one_of(
            st.just({"kind": "ddpm"}),
            st.builds(lambda n, e: {"kind": "ddim", "steps": n, "eta": e}, st.integers(1, 10), finite(0, 1)),
            st.builds(lambda n: {"kind": "dpm_solver", "steps": n}, st.integers(1, 10)),
        )
    )
    optimiser = draw(
        st.one_of(
            st.builds(lambda lr: {"kind": "adamw", "lr": lr}, finite(0, 1)),
            st.builds(lambda lr, m: {"kind": "muon", "lr": lr, "momentum": m}, finite(0, 1), finite(0, 0.99)),
            st.builds(lambda lr, m: {"kind": "sgd", "lr": lr, "momentum": m}, finite(0, 1), finite(0, 0.99)),
        )
    )
    schedule = draw(st.sampled_from(["linear", "cosine"]))
    tree = {
        "name": draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)),
        "seed": draw(st.integers(0, 2**63 - 1)),
        "world": {
            "sigma_px": draw(finite(0.05, 8)),
            "polarity": draw(st.sampled_from(["dark", "bright"])),
            "design": {"dx": draw(finite(0.01, 16)), "dy": draw(finite(0.01, 16))},
        },
        "family": {"schedule": {"kind": schedule, "steps": 1000 + steps}, "sampler": sampler},
        "network": {"widths": [8 * draw(st.integers(1, 4)) for _ in range(4)]},
        "training": {
            "steps": steps,
            "optimiser": optimiser,
            "warmup": draw(st.integers(0, 10)),
            "clip": draw(st.none() | finite(0, 10)),
        },
    }
    kept = draw(st.sets(st.sampled_from(sorted(tree))))
    return {key: tree[key] for key in tree if key in kept or key == "training"}


def shuffled(tree: Any, chance: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    items = list(tree.items())
    chance.shuffle(items)
    return {key: shuffled(value, chance) for key, value in items}


@settings(max_examples=40, deadline=None)
@given(run_trees(), st.randoms(use_true_random=False))
def test_yaml_tree_and_object_say_the_same(tree: dict[str, Any], chance: Any):
    config = run_config(tree)
    again = RunConfig.from_tree(yaml.safe_load(config.yaml()))
    assert again == config
    assert again.tree() == config.tree()
    assert again.digest() == config.digest()
    assert RunConfig.from_tree(shuffled(config.tree(), chance)).digest() == config.digest()


@settings(max_examples=50, deadline=None)
@given(run_trees())
def test_words_and_file_say_the_same(tree: dict[str, Any]):
    def words(node: dict[str, Any], path: str = "") -> list[str]:
        found: list[str] = []
        for key, value in node.items():
            inner = f"{path}.{key}" if path else key
            if isinstance(value, dict):
                found += words(value, inner)
            else:
                text = yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()
                found.append(f"{inner}={text}")
        return found

    assert (
        load_config(overrides=words(tree))
        == load_config(overrides=words(run_config(tree).tree()))
        == run_config(tree)
    )


@settings(max_examples=50, deadline=None)
@given(run_trees(), run_trees())
def test_the_hash_names_what_is_run_whatever_its_name(one: dict[str, Any], other: dict[str, Any]):
    a, b = run_config(one), run_config(other)
    assert a.model_copy(update={"name": "other"}).digest() == a.digest()
    same = {**a.tree(), "name": ""} == {**b.tree(), "name": ""}
    assert (a.digest() == b.digest()) == same
    assert re.fullmatch(r"[0-9a-f]{8}", a.digest())
    assert a.folder == f"{a.name}-{a.digest()}"


@pytest.mark.parametrize("text", ["&a {canvas: *a}", "&a [*a]", "world: &a {x: [1, {y: *a}]}"])
def test_a_mapping_or_list_that_holds_itself_is_refused(text: str):
    with pytest.raises(ValueError, match="an alias stands for what it lies in"):
        parse_yaml(text)


def test_aliases_that_stand_for_too_much_are_refused():
    lines = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(ValueError, match=r"its aliases stand for [\d,]+ values, and may stand for 1,000,000"):
        parse_yaml("\n".join(["a0: &a0 [x]", *lines]))


def test_a_configuration_is_immutable():
    with pytest.raises(Exception, match="frozen"):
        RunConfig().seed = 1


@pytest.mark.parametrize("content", ["", "# nothing\n", "{}"])
def test_an_empty_file_is_all_defaults(content: str, tmp_path: Path):
    file = tmp_path / "run.yaml"
    file.write_text(content)
    assert read_yaml(file) == {}
    assert load_config(file) == RunConfig()


@pytest.mark.parametrize("node", [RunConfig])
def test_every_field_says_what_it_is(node: type[Config]):
    """`train --print-config` and the configuration reference show it."""
    missing: list[str] = []

    def walk(schema: dict[str, Any], path: str) -> None:
        for name, field in schema.get("properties", {}).items():
            if name != "kind" and "description" not in field:
                missing.append(f"{path}.{name}")

    whole = node.model_json_schema()
    walk(whole, node.__name__)
    for name, definition in whole["$defs"].items():
        walk(definition, name)
    assert missing == []


def test_a_short_training_shortens_a_warmup_that_nobody_asked_for_and_says_so(caplog):
    for _ in range(2):  # of steps that no other test trains: a message is logged once in a process
        assert load_config(overrides=["training.steps=17"]).training.warmup == 1
    assert caplog.text.count("`training.warmup` (=100) becomes 1") == 1
    assert load_config(overrides=["preset=small", "training.steps=50"]).training.warmup == 5
    with pytest.raises(UserError, match=r"`training.warmup` \(=20\) must be at most `steps` \(=10\)"):
        load_config(overrides=["training.steps=10", "training.warmup=20"])
    caplog.clear()
    assert load_config(overrides=["training.steps=200"]).training.warmup == 100
    assert caplog.text == ""


class Positive(Config):
    sigma: float = 1.0

    @field_validator("sigma")
    @classmethod
    def _positive(cls, value: float) -> float:
        if value <= 0:
            raise ValueError(f"`sigma` (={value:g}) must be greater than 0")
        return value


class Holder(Config):
    world: Positive = Positive()


def test_a_rule_that_names_its_own_field_is_not_named_twice():
    with pytest.raises(UserError, match=r"^`world.sigma` \(=-1\) must be greater than 0$"):
        Holder.from_tree({"world": {"sigma": -1}})
