"""Statistics of several runs."""
