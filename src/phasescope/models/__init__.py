"""Models and training: families, networks and the training loop."""
