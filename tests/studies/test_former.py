"""What became of former claims follows from verdicts then and now, and none is left out."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest

from phasescope.errors import UserError
from phasescope.studies.core.former import FATES, FORMER, Fates, counted, fates_of, read_fates, read_former

SAME = {"look": 1, "threshold": 0.5, "direction": "above"}
"""what claims.json says of a claim that asks the same"""
VERDICTS = ("supported", "refuted", "undecided")


def former(tmp_path: Path, *verdicts: str):
    """Claims s/0, s/1, ... with these verdicts."""
    told = [
        {"study": "s", "name": str(i), "sentence": "It is so.", "verdict": verdict, "value": 1.0, "threshold": 0.5,
         "direction": "above", "n": 8}
        for i, verdict in enumerate(verdicts)
    ]  # fmt: skip
    (tmp_path / FORMER).write_text(json.dumps(told))
    return read_former(tmp_path)


def test_a_verdict_that_is_the_same_stands_and_another_falls_unless_there_was_none(tmp_path):
    pairs = list(product(VERDICTS, VERDICTS))
    before = former(tmp_path, *(then for then, _ in pairs))
    now = {f"t/{i}": SAME | {"verdict": verdict} for i, (_, verdict) in enumerate(pairs)}
    again = {f"s/{i}": f"t/{i}" for i in range(len(pairs))}
    told = fates_of(before, Fates(again=again, withdrawn={}), now)
    for one, (then, verdict) in zip(told, pairs, strict=True):
        assert (one.fate == "stands") == (then == verdict)
        assert (one.fate == "decided") == (then == "undecided" != verdict)
        assert (one.fate == "fell") == (then != "undecided" and verdict != then)
        assert one.again == f"t/{one.former.name}"
    assert sum(counted(told).values()) == len(pairs)
    assert list(counted(told)) == list(FATES)


def test_another_threshold_or_side_is_told(tmp_path):
    asked = [(0.5, "above"), (0.8, "above"), (0.5, "below")]
    before = former(tmp_path, *["supported"] * len(asked))
    now = {
        f"t/{i}": {"verdict": "supported", "look": 1, "threshold": threshold, "direction": direction}
        for i, (threshold, direction) in enumerate(asked)
    }
    told = fates_of(before, Fates(again={f"s/{i}": f"t/{i}" for i in range(len(asked))}, withdrawn={}), now)
    assert [one.fate for one in told] == ["stands", "otherwise", "otherwise"]


def test_what_is_not_judged_again_yet_neither_stands_nor_falls(tmp_path):
    before = former(tmp_path, "supported", "supported")
    now = {"t/0": {"verdict": "undecided", "look": 0}}
    told = fates_of(before, Fates(again={"s/0": "t/0", "s/1": "t/1"}, withdrawn={}), now)
    assert [one.fate for one in told] == ["untested", "untested"]


def test_what_is_withdrawn_says_why(tmp_path):
    before = former(tmp_path, "refuted", "supported")
    told = fates_of(before, Fates(again={}, withdrawn={"It could not be lost.": ["s/0", "s/1"]}), {})
    assert [(one.fate, one.reason) for one in told] == [("withdrawn", "It could not be lost.")] * 2


@pytest.mark.parametrize(
    ("again", "withdrawn", "message"),
    [
        ({"s/0": "t/0"}, {}, r"`s/1` \(=0 fates\) must be either tested again or withdrawn"),
        ({"s/0": "t/0", "s/1": "t/1"}, {"No.": ["s/1"]}, r"`s/1` \(=2 fates\)"),
        ({"s/0": "t/0", "s/1": "t/1"}, {"No.": ["s/2"]}, r"`s/2` must be a former claim"),
    ],
)
def test_a_claim_without_a_fate_or_with_two_is_refused(tmp_path, again, withdrawn, message):
    before = former(tmp_path, "supported", "supported")
    with pytest.raises(UserError, match=message):
        fates_of(before, Fates(again=again, withdrawn=withdrawn), {})


def test_files_that_say_something_else_are_told_of(tmp_path):
    assert read_former(tmp_path) == []
    (tmp_path / FORMER).write_text('[{"study": "s"}]')
    with pytest.raises(UserError, match="must hold former verdicts"):
        read_former(tmp_path)
    (tmp_path / "fates.json").write_text("[]")
    with pytest.raises(UserError, match="must hold fates of claims"):
        read_fates(tmp_path / "fates.json")
