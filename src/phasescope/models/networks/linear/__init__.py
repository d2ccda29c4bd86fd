"""Linear networks, whose learning is known in closed form."""
