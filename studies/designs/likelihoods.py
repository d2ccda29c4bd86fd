"""Training and snapshots of models that are trained by a likelihood: VAEs, and flows but for what they change."""

PLAN = {"snapshots": {"dense_until": 0, "every": 200}, "images": {"grid": 64, "off_grid": 0}, "observe": []}
TRAINING = {
    "steps": 4000,
    "batch": 64,
    "optimiser": {"kind": "adamw", "lr": 0.001},
    "warmup": 100,
    "decay": "cosine",
    "ema": 0.99,
}
