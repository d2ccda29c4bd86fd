"""In a log a command says after two seconds, and then from time to time, how far it is; what is done soon says nothing."""

import re

from phasescope.views.terminal import progress


def test_a_snapshots_line_has_the_phase_of_samples_and_that_of_activations():
    metrics = {"step": 20, "images_seen": 320, "loss": 0.25}
    phases = {"behaviour": "A", "sheet": "B", "representation": "C", "representation_p1": "C"}
    line = progress.snapshot_line({**metrics, "phase": phases})
    assert line.endswith("samples A, activations B")
    line = progress.snapshot_line({**metrics, "phase": {"behaviour": "A", "representation": "C"}})
    assert line.endswith("samples A, activations not read")


def test_a_log_has_a_line_from_time_to_time(capsys, monkeypatch):
    with progress.counting("measuring") as notify:
        notify(1, 8)
    monkeypatch.setattr(progress, "FIRST_LINE_S", 0.0)
    with progress.counting("measuring") as notify:
        notify(3, 8)
    out, err = capsys.readouterr()
    assert re.fullmatch(r"measuring: 3 of 8, 0:\d\d:\d\d so far\n", err)
    assert not out


def test_a_log_says_what_is_left_at_the_speed_of_this_process(capsys, monkeypatch):
    monkeypatch.setattr(progress, "FIRST_LINE_S", 0.0)
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    clock = iter([0.0, 0.0, 30.0, 60.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress.counting("train") as notify:
        notify(100, 400)  # resumed there
        notify(200, 400)
        notify(400, 400)
    first, second, last = capsys.readouterr().err.splitlines()
    assert "left" not in first
    assert second == "train: 200 of 400, 0:00:30 so far, about 0:01:00 left"
    assert "left" not in last
