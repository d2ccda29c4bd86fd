import numpy as np
import pytest
import torch

from phasescope import UserError, load_config
from phasescope.worlds import ImageWorld

RNG = np.random.default_rng(0)
LABELS = np.array([[x, 5.0, y] for x in range(4) for y in (0.0, 0.1, 0.2)])
IMAGES = RNG.random((12, 8, 8))


def dsprites(path, n=40):
    """A file in dSprites' published layout, metadata and all, but small."""
    values = np.column_stack(
        [np.ones(n), RNG.integers(1, 4, n), RNG.choice([0.5, 1.0], n), *RNG.random((3, n))]
    )
    images = RNG.integers(0, 2, (n, 16, 16), dtype=np.uint8)
    np.savez(
        path,
        imgs=images,
        latents_values=values,
        latents_classes=np.zeros((n, 6), int),
        metadata=np.array({"date": "April 2017"}, dtype=object),
    )
    return images, values


def test_each_label_is_answered_by_its_image_in_any_order():
    world = ImageWorld.from_arrays(IMAGES, LABELS)
    order = RNG.permutation(12)
    images = world.render(torch.from_numpy(world.data.labels[order]))
    assert images.shape == (12, 1, 8, 8)
    assert images.dtype == torch.float32
    np.testing.assert_allclose(images[:, 0], 2 * IMAGES[order] - 1, atol=1e-6)


def test_a_factor_that_never_varies_is_left_out():
    world = ImageWorld.from_arrays(IMAGES, LABELS, names=["x", "size", "y"], periodic=["x"], span=[4, 1, 0.2])
    assert [factor.name for factor in world.factors] == ["x", "y"]
    assert [factor.periodic for factor in world.factors] == [True, False]
    assert [factor.span for factor in world.factors] == pytest.approx([4, 0.2])
    assert world.data.labels.shape == (12, 2)


@pytest.mark.parametrize("layout", ["last", "first"])
def test_colours_come_first_whatever_the_layout(layout):
    images = RNG.random((5, 8, 8, 3))
    given = images if layout == "last" else images.transpose(0, 3, 1, 2)
    world = ImageWorld.from_arrays(given, np.arange(5)[:, None])
    assert world.shape == (3, 8, 8)
    rendered = world.render(torch.arange(5.0)[:, None])
    np.testing.assert_allclose(rendered, 2 * images.transpose(0, 3, 1, 2) - 1, atol=1e-6)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.array([0, 255], np.uint8), [-1, 1]),
        (np.array([0, 1], np.uint8), [-1, 1]),
        (np.array([0.0, 1.0]), [-1, 1]),
        (np.array([-0.5, 1.0]), [-0.5, 1]),
    ],
)
def test_every_scale_becomes_minus_one_to_one(given, expected):
    world = ImageWorld.from_arrays(np.broadcast_to(given[:, None, None], (2, 4, 4)), np.array([[0.0], [1.0]]))
    assert world.render(torch.tensor([[0.0], [1.0]]))[:, 0, 0, 0].tolist() == pytest.approx(expected)


def test_dsprites_layout_is_known_and_its_metadata_never_unpickled(tmp_path):
    images, values = dsprites(tmp_path / "dsprites.npz")
    world = ImageWorld(file=str(tmp_path / "dsprites.npz"))
    assert [factor.name for factor in world.factors] == ["shape", "scale", "orientation", "x", "y"]
    orientation = world.factors[2]
    assert orientation.periodic
    assert orientation.span == pytest.approx(2 * np.pi)
    labels = torch.from_numpy(values[:, 1:].astype(np.float32))
    np.testing.assert_allclose(world.render(labels)[:, 0], 2.0 * images - 1)


def test_shapes3d_layout_is_known(tmp_path):
    shape = RNG.integers(0, 4, 30)
    values = np.column_stack([RNG.choice(np.arange(10) / 10, (30, 3)), RNG.random(30), shape, RNG.random(30)])
    np.savez(tmp_path / "3dshapes.npz", images=RNG.integers(0, 256, (30, 16, 16, 3), np.uint8), labels=values)
    world = ImageWorld(file=str(tmp_path / "3dshapes.npz"))
    assert [factor.periodic for factor in world.factors] == [True, True, True, False, False, False]
    assert [factor.span for factor in world.factors][:3] == pytest.approx([1, 1, 1])
    assert world.shape[0] == 3


def test_a_part_of_a_large_file_is_the_same_part_each_time(tmp_path):
    dsprites(tmp_path / "dsprites.npz")
    file = str(tmp_path / "dsprites.npz")
    one, again, other = (ImageWorld(file=file, limit=10, draw=seed) for seed in (0, 0, 1))
    assert len(one.data.labels) == 10
    assert np.array_equal(one.data.labels, again.data.labels)
    assert not np.array_equal(one.data.labels, other.data.labels)


def test_labels_to_probe_are_of_different_images():
    world = ImageWorld.from_arrays(IMAGES, LABELS)
    labels = world.draw_labels(12, np.random.default_rng(0))
    assert np.any(np.diff(labels[:, 0]) < 0), "the first ones are those of the file"
    assert len(np.unique(labels, axis=0)) == 12
    world.render(torch.from_numpy(labels))
    assert len(world.draw_labels(13, np.random.default_rng(0))) == 12  # it has no more


def test_every_image_of_a_label_is_trained_on():
    images = RNG.random((40, 8, 8))
    world = ImageWorld.from_arrays(
        images, RNG.permutation(np.arange(40) % 3), names=["digit"], categorical=["digit"]
    )
    labels = world.training_labels()
    np.testing.assert_allclose(world.render(torch.from_numpy(labels))[:, 0], 2 * images - 1, atol=1e-6)
    assert world.factors.visible.names == ("digit",)
    assert len(world.factors.visible_columns(labels)[0]) == 1
    assert len(np.unique(world.draw_labels(40, np.random.default_rng(0)), axis=0)) == 40


def test_a_label_is_completed_to_each_of_its_images():
    classes = np.repeat([0, 1, 2], 4)
    world = ImageWorld.from_arrays(IMAGES, classes, names=["digit"], categorical=["digit"])
    full = world.complete(np.full((200, 1), 1, np.float32), np.random.default_rng(0))
    assert (world.factors.visible_columns(full) == 1).all()
    shown = np.unique(world.render(torch.from_numpy(full)).numpy(), axis=0)
    expected = np.unique((2 * IMAGES[classes == 1] - 1).astype(np.float32)[:, None], axis=0)
    np.testing.assert_allclose(shown, expected, atol=1e-6)
    with pytest.raises(ValueError, match=r"`labels` \(=\[7.0\]\) must be in the data set"):
        world.complete(np.array([[7.0]], np.float32), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("labels", "more", "rule"),
    [
        ([0, 1.5, 2], {"categorical": ["digit"]}, r"`labels` \(digit=1.5\) must be whole numbers, as classes are"),
        ([0, 1, 2], {"classes": {"digit": ["a", "b"]}}, r"`classes` \(=a, b\) must be 3 different names: digit is from"),
        ([0, 1, 2], {"classes": {"digit": ["a", "b", "a"]}}, r"`classes` \(=a, b, a\) must be 3 different names"),
        ([0, 1, 2], {"classes": {"letter": ["a", "b", "c"]}}, r"`classes` \(=letter\) must be one of the factors: digit"),
        ([0, 1, 2], {"hidden": ["slant"]}, r"`hidden` \(=slant\) must be one of the factors: digit"),
        ([0, 1, 2], {"hidden": ["digit"]}, r"`hidden` \(=digit\) must leave a factor that varies"),
    ],
)  # fmt: skip
def test_classes_and_hidden_factors_that_do_not_fit_are_refused(labels, more, rule):
    with pytest.raises(UserError, match=rule):
        ImageWorld.from_arrays(IMAGES[:3], np.array(labels), names=["digit"], **more)


def test_a_label_without_an_image_is_refused():
    world = ImageWorld.from_arrays(IMAGES, LABELS)
    with pytest.raises(ValueError, match=r"`labels` \(=\[0.5, 0.0\]\) must be in the data set"):
        world.render(torch.tensor([[0.5, 0.0]]))


def test_it_is_a_kind_of_world_by_its_file_and_its_factors_words(tmp_path):
    labels = np.array([[x, 5.0, y] for x in range(4) for y in range(6)])
    np.savez(tmp_path / "mine.npz", images=RNG.random((24, 8, 8)), labels=labels)
    words = [
        "world.kind=arrays", f"world.file={tmp_path / 'mine.npz'}", "world.names=[x, size, colour]",
        "world.categorical=[colour]", "world.periodic=[x]", "world.span=[4, 1, 5]", "network.widths=[8, 8]",
    ]  # fmt: skip
    config = load_config(overrides=words)
    x, colour = config.world.factors
    assert (x.name, x.span, x.periodic) == ("x", 4.0, True)
    assert colour.categorical
    assert not config.world.continuous
    assert list(config.world.splits()) == ["trained"]
    assert config.world.reader().outcomes[-1].name == "nearest to requested"
    assert type(config).from_tree(config.tree()) == config
    with pytest.raises(
        UserError, match=r"`world.categorical` \(=hue\) must be one of the factors: x, size, colour"
    ):
        load_config(overrides=[word.replace("[colour]", "[hue]") for word in words])
    with pytest.raises(UserError, match=r"`world.file` \(=\) must be given"):
        load_config(overrides=["world.kind=arrays"])


@pytest.mark.parametrize("scale", ["bytes", "shares"])
def test_saved_it_is_the_same_world(tmp_path, scale):
    images = np.round(255 * IMAGES).astype(np.uint8) if scale == "bytes" else IMAGES
    world = ImageWorld.from_arrays(
        images, LABELS * [1, 1, 10], ["x", "size", "y"], periodic=["x"], categorical=["y"], span=[4, 1, 2]
    )
    again = world.saved(tmp_path / "folder" / "world.npz")
    assert again.factors == world.factors
    labels = torch.from_numpy(world.training_labels())
    assert torch.equal(again.render(labels), world.render(labels))
    several = ImageWorld.from_arrays(
        images, LABELS[:, [0, 2]] * [1, 10] // 2, ["x", "y"], classes={"x": ["low", "high"]}, hidden=["y"]
    )
    assert several.saved(tmp_path / "several.npz").factors == several.factors
    assert several.factors.names == ("x", "y", "image")
    written = (tmp_path / "folder" / "world.npz").stat().st_mtime_ns
    assert (
        ImageWorld.from_arrays(images, LABELS * [1, 1, 10]).saved(tmp_path / "folder" / "world.npz").file
        == again.file
    )
    assert (tmp_path / "folder" / "world.npz").stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((IMAGES, LABELS[:5]), r"`labels` \(shape \(5, 3\)\) must be \(M, K\)"),
        ((IMAGES, LABELS[:, :0]), r"`labels` \(shape \(12, 0\)\) must be \(M, K\)"),
        ((IMAGES, np.full((12, 1), np.nan)), r"`labels` \(12 not finite\) must be finite"),
        (
            (IMAGES, 1.7e9 + np.arange(12)[:, None]),
            r"`labels` \(=1700000000, ... of label1\) must stay distinct in float32: its 12 values become 1; subtract",
        ),
        ((np.zeros_like(IMAGES), LABELS), r"`images` \(=12 equal ones\) must vary"),
        ((IMAGES, np.ones((12, 2))), r"`labels` \(=label1=1, label2=1 in each row\) must vary"),
        (
            (IMAGES[:, :4], LABELS),
            r"`resize` \(=None\) must be given, for images must be square: there are 8 x 4 px \(12 images\)",
        ),
        ((3 * IMAGES, LABELS), r"`images` \(of float64\) must be uint8"),
        (
            (IMAGES, LABELS, ["a", "b", "c"], {"periodic": ["b"]}),
            r"`span` \(=None\) must be given if `periodic` \(=\['b'\]\) is",
        ),
        (
            (IMAGES, np.arange(24.0).reshape(12, 2), ["a", "b"], {"span": [22, 1]}),
            r"`span` \(=1\) must be at least what the labels of b extend over: 22",
        ),
        ((IMAGES, LABELS, ["x"]), r"`names` \(=\['x'\]\) must have 3 entries, one per factor"),
    ],
)
def test_what_is_no_world_is_refused(arguments, message):
    described = arguments[3] if len(arguments) > 3 else {}
    with pytest.raises(UserError, match=message):
        ImageWorld.from_arrays(*arguments[:3], **described)


def test_files_that_hold_no_world_are_refused(tmp_path):
    np.savez(tmp_path / "other.npz", pictures=IMAGES, labels=LABELS)
    (tmp_path / "torn.npz").write_bytes(b"PK\x03\x04 torn")
    for name, message in (
        ("other", "must hold imgs and latents_values"),
        ("torn", "cannot be read: BadZipFile"),
        ("no", "cannot be read"),
    ):
        with pytest.raises(UserError, match=message):
            load_config(overrides=["world.kind=arrays", f"world.file={tmp_path / name}.npz"])


def test_labels_that_float32_keeps_apart_or_that_are_continuous_are_taken():
    rng = np.random.default_rng(0)
    for labels in (
        np.arange(12)[:, None] * 1_000_000,
        rng.random((12, 1)),
        np.repeat([1.7e9, 1.8e9], 6)[:, None],
    ):
        assert ImageWorld.from_arrays(IMAGES, labels).training_labels().dtype == np.float32
    many = rng.random((200_000, 1))
    assert len(np.unique(many.astype(np.float32))) < len(many)
    shades = np.broadcast_to(np.linspace(0, 1, len(many))[:, None, None], (len(many), 2, 2))
    assert ImageWorld.from_arrays(shades, many).training_labels().dtype == np.float32


@pytest.mark.parametrize(
    ("images", "pixel", "value"),
    [
        (np.array([0, 1, 1, 0, 1, 0, 1, 200], np.uint8), 1, 2 * 1 / 255 - 1),
        (np.array([0.0, 1, 1, 0, 1, 0, 1, -1]), 0.0, 0.0),
    ],
)
def test_the_scale_of_images_is_that_of_all_whichever_are_kept(images, pixel, value, tmp_path):
    file = tmp_path / "images.npz"
    differ = np.arange(8)[:, None] >> np.arange(4) & 1  # in the first row: equal images would be refused
    pixels = np.broadcast_to(images[:, None, None], (8, 3, 4))
    given = np.concatenate([differ[:, None].astype(images.dtype), pixels], axis=1)
    np.savez(file, images=given, labels=np.arange(8.0)[:, None])
    for draw in range(40):
        world = ImageWorld(file=str(file), limit=2, draw=draw)
        labels = world.training_labels()
        some = labels[images[labels[:, 0].astype(int)] == pixel]
        if len(some):
            shown = world.render(torch.from_numpy(some))[:, :, 1:].numpy()
            assert shown == pytest.approx(value, abs=1e-6)


def squares(n=60, seed=0):
    """Squares at any (x, y), of any brightness: no two have the same label."""
    rng = np.random.default_rng(seed)
    labels = np.column_stack([rng.uniform(3, 13, (n, 2)), rng.uniform(0.2, 1, n)])
    pixel = np.arange(16)

    def covered(centre):
        ends = np.minimum(pixel + 1, centre[:, None] + 2), np.maximum(pixel, centre[:, None] - 2)
        return np.clip(ends[0] - ends[1], 0, 1)

    x, y, colour = labels.T
    return covered(y)[:, :, None] * covered(x)[:, None] * colour[:, None, None], labels


def reader_of(**described):
    images, labels = squares()
    world = ImageWorld.from_arrays(images, labels, names=["x", "y", "colour"], **described)
    reader = world.reader()
    shown = world.render(torch.from_numpy(labels.astype(np.float32))).numpy()
    return reader, reader.read(shown), labels


TOLERANCE = {"x": 1.0, "y": 1.0, "colour": 0.2}


@pytest.mark.parametrize("tolerance", [{}, TOLERANCE])
@pytest.mark.parametrize("given", ["float64", "float32", "3 digits"])
def test_a_training_image_at_its_own_label_is_success_however_the_label_is_rounded(tolerance, given):
    reader, columns, labels = reader_of(tolerance=tolerance)
    asked = {"float64": labels, "float32": labels.astype(np.float32), "3 digits": labels.round(3)}[given]
    assert set(reader.outcome(columns, asked)) == {reader.outcomes[-1].name}


def test_without_a_tolerance_outcomes_say_which_image_is_nearest_and_no_phase_of_another():
    reader, columns, labels = reader_of()
    assert [outcome.name for outcome in reader.outcomes] == [
        "malformed",
        "nearest to another",
        "nearest to requested",
    ]
    assert [outcome.phase for outcome in reader.outcomes] == ["A", "", "C"]
    assert set(reader.outcome(columns, np.roll(labels, 1, axis=0))) == {"nearest to another"}
    summary = reader.summary(columns, labels)
    assert "real_right" not in summary  # every label is of one image, so that an image left out has no equal


def test_with_a_tolerance_a_label_between_trained_ones_can_be_correct():
    reader, columns, labels = reader_of(tolerance=TOLERANCE)
    assert [outcome.name for outcome in reader.outcomes] == ["malformed", "other label", "correct"]
    off = np.array([0.9, -0.9, 0.15])
    assert set(reader.outcome(columns, labels + off)) == {"correct"}
    assert set(reader.outcome(columns, labels + off * [2, 0, 0])) == {"other label"}
    assert reader.correct(columns, labels + off * [2, 0, 0])[0].tolist() == [False, True, True]
    assert reader.correct(columns, labels + np.array([1.0, 0, 0])).all()  # at the tolerance itself


def test_real_images_are_read_within_the_tolerance():
    wide = {"x": 9.0, "y": 9.0, "colour": 0.7}
    reader, columns, labels = reader_of(tolerance=wide)
    assert reader.summary(columns, labels)["real_right"] == pytest.approx(0.99, abs=0.02)


def test_a_factor_without_a_tolerance_beside_one_that_has_it():
    reader, columns, labels = reader_of(tolerance={"x": 1.0, "y": 1.0})
    assert reader.outcomes[-1].name == "nearest to requested"
    assert set(reader.outcome(columns, labels + np.array([0.5, 0, 0]))) == {"nearest to requested"}


@pytest.mark.parametrize(
    ("tolerance", "said"),
    [
        ({"size": 1.0}, "`tolerance` (=size) must be one of the factors: x, y, colour"),
        ({"x": 0.0}, "`tolerance` (x=0) must be greater than 0"),
        ({"x": float("nan")}, "`tolerance.x` (=nan) must be a finite number"),
        ({"x": 30.0}, "`tolerance` (x=30) must be less than the range of x"),
    ],
)
def test_a_tolerance_that_cannot_be_is_refused(tolerance, said):
    images, labels = squares()
    with pytest.raises(UserError) as caught:
        ImageWorld.from_arrays(images, labels, names=["x", "y", "colour"], tolerance=tolerance)
    assert said in str(caught.value)


def test_classes_take_no_tolerance():
    labels = np.arange(12) % 3
    with pytest.raises(UserError, match=r"`tolerance` \(=kind\) must be of a factor that is no class"):
        ImageWorld.from_arrays(IMAGES, labels, names=["kind"], categorical=["kind"], tolerance={"kind": 1.0})


def test_a_tolerance_is_kept_with_saved_arrays_and_changes_no_other_identity(tmp_path):
    images, labels = squares()
    world = ImageWorld.from_arrays(images, labels, names=["x", "y", "colour"], tolerance=TOLERANCE)
    assert world.saved(tmp_path / "world.npz").tolerance == TOLERANCE
    words = ["world.kind=arrays", f"world.file={tmp_path / 'world.npz'}", "world.names=[x, y, colour]"]
    bare, same, other = (
        load_config(overrides=[*words, f"world.tolerance={tolerance}"] if tolerance else words).folder
        for tolerance in ("", "{}", "{x: 1.0}")
    )
    assert bare == same != other


def world_of_digits(labels, **described):
    images = np.random.default_rng(1).random((len(labels), 8, 8))
    return ImageWorld.from_arrays(images, labels, **described)


def test_the_sentence_says_what_kind_each_factor_is():
    labels = np.column_stack([np.arange(12) % 3, np.arange(12) * 30.0, np.arange(12) / 4])
    described = {"names": ["kind", "angle", "x"], "periodic": ["angle"], "span": {"angle": 360.0}}
    world = world_of_digits(labels, classes={"kind": ["ring", "disc", "bar"]}, **described)
    kinds = "of kind (classes ring, disc, bar), angle (periodic, 0 to 360), x (continuous, 0 to 2.75)"
    assert kinds in world.sentence()
    many = world_of_digits(np.arange(13.0), categorical=["label1"])
    assert "of label1 (13 classes)" in many.sentence()


def test_whole_numbers_that_may_be_classes_are_noted_once(caplog):
    digits = np.repeat(np.arange(10.0), 20)
    world_of_digits(digits, names=["numeral"])
    world_of_digits(digits, names=["numeral"])
    (note,) = [record.message for record in caplog.records]
    assert "treated as continuous: numeral (10 values)" in note
    assert "categorical=[numeral]" in note
    world_of_digits(np.array([[f"{digit:g}"] for digit in digits]), names=["figure"])
    assert "figure (10 values)" in caplog.records[-1].message


@pytest.mark.parametrize(
    ("labels", "described"),
    [
        (np.repeat(np.arange(10.0), 20), {"categorical": ["plain"]}),
        (np.repeat(np.arange(10.0), 20), {"tolerance": {"plain": 1.0}}),
        (np.repeat(np.arange(10.0), 20), {"span": {"plain": 10.0}}),
        (np.repeat(np.arange(10.0), 20) / 4, {}),
        (np.repeat(np.arange(10.0), 19), {}),
        (np.repeat(np.arange(21.0), 20), {}),
    ],
    ids=["classes", "tolerance", "span", "fractions", "few images", "many values"],
)
def test_other_factors_are_not_noted(labels, described, caplog):
    world_of_digits(labels, names=["plain"], **described)
    assert not caplog.records


def limited_to_dim_images(images: np.ndarray) -> ImageWorld:
    """Return a world of a part of the images without the first one, which alone tells their range."""
    labels = np.arange(len(images), dtype=float)
    worlds = (ImageWorld.from_arrays(images, labels, limit=4, draw=draw) for draw in range(40))
    return next(world for world in worlds if world.data.labels.min() > 0)


RANGES = {
    "from -1": (np.concatenate([-np.ones((1, 8, 8)), RNG.random((19, 8, 8))]), (1.0, 0.0)),
    "bytes": (
        np.concatenate([np.full((1, 8, 8), 255, np.uint8), RNG.integers(0, 2, (19, 8, 8), dtype=np.uint8)]),
        (2 / 255, -1.0),
    ),
}


@pytest.mark.parametrize(("images", "scale"), RANGES.values(), ids=RANGES)
def test_a_saved_part_of_a_data_set_keeps_the_range_of_all(images, scale, tmp_path):
    world = limited_to_dim_images(images)
    labels = torch.from_numpy(world.data.labels)
    rows = world.data.labels[:, 0].astype(int)
    np.testing.assert_allclose(
        world.render(labels)[:, 0], scale[0] * images[rows].astype(float) + scale[1], atol=1e-6
    )
    again = world.saved(tmp_path / "world.npz")
    assert torch.equal(again.render(labels), world.render(labels))
    assert torch.equal(again.saved(tmp_path / "again.npz").render(labels), world.render(labels))


def test_a_part_of_equal_images_is_refused_as_a_whole_of_them_is():
    images = np.concatenate([np.zeros((1, 8, 8)), np.ones((19, 8, 8))])
    with pytest.raises(UserError, match=r"^`images` \(=4 equal ones\) must vary"):
        limited_to_dim_images(images)


def test_a_saved_world_has_its_range_only_if_its_images_do_not_tell_it(tmp_path):
    """The file's SHA-256 is the world's identity: files that told their range keep their bytes."""
    file = ImageWorld.from_arrays(IMAGES, LABELS).saved(tmp_path / "world.npz").file
    with np.load(file) as arrays:
        assert set(arrays) == {"images", "labels"}


@pytest.mark.parametrize("scale", [np.array([3.0, 0.0]), np.array([np.nan, 0.0]), np.array("x"), np.ones(3)])
def test_a_range_that_no_images_have_is_refused(scale, tmp_path):
    np.savez(tmp_path / "world.npz", images=IMAGES, labels=LABELS, image_scale=scale)
    with pytest.raises(ValueError, match=r"`image_scale` .* must be"):
        ImageWorld(file=str(tmp_path / "world.npz"))
