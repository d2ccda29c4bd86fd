"""What is trained, and how: families, networks and the training loop."""
