"""A file or a folder is either the old one, or whole."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phasescope.runs.store.files import (
    append_json_lines,
    folder_aside,
    read_json_lines,
    remove_asides,
    to_json,
    write_aside,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
entries = st.dictionaries(st.text(), json_values, max_size=4)


def test_write_aside_replaces_and_leaves_nothing_else(tmp_path: Path):
    for content in ("old", b"new"):
        write_aside(tmp_path / "file", content)
    assert (tmp_path / "file").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failed_write_keeps_the_old_file_and_names_it(failing: str, tmp_path: Path, monkeypatch):
    write_aside(tmp_path / "file", "old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"phasescope.runs.store.files.os.{failing}", fail)
    with pytest.raises(OSError, match="No space left") as caught:
        write_aside(tmp_path / "file", "new")
    assert caught.value.filename == str(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_whose_block_fails_does_not_appear_and_the_old_one_stays(tmp_path: Path):
    with folder_aside(tmp_path / "one") as folder:
        (folder / "a").write_text("old")

    def fail() -> None:
        with folder_aside(tmp_path / "one") as folder:
            (folder / "a").write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (tmp_path / "one" / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_remove_asides_takes_only_what_is_half_written(tmp_path: Path):
    (tmp_path / ".file.12.aside").write_text("")
    (tmp_path / ".folder.12.aside" / "deep").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    (tmp_path / ".hidden").write_text("")
    remove_asides(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", "file"]


@given(entries.filter(bool), entries.filter(bool), st.data())
def test_a_torn_last_line_is_left_out(first: dict, second: dict, data: st.DataObject):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines.jsonl"
        append_json_lines(path, first)
        length = path.stat().st_size
        append_json_lines(path, second)
        whole = path.read_bytes()
        cut = data.draw(st.integers(length, len(whole) - 2))
        path.write_bytes(whole[:cut])
        assert read_json_lines(path) == [first]


@given(
    st.recursive(st.floats(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6)
)
def test_json_has_only_numbers_that_json_knows(tree):
    def refuse(word: str) -> None:
        raise AssertionError(word)

    json.loads(to_json(tree), parse_constant=refuse)
