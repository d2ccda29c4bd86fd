"""Measures of a representation: how latents follow labels, and in how many dimensions."""
