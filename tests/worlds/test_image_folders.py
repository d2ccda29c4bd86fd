"""Folders of PNG or JPEG files with metadata, and npz files with a column for each factor."""

import hashlib
import json
import shutil
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from helpers.commands import call
from helpers.squares import COLOURS, drawn_squares, write_squares
from phasescope import UserError, load_config
from phasescope.worlds import ImageWorld
from phasescope.worlds.images.pictures import of_one_size

FIELDS = {"names": ["x", "y", "colour"], "tolerance": {"x": 1.0, "y": 1.0}}


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_squares(tmp_path / "squares", n=24)


def world_of(folder: Path, **fields) -> ImageWorld:
    return ImageWorld.from_tree({"file": str(folder), **FIELDS, **fields})


def refused(folder: Path, **fields) -> str:
    with pytest.raises(UserError) as caught:
        world_of(folder, **fields)
    return str(caught.value)


def change_line(path: Path, number: int, line: str) -> None:
    lines = path.read_text().splitlines()
    lines[number - 1] = line
    path.write_text("\n".join(lines) + "\n")


def test_each_row_of_the_metadata_is_answered_by_its_own_file(folder):
    world = world_of(folder)
    images, xy, colours = drawn_squares(24)
    assert world.shape == (3, 32, 32)
    assert [(factor.name, factor.categorical) for factor in world.factors] == [
        ("x", False),
        ("y", False),
        ("colour", True),
    ]
    assert world.factors[2].classes == ("blue", "green", "red")
    for k in (0, 7, 23):
        label = [*xy[k].round(3), sorted(COLOURS).index(colours[k])]
        shown = world.render(torch.tensor([label], dtype=torch.float32))[0].numpy()
        np.testing.assert_allclose(shown, images[k].transpose(2, 0, 1) / 127.5 - 1, atol=1e-6)


@pytest.mark.parametrize("form", ["csv", "jsonl", "columns", "words"])
def test_every_form_of_the_same_data_is_the_same_world(folder, form, tmp_path):
    world, other = world_of(folder), tmp_path / "other"
    images, xy, colours = drawn_squares(24)
    if form == "columns":
        x, y = xy.round(3).T
        np.savez(tmp_path / "other.npz", images=images, x=x, y=y, colour=colours)
        other = tmp_path / "other.npz"
    elif form == "words":
        again = ImageWorld.from_arrays(images, np.column_stack([xy.round(3).astype(str), colours]), **FIELDS)
    else:
        write_squares(other, n=24, form=form, within="images")
    again = again if form == "words" else world_of(other)
    assert again.factors == world.factors
    labels = torch.from_numpy(world.training_labels())
    assert torch.equal(again.render(labels), world.render(labels))


def test_names_choose_columns_and_their_order(folder):
    assert world_of(folder, names=["colour", "x"], tolerance={}).factors.names == ("colour", "x")
    assert ImageWorld(file=str(folder)).factors.names == ("x", "y", "colour")
    rule = r"`names` (=color) must be a column of the data: x, y, colour; the most similar one is colour"
    assert rule in refused(folder, names=["x", "color"])


def test_classes_can_be_given_an_order_and_a_hidden_factor_and_a_period_named(folder):
    order = ("red", "green", "blue")
    world = world_of(folder, classes={"colour": order}, hidden=["y"], periodic=["x"], span={"x": 32.0})
    assert world.factors[2].classes == order
    assert world.factors.visible.names == ("x", "colour")
    assert (world.factors[0].periodic, world.factors[0].span) == (True, 32.0)
    assert world.factors[1].span == pytest.approx(np.ptp(drawn_squares(24)[1][:, 1].round(3)))
    change_line(folder / "metadata.csv", 2, "0000.png,1,2,bleu")
    rule = "`colour` (=bleu, line 2 of metadata.csv) must be one of its classes: red, green"
    assert rule in refused(folder, classes={"colour": ["red", "green"]})
    assert "`span` (=None) must be given if `periodic`" in refused(folder, periodic=["x"])
    assert "`span` (=z) must be one of the factors: x, y, colour" in refused(folder, span={"z": 3.0})


def test_a_folder_of_each_class_needs_no_metadata(folder, tmp_path):
    _, _, colours = drawn_squares(24)
    for k, colour in enumerate(colours):
        (tmp_path / "classes" / colour).mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / f"{k:04}.png", tmp_path / "classes" / colour)
    world = ImageWorld(file=str(tmp_path / "classes"))
    assert world.factors.visible[0].classes == ("blue", "green", "red")
    assert world.factors.visible.names == ("class",)
    assert len(world.training_labels()) == 24


def test_the_sha256_of_a_folder_is_that_of_the_lines_of_sha256sum(folder):
    names = sorted(path.name for path in folder.iterdir())
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "notes.txt").write_text("not named by the metadata")
    assert world_of(folder).sha256 == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_the_identity_is_that_of_the_contents_wherever_they_lie(folder, tmp_path, monkeypatch):
    words = ["world.kind=images", "world.names=[x, y, colour]", "network.widths=[8, 8]"]
    config = load_config(overrides=[*words, f"world.file={folder}"])
    moved = shutil.move(folder, tmp_path / "disk" / "squares2")
    assert load_config(overrides=[*words, f"world.file={moved}"]).folder == config.folder

    with pytest.raises(
        UserError, match=r"`world.file` \(=.*squares\) cannot be read: there is nothing there; --data"
    ):
        type(config).from_tree(config.tree())
    for place in (tmp_path / "disk", tmp_path / "disk" / "squares2"):
        monkeypatch.setenv("PHASESCOPE_DATA", str(place))
        assert type(config).from_tree(config.tree()).world.data.images.shape == (24, 3, 32, 32)
    by_content = load_config(overrides=[*words, f"world.sha256={config.world.sha256}"])
    assert (by_content.folder, by_content.world.file) == (config.folder, str(moved))

    change_line(Path(moved) / "metadata.csv", 2, "0000.png,1,2,red")
    other = load_config(overrides=[*words, f"world.file={moved}"])
    assert other.folder != config.folder
    with pytest.raises(
        UserError, match=f"must be the data of SHA-256 {config.world.sha256}, and is of {other.world.sha256}"
    ):
        type(config).from_tree({**config.tree(), "world": {**config.tree()["world"], "file": str(moved)}})


def test_a_run_of_the_earlier_kind_keeps_its_identity(tmp_path):
    np.savez(tmp_path / "images.npz", images=drawn_squares(24)[0], labels=np.arange(24))
    file = str(tmp_path / "images.npz")
    config = load_config(overrides=["world.kind=arrays", f"world.file={file}", "network.widths=[8, 8]"])
    assert config.identity()["world"] == {"kind": "arrays", "file": file}
    assert config.world.sha256 is None


def test_images_are_resized_when_asked_and_the_world_says_so(folder):
    with Image.open(folder / "0003.png") as picture:
        picture.resize((48, 32)).save(folder / "0003.png")
    rule = "`resize` (=None) must be given, for images must be of one size: there are 32 x 32 px (23 images), 48 x 32 px (1"
    assert rule in refused(folder)
    assert "; 0003.png (line 5 of metadata.csv) is 48 x 32 px; resize=32 makes" in refused(folder)
    world = world_of(folder, resize=16)
    assert world.shape == (3, 16, 16)
    said = (
        "resized to 16 x 16 px from 32 x 32 px (23 images), 48 x 32 px (1 image), the middle square of each"
    )
    assert said in world.sentence()
    whole = world_of(folder, resize=32)  # those that have the size stay as they are
    label = torch.from_numpy(whole.data.labels[:1])
    np.testing.assert_allclose(
        whole.render(label)[0].numpy(), drawn_squares(24)[0][0].transpose(2, 0, 1) / 127.5 - 1, atol=1e-6
    )
    # Halving averages 2 x 2 px, but for what the triangle takes of their neighbours: the mean stays.
    half = world.render(label)[0]
    assert half.mean().item() == pytest.approx(whole.render(label)[0].mean().item(), abs=0.01)


def test_gray_and_colour_are_as_they_are_unless_asked_otherwise(folder):
    assert world_of(folder, channels="gray").shape == (1, 32, 32)
    with Image.open(folder / "0003.png") as picture:
        picture.convert("L").save(folder / "0003.png")
    rule = "`channels` (=None) must be given: gray images: 1, RGB images: 23; channels=rgb or channels=gray"
    assert rule in refused(folder)
    assert world_of(folder, channels="rgb").shape == (3, 32, 32)
    images = drawn_squares(24)[0]
    gray = ImageWorld.from_arrays(images, np.arange(24.0), channels="gray").data.images
    luma = np.array(Image.fromarray(images[0]).convert("L"))
    assert np.abs(gray[0, 0].astype(int) - luma).max() <= 1


def test_jpeg_and_palettes_are_read_too(folder):
    for k, form in ((0, "JPEG"), (1, "PNG")):
        with Image.open(folder / f"000{k}.png") as picture:
            (picture.convert("P") if k else picture).save(folder / f"000{k}.png", format=form)
    world = world_of(folder)
    images, xy, colours = drawn_squares(24)
    label = [*xy[0].round(3), sorted(COLOURS).index(colours[0])]
    shown = world.render(torch.tensor([label], dtype=torch.float32))[0].numpy()
    assert np.abs(shown - (images[0].transpose(2, 0, 1) / 127.5 - 1)).mean() < 0.1


def _missing(folder):
    (folder / "0003.png").unlink()


def _corrupt(folder):
    (folder / "0003.png").write_bytes((folder / "0003.png").read_bytes()[:90])


def _text(folder):
    (folder / "0003.png").write_text("no image")


def _line(number, line):
    return lambda folder: change_line(folder / "metadata.csv", number, line)


def _one_class(folder):
    text = (folder / "metadata.csv").read_text()
    rows = [line.split(",") for line in text.splitlines()]
    lines = [f"{cells[0]},{'colour' if k == 0 else 'red'}" for k, cells in enumerate(rows)]
    (folder / "metadata.csv").write_text("\n".join(lines))


def _transparent(folder):
    with Image.open(folder / "0003.png") as picture:
        picture.putalpha(100)
        picture.save(folder / "0003.png")


def _deep(folder):
    Image.fromarray(np.full((32, 32), 40_000, np.uint16)).save(folder / "0003.png")


def _link(folder):
    (folder.parent / "elsewhere.png").write_bytes((folder / "0003.png").read_bytes())
    (folder / "0003.png").unlink()
    (folder / "0003.png").symlink_to(folder.parent / "elsewhere.png")


WRONG = {
    "a missing file": (_missing, "`file_name` (=0003.png, line 5 of metadata.csv) must be a file in"),
    "a torn PNG": (_corrupt, "0003.png` cannot be read"),
    "no image": (_text, "0003.png` cannot be read: UnidentifiedImageError"),
    "a path that leaves the folder": (_line(5, "../x.png,1,2,red"), "(=../x.png, line 5 of metadata.csv) must lie in"),
    "an absolute path": (_line(5, "/etc/passwd,1,2,red"), "(=/etc/passwd, line 5 of metadata.csv) must lie in the folder"),
    "a link that leaves the folder": (_link, "(=0003.png, line 5 of metadata.csv) must lie in the folder"),
    "no name": (_line(5, ",1,2,red"), "(='nothing', line 5 of metadata.csv) must name an image"),
    "a file named twice": (_line(5, "0000.png,1,2,red"), "(=0000.png, line 5 of metadata.csv) must be named once"),
    "NaN": (_line(5, "0003.png,nan,2,red"), "`x` (=nan, line 5 of metadata.csv) must be finite"),
    "an empty cell": (_line(5, "0003.png,1,,red"), "`y` (=nothing, line 5 of metadata.csv) must be given"),
    "a word among numbers": (_line(5, "0003.png,wide,2,red"), "`x` (=wide, line 5 of metadata.csv) must be a number"),
    "a cell too few": (_line(5, "0003.png,1,2"), "(=3 cells in line 5) must have 4"),
    "another heading": (_line(1, "filename,x,y,colour"), "must have the column file_name; the most similar one is filename"),
    "a heading twice": (_line(1, "file_name,x,x,colour"), "(=x in its heading) must name each column once"),
    "one class": (_one_class, "(=colour=red in each row) must vary"),
    "transparency": (_transparent, "it is partly transparent"),
    "16 bits": (_deep, "it has more than 8 bits a channel"),
    "two tables": (lambda folder: (folder / "metadata.jsonl").write_text("{}"), "must have one of them"),
    "no table": (lambda folder: (folder / "metadata.csv").unlink(), "must hold metadata.csv or metadata.jsonl"),
    "no rows": (lambda folder: (folder / "metadata.csv").write_text("file_name,x\n"), "(=no rows)"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_folder_is_refused_in_one_line(change, said, folder, tmp_path):
    change(folder)
    outcome = call(["train", "world.kind=images", f"world.file={folder}", "--runs", str(tmp_path / "runs")])
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert said in outcome.err
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "(=line 3) must be JSON"),
        ("[1]", "(=line 3) must be a mapping"),
        (json.dumps({"file_name": "0002.png", "x": None, "y": 1, "colour": "red"}), "`x` (=nothing, line 3 of"),
        (json.dumps({"file_name": "0002.png", "y": 1, "colour": "red"}), "`x` (=nothing, line 3 of metadata.jsonl)"),
        (json.dumps({"file_name": 7, "x": 1, "y": 1, "colour": "red"}), "must name an image"),
    ],
)  # fmt: skip
def test_wrong_lines_of_json_are_refused(line, said, tmp_path):
    folder = write_squares(tmp_path / "squares", n=24, form="jsonl")
    change_line(folder / "metadata.jsonl", 3, line)
    assert said in refused(folder, names=None, tolerance={})


def test_captions_are_no_classes(folder):
    lines = (folder / "metadata.csv").read_text().splitlines()
    texts = ["caption", *(f"a square {k}" for k in range(24))]
    (folder / "metadata.csv").write_text(
        "\n".join(f"{line},{text}" for line, text in zip(lines, texts, strict=True))
    )
    assert "`caption` (=24 different words for 24 images) must be classes" in refused(folder, names=None)
    assert world_of(folder).factors.names == ("x", "y", "colour")


def test_data_are_read_again_when_a_file_changes(folder):
    assert len(world_of(folder).data.labels) == 24
    lines = (folder / "metadata.csv").read_text().splitlines()
    (folder / "metadata.csv").write_text("\n".join(lines[:-1]))
    assert len(world_of(folder).data.labels) == 23


def test_large_pictures_that_are_made_small_are_never_in_memory_together():
    """A folder of photographs takes the memory of one of them, not of all."""
    alive: list[weakref.ref] = []
    most = 0

    def pictures() -> Iterator[np.ndarray]:
        nonlocal most
        for value in range(12):
            picture = np.full((3, 512, 512), value, dtype=np.uint8)
            alive.append(weakref.ref(picture))
            most = max(most, sum(held() is not None for held in alive))
            yield picture

    squares, said = of_one_size(pictures(), 16)
    assert most <= 2
    assert squares.shape == (12, 3, 16, 16)
    assert squares[:, 0, 0, 0].tolist() == [*range(12)]
    assert said.startswith("resized to 16 x 16 px from")
