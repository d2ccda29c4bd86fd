"""Of what was painted: is it right, or a copy; how much it varies in each mode."""
