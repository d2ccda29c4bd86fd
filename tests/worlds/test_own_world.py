"""A world of somebody's own is tried out before it trains: the first fault is one line that names class and method."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from helpers.training_runs import run_config
from phasescope import Factor, Factors, Outcome, Reader, RunFailed, UserError, World
from phasescope.worlds import check_world


class Shades(World):
    @property
    def factors(self):
        return Factors((Factor("grey", 0.0, 1.0),))

    @property
    def shape(self):
        return (1, 8, 8)

    def training_labels(self):
        return np.linspace(0, 1, 30, dtype=np.float32)[:, None]

    def render(self, labels):
        return (2 * labels - 1)[:, :, None, None].expand(-1, 1, 8, 8)

    usual = render

    def reader(self):
        return Eye()


class Eye(Reader):
    outcomes = (Outcome("seen", "C", "#00aa00"),)

    def read(self, images):
        return {"grey": (images.mean(axis=(1, 2, 3)) + 1) / 2}

    def errors(self, columns, labels):
        return columns["grey"][:, None] - labels

    def correct(self, columns, labels):
        return np.abs(self.errors(columns, labels)) < 0.1

    def outcome(self, columns, labels):
        return np.full(len(labels), "seen")


def test_a_sound_world_passes():
    check_world(Shades())
    run_config({"world": {"kind": f"{__file__}:Shades"}, "network": {"widths": [8, 8]}})


def fails(*given: Any) -> Any:
    raise KeyError("of\nits own")


LABELS = np.linspace(0, 1, 30, dtype=np.float32)[:, None]
NAN, CHANCE = np.full((30, 1), np.nan, np.float32), np.random.default_rng(0)
FAULTS = [
    (Shades, "factors", property(lambda self: ()), r"factors` \(=\(\)\) must be Factors, one at least"),
    (Shades, "factors", property(lambda self: Factors([Factor("a<b", 0, 1)])), r"factors` \(=.a<b.\) must have words"),
    (Shades, "shape", property(lambda self: (8,)), r"shape` \(=\(8,\)\) must be \(C, \*spatial\)"),
    (Shades, "shape", property(lambda self: (1, 8.5, 8)), r"shape` .* must be \(C, \*spatial\)"),
    (Shades, "training_labels", lambda self: None, r"training_labels` \(=None\) must return finite labels \(n, 1\)"),
    (Shades, "training_labels", lambda self: np.zeros((9, 2), np.float32), r"training_labels` \(=float32 of shape \(9, 2\)"),
    (Shades, "training_labels", lambda self: np.zeros((9, 1)), r"training_labels` \(=float64 .* must return finite labels"),
    (Shades, "training_labels", lambda self: NAN, r"training_labels` .* must return finite"),
    (Shades, "draw_labels", lambda self, n, rng: rng.random(n), r"draw_labels` .* must return finite labels \(n, 1\)"),
    (Shades, "splits", lambda self: {"held": lambda n, rng: NAN[:n]}, r"splits\(\)\['held'\]` .* must return finite"),
    (Shades, "render", lambda self, labels: labels, r"render` \(=torch.float32 of shape \(4, 1\)\) must return a float32"),
    (Shades, "render", lambda self, labels: torch.full((4, 1, 8, 8), 3.0), r"render` \(=3.0\) must return numbers in"),
    (Shades, "render", lambda self, labels: torch.full((4, 1, 8, 8), torch.nan), r"render` \(=nan\) must return numbers"),
    (Shades, "render", lambda self, labels: torch.rand(4, 1, 8, 8), r"render` .* must return the same"),
    (Shades, "render", lambda self, labels: Shades.usual(self, labels.add_(0.0).clamp_(0.1)), r"render` .* must leave its"),
    (Shades, "render", lambda self, x: Shades.usual(self, x[:1].expand(len(x), 1)), r"render` .* the same image"),
    (Shades, "render", lambda self, x: Shades.usual(self, x).clone().requires_grad_(), r"render` .* without a grad"),
    (Shades, "draw_labels", lambda self, n, _: CHANCE.random((n, 1), np.float32), r"draw_labels` .* generator alone"),
    (Shades, "training_labels", lambda self: CHANCE.random((9, 1), np.float32), r"training_labels` .* return the same"),
    (Shades, "reader", lambda self: 3, r"reader` \(=3\) must return a Reader, or None"),
    (Eye, "outcomes", (), r"outcomes` \(=\(\)\) must be Outcomes, one at least"),
    (Eye, "outcomes", (Outcome("seen", "D", "#00aa00"),), r"outcomes` .* each with a phase, A, B, C or empty, and a colour"),
    (Eye, "outcomes", (Outcome("seen", "C", "green"),), r"outcomes` .* each with a phase, A, B, C or empty, and a colour"),
    (Eye, "read", lambda self, images: {"grey": images}, r"read` .* must return columns by name, \(4,\) each"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("owner", "name", "given", "message"), FAULTS, ids=[f"{one[0].__name__}.{one[1]}" for one in FAULTS]
)
def test_the_first_fault_is_named_by_class_and_method(owner, name, given, message, monkeypatch):
    monkeypatch.setattr(owner, name, given)
    with pytest.raises((ValueError, RunFailed), match=f"`{owner.__name__}.{message}"):
        check_world(Shades())


RANGES = {
    "training_labels": lambda self: 1500 * LABELS,
    "draw_labels": lambda self, n, rng: 100 * rng.random((n, 1), np.float32),
    "splits": lambda self: {"held": lambda n, rng: LABELS[:n] - 9},
}


@pytest.mark.parametrize("name", RANGES)
def test_labels_outside_the_factors_ranges_are_refused(name, monkeypatch):
    monkeypatch.setattr(Shades, name, RANGES[name])
    rule = rf"`Shades.{name}.*` must return labels of the world: `grey` \(=.*\) must lie in the world, from 0 to 1"
    with pytest.raises(UserError, match=rule):
        check_world(Shades())


def test_as_many_labels_are_drawn_as_are_asked_for(monkeypatch):
    monkeypatch.setattr(Shades, "draw_labels", lambda self, n, rng: rng.random((n // 2, 1), np.float32))
    rule = r"`Shades.draw_labels` \(=float32 of shape \(2, 1\)\) must return 4 labels if it is asked for them"
    with pytest.raises(UserError, match=rule):
        check_world(Shades())


def test_a_world_that_changes_torchs_default_dtype_is_refused(monkeypatch):
    def render(self, labels):
        torch.set_default_dtype(torch.float64)
        return Shades.usual(self, labels)

    monkeypatch.setattr(Shades, "render", render)
    try:
        with pytest.raises(
            (ValueError, RunFailed), match=r"`Shades.render` \(=torch.float64\) must leave torch's default"
        ):
            check_world(Shades())
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(("owner", "name"), [(Shades, "training_labels"), (Shades, "render"), (Eye, "read")])
def test_what_a_method_raises_is_named_with_its_line(owner, name, monkeypatch):
    monkeypatch.setattr(owner, name, fails)
    with pytest.raises(
        RunFailed, match=r"^`Shades` must render and read 4 labels: KeyError: .*test_own_world.py:\d+"
    ):
        check_world(Shades())


def test_a_run_of_a_faulty_world_is_refused_in_a_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        Path(__file__).read_text().replace("(2 * labels - 1)", "(9 * labels - 1)")
    )
    with pytest.raises(UserError, match=r"^`Shades.render` \(=8.0\) must return numbers in \[-1, 1\]$"):
        run_config({"world": {"kind": "mine.py:Shades"}, "network": {"widths": [8, 8]}})


def test_a_reader_of_a_finished_study_may_define_correct_by_its_earlier_name():
    class Earlier(Eye):
        def right(self, columns, labels):
            return labels > 0

    assert Earlier().correct({}, np.array([[1.0], [-1.0]])).tolist() == [[True], [False]]
    assert Eye.correct is not Earlier.correct
