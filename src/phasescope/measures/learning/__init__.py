"""Of learning: when something sets in over a training, and which phase that is."""
