"""Diffusion: the family that learns to undo noise."""
