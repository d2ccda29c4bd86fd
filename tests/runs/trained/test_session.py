from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.packets import unpacked
from helpers.schedules import sampler_of
from helpers.small_run import STEPS, N, config, network_of, write_small_run
from phasescope import Site, UserError
from phasescope.core.randomness import torch_generator
from phasescope.runs.trained import session
from phasescope.runs.trained.change import Change
from phasescope.runs.trained.session import SampleRequest, SnapshotSampler, strip_of
from phasescope.views.pixels import pixels
from phasescope.views.web.samples import sample_packet

WISH = SampleRequest((3.5, 5.0), sampler="ddim", steps=6)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_small_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def sampler():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "KEPT", 2)
        return SnapshotSampler()


def packet_of(sampler, run, step, request) -> bytes:
    return sample_packet(sampler.sample(run, step, request))


def image(sampler, run, wish, step=40) -> np.ndarray:
    return unpacked(packet_of(sampler, run, step, wish))[1]["image"][..., 0]


def sampled(network, sampler, label=(3.5, 5.0), seed=0) -> np.ndarray:
    """The same sample, by the family itself."""
    family = config().family.build()
    family.sampler = sampler.build(family.schedule)
    with torch.no_grad():
        found = family.sample(
            network, torch.tensor([label]), (1, N, N), torch_generator(seed, "explorer paint", 0)
        )
    return pixels(found[0].numpy())[..., 0]


SAMPLERS = {
    "ddim": sampler_of("ddim", steps=6),
    "dpm_solver": sampler_of("dpm_solver", steps=6),
    "ddpm": sampler_of("ddim", steps=6, eta=1.0),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_what_is_painted_is_what_the_family_paints(sampler, run, name):
    expected = sampled(network_of(config(), 40), SAMPLERS[name])
    found = image(sampler, run, replace(WISH, sampler=name))
    np.testing.assert_array_equal(found, expected)


def test_ddpm_through_all_times_is_ancestral_sampling(sampler, run):
    found = image(sampler, run, replace(WISH, sampler="ddpm", steps=50))
    np.testing.assert_array_equal(found, sampled(network_of(config(), 40), sampler_of("ddpm")))


def test_each_snapshot_paints_with_its_own_weights(sampler, run):
    found = [image(sampler, run, WISH, step) for step in STEPS]
    for step, one in zip(STEPS, found, strict=True):
        np.testing.assert_array_equal(one, sampled(network_of(config(), step), SAMPLERS["ddim"]))
    assert len({one.tobytes() for one in found}) == len(STEPS)


def test_one_seed_is_one_noise_and_another_another(sampler, run):
    first, again, other = (
        unpacked(packet_of(sampler, run, 40, replace(WISH, seed=s)))[1]["noisy"][0] for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    moved = unpacked(packet_of(sampler, run, 40, replace(WISH, label=(7.0, 5.0), seed=1)))[1]["noisy"][0]
    np.testing.assert_array_equal(moved, first)


def test_guidance_is_a_line_through_the_prediction_without_a_label_and_the_one_with_it(sampler, run):
    network = network_of(config(), 40)

    def guided(weight):
        def predict(x_t, t, labels):
            none = network(x_t, t, torch.full_like(labels, torch.nan))
            return none + (1 + weight) * (network(x_t, t, labels) - none)

        return predict

    for weight in (-1.0, -0.5, 2.0):
        found = image(sampler, run, replace(WISH, guidance=weight)).astype(int)
        assert np.abs(found - sampled(guided(weight), SAMPLERS["ddim"]).astype(int)).max() <= 1
    blind = [image(sampler, run, replace(WISH, label=(x, 5.0), guidance=-1.0)) for x in (1.0, 7.0)]
    assert np.abs(blind[0].astype(int) - blind[1].astype(int)).max() <= 1  # w = -1 hears no label
    np.testing.assert_array_equal(image(sampler, run, WISH), image(sampler, run, replace(WISH, guidance=0.0)))


def test_guidance_is_refused_where_no_label_was_ever_withheld(sampler, tmp_path):
    run = write_small_run(tmp_path, dropout=0.0)
    assert image(sampler, run, WISH).shape == (N, N)
    with pytest.raises(UserError, match=r"guidance.*label_dropout"):
        packet_of(sampler, run, 40, replace(WISH, guidance=1.0))


@pytest.mark.parametrize("how", ["patch", "part"])
def test_patching_in_the_same_latents_changes_nothing(sampler, run, how):
    without, plain = unpacked(packet_of(sampler, run, 40, WISH))
    same, other = (
        unpacked(packet_of(sampler, run, 40, replace(WISH, change=Change("mid", how, towards))))
        for towards in (WISH.label, (7.0, 1.0))
    )
    assert np.abs(same[1]["image"].astype(int) - plain["image"].astype(int)).max() <= 1
    assert (other[1]["image"] != plain["image"]).any()
    np.testing.assert_array_equal(other[1]["noisy"][0], plain["noisy"][0])
    assert other[0]["target"] == [7.0, 1.0]
    assert {found["went"] for found in other[0]["went"].values()} <= {
        "followed",
        "stayed",
        "either",
        "elsewhere",
    }
    assert set(other[0]["went"]) == {"darkest", "matched", "refined"}
    assert without["layers"] == list(config().network.layer_names)
    assert not {"target", "went"} & set(without)


@pytest.mark.parametrize("change", [Change("mid", "ablate"), Change("up1", "steer", (1.0, -1.0))])
def test_a_network_that_is_made_to_hear_no_label_hears_no_intervention(sampler, run, change):
    deaf = replace(WISH, guidance=-1.0)
    found = image(sampler, run, replace(deaf, change=change)).astype(int)
    assert np.abs(found - image(sampler, run, deaf).astype(int)).max() <= 1
    assert (image(sampler, run, replace(WISH, change=change)) != image(sampler, run, WISH)).any()


def test_a_network_that_was_changed_paints_as_before_again(sampler, run):
    before = image(sampler, run, WISH)
    image(sampler, run, replace(WISH, change=Change("mid", "part", (7.0, 1.0))))
    np.testing.assert_array_equal(image(sampler, run, WISH), before)
    assert not any(module._forward_hooks for module in sampler.load(run, 40).network.modules())


def test_the_strip_goes_from_the_noise_to_the_image(sampler, run):
    header, arrays = unpacked(packet_of(sampler, run, 40, WISH))
    assert header["strip"][0] == 49
    assert header["strip"][-1] == -1
    assert header["strip"] == sorted(header["strip"], reverse=True)
    np.testing.assert_array_equal(arrays["noisy"][-1], arrays["image"])
    np.testing.assert_array_equal(arrays["estimates"][-1], arrays["image"])
    bare = unpacked(packet_of(sampler, run, 40, replace(WISH, strip=False)))
    assert bare[0]["strip"] == []
    np.testing.assert_array_equal(bare[1]["image"], arrays["image"])


@pytest.mark.parametrize("states", [1, 2, 5, 8, 9, 51, 1001])
def test_a_strip_holds_both_ends_and_no_state_twice(states):
    found = strip_of(states)
    assert (found[0], found[-1]) == (0, states - 1)
    assert len(set(found)) == len(found) <= 8


@pytest.mark.parametrize(
    ("change", "named"),
    [({"label": (-0.1, 5.0)}, "`x`"), ({"label": (3.5, 8.5)}, "`y`"), ({"label": (3.5,)}, "`label`"),
     ({"sampler": "euler"}, "`sampler`"), ({"steps": 0}, "`steps`"),
     ({"change": Change("mid9", "ablate")}, "`layer`"), ({"change": Change("mid", "push")}, "`how`"),
     ({"change": Change("mid", "patch", (1.0,))}, "`towards`"), ({"change": Change("mid", "steer", (6.0, 0.0))}, "`by`"),
     ({"steps": 51}, "`steps`"), ({"guidance": 21.0}, "`guidance`"), ({"seed": -1}, "`seed`"), ({"seed": 2**32}, "`seed`")],
)  # fmt: skip
def test_wishes_that_cannot_be_are_named(sampler, run, change, named):
    with pytest.raises(UserError, match=named):
        packet_of(sampler, run, 40, replace(WISH, **change))


def test_a_snapshot_that_is_not_there_or_has_no_weights_is_named(sampler, tmp_path):
    run = write_small_run(tmp_path)
    with pytest.raises(UserError, match="step"):
        packet_of(sampler, run, 41, WISH)
    weights = run.snapshots[1].path / "weights.safetensors"
    weights.write_bytes(b"\x80\x04torn")
    with pytest.raises(UserError, match="weights"):
        packet_of(sampler, run, 20, WISH)
    weights.unlink()
    with pytest.raises(UserError, match="not stored"):
        packet_of(sampler, run, 20, WISH)


def test_latents_are_the_networks_own_activations(sampler, run):
    labels = np.array([[2.0, 3.0], [6.5, 1.0]], np.float32)
    found = sampler.latents(run, 20, labels, Site("mid", 10))
    world, family, network = config().world, config().family.build(), network_of(config(), 20)
    noise = torch.randn((2, 1, N, N), generator=torch_generator(config().seed, "probe noise 10", 0))
    x_t = family.noisy(world.render(torch.from_numpy(labels)), torch.tensor([10, 10]), noise)
    seen = []
    network.get_layer("mid").register_forward_hook(lambda _, given, output: seen.append(output.flatten(1)))
    with torch.no_grad():
        network(x_t, torch.tensor([10, 10]), torch.from_numpy(labels))
    np.testing.assert_allclose(found, seen[0].numpy(), rtol=1e-5, atol=1e-6)
    for place in (Site("down9", 10), Site("mid", 50), Site("mid", -1), Site("mid")):
        with pytest.raises(UserError, match=r"`site`|`layer`"):
            sampler.latents(run, 20, labels, place)


def test_global_random_streams_stay_where_they_are(sampler, run, untouched_random_streams):
    packet_of(sampler, run, 40, WISH)
    packet_of(sampler, run, 40, replace(WISH, change=Change("mid", "ablate")))
    sampler.latents(run, 40, np.ones((3, 2), np.float32), Site("mid", 10))


def test_the_last_networks_are_kept(sampler, run):
    first = sampler.load(run, 0)
    assert sampler.load(run, 0) is first
    sampler.load(run, 20), sampler.load(run, 40)
    assert sampler.load(run, 0) is not first
