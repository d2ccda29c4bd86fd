"""Sections are kept as they come; a part goes on only where settings, machine and versions are the same."""

from __future__ import annotations

import json

import pytest

from phasescope.benchmarks import records as module
from phasescope.benchmarks.records import Records


def never():
    raise AssertionError("measured again")


def test_a_part_that_was_cut_short_goes_on(tmp_path):
    first = Records(tmp_path / "speed" / "part.json", {"rounds": 5, "sizes": (1, 2)})
    first.section("a", lambda: [{"name": "one", "value": 1.5}])
    again = Records(tmp_path / "speed" / "part.json", {"rounds": 5, "sizes": (1, 2)})
    assert again.section("a", never)[0]["value"] == 1.5
    with pytest.raises(AssertionError, match="measured again"):
        again.section("b", never)


def test_every_record_tells_where_and_with_what(tmp_path):
    Records(tmp_path / "part.json", {}).put("a", [{"name": "one"}, {"name": "two"}])
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
        ({"git_commit": "0ld0ld0ld0ld-dirty"}, True),
        ({}, True),
    ],
)
def test_another_machine_version_or_commit_begins_anew(tmp_path, monkeypatch, change, goes_on):
    facts = {"host": "h", "cpu": "c", "versions": {"torch": "1"}, "git_commit": "0ld0ld0ld0ld"}
    monkeypatch.setattr(module, "machine", lambda: facts)
    Records(tmp_path / "part.json", {}).put("a", [{"name": "one"}])
    monkeypatch.setattr(module, "machine", lambda: {**facts, **change})
    assert ("a" in Records(tmp_path / "part.json", {}).sections) is goes_on


def test_other_settings_begin_anew(tmp_path):
    Records(tmp_path / "part.json", {"rounds": 5}).put("a", [{"name": "one"}])
    assert not Records(tmp_path / "part.json", {"rounds": 6}).sections


@pytest.mark.parametrize("content", ["", "{", "[]", '{"sections": {}}', "null"])
def test_a_file_that_is_no_record_begins_anew(tmp_path, content):
    (tmp_path / "part.json").write_text(content)
    assert Records(tmp_path / "part.json", {}).sections == {}
