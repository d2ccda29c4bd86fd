import json
import re

import numpy as np
import pytest

from phasescope import Score, measures
from phasescope.cli import main

RNG = np.random.default_rng(0)
LABELS = RNG.uniform(0, 32, (120, 2))
LATENTS = LABELS @ RNG.normal(size=(2, 9)) + 3 * RNG.normal(size=(120, 9))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "latents.npz"
    np.savez(
        path, latents=LATENTS, labels=LABELS, draws=LATENTS + RNG.normal(size=(3, 120, 9)), z=LATENTS[:, :4]
    )
    return path


def measured(capsys, *words: str) -> dict[str, Score]:
    """Return the scores that the command prints as JSON."""
    assert main(["measure", *words, "--json"]) == 0
    return {name: Score.from_dict(score) for name, score in json.loads(capsys.readouterr().out).items()}


def test_a_file_is_measured_as_its_arrays_are(file, capsys):
    battery = measures.battery(LATENTS, LABELS)
    assert {name: score.to_dict() for name, score in measured(capsys, str(file)).items()} == {
        name: score.to_dict() for name, score in battery.items()
    }
    assert "label_variance" not in battery
    scores = measured(capsys, str(file), "--latents", "z", "--only", "probe_r2")
    assert scores == {"probe_r2": measures.probe_r2(LATENTS[:, :4], LABELS)}


def test_several_draws_are_measured_as_such(file, capsys):
    scores = measured(capsys, str(file), "--latents", "draws", "--only", "probe_r2,label_variance")
    with np.load(file) as arrays:
        draws = arrays["draws"]
    assert scores["label_variance"] == measures.label_variance(draws)
    assert scores["probe_r2"] == measures.probe_r2(draws[0], LABELS)


def test_the_command_prints_a_table_and_the_same_as_json(file, capsys):
    assert main(["measure", str(file), "--only", "probe_r2,participation_ratio"]) == 0
    table = capsys.readouterr().out
    score = measures.probe_r2(LATENTS, LABELS)
    assert f"{score.value:.3f}" in table
    assert f"{score.low:.3f} to {score.high:.3f}" in table
    assert "permuted labels" in table
    assert score.estimator in table
    assert main(["measure", str(file), "--only", "probe_r2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"probe_r2": score.to_dict()}


def test_what_is_left_out_is_reported_beside_the_table_and_the_json(tmp_path, capsys):
    labels = RNG.uniform(size=(27, 3))
    latents = labels @ RNG.normal(size=(3, 6)) + 0.1 * RNG.normal(size=(27, 6))
    np.savez(tmp_path / "three.npz", latents=latents, labels=labels)
    assert main(["measure", str(tmp_path / "three.npz")]) == 0
    notes = " ".join(capsys.readouterr().err.split())
    assert "left out: additivity: `labels` (n=27) must be on a lattice" in notes
    assert main(["measure", str(tmp_path / "three.npz"), "--json"]) == 0
    printed = capsys.readouterr()
    scores = json.loads(printed.out)
    assert "probe_r2" in scores
    assert {"additivity", "left_out"}.isdisjoint(scores)
    assert "left out: additivity: " in printed.err
    assert main(["measure", str(tmp_path / "three.npz"), "--only", "additivity"]) == 2
    assert "must be on a lattice" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"latents": LATENTS}, r"\(arrays: latents\) must hold `labels`"),
        (
            {"latents": LATENTS, "labels": LABELS[:60]},
            r"`labels` \(shape \(60, 2\)\) must be \(n, K\) with n=120",
        ),
        ({"latents": LATENTS, "labels": LABELS[:, :0]}, r"`labels` \(shape \(120, 0\)\)"),
        ({"latents": LATENTS, "labels": LABELS[:, 0]}, r"`labels` \(shape \(120,\)\)"),
        ({"latents": np.where(LATENTS > 5, np.nan, LATENTS), "labels": LABELS}, "not finite"),
        ({"latents": np.ones((120, 3)), "labels": LABELS}, "each feature is constant"),
        ({"latents": LATENTS, "labels": np.ones((120, 2))}, r"label1=1 in each row\) must vary"),
        ({"latents": LATENTS[:3], "labels": LABELS[:3]}, r"`latents` \(n=3\) must have at least"),
        ({"latents": LATENTS.astype(object), "labels": LABELS}, "Object arrays cannot be loaded"),
        ({"latents": np.array(["a", "b"]), "labels": LABELS}, "`latents` .* must hold real numbers"),
    ],
)
def test_bad_input_in_a_file_is_told_in_one_line(arrays, message, tmp_path, capsys):
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)
    assert main(["measure", str(path)]) == 2
    error = capsys.readouterr().err
    assert re.search(message, error)
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["FILE", "--step", "5"],
            "`--step` (=5) must be left out for a file: it chooses a snapshot of a run",
        ),
        (
            ["run", "--latents", "z"],
            "`--latents` (=z) must be left out for a run: it describes a file's arrays",
        ),
        (
            ["run", "--span", "32"],
            "`--span` (=32.0) must be left out for a run: it describes a file's arrays",
        ),
        (
            ["run", "--categorical", "x"],
            "`--categorical` (=x) must be left out for a run: it describes a file's arrays",
        ),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(words, message, file, capsys):
    given = [str(file) if word == "FILE" else word for word in words]
    assert main(["measure", *given]) == 2
    assert capsys.readouterr().err == f"phasescope: {message}\n"
