"""What studies observe of runs that need little, and the share of labels that they leave out."""

LEFT_OUT = [0.2, 0.2]  # share of training images whose x, and whose y, is left out
FEW_OBSERVED = {
    "latent_labels": 64,
    "variance_labels": 16,
    "variance_draws": 2,
    "crossed_labels": 0,
    "t": [600],
    "p1": None,
    "bands": 1,
}
ENDS_ONLY = {  # only the end is read, so six snapshots and few latents keep the cost near that of training
    "snapshots": {"dense_until": 0, "every": 500},
    "latent_labels": 128,
    "variance_labels": 32,
    "crossed_labels": 32,
    "t": [600],
}
