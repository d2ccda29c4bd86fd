"""What takes more than two seconds says so on standard error, in a log too; what is done sooner says nothing."""

from __future__ import annotations

import re
import time

import pytest

from phasescope.views.terminal import progress


def test_what_is_done_soon_says_nothing(capsys):
    with progress.counting("measuring") as tell:
        tell(1, 2)
    assert capsys.readouterr() == ("", "")


def test_a_log_has_a_line_from_time_to_time(capsys, monkeypatch):
    monkeypatch.setattr(progress, "SILENT_S", 0.01)
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.05)
    with progress.counting("measuring") as tell:
        time.sleep(0.1)
        tell(3, 8)
        time.sleep(0.2)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert lines[0] == "measuring: 0:00 so far"
    assert "measuring: 3 of 8, 0:00 so far" in lines
    assert all(re.fullmatch(r"measuring: (3 of 8, )?0:\d\d so far", line) for line in lines)


def test_an_error_ends_it(capsys, monkeypatch):
    monkeypatch.setattr(progress, "SILENT_S", 0.0)
    monkeypatch.setattr(progress, "LINE_EVERY_S", 60.0)
    began = time.monotonic()
    with pytest.raises(ValueError, match="why"), progress.counting("measuring"):
        raise ValueError("why")
    assert time.monotonic() - began < 30
