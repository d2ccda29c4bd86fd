"""Does a transformer that is conditioned on a ring's position have less loss after 20 steps than after 10? A study
of your own."""

from phasescope.studies import Asked, Claim, Courses, Difference, Study, end, product

RING = {
    "world": {"kind": "my_worlds.py:Rings"},
    "network": {"kind": "my_networks.py:DiT", "width": 16},
    "family": {"schedule": {"steps": 50}, "sampler": {"kind": "ddim", "steps": 4}},
    "training": {"batch": 16, "warmup": 2, "device": "cpu"},
    "probing": {
        "snapshots": {"dense_until": 0, "every": 10},
        "layers": ["layers.1"],
        "t": [5, 40],
        "images": {"grid": 16, "off_grid": 16},
        "latent_labels": 64,
        "variance_labels": 16,
        "variance_draws": 2,
        "bands": 2,
        "band_images": 8,
        "representation": {"layer": "layers.1", "t": 40},
        "p1": None,
    },
}

STUDY = Study(
    name="rings",
    question="Does a ring sampler learn more in twenty steps than in ten?",
    base="small",
    cells=product(
        "{length} steps",
        lambda length: {**RING, "training": {**RING["training"], "steps": length}},
        length=(10, 20),
    ),
    seeds=2,
    claims=[
        Claim(
            "learns_more",
            "Twenty steps leave less loss than ten.",
            Difference("length", 10, 20),
            end("loss"),
            threshold=0.0,
            effect=0.5,
            spread=0.1,
            minimum_n=2,
            limits="That either is enough.",
            asked=Asked.BEFORE,
        )
    ],
    plots=[Courses("losses", "Loss", {"loss": "loss"}, by="length", ylabel="loss")],
)
