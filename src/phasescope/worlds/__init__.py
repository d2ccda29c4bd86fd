"""Worlds: a factor space, a renderer and a design of the training labels."""
