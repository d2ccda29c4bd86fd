"""Training on images that their owner has: in memory, in a folder, and when they have moved."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from helpers.commands import call
from helpers.squares import drawn_squares, write_squares
from helpers.training_runs import TINY, run_config
from phasescope import Run, UserError, find_run, train
from phasescope.worlds import ImageWorld

FIELDS = {"names": ["x", "y", "colour"], "tolerance": {"x": 2.0, "y": 2.0}}
SMALL = {
    **TINY,
    "probing": {**TINY["probing"], "images": {"trained": 16}},
    "training": {**TINY["training"], "steps": 4, "warmup": 1},
}


def config_with(world: ImageWorld, **fields):
    tree = {name: value for name, value in SMALL.items() if name != "world"}
    return run_config({**tree, "world": world.tree_with_kind(), **fields})


def tree_without_world():
    base = run_config({name: value for name, value in SMALL.items() if name not in ("world", "probing")})
    return base.tree() | {"probing": SMALL["probing"]}


@pytest.fixture
def world() -> ImageWorld:
    images, xy, colours = drawn_squares(70)
    labels = np.column_stack([xy.round(3), np.unique(colours, return_inverse=True)[1]])
    return ImageWorld.from_arrays(
        images, labels, classes={"colour": ["blue", "green", "red"]}, resize=16, **FIELDS
    )


def test_arrays_in_memory_are_trained_on_and_kept_with_the_run(world, tmp_path):
    base = tree_without_world()
    run = train(base, tmp_path / "runs", world=world, progress=False)
    assert run.status["state"] == "done"
    assert (run.path / "world.npz").is_file()
    assert "resized to 16 x 16 px from 32 x 32 px (70 images)" in run.about["sentence"]
    assert len(list((tmp_path / "runs").iterdir())) == 1, "nothing else is left there"

    again = train(base, tmp_path / "runs", world=world, progress=False)
    assert again.path == run.path
    other = ImageWorld.from_arrays(1 - world.data.images / 255, world.data.labels)
    assert train(base, tmp_path / "runs", world=other, progress=False).path != run.path

    moved = shutil.move(tmp_path / "runs", tmp_path / "elsewhere")
    images = Run(Path(moved) / run.path.name).sample(world.data.labels[:2])
    assert images.shape == (2, 3, 16, 16)
    assert call(["export", run.name, "--runs", str(moved), "--archive", str(tmp_path / "run.zip")]).code == 0
    assert call(["import", str(tmp_path / "run.zip"), "--runs", str(tmp_path / "imported")]).code == 0
    assert find_run(run.name, tmp_path / "imported").sample(world.data.labels[:2]).shape == (2, 3, 16, 16)


def test_labels_name_their_classes(world, tmp_path):
    run = train(tree_without_world(), tmp_path, world=world, progress=False)
    numbers = np.array([[12, 20, 2], [12, 20, 0]])
    names = [[12, 20, "red"], [12, 20, "blue"]]
    np.testing.assert_array_equal(run.sample(names), run.sample(numbers))
    np.testing.assert_array_equal(run.sample(names[0]), run.sample(numbers[0]))
    patched = run.sample(numbers, patch={"mid": names[1]})
    np.testing.assert_array_equal(patched, run.sample(numbers, patch={"mid": numbers[1]}))
    np.testing.assert_array_equal(run.trajectory(names).x_0, run.trajectory(numbers).x_0)
    x, y, colour = world.data.labels[0]
    own = [[x, y, world.factors[2].class_name(colour)]]
    np.testing.assert_array_equal(
        run.activations("mid.30", own), run.activations("mid.30", world.data.labels[:1])
    )

    with pytest.raises(
        UserError, match=r"^`colour` \(=rad\) must be one of its classes: .*similar one is red$"
    ):
        run.activations("mid.30", [[12, 20, "rad"]])
    with pytest.raises(UserError, match=r"^`labels` \(=12, red\) must give x,y,colour: 3 values$"):
        run.sample([12, "red"])

    words = ["sample", run.name, "--runs", str(tmp_path), "--count", "1", "--patch", "mid=12,20,blue"]
    for name, at in (("names", "12,20,red"), ("numbers", "12,20,2")):
        assert call([*words, "--at", at, "--out", str(tmp_path / f"{name}.npz")]).code == 0
    by_name, by_number = (np.load(tmp_path / f"{name}.npz") for name in ("names", "numbers"))
    np.testing.assert_array_equal(by_name["labels"], [[12, 20, 2]])
    np.testing.assert_array_equal(by_name["images"], by_number["images"])
    refused = call([*words, "--at", "12,20,rad"])
    assert refused.code == 2
    assert "`--at` (=12,20,rad): `colour` (=rad) must be one of its classes: blue, green, red" in refused.err


@pytest.mark.slow
def test_a_run_finds_its_folder_of_images_by_their_sha256(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = write_squares(Path("squares"), n=70)
    config = config_with(ImageWorld.from_tree({"file": str(folder), **FIELDS}))
    Path("tiny.yaml").write_text(yaml.safe_dump(config.tree()))
    assert call(["train", "tiny.yaml"]).code == 0
    run = Run(Path("runs") / config.folder)
    assert run.sources == {}, "the configuration has the SHA-256 itself"

    Path("disk").mkdir()
    shutil.move("squares", "disk/other name")
    words = ["sample", run.name, "--at", "12,12,0", "--count", "2", "--out", "two.npz"]
    refused = call(words)
    assert refused.code == 2
    assert (
        "`world.file` (=squares) cannot be read: there is nothing there; --data names another place"
        in refused.err
    )
    for place in (["--data", "disk"], ["--data=disk/other name"]):
        assert call([*words, *place]).code == 0
        assert len(np.load("two.npz")["images"]) == 2
    assert call([*words, "--data", "nowhere"]).code == 2
    assert call(words).code == 2, "a place is of one command"

    # The same run, though its images lie elsewhere now.
    before = run.metrics
    done = call(["train", "tiny.yaml", "--data", "disk"])
    assert (done.code, done.err.count("Traceback")) == (0, 0)
    assert run.metrics == before
    assert len(list(Path("runs").iterdir())) == 1

    (Path("disk") / "other name" / "0003.png").write_bytes(
        (Path("disk") / "other name" / "0004.png").read_bytes()
    )
    changed = call([*words, "--data", "disk/other name"])
    assert changed.code == 2
    assert f"of SHA-256 {config.world.sha256}, and is of" in changed.err


@pytest.mark.slow
def test_importing_opens_no_folder_that_an_archive_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = write_squares(Path("squares"), n=70)
    config = config_with(ImageWorld.from_tree({"file": str(folder), **FIELDS}))
    run = train(config, Path("runs"), progress=False)
    assert call(["export", run.name, "--archive", "run.zip"]).code == 0
    shutil.rmtree("squares")
    assert call(["import", "run.zip", "--runs", "imported"]).code == 0
    with pytest.raises(UserError, match="there is nothing there; --data names another place"):
        find_run(run.name, Path("imported")).sample(np.array([[12, 12, 0]]))
