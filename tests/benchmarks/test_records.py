"""Sections are kept as they come; a part goes on only where settings, machine and versions are the same."""

import json

import pytest

from benchmarks import records as module
from benchmarks.records import Sections


def never():
    raise AssertionError("measured again")


def test_a_part_that_was_cut_short_goes_on(tmp_path):
    first = Sections(tmp_path / "speed" / "part.json", {"rounds": 5, "sizes": (1, 2)})
    first.section("a", lambda: [{"name": "one", "value": 1.5}])
    again = Sections(tmp_path / "speed" / "part.json", {"rounds": 5, "sizes": (1, 2)})
    assert again.section("a", never)[0]["value"] == 1.5
    with pytest.raises(AssertionError, match="measured again"):
        again.section("b", never)


def test_every_record_tells_where_and_with_what(tmp_path):
    Sections(tmp_path / "part.json", {}).section("a", lambda: [{"name": "one"}, {"name": "two"}])
    for record in json.loads((tmp_path / "part.json").read_text())["sections"]["a"]:
        assert {"host", "cpu", "cores", "versions", "git_commit", "measured", "name"} <= set(record)
        assert record["versions"]["torch"]
        assert set(module.PEERS) <= set(record["versions"])


@pytest.mark.parametrize(
    ("change", "goes_on"),
    [
        ({"cpu": "another"}, False),
        ({"versions": {"torch": "0"}}, False),
        ({"git_commit": "0123456789ab"}, False),
        ({"git_commit": "0ld0ld0ld0ld-dirty"}, False),
        ({}, True),
    ],
)
def test_another_machine_version_or_commit_begins_anew(tmp_path, monkeypatch, change, goes_on):
    facts = {"host": "h", "cpu": "c", "versions": {"torch": "1"}, "git_commit": "0ld0ld0ld0ld"}
    monkeypatch.setattr(module, "machine", lambda: facts)
    Sections(tmp_path / "part.json", {}).section("a", lambda: [{"name": "one"}])
    monkeypatch.setattr(module, "machine", lambda: {**facts, **change})
    assert ("a" in Sections(tmp_path / "part.json", {}).found) is goes_on


def test_other_settings_begin_anew(tmp_path):
    Sections(tmp_path / "part.json", {"rounds": 5}).section("a", lambda: [{"name": "one"}])
    assert not Sections(tmp_path / "part.json", {"rounds": 6}).found


@pytest.mark.parametrize("content", ["", "{", "[]", '{"sections": {}}', "null"])
def test_a_file_that_is_no_record_begins_anew(tmp_path, content):
    (tmp_path / "part.json").write_text(content)
    assert Sections(tmp_path / "part.json", {}).found == {}
