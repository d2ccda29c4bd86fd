"""The script that trains a ControlNet of diffusers with the meter in its loop."""

from pathlib import Path

import pandas as pd
import pytest
import torch

import phasescope
from examples import controlnet_meter as script

SMALL = ("--unet-steps", "4", "--every", "2", "--size", "8", "--device", "cpu")


def test_an_invalid_argument_is_refused_in_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()
    for words, reason in (
        (("--steps", "0"), "--steps (=0) must be at least 1"),
        (("--size", "9"), "--size (=9) must be even: the U-Net halves it"),
        (("--device", "abacus"), "--device (=abacus) cannot be used: "),
        (("--out", str(tmp_path / "file")), "must be a folder: "),
    ):
        assert script.main(["--out", str(tmp_path / "out"), *words]) == 2
        error = capsys.readouterr().err
        assert reason in error
        assert error.count("\n") == 1


def test_a_circle_s_outline_surrounds_it():
    circles = script.draw_circles(50, torch.Generator().manual_seed(0))
    images, conditions = script.filled(circles, 16), script.outlines(circles, 16)
    assert images.shape == (50, 1, 16, 16)
    assert conditions.shape == (50, 1, 32, 32)

    area = (images > 0).flatten(1).sum(1).double()
    torch.testing.assert_close(area, torch.pi * (16 * circles[:, 2].double()) ** 2, rtol=0.4, atol=0)
    x = (conditions.double() * (torch.arange(32) + 0.5)).flatten(1).sum(1) / conditions.double().flatten(
        1
    ).sum(1)
    torch.testing.assert_close(x, 32 * circles[:, 0].double(), rtol=0, atol=0.5)


def test_a_sample_follows_where_its_circle_is():
    circles = script.draw_circles(50, torch.Generator().manual_seed(0))
    images = script.filled(circles, 16)
    assert script.share_that_follows(images, circles) == 1
    assert script.share_that_follows(images.roll(7, 0), circles) < 0.3
    assert script.share_that_follows(-torch.ones_like(images), circles) == 0


def test_its_sentence_counts_what_holds_up_to_the_end():
    steps = pd.Series([0, 100, 200, 300])
    assert script.first_for_good(steps, pd.Series([False, True, True, True])) == "100"
    assert script.first_for_good(steps, pd.Series([True, False, True, True])) == "200"
    assert script.first_for_good(steps, pd.Series([True, True, True, False])) == "none"
    assert "train longer" in script.sentence_of(pd.DataFrame({"step": steps}))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of diffusers
def test_a_training_that_was_stopped_ends_bitwise_as_one_that_was_not(tmp_path: Path, capsys, monkeypatch):
    pytest.importorskip("diffusers")
    monkeypatch.setattr(script, "PAIRS", 16)
    monkeypatch.setattr(script, "SAMPLES", 4)
    monkeypatch.setattr(script, "SAMPLING_STEPS", 2)
    at_once, stopped = tmp_path / "at_once", tmp_path / "stopped"
    assert script.main([*SMALL, "--steps", "4", "--out", str(at_once)]) == 0

    def stop(self):
        if self.purpose == 2 and self.step == 3:
            raise KeyboardInterrupt
        return take_step(self)

    take_step = script.Training.take_step
    monkeypatch.setattr(script.Training, "take_step", stop)
    assert script.main([*SMALL, "--steps", "4", "--out", str(stopped)]) == 130
    assert "the same command resumes" in capsys.readouterr().err
    monkeypatch.setattr(script.Training, "take_step", take_step)
    assert script.main([*SMALL, "--steps", "4", "--out", str(stopped)]) == 0

    tables = [pd.read_csv(folder / "controlnet.csv").drop(columns="wall_s") for folder in (at_once, stopped)]
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    assert list(tables[0]["step"]) == [0, 2, 4]
    meters = [phasescope.ConditionMeter.load(folder / "meter.safetensors") for folder in (at_once, stopped)]
    pd.testing.assert_frame_equal(*(meter.frame() for meter in meters), check_exact=True)
    advantages = [[band.advantage.value for band in reading.bands] for reading in meters[0].readings]
    assert not any(advantages[0])  # the convolutions that join it begin at zero
    assert all(advantages[2])

    weights = [
        torch.load(folder / "control.pt", weights_only=True)["weights"] for folder in (at_once, stopped)
    ]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert (at_once / "controlnet.png").stat().st_size > 10_000

    assert script.main([*SMALL, "--steps", "4", "--seed", "1", "--out", str(stopped)]) == 2
    assert "--seed (=1) must be 0" in capsys.readouterr().err
    (stopped / "unet.pt").write_bytes(b"torn")
    assert script.main([*SMALL, "--steps", "4", "--out", str(stopped)]) == 2
    assert "cannot be read" in capsys.readouterr().err
