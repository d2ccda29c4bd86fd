"""What an observation of tests reads."""

PLAN = {
    "layers": ["down1", "mid"],
    "t": [50, 600], "images": {"grid": 40, "off_grid": 30}, "latent_labels": 64, "variance_labels": 20,
    "variance_draws": 3, "p1": None,
}  # fmt: skip
