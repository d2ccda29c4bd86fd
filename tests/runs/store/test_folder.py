"""A run's folder: one writer at a time, checkpoints that are whole or refused, finding runs by a word."""

from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args, get_origin

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.made_runs import make_run
from helpers.tiny import contents
from phasescope import Config, Run, RunFailed, Site, UserError, find_run, open_run
from phasescope.runs.store import RunWriter, hold
from phasescope.runs.store.writer import OPEN, differences

CONFIG = {"name": "a", "world": {"n": 1, "list": [1, 2]}}
TENSORS = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.array(7), "empty": np.zeros((0, 2))}


@pytest.fixture
def writer(tmp_path: Path):
    with hold(tmp_path / "run", CONFIG) as folder:
        yield folder


def test_a_folder_is_made_and_held_for_the_block_alone(tmp_path: Path):
    with hold(tmp_path / "deep" / "run", CONFIG) as folder:
        assert folder.config == CONFIG
        with pytest.raises(UserError, match="is being written by another process"), hold(folder.path, CONFIG):
            pass
    with hold(folder.path, CONFIG):
        pass


@pytest.mark.parametrize(
    ("other", "field", "old", "new"),
    [
        ({**CONFIG, "name": "b"}, "name", "a", "b"),
        ({**CONFIG, "world": {"n": 1, "list": [1, 3]}}, "world.list", "[1, 2]", "[1, 3]"),
        ({"name": "a", "world": {"list": [1, 2]}}, "world.n", "1", "absent"),
    ],
)
def test_another_configuration_is_refused(other: dict, field: str, old: str, new: str, tmp_path: Path):
    with hold(tmp_path / "run", CONFIG):
        pass
    with pytest.raises(UserError, match="nothing is overwritten") as caught, hold(tmp_path / "run", other):
        pass
    assert f"`{field}` is {old} there, {new} here" in str(caught.value)
    assert Run(tmp_path / "run").config == CONFIG


trees = st.recursive(
    st.integers(0, 2), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=6
).filter(lambda tree: isinstance(tree, dict))


def known(old: object, new: object) -> object:
    """Of `new` what `old` says something of."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {key: known(old[key], value) for key, value in new.items() if key in old}
    return new


@settings(max_examples=60)
@given(trees, trees)
def test_a_tree_is_refused_where_the_old_one_says_something_else(old: dict, new: dict):
    with TemporaryDirectory() as folder:
        for same in (old, old):
            with hold(Path(folder) / "run", {"world": same}):
                pass
        refused = pytest.raises(UserError, match="nothing is overwritten")
        with refused if old != known(old, new) else nullcontext(), hold(Path(folder) / "run", {"world": new}):
            pass


def test_a_field_that_came_later_has_its_default_in_the_old_tree(tmp_path: Path):
    with hold(tmp_path / "run", CONFIG):
        pass
    with hold(tmp_path / "run", {**CONFIG, "clip": None}) as folder:
        assert folder.config == CONFIG


@pytest.mark.parametrize("field", ["device", "threads"])
def test_where_a_run_is_computed_may_change(field: str, tmp_path: Path):
    with hold(tmp_path / "run", {**CONFIG, "training": {field: "here", "steps": 3}}):
        pass
    with hold(tmp_path / "run", {**CONFIG, "training": {field: "there", "steps": 3}}):
        pass


@pytest.mark.parametrize(
    ("before", "after"),
    [({}, {"grid": 64}), ({"grid": 64}, {}), ({"grid": 64}, {"grid": 64, "off_grid": 32})],
    ids=str,
)
def test_a_run_that_is_observed_otherwise_says_how_to_observe_it(before: dict, after: dict, tmp_path: Path):
    with hold(tmp_path / "run", {**CONFIG, "probing": {"images": before}}):
        pass
    other = {**CONFIG, "probing": {"images": after}}
    with (
        pytest.raises(UserError, match=r"this run, observed otherwise.*phasescope observe"),
        hold(tmp_path / "run", other),
    ):
        pass


def test_a_checkpoint_comes_back_exactly(writer: RunWriter):
    state = {"step": 3, "losses": [0.1, 1e-300, 1 / 3]}
    assert writer.read_checkpoint() is None
    writer.write_checkpoint({"w": np.zeros(3)}, {"step": 1})
    writer.write_checkpoint(TENSORS, state)
    tensors, found = writer.read_checkpoint()
    assert found == state
    assert tensors.keys() == TENSORS.keys()
    for name, array in TENSORS.items():
        assert tensors[name].dtype == array.dtype
        assert tensors[name].shape == array.shape
        assert tensors[name].tobytes() == array.tobytes()


@pytest.mark.parametrize("kept", [0, 1, 8, 100, -1])
def test_a_truncated_checkpoint_is_refused(kept: int, writer: RunWriter):
    writer.write_checkpoint(TENSORS, {"step": 3})
    path = writer.path / "checkpoint" / "state.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match="cannot be read"):
        writer.read_checkpoint()


def test_forgetting_keeps_what_came_before(writer: RunWriter):
    for step in (0, 10, 20):
        writer.append_metrics({"step": step, "images_seen": step})
        with writer.new_snapshot(step) as folder:
            (folder / "file").write_text(str(step))
    writer.forget_after(10)
    assert [entry["step"] for entry in writer.metrics] == [0, 10]
    assert [snapshot.step for snapshot in writer.snapshots] == [0, 10]
    writer.forget_after(-1)
    assert writer.metrics == []
    assert writer.snapshots == []


def test_a_torn_line_goes_when_the_next_one_is_appended_and_not_before(writer: RunWriter):
    path, torn = writer.path / "metrics.jsonl", b'{"step": 0, "images_seen": 0}\n{"step": 10, "ima'
    path.write_bytes(torn)
    assert [line["step"] for line in writer.metrics] == [0]
    assert path.read_bytes() == torn
    writer.append_metrics({"step": 10, "images_seen": 160})
    assert [line["step"] for line in Run(writer.path).metrics] == [0, 10]


def test_a_snapshots_arrays_come_back(writer: RunWriter):
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(5, 3)).astype(np.float16)
    with writer.new_snapshot(10) as folder:
        np.savez(
            folder / "latents.npz",
            **{"labels": np.ones((5, 2)), "latents/mid/50": latents, "latents/down1/600": latents + 1},
            **{"umap/mid/50": latents * 2},
        )
        samples = {
            "images": latents[:, None, :, None],
            "labels": np.ones((5, 2)),
            "split": np.array(["grid"] * 5),
        }
        np.savez(folder / "samples.npz", **samples)
        pd.DataFrame({"x": [1.0, np.nan], "outcome": ["a", "b"]}).to_parquet(folder / "reading.parquet")
    (snapshot,) = writer.snapshots
    assert snapshot.sites == [Site("mid", 50), Site("down1", 600)]
    assert snapshot.latents("mid", t=50).dtype == np.float32
    assert np.array_equal(snapshot.latents("mid", t=50), latents.astype(np.float32))
    assert np.array_equal(snapshot.embedding(Site("mid", 50)), 2 * latents.astype(np.float32))
    assert snapshot.embedding(Site("down1", 600)) is None
    assert snapshot.samples()["images"].dtype == np.float32
    assert snapshot.samples()["split"].tolist() == ["grid"] * 5
    assert np.array_equal(snapshot.readings()["x"], [1.0, np.nan], equal_nan=True)
    assert snapshot.readings()["outcome"].tolist() == ["a", "b"]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for name in ("bumps-12345678", "bumps2-87654321", "torus-12999999"):
        with hold(tmp_path / name, CONFIG):
            pass
    (tmp_path / "notes").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("bumps-12345678", "bumps-12345678"),
        ("bumps-", "bumps-12345678"),
        ("bumps2", "bumps2-87654321"),
        ("8765", "bumps2-87654321"),
        ("to", "torus-12999999"),
    ],
)
def test_a_word_finds_a_run(word: str, name: str, runs: Path):
    assert find_run(word, runs).name == name


@pytest.mark.parametrize("word", ["bump", "12", ""])
def test_an_ambiguous_word_names_the_candidates(word: str, runs: Path):
    with pytest.raises(UserError, match=r"must name one run: .*bumps-12345678"):
        find_run(word, runs)


def test_no_run_of_that_name(runs: Path):
    with pytest.raises(UserError, match=r"of 3 in `.*` none has that name"):
        find_run("zebra", runs)
    with pytest.raises(UserError, match=r"`.*notes` must be a run's folder: it has no config.yaml"):
        open_run(runs / "notes")
    assert open_run(runs / "torus-12999999").config == CONFIG


def test_config_json_is_read_only_beside_the_config_yaml_that_it_was_written_with(tmp_path, monkeypatch):
    run = make_run(tmp_path, "seed=3")
    told = run.config
    with monkeypatch.context() as patched:
        patched.setattr(
            "phasescope.runs.store.folder.read_yaml", lambda path: pytest.fail("YAML is 30 times slower")
        )
        assert run.config == told
    text = (run.path / "config.yaml").read_text()
    (run.path / "config.yaml").write_text(text.replace("seed: 3", "seed: 4"))
    assert run.config == {**told, "seed": 4}
    for damaged in ("", "[1]", "{}", "{"):
        (run.path / "config.json").write_text(damaged)
        assert run.config == {**told, "seed": 4}
    (run.path / "config.json").unlink()
    assert run.config == {**told, "seed": 4}


COMPARED = {
    "a field that was introduced later": ({"kind": "grid"}, {"kind": "grid", "dx": 1}, []),
    "an argument of your own kind": ({"kind": "nets.py:Net"}, {"kind": "nets.py:Net", "width": 1}, []),
    "within such an argument": (
        {"kind": "nets.py:Net", "sizes": {"a": 1}},
        {"kind": "nets.py:Net", "sizes": {"a": 1, "b": 2}},
        [("part.sizes.b", "absent", 2)],
    ),
    "a built-in kind within your own": (
        {"kind": "mine.py:World", "design": {"kind": "grid"}},
        {"kind": "mine.py:World", "design": {"kind": "grid", "dx": 1}},
        [],
    ),
    "keys that users choose": (
        {"kind": "arrays", "classes": {}},
        {"kind": "arrays", "classes": {"digit": ["one"]}},
        [("part.classes.digit", "absent", ["one"])],
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), COMPARED.values(), ids=list(COMPARED))
def test_a_missing_key_is_a_difference_if_users_choose_the_keys(old: dict, new: dict, expected: list):
    assert list(differences({"part": old}, {"part": new})) == expected


def _is_mapping(annotation) -> bool:
    return any(get_origin(part) is dict for part in (annotation, *get_args(annotation)))


def test_all_fields_whose_keys_users_choose_are_known():
    waiting, chosen = [Config], set()
    while waiting:
        config = waiting.pop()
        waiting += config.__subclasses__()
        if config.__module__.startswith("phasescope."):
            fields = config.model_fields.items()
            chosen |= {name for name, field in fields if _is_mapping(field.annotation)}
    assert chosen == set(OPEN)


WRITES = {
    "append_metrics": lambda writer: writer.append_metrics({"step": 2}),
    "append_lines": lambda writer: writer.append_lines("scalars.jsonl", [{"step": 2}]),
    "write_status": lambda writer: writer.write_status({"state": "done"}),
    "write_config": lambda writer: writer.write_config(CONFIG),
    "write_checkpoint": lambda writer: writer.write_checkpoint(TENSORS, {}),
    "keep_lines": lambda writer: writer.keep_lines("scalars.jsonl", 0),
    "forget_after": lambda writer: writer.forget_after(-1),
    "restart": lambda writer: writer.restart(),
}


def snapshot_of(writer: RunWriter) -> None:
    with writer.new_snapshot(2) as folder:
        (folder / "samples.npz").write_bytes(b"")


@pytest.mark.parametrize("write", [*WRITES.values(), snapshot_of], ids=[*WRITES, "new_snapshot"])
@pytest.mark.parametrize("taken", [False, True])
def test_a_writer_whose_lock_was_removed_writes_nothing_more(write, taken: bool, tmp_path: Path):
    with hold(tmp_path / "run", CONFIG) as first:
        first.append_metrics({"step": 0})
        first.append_lines("scalars.jsonl", [{"step": 0}])
        (first.path / "lock").unlink()
        with hold(first.path, CONFIG) if taken else nullcontext() as second:
            if second is not None:
                second.append_metrics({"step": 1})
            before = contents(first.path)
            with pytest.raises(
                RunFailed, match=r"another process took over `.*run`, or its `lock` was removed"
            ):
                write(first)
            assert contents(first.path) == before
    with hold(tmp_path / "run", CONFIG) as third:
        third.append_metrics({"step": 5})
