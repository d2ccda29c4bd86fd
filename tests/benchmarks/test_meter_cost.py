"""The command that prints what the condition meter costs."""

import re

from benchmarks import meter


def test_each_preset_has_a_line_with_its_share(monkeypatch, capsys):
    monkeypatch.setattr(meter, "shares", lambda config: (0.01, 0.05))
    meter.main([])
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["fast", "lean", "p1"]
    # 8 bands of 16 draws, twice each: a third of 256 steps' images of a batch of 16, at 2 %.
    assert all(
        re.search(r"every 267 steps; a step 10.0 ms, a reading 50 ms; 1.87 % of", line) for line in lines
    )
