"""Figures of measures on cases whose answer is known, and what was simulated of their intervals."""
