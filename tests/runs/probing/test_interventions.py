"""Interventions on networks whose answer is known: one paints from one layer alone, one ignores it."""

import numpy as np
import pytest
import torch
from torch import nn

from phasescope import UserError
from phasescope.core.randomness import numpy_generator, torch_generator
from phasescope.models.families import DiffusionConfig
from phasescope.runs.probing.interventions import _scores, intervene
from phasescope.worlds import GaussianBump

N = 48
FAMILY = DiffusionConfig.from_tree(
    {"predict": "x", "schedule": {"kind": "linear", "steps": 50}, "sampler": {"kind": "ddim", "steps": 5}}
).build()


class Code(nn.Module):
    """What the label is at the layer: a curved code of more features than factors, and a share of the image beside it."""

    def __init__(self, seen: float):
        super().__init__()
        self.seen = seen
        rng = torch.Generator().manual_seed(0)
        self.register_buffer("of_label", torch.linalg.qr(torch.randn(8, 8, generator=rng))[0])

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        image = x.flatten(1).std(dim=1, keepdim=True)
        return torch.cat([labels, self.seen * image.expand(-1, 6)], dim=1) @ self.of_label


class Painter(nn.Module):
    """Predicts the image of the label that it reads at its layer, or, if it ignores the layer, of the one it is told."""

    def __init__(self, world: GaussianBump, ignores: bool, seen: float = 0.5, gives_tuple: bool = False):
        super().__init__()
        self.world, self.ignores, self.gives_tuple = world, ignores, gives_tuple
        self.code = Code(seen)
        self.body = Both(self.code) if gives_tuple else self.code

    def forward(self, x_t, t, labels):
        output = self.body(x_t, labels)
        z = output[0] if self.gives_tuple else output
        read = (z @ self.code.of_label.T)[:, :2]
        return self.world.render(labels if self.ignores else read)


class Both(nn.Module):
    """A block that gives its skip beside its output."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, x, labels):
        return self.inner(x, labels), x


def world(boundary: str = "open") -> GaussianBump:
    return GaussianBump.from_tree({"canvas": 32, "boundary": boundary})


def labels_of(seed: int = 0) -> np.ndarray:
    return numpy_generator(seed, "labels").uniform(6, 20, size=(N, 2)).astype(np.float32)


def changed(network, how, labels, targets, layer="body"):
    return intervene(network, network.world, FAMILY, layer, how, labels, targets.astype(np.float32))


def by_step(network, step, how="steer"):
    return changed(network, how, labels_of(), labels_of() + step)


@pytest.mark.parametrize("gives_tuple", [False, True])
@pytest.mark.parametrize("how", ["patch", "part"])
def test_a_network_that_paints_from_the_tap_alone_follows_it_wholly(how: str, gives_tuple: bool):
    painter, labels = Painter(world(), ignores=False, gives_tuple=gives_tuple), labels_of()
    scores = changed(painter, how, labels, np.roll(labels, 1, axis=0)).scores
    for way in ("darkest", "matched"):
        assert scores[f"{way}.follows"].value == 1.0
        assert scores[f"{way}.follows"].baselines["untouched"] < 0.1
        assert scores[f"{way}.stays"].value < 0.1
        assert scores[f"{way}.stays"].baselines["untouched"] == 1.0
        for axis in "xy":
            assert scores[f"{way}.moved.{axis}"].value == pytest.approx(1.0, abs=0.02)
    assert scores["loss"].value == pytest.approx(scores["loss.conditioned"].value, abs=1e-6)


def test_a_network_that_ignores_the_tap_does_not_move_and_its_loss_says_so():
    labels = labels_of()
    result = changed(Painter(world(), ignores=True), "patch", labels, np.roll(labels, 1, axis=0))
    assert result.scores["matched.follows"].value == result.scores["matched.follows"].baselines["untouched"]
    assert result.scores["matched.stays"].value == 1.0
    assert abs(result.scores["matched.moved.x"].value) < 0.02
    assert result.scores["loss"].low > result.scores["loss.conditioned"].high
    np.testing.assert_array_equal(result.images, result.untouched)


@pytest.mark.parametrize("step", [(4.0, 0.0), (0.0, -3.0), (2.0, 5.0), (0.5, 0.0)])
def test_a_step_along_the_manifold_moves_the_bump_px_for_px(step):
    scores = by_step(Painter(world(), ignores=False), step).scores
    for k, axis in enumerate("xy"):
        name = f"matched.moved.{axis}"
        if step[k]:
            assert scores[name].value == pytest.approx(1.0, abs=0.02 if abs(step[k]) >= 2 else 0.5)
            assert scores[name].low <= scores[name].value <= scores[name].high
        else:
            assert name not in scores
    assert scores["matched.follows"].value == 1.0


def test_a_step_round_the_torus_is_the_short_way():
    labels = labels_of()
    targets = (labels + np.array([26.0, 0.0])) % 32
    scores = changed(Painter(world("periodic"), ignores=False), "steer", labels, targets).scores
    assert scores["matched.moved.x"].value == pytest.approx(1.0, abs=0.02)
    assert scores["matched.follows"].value == 1.0


def test_on_a_torus_who_follows_moves_by_all_that_is_asked_and_who_moves_anywhere_by_nothing():
    bumps, rng = world("periodic"), numpy_generator(0, "labels")
    labels, targets, anywhere = rng.uniform(0, 32, size=(3, 512, 2)).astype(np.float32)
    given, asked, elsewhere = (
        bumps.render(torch.from_numpy(of)).numpy() for of in (labels, targets, anywhere)
    )
    for images, moved in ((asked, pytest.approx(1.0, abs=0.03)), (elsewhere, pytest.approx(0.0, abs=0.4))):
        scores = _scores(bumps.reader(), bumps.factors, "patch", labels, targets, images, given, rng)
        for name in ("darkest.moved.x", "darkest.moved.y", "matched.moved.x", "matched.moved.y"):
            assert scores[name].value == moved, name


@pytest.mark.parametrize("how", ["patch", "part", "steer", "ablate"])
def test_a_tap_that_no_label_reaches_is_refused_in_one_line(how):
    class Deaf(Painter):
        def __init__(self, world):
            super().__init__(world, ignores=True)
            self.before = nn.Identity()

        def forward(self, x_t, t, labels):
            return super().forward(self.before(x_t), t, labels)

    with pytest.raises(
        UserError, match=r"^`layer` \(=before\) must receive the label: .* the same"
    ) as caught:
        changed(Deaf(world()), how, labels_of(), labels_of() + 1, "before")
    assert "\n" not in str(caught.value)


def test_half_a_step_is_read_as_half():
    """A network whose painting follows the layer by half: what is put in counts by half in what it reads."""

    class Half(Painter):
        def forward(self, x_t, t, labels):
            read = (self.body(x_t, labels) @ self.code.of_label.T)[:, :2]
            return self.world.render((read + labels) / 2)

    scores = by_step(Half(world(), ignores=False), (6.0, 0.0)).scores
    assert scores["matched.moved.x"].value == pytest.approx(0.5, abs=0.05)
    assert scores["matched.follows"].value == 0.0


def test_without_what_the_label_explains_nothing_is_in_its_place():
    scores = by_step(Painter(world(), ignores=False), (0.0, 0.0), how="ablate").scores
    assert scores["matched.stays"].value < 0.2
    assert scores["matched.stays"].baselines["untouched"] == 1.0
    assert "matched.follows" not in scores
    ignored = by_step(Painter(world(), ignores=True), (0.0, 0.0), how="ablate").scores
    assert ignored["matched.stays"].value == 1.0


class Noisy(Painter):
    """At the layer is its label times 1 + t/T, which it takes away again, and by how far the spread of x_t is from that
    which x_t has at t: by 1, but for chance."""

    def __init__(self, world: GaussianBump):
        super().__init__(world, ignores=False)
        self.variance = world.render(torch.from_numpy(labels_of())).var()

    def forward(self, x_t, t, labels):
        alpha, sigma = FAMILY.schedule.alpha[t].float(), FAMILY.schedule.sigma[t].float()
        expected = (alpha.square() * self.variance + sigma.square()).sqrt()
        stretch = 1 + 0.1 * (x_t.flatten(1).std(dim=1) / expected - 1)
        by_t = (1 + t / FAMILY.schedule.steps)[:, None]
        read = (self.body(x_t, labels * stretch[:, None] * by_t) @ self.code.of_label.T)[:, :2]
        return self.world.render(read / by_t)


@pytest.mark.parametrize("how", ["part", "steer"])
def test_the_loss_takes_means_over_images_at_each_rows_own_t(how: str):
    """A layer that sees x_t and t: of others at another t its mean is not what the label explains."""
    w, labels = world(), labels_of()
    targets = np.roll(labels, 1, axis=0) if how == "part" else labels + np.array([4, -3])
    scores = changed(Noisy(w), how, labels, targets).scores
    ignored = changed(Painter(w, ignores=True), how, labels, targets).scores
    assert scores["loss"].value < 0.01 * ignored["loss"].value


def test_the_loss_without_the_label_is_that_of_the_mean_label():
    """What is left at the layer is its mean over labels at each row's own t, and that is painted."""
    w, labels = world(), torch.from_numpy(labels_of())
    scores = changed(Noisy(w), "ablate", labels.numpy(), labels.numpy()).scores
    x_0, of_mean = w.render(labels), w.render(labels.mean(dim=0, keepdim=True))
    drawn = FAMILY.draw(x_0, torch_generator(0, "intervention loss", 0))
    expected = FAMILY.loss_at(lambda x_t, t, _: of_mean.expand_as(x_t), x_0, labels, *drawn)
    assert scores["loss"].value == pytest.approx(expected.mean().item(), rel=0.002)
    assert scores["loss.conditioned"].value < 0.01 * scores["loss"].value


def test_rows_without_a_label_are_left_alone_and_no_hook_stays():
    from phasescope.runs.probing.interventions import Intervened

    w = world()
    network = Painter(w, ignores=False)
    x, t = torch.randn(6, 1, 32, 32, generator=torch.Generator().manual_seed(0)), torch.full((6,), 10)
    labels = torch.from_numpy(labels_of()[:6])
    targets = labels + 5
    some = labels.clone()
    some[:3] = float("nan")
    answer = Intervened(network, network.body, "patch", targets)(x, t, some)
    np.testing.assert_allclose(answer[3:], w.render(targets[3:]), atol=1e-4)
    np.testing.assert_array_equal(answer[:3].isnan(), network(x, t, some)[:3].isnan())
    assert not network.body._forward_hooks
    intervene(network, w, FAMILY, "body", "patch", labels_of(), labels_of() + np.float32(1), batch=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"how": "paint"}, "`how`"), ({"layer": "nowhere"}, "must name a block"), ({"n": 4}, "at least 8")],
)
def test_bad_input_is_one_line(change, message):
    words = {"how": "patch", "n": N, **change}
    labels = labels_of()[: words.pop("n")]
    with pytest.raises((UserError, ValueError), match=message):
        changed(Painter(world(), ignores=False), labels=labels, targets=labels + 1, **words)
