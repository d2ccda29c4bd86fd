"""Measures of generated images: whether they copy training images."""
