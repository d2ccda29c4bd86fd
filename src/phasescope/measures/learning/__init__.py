"""Measures of learning: gains, phases and their onsets."""
