import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import nn

from helpers.observed import PLAN
from helpers.training_runs import run_config
from phasescope import Site
from phasescope.measures.latents.sheet import OF_SHEET
from phasescope.models.families.diffusion.exact.optimum import ConditionalOptimum
from phasescope.runs.probing.observer import Observer, half, write_weights
from phasescope.runs.store import hold
from phasescope.worlds import GaussianBump

TREE = {
    "seed": 3,
    "world": {"canvas": 16},
    "family": {"sampler": {"kind": "ddim", "steps": 4}},
    "network": {"widths": [4, 8], "groups": 2, "patch": 2, "embedding": {"width": 8}},
    "probing": {**PLAN, "bands": 3, "band_images": 8},
}
CPU = torch.device("cpu")


def config_of(**probing):
    return run_config(TREE, {"probing": probing})


def plan_of(config):
    return config.plan_of(config.network.layer_names, config.network.usual_layers)


def observer_of(config, folder):
    return Observer(
        plan=plan_of(config),
        world=config.world,
        family=config.family.build(),
        seed=config.seed,
        device=CPU,
        analysis=config.family.analysis(config.task(), config.seed),
        encode=config.encode,
        folder=folder,
    )


def fresh_network(config, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return config.network.build(config.world.shape, config.world.factors)


class Painter(nn.Module):
    """The conditional optimum for labels that `mistake` changes."""

    def __init__(self, observer, mistake=lambda labels: labels):
        super().__init__()
        self.optimum = ConditionalOptimum(observer.family, observer.world.render)
        self.mistake = mistake
        self.scale = nn.Parameter(torch.ones(1))
        self.down1, self.mid = nn.Identity(), nn.Identity()

    def forward(self, x_t, t, labels):
        self.down1(x_t)
        self.mid(labels)
        return self.optimum(x_t, t, self.mistake(labels))


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """(config, folder, metrics of step 0 and of step 5, the network at step 5)."""
    config = config_of()
    with hold(tmp_path_factory.mktemp("assessment") / "run", config.tree()) as folder:
        observer = observer_of(config, folder)
        metrics, network = [], None
        for step, seed in ((0, 0), (5, 1)):
            network = fresh_network(config, seed)
            metrics.append({"step": step, "images_seen": 64 * step, **observer.record(network, step)})
            folder.append_metrics(metrics[-1])
        yield config, folder, metrics, network


@pytest.fixture
def folder(seen, tmp_path):
    """A run without snapshots, with the references of `seen`."""
    with hold(tmp_path / "run", config_of().tree()) as writer:
        writer.write_json("references.json", seen[1].references)
        yield writer


def test_outcomes_are_shares_of_the_images_on_the_grid_and_off_it(seen):
    _, _, metrics, _ = seen
    for entry in metrics:
        for name, n in (("grid", 40), ("off_grid", 30)):
            shares = dict(entry["outcomes"][name])
            assert shares.pop("n") == n
            assert tuple(shares) == tuple(outcome.name for outcome in GaussianBump().reader().outcomes)
            assert sum(shares.values()) == pytest.approx(1)
            accuracy = entry["accuracy"][name]
            assert accuracy["joint"] == pytest.approx(shares["correct"])
            assert accuracy["x"] + accuracy["y"] - 1 <= accuracy["joint"] <= min(accuracy["x"], accuracy["y"])


def test_every_score_of_a_representation_has_its_nulls(seen):
    _, _, metrics, _ = seen
    for entry in metrics:
        for measure in ("probe_r2", "trustworthiness", "participation_ratio", *OF_SHEET[:2]):
            assert list(entry[measure]) == ["down1.50", "mid.50", "down1.600", "mid.600"]
            for place, score in entry[measure].items():
                assert {"untrained", "pixels", "label_embedding"} <= set(score["baselines"])
                assert score["baselines"]["untrained"] == metrics[0][measure][place]["value"]
                assert score["low"] <= score["high"]


class Dead(Painter):
    """Its layer `mid` is 0 for every label, as one that begins at zero."""

    def forward(self, x_t, t, labels):
        self.down1(x_t)
        self.mid(0 * x_t)
        return self.optimum(x_t, t, labels)


def test_latents_that_do_not_vary_have_no_reading_until_they_do(tmp_path):
    config = config_of(observe=["latents"])
    with hold(tmp_path / "run", config.tree()) as folder:
        observer = observer_of(config, folder)
        for step, network in ((0, Dead(observer)), (5, Painter(observer))):
            folder.append_metrics({"step": step, **observer.record(network, step)})
        dead, alive = folder.metrics
    for measure in ("probe_r2", *OF_SHEET, "probe_gain", "condition_label_variance"):
        assert dead[measure]["mid.600"]["value"] is None
        assert dead[measure]["down1.600"]["value"] is not None
        assert alive[measure]["mid.600"]["baselines"].get("untrained") in (None, 0.0)
    assert alive["probe_r2"]["mid.600"]["value"] == pytest.approx(1, abs=0.01)
    assert dead["phase"]["sheet"] == "undecided"
    assert [snapshot.step for snapshot in folder.snapshots] == [0, 5]


def test_the_nulls_are_what_they_are_called(seen):
    _, _, (_, entry), _ = seen
    for layer in ("down1", "mid"):
        order, share = (
            {t: entry[measure][f"{layer}.{t}"]["baselines"] for t in (50, 600)}
            for measure in ("probe_r2", "label_variance")
        )
        for t in (50, 600):
            assert order[t]["label_embedding"] > 0.99
            assert share[t]["label_embedding"] == pytest.approx(1)
        assert order[50]["pixels"] > order[600]["pixels"] + 0.1
        assert share[50]["pixels"] > 0.1
        assert abs(share[600]["pixels"]) < 0.1


def test_denoising_errors_stand_beside_both_optima(seen):
    _, _, metrics, _ = seen
    for entry in metrics:
        bands = entry["denoising"]
        assert [(band["low"], band["high"]) for band in bands] == [(0, 333), (333, 667), (667, 1000)]
        assert all(band["floor"] == 0 < band["unconditional"] < band["network"] for band in bands)
    assert [band["unconditional"] for band in metrics[0]["denoising"]] == [
        band["unconditional"] for band in metrics[1]["denoising"]
    ]


def test_a_snapshot_holds_images_latents_weights_and_readings(seen):
    config, folder, metrics, network = seen
    assert [snapshot.step for snapshot in folder.snapshots] == [0, 5]
    snapshot = folder.snapshots[1]
    observer = observer_of(config, folder)
    looked = observer.observe(network, observer.references["family"])
    samples = snapshot.samples()
    np.testing.assert_allclose(samples["images"], looked.images, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(samples["labels"], observer.sample_labels)
    np.testing.assert_array_equal(samples["split"], observer.split)
    np.testing.assert_array_equal(snapshot.latent_labels(), observer.latent_labels)
    assert snapshot.sites == list(looked.latents.single)
    for place, latents in looked.latents.single.items():
        np.testing.assert_allclose(snapshot.latents(*place), latents, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(snapshot.draws(*place), looked.latents.draws[place], rtol=1e-3, atol=1e-3)
    for name, weights in snapshot.weights().items():
        np.testing.assert_array_equal(weights, network.state_dict()[name].numpy())
    readings = snapshot.readings()
    shares = metrics[1]["outcomes"]["grid"]
    np.testing.assert_array_equal(readings["split"], samples["split"])
    on_grid = readings["outcome"][samples["split"] == "grid"]
    for outcome in GaussianBump().reader().outcomes:
        assert (on_grid == outcome.name).mean() == pytest.approx(shares[outcome.name])
    for k, factor in enumerate(("x", "y")):
        np.testing.assert_array_equal(readings[f"label_{factor}"], samples["labels"][:, k])
        errors = readings[factor] - readings[f"label_{factor}"]
        np.testing.assert_allclose(readings[f"error_{factor}"], errors, atol=1e-5)


MISTAKES = {
    "C": lambda labels: labels,
    "B": lambda labels: (labels + 8) % 16,
    "A": lambda labels: labels + 1000,
}


@pytest.mark.parametrize("phase", MISTAKES)
def test_the_phase_of_behaviour_is_read_from_what_is_painted(phase, seen, folder):
    observer, untrained = observer_of(config_of(), folder), seen[2][0]
    assert untrained["phase"]["behaviour"] == "A"
    folder.append_metrics(untrained)
    metrics = observer.record(Painter(observer, MISTAKES[phase]), 1)
    assert metrics["phase"]["behaviour"] == phase
    shares = metrics["outcomes"]["grid"]
    assert shares[{"A": "none", "B": "misplaced", "C": "correct"}[phase]] > 0.9
    # its latents at `mid` are the labels themselves, whatever is painted
    assert metrics["probe_r2"]["mid.600"]["value"] > 0.999
    assert metrics["phase"]["sheet"] == "C"


def test_p1_is_read_at_its_place_and_its_embedding_kept(folder):
    config = config_of(p1={"layer": "down1", "t": 50})
    (folder.path / "references.json").unlink()
    observer = observer_of(config, folder)
    metrics = observer.record(fresh_network(config), 0)
    assert list(metrics["p1_r2"]) == ["down1.50"]
    nulls = metrics["p1_r2"]["down1.50"]["baselines"]
    assert {"untrained", "pixels", "label_embedding", "permuted"} <= set(nulls)
    assert set(metrics["phase"]) == {"behaviour", "sheet", "representation_p1"}
    (snapshot,) = folder.snapshots
    assert snapshot.embedding(Site("down1", 50)).shape == (64, 3)
    assert snapshot.embedding(Site("mid", 50)) is None


def test_half_precision_holds_what_is_in_range_and_clips_the_rest():
    exact = np.array([-1e9, -70_000.0, -1.5, 0.0, 0.25, 65_504.0, 1e30, np.nan])
    rounded = half(exact)
    assert rounded.dtype == np.float16
    np.testing.assert_array_equal(rounded, [-65_504, -65_504, -1.5, 0, 0.25, 65_504, 65_504, np.nan])


def test_weights_are_written_whole_whatever_their_layout(tmp_path):
    layer = nn.Linear(3, 5)
    layer.weight = nn.Parameter(torch.arange(15.0).view(3, 5).T)
    write_weights(tmp_path / "weights.safetensors", layer)
    arrays = load_file(tmp_path / "weights.safetensors")
    for name, tensor in layer.state_dict().items():
        np.testing.assert_array_equal(arrays[name], tensor.numpy())


@pytest.mark.some(2)
@pytest.mark.parametrize("name", ["probe_r2", "phase", "outcomes", "loss", "accuracy_matched"])
def test_a_family_that_returns_a_taken_name_is_refused_before_anything_is_written(name, folder, monkeypatch):
    config = config_of()
    observer = observer_of(config, folder)
    monkeypatch.setattr(type(observer.family), "examine", lambda *given: {name: 0.5})
    rule = rf"`\w+.examine` \(={name}\) must have a name of its own: `{name}` is a column of phasescope"
    with pytest.raises(ValueError, match=rule):
        observer.record(fresh_network(config), 0)
    assert not list((folder.path / "snapshots").iterdir())
